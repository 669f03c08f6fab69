/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A primary that speaks QEMU's COLO protocol, in its periodic mode: the
 * actions of its own, its table's, and what it reads. The domain stands still
 * until the copy has the checkpoint; output waits for vmstate-received. What
 * is sent is primary_qemu_send.c's.
 */
#include "primary_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine_qemu_primary.h"
#include "qemu_message.h"

/* Octets of what is out of turn that the user sees. */
#define SHOWN ((size_t)40)

/* ---- what comes back ---------------------------------------------------- */

/* An answer is due from now on, or none is. */
static void expect(struct colo_primary *p, bool due)
{
    p->words.due = due;
    p->words.have = 0;
}

static void take_word(struct colo_primary *p)
{
    static const int triggers[QEMU_MESSAGES_NR] = {
        [QEMU_CHECKPOINT_READY] = PX_QEMU_READY,
        [QEMU_CHECKPOINT_REPLY] = PX_REPLY,
        [QEMU_VMSTATE_RECEIVED] = PX_RECEIVED,
        [QEMU_VMSTATE_LOADED] = PX_LOADED,
    };
    enum qemu_message m;
    struct err e = { 0 };

    expect(p, false);
    primary_clock(p, ENV_NEVER);
    if (qemu_get_message(p->words.word, &m, &e)) {
        primary_blame(p, "the receiver's answer is broken: %s", e.msg);
        primary_post(p, PX_GARBAGE);
        return;
    }
    primary_blame(p, "the receiver says %s, and %s is due",
                  qemu_message_name(m), qemu_message_name(p->words.wanted));
    primary_post(p, qemu_message_forward(m) ? PX_GARBAGE : triggers[m]);
}

static size_t on_input(struct colo_primary *p, const uint8_t *data, size_t n)
{
    struct primary_words *w = &p->words;
    char seen[SHOWN + 1];

    link_heard(&p->link);
    for (size_t i = 0; i < n && p->link.open; i++) {
        if (!w->due) {
            size_t left = n - i < SHOWN ? n - i : SHOWN;

            primary_show(seen, data + i, left);
            primary_blame(p, "the receiver speaks out of turn: \"%s\"", seen);
            primary_post(p, PX_EXTRA);
            primary_run(p);
            break;
        }
        w->word[w->have++] = data[i];
        if (w->have == sizeof(w->word)) {
            take_word(p);
            primary_run(p);
        }
    }
    return n;
}

static void on_eof(struct colo_primary *p)
{
    primary_lost(p, "the receiver closed the stream");
    primary_run(p);
}

static void late(struct colo_primary *p)
{
    if (p->sending) {
        primary_lost(p, "the receiver takes no data");
        return;
    }
    primary_blame(p, "no %s for epoch %" PRIu64 " in time",
                  qemu_message_name(p->words.wanted), p->epoch);
    primary_post(p, PT_STEP_OUT);
}

/* The peer says nothing until it has the first copy. */
static void begin(struct colo_primary *p)
{
    primary_post(p, PX_OPENED);
    primary_run(p);
}

/* ---- the end ------------------------------------------------------------ */

#define NO_WORD \
    "this dialect has no word for the end of protection, and no fence " \
    "command is set: first `xl colo-stop' on the other host, then `xl " \
    "colo-stop --release' here"

static void ends(struct colo_primary *p, int trigger)
{
    if (trigger == PT_USER_RELEASE || p->epochs_sent == 0)
        primary_verdict(p, COLO_END_STOPPED, ERR_OK, NULL);
    else if (p->params.fence)
        snprintf(p->reply, sizeof(p->reply), "ok the other host is fenced "
                 "first");
    else
        snprintf(p->reply, sizeof(p->reply), "error %s", NO_WORD);
}

static void act_refuse(struct colo_primary *p)
{
    if (p->needs_user) {
        primary_act_refuse(p);
    } else if (!p->params.fence) {
        snprintf(p->reply, sizeof(p->reply), "error %s", NO_WORD);
        primary_say(p, LOG_WARN, "protection goes on: %s", NO_WORD);
    } else if (primary_hears(p)) {
        snprintf(p->reply, sizeof(p->reply), "error the receiver lives: it "
                 "was heard %" PRIu64 " ms ago; end it there first",
                 link_quiet(&p->link) / ENV_MS);
    } else {
        primary_act_refuse(p);
    }
}

