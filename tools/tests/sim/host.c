/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The process around a simulated session: what it is handed, its beginning
 * and its end. With env.c it is to a session what the libev runtime is.
 */
#include "sim.h"

#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool runs(const struct sim_host *h)
{
    return h->power && h->alive && !h->ended;
}

/* After any input: the domain, and the end. */
static void after(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];

    if (runs(h) && !h->dying)
        h->role->domain(h->session);
    if (runs(h) && !h->dying)
        h->role->net(h->session);
    s->in_session = false;
    if (!h->dying)
        h->counts = !h->is_primary && !strcmp(sim_state(s, side),
                                              "protecting");
    if (h->dying && h->dies_with_host)
        sim_host_off(s, side);
    else if (h->dying)
        sim_host_kill(s, side);
    else if (h->ended)
        sim_host_reap(s, side);
}

void sim_host_input(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    const uint8_t *data;
    uint64_t due;
    size_t n;

    sim_at(s, sim_slot(h, SLOT_INPUT), SIM_NEVER);
    if (!runs(h) || !h->wants_input)
        return;
    n = pipe_here(s, &h->in, &data, &due);
    if (n)
        due = s->now;
    sim_at(s, sim_slot(h, SLOT_INPUT), due);
}

static void take_input(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side], *o = &s->host[!side];
    const uint8_t *data;
    uint64_t due;
    size_t n = pipe_here(s, &h->in, &data, &due);

    if (n > 1 && sim_chance(s, 100))
        n = 1 + (size_t)sim_below(s, n);
    if (n) {
        size_t took = h->role->input(h->session, data, n);

        pipe_take(&h->in, took < h->in.size ? took : h->in.size);
        if (o->wants_send)
            sim_by(s, sim_slot(o, SLOT_WRITABLE), s->now + 10000);
    } else if (h->in.closed && !h->in.told && !h->in.segments) {
        h->in.told = h->in.saw_end = true;
        h->role->eof(h->session);
    }
}

/* As the runtime does: before silence counts, it reads what came while it
   stood still itself. */
static void on_timer(struct sim *s, int side, enum env_timer t)
{
    struct sim_host *h = &s->host[side];
    const uint8_t *data;
    uint64_t due;

    while (t == ENV_TIMER_SILENCE && runs(h) && !h->dying &&
           h->wants_input && pipe_here(s, &h->in, &data, &due))
        take_input(s, side);
    if (runs(h) && !h->dying)
        h->role->timer(h->session, t);
}

void sim_host_step(struct sim *s, int side, int kind)
{
    struct sim_host *h = &s->host[side];

    sim_at(s, sim_slot(h, kind), SIM_NEVER);
    if (kind == SLOT_FENCE && runs(h) && h->fence_status == 0)
        sim_host_off(s, !side);
    if (kind == SLOT_DOMAIN && h->power)
        sim_dom_step(s, side);
    SOMETIMES(s, kind == SLOT_WATCHDOG && h->alive, LEASE_OUT_ALIVE);
    SOMETIMES(s, kind == SLOT_WATCHDOG && !h->alive, LEASE_OUT);
    if (kind == SLOT_WATCHDOG)
        sim_host_off(s, side);
    if (!runs(h))
        return;
    s->in_session = true;
    if (kind == SLOT_INPUT)
        take_input(s, side);
    else if (kind == SLOT_WRITABLE && h->wants_send)
        h->role->writable(h->session);
    else if (kind == SLOT_FEED && h->wants_feed)
        h->role->feed_writable(h->session);
    else if (kind == SLOT_FENCE)
        h->role->fence_done(h->session, h->fence_status);
    else if (kind >= SLOT_TIMER && kind < SLOT_TIMER + ENV_TIMERS_NR)
        on_timer(s, side, (enum env_timer)(kind - SLOT_TIMER));
    after(s, side);
    sim_host_input(s, side);
}

void sim_host_command(struct sim *s, int side, enum colo_command c)
{
    struct sim_host *h = &s->host[side];
    const char *reply = "";

    if (!runs(h) || sim_frozen(s, side))
        return;
    s->in_session = true;
    /* Who is fenced doesn't know that it is by the user's wish. */
    if (c == COLO_CMD_STOP && sim_is_qemu(s))
        s->mishaps++;
    if (h->dom && c != COLO_CMD_PAUSE)
        h->dom->theirs = false;
    h->role->command(h->session, c, &reply);
    sim_say(s, "%d: command %d: %s", side, (int)c, reply);
    h->role->settle(h->session);
    after(s, side);
    sim_host_input(s, side);
}

const char *sim_state(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    struct colo_status st;

    if (!runs(h))
        return "";
    h->role->status(h->session, &st);
    return st.state;
}

/* ---- its life ----------------------------------------------------------- */

static void silence_slots(struct sim *s, struct sim_host *h)
{
    for (int i = 0; i < SLOT_HOST_NR; i++)
        if (i != SLOT_DOMAIN && i != SLOT_WATCHDOG)
            sim_at(s, sim_slot(h, i), SIM_NEVER);
}

