/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A primary's domain and the user's wish that it stands still. The wish is
 * the run state; the peer is told its reason whenever that changes, so that it
 * outlives this host, and never of io-error, which is this host's storage.
 * When the domain is stopped or let go is the machine's matter.
 */
#include "primary_int.h"

#include <stdio.h>

/* An epoch's own lock is no wish. */
static bool wants_pause(const struct colo_primary *p)
{
    return p->run.reason != PAUSE_NONE || p->run.held[RUN_LOCK_IO_ERROR];
}

void primary_act_obey(struct colo_primary *p)
{
    struct err e = { 0 };
    bool pause;
    int rc;

    /* One that ended by itself may be another tool's, which resumes it. */
    if (p->destroyed || (p->guest_over && !p->lease_lost))
        return;
    primary_is_paused(p);    /* what somebody else did is a wish, too */
    pause = wants_pause(p) || p->run.held[RUN_LOCK_LEASE];
    if (pause == p->paused)
        return;
    rc = pause ? p->dom->pause(p->conf->dom, &e)
               : p->dom->unpause(p->conf->dom, &e);
    if (rc) {
        primary_say(p, LOG_ERROR, "%s", e.msg);
        return;
    }
    p->paused = pause;
    log_info(p->conf->log, "event=%s", pause ? "paused" : "unpaused");
}

void primary_tell_pause_anew(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };

    p->told = (uint32_t)p->run.reason;
    p->unechoed++;
    if (sr_put_pause_reason(&b, p->told, &e) || link_put(&p->link, &b, &e))
        primary_local_failed(p, &e);
}

void primary_act_tell_pause(struct colo_primary *p)
{
    if (p->link.own && p->link.open && p->told != (uint32_t)p->run.reason)
        primary_tell_pause_anew(p);
}

bool primary_is_paused(struct colo_primary *p)
{
    bool now = p->dom->is_paused(p->conf->dom);

    if (now != p->paused) {
        p->paused = now;
        run_state_command(&p->run, now ? RUN_STOP : RUN_CONT, NULL);
        primary_say(p, LOG_NOTE, "somebody %s the domain",
                    now ? "paused" : "unpaused");
        primary_act_tell_pause(p);
    }
    return now;
}

/* Somebody else may have let it run, and it hasn't been looked at since. */
const char *primary_paused(const struct colo_primary *p)
{
    bool stands = p->paused && p->dom->is_paused(p->conf->dom);
    uint32_t reason = (uint32_t)p->run.reason;
    bool known = reason == p->told && reason == p->kept && !p->unechoed;

    if (p->run.held[RUN_LOCK_LEASE])
        return stands ? "here" : "soon";
    if (!wants_pause(p))
        return p->paused ? "soon" : "no";
    if (!p->mode->tells)
        return stands && !p->going_out ? "here" : "soon";
    if (stands && p->link.own && !known && !p->link.open)
        return "here";
    return stands && !p->going_out && (known || !p->link.own) ? "yes" : "soon";
}

void primary_run_command(struct colo_primary *p, enum run_command c)
{
    struct err e = { 0 };

    primary_is_paused(p);
    if (p->run.held[RUN_LOCK_LEASE] && c != RUN_STOP) {
        primary_act_refuse(p);
        return;
    }
    if (run_state_command(&p->run, c, &e)) {
        snprintf(p->reply, sizeof(p->reply), "error %s", e.msg);
        return;
    }
    if (wants_pause(p) && !p->link.own && p->logging)
        primary_say(p, LOG_WARN, "the receiver can't be told that the "
                    "domain is paused: after a take-over it runs");
    snprintf(p->reply, sizeof(p->reply), "ok %s", wants_pause(p) ?
             "pausing" : "running");
    if (p->mode->both_run && wants_pause(p) && p->paused &&
        (uint32_t)p->run.reason == p->told)
        return;    /* it is */
    primary_post(p, wants_pause(p) ? PT_USER_PAUSE : PT_USER_RUN);
}
