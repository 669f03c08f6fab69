/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The path of a simulated domain's answers: held in marks, released, or left
 * as they are when the process dies.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static bool fails(struct net *n, const char *what, struct err *e)
{
    return sim_op_fails(n->dom, &n->sim->fail_net, what, e);
}

static int net_attach(const struct dom_info *info, const struct logger *log,
                      struct net **n_r, struct err *e)
{
    struct sim_dom *d = (struct sim_dom *)info;

    (void)log;
    if (fails(&d->out, "attach", e))
        return e->code;
    *n_r = &d->out;
    return 0;
}

static int net_hold(struct net *n, struct err *e)
{
    if (fails(n, "hold", e))
        return e->code;
    n->holding = true;
    return 0;
}

static int net_mark(struct net *n, struct err *e)
{
    if (fails(n, "mark", e))
        return e->code;
    n->mark++;
    n->marked_epoch = n->dom->epoch;
    return 0;
}

static void let_go(struct net *n, uint64_t mark)
{
    size_t gone = 0;

    while (gone < n->held_nr && n->held[gone].mark < mark)
        oracle_told(n->dom, n->held[gone++].number);
    n->held_nr -= gone;
    if (n->held_nr)
        memmove(n->held, n->held + gone, n->held_nr * sizeof(*n->held));
}

static int net_release_epoch(struct net *n, struct err *e)
{
    if (fails(n, "release", e))
        return e->code;
    SIM_CHECK(n->sim, n->marked_epoch <= n->sim->applied ||
              (sim_is_qemu(n->sim) && n->marked_epoch <= n->sim->complete),
              "output of epoch %llu released, and %llu is applied",
              (unsigned long long)n->marked_epoch,
              (unsigned long long)n->sim->applied);
    let_go(n, n->mark);
    return 0;
}

static int net_release_all(struct net *n, struct err *e)
{
    (void)e;
    n->holding = n->tapped = false;
    n->frames.count = 0;
    let_go(n, UINT64_MAX);
    return 0;
}

/* ---- COLO --------------------------------------------------------------- */

void sim_frames_put(struct sim_frames *f, bool to_domain,
                    const uint8_t *data, size_t n)
{
    unsigned int at = (f->first + f->count) % FRAMES_MAX;

    if (f->count == FRAMES_MAX || n > sizeof(f->ring[at].data))
        return;    /* lost, as in any network */
    f->ring[at].to_domain = to_domain;
    f->ring[at].n = n;
    memcpy(f->ring[at].data, data, n);
    f->count++;
}

static int net_tap(struct net *n, struct err *e)
{
    if (fails(n, "tap", e))
        return e->code;
    n->tapped = true;
    return 0;
}

static int net_fd(struct net *n)
{
    (void)n;
    return 0;    /* there is none: SLOT_NET */
}

static int net_next(struct net *n, struct net_frame *f_r)
{
    struct sim_frames *f = &n->frames;

    if (f->count == 0)
        return ERR_AGAIN;
    *f_r = (struct net_frame) {
        .to_domain = f->ring[f->first].to_domain,
        .data = f->ring[f->first].data, .size = f->ring[f->first].n,
    };
    f->first = (f->first + 1) % FRAMES_MAX;
    f->count--;
    if (!f_r->to_domain && !n->dom->d.copy && n->sim->freeze_ns) {
        sim_freeze(n->sim, n->dom->host, n->sim->freeze_ns, true);
        n->sim->freeze_ns = 0;
    }
    return 0;
}

static int net_put(struct net *n, const struct net_frame *f, struct err *e)
{
    struct sim_dom *d = n->dom;

    if (fails(n, "put", e))
        return e->code;
    if (!f->to_domain && !d->d.copy) {
        oracle_speaks(d);
        sim_client_hears(n->sim, d->host, f->data, f->size);
    } else if (f->to_domain && d->d.copy) {
        sim_frames_put(&d->waiting, true, f->data, f->size);
        sim_dom_pump(d);
    }
    return 0;
}

static int net_stats_get(struct net *n, struct net_stats *s, struct err *e)
{
    (void)n;
    (void)e;
    memset(s, 0, sizeof(*s));
    return 0;
}

static void net_drop(struct net *n)
{
    SOMETIMES(n->sim, n->held_nr > 0, DROPPED);
    n->holding = n->tapped = false;
    n->frames.count = 0;
    n->held_nr = 0;
}

static void net_nothing(struct net *n)
{
    (void)n;
}

static int net_announce(const struct dom_info *info, struct err *e)
{
    (void)info;
    (void)e;
    return 0;
}

const struct net_ops sim_net_ops = {
    .name = "simulated", .attach = net_attach, .hold = net_hold,
    .mark = net_mark, .release_epoch = net_release_epoch,
    .release_all = net_release_all, .stats = net_stats_get,
    .detach = net_nothing, .drop = net_drop, .abandon = net_nothing,
    .tap = net_tap, .fd = net_fd, .next = net_next, .put = net_put,
    .announce = net_announce,
};
