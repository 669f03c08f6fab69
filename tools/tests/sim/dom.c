/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain in virtual time. An operation fails when faults say so.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG \
    "{\"name\":\"emb\",\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\"," \
    "\"pages\":64,\"listen\":\"127.0.0.1:7\",\"work_pages\":0}"
#define HELD_MAX 4096

bool sim_dom_fails(struct sim_dom *d, const char *what, struct err *e)
{
    return sim_op_fails(d, &d->sim->fail_domain, what, e);
}

void sim_dom_post(struct sim_dom *d, enum dom_ev_kind kind, uint64_t delay,
                  const char *why)
{
    struct dom_event *ev = &d->events[d->events_nr++];

    memset(ev, 0, sizeof(*ev));
    ev->kind = kind;
    if (why)
        err_set(&ev->err, ERR_DOMAIN, "%s", why);
    sim_by(d->sim, sim_slot(&d->sim->host[d->host], SLOT_DOMAIN),
           d->sim->now + delay);
}

/* What differs between two copies. */
static uint64_t outside(void *ctx, enum guest_outside what)
{
    struct sim *s = ctx;

    return what == GUEST_CLOCK ? s->now : sim_random(s);
}

void sim_dom_looks_outside(struct sim_dom *d)
{
    d->d.guest.outside = outside;
    d->d.guest.outside_ctx = d->sim;
}

struct sim_dom *sim_dom_new(struct sim *s, int side)
{
    struct sim_dom *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->sim = s;
    d->host = side;
    d->d.log = &s->log;
    d->out.sim = s;
    d->out.dom = d;
    buf_init(&d->d.context, CKPT_CONTEXT_MAX);
    return d;
}

struct sim_dom *sim_dom_boot(struct sim *s, int side)
{
    struct sim_dom *d = sim_dom_new(s, side);
    struct err e;

    if (!d || emb_fill(&d->d, CONFIG, strlen(CONFIG), "", &e))
        abort();
    sim_dom_looks_outside(d);
    guest_boot(&d->d.guest, sim_random(s));
    d->d.running = true;
    d->life = ++s->life;
    return d;
}

void sim_dom_free(struct sim_dom *d)
{
    if (!d)
        return;
    emb_feed_free(&d->d);
    guest_dispose(&d->d.guest);
    buf_dispose(&d->d.context);
    free(d->d.pfns);
    free(d->d.info.config_json);
    free(d->out.held);
    free(d);
}

/* ---- its program -------------------------------------------------------- */

bool sim_dom_serves(const struct sim_dom *d)
{
    return d && d->d.running && !d->suspended && !d->d.paused && !d->over &&
           !(sim_frozen(d->sim, d->host) &&
             d->sim->host[d->host].all_frozen);
}

void sim_dom_request(struct sim_dom *d, uint64_t number)
{
    char line[64], answer[GUEST_LINE];
    struct net *n = &d->out;

    snprintf(line, sizeof(line), "W %" PRIu64 " x", number);
    guest_request(&d->d.guest, line, answer);
    guest_work(&d->d.guest, (size_t)sim_below(d->sim, 6));
    if (answer[0] != 'A')
        return;
    if (!n->holding) {
        oracle_told(d, number);
        return;
    }
    if (n->held_nr == HELD_MAX)
        return;    /* dropped, as a bounded queue does */
    if (n->held_nr == n->held_max) {
        n->held_max = n->held_max ? 2 * n->held_max : 64;
        n->held = realloc(n->held, n->held_max * sizeof(*n->held));
        if (!n->held)
            abort();
    }
    n->held[n->held_nr].number = number;
    n->held[n->held_nr++].mark = n->mark;
}

void sim_dom_end(struct sim_dom *d)
{
    if (d->over || d->suspended)
        return;
    d->over = true;
    d->asked = false;
    d->events_nr = 0;
    d->sim->guest_over = true;
    sim_dom_post(d, DOM_EV_SHUTDOWN, 0, NULL);
}

/* ---- both sides --------------------------------------------------------- */

void sim_dom_step(struct sim *s, int side)
{
    struct sim_dom *both[2] = { s->host[side].dom, s->host[side].copy };

    for (int i = 0; i < 2; i++)
        if (both[i] && both[i]->asked) {
            both[i]->asked = false;
            both[i]->suspended = true;
        }
}

static int dom_next_event(struct dom *v, struct dom_event *ev_r)
{
    struct sim_dom *d = sim_dom_of(v);

    if (d->events_nr == 0 || d->asked)
        return ERR_AGAIN;
    *ev_r = d->events[0];
    d->events_nr--;
    memmove(d->events, d->events + 1, d->events_nr * sizeof(d->events[0]));
    return 0;
}

void sim_dom_destroyed(struct sim_dom *d)
{
    d->asked = d->d.running = false;
    d->events_nr = 0;
    d->over = true;
    sim_dom_post(d, DOM_EV_GONE, SIM_MS, NULL);
}

static void dom_times(struct dom *d, struct dom_times *t_r)
{
    (void)d;
    memset(t_r, 0, sizeof(*t_r));
}

static const struct dom_info *dom_info(struct dom *d)
{
    return &d->info;
}

static void dom_close(struct dom *v)
{
    struct sim_dom *d = v ? sim_dom_of(v) : NULL;

    /* A copy that was not destroyed stays where it is, still. */
    if (d && !d->created && d->sim->host[d->host].copy == d) {
        d->sim->host[d->host].copy = NULL;
        sim_dom_free(d);
    }
}

/* ---- source ------------------------------------------------------------- */

static int dom_static(struct dom *d, struct dom_static *s_r, struct err *e)
{
    (void)s_r;
    return sim_dom_fails(sim_dom_of(d), "static-data", e) ? e->code : 0;
}

