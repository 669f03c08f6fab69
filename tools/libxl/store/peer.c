/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sockets to a QEMU.
 *
 * QEMU leaves Nagle's algorithm on for this connection, so what it sends next
 * waits for our acknowledgement: with TCP that is asked for after each
 * receive, and our own answers aren't held back.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

struct place {
    struct sockaddr_storage addr;
    socklen_t length;
    bool tcp;
};

static int usage(const char *address, struct err *e)
{
    return err_set(e, ERR_USAGE, "an address is tcp:HOST:PORT or unix:PATH, "
                   "not `%s'", address);
}

/* HOST and PORT of what follows "tcp:". */
static int split(const char *address, char host[PEER_NAME],
                 const char **port_r, struct err *e)
{
    const char *text = address + 4, *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;

    if (!n || !colon[1] || strspn(colon + 1, "0123456789") !=
        strlen(colon + 1) || strtoul(colon + 1, NULL, 10) > 65535)
        return usage(address, e);
    if (text[0] == '[' && text[n - 1] == ']' && n > 2) {
        text++;
        n -= 2;
    }
    if (n >= PEER_NAME)
        return usage(address, e);
    memcpy(host, text, n);
    host[n] = '\0';
    *port_r = colon + 1;
    return 0;
}

int peer_check(const char *address, struct err *e)
{
    struct sockaddr_un un;
    char host[PEER_NAME];
    const char *port;

    if (!strncmp(address, "tcp:", 4))
        return split(address, host, &port, e);
    if (strncmp(address, "unix:", 5) || !address[5])
        return usage(address, e);
    if (strlen(address + 5) >= sizeof(un.sun_path))
        return err_set(e, ERR_USAGE, "%.40s...: the path of a unix socket "
                       "has at most %zu characters", address,
                       sizeof(un.sun_path) - 1);
    return 0;
}

static int find_tcp(const char *address, bool listen_there, struct place *p,
                    struct err *e)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = listen_there ? AI_PASSIVE : 0,
    };
    struct addrinfo *found;
    char host[PEER_NAME];
    const char *port;
    int r, rc = split(address, host, &port, e);

    if (rc)
        return rc;
    r = getaddrinfo(host, port, &hints, &found);
    if (r)
        return err_set(e, ERR_NOTFOUND, "%s: %s", address, gai_strerror(r));
    memcpy(&p->addr, found->ai_addr, found->ai_addrlen);
    p->length = found->ai_addrlen;
    p->tcp = true;
    freeaddrinfo(found);
    return 0;
}

static int find(const char *address, bool listen_there, struct place *p,
                struct err *e)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&p->addr;
    int rc = peer_check(address, e);

    memset(p, 0, sizeof(*p));
    if (rc)
        return rc;
    if (!strncmp(address, "tcp:", 4))
        return find_tcp(address, listen_there, p, e);
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, address + 5);
    p->length = sizeof(*un);
    return 0;
}

static int open_socket(const char *address, bool listen_there,
                       struct place *p, int *fd_r, struct err *e)
{
    int rc = find(address, listen_there, p, e);

    if (rc)
        return rc;
    *fd_r = socket(p->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *fd_r < 0 ? err_sys(e, ERR_IO, errno, "%s", address) : 0;
}

/* ---- listening. */

static void remove_stale(const char *path, const struct place *p)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat st;

    if (fd >= 0 && !lstat(path, &st) && S_ISSOCK(st.st_mode) &&
        connect(fd, (const struct sockaddr *)&p->addr, p->length) &&
        errno == ECONNREFUSED)
        unlink(path);
}

static void name_of(const char *address, int fd, char name_r[PEER_NAME])
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    const char *colon = strrchr(address, ':');
    unsigned int port = 0;

    snprintf(name_r, PEER_NAME, "%s", address);
    if (strncmp(address, "tcp:", 4) ||
        getsockname(fd, (struct sockaddr *)&a, &n))
        return;
    if (a.ss_family == AF_INET)
        port = ntohs(((struct sockaddr_in *)&a)->sin_port);
    else if (a.ss_family == AF_INET6)
        port = ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    snprintf(name_r, PEER_NAME, "%.*s:%u", (int)(colon - address), address,
             port);
}

