/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's inputs: each becomes a trigger, the machine is stepped
 * until nothing is left.
 */
#include "secondary_int.h"

#include "faulty.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void secondary_post(struct colo_secondary *s, int t)
{
    inbox_post(&s->inbox, s->mode->trigger_of[t]);
}

void secondary_say(struct colo_secondary *s, enum log_level level,
                   const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (s->conf->report && s->conf->report->message)
        s->conf->report->message(s->conf->report->ctx, level, text);
}

void secondary_verdict(struct colo_secondary *s, enum colo_end end, int code,
                       const char *fmt, ...)
{
    char text[ERR_MSG_SIZE] = "";
    va_list ap;

    if (s->ended)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    s->ended = true;
    s->result.end = end;
    err_set(&s->result.err, code, "%s", text);
    log_info(s->conf->log, "event=ending code=%s text=\"%s\"",
             err_name(code), text);
}

/*
 * A copy may take over once the primary may have released output on the
 * strength of it: from the second epoch on with a primary of ours (which
 * holds output from the first answer on), from the first with another.
 */
static bool may_take_over(const struct colo_secondary *s)
{
    return s->held >= (s->link.own ? s->mode->safe_epochs : 1);
}

void secondary_lost(struct colo_secondary *s, const char *fmt, ...)
{
    bool manual = s->needs_proof ||
                  s->params.takeover == COLO_TAKEOVER_MANUAL;
    char why[ERR_MSG_SIZE];
    va_list ap;

    if (!s->link.open || s->ended)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    log_note(s->conf->log, "event=peer-lost text=\"%s\"", why);
    if (!may_take_over(s)) {
        secondary_verdict(s, COLO_END_FAILED, ERR_PEER, "%s", why);
        secondary_post(s, ST_LOST_EARLY);
        return;
    }
    secondary_say(s, LOG_NOTE, "%s", why);
    secondary_post(s, s->params.fence || s->lease_ns ? ST_LOST_FENCE :
                   manual ? ST_LOST_MANUAL : ST_LOST_AUTO);
}

void secondary_gone(struct colo_secondary *s)
{
    bool may = may_take_over(s);

    secondary_say(s, LOG_NOTE, "the primary's domain is destroyed");
    secondary_verdict(s, COLO_END_FAILED, ERR_PEER, "the primary's domain "
                      "is destroyed");
    secondary_post(s, may ? ST_PEER_GONE : ST_LOST_EARLY);
}

void secondary_local_failed(struct colo_secondary *s, const struct err *err)
{
    secondary_verdict(s, COLO_END_FAILED, err->code, "%s", err->msg);
    secondary_post(s, ST_LOCAL_FAILED);
}

static void enter(struct colo_secondary *s, int next, int trigger)
{
    const struct machine *m = s->mode->machine;
    const char *now;

    log_trace(s->conf->log, "machine=%s state=%s trigger=%s next=%s "
              "epoch=%" PRIu64, m->name, m->states[s->state].name,
              m->triggers[trigger].name, m->states[next].name, s->epochs);
    s->state = next;
    now = secondary_phase(s);
    if (s->phase && strcmp(now, s->phase) && s->conf->report &&
        s->conf->report->state)
        s->conf->report->state(s->conf->report->ctx, s->phase, now,
                               s->result.err.msg);
    s->phase = now;
}