static int dom_log_start(struct dom *d, struct err *e)
{
    return sim_dom_fails(sim_dom_of(d), "log-start", e) ? e->code
                                                        : emb_log_start(d, e);
}

static int dom_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
                     struct err *e)
{
    return sim_dom_fails(sim_dom_of(d), "dirty", e)
               ? e->code : emb_dirty(d, pfns_r, n_r, e);
}

static int dom_copy(struct dom *d, const uint64_t *pfns, size_t n,
                    uint8_t *to, struct err *e)
{
    return sim_dom_fails(sim_dom_of(d), "copy", e)
               ? e->code : emb_copy(d, pfns, n, to, e);
}

static int dom_suspend(struct dom *v, unsigned int timeout_ms, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);

    if (sim_dom_fails(d, "suspend", e))
        return e->code;
    if (d->over)
        return 0;    /* its end is in the queue */
    if (sim_chance(d->sim, 2) && !d->sim->calm) {
        d->sim->mishaps++;
        sim_dom_post(d, DOM_EV_SUSPEND_FAILED, timeout_ms * SIM_MS,
                     "it won't");
        return 0;
    }
    d->asked = true;
    sim_dom_post(d, DOM_EV_SUSPENDED,
                 100000 + sim_below(d->sim, 5 * SIM_MS), NULL);
    return 0;
}

static bool dom_suspend_cancel(struct dom *v)
{
    struct sim_dom *d = sim_dom_of(v);

    if (!d->asked || sim_chance(d->sim, 500))
        return false;
    d->asked = false;
    d->events_nr = 0;
    sim_at(d->sim, sim_slot(&d->sim->host[d->host], SLOT_DOMAIN), SIM_NEVER);
    return true;
}

static int dom_capture(struct dom *v, struct ckpt *c, uint64_t epoch,
                       struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);
    int rc = sim_dom_fails(d, "capture", e) ? e->code
                                            : emb_capture(v, c, epoch, e);

    SIM_CHECK(d->sim, d->suspended || v->paused, "captured while it runs");
    if (!rc) {
        d->epoch = epoch;
        oracle_captured(d);
    }
    return rc;
}

static int dom_resume(struct dom *v, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);

    SIM_CHECK(d->sim, d->suspended || d->over || d->d.copy,
              "resumed, but not suspended");
    d->suspended = false;
    if (sim_dom_fails(d, "resume", e))
        return e->code;
    if (d->d.copy && emb_load_context(v, e))
        return e->code;
    d->d.running = true;
    d->d.own_state = d->d.copy;
    sim_dom_pump(d);
    return 0;
}

static int dom_pause(struct dom *d, struct err *e)
{
    SIM_CHECK(sim_dom_of(d)->sim, !d->paused, "paused twice");
    (void)e;
    d->paused = true;
    return 0;
}

static int dom_unpause(struct dom *d, struct err *e)
{
    SIM_CHECK(sim_dom_of(d)->sim, d->paused, "unpaused, but not paused");
    SIM_CHECK(sim_dom_of(d)->sim, !sim_dom_of(d)->theirs, "another tool's "
              "pause is undone, and nobody asked for it");
    (void)e;
    d->paused = false;
    sim_dom_pump(sim_dom_of(d));
    return 0;
}

static bool dom_is_paused(struct dom *d)
{
    return d->paused;
}

/*
 * The hypervisor's clock goes on, whoever else stands still. Now and then the
 * process does, between its decision and the call, and may die of that.
 */
static int dom_lease(struct dom *v, unsigned int seconds, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);
    struct sim *s = d->sim;
    struct sim_host *h = &s->host[d->host];
    int slot = sim_slot(h, SLOT_WATCHDOG);
    bool old = s->lease_world && marks_lease_is_old(h);
    uint64_t late = 0;

    if (seconds == 0) {
        sim_at(s, slot, SIM_NEVER);
        return 0;
    }
    if (sim_dom_fails(d, "lease", e))
        return e->code;
    if (!s->calm && sim_below(s, old ? 40 : 400) < s->weight[SIM_FREEZE_P])
        late = sim_chance(s, 500) ? sim_below(s, seconds * SIM_S) :
               seconds * SIM_S - sim_below(s, 100 * SIM_MS);
    if (late) {
        s->mishaps++;
        sim_freeze(s, d->host, late, false);
        h->dying = sim_chance(s, 500);    /* right after the call */
    }
    if (s->due[slot] == SIM_NEVER || s->due[slot] > s->now + late)
        sim_at(s, slot, s->now + late + seconds * SIM_S +
               (late ? 400 * SIM_MS : sim_below(s, 400 * SIM_MS)));
    return 0;
}

static int dom_finish(struct dom *v, enum dom_shutdown reason, struct err *e)
{
    (void)reason;
    (void)e;
    sim_dom_of(v)->d.running = false;
    return 0;
}

const struct dom_ops sim_dom_ops = {
    .name = "simulated", .next_event = dom_next_event,
    .times = dom_times, .info = dom_info, .close = dom_close,
    .static_data = dom_static, .log_start = dom_log_start,
    .log_stop = emb_log_stop, .dirty = dom_dirty, .copy = dom_copy,
    .dirty_count = emb_dirty_count, .suspend = dom_suspend,
    .suspend_cancel = dom_suspend_cancel, .capture = dom_capture,
    .resume = dom_resume, .pause = dom_pause, .unpause = dom_unpause,
    .is_paused = dom_is_paused, .lease = dom_lease, .finish = dom_finish,
    .runs_copies = true, .captures_paused = true,
    .open_sink = sim_copy_open_sink, .create = sim_copy_create,
    .apply = sim_copy_apply, .activate = sim_copy_activate,
    .destroy = sim_copy_destroy,
};
