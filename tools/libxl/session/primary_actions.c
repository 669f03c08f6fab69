/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's actions, one function each, in the machine's terms. An
 * action does one thing and posts its outcome as a trigger; it never looks
 * at the machine's state.
 */
#include "primary_int.h"

#include <stdio.h>
#include <string.h>

/* How often dirty pages are counted, where they are limited. */
#define LOOK_NS (10 * ENV_MS)

void primary_clock(struct colo_primary *p, uint64_t ns)
{
    bool broken = p->link.broken && p->link.open;

    p->ops->timer(p->env, ENV_TIMER_STEP,
                  broken && ns > LINK_BROKEN_NS ? LINK_BROKEN_NS : ns);
}

bool primary_log_start(struct colo_primary *p)
{
    struct err e = { 0 };
    size_t pages = colo_staging_pages(&p->params, p->info->ram_pages);

    if (ckpt_init(&p->stage, pages, &e) ||
        p->dom->log_start(p->conf->dom, &e)) {
        primary_local_failed(p, &e);
        return false;
    }
    p->logging = true;
    return true;
}

void primary_act_arm_grace(struct colo_primary *p)
{
    p->ops->timer(p->env, ENV_TIMER_STEP, GREET_GRACE_NS);
}

void primary_act_meet(struct colo_primary *p)
{
    link_start_beating(&p->link, p->params.heartbeat_ms * ENV_MS);
}

void primary_act_lose(struct colo_primary *p)
{
    primary_lost(p, "%s", p->why);
}

void primary_act_arm_ready(struct colo_primary *p)
{
    uint64_t ms = p->epoch == 1 ? p->params.create_ms : p->params.step_ms;

    primary_clock(p, ms * ENV_MS);
}

void primary_act_suspend(struct colo_primary *p)
{
    struct err e = { 0 };

    primary_dont_look(p);
    if (primary_is_paused(p) && !p->mode->both_run) {
        primary_post(p, PT_SUSPEND_STILL);
        return;
    }
    p->asked_ns = p->ops->now(p->env);
    if (p->dom->suspend(p->conf->dom, p->params.step_ms, &e)) {
        primary_verdict(p, COLO_END_FAILED, e.code, "%s", e.msg);
        primary_post(p, PT_SUSPEND_FAILED);
        return;
    }
    p->asking = true;
}

void primary_act_suspend_cancel(struct colo_primary *p)
{
    if (!p->asking || !p->dom->suspend_cancel(p->conf->dom))
        return;    /* its answer comes, or is in the queue */
    p->asking = false;
    primary_post(p, PT_CANCELLED);
}

void primary_act_resume(struct colo_primary *p)
{
    struct dom_times *t = &p->now.times;
    struct err e = { 0 };

    primary_lease_judge(p);
    if (p->run.held[RUN_LOCK_CHECKPOINT])
        run_state_lock(&p->run, RUN_LOCK_CHECKPOINT, LOCK_T_RELEASE, &e);
    if (p->dom->resume(p->conf->dom, &e)) {
        primary_say(p, LOG_ERROR, "the domain can't be resumed: %s", e.msg);
        primary_verdict(p, COLO_END_FAILED, e.code, "%s", e.msg);
        if (p->leased && p->link.open)    /* its end could take too long */
            primary_lost(p, "the domain can't be resumed");
        else
            primary_post(p, p->link.open && p->link.own &&
                         p->epochs_ready >= p->mode->safe_epochs ?
                         PT_RESUME_FAILED : PX_RESUME_FAILED);
    }
    p->suspended = false;
    p->dom->times(p->conf->dom, t);
    p->stood_ns = p->asked_ns + t->ack_ns;
    if (p->resumed_ns && p->stood_ns > p->resumed_ns)
        p->now.run_ns = p->stood_ns - p->resumed_ns;
    p->resumed_ns = p->ops->now(p->env);
    p->now.epoch = p->epoch;
    p->now.pages = p->stage.pages_nr;
    p->now.pause_ns = p->resumed_ns - p->asked_ns;
    p->now.pause_ns -= t->ack_ns < p->now.pause_ns ? t->ack_ns
                                                   : p->now.pause_ns;
}

bool primary_capture(struct colo_primary *p)
{
    struct err e = { 0 };

    memset(&p->now, 0, sizeof(p->now));
    run_state_lock(&p->run, RUN_LOCK_CHECKPOINT, LOCK_T_TAKE, &e);
    primary_lease_tick(p);    /* copying may take its time */
    if (p->dom->capture(p->conf->dom, &p->stage, p->epoch + 1, &e)) {
        primary_verdict(p, COLO_END_FAILED, e.code, "%s", e.msg);
        primary_post(p, PT_CAPTURE_FAILED);
        return false;
    }
    p->epoch++;
    return true;
}

void primary_epoch_safe(struct colo_primary *p)
{
    primary_clock(p, ENV_NEVER);
    p->going_out = false;
    p->epochs_ready = p->epoch;
    link_allow_silence(&p->link, p->params.silence_ms * ENV_MS);
    p->now.ready_ns = p->ops->now(p->env) - p->sent_ns;
    primary_verify_safe(p);
}

void primary_epoch_over(struct colo_primary *p)
{
    p->newest = p->now;
    stats_add(&p->stats, &p->now);
    if (p->conf->report && p->conf->report->epoch)
        p->conf->report->epoch(p->conf->report->ctx, &p->now);
}

