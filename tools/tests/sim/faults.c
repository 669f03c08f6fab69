/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What can go wrong, and how often: each seed has its own weights, many of
 * them none, so that rare combinations come up in some seed.
 */
#include "sim.h"

#include <string.h>

#include "bytes.h"
#include "format.h"

void sim_swarm(struct sim *s)
{
    s->weight_sum = 0;
    for (int i = 0; i < SIM_FAULTS_NR; i++) {
        s->weight[i] = sim_chance(s, 400) ? 0 :
                       1u << (unsigned int)sim_below(s, 6);
        s->weight_sum += s->weight[i];
    }
    s->longest = SIM_S / 2 << sim_below(s, 3);
    s->fault_every = (500 * SIM_MS) << sim_below(s, 7);
}

void sim_swarm_lease(struct sim *s)
{
    static const enum sim_fault often[] = {
        SIM_SILENT_P, SIM_SILENT_S, SIM_FREEZE_P, SIM_KILL_P,
    };

    for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
        s->weight_sum += 32 - s->weight[often[i]];
        s->weight[often[i]] = 32;
    }
    s->fault_every = SIM_S << sim_below(s, 3);
}

bool sim_op_fails(struct sim_dom *d, unsigned int *left, const char *what,
                  struct err *e)
{
    if (!*left || --*left)
        return false;
    sim_say(d->sim, "%d: %s fails", d->host, what);
    d->sim->mishaps++;
    marks_op_failed(d->sim, what);
    err_set(e, ERR_IO, "%s fails, as simulated", what);
    return true;
}

static int primary_side(const struct sim *s)
{
    return s->host[0].is_primary ? 0 : 1;
}

void sim_cut(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_host *h = &s->host[i];

        pipe_truncate(&h->in, (size_t)sim_below(s, h->in.size + 1));
        h->in.closed = true;
        h->off = true;
    }
    for (int i = 0; i < 2; i++)
        sim_host_input(s, i);
}

void sim_silence(struct sim *s, int side, uint64_t while_ns)
{
    s->host[side].in.silent_until = s->now + while_ns;
    sim_host_input(s, side);
}

static void silence(struct sim *s, int side)
{
    unsigned int shift = (unsigned int)sim_below(s, 11);

    if (s->lease_world)
        shift = 7 + shift % 4;    /* around what a copy waits for */
    sim_silence(s, side, (10 * SIM_MS) << shift);
}

void sim_freeze(struct sim *s, int side, uint64_t while_ns, bool host)
{
    s->host[side].frozen_until = s->now + while_ns;
    s->host[side].all_frozen = host;
}

static void freeze(struct sim *s, int side)
{
    uint64_t ns = (100 * SIM_MS) << sim_below(s, 6);

    s->mishaps++;
    if (s->params.colo && s->host[side].is_primary && sim_chance(s, 500))
        s->freeze_ns = ns;    /* when the copy is about to say the same */
    else
        sim_freeze(s, side, ns, sim_chance(s, 500));
}

/* Whether @data[@at] is in a word that says GONE. */
static bool says_gone(const uint8_t *data, size_t n, size_t at)
{
    for (size_t i = at < 3 ? 0 : at - 3; i <= at && i + 4 <= n; i++)
        if (get_le32(data + i) == WIRE_OPT_GONE)
            return true;
    return false;
}

/* Any, but a HEARTBEAT never becomes a GONE: that what is said is what was
   meant is up to whoever carries the stream, TCP at least. */
static void change_octet(struct sim *s, int side)
{
    struct sim_pipe *p = &s->host[side].in;
    uint8_t *data = p->size ? p->data + p->start : NULL;
    size_t at = p->size ? sim_below(s, p->size) : 0;
    uint8_t bit = (uint8_t)(1u << sim_below(s, 8));

    if (p->size)
        data[at] ^= bit;
    if (p->size && says_gone(data, p->size, at))
        data[at] ^= bit;
    s->tainted = true;
}

bool sim_user_looks(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    struct colo_status st;

    if (!*sim_state(s, side) || sim_frozen(s, side))
        return false;
    h->role->status(h->session, &st);
    /* A copy that can't be told runs after a take-over. */
    if (!strcmp(st.paused, "here") && sim_is_qemu(s))
        return true;
    if (strcmp(st.paused, "yes"))
        return false;
    SIM_CHECK(s, !s->params.colo || !sim_dom_serves(s->host[!side].copy),
              "the user is told that the domain is paused, and its copy runs");
    s->confirmed = true;
    sim_say(s, "the user sees: paused");
    return true;
}