void secondary_run(struct colo_secondary *s)
{
    const struct machine *m = s->mode->machine;
    int t;

    while (s->state != m->final && (t = inbox_take(&s->inbox)) >= 0) {
        const struct machine_cell *c;
        struct err e = { 0 };

        if (machine_step(m, s->state, t, &c, &e)) {
            log_error(s->conf->log, "event=bug text=\"%s\"", e.msg);
            if (t != s->mode->trigger_of[ST_LOCAL_FAILED])
                secondary_local_failed(s, &e);
            continue;
        }
        s->inbox.stepping = true;
        for (int i = 0; i < MACHINE_ACTIONS_MAX && c->actions[i]; i++) {
            if (c->actions[i] == s->mode->defer &&
                !triggers_has(&s->deferred, t))
                triggers_post(&s->deferred, t);
            if (s->ops->dies(s->env, m->name,
                             m->actions[c->actions[i]].name)) {
                s->state = m->final;
                s->link.open = false;
                return;
            }
            s->mode->actions[c->actions[i]](s);
        }
        s->inbox.stepping = false;
        enter(s, c->next, t);
    }
    if (s->link.open && !link_flush(&s->link))
        s->ops->timer(s->env, ENV_TIMER_STEP, LINK_BROKEN_NS);
    if (s->finishing && (!s->link.open || outq_empty(&s->link.out))) {
        s->finishing = false;
        s->ops->finished(s->env);
    }
}

void secondary_feed(struct colo_secondary *s)
{
    while (s->feeding && s->fed < s->feed.size) {
        ssize_t r = s->ops->feed(s->env, s->feed.data + s->fed,
                                 s->feed.size - s->fed);

        if (r <= 0)
            break;    /* full, or broken: then the restore says why */
        s->fed += (size_t)r;
    }
    /* What is left moves to the front now and then, not each time. */
    if (s->fed == s->feed.size || s->fed >= FEED_HIGH) {
        buf_consume(&s->feed, s->fed);
        s->fed = 0;
    }
    if (s->feeding && s->feed_ending && s->feed.size == 0) {
        s->feeding = false;
        s->ops->feed_close(s->env);
        return;
    }
    if (s->feeding)
        s->ops->want_feed(s->env, s->feed.size > 0);
}

/* ---- inputs ------------------------------------------------------------- */

void secondary_unpark(struct colo_secondary *s)
{
    if (!s->parked || secondary_parked(s))
        return;
    s->parked = false;
    link_listens_again(&s->link);
    s->ops->want_input(s->env, true);
}

static size_t on_input(void *v, const uint8_t *data, size_t n)
{
    struct colo_secondary *s = v;
    size_t left = n, took = n;

    link_heard(&s->link);
    while (s->link.open && !secondary_over(s) && !s->finishing) {
        if (secondary_parked(s)) {
            s->parked = true;
            took = n - left;
            s->ops->want_input(s->env, false);
            break;
        }
        if (!s->mode->take(s, &data, &left))
            break;
        secondary_run(s);
    }
    link_report(&s->link, WINDOW_REPORT);
    secondary_feed(s);
    secondary_run(s);
    secondary_unpark(s);
    return took;
}

static void on_eof(void *v)
{
    struct colo_secondary *s = v;

    secondary_lost(s, "the primary closed the stream");
    secondary_run(s);
}

static void on_writable(void *v)
{
    secondary_run(v);
}

static void on_feed_writable(void *v)
{
    struct colo_secondary *s = v;

    secondary_feed(s);
    secondary_unpark(s);
}

static void step_ran_out(struct colo_secondary *s)
{
    if (s->finishing) {
        s->finishing = false;
        s->ops->finished(s->env);
    } else if (s->link.broken) {
        secondary_lost(s, "the stream to the primary broke");
    } else {
        secondary_post(s, ST_STEP_OUT);
    }
}

static void on_timer(void *v, enum env_timer t)
{
    struct colo_secondary *s = v;

    switch (t) {
    case ENV_TIMER_HEARTBEAT:
        link_report(&s->link, 1);
        link_beat(&s->link);
        break;
    case ENV_TIMER_SILENCE:
        if (s->parked)
            link_listens_again(&s->link);
        if (link_is_silent(&s->link))
            s->mode->silent(s);
        break;
    case ENV_TIMER_STEP:
        step_ran_out(s);
        break;
    case ENV_TIMER_RETRY:
        secondary_post(s, ST_RETRY);
        break;
    case ENV_TIMER_LEASE:
        secondary_say(s, LOG_NOTE, "%s is off, or its domain stands still: "
                      "its lease is out", secondary_peer(s));
        secondary_post(s, ST_FENCED);
        break;
    default:
        break;
    }
    secondary_run(s);
}

