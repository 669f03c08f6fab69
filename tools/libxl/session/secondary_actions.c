/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's actions, one function each, in the machine's terms.
 */
#include "secondary_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/* So long a copy's end is waited for; then it goes on without us. */
#define DESTROY_LIMIT_MS 30000u

void secondary_failed(struct colo_secondary *s, const struct err *e, int t)
{
    secondary_verdict(s, COLO_END_FAILED, e->code, "%s", e->msg);
    secondary_post(s, t);
}

/* *@stale_r: what the domain's generation is refused with, 0: it isn't. */
static int create(struct colo_secondary *s, int *fd_r, int *stale_r,
                  struct err *e)
{
    struct dom_create c = {
        .config_json = (const char *)s->config.data + 4,
        .config_length = get_le32(s->config.data),
        .incoming_suffix = DOM_INCOMING,
        .given = &s->given,
    };
    int rc;

    if (c.config_length == 0 || c.config_length > s->config.size - 5)
        return err_set(e, ERR_FORMAT, "a configuration of %zu octets in "
                       "%zu", c.config_length, s->config.size - 5);
    if (c.config_json[c.config_length - 1] == '\0')
        c.config_length--;
    s->pages = malloc(sizeof(*s->pages));
    if (!s->pages)
        return err_set(e, ERR_NOMEM, "no memory for lists of pages");
    rc = s->dom_ops->create(s->dom, &c, fd_r, e);
    if (!rc && s->conf->report && s->conf->report->named)
        s->conf->report->named(s->conf->report->ctx, secondary_name(s));
    if (!rc && s->link.own)
        *stale_r = rc = s->ops->accept(s->env, s->dom_ops->info(s->dom)->uuid,
                                       s->link.generation, e);
    return rc;
}

void secondary_act_lose(struct colo_secondary *s)
{
    secondary_lost(s, "no stream came within %u s",
                   s->params.create_ms / 1000);
}

void secondary_act_fail(struct colo_secondary *s)
{
    struct err e;

    err_set(&e, ERR_TIMEOUT, "the restore isn't done after %u s",
            s->params.create_ms / 1000);
    secondary_local_failed(s, &e);
}

void secondary_act_create(struct colo_secondary *s)
{
    struct err e = { 0 };
    int fd = -1, stale = 0;

    s->ops->timer(s->env, ENV_TIMER_STEP, ENV_NEVER);
    s->route = ROUTE_FEED;
    if (create(s, &fd, &stale, &e)) {
        if (fd >= 0) {
            s->ops->feed_open(s->env, fd);
            s->ops->feed_close(s->env);
        }
        secondary_failed(s, &e, stale ? ST_STALE : ST_LOCAL_FAILED);
        return;
    }
    s->ops->feed_open(s->env, fd);
    s->feeding = true;
}

void secondary_act_feed_end(struct colo_secondary *s)
{
    s->feed_ending = true;
    s->route = ROUTE_NOWHERE;
    secondary_feed(s);
    s->ops->timer(s->env, ENV_TIMER_STEP, s->params.create_ms * ENV_MS);
}

int secondary_make_stage(struct colo_secondary *s, struct err *e)
{
    uint64_t ram_pages = s->dom_ops->info(s->dom)->ram_pages;

    if (s->staged)
        return 0;
    s->staged = true;
    return ckpt_init(&s->stage, colo_staging_pages(&s->params, ram_pages), e);
}

void secondary_act_send_ready(struct colo_secondary *s)
{
    struct err e = { 0 };

    s->ops->timer(s->env, ENV_TIMER_STEP, ENV_NEVER);
    s->held = s->epochs;
    s->route = ROUTE_STAGE;
    if (secondary_make_stage(s, &e)) {
        secondary_failed(s, &e, ST_LOCAL_FAILED);
        return;
    }
    ckpt_reset(&s->stage, s->epochs + 1);
    buf_clear(&s->digests);
    if (s->epochs >= s->mode->safe_epochs)
        link_allow_silence(&s->link, s->params.silence_ms * ENV_MS);
    link_report(&s->link, 1);    /* only who is heard is believed */
    if (s->link.own &&
        link_put_state(&s->link, WIRE_STATE_SVM_READY, &e))
        secondary_failed(s, &e, ST_LOCAL_FAILED);
}

void secondary_act_apply(struct colo_secondary *s)
{
    uint64_t from = s->ops->now(s->env);
    struct err e = { 0 };

    if (s->dom_ops->apply(s->dom, &s->stage, &e) || secondary_verify(s, &e)) {
        secondary_failed(s, &e, ST_APPLY_FAILED);
        return;
    }
    s->apply_ns = s->ops->now(s->env) - from;
    s->newest_pages = s->stage.pages_nr;
    log_info(s->conf->log, "event=applied epoch=%" PRIu64 " pages=%zu "
             "us=%" PRIu64, s->epochs, s->stage.pages_nr,
             s->apply_ns / 1000);
    secondary_post(s, ST_APPLIED);
}

/* Nothing is read any more, so the time is what it was when we read last. */
static void wait_for_lease(struct colo_secondary *s)
{
    uint64_t now = s->ops->now(s->env);
    uint64_t out = s->link.heard_ns + s->lease_ns;
    uint64_t left = out > now ? out - now : 0;

    secondary_say(s, LOG_NOTE, "waits %" PRIu64 " ms, until the lease of %s "
                  "is out", left / ENV_MS, secondary_peer(s));
    s->ops->timer(s->env, ENV_TIMER_LEASE, left);
}

void secondary_act_fence(struct colo_secondary *s)
{
    struct err e = { 0 };

    s->needs_user = NULL;
    if (s->lease_ns) {
        wait_for_lease(s);
        return;
    }
    if (s->ops->fence(s->env, &e)) {
        secondary_say(s, LOG_ERROR, "%s", e.msg);
        secondary_post(s, ST_FENCE_FAILED);
    }
}