static void user_pauses(struct sim *s, int p)
{
    if (!sim_user_looks(s, p) || sim_chance(s, 500)) {
        bool pause = sim_chance(s, 500);

        if (!pause)
            s->confirmed = false;
        sim_host_command(s, p, pause ? COLO_CMD_PAUSE : COLO_CMD_UNPAUSE);
    }
}

static bool may_have_yielded(const char *state)
{
    return !*state || !strcmp(state, "held");
}

static void stranger(struct sim *s, int p)
{
    struct sim_dom *d = s->host[p].dom;

    if (!d || d->over)
        return;
    /* Whoever lets one run that yielded, or stood still when its session died,
       has been told what comes of it. */
    if (s->params.lease_s && d->d.paused && may_have_yielded(sim_state(s, p)))
        return;
    s->mishaps++;    /* in the middle of a checkpoint it may end COLO */
    d->theirs = d->d.paused = !d->d.paused;
    s->confirmed = s->confirmed && d->d.paused;
}

/* QEMU's dialect: who hasn't heard the other for a while takes the user's
   word for it, which then has to be true. */
static bool believed(struct sim *s, int side)
{
    struct sim_host *h = &s->host[side];
    struct colo_status st;

    if (!sim_is_qemu(s) || !*sim_state(s, side))
        return false;
    h->role->status(h->session, &st);
    return st.heard_ms >= COLO_SILENCE_MS_DEFAULT;
}

/* What the sessions have to refuse, or may do without harm. */
static void user_errs(struct sim *s, int p)
{
    static const enum colo_command wrong[] = {
        COLO_CMD_RETRY, COLO_CMD_START, COLO_CMD_PAUSE, COLO_CMD_UNPAUSE,
    };
    const char *copy = sim_state(s, !p);
    bool decides = !strcmp(copy, "fencing") ||
                   !strcmp(copy, "waiting-for-user") || believed(s, !p);

    if (sim_chance(s, 300))
        sim_host_command(s, p, COLO_CMD_FAILOVER);
    else if (!decides && sim_chance(s, 300))
        sim_host_command(s, !p, COLO_CMD_FAILOVER);
    else
        sim_host_command(s, !p, wrong[sim_below(s, 4)]);
}

void sim_fault(struct sim *s)
{
    int p = primary_side(s), f = 0;
    uint64_t at;

    if (s->calm || !s->weight_sum)
        return;
    at = sim_below(s, s->weight_sum);
    while (at >= s->weight[f])
        at -= s->weight[f++];
    if (s->kills_next)
        f = SIM_KILL_P;
    /* When the copy gives up, about, or when it has waited. */
    s->kills_next = s->lease_world && f == SIM_SILENT_S;
    if (f == SIM_AT_ACTION)
        return;    /* env.c's, which counts what happens */
    s->count.faults[f]++;
    sim_say(s, "fault %d", f);
    switch ((enum sim_fault)f) {
    case SIM_POWER_P: s->mishaps++; sim_host_off(s, p); break;
    case SIM_POWER_S: s->mishaps++; sim_host_off(s, !p); break;
    case SIM_KILL_P:  s->mishaps++; sim_host_kill(s, p); break;
    case SIM_KILL_S:  s->mishaps++; sim_host_kill(s, !p); break;
    case SIM_CUT:     s->mishaps++; sim_cut(s); break;
    case SIM_SILENT_P: s->mishaps++; silence(s, p); break;
    case SIM_SILENT_S: s->mishaps++; silence(s, !p); break;
    case SIM_FREEZE_P: freeze(s, p); break;
    case SIM_FREEZE_S: freeze(s, !p); break;
    case SIM_SLOW:
        s->slow_until = s->now + sim_below(s, 3 * SIM_S);
        break;
    case SIM_ALLOC:
        s->mishaps++;
        s->fail_alloc = 1 + (unsigned int)sim_below(s, 200);
        break;
    case SIM_DOMAIN: s->fail_domain = 1 + (unsigned int)sim_below(s, 8); break;
    case SIM_NET:    s->fail_net = 1 + (unsigned int)sim_below(s, 4); break;
    case SIM_FENCE:  s->fail_fence = 1 + (unsigned int)sim_below(s, 3); break;
    case SIM_GUEST:
        if (s->host[p].dom)
            sim_dom_end(s->host[p].dom);
        break;
    case SIM_USER_STOP:
        sim_host_command(s, sim_chance(s, 700) ? p : !p, COLO_CMD_STOP);
        s->mishaps++;
        break;
    case SIM_USER_PAUSE: user_pauses(s, p); break;
    case SIM_USER_WRONG: user_errs(s, p); break;
    case SIM_STRANGER: stranger(s, p); break;
    case SIM_GARBAGE:
        s->mishaps++;
        change_octet(s, sim_chance(s, 500) ? p : !p);
        break;
    default:
        break;
    }
}
