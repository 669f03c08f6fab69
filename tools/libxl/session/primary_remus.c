/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A primary with acknowledged output (Remus): the actions of its own, and its
 * table's. The domain runs while its epoch goes out; what it sends is held
 * until the epoch is acknowledged.
 */
#include "primary_int.h"

void primary_act_log_start(struct colo_primary *p)
{
    struct err e = { 0 };

    if (primary_log_start(p) && p->params.hold_output &&
        p->net_ops->attach(p->info, p->conf->log, &p->net, &e))
        primary_local_failed(p, &e);
}

static void act_meet_plain(struct colo_primary *p)
{
    if (p->params.verify) {
        primary_lost(p, "the receiver isn't one of ours, so that it compares "
                     "nothing (--debug-verify)");
        return;
    }
    if (p->params.lease_s) {
        primary_lost(p, "the receiver isn't one of ours, so that it waits "
                     "for no lease (--fence=watchdog)");
        return;
    }
    primary_say(p, LOG_WARN, "the receiver does not acknowledge "
                "checkpoints: output is released once it is sent, and an "
                "acknowledged write can be lost; a silent receiver goes "
                "unnoticed");
}

/*
 * As late as can be: what the guest sent before it stood still may be on its
 * way to the queue yet, and sch_plug takes no lock when it ends an epoch.
 */
static void act_mark(struct colo_primary *p)
{
    struct err e = { 0 };

    if (p->holding && !p->ended && p->net_ops->mark(p->net, &e))
        primary_local_failed(p, &e);
}

static void act_capture(struct colo_primary *p)
{
    if (primary_capture(p) && primary_verify(p))
        primary_post(p, p->epoch == 1 ? PT_CAPTURED_FIRST : PT_CAPTURED);
}

bool primary_hold(struct colo_primary *p)
{
    struct err e = { 0 };
    int rc;

    if (!p->net)
        return true;
    rc = p->net_ops->hold(p->net, &e);
    if (rc)
        primary_local_failed(p, &e);
    p->holding = true;
    return !rc;
}

static void act_hold(struct colo_primary *p)
{
    p->going_out = false;
    p->epochs_ready = p->link.own ? 1 : 0;
    primary_lease_begin(p);
    primary_hold(p);
}

void primary_release_marked(struct colo_primary *p)
{
    struct err e = { 0 };

    if (p->holding && p->net_ops->release_epoch(p->net, &e))
        primary_local_failed(p, &e);
}

static void act_release_epoch(struct colo_primary *p)
{
    primary_release_marked(p);
    primary_epoch_safe(p);
    if (p->holding)
        p->now.hold_ns = p->ops->now(p->env) - p->stood_ns;
    primary_epoch_over(p);
}

void primary_act_release_all(struct colo_primary *p)
{
    struct err e = { 0 };

    primary_lease_end(p);
    if (!p->net)
        return;
    if (p->net_ops->release_all(p->net, &e))
        primary_say(p, LOG_ERROR, "output stays held: %s (then: xl "
                    "colo-stop --release %s)", e.msg, p->info->name);
    p->net_ops->detach(p->net);
    p->net = NULL;
    p->holding = false;
}

void primary_act_drop_all(struct colo_primary *p)
{
    primary_lease_end(p);
    if (!p->net)
        return;
    p->net_ops->drop(p->net);
    p->net = NULL;
    p->holding = false;
}

static void act_fail(struct colo_primary *p)
{
    primary_post(p, PT_LOCAL_FAILED);
}

/* What takes longer is told by the domain's own event. */
static void act_destroy(struct colo_primary *p)
{
    struct err e = { 0 };
    int rc = p->dom->destroy(p->conf->dom, 0, &e);

    primary_dont_look(p);
    primary_clock(p, p->params.step_ms * ENV_MS);
    if (rc == ERR_TIMEOUT)
        return;
    if (rc)
        primary_say(p, LOG_ERROR, "the domain can't be destroyed: %s",
                    e.msg);
    p->destroyed = !rc;
    primary_post(p, rc ? PT_DESTROY_FAILED : PT_DESTROYED);
}