void secondary_act_arm_retry(struct colo_secondary *s)
{
    s->ops->timer(s->env, ENV_TIMER_RETRY, s->params.retry_ms * ENV_MS);
}

void secondary_act_ask_user(struct colo_secondary *s)
{
    snprintf(s->ask, sizeof(s->ask), "%s is lost and not proven off, so its "
             "copy waits; when the domain certainly doesn't run there: xl "
             "colo-failover %s", secondary_peer(s),
             secondary_name(s));
    if (!s->needs_user)
        secondary_say(s, LOG_WARN, "%s", s->ask);
    s->needs_user = s->ask;
}

void secondary_act_note_pause(struct colo_secondary *s)
{
    s->reason = s->told;
    log_info(s->conf->log, "event=pause-reason reason=%u", s->reason);
}

void secondary_act_echo_pause(struct colo_secondary *s)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };

    if (sr_put_pause_reason(&b, s->reason, &e) || link_put(&s->link, &b, &e))
        secondary_failed(s, &e, ST_LOCAL_FAILED);
}

void secondary_act_activate(struct colo_secondary *s)
{
    bool run = s->reason == 0;
    struct err e = { 0 };

    s->ops->timer(s->env, ENV_TIMER_RETRY, ENV_NEVER);
    s->ops->timer(s->env, ENV_TIMER_LEASE, ENV_NEVER);
    if (s->asking)
        s->dom_ops->suspend_cancel(s->dom);
    if (s->dom_ops->activate(s->dom, run, &e)) {
        s->ended = false;
        secondary_failed(s, &e, ST_ACTIVATE_FAILED);
        return;
    }
    if (s->pairing.net)
        s->dom_ops->log_stop(s->dom);
    if (pairing_alone(&s->pairing, &e))
        secondary_say(s, LOG_ERROR, "output is held here: %s", e.msg);
    s->ended = false;
    s->result.paused = !run;
    secondary_verdict(s, COLO_END_TAKEN_OVER, ERR_OK, "the domain %s here "
                      "from epoch %" PRIu64, run ? "runs" : "is paused, as "
                      "it was there, and waits", s->epochs);
    secondary_post(s, ST_ACTIVATED);
}

void secondary_act_announce(struct colo_secondary *s)
{
    struct err e = { 0 };

    if (s->conf->net_ops &&
        s->conf->net_ops->announce(s->dom_ops->info(s->dom), &e))
        secondary_say(s, LOG_WARN, "the network wasn't told: %s", e.msg);
}

/* The primary waits for it, and hears meanwhile that we live. */
static int destroy(struct colo_secondary *s, struct err *e)
{
    unsigned int beat = s->params.heartbeat_ms < DOM_STEP_LIMIT_MS
                            ? s->params.heartbeat_ms : DOM_STEP_LIMIT_MS;
    int rc = ERR_TIMEOUT;

    for (unsigned int ms = 0; rc == ERR_TIMEOUT && ms < DESTROY_LIMIT_MS;
         ms += beat) {
        rc = s->dom_ops->destroy(s->dom, beat, e);
        if (rc == ERR_TIMEOUT && s->link.own)
            link_beat(&s->link);
    }
    return rc;
}

void secondary_act_destroy(struct colo_secondary *s)
{
    struct err e = { 0 };
    int rc = 0;

    if (s->feeding) {
        s->feeding = false;
        buf_clear(&s->feed);
        s->fed = 0;
        s->ops->feed_close(s->env);
    }
    pairing_drop(&s->pairing);
    if (s->dom)
        rc = destroy(s, &e);
    s->copy_left = rc != 0;
    if (rc)
        secondary_say(s, LOG_ERROR, "the copy can't be destroyed: %s (then: "
                      "xl destroy %s)", e.msg,
                      s->dom_ops->info(s->dom)->name);
    s->dom_ops->close(s->dom);
    s->dom = NULL;
}

/* GONE has to be true: who isn't told so fences this host. */
void secondary_act_send_gone(struct colo_secondary *s)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };

    if (s->copy_left) {
        log_warn(s->conf->log, "event=gone-not-said text=\"the copy may "
                 "still be there\"");
        return;
    }
    if (sr_put_gone(&b, &e) || link_put(&s->link, &b, &e))
        secondary_say(s, LOG_ERROR, "the primary can't be told: %s", e.msg);
    link_flush(&s->link);
}

void secondary_act_send_confirm(struct colo_secondary *s)
{
    struct err e = { 0 };

    if (link_put_release(&s->link, &e))
        secondary_say(s, LOG_ERROR, "the primary can't be told: %s", e.msg);
    link_flush(&s->link);    /* what follows may take its time */
}

void secondary_act_disconnect(struct colo_secondary *s)
{
    link_close(&s->link);
}

void secondary_act_refuse(struct colo_secondary *s)
{
    snprintf(s->reply, sizeof(s->reply), "error %s lives: it was heard "
             "%" PRIu64 " ms ago; end protection there with xl colo-stop",
             secondary_peer(s), link_quiet(&s->link) / ENV_MS);
}

void secondary_act_finish(struct colo_secondary *s)
{
    for (int t = 0; t < ENV_TIMERS_NR; t++)
        s->ops->timer(s->env, (enum env_timer)t, ENV_NEVER);
    link_flush(&s->link);
    if (s->link.open && !s->link.broken && !outq_empty(&s->link.out)) {
        s->finishing = true;
        s->ops->timer(s->env, ENV_TIMER_STEP, LINGER_NS);
        return;
    }
    s->ops->finished(s->env);
}
