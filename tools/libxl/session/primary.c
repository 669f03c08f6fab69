/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's inputs: each becomes a trigger, the machine is stepped until
 * nothing is left, and its actions (primary_actions.c) do the work.
 */
#include "primary_int.h"

#include "faulty.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void primary_post(struct colo_primary *p, int t)
{
    inbox_post(&p->inbox, p->mode->trigger_of[t]);
}

void primary_say(struct colo_primary *p, enum log_level level,
                 const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (p->conf->report && p->conf->report->message)
        p->conf->report->message(p->conf->report->ctx, level, text);
}

void primary_verdict(struct colo_primary *p, enum colo_end end, int code,
                     const char *fmt, ...)
{
    char text[ERR_MSG_SIZE] = "";
    va_list ap;

    if (p->ended)
        return;
    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
    }
    p->ended = true;
    p->result.end = end;
    err_set(&p->result.err, code, "%s", text);
    log_info(p->conf->log, "event=ending code=%s text=\"%s\"",
             err_name(code), text);
}

void primary_blame(struct colo_primary *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->why, sizeof(p->why), fmt, ap);
    va_end(ap);
}

void primary_lost(struct colo_primary *p, const char *fmt, ...)
{
    /* What stands behind the epoch in the queue doesn't matter. */
    uint64_t sent = p->epoch_end && p->link.out.sent >= p->epoch_end
                        ? p->epoch : p->epochs_sent;
    bool early = sent < (p->link.own ? p->mode->safe_epochs : 1);
    char why[ERR_MSG_SIZE];
    va_list ap;

    if (!p->link.open)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (early)
        primary_verdict(p, COLO_END_FAILED, ERR_PEER, "%s", why);
    else if (!p->ended)
        primary_verdict(p, COLO_END_ALONE, ERR_PEER, "%s", why);
    log_line(p->conf->log, p->ended ? LOG_INFO : LOG_NOTE,
             "event=peer-lost early=%d text=\"%s\"", early, why);
    p->lease_lost = !early && p->params.lease_s;
    primary_post(p, early ? PT_LOST_EARLY : p->lease_lost ? PT_LOST_LEASE :
                 p->params.fence ? PT_LOST_FENCE : PT_LOST_MANUAL);
}

void primary_local_failed(struct colo_primary *p, const struct err *err)
{
    primary_verdict(p, COLO_END_FAILED, err->code, "%s", err->msg);
    primary_post(p, PT_LOCAL_FAILED);
}

static void enter(struct colo_primary *p, int next, int trigger)
{
    const struct machine *m = p->mode->machine;
    const char *now;

    log_trace(p->conf->log, "machine=%s state=%s trigger=%s next=%s "
              "epoch=%" PRIu64, m->name, m->states[p->state].name,
              m->triggers[trigger].name, m->states[next].name, p->epoch);
    p->state = next;
    now = primary_phase(p);
    if (p->phase && strcmp(now, p->phase) && p->conf->report &&
        p->conf->report->state)
        p->conf->report->state(p->conf->report->ctx, p->phase, now,
                               p->result.err.msg);
    p->phase = now;
}

void primary_run(struct colo_primary *p)
{
    const struct machine *m = p->mode->machine;
    int t;

    while (p->state != m->final && (t = inbox_take(&p->inbox)) >= 0) {
        const struct machine_cell *c;
        struct err e = { 0 };

        if (machine_step(m, p->state, t, &c, &e)) {
            /* A hole in our own reasoning: say so, and stop protecting as
               after any failure here, if that isn't under way. */
            log_error(p->conf->log, "event=bug text=\"%s\"", e.msg);
            if (t != p->mode->trigger_of[PT_LOCAL_FAILED])
                primary_local_failed(p, &e);
            continue;
        }
        p->inbox.stepping = true;
        for (int i = 0; i < MACHINE_ACTIONS_MAX && c->actions[i]; i++) {
            if (c->actions[i] == p->mode->defer &&
                !triggers_has(&p->deferred, t))
                triggers_post(&p->deferred, t);
            if (p->ops->dies(p->env, m->name,
                             m->actions[c->actions[i]].name)) {
                p->state = m->final;
                p->link.open = false;
                return;
            }
            p->mode->actions[c->actions[i]](p);
        }
        p->inbox.stepping = false;
        enter(p, c->next, t);
    }
    primary_pump(p);
}