static void act_send_gone(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };

    p->sending = SENDING_NOTHING;
    p->going_out = false;
    primary_say(p, LOG_WARN, "it is destroyed on this host, so that its copy "
                "takes over");
    if (sr_put_gone(&b, &e) || link_put(&p->link, &b, &e))
        primary_say(p, LOG_ERROR, "the peer can't be told: %s", e.msg);
    primary_clock(p, p->link.open ? p->params.step_ms * ENV_MS : 1);
}

static primary_action_fn *const actions[PA_NR] = {
    [PA_ARM_GRACE] = primary_act_arm_grace, [PA_MEET] = primary_act_meet,
    [PA_MEET_PLAIN] = act_meet_plain, [PA_LOSE] = primary_act_lose,
    [PA_ARM_READY] = primary_act_arm_ready,
    [PA_LOG_START] = primary_act_log_start,
    [PA_SEND_HEAD] = primary_act_send_head, [PA_ROUND] = primary_act_round,
    [PA_SUSPEND] = primary_act_suspend, [PA_MARK] = act_mark,
    [PA_SUSPEND_CANCEL] = primary_act_suspend_cancel,
    [PA_CAPTURE] = act_capture, [PA_RESUME] = primary_act_resume,
    [PA_FAIL] = act_fail,
    [PA_SEND_EPOCH] = primary_act_send_epoch, [PA_HOLD] = act_hold,
    [PA_OBEY] = primary_act_obey, [PA_TELL_PAUSE] = primary_act_tell_pause,
    [PA_RELEASE_EPOCH] = act_release_epoch,
    [PA_ARM_INTERVAL] = primary_arm_look, [PA_DEFER] = primary_act_defer,
    [PA_RECALL] = primary_act_recall,
    [PA_DISCONNECT] = primary_act_disconnect, [PA_FENCE] = primary_act_fence,
    [PA_ARM_RETRY] = primary_act_arm_retry,
    [PA_ASK_USER] = primary_act_ask_user, [PA_YIELD] = primary_act_yield,
    [PA_RECLAIM] = primary_act_reclaim, [PA_SEND_END] = primary_act_send_end,
    [PA_RELEASE_ALL] = primary_act_release_all,
    [PA_DROP_ALL] = primary_act_drop_all,
    [PA_DESTROY] = act_destroy, [PA_SEND_GONE] = act_send_gone,
    [PA_GUEST_END] = primary_act_guest_end, [PA_REFUSE] = primary_act_refuse,
    [PA_FINISH] = primary_act_finish,
};

/* Its own terms, in their order. */
static const int trigger_of[PX_NR] = {
#define SAME(id, name, about) [PT_##id] = PT_##id,
    PRIMARY_TRIGGERS(SAME)
#undef SAME
    [PX_PEER_SUSPENDED] = PX_NEVER, [PX_PEER_RESUMED] = PX_NEVER,
    [PX_RESUME_FAILED] = PT_LOCAL_FAILED, PX_NO_QEMU,
};

static const char *const phases[P_STATES_NR] = {
    [P_GREET] = "connecting", [P_HELLO] = "connecting",
    [P_FIRST] = "copying", [P_FENCE] = "fencing", [P_HELD] = "held",
    [P_YIELD] = "held", [P_DOOM] = "ending",
    [P_CLOSE] = "ending", [P_END] = "ending", [P_DONE] = "ended",
};

const struct primary_mode primary_remus = {
    .name = "remus", .machine = &primary_machine, .trigger_of = trigger_of,
    .actions = actions, .phases = phases, .defer = PA_DEFER,
    .refuse = PA_REFUSE, .safe_epochs = 2, .input = primary_input,
    .eof = primary_eof, .late = primary_late, .put_pages = primary_put_pages,
    .tells = true,
};
