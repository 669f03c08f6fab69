/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A primary's lease: its host ends unless the hypervisor is asked again and
 * again. It is asked while the lease is fresh (lease.h), or while the domain
 * certainly stands still, and the domain begins to run only while it is fresh.
 * What the loss of the peer means is the machine's matter.
 */
#include "primary_int.h"

#include "lease.h"

static bool fresh(const struct colo_primary *p)
{
    return fresh_at(&p->link.lease, p->ops->now(p->env));
}

/* Nothing but this session lets it run again. */
static bool stands(struct colo_primary *p)
{
    return p->destroyed || p->run.held[RUN_LOCK_CHECKPOINT] ||
           (p->run.held[RUN_LOCK_LEASE] && primary_is_paused(p));
}

/* Nobody takes over before it has read what is sent from now on. */
void primary_lease_begin(struct colo_primary *p)
{
    struct err e = { 0 };

    if (!p->params.lease_s || p->leased)
        return;
    p->link.lease.ns = p->ops->now(p->env);
    if (p->dom->lease(p->conf->dom, p->params.lease_s, &e)) {
        p->lease_failed = true;
        primary_local_failed(p, &e);
        return;
    }
    p->leased = true;
    log_note(p->conf->log, "event=lease-begun seconds=%u",
             p->params.lease_s);
    p->ops->timer(p->env, ENV_TIMER_LEASE, LEASE_TICK_NS);
}

void primary_lease_end(struct colo_primary *p)
{
    struct err e = { 0 };

    if (!p->leased)
        return;
    p->leased = false;
    p->ops->timer(p->env, ENV_TIMER_LEASE, ENV_NEVER);
    if (p->dom->lease(p->conf->dom, 0, &e))
        primary_say(p, LOG_ERROR, "this host is going down within %u s: %s",
                    p->params.lease_s, e.msg);
    else
        log_note(p->conf->log, "event=lease-ended");
}

static void lose(struct colo_primary *p)
{
    primary_lost(p, "the receiver hasn't shown for %u ms that it hears us",
                 (unsigned int)(LEASE_FRESH_NS / ENV_MS));
}

void primary_lease_judge(struct colo_primary *p)
{
    if (p->leased && p->link.open && !fresh(p))
        lose(p);
    if (!p->lease_lost)
        return;
    primary_act_yield(p);
    primary_act_obey(p);
}

void primary_lease_tick(struct colo_primary *p)
{
    struct err e = { 0 };

    if (!p->leased)
        return;
    if (p->run.held[RUN_LOCK_LEASE])
        primary_act_obey(p);    /* somebody let it run, or it wasn't stopped */
    if (!fresh(p) && !stands(p))
        lose(p);
    else if (p->dom->lease(p->conf->dom, p->params.lease_s, &e))
        primary_say(p, LOG_ERROR, "this host is going down within %u s: %s",
                    p->params.lease_s, e.msg);
    p->ops->timer(p->env, ENV_TIMER_LEASE, LEASE_TICK_NS);
}

/* ---- actions ------------------------------------------------------------ */

void primary_act_yield(struct colo_primary *p)
{
    struct err e = { 0 };

    run_state_lock(&p->run, RUN_LOCK_LEASE, LOCK_T_TAKE, &e);
}

void primary_act_reclaim(struct colo_primary *p)
{
    struct err e = { 0 };

    if (p->run.held[RUN_LOCK_LEASE])
        run_state_lock(&p->run, RUN_LOCK_LEASE, LOCK_T_RELEASE, &e);
}
