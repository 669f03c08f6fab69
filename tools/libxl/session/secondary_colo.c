/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A secondary whose copy runs beside the domain (COLO): the actions of its
 * own, and its table's.
 */
#include "secondary_int.h"

#include "machine_colo_secondary.h"

void secondary_frames(struct colo_secondary *s)
{
    struct err e = { 0 };

    if (pairing_take(&s->pairing, &e))
        secondary_local_failed(s, &e);
}

/* ---- actions ------------------------------------------------------------ */

/* Once: its frames are ours, and what it writes is logged. */
static int begin(struct colo_secondary *s, struct err *e)
{
    struct pairing_conf c = {
        .ops = s->ops, .env = s->env, .net_ops = s->conf->net_ops,
        .info = s->dom_ops->info(s->dom), .log = s->conf->log,
        .link = &s->link, .seed = s->ops->random(s->env),
        .flows_max = s->params.flows_max,
    };

    if (s->pairing.net)
        return 0;
    return pairing_open(&s->pairing, &c, e) ||
           s->dom_ops->log_start(s->dom, e) ? e->code : 0;
}

static int obey(struct colo_secondary *s, struct err *e)
{
    bool pause = s->reason != 0;
    int rc = 0;

    if (pause != s->copy_paused)
        rc = pause ? s->dom_ops->pause(s->dom, e)
                   : s->dom_ops->unpause(s->dom, e);
    if (!rc)
        s->copy_paused = pause;
    return rc;
}

static void act_run_copy(struct colo_secondary *s)
{
    struct err e = { 0 };
    int rc = begin(s, &e);

    if (!rc)
        rc = obey(s, &e);
    if (!rc && !s->runs) {
        pairing_checkpoint(&s->pairing);
        rc = s->dom_ops->resume(s->dom, &e);
        s->runs = !rc;
    }
    if (rc)
        secondary_local_failed(s, &e);
}

static void act_send_resumed(struct colo_secondary *s)
{
    struct err e = { 0 };

    if (link_put_state(&s->link, WIRE_STATE_SVM_RESUMED, &e))
        secondary_local_failed(s, &e);
}

static void act_stop_copy(struct colo_secondary *s)
{
    struct err e = { 0 };

    /* Who is paused can't agree; the user's wish holds for what comes. */
    if (s->copy_paused && s->dom_ops->unpause(s->dom, &e)) {
        secondary_failed(s, &e, SX_SUSPEND_FAILED);
        return;
    }
    s->copy_paused = false;
    /* In time for our GONE: the primary waits no longer than step_ms. */
    if (s->dom_ops->suspend(s->dom, s->params.step_ms / 2, &e)) {
        secondary_failed(s, &e, SX_SUSPEND_FAILED);
        return;
    }
    s->asking = true;
}

static void act_send_suspended(struct colo_secondary *s)
{
    CLEANUP_BUF struct buf b = { 0 };
    const uint64_t *pfns;
    struct err e = { 0 };
    size_t n;
    int rc;

    s->runs = false;
    rc = pairing_take(&s->pairing, &e);    /* what it sent until now */
    if (!rc)
        rc = s->dom_ops->dirty(s->dom, &pfns, &n, &e);
    if (!rc)
        rc = sr_put_state(&b, WIRE_STATE_SVM_SUSPENDED, &e);
    if (!rc)
        rc = sr_put_dirty_pfns(&b, pfns, n, &e);
    if (!rc)
        rc = link_put(&s->link, &b, &e);
    if (rc)
        secondary_local_failed(s, &e);
}

static secondary_action_fn *const actions[CSA_NR] = {
    [CSA_LOSE] = secondary_act_lose, [CSA_FAIL] = secondary_act_fail,
    [CSA_CREATE] = secondary_act_create,
    [CSA_FEED_END] = secondary_act_feed_end,
    [CSA_SEND_READY] = secondary_act_send_ready,
    [CSA_RUN_COPY] = act_run_copy, [CSA_SEND_RESUMED] = act_send_resumed,
    [CSA_STOP_COPY] = act_stop_copy,
    [CSA_SEND_SUSPENDED] = act_send_suspended,
    [CSA_APPLY] = secondary_act_apply,
    [CSA_NOTE_PAUSE] = secondary_act_note_pause,
    [CSA_ECHO_PAUSE] = secondary_act_echo_pause,
    [CSA_FENCE] = secondary_act_fence,
    [CSA_ARM_RETRY] = secondary_act_arm_retry,
    [CSA_ASK_USER] = secondary_act_ask_user,
    [CSA_ACTIVATE] = secondary_act_activate,
    [CSA_ANNOUNCE] = secondary_act_announce,
    [CSA_DESTROY] = secondary_act_destroy,
    [CSA_SEND_GONE] = secondary_act_send_gone,
    [CSA_SEND_CONFIRM] = secondary_act_send_confirm,
    [CSA_DISCONNECT] = secondary_act_disconnect,
    [CSA_REFUSE] = secondary_act_refuse, [CSA_FINISH] = secondary_act_finish,
};

/* What a secondary posts, in this table's terms. */
static const int trigger_of[SX_NR] = {
    [ST_HEAD] = CST_HEAD, [ST_FIRST_END] = CST_FIRST_END,
    [ST_CREATED] = CST_CREATED, [ST_CREATE_FAILED] = CST_CREATE_FAILED,
    [ST_STALE] = CST_STALE, [ST_PAUSE_REASON] = CST_PAUSE_REASON,
    [ST_STEP_OUT] = CST_STEP_OUT, [ST_EPOCH] = CST_EPOCH,
    [ST_APPLIED] = CST_APPLIED, [ST_APPLY_FAILED] = CST_APPLY_FAILED,
    [ST_LOST_EARLY] = CST_LOST_EARLY, [ST_LOST_FENCE] = CST_LOST_FENCE,
    [ST_LOST_AUTO] = CST_LOST_AUTO, [ST_LOST_MANUAL] = CST_LOST_MANUAL,
    [ST_PEER_END] = CST_PEER_END, [ST_PEER_GONE] = CST_PEER_GONE,
    [ST_FENCED] = CST_FENCED, [ST_FENCE_FAILED] = CST_FENCE_FAILED,
    [ST_RETRY] = CST_RETRY, [ST_ACTIVATED] = CST_ACTIVATED,
    [ST_ACTIVATE_FAILED] = CST_ACTIVATE_FAILED, [ST_COPY_GONE] = CST_COPY_GONE,
    [ST_LOCAL_FAILED] = CST_LOCAL_FAILED,
    [ST_USER_FAILOVER] = CST_USER_FAILOVER, [ST_USER_STOP] = CST_USER_STOP,
    [SX_NEW] = CST_NEW, [SX_SUSPENDED] = CST_SUSPENDED,
    [SX_SUSPEND_FAILED] = CST_SUSPEND_FAILED, SX_NO_QEMU,
};

static const char *const phases[CS_STATES_NR] = {
    [CS_GREET] = "connecting", [CS_FIRST] = "copying",
    [CS_CREATE] = "creating", [CS_FENCE] = "fencing",
    [CS_ASK] = "waiting-for-user", [CS_TAKE] = "taking-over",
    [CS_DONE] = "ended",
};

const struct secondary_mode secondary_colo = {
    .name = "colo", .machine = &colo_secondary_machine,
    .trigger_of = trigger_of, .actions = actions, .phases = phases,
    .refuse = CSA_REFUSE, .safe_epochs = 1, SECONDARY_XEN,
};
