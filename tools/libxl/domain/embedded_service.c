/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain's way to the world: a TCP address whose requests the
 * guest answers while it runs, and the network ops that hold the answers
 * back until their epoch is safe.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "embedded_int.h"

#define POLL_BATCH 32

struct emb_answer {
    struct emb_answer *next;
    unsigned int client;
    uint32_t life;
    uint64_t epoch;
    size_t size;
    char text[];
};

struct net {                    /* net_embedded_ops' */
    struct dom *dom;
    bool holding;
    uint64_t epoch;             /* answers of now belong to it */
    struct emb_answer *head, **tail;
    struct net_stats stats;
};

/*
 * Bind and listen. A copy that takes over while the domain that it copies has
 * the address, in another process of this host, tries again at each tick: two
 * hosts in one network could both have it.
 */
int emb_service_start(struct dom *d, struct err *e)
{
    int on = 1, fd;

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "no socket for the service");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&d->config.listen,
             sizeof(d->config.listen)) || listen(fd, EMB_CLIENTS_MAX)) {
        int saved = errno;

        close(fd);
        d->wants_address = d->sink && saved == EADDRINUSE;
        if (d->wants_address)
            return 0;
        return err_sys(e, ERR_IO, saved, "the service's address");
    }
    d->wants_address = false;
    d->listener = fd;
    return emb_watch(d, fd, e);
}

static void drop(struct emb_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->life++;
}

void emb_service_stop(struct dom *d)
{
    for (int i = 0; i < EMB_CLIENTS_MAX; i++)
        drop(&d->clients[i]);
    if (d->listener >= 0)
        close(d->listener);
    d->listener = -1;
}

