/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain's way to the world: a TCP address of this host. Each
 * connection to it is a TCP peer of the guest, which speaks to it in frames
 * (embedded_net.c): opened when its socket is accepted, closed with it. A
 * socket is read while the guest runs, once the guest has taken its peer.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "embedded_int.h"
#include "embedded_tcp.h"

#define POLL_BATCH 32

/* Where the peers are: 10.64.0.0 to 10.127.255.255, by slot and life; the
   ports are those that hosts choose. */
#define PEERS_IP   0x0a400000u
#define PEERS_PORT 0x8000u
_Static_assert(EMB_CLIENTS_MAX <= 64, "a slot has six bits of an address");

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
    return emb_watch(d->live, fd, e);
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

/* The lives begin anywhere, so that no frame to a peer of a process is taken
   for one to a peer of the process that takes over. */
void emb_service_init(struct dom *d)
{
    uint32_t life = 0;

    if (getrandom(&life, sizeof(life), 0) < 0)
        life = (uint32_t)getpid() << 16;
    for (int i = 0; i < EMB_CLIENTS_MAX; i++)
        d->clients[i] = (struct emb_client) { .fd = -1, .life = life };
    d->listener = -1;
}

/* ---- peers -------------------------------------------------------------- */

static uint32_t ip_of(const struct dom *d, const struct emb_client *c)
{
    return PEERS_IP + ((uint32_t)(c - d->clients) << 16) +
        (c->life >> 15 & 0xffff);
}

static uint16_t port_of(const struct emb_client *c)
{
    return (uint16_t)(PEERS_PORT | (c->life & 0x7fff));
}

/* The peer of a frame's address; NULL: it is no more. */
static struct emb_client *client_at(struct dom *d, uint32_t ip, uint16_t port)
{
    uint32_t slot = (ip - PEERS_IP) >> 16;
    struct emb_client *c = slot < EMB_CLIENTS_MAX ? &d->clients[slot] : NULL;

    return c && c->fd >= 0 && ip_of(d, c) == ip && port_of(c) == port ? c
                                                                      : NULL;
}

/* A segment from peer @c; @flags besides its ACK. */
static void say(struct dom *d, struct emb_client *c, uint8_t flags,
                const void *data, size_t n)
{
    struct segment s = {
        .src = ip_of(d, c), .src_port = port_of(c),
        .dst = GUEST_IP, .dst_port = GUEST_PORT,
        .seq = c->seq, .ack = c->ack, .data = data, .size = n,
        .flags = (uint8_t)(flags | (c->state == PEER_OPENS ? 0 : TCP_ACK)),
    };
    uint8_t frame[SEGMENT_MAX];
    size_t size = segment_build(&s, frame);

    c->seq += (uint32_t)n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    emb_to_guest(d, frame, size);
}

/* Its connection is lost. */
static void reset(struct dom *d, struct emb_client *c)
{
    say(d, c, TCP_RST, NULL, 0);
    drop(c);
}

/* What the guest sends to @c: onto its socket. A client that doesn't read
   loses its connection, as it would with any server that doesn't queue without
   bound, and so does one that a segment hasn't reached. */
static void stream(struct dom *d, struct emb_client *c, const struct frame *f)
{
    uint32_t old = c->ack - f->seq;
    ssize_t n;

    if (seq_after(f->seq, c->ack)) {
        reset(d, c);
        return;
    }
    if (old < f->size) {
        n = (ssize_t)(f->size - old);
        c->ack += (uint32_t)n;
        if (send(c->fd, f->body + old, (size_t)n,
                 MSG_NOSIGNAL | MSG_DONTWAIT) != n) {
            reset(d, c);
            return;
        }
    }
    if (f->flags & TCP_FIN)
        drop(c);
}