void primary_pump(struct colo_primary *p)
{
    uint64_t before = p->link.out.sent;
    enum primary_sending what;

    if (!p->link.open)
        return;
    if (!link_flush(&p->link))
        p->ops->timer(p->env, ENV_TIMER_STEP, LINK_BROKEN_NS);
    if (p->link.broken)
        return;
    if (p->sending && p->link.out.sent != before)
        p->ops->timer(p->env, ENV_TIMER_STEP, p->params.step_ms * ENV_MS);
    if (!p->sending || !outq_empty(&p->link.out))
        return;
    what = p->sending;
    p->sending = SENDING_NOTHING;
    p->ops->timer(p->env, ENV_TIMER_STEP, ENV_NEVER);
    if (what != SENDING_EPOCH) {
        primary_post(p, what == SENDING_RAM ? PX_RAM_SENT : PT_ROUND_SENT);
    } else {
        p->epochs_sent = p->epoch;
        p->sent_ns = p->ops->now(p->env);
        p->now.send_ns = p->sent_ns - (p->captured_ns > p->resumed_ns ?
                                       p->captured_ns : p->resumed_ns);
        p->now.bytes = p->link.out.sent - p->first_byte;
        primary_post(p, p->link.own ? PT_SENT : p->epoch == 1 ?
                     PT_SENT_FIRST_PLAIN : PT_SENT_PLAIN);
    }
    primary_run(p);
}

static void on_writable(void *s)
{
    primary_run(s);
}

/* ---- clock, domain, fence, user ----------------------------------------- */

static void step_ran_out(struct colo_primary *p)
{
    if (p->link.broken)
        primary_lost(p, "the stream to the receiver broke");
    else
        p->mode->late(p);
}

static void on_timer(void *s, enum env_timer t)
{
    struct colo_primary *p = s;

    switch (t) {
    case ENV_TIMER_INTERVAL:
        if (p->round_waits)
            primary_post(p, PT_ROUND_SENT);
        p->round_waits = false;
        primary_look(p);
        break;
    case ENV_TIMER_HEARTBEAT:
        link_beat(&p->link);
        break;
    case ENV_TIMER_SILENCE:
        if (link_is_silent(&p->link))
            primary_lost(p, "the receiver has been silent for %" PRIu64
                         " ms",
                         p->link.silence_ns / ENV_MS);
        break;
    case ENV_TIMER_STEP:
        step_ran_out(p);
        break;
    case ENV_TIMER_RETRY:
        primary_post(p, PT_RETRY);
        break;
    case ENV_TIMER_COMPARE:
        primary_frames(p);
        break;
    case ENV_TIMER_LEASE:
        primary_lease_tick(p);
        break;
    default:
        break;
    }
    primary_run(p);
}

static void guest_ended(struct colo_primary *p, const struct dom_event *ev)
{
    static const char *const how[] = {
        [DOM_POWEROFF] = "shut down", [DOM_REBOOT] = "asked for a reboot",
        [DOM_CRASH] = "crashed", [DOM_OTHER] = "ended",
        [DOM_SUSPEND] = "suspended, but not for an epoch",
    };
    bool gone = ev->kind == DOM_EV_GONE;

    p->guest_over = !gone;
    p->destroyed = gone;
    p->asking = false;
    p->guest_reason = ev->shutdown_reason;
    primary_verdict(p, COLO_END_GUEST, ERR_OK, "the domain %s", gone ?
                    "was destroyed" : how[ev->shutdown_reason]);
    primary_post(p, gone ? PT_DESTROYED : PT_GUEST_ENDED);
}

