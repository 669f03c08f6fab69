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

static struct sim_dom *of(struct dom *d)
{
    return (struct sim_dom *)d;
}

static bool fails(struct sim_dom *d, const char *what, struct err *e)
{
    return sim_op_fails(d, &d->sim->fail_domain, what, e);
}

static void post(struct sim_dom *d, enum dom_ev_kind kind, uint64_t delay,
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

static struct sim_dom *new_dom(struct sim *s, int side)
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
    struct sim_dom *d = new_dom(s, side);
    struct err e;

    if (!d || emb_fill(&d->d, CONFIG, strlen(CONFIG), "", &e))
        abort();
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
    return d && d->d.running && !d->suspended && !d->d.paused && !d->over;
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
    post(d, DOM_EV_SHUTDOWN, 0, NULL);
}

/* ---- both sides --------------------------------------------------------- */

void sim_dom_step(struct sim *s, int side)
{
    struct sim_dom *d = s->host[side].dom;

    if (!d || !d->asked)
        return;
    d->asked = false;
    d->suspended = true;
}

static int dom_next_event(struct dom *v, struct dom_event *ev_r)
{
    struct sim_dom *d = of(v);

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
    post(d, DOM_EV_GONE, SIM_MS, NULL);
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
    struct sim_dom *d = v ? of(v) : NULL;

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
    return fails(of(d), "static-data", e) ? e->code : 0;
}

static int dom_log_start(struct dom *d, struct err *e)
{
    return fails(of(d), "log-start", e) ? e->code : emb_log_start(d, e);
}

static int dom_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
                     struct err *e)
{
    return fails(of(d), "dirty", e) ? e->code : emb_dirty(d, pfns_r, n_r, e);
}

static int dom_copy(struct dom *d, const uint64_t *pfns, size_t n,
                    uint8_t *to, struct err *e)
{
    return fails(of(d), "copy", e) ? e->code : emb_copy(d, pfns, n, to, e);
}

static int dom_suspend(struct dom *v, unsigned int timeout_ms, struct err *e)
{
    struct sim_dom *d = of(v);

    if (fails(d, "suspend", e))
        return e->code;
    if (d->over)
        return 0;    /* its end is in the queue */
    if (sim_chance(d->sim, 2) && !d->sim->calm) {
        d->sim->mishaps++;
        post(d, DOM_EV_SUSPEND_FAILED, timeout_ms * SIM_MS, "it won't");
        return 0;
    }
    d->asked = true;
    post(d, DOM_EV_SUSPENDED, 100000 + sim_below(d->sim, 5 * SIM_MS), NULL);
    return 0;
}

static bool dom_suspend_cancel(struct dom *v)
{
    struct sim_dom *d = of(v);

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
    struct sim_dom *d = of(v);
    int rc = fails(d, "capture", e) ? e->code : emb_capture(v, c, epoch, e);

    SIM_CHECK(d->sim, d->suspended, "captured while it runs");
    if (!rc) {
        d->epoch = epoch;
        oracle_captured(d);
    }
    return rc;
}

static int dom_resume(struct dom *v, struct err *e)
{
    struct sim_dom *d = of(v);

    SIM_CHECK(d->sim, d->suspended || d->over, "resumed, but not suspended");
    d->suspended = false;
    return fails(d, "resume", e) ? e->code : 0;
}

static int dom_pause(struct dom *d, struct err *e)
{
    SIM_CHECK(of(d)->sim, !d->paused, "paused twice");
    (void)e;
    d->paused = true;
    return 0;
}

static int dom_unpause(struct dom *d, struct err *e)
{
    SIM_CHECK(of(d)->sim, d->paused, "unpaused, but not paused");
    (void)e;
    d->paused = false;
    return 0;
}

static bool dom_is_paused(struct dom *d)
{
    return d->paused;
}

static int dom_finish(struct dom *v, enum dom_shutdown reason, struct err *e)
{
    (void)reason;
    (void)e;
    of(v)->d.running = false;
    return 0;
}

/* ---- sink --------------------------------------------------------------- */

static int dom_open_sink(const struct dom_open *o, struct dom **d_r,
                         struct err *e)
{
    struct sim_host *h = (struct sim_host *)o->backend_arg;
    struct sim_dom *d = new_dom(h->env.sim, h->env.side);

    if (!d)
        return err_set(e, ERR_NOMEM, "no memory");
    d->d.sink = true;
    h->copy = d;
    *d_r = &d->d;
    return 0;
}

static int dom_create(struct dom *v, const struct dom_create *c, int *fd_r,
                      struct err *e)
{
    int rc = fails(of(v), "create", e) ? e->code : 0;

    if (!rc)
        rc = emb_fill(v, c->config_json, c->config_length,
                      c->incoming_suffix, e);
    if (!rc)
        rc = emb_feed_new(v, e);
    if (!rc)
        *fd_r = 1000;
    return rc;
}

static void fed(struct sim_dom *d, int r, const char *why)
{
    emb_feed_free(&d->d);
    d->created = r > 0;
    if (r > 0) {
        d->epoch = 1;
        oracle_applied(d);
    }
    post(d, r > 0 ? DOM_EV_CREATED : DOM_EV_CREATE_FAILED,
         sim_below(d->sim, 20 * SIM_MS), why);
}

ssize_t sim_dom_feed(struct sim_dom *d, const void *data, size_t n)
{
    struct err e = { 0 };
    int r;

    if (!d->d.feed)
        return -1;
    r = fails(d, "restore", &e) ? -1 : emb_feed_take(&d->d, data, n, &e);
    if (r)
        fed(d, r, e.msg);
    return (ssize_t)n;
}

void sim_dom_feed_end(struct sim_dom *d)
{
    if (d->d.feed)
        fed(d, -1, "the first copy ended early");
}

static int dom_apply(struct dom *v, const struct ckpt *c, struct err *e)
{
    struct sim_dom *d = of(v);
    int rc = fails(d, "apply", e) ? e->code : emb_apply(v, c, e);

    if (rc)
        return rc;
    d->epoch = c->epoch;
    oracle_applied(d);
    return 0;
}

static int dom_activate(struct dom *v, bool run, struct err *e)
{
    struct sim_dom *d = of(v);
    struct sim_host *h = &d->sim->host[d->host];
    int rc = fails(d, "activate", e) ? e->code : emb_load(v, e);

    if (rc)
        return rc;
    d->life = ++d->sim->life;
    d->d.running = true;
    d->d.paused = !run;
    oracle_activated(d, run);
    h->copy = NULL;
    h->dom = d;
    d->sim->count.takeovers++;
    return 0;
}

static int dom_destroy(struct dom *v, struct err *e)
{
    struct sim_dom *d = of(v);

    (void)e;
    d->created = false;
    d->events_nr = 0;
    emb_feed_free(v);
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
    .is_paused = dom_is_paused, .finish = dom_finish,
    .open_sink = dom_open_sink, .create = dom_create, .apply = dom_apply,
    .activate = dom_activate, .destroy = dom_destroy,
};