static void accept_client(struct dom *d)
{
    int on = 1, fd = accept4(d->listener, NULL, NULL,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (int i = 0; i < EMB_CLIENTS_MAX; i++) {
        struct emb_client *c = &d->clients[i];
        struct err e;

        if (c->fd >= 0)
            continue;
        c->fd = fd;
        c->used = 0;
        if (emb_watch(d, fd, &e))
            drop(c);
        return;
    }
    close(fd);
}

/* ---- answers, held or not ----------------------------------------------- */

static void send_now(struct dom *d, unsigned int client, uint32_t life,
                     const char *text, size_t n)
{
    struct emb_client *c = &d->clients[client];

    /* A client that doesn't read loses its connection, as it would with
       any server that doesn't queue without bound. */
    if (c->fd >= 0 && c->life == life &&
        send(c->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
        drop(c);
}

static void put_answer(struct dom *d, unsigned int client, const char *text,
                       size_t n)
{
    struct net *net = d->net;
    struct emb_answer *a;

    if (!net || !net->holding) {
        send_now(d, client, d->clients[client].life, text, n);
        return;
    }
    a = net->stats.held_bytes + n <= EMB_HELD_MAX ? malloc(sizeof(*a) + n)
                                                  : NULL;
    if (!a) {
        net->stats.dropped_packets++;
        return;
    }
    *a = (struct emb_answer) { .client = client, .epoch = net->epoch,
                               .life = d->clients[client].life, .size = n };
    memcpy(a->text, text, n);
    *net->tail = a;
    net->tail = &a->next;
    net->stats.held_packets++;
    net->stats.held_bytes += n;
}

static void release_until(struct net *n, uint64_t epoch)
{
    while (n->head && n->head->epoch <= epoch) {
        struct emb_answer *a = n->head;

        n->head = a->next;
        n->stats.held_packets--;
        n->stats.held_bytes -= a->size;
        n->stats.sent_packets++;
        send_now(n->dom, a->client, a->life, a->text, a->size);
        free(a);
    }
    if (!n->head)
        n->tail = &n->head;
}

/* ---- requests ----------------------------------------------------------- */

/* Whole lines of client @i, one after another. */
static void serve_lines(struct dom *d, unsigned int i)
{
    struct emb_client *c = &d->clients[i];
    char *end;

    while (c->fd >= 0 &&
           (end = memchr(c->line, '\n', c->used))) {
        char answer[GUEST_LINE];
        size_t n = (size_t)(end - c->line) + 1;

        *end = '\0';
        if (end > c->line && end[-1] == '\r')
            end[-1] = '\0';
        guest_request(&d->guest, c->line, answer);
        memmove(c->line, c->line + n, c->used - n);
        c->used -= n;
        put_answer(d, i, answer, strlen(answer));
    }
    if (c->used == sizeof(c->line))
        drop(c);
}

static void serve_client(struct dom *d, unsigned int i)
{
    struct emb_client *c = &d->clients[i];
    ssize_t r = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used,
                     MSG_DONTWAIT);

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r <= 0) {
        drop(c);
        return;
    }
    c->used += (size_t)r;
    serve_lines(d, i);
}

static void serve_fd(struct dom *d, int fd)
{
    uint64_t ticks;
    struct err e;

    if (d->feed) {
        emb_feed_poll(d);
    } else if (fd == d->event) {
        if (read(fd, &ticks, sizeof(ticks)) < 0)
            return;
    } else if (!d->running || d->paused) {
        return;     /* a guest that stands still takes nothing */
    } else if (fd == d->tick) {
        if (read(fd, &ticks, sizeof(ticks)) == sizeof(ticks))
            guest_work(&d->guest, d->config.work_pages);
        if (d->wants_address && emb_service_start(d, &e))
            log_error(d->log, "domain=embedded reason=\"%s\"", e.msg);
    } else if (fd == d->listener) {
        accept_client(d);
    } else {
        for (unsigned int i = 0; i < EMB_CLIENTS_MAX; i++)
            if (d->clients[i].fd == fd)
                serve_client(d, i);
    }
}

void emb_service_poll(struct dom *d)
{
    struct epoll_event ready[POLL_BATCH];
    int n = epoll_wait(d->epoll, ready, POLL_BATCH, 0);

    for (int i = 0; i < n; i++)
        serve_fd(d, ready[i].data.fd);
}

/* ---- network ops -------------------------------------------------------- */

static int net_attach(const struct dom_info *info, const struct logger *log,
                      struct net **n_r, struct err *e)
{
    struct dom *d = (struct dom *)info;
    struct net *n = calloc(1, sizeof(*n));

    (void)log;
    if (!n)
        return err_set(e, ERR_NOMEM, "no memory");
    n->dom = d;
    n->tail = &n->head;
    d->net = n;
    *n_r = n;
    return 0;
}

static int net_hold(struct net *n, struct err *e)
{
    (void)e;
    n->holding = true;
    return 0;
}

static int net_mark(struct net *n, struct err *e)
{
    (void)e;
    n->epoch++;
    return 0;
}

static int net_release_epoch(struct net *n, struct err *e)
{
    (void)e;
    if (n->epoch > 0)
        release_until(n, n->epoch - 1);
    return 0;
}

static int net_release_all(struct net *n, struct err *e)
{
    (void)e;
    n->holding = false;
    release_until(n, UINT64_MAX);
    return 0;
}

static int net_stats_get(struct net *n, struct net_stats *s, struct err *e)
{
    (void)e;
    *s = n->stats;
    return 0;
}

static void net_abandon(struct net *n)
{
    while (n->head) {
        struct emb_answer *a = n->head;

        n->head = a->next;
        free(a);
    }
    n->dom->net = NULL;
    free(n);
}

static void net_detach(struct net *n)
{
    if (n)
        net_abandon(n);
}

static int net_announce(const struct dom_info *info, struct err *e)
{
    (void)info;
    (void)e;
    return 0;       /* whoever binds the address has it */
}

const struct net_ops net_embedded_ops = {
    .name = "embedded", .attach = net_attach, .hold = net_hold,
    .mark = net_mark, .release_epoch = net_release_epoch,
    .release_all = net_release_all, .stats = net_stats_get,
    .detach = net_detach, .drop = net_abandon, .abandon = net_abandon,
    .announce = net_announce,
};

int emb_pause(struct dom *d, struct err *e)
{
    (void)e;
    d->paused = true;
    return 0;
}

int emb_unpause(struct dom *d, struct err *e)
{
    (void)e;
    d->paused = false;
    return 0;
}

bool emb_is_paused(struct dom *d)
{
    return d->paused;
}
