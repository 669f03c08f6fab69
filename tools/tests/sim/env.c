/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The env of a simulated session: what it asks of the world around it.
 */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct sim_host *of(struct env *v)
{
    return &v->sim->host[v->side];
}

static struct sim_host *other(struct env *v)
{
    return &v->sim->host[!v->side];
}

/* ---- what a session asks for -------------------------------------------- */

static uint64_t env_now(struct env *v)
{
    return v->sim->now;
}

static uint64_t env_random(struct env *v)
{
    return sim_random(v->sim);
}

static void env_timer(struct env *v, enum env_timer t, uint64_t delay)
{
    sim_at(v->sim, sim_slot(of(v), SLOT_TIMER + (int)t), delay == ENV_NEVER ?
           SIM_NEVER : v->sim->now + delay);
}

static ssize_t env_send(struct env *v, const struct iovec *iov, int n)
{
    struct sim_pipe *p = &other(v)->in;
    bool was = v->sim->in_session;
    size_t put;

    if (of(v)->off)
        return -EPIPE;
    /* Who is gone takes octets until its end is noticed. */
    if (!other(v)->alive && other(v)->power)
        return -EPIPE;
    v->sim->in_session = false;    /* the network's memory never fails */
    put = pipe_put(v->sim, p, iov, n);
    v->sim->in_session = was;
    sim_host_input(v->sim, !v->side);
    return put ? (ssize_t)put : -EAGAIN;
}

static void env_want_send(struct env *v, bool on)
{
    of(v)->wants_send = on;
}

static void env_want_input(struct env *v, bool on)
{
    of(v)->wants_input = on;
    sim_host_input(v->sim, v->side);
}

static void env_end_send(struct env *v)
{
    if (!of(v)->off)
        other(v)->in.closed = true;
    of(v)->off = true;
    sim_host_input(v->sim, !v->side);
}

static void env_disconnect(struct env *v)
{
    env_end_send(v);
    pipe_truncate(&of(v)->in, 0);
    of(v)->in.told = true;
    of(v)->wants_input = false;
}

static int env_fence(struct env *v, struct err *e)
{
    struct sim *s = v->sim;

    (void)e;
    SOMETIMES(s, of(v)->fence_status, FENCED_AGAIN);
    SOMETIMES(s, s->due[sim_slot(other(v), SLOT_FENCE)] != SIM_NEVER,
              BOTH_FENCE);
    of(v)->fence_status = s->fail_fence ? 1 : 0;
    if (s->fail_fence)
        s->fail_fence--;
    sim_at(s, sim_slot(of(v), SLOT_FENCE), s->now +
           (of(v)->fence_status && sim_chance(s, 500) ? 30 * SIM_S :
            100 * SIM_MS + sim_below(s, 2 * SIM_S)));
    return 0;
}

static void env_feed_open(struct env *v, int fd)
{
    (void)fd;
    of(v)->feeding = true;
}

static ssize_t env_feed(struct env *v, const void *data, size_t n)
{
    struct sim *s = v->sim;

    if (!of(v)->feeding || !of(v)->copy)
        return -EPIPE;
    if (sim_chance(s, 100))
        return -EAGAIN;
    if (n > 1)
        n = 1 + (size_t)sim_below(s, n);
    return sim_dom_feed(of(v)->copy, data, n);
}

static void env_want_feed(struct env *v, bool on)
{
    sim_at(v->sim, sim_slot(of(v), SLOT_FEED), on ? v->sim->now + 100000
                                                  : SIM_NEVER);
    of(v)->wants_feed = on;
}

static void env_feed_close(struct env *v)
{
    of(v)->feeding = false;
    if (of(v)->copy)
        sim_dom_feed_end(of(v)->copy);
}

/* Its host, or its process, dies between two actions. */
static bool env_dies(struct env *v, const char *machine, const char *action)
{
    struct sim *s = v->sim;

    marks_action(s, v->side, action);
    if (sim_crashes(s, v->side))
        of(v)->dies_with_host = s->crash[s->crashed - 1].kind == CRASH_HOST;
    else if (!s->calm && s->weight[SIM_AT_ACTION] && !of(v)->dying &&
             sim_below(s, 20000) < s->weight[SIM_AT_ACTION])
        of(v)->dies_with_host = sim_chance(s, 500);
    else
        return false;
    s->mishaps++;
    s->count.faults[SIM_AT_ACTION]++;
    of(v)->dying = true;
    SOMETIMES(s, !of(v)->dies_with_host, KILLED);
    sim_say(s, "%d: dies before %s of %s", v->side, action, machine);
    return true;
}

/* There is one domain. */
static int env_accept(struct env *v, const uint8_t uuid[16],
                      uint64_t generation, struct err *e)
{
    uint64_t *seen = &of(v)->seen;

    (void)uuid;
    SOMETIMES(v->sim, generation <= *seen, STALE);
    v->sim->stale = generation <= *seen;
    if (v->sim->stale)
        return err_set(e, ERR_PEER, "a stale primary: %llu isn't newer than "
                       "%llu", (unsigned long long)generation,
                       (unsigned long long)*seen);
    *seen = generation;
    return 0;
}

static void env_finished(struct env *v)
{
    of(v)->ended = true;
}

const struct env_ops sim_env_ops = {
    .now = env_now, .random = env_random, .timer = env_timer, .send = env_send,
    .want_send = env_want_send, .want_input = env_want_input,
    .end_send = env_end_send, .disconnect = env_disconnect,
    .fence = env_fence, .feed_open = env_feed_open, .feed = env_feed,
    .want_feed = env_want_feed, .feed_close = env_feed_close,
    .accept = env_accept, .dies = env_dies, .finished = env_finished,
};