static void act_fence(struct colo_primary *p)
{
    expect(p, false);
    primary_dont_look(p);
    primary_clock(p, ENV_NEVER);
    if (p->params.fence)
        primary_act_fence(p);
    else
        primary_post(p, PX_NO_FENCE);
}

static void act_destroy(struct colo_primary *p)
{
    struct err e = { 0 };

    p->destroyed = true;
    if (p->dom->destroy(p->conf->dom, DOM_STEP_LIMIT_MS, &e))
        primary_say(p, LOG_ERROR, "the domain can't be destroyed: %s", e.msg);
}

/* ---- a checkpoint ------------------------------------------------------- */

static void act_hold(struct colo_primary *p)
{
    primary_hold(p);
}

static void act_save(struct colo_primary *p)
{
    struct err e = { 0 };

    if (!primary_capture(p))
        return;
    if (p->holding && p->net_ops->mark(p->net, &e)) {
        primary_verdict(p, COLO_END_FAILED, e.code, "%s", e.msg);
        primary_post(p, PT_CAPTURE_FAILED);
        return;
    }
    p->stood_ns = p->captured_ns = p->ops->now(p->env);
    primary_post(p, PT_CAPTURED);
}

static void act_compare(struct colo_primary *p)
{
    (void)p;    /* periodic: nothing leaves but by a checkpoint */
}

static void act_release_epoch(struct colo_primary *p)
{
    primary_release_marked(p);
    primary_epoch_safe(p);
    p->now.hold_ns = p->ops->now(p->env) - p->stood_ns;
    p->words.wanted = QEMU_VMSTATE_LOADED;
}

static void act_arm_answer(struct colo_primary *p)
{
    expect(p, true);
    primary_act_arm_ready(p);
}

/* One that was paused wasn't asked to stand still. */
static void act_resume(struct colo_primary *p)
{
    struct err e = { 0 };

    if (p->suspended) {
        primary_act_resume(p);
        return;
    }
    if (p->run.held[RUN_LOCK_CHECKPOINT])
        run_state_lock(&p->run, RUN_LOCK_CHECKPOINT, LOCK_T_RELEASE, &e);
    p->resumed_ns = p->ops->now(p->env);
    p->now.epoch = p->epoch;
    p->now.pages = p->stage.pages_nr;
}

static void act_arm_interval(struct colo_primary *p)
{
    primary_clock(p, ENV_NEVER);
    p->going_out = false;
    p->epochs_ready = p->epoch;
    primary_epoch_over(p);
    primary_arm_look(p);
}

static primary_action_fn *const actions[QPA_NR] = {
    [QPA_LOG_START] = primary_act_log_start,
    [QPA_SEND_HEAD] = primary_qemu_send_head, [QPA_ROUND] = primary_act_round,
    [QPA_SUSPEND] = primary_act_suspend,
    [QPA_SUSPEND_CANCEL] = primary_act_suspend_cancel, [QPA_HOLD] = act_hold,
    [QPA_SEND_REST] = primary_qemu_send_rest, [QPA_COMPARE] = act_compare,
    [QPA_SEND_REQUEST] = primary_qemu_send_request, [QPA_SAVE] = act_save,
    [QPA_SEND_GO] = primary_qemu_send_go,
    [QPA_SEND_RAM] = primary_qemu_send_ram,
    [QPA_SEND_STATE] = primary_qemu_send_state,
    [QPA_RELEASE_EPOCH] = act_release_epoch,
    [QPA_ARM_ANSWER] = act_arm_answer, [QPA_ARM_INTERVAL] = act_arm_interval,
    [QPA_OBEY] = primary_act_obey, [QPA_RESUME] = act_resume,
    [QPA_LOSE] = primary_act_lose, [QPA_DEFER] = primary_act_defer,
    [QPA_RECALL] = primary_act_recall,
    [QPA_DISCONNECT] = primary_act_disconnect, [QPA_FENCE] = act_fence,
    [QPA_ARM_RETRY] = primary_act_arm_retry,
    [QPA_ASK_USER] = primary_act_ask_user,
    [QPA_RELEASE_ALL] = primary_act_release_all,
    [QPA_DROP_ALL] = primary_act_drop_all,
    [QPA_GUEST_END] = primary_act_guest_end, [QPA_DESTROY] = act_destroy,
    [QPA_REFUSE] = act_refuse, [QPA_FINISH] = primary_act_finish,
};

