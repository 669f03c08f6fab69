/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A secondary that speaks QEMU's COLO protocol, in its periodic mode: the
 * actions of its own, and its table's. The copy stands still until it takes
 * over.
 */
#include "secondary_qemu.h"

#include <inttypes.h>
#include <stdlib.h>

#include "awake.h"
#include "machine_qemu_secondary.h"

static void silent(struct colo_secondary *s)
{
    uint64_t ms = s->link.silence_ns / ENV_MS;

    if (!s->words->clocked) {
        secondary_silent(s);
        return;
    }
    secondary_qemu_blame(s, "the primary has been silent for %" PRIu64 " ms",
                         ms);
    secondary_post(s, ST_STEP_OUT);
}

/* It says nothing until it is to. */
static void greet(struct colo_secondary *s)
{
    (void)s;
}

/* ---- waiting ------------------------------------------------------------ */

/* The primary's next message is due within that time. */
static void wait_ms(struct colo_secondary *s, uint64_t ms)
{
    s->words->due = s->words->clocked = true;
    link_watch(&s->link, ms * ENV_MS);
}

/* A guest that agrees to stand still may run for so many intervals. */
static void act_arm_request(struct colo_secondary *s)
{
    s->ops->timer(s->env, ENV_TIMER_STEP, ENV_NEVER);
    wait_ms(s, (uint64_t)AWAKE_INTERVALS * s->params.interval_ms +
               s->params.silence_ms);
}

static void act_arm_answer(struct colo_secondary *s)
{
    wait_ms(s, s->params.step_ms);
}

static void act_arm_load(struct colo_secondary *s)
{
    s->ops->timer(s->env, ENV_TIMER_STEP, s->params.create_ms * ENV_MS);
}

static void act_lose(struct colo_secondary *s)
{
    if (s->words->why[0])
        secondary_lost(s, "%s", s->words->why);
    else
        secondary_act_lose(s);
}

/* ---- the copy ----------------------------------------------------------- */

static void act_create(struct colo_secondary *s)
{
    secondary_act_create(s);
    s->words->clocked = false;
    link_watch(&s->link, LINK_EARLY_SILENCE_NS);
}

static void act_feed_end(struct colo_secondary *s)
{
    s->feed_ending = true;
    secondary_feed(s);
}

static void act_run_copy(struct colo_secondary *s)
{
    (void)s;    /* periodic: it stands until it takes over */
}

static void act_stop_copy(struct colo_secondary *s)
{
    secondary_post(s, SX_SUSPENDED);    /* it does already */
}

/* apply() has kept it for activate(). Nothing before takes a failure. */
static void act_load(struct colo_secondary *s)
{
    secondary_post(s, s->words->unsaid ? ST_LOCAL_FAILED : SX_LOADED);
}

static void act_discard(struct colo_secondary *s)
{
    ckpt_reset(&s->stage, s->epochs);
    buf_clear(&s->words->state);
}

/* ---- words -------------------------------------------------------------- */

static void say(struct colo_secondary *s, enum qemu_message m)
{
    struct err e = { 0 };

    if (secondary_qemu_answer(s, m, &e))
        secondary_local_failed(s, &e);
}

static void act_send_ready(struct colo_secondary *s)
{
    s->held = s->epochs;
    say(s, QEMU_CHECKPOINT_READY);
}

static void act_send_reply(struct colo_secondary *s)
{
    say(s, QEMU_CHECKPOINT_REPLY);
}

/* Output needn't wait until it is written. */
static void act_send_received(struct colo_secondary *s)
{
    struct err e = { 0 };

    s->held = s->epochs;
    if (secondary_qemu_answer(s, QEMU_VMSTATE_RECEIVED, &e)) {
        secondary_verdict(s, COLO_END_FAILED, e.code, "%s", e.msg);
        s->words->unsaid = true;
    }
    link_flush(&s->link);
}

static void act_send_loaded(struct colo_secondary *s)
{
    say(s, QEMU_VMSTATE_LOADED);
}

static void act_defer(struct colo_secondary *s)
{
    (void)s;    /* the stepper leaves the trigger in s->deferred */
}

static void act_recall(struct colo_secondary *s)
{
    triggers_move(&s->inbox.inputs, &s->deferred);
}

