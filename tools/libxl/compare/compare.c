/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The comparison of output: which frames leave, which wait for their twins,
 * the limits on them, and what asks for a checkpoint. What is equal is said
 * here for all but TCP (compare_tcp.c).
 */
#include "compare_int.h"

#include <stdlib.h>
#include <string.h>

static void drop_secondary(struct compare *c, struct flow *w)
{
    while (w->queue[SECONDARY].head)
        packet_drop(c, SECONDARY, w->queue[SECONDARY].head);
}

/* ---- verdicts ----------------------------------------------------------- */

static void want(struct compare *c, int kind, enum compare_why why)
{
    if (why == COMPARE_FULL && c->was_full)
        return;    /* once for each checkpoint */
    c->was_full |= why == COMPARE_FULL;
    c->stats.kind[kind].why[why]++;
    if (c->wanted == COMPARE_FINE)
        c->wanted = why;
}

static void diverge(struct compare *c, struct flow *w, enum compare_why why)
{
    w->diverged = true;
    want(c, w->kind, why);
    drop_secondary(c, w);
}

static void let_go(struct compare *c, const uint8_t *data, size_t n,
                   uint64_t came_ns)
{
    c->stats.released++;
    if (c->conf.release)
        c->conf.release(c->conf.ctx, data, n, came_ns);
}

static void matched(struct compare *c, const struct packet *p)
{
    c->stats.kind[p->flow->kind].matched++;
    let_go(c, p->data, p->size, p->came_ns);
}

/* It waits: a copy of it. Of the primary's twice as many are kept. */
static void keep(struct compare *c, enum side side, const struct packet *p)
{
    size_t times = side == PRIMARY ? 2 : 1;
    bool full = c->stats.packets >= c->conf.packets_max ||
        c->stats.octets + p->size > c->conf.octets_max;
    struct packet *kept = NULL;

    if (c->stats.packets < times * c->conf.packets_max &&
        c->stats.octets + p->size <= times * c->conf.octets_max)
        kept = packet_new(c, p->size);
    if (full || !kept)
        want(c, p->flow->kind, COMPARE_FULL);
    if (!kept) {
        if (side == PRIMARY)
            c->stats.dropped++;
        else
            c->stats.surplus++;
        return;
    }
    *kept = (struct packet) {
        .flow = p->flow, .came_ns = p->came_ns, .size = p->size,
        .length = p->length, .seq = p->seq, .ack = p->ack,
        .offset = p->offset, .flags = p->flags, .class = kept->class,
        .data = (uint8_t *)(kept + 1),
    };
    memcpy(kept->data, p->data, p->size);
    kept->body = kept->data + (p->body - p->data);
    packet_put(c, side, kept);
}

/* ---- TCP ---------------------------------------------------------------- */

/* What waits in the flow and needn't any more. */
static void settle_tcp(struct compare *c, struct flow *w)
{
    struct packet *p, *next;

    while ((p = w->queue[PRIMARY].head) && tcp_may_leave(w, p)) {
        tcp_leaves(w, p);
        packet_take(c, PRIMARY, p);
        matched(c, p);
        packet_free(c, p);
    }
    for (p = w->queue[SECONDARY].head; p; p = next) {
        next = p->next;
        if (!tcp_is_needed(w, p))
            packet_drop(c, SECONDARY, p);
    }
}

static void take_tcp(struct compare *c, enum side side, struct packet *p)
{
    struct flow *w = p->flow;
    bool fresh, differs = tcp_take(w, side, p, &fresh);

    if (fresh)
        drop_secondary(c, w);
    if (differs) {
        settle_tcp(c, w);    /* what came before the difference */
        diverge(c, w, COMPARE_DIFFERS);
        if (side == PRIMARY)
            keep(c, side, p);
        return;
    }
    if (side == SECONDARY) {
        if (tcp_is_needed(w, p))
            keep(c, side, p);
    } else if (!w->queue[PRIMARY].head && tcp_may_leave(w, p)) {
        tcp_leaves(w, p);
        matched(c, p);
    } else {
        keep(c, side, p);
    }
    settle_tcp(c, w);
}

/* ---- everything else ---------------------------------------------------- */

static struct packet *twin_of(const struct queue *q, const struct packet *p)
{
    for (struct packet *t = q->head; t; t = t->next)
        if (t->length == p->length && t->offset == p->offset &&
            !memcmp(t->body, p->body, p->length))
            return t;
    return NULL;
}

static void take_whole(struct compare *c, enum side side, struct packet *p)
{
    enum side other = side == PRIMARY ? SECONDARY : PRIMARY;
    struct flow *w = p->flow;
    struct packet *twin = twin_of(&w->queue[other], p);

    if (twin) {
        packet_take(c, other, twin);
        matched(c, side == PRIMARY ? p : twin);
        packet_free(c, twin);
        return;
    }
    if (w->queue[other].head)
        diverge(c, w, COMPARE_DIFFERS);
    if (side == PRIMARY || !w->diverged)
        keep(c, side, p);
}

/* ---- interface ---------------------------------------------------------- */

/* A flow in which something waits makes no room for another. */
static bool flow_stays(const void *ctx, const struct flow_head *head)
{
    const struct flow *w = (const struct flow *)head;

    (void)ctx;
    return w->queue[PRIMARY].head || w->queue[SECONDARY].head;
}

static struct flow *flow_find(struct compare *c, const struct frame *f)
{
    struct flow *w = flow_table_find(&c->table, &f->key);