/* What a primary posts, in this table's terms. Who is paused stands still. */
static const int trigger_of[PX_NR] = {
    [PT_BANNER] = PX_NEVER, [PT_HELLO] = PX_NEVER,
    [PT_STEP_OUT] = QPT_STEP_OUT, [PT_ROUND_SENT] = QPT_ROUND_SENT,
    [PT_CONVERGED] = QPT_CONVERGED, [PT_INTERVAL] = QPT_INTERVAL,
    [PT_SUSPENDED] = QPT_SUSPENDED, [PT_SUSPEND_FAILED] = QPT_SUSPEND_FAILED,
    [PT_SUSPEND_STILL] = QPT_SUSPENDED, [PT_CANCELLED] = QPT_CANCELLED,
    [PT_CAPTURED_FIRST] = QPT_SAVED, [PT_CAPTURED] = QPT_SAVED,
    [PT_CAPTURE_FAILED] = QPT_SAVE_FAILED, [PT_SENT] = QPT_SENT,
    [PT_SENT_FIRST_PLAIN] = QPT_SENT, [PT_SENT_PLAIN] = QPT_SENT,
    [PT_READY_FIRST] = PX_NEVER, [PT_READY] = PX_NEVER,
    [PT_LOST_EARLY] = QPT_LOST_EARLY, [PT_LOST_FENCE] = QPT_LOST_FENCE,
    [PT_LOST_MANUAL] = QPT_LOST_MANUAL, [PT_LOST_LEASE] = PX_NEVER,
    [PT_PLAIN_END] = PX_NEVER,
    [PT_PEER_ENDED] = PX_NEVER, [PT_PEER_CONFIRMED] = PX_NEVER,
    [PT_FENCED] = QPT_FENCED, [PT_FENCE_FAILED] = QPT_FENCE_FAILED,
    [PT_RETRY] = QPT_RETRY, [PT_LOCAL_FAILED] = QPT_LOCAL_FAILED,
    [PT_GUEST_ENDED] = QPT_GUEST_ENDED, [PT_DESTROYED] = QPT_DESTROYED,
    [PT_USER_PAUSE] = QPT_USER_PAUSE, [PT_USER_RUN] = QPT_USER_RUN,
    [PT_USER_STOP] = QPT_USER_STOP, [PT_USER_RELEASE] = QPT_USER_RELEASE,
    [PX_PEER_SUSPENDED] = PX_NEVER, [PX_PEER_RESUMED] = PX_NEVER,
    [PT_RESUME_FAILED] = QPT_RESUME_FAILED, [PT_DESTROY_FAILED] = PX_NEVER,
    [PX_RESUME_FAILED] = QPT_RESUME_FAILED,
    [PX_OPENED] = QPT_OPENED, [PX_RAM_SENT] = QPT_RAM_SENT,
    [PX_QEMU_READY] = QPT_READY, [PX_REPLY] = QPT_REPLY,
    [PX_RECEIVED] = QPT_RECEIVED, [PX_LOADED] = QPT_LOADED,
    [PX_GARBAGE] = QPT_GARBAGE, [PX_EXTRA] = QPT_EXTRA,
    [PX_NO_FENCE] = QPT_NO_FENCE, [PX_RELEASE_LIVE] = QPT_USER_LIVE,
};

static const char *const phases[QP_STATES_NR] = {
    [QP_OPEN] = "connecting", [QP_FIRST] = "copying", [QP_FENCE] = "fencing",
    [QP_SETTLE] = "fencing", [QP_HELD] = "held", [QP_END] = "ending",
    [QP_CLOSE] = "ending", [QP_DONE] = "ended",
};

const struct primary_mode primary_qemu = {
    .name = "qemu", .machine = &qemu_primary_machine,
    .trigger_of = trigger_of, .actions = actions, .phases = phases,
    .defer = QPA_DEFER, .refuse = QPA_REFUSE, .safe_epochs = 1,
    .begin = begin, .input = on_input, .eof = on_eof, .late = late,
    .put_pages = primary_qemu_put_round, .ends = ends,
};