static void on_start(void *v)
{
    struct colo_secondary *s = v;

    s->started_ns = s->ops->now(s->env);
    s->phase = secondary_phase(s);
    s->ops->timer(s->env, ENV_TIMER_STEP, s->params.create_ms * ENV_MS);
    s->mode->greet(s);
    secondary_run(s);
}

const struct role_ops secondary_role = {
    .start = on_start, .input = on_input, .eof = on_eof,
    .writable = on_writable, .feed_writable = on_feed_writable,
    .timer = on_timer, .domain = secondary_on_domain,
    .domain_fd = secondary_on_domain_fd,
    .net = secondary_on_net, .net_fd = secondary_on_net_fd,
    .fence_done = secondary_on_fence_done, .command = secondary_command,
    .settle = on_writable,
    .status = secondary_status,
};

int secondary_new(const struct colo_secondary_conf *conf,
                  const struct env_ops *ops, struct env *env,
                  struct colo_secondary **s_r, struct err *e)
{
    struct colo_secondary *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(e, ERR_NOMEM, "no memory for a session");
    s->conf = conf;
    params_fill(&s->params, conf->params);
    s->dom_ops = faulty_dom_ops(conf->dom_ops);
    s->ops = ops;
    s->env = env;
    s->mode = s->params.dialect == COLO_DIALECT_QEMU ? &secondary_qemu :
              s->params.colo ? &secondary_colo : &secondary_remus;
    s->state = s->mode->machine->initial;
    buf_init(&s->config, WIRE_XL_OPTIONAL_MAX + 16);
    buf_init(&s->feed, FEED_MAX);
    buf_init(&s->digests, DIGESTS_MAX);
    buf_init(&s->given.cpuid_policy, WIRE_POLICY_MAX);
    buf_init(&s->given.msr_policy, WIRE_POLICY_MAX);
    rc = link_init(&s->link, ops, env, conf->log, SR_FORWARD, &s->params, e);
    if (!rc && s->params.colo && !s->dom_ops->runs_copies)
        rc = err_set(e, ERR_UNSUPPORTED, "the %s backend can't run a copy "
                     "beside its domain (COLO)", s->dom_ops->name);
    if (!rc && s->mode->open)
        rc = s->mode->open(s, e);
    if (!rc && s->params.dialect == COLO_DIALECT_QEMU &&
        !s->dom_ops->captures_paused)
        rc = err_set(e, ERR_UNSUPPORTED, "QEMU's dialect isn't there yet for "
                     "domains of the %s backend", s->dom_ops->name);
    /* Before the banner: who can't have a copy doesn't say it is ready. */
    if (!rc)
        rc = s->dom_ops->open_sink(conf->dom_open, &s->dom, e);
    if (rc) {
        secondary_free(s);
        return rc;
    }
    *s_r = s;
    return 0;
}

void secondary_result(struct colo_secondary *s, struct colo_result *r)
{
    *r = s->result;
    r->epochs = s->epochs;
}

void secondary_free(struct colo_secondary *s)
{
    if (!s)
        return;
    pairing_abandon(&s->pairing);
    if (s->mode->close)
        s->mode->close(s);
    if (s->conf->dom_r && s->dom && s->result.end == COLO_END_TAKEN_OVER)
        *s->conf->dom_r = s->dom;
    else
        s->dom_ops->close(s->dom);
    ckpt_dispose(&s->stage);
    free(s->pages);
    buf_dispose(&s->config);
    buf_dispose(&s->feed);
    buf_dispose(&s->digests);
    buf_dispose(&s->given.cpuid_policy);
    buf_dispose(&s->given.msr_policy);
    link_dispose(&s->link);
    free(s);
}