void emb_peer_takes(struct dom *d, const uint8_t *frame, size_t n)
{
    struct emb_client *c;
    struct frame f;
    struct err e;

    frame_parse(frame, n, &f);
    if (f.kind != FRAME_TCP || f.key.ether_type != 0x0800)
        return;
    c = client_at(d, get_be32(f.key.dst), f.key.dst_port);
    if (!c)
        return;
    if (f.flags & TCP_RST) {
        drop(c);
    } else if (c->state != PEER_OPENS) {
        stream(d, c, &f);
    } else if ((f.flags & TCP_SYN) && f.ack == c->seq) {
        c->state = PEER_OPEN;
        c->ack = f.seq + 1;
        say(d, c, 0, NULL, 0);
        if (emb_watch(d->live, c->fd, &e))
            reset(d, c);
    }
}

void emb_peer_misses(struct dom *d, const uint8_t *frame, size_t n)
{
    struct emb_client *c;
    struct frame f;

    frame_parse(frame, n, &f);
    c = client_at(d, get_be32(f.key.dst), f.key.dst_port);
    if (c)
        reset(d, c);
}

/* ---- sockets ------------------------------------------------------------ */

/* A free slot, else one whose client has said all. */
static struct emb_client *slot_for_client(struct dom *d)
{
    struct emb_client *closing = NULL;

    for (int i = 0; i < EMB_CLIENTS_MAX; i++) {
        if (d->clients[i].fd < 0)
            return &d->clients[i];
        if (d->clients[i].state == PEER_CLOSES)
            closing = &d->clients[i];
    }
    if (closing)
        drop(closing);
    return closing;
}

static void accept_client(struct dom *d)
{
    int on = 1, fd = accept4(d->listener, NULL, NULL,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct emb_client *c;

    if (fd < 0)
        return;
    c = slot_for_client(d);
    if (!c) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->fd = fd;
    c->state = PEER_OPENS;
    c->seq = c->life << 12;
    c->ack = 0;
    say(d, c, TCP_SYN, NULL, 0);
}

static void serve_client(struct dom *d, struct emb_client *c)
{
    uint8_t data[SEGMENT_DATA_MAX];
    ssize_t r = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r < 0) {
        reset(d, c);
    } else if (r == 0) {
        epoll_ctl(d->live, EPOLL_CTL_DEL, c->fd, NULL);
        c->state = PEER_CLOSES;
        say(d, c, TCP_FIN, NULL, 0);
    } else {
        say(d, c, TCP_PSH, data, (size_t)r);
    }
}

/* One of those that count while the guest runs. */
static void serve_live(struct dom *d, int fd)
{
    uint64_t ticks;
    struct err e;

    if (!d->is_live)
        return;
    if (fd == d->tick) {
        if (read(fd, &ticks, sizeof(ticks)) == sizeof(ticks))
            guest_work(&d->guest, d->config.work_pages);
        if (d->wants_address && emb_service_start(d, &e))
            log_error(d->log, "domain=embedded reason=\"%s\"", e.msg);
    } else if (fd == d->listener) {
        accept_client(d);
    } else {
        for (unsigned int i = 0; i < EMB_CLIENTS_MAX; i++)
            if (d->clients[i].fd == fd && d->clients[i].state == PEER_OPEN)
                serve_client(d, &d->clients[i]);
    }
}

static void poll_live(struct dom *d)
{
    struct epoll_event ready[POLL_BATCH];
    int n = epoll_wait(d->live, ready, POLL_BATCH, 0);

    for (int i = 0; i < n; i++)
        serve_live(d, ready[i].data.fd);
}

static void serve_fd(struct dom *d, int fd)
{
    uint64_t count;

    if (d->feed) {
        emb_feed_poll(d);
    } else if (fd == d->live) {
        poll_live(d);
    } else if (fd == d->agree) {
        emb_agree(d);
    } else if (read(fd, &count, sizeof(count)) < 0) {
        return;    /* our own events: nothing but a wake-up */
    }
}

void emb_service_poll(struct dom *d)
{
    struct epoll_event ready[POLL_BATCH];
    int n = epoll_wait(d->epoll, ready, POLL_BATCH, 0);

    for (int i = 0; i < n; i++)
        serve_fd(d, ready[i].data.fd);
}
