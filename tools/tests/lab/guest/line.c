/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The poll loop of line.h.  Never blocks on one client; knows nothing of what
 * the lines mean.  Called by ackd.c and probe.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line.h"

#define MAX_PORTS 4

static struct line_client *clients[LINE_MAX_CLIENTS];

void line_reply(struct line_client *c, const char *format, ...)
{
    char text[1024];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n >= (int)sizeof(text))
        n = sizeof(text) - 1;
    if (c->out_length + n > LINE_MAX_QUEUE) {
        c->closing = true;
        return;
    }
    if (c->out_length + n > c->out_size) {
        size_t size = 2 * (c->out_length + n);
        char *grown = realloc(c->out, size);

        if (!grown)
            return;
        c->out = grown;
        c->out_size = size;
    }
    memcpy(c->out + c->out_length, text, n);
    c->out_length += n;
}

static int listen_on(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static void drop(struct line_client **slot)
{
    close((*slot)->fd);
    free((*slot)->out);
    free(*slot);
    *slot = NULL;
}

static void accept_one(int listener, int service)
{
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (int i = 0; i < LINE_MAX_CLIENTS; i++) {
        if (clients[i])
            continue;
        clients[i] = calloc(1, sizeof(*clients[i]));
        if (!clients[i])
            break;
        clients[i]->fd = fd;
        clients[i]->service = service;
        return;
    }
    close(fd);
}

/* False when the client is to be dropped. */
static bool send_queue(struct line_client *c)
{
    ssize_t r;

    if (c->out_length > 0) {
        r = send(c->fd, c->out, c->out_length, MSG_NOSIGNAL);
        if (r < 0)
            return errno == EAGAIN || errno == EINTR;
        memmove(c->out, c->out + r, c->out_length - r);
        c->out_length -= r;
    }
    return c->out_length > 0 || !c->closing;
}

/* False when the client is to be dropped. */
static bool receive(struct line_client *c, line_handler *handler)
{
    char *start = c->in, *end;
    ssize_t r = recv(c->fd, c->in + c->in_length,
                     sizeof(c->in) - c->in_length, 0);

    if (r < 0)
        return errno == EAGAIN || errno == EINTR;
    if (r == 0)
        return false;
    c->in_length += r;
    while ((end = memchr(start, '\n', c->in_length - (start - c->in)))) {
        *end = '\0';
        if (end > start && end[-1] == '\r')
            end[-1] = '\0';
        handler(c, start);
        start = end + 1;
    }
    c->in_length -= start - c->in;
    memmove(c->in, start, c->in_length);
    return c->in_length < sizeof(c->in) && send_queue(c);
}

static void serve_client(struct line_client **slot, short revents,
                         line_handler *handler)
{
    bool keep = true;

    if (revents & POLLIN)
        keep = receive(*slot, handler);
    else if (revents & (POLLERR | POLLHUP))
        keep = false;
    else if (revents & POLLOUT)
        keep = send_queue(*slot);
    if (!keep)
        drop(slot);
}

void line_serve(const int *ports, line_handler *handler)
{
    int listeners[MAX_PORTS], n_ports = 0;

    for (; ports[n_ports] && n_ports < MAX_PORTS; n_ports++)
        listeners[n_ports] = listen_on(ports[n_ports]);
    for (;;) {
        struct pollfd p[MAX_PORTS + LINE_MAX_CLIENTS];
        int slot_of[MAX_PORTS + LINE_MAX_CLIENTS];
        int n = 0;

        for (; n < n_ports; n++)
            p[n] = (struct pollfd){.fd = listeners[n], .events = POLLIN};
        for (int i = 0; i < LINE_MAX_CLIENTS; i++) {
            if (!clients[i])
                continue;
            slot_of[n] = i;
            p[n].fd = clients[i]->fd;
            p[n].events = clients[i]->out_length ? POLLIN | POLLOUT : POLLIN;
            n++;
        }
        if (poll(p, n, -1) < 0)
            continue;
        for (int i = n_ports; i < n; i++)
            serve_client(&clients[slot_of[i]], p[i].revents, handler);
        for (int i = 0; i < n_ports; i++)
            if (p[i].revents)
                accept_one(listeners[i], ports[i]);
    }
}