int peer_listen(const char *address, int *fd_r, char name_r[PEER_NAME],
                struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    struct place p;
    int on = 1, rc = open_socket(address, true, &p, &fd, e);

    if (rc)
        return rc;
    if (p.tcp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    else
        remove_stale(address + 5, &p);
    if (bind(fd, (struct sockaddr *)&p.addr, p.length) || listen(fd, 1))
        return err_sys(e, ERR_IO, errno, "listening at %s", address);
    name_of(address, fd, name_r);
    *fd_r = fd;
    fd = -1;
    return 0;
}

static void set_options(struct peer *p)
{
    int on = 1;

    if (p->tcp)
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int peer_accept(const char *address, int listener, struct peer *p,
                struct err *e)
{
    do {
        p->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    } while (p->fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (p->fd < 0)
        err_sys(e, ERR_IO, errno, "listening at %s", address);
    close(listener);
    p->tcp = !strncmp(address, "tcp:", 4);
    if (!p->tcp)
        unlink(address + 5);
    set_options(p);
    return p->fd < 0 ? e->code : 0;
}

/* ---- a connection. */

/* Until @events or the deadline; a signal doesn't make it longer. */
static int wait_for(const struct peer *p, short events, unsigned int wait_ms,
                    struct err *e)
{
    struct pollfd fd = { .fd = p->fd, .events = events };
    uint64_t end = clock_ms() + wait_ms, now;
    int r;

    do {
        now = clock_ms();
        r = poll(&fd, 1, !wait_ms ? -1 : now < end ? (int)(end - now) : 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_sys(e, ERR_IO, errno, "waiting for %s", p->who);
    return r ? 0 : err_set(e, ERR_TIMEOUT, "%s: nothing for %u ms", p->who,
                           wait_ms);
}

int peer_connect(const char *address, unsigned int wait_ms, struct peer *p,
                 struct err *e)
{
    struct place place;
    socklen_t n = sizeof(int);
    int r, error = 0, rc = open_socket(address, false, &place, &p->fd, e);

    if (rc)
        return rc;
    p->tcp = place.tcp;
    set_options(p);
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    r = connect(p->fd, (struct sockaddr *)&place.addr, place.length);
    if (r && (errno == EINPROGRESS || errno == EINTR)) {
        rc = wait_for(p, POLLOUT, wait_ms, e);
        r = getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n);
        if (!r && error) {
            errno = error;
            r = -1;
        }
    }
    if (!rc && r)
        rc = err_sys(e, ERR_IO, errno, "connecting to %s", address);
    if (rc)
        peer_close(p);
    return rc;
}

void peer_close(struct peer *p)
{
    cleanup_close(&p->fd);
}

static int ended(const struct peer *p, int errnum, struct err *e)
{
    return errnum && errnum != ECONNRESET && errnum != EPIPE ?
           err_sys(e, ERR_IO, errnum, "%s", p->who) :
           err_set(e, ERR_EOF, "%s closed the connection", p->who);
}

int peer_receive(struct peer *p, void *data, size_t n, unsigned int wait_ms,
                 size_t *n_r, struct err *e)
{
    int on = 1, rc;
    ssize_t r;

    for (;;) {
        rc = wait_for(p, POLLIN, wait_ms, e);
        if (rc)
            return rc;
        r = recv(p->fd, data, n, MSG_DONTWAIT);
        if (r >= 0 || (errno != EINTR && errno != EAGAIN))
            break;
    }
    if (r <= 0)
        return ended(p, r ? errno : 0, e);
    if (p->tcp)
        setsockopt(p->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
    *n_r = (size_t)r;
    return 0;
}

int peer_send(struct peer *p, const void *data, size_t n,
              unsigned int wait_ms, struct err *e)
{
    const uint8_t *at = data;
    ssize_t r;
    int rc;

    while (n) {
        r = send(p->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r >= 0) {
            at += r;
            n -= (size_t)r;
        } else if (errno == EAGAIN) {
            rc = wait_for(p, POLLOUT, wait_ms, e);
            if (rc)
                return rc;
        } else if (errno != EINTR) {
            return ended(p, errno, e);
        }
    }
    return 0;
}