    if (w)
        return w;
    w = flow_table_add(&c->table, &f->key);
    if (w)
        *w = (struct flow) { .head = w->head, .kind = (uint8_t)f->kind };
    c->stats.flows = flow_table_count(&c->table);
    return w;
}

static struct flow *flow_of(struct compare *c, const struct frame *f)
{
    struct flow *w = flow_find(c, f);

    if (!w) {
        w = &c->crowd;
        w->kind = (uint8_t)f->kind;
        w->diverged = true;
        want(c, f->kind, COMPARE_FULL);
    }
    if (w->turn != c->turn) {
        w->turn = c->turn;
        if (w != &c->crowd) {
            w->diverged = false;
            tcp_checkpoint(w);
        }
    }
    return w;
}

static enum compare_why take(struct compare *c, enum side side,
                             const uint8_t *data, size_t n, uint64_t now_ns)
{
    struct frame f;
    struct packet p;

    if (c->alone) {
        if (side == PRIMARY)
            let_go(c, data, n, now_ns);
        return COMPARE_FINE;
    }
    if (n > FRAME_MAX) {
        c->stats.dropped += side == PRIMARY;
        want(c, FRAME_OTHER, COMPARE_FULL);
        return c->wanted;
    }
    frame_parse(data, n, &f);
    p = (struct packet) {
        .flow = flow_of(c, &f), .came_ns = now_ns, .data = (uint8_t *)data,
        .size = n, .body = f.body, .length = (uint32_t)f.size,
        .seq = frame_first_seq(&f), .ack = f.ack,
        .offset = f.offset, .flags = f.flags,
    };
    if (!p.flow->diverged && !c->holds) {
        if (f.kind == FRAME_TCP)
            take_tcp(c, side, &p);
        else
            take_whole(c, side, &p);
    } else if (side == PRIMARY) {
        bool fresh;

        /* Where its stream is, is what the checkpoint makes common. */
        if (f.kind == FRAME_TCP)
            tcp_take(p.flow, side, &p, &fresh);
        keep(c, side, &p);
    } else {
        c->stats.surplus++;
    }
    return c->wanted;
}

enum compare_why compare_primary(struct compare *c, const uint8_t *data,
                                 size_t n, uint64_t now_ns)
{
    return take(c, PRIMARY, data, n, now_ns);
}

enum compare_why compare_secondary(struct compare *c, const uint8_t *data,
                                   size_t n, uint64_t now_ns)
{
    return take(c, SECONDARY, data, n, now_ns);
}

enum compare_why compare_tick(struct compare *c, uint64_t now_ns,
                              uint64_t *next_ns_r)
{
    *next_ns_r = UINT64_MAX;
    for (int side = 0; side < SIDES_NR && !c->wanted; side++) {
        const struct packet *p = c->all[side].head;
        uint64_t due;

        if (!p)
            continue;
        due = p->came_ns + c->conf.timeout_ns;
        if (due <= now_ns)
            diverge(c, p->flow, COMPARE_LATE);
        else if (due < *next_ns_r)
            *next_ns_r = due;
    }
    if (c->wanted)
        *next_ns_r = UINT64_MAX;
    return c->wanted;
}

void compare_hold(struct compare *c)
{
    c->holds = true;
    while (c->all[SECONDARY].head)
        drop_secondary(c, c->all[SECONDARY].head->flow);
}

void compare_checkpoint(struct compare *c)
{
    struct packet *p;

    while ((p = c->all[SECONDARY].head))
        drop_secondary(c, p->flow);
    while ((p = c->all[PRIMARY].head)) {
        if (p->flow->kind == FRAME_TCP)
            tcp_leaves(p->flow, p);
        packet_take(c, PRIMARY, p);
        let_go(c, p->data, p->size, p->came_ns);
        packet_free(c, p);
    }
    c->turn++;
    c->wanted = COMPARE_FINE;
    c->was_full = c->holds = false;
}

void compare_alone(struct compare *c)
{
    compare_checkpoint(c);
    c->alone = true;
}

const struct compare_stats *compare_stats(const struct compare *c)
{
    return &c->stats;
}

const char *compare_why_name(enum compare_why why)
{
    static const char *const names[COMPARE_WHYS_NR] = {
        "fine", "differs", "late", "full",
    };

    return why < COMPARE_WHYS_NR ? names[why] : "unknown";
}

int compare_new(const struct compare_conf *conf, struct compare **c_r,
                struct err *e)
{
    struct compare *c = calloc(1, sizeof(*c));
    struct flow_table_conf table = { .size = sizeof(struct flow),
                                     .seed = conf->seed,
                                     .stays = flow_stays };
    int rc;

    if (!c)
        return err_set(e, ERR_NOMEM, "no memory for comparing output");
    c->conf = *conf;
    if (!c->conf.packets_max)
        c->conf.packets_max = COMPARE_PACKETS_MAX;
    if (!c->conf.octets_max)
        c->conf.octets_max = COMPARE_OCTETS_MAX;
    if (!c->conf.flows_max)
        c->conf.flows_max = COMPARE_FLOWS_MAX;
    if (!c->conf.timeout_ns)
        c->conf.timeout_ns = COMPARE_TIMEOUT_NS;
    table.flows_max = c->conf.flows_max;
    rc = flow_table_init(&c->table, &table, e);
    if (rc) {
        free(c);
        return rc;
    }
    *c_r = c;
    return 0;
}

void compare_free(struct compare *c)
{
    if (!c)
        return;
    packets_dispose(c);
    flow_table_dispose(&c->table);
    free(c);
}
