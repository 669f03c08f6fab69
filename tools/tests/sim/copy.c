/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A copy of the simulated domain: made, brought up to date, started.
 */
#include "sim.h"

int sim_copy_open_sink(const struct dom_open *o, struct dom **d_r,
                       struct err *e)
{
    struct sim_host *h = (struct sim_host *)o->backend_arg;
    struct sim_dom *d = sim_dom_new(h->env.sim, h->env.side);

    if (!d)
        return err_set(e, ERR_NOMEM, "no memory");
    d->d.sink = d->d.copy = true;
    h->copy = d;
    *d_r = &d->d;
    return 0;
}

int sim_copy_create(struct dom *v, const struct dom_create *c, int *fd_r,
                    struct err *e)
{
    int rc = sim_dom_fails(sim_dom_of(v), "create", e) ? e->code : 0;

    if (!rc)
        rc = emb_fill(v, c->config_json, c->config_length,
                      c->incoming_suffix, e);
    if (!rc)
        sim_dom_looks_outside(sim_dom_of(v));
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
    sim_dom_post(d, r > 0 ? DOM_EV_CREATED : DOM_EV_CREATE_FAILED,
                 sim_below(d->sim, 20 * SIM_MS), why);
}

ssize_t sim_dom_feed(struct sim_dom *d, const void *data, size_t n)
{
    struct err e = { 0 };
    int r;

    if (!d->d.feed)
        return -1;
    r = sim_dom_fails(d, "restore", &e) ? -1
                                        : emb_feed_take(&d->d, data, n, &e);
    if (r)
        fed(d, r, e.msg);
    return (ssize_t)n;
}

void sim_dom_feed_end(struct sim_dom *d)
{
    if (d->d.feed)
        fed(d, -1, "the first copy ended early");
}

int sim_copy_apply(struct dom *v, const struct ckpt *c, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);
    int rc = sim_dom_fails(d, "apply", e) ? e->code : emb_apply(v, c, e);

    if (rc)
        return rc;
    SIM_CHECK(d->sim, !d->d.running || d->suspended,
              "a copy is written into while it runs");
    d->waiting.count = 0;
    d->epoch = c->epoch;
    oracle_applied(d);
    return 0;
}

int sim_copy_activate(struct dom *v, bool run, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);
    struct sim_host *h = &d->sim->host[d->host];
    int rc = sim_dom_fails(d, "activate", e) ? e->code : emb_load(v, e);

    if (rc)
        return rc;
    d->life = ++d->sim->life;
    d->d.running = true;
    d->suspended = d->asked = false;
    d->events_nr = 0;
    d->d.paused = !run;
    oracle_activated(d, run);
    d->d.copy = false;
    d->waiting.count = 0;
    guest_reset_connections(&d->d.guest);
    h->copy = NULL;
    h->dom = d;
    d->sim->count.takeovers++;
    return 0;
}

int sim_copy_destroy(struct dom *v, unsigned int wait_ms, struct err *e)
{
    struct sim_dom *d = sim_dom_of(v);

    (void)wait_ms;
    (void)e;
    d->created = false;
    d->d.running = d->asked = false;
    d->events_nr = 0;
    emb_feed_free(v);
    return 0;
}