static void on_domain(void *s)
{
    struct colo_primary *p = s;
    struct dom_event ev;

    while (p->state != p->mode->machine->final &&
           p->dom->next_event(p->conf->dom, &ev) == 0) {
        switch (ev.kind) {
        case DOM_EV_SUSPENDED:
            p->asking = false;
            p->suspended = true;
            primary_post(p, PT_SUSPENDED);
            break;
        case DOM_EV_SUSPEND_FAILED:
            p->asking = false;
            if (primary_is_paused(p) && !p->mode->both_run) {
                primary_post(p, PT_SUSPEND_STILL);
                break;
            }
            primary_verdict(p, COLO_END_FAILED, ev.err.code, "%s",
                            ev.err.msg);
            primary_post(p, PT_SUSPEND_FAILED);
            break;
        case DOM_EV_SHUTDOWN:
        case DOM_EV_GONE:
            guest_ended(p, &ev);
            break;
        default:
            break;
        }
        primary_run(p);
    }
}

static int on_domain_fd(void *s)
{
    struct colo_primary *p = s;

    return p->dom->fd(p->conf->dom);
}

static void on_fence_done(void *s, int status)
{
    struct colo_primary *p = s;

    if (status == 0)
        primary_say(p, LOG_NOTE, "%s is off, says the fence command; the "
                    "domain goes on here without protection", p->conf->host);
    else
        primary_say(p, LOG_WARN, "the fence command failed with %d",
                    status);
    primary_post(p, status == 0 ? PT_FENCED : PT_FENCE_FAILED);
    primary_run(p);
}

static void on_start(void *s)
{
    struct colo_primary *p = s;

    p->started_ns = p->ops->now(p->env);
    p->phase = primary_phase(p);
    p->ops->timer(p->env, ENV_TIMER_STEP, p->params.create_ms * ENV_MS);
    if (p->mode->begin)
        p->mode->begin(p);
}

static size_t on_input(void *s, const uint8_t *data, size_t n)
{
    struct colo_primary *p = s;

    return p->mode->input(p, data, n);
}

static void on_eof(void *s)
{
    struct colo_primary *p = s;

    p->mode->eof(p);
}

const struct role_ops primary_role = {
    .start = on_start, .input = on_input, .eof = on_eof,
    .writable = on_writable,
    .timer = on_timer, .domain = on_domain, .domain_fd = on_domain_fd,
    .net = primary_on_net, .net_fd = primary_on_net_fd,
    .fence_done = on_fence_done, .command = primary_command,
    .settle = on_writable,
    .status = primary_status,
};

int primary_new(const struct colo_primary_conf *conf,
                const struct env_ops *ops, struct env *env,
                uint64_t generation, struct colo_primary **p_r,
                struct err *e)
{
    struct colo_primary *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return err_set(e, ERR_NOMEM, "no memory for a session");
    p->conf = conf;
    params_fill(&p->params, conf->params);
    p->dom = faulty_dom_ops(conf->dom_ops);
    p->net_ops = faulty_net_ops(conf->net_ops);
    p->info = conf->dom_ops->info(conf->dom);
    p->ops = ops;
    p->env = env;
    p->mode = p->params.dialect == COLO_DIALECT_QEMU ? &primary_qemu :
              p->params.colo ? &primary_colo : &primary_remus;
    p->state = p->mode->machine->initial;
    p->round_least = SIZE_MAX;
    buf_init(&p->peer_pfns, (p->info->ram_pages + COLO_SPARE_PAGES) * 8);
    rc = link_init(&p->link, ops, env, conf->log, SR_BACK, &p->params, e);
    p->link.generation = generation;
    if (!rc && p->params.lease_s && !p->dom->lease)
        rc = err_set(e, ERR_UNSUPPORTED, "the %s backend can't end its host: "
                     "no lease (--fence=watchdog)", p->dom->name);
    if (!rc)
        rc = stats_init(&p->stats, e);
    if (rc) {
        primary_free(p);
        return rc;
    }
    *p_r = p;
    return 0;
}

void primary_result(struct colo_primary *p, struct colo_result *r)
{
    *r = p->result;
    r->epochs = p->epochs_ready;
    r->destroyed = p->destroyed;
    stats_median(&p->stats, &r->median);
    r->delay = primary_delay(p);
}

void primary_free(struct colo_primary *p)
{
    if (!p)
        return;
    if (p->net)
        p->net_ops->abandon(p->net);
    pairing_abandon(&p->pairing);
    buf_dispose(&p->peer_pfns);
    ckpt_dispose(&p->stage);
    stats_dispose(&p->stats);
    verify_dispose(&p->verify);
    link_dispose(&p->link);
    free(p);
}