static void drop_session(struct sim *s, struct sim_host *h)
{
    silence_slots(s, h);
    s->in_session = false;
    if (h->is_primary)
        primary_free(h->session);
    else
        secondary_free(h->session);
    h->session = NULL;
    h->alive = h->ended = h->dying = false;
}

/*
 * The guard of a session that died (xl/guard.h): the primary counts on its
 * copy, and is told once that is destroyed. What the session wrote last may
 * be but half of a record.
 */
static void stand_in(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    CLEANUP_BUF struct buf b = { 0 };
    struct iovec iov;

    sim_dom_free(h->copy);
    h->copy = NULL;
    if (sr_put_gone(&b, NULL))
        abort();
    iov = (struct iovec) { b.data, b.size };
    pipe_put(s, &s->host[!side].in, &iov, 1);
    sim_say(s, "%d: its guard says GONE", side);
    SOMETIMES(s, true, GUARD);
}

void sim_host_kill(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    bool guarded = h->alive && h->counts && !h->off && !sim_is_qemu(s) &&
                   sim_chance(s, 500);

    if (!h->alive)
        return;
    sim_say(s, "%d: its process is killed", side);
    s->killed = true;
    h->ended = false;
    drop_session(s, h);
    if (guarded)
        stand_in(s, side);
    if (!h->off)
        s->host[!side].in.closed = true;
    h->off = true;
    sim_host_input(s, !side);
}

void sim_host_off(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];

    if (!h->power)
        return;
    sim_say(s, "%d: its host is off", side);
    h->power = false;
    if (!h->off)
        s->host[!side].in.dead = true;
    h->off = true;
    sim_at(s, sim_slot(h, SLOT_DOMAIN), SIM_NEVER);
    sim_at(s, sim_slot(h, SLOT_WATCHDOG), SIM_NEVER);
    if (h->alive)
        drop_session(s, h);
    sim_dom_free(h->copy);
    sim_dom_free(h->fallen);
    h->fallen = h->dom;
    h->dom = h->copy = NULL;
}

void sim_host_reap(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];

    if (h->is_primary)
        primary_result(h->session, &h->result);
    else
        secondary_result(h->session, &h->result);
    oracle_ended(s, &h->result);
    SIM_CHECK(s, s->due[sim_slot(h, SLOT_WATCHDOG)] == SIM_NEVER,
              "a session has ended, and its host is about to");
    SOMETIMES(s, h->is_primary && h->result.end == COLO_END_PEER,
              GONE_BELIEVED);
    sim_say(s, "%d: its session has ended (%d): %s", side,
            (int)h->result.end, h->result.err.msg);
    s->count.epochs += h->is_primary ? h->result.epochs : 0;
    drop_session(s, h);
    if (!h->off)
        s->host[!side].in.closed = true;
    h->off = true;
    sim_host_input(s, !side);
}

static void fresh_host(struct sim *s, int side, bool is_primary)
{
    struct sim_host *h = &s->host[side];

    silence_slots(s, h);
    pipe_init(s, &h->in);
    h->alive = true;
    h->ended = h->off = h->wants_send = h->wants_feed = h->feeding = false;
    h->counts = false;
    h->wants_input = true;
    h->fence_status = 0;
    h->is_primary = is_primary;
    h->env = (struct env) { s, side };
    h->role = is_primary ? &primary_role : &secondary_role;
    h->taken = NULL;
    h->open = (struct dom_open) {
        .name = "emb", .log = &s->log,
        .backend_arg = (const char *)h,
    };
}

bool sim_start(struct sim *s, int from)
{
    struct sim_host *p = &s->host[from], *q = &s->host[!from];
    struct colo_primary *primary = NULL;
    struct colo_secondary *secondary = NULL;
    struct err e = { 0 };

    fresh_host(s, from, true);
    fresh_host(s, !from, false);
    p->pconf = (struct colo_primary_conf) {
        .params = &s->params, .dom_ops = &sim_dom_ops, .dom = &p->dom->d,
        .net_ops = &sim_net_ops, .host = "q", .local_name = "p",
        .log = &s->log,
    };
    q->sconf = (struct colo_secondary_conf) {
        .params = &s->params, .dom_ops = &sim_dom_ops, .dom_open = &q->open,
        .net_ops = &sim_net_ops, .log = &s->log,
        .dom_r = &q->taken,
    };
    if (primary_new(&p->pconf, &sim_env_ops, &p->env, ++s->generation,
                    &primary, &e) ||
        secondary_new(&q->sconf, &sim_env_ops, &q->env, &secondary, &e)) {
        sim_violated(s, "a session can't start: %s", e.msg);
        primary_free(primary);
        p->alive = q->alive = false;
        return false;
    }
    p->session = primary;
    q->session = secondary;
    s->count.sessions++;
    for (int side = 0; side < 2; side++) {
        s->in_session = true;
        s->host[side].role->start(s->host[side].session);
        after(s, side);
        sim_host_input(s, side);
    }
    return true;
}
