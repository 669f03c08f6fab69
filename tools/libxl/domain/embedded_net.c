/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain's network between the guest and its peers: frames to a
 * guest that stands still wait, and what the guest sends is delivered, held
 * until its epoch is safe (Remus), or told of (COLO).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "embedded_int.h"

struct emb_packet {
    struct emb_packet *next;
    uint64_t epoch;
    bool to_domain;
    size_t size;
    uint8_t data[];
};

struct net {                    /* net_embedded_ops' */
    struct dom *dom;
    bool holding, tapped;
    int event;                  /* tapped: readable while frames are there */
    uint64_t epoch;             /* what is sent now belongs to it */
    struct emb_queue queue;     /* held, or to be told of */
    struct emb_packet *told;    /* what next() has handed out */
    struct net_stats stats;
};

/* ---- queues ------------------------------------------------------------- */

/* False: there is no room. */
static bool queue_put(struct emb_queue *q, const uint8_t *data, size_t n,
                      bool to_domain, uint64_t epoch)
{
    struct emb_packet *p = q->octets + n <= EMB_HELD_MAX
        ? malloc(sizeof(*p) + n) : NULL;

    if (!p)
        return false;
    *p = (struct emb_packet) { .epoch = epoch, .to_domain = to_domain,
                               .size = n };
    memcpy(p->data, data, n);
    if (q->head)
        q->last->next = p;
    else
        q->head = p;
    q->last = p;
    q->octets += n;
    return true;
}

static struct emb_packet *queue_take(struct emb_queue *q)
{
    struct emb_packet *p = q->head;

    if (p) {
        q->head = p->next;
        q->octets -= p->size;
    }
    return p;
}

void emb_queue_clear(struct emb_queue *q)
{
    for (struct emb_packet *p; (p = queue_take(q)); )
        free(p);
}

/* ---- from the guest ----------------------------------------------------- */

/* False: no room. */
static bool keep(struct net *n, const uint8_t *data, size_t size,
                 bool to_domain)
{
    uint64_t one = 1;
    bool first = !n->queue.head;

    if (!queue_put(&n->queue, data, size, to_domain, n->epoch)) {
        n->stats.dropped_packets++;
        return false;
    }
    if (!to_domain) {
        n->stats.held_packets++;
        n->stats.held_bytes += size;
    }
    if (n->tapped && first && write(n->event, &one, sizeof(one)) < 0)
        log_error(n->dom->log, "event=embedded-tap errno=%d", errno);
    return true;
}

/* All that the guest sends. A copy has no peers but for who taps it. */
static void from_guest(void *ctx, const uint8_t *frame, size_t size)
{
    struct dom *d = ctx;
    struct net *n = d->net;

    if (n && (n->tapped || (n->holding && !d->copy))) {
        if (!keep(n, frame, size, false) && !d->copy)
            emb_peer_misses(d, frame, size);
    } else if (!d->copy) {
        emb_peer_takes(d, frame, size);
    }
}

/* The oldest frame, which keep() has taken. */
static struct emb_packet *unkeep(struct net *n)
{
    struct emb_packet *p = queue_take(&n->queue);

    if (p && !p->to_domain) {
        n->stats.held_packets--;
        n->stats.held_bytes -= p->size;
    }
    return p;
}

static void deliver(struct net *n, const uint8_t *frame, size_t size)
{
    if (n->dom->copy)
        return;
    n->stats.sent_packets++;
    emb_peer_takes(n->dom, frame, size);
}

static void release_until(struct net *n, uint64_t epoch)
{
    while (n->queue.head && n->queue.head->epoch <= epoch) {
        struct emb_packet *p = unkeep(n);

        if (!p->to_domain)
            deliver(n, p->data, p->size);
        free(p);
    }
}

/* ---- to the guest ------------------------------------------------------- */

void emb_to_guest(struct dom *d, const uint8_t *frame, size_t size)
{
    /* What doesn't find room is lost, as in any network. */
    (void)queue_put(&d->waiting, frame, size, true, 0);
    emb_pump(d);
}

void emb_pump(struct dom *d)
{
    struct emb_packet *p;

    if (d->pumping)
        return;    /* a frame that comes of another has its turn */
    d->pumping = true;
    while (d->running && !d->paused && (p = queue_take(&d->waiting))) {
        if (d->net && d->net->tapped && !d->copy)
            keep(d->net, p->data, p->size, true);
        guest_frame(&d->guest, p->data, p->size, from_guest, d);
        free(p);
    }
    d->pumping = false;
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
    n->event = -1;
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
    uint64_t count;

    (void)e;
    n->holding = n->tapped = false;
    release_until(n, UINT64_MAX);
    if (n->event >= 0 && read(n->event, &count, sizeof(count)) < 0)
        return 0;    /* it wasn't readable */
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
    emb_queue_clear(&n->queue);
    free(n->told);
    if (n->event >= 0)
        close(n->event);
    n->dom->net = NULL;
    free(n);
}

static void net_detach(struct net *n)
{
    if (n)
        net_abandon(n);
}

static int net_tap(struct net *n, struct err *e)
{
    if (n->event < 0)
        n->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->event < 0)
        return err_sys(e, ERR_IO, errno, "no descriptor for a tap");
    n->tapped = true;
    return 0;
}

static int net_fd(struct net *n)
{
    return n->event;
}

static int net_next(struct net *n, struct net_frame *f_r)
{
    uint64_t count;

    free(n->told);
    n->told = unkeep(n);
    if (!n->told)
        return ERR_AGAIN;
    if (!n->queue.head && read(n->event, &count, sizeof(count)) < 0)
        log_error(n->dom->log, "event=embedded-tap errno=%d", errno);
    *f_r = (struct net_frame) { .to_domain = n->told->to_domain,
                                .data = n->told->data,
                                .size = n->told->size };
    return 0;
}

static int net_put(struct net *n, const struct net_frame *f, struct err *e)
{
    struct dom *d = n->dom;

    if (!f->to_domain)
        deliver(n, f->data, f->size);
    else if (d->copy)
        emb_to_guest(d, f->data, f->size);
    else if (!d->sink)
        return err_set(e, ERR_BUG, "a frame for a domain that has it");
    return 0;       /* a copy that took over knows no old peers */
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
    .tap = net_tap, .fd = net_fd, .next = net_next, .put = net_put,
    .announce = net_announce,
};