/* When the next epoch is: at its time, or once the guest can agree again. */
static uint64_t due(const struct colo_primary *p)
{
    uint64_t soon = p->resumed_ns + awake_least(&p->awake);

    return pairing_wants(&p->pairing) && soon < p->next_epoch_ns
               ? soon : p->next_epoch_ns;
}

/* At the next epoch's time or, with a limit on dirty pages, before. */
static void arm_look(struct colo_primary *p)
{
    uint64_t now = p->ops->now(p->env), at = due(p);
    uint64_t rest = at > now ? at - now : 0;

    if (p->params.max_dirty_pages && rest > LOOK_NS)
        rest = LOOK_NS;
    p->looking = true;
    p->ops->timer(p->env, ENV_TIMER_INTERVAL, rest);
}

void primary_dont_look(struct colo_primary *p)
{
    p->looking = p->round_waits = false;
    p->ops->timer(p->env, ENV_TIMER_INTERVAL, ENV_NEVER);
}

void primary_arm_look(struct colo_primary *p)
{
    uint64_t gone = p->ops->now(p->env) - p->resumed_ns;
    uint64_t all = awake_after(&p->awake, p->params.interval_ms * ENV_MS,
                               p->now.times.ack_ns + p->now.times.suspend_ns);

    if (p->paused)    /* it didn't run meanwhile: look again then */
        gone = 0;
    p->next_epoch_ns = p->ops->now(p->env) + (gone < all ? all - gone : 0);
    arm_look(p);
}

/* Enough pages, and the guest has run long enough to agree again. */
static bool dirty_enough(struct colo_primary *p)
{
    struct err e = { 0 };
    uint64_t pages;

    if (!p->params.max_dirty_pages || p->paused ||
        p->ops->now(p->env) - p->resumed_ns < awake_least(&p->awake))
        return false;
    if (p->dom->dirty_count(p->conf->dom, &pages, &e)) {
        log_error(p->conf->log, "event=dirty-count text=\"%s\"", e.msg);
        return false;
    }
    return pages >= p->params.max_dirty_pages;
}

void primary_look(struct colo_primary *p)
{
    if (!p->looking)
        return;
    if (p->mode->both_run && primary_is_paused(p)) {
        p->next_epoch_ns = p->ops->now(p->env) +
                           p->params.interval_ms * ENV_MS;
        /* Whatever is wanted waits until it runs. */
        p->ops->timer(p->env, ENV_TIMER_INTERVAL,
                      p->params.heartbeat_ms * ENV_MS);
        return;
    }
    if (p->ops->now(p->env) < due(p) && !dirty_enough(p)) {
        arm_look(p);
        return;
    }
    p->looking = false;
    primary_post(p, PT_INTERVAL);
}

void primary_act_recall(struct colo_primary *p)
{
    triggers_move(&p->inbox.inputs, &p->deferred);
}

void primary_act_disconnect(struct colo_primary *p)
{
    primary_dont_look(p);
    p->ops->timer(p->env, ENV_TIMER_STEP, ENV_NEVER);
    p->going_out = false;
    link_close(&p->link);
}

void primary_act_fence(struct colo_primary *p)
{
    struct err e = { 0 };

    p->needs_user = NULL;
    if (p->ops->fence(p->env, &e)) {
        primary_say(p, LOG_ERROR, "%s", e.msg);
        primary_post(p, PT_FENCE_FAILED);
    }
}

void primary_act_arm_retry(struct colo_primary *p)
{
    p->ops->timer(p->env, ENV_TIMER_RETRY, p->params.retry_ms * ENV_MS);
}

void primary_act_ask_user(struct colo_primary *p)
{
    snprintf(p->ask, sizeof(p->ask), "%s is lost and not proven off: its "
             "copy may have taken over, so %s. If %s runs there, or ran: xl "
             "destroy %s. If its copy certainly never ran: xl colo-stop "
             "--release %s",
             p->conf->host ? p->conf->host : "the peer", p->lease_lost ?
             "this one stands still" : "the output of this one stays held",
             p->info->name, p->info->name, p->info->name);
    if (!p->needs_user)
        primary_say(p, LOG_WARN, "%s", p->ask);
    p->needs_user = p->ask;
}

void primary_act_guest_end(struct colo_primary *p)
{
    struct err e = { 0 };
    int rc;

    if (!p->guest_over)
        return;
    p->result.guest_ended = true;
    rc = p->dom->finish(p->conf->dom, p->guest_reason, &e);
    p->result.guest_ending = rc == ERR_TIMEOUT;
    if (rc)
        primary_say(p, rc == ERR_TIMEOUT ? LOG_NOTE : LOG_ERROR, "%s",
                    e.msg);
}

void primary_act_refuse(struct colo_primary *p)
{
    snprintf(p->reply, sizeof(p->reply), "error %s", p->needs_user ?
             p->needs_user : "the peer is being fenced; wait, or vouch for "
             "it with --release");
}

void primary_act_finish(struct colo_primary *p)
{
    if (p->logging && !p->guest_over && !p->destroyed)
        p->dom->log_stop(p->conf->dom);
    for (int t = 0; t < ENV_TIMERS_NR; t++)
        p->ops->timer(p->env, (enum env_timer)t, ENV_NEVER);
    p->ops->finished(p->env);
}

void primary_act_defer(struct colo_primary *p)
{
    /* The trigger being stepped is left in p->deferred by the stepper. */
    (void)p;
}