static secondary_action_fn *const actions[QSA_NR] = {
    [QSA_LOSE] = act_lose, [QSA_FAIL] = secondary_act_fail,
    [QSA_CREATE] = act_create, [QSA_FEED_END] = act_feed_end,
    [QSA_RUN_COPY] = act_run_copy, [QSA_SEND_READY] = act_send_ready,
    [QSA_ARM_REQUEST] = act_arm_request, [QSA_STOP_COPY] = act_stop_copy,
    [QSA_SEND_REPLY] = act_send_reply, [QSA_ARM_ANSWER] = act_arm_answer,
    [QSA_ARM_LOAD] = act_arm_load, [QSA_SEND_RECEIVED] = act_send_received,
    [QSA_APPLY] = secondary_act_apply, [QSA_LOAD] = act_load,
    [QSA_SEND_LOADED] = act_send_loaded, [QSA_DISCARD] = act_discard,
    [QSA_DEFER] = act_defer, [QSA_RECALL] = act_recall,
    [QSA_FENCE] = secondary_act_fence,
    [QSA_ARM_RETRY] = secondary_act_arm_retry,
    [QSA_ASK_USER] = secondary_act_ask_user,
    [QSA_ACTIVATE] = secondary_act_activate,
    [QSA_ANNOUNCE] = secondary_act_announce,
    [QSA_DESTROY] = secondary_act_destroy,
    [QSA_DISCONNECT] = secondary_act_disconnect,
    [QSA_REFUSE] = secondary_act_refuse, [QSA_FINISH] = secondary_act_finish,
};

/* What a secondary posts, in this table's terms. */
static const int trigger_of[SX_NR] = {
    [ST_HEAD] = QST_HEAD, [ST_FIRST_END] = QST_FIRST_END,
    [ST_CREATED] = QST_CREATED, [ST_CREATE_FAILED] = QST_CREATE_FAILED,
    [ST_STALE] = SX_NEVER, [ST_PAUSE_REASON] = SX_NEVER,
    [ST_STEP_OUT] = QST_STEP_OUT, [ST_EPOCH] = QST_BLOB,
    [ST_APPLIED] = QST_APPLIED, [ST_APPLY_FAILED] = QST_APPLY_FAILED,
    [ST_LOST_EARLY] = QST_LOST_EARLY, [ST_LOST_FENCE] = QST_LOST_FENCE,
    [ST_LOST_AUTO] = QST_LOST_AUTO, [ST_LOST_MANUAL] = QST_LOST_MANUAL,
    [ST_PEER_END] = SX_NEVER, [ST_PEER_GONE] = SX_NEVER,
    [ST_FENCED] = QST_FENCED, [ST_FENCE_FAILED] = QST_FENCE_FAILED,
    [ST_RETRY] = QST_RETRY, [ST_ACTIVATED] = QST_ACTIVATED,
    [ST_ACTIVATE_FAILED] = QST_ACTIVATE_FAILED, [ST_COPY_GONE] = QST_COPY_GONE,
    [ST_LOCAL_FAILED] = QST_LOCAL_FAILED,
    [ST_USER_FAILOVER] = QST_USER_FAILOVER, [ST_USER_STOP] = QST_USER_STOP,
    [SX_NEW] = QST_REQUEST, [SX_SUSPENDED] = QST_SUSPENDED,
    [SX_SUSPEND_FAILED] = QST_SUSPEND_FAILED, [SX_SEND] = QST_SEND,
    [SX_RAM_END] = QST_RAM_END, [SX_RAM_FAILED] = QST_RAM_FAILED,
    [SX_SIZE] = QST_SIZE, [SX_OVERSIZE] = QST_OVERSIZE,
    [SX_LOADED] = QST_LOADED, [SX_GARBAGE] = QST_GARBAGE,
    [SX_EXTRA] = QST_EXTRA, [SX_FAILOVER_LIVE] = QST_USER_LIVE,
};

static const char *const phases[QS_STATES_NR] = {
    [QS_OPEN] = "connecting", [QS_FIRST] = "copying",
    [QS_CREATE] = "creating", [QS_FENCE] = "fencing",
    [QS_ASK] = "waiting-for-user", [QS_TAKE] = "taking-over",
    [QS_DONE] = "ended",
};

const struct secondary_mode secondary_qemu = {
    .name = "qemu", .machine = &qemu_secondary_machine,
    .trigger_of = trigger_of, .actions = actions, .phases = phases,
    .refuse = QSA_REFUSE, .defer = QSA_DEFER, .safe_epochs = 1,
    .open = secondary_qemu_open, .close = secondary_qemu_close,
    .greet = greet, .take = secondary_qemu_take, .silent = silent,
    .believes = true,
};
