/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A primary in COLO mode: the actions of its own, and its table's. Both copies
 * run; what they send is compared (pairing.h), and a checkpoint is made when
 * it differs. The domain stands still until the copy has the checkpoint.
 */
#include "primary_int.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "machine_colo_primary.h"

void primary_frames(struct colo_primary *p)
{
    struct err e = { 0 };

    if (pairing_take(&p->pairing, &e)) {
        primary_local_failed(p, &e);
        return;
    }
    pairing_tick(&p->pairing);
    if (pairing_wants(&p->pairing))
        primary_look(p);
}

void primary_on_net(void *s)
{
    struct colo_primary *p = s;

    if (p->pairing.net) {
        primary_frames(p);
        primary_run(p);
    }
}

int primary_on_net_fd(void *s)
{
    struct colo_primary *p = s;

    return pairing_fd(&p->pairing);
}

/* ---- actions ------------------------------------------------------------ */

static void act_log_start(struct colo_primary *p)
{
    struct pairing_conf c = {
        .ops = p->ops, .env = p->env, .net_ops = p->net_ops,
        .info = p->info, .log = p->conf->log, .link = &p->link,
        .timeout_ns = p->params.compare_timeout_ms * ENV_MS,
        .seed = p->ops->random(p->env), .flows_max = p->params.flows_max,
    };
    struct err e = { 0 };

    if (primary_log_start(p) && pairing_open(&p->pairing, &c, &e))
        primary_local_failed(p, &e);
}

static void act_send_new(struct colo_primary *p)
{
    struct err e = { 0 };

    if (link_put_state(&p->link, WIRE_STATE_NEW, &e))
        primary_local_failed(p, &e);
}

static void act_note_list(struct colo_primary *p)
{
    log_trace(p->conf->log, "event=peer-dirtied pages=%zu",
              p->peer_pfns.size / 8);
}

/* Of the copy's pages those that staging doesn't have: how many, listed in
   @missing, which has room for all. */
static size_t missing_pages(struct colo_primary *p, uint8_t *staged,
                            uint64_t pages, uint64_t *missing)
{
    size_t n = 0;

    for (size_t i = 0; i < p->stage.pages_nr; i++)
        if (p->stage.pfns[i] < pages)
            staged[p->stage.pfns[i] / 8] |=
                (uint8_t)(1u << p->stage.pfns[i] % 8);
    for (size_t i = 0; i < p->peer_pfns.size; i += 8) {
        uint64_t pfn = get_le64(p->peer_pfns.data + i);
        uint8_t bit = (uint8_t)(1u << pfn % 8);

        if (staged[pfn / 8] & bit)
            continue;
        staged[pfn / 8] |= bit;
        missing[n++] = pfn;
    }
    return n;
}

/* One more than the highest page that the copy wrote. */
static uint64_t peer_pages(const struct colo_primary *p)
{
    uint64_t end = 0;

    for (size_t i = 0; i < p->peer_pfns.size; i += 8) {
        uint64_t pfn = get_le64(p->peer_pfns.data + i);

        end = pfn >= end ? pfn + 1 : end;
    }
    return end;
}

/* What only the copy wrote goes to it as it is here. */
static int add_peer_pages(struct colo_primary *p, struct err *e)
{
    uint64_t end = peer_pages(p), *pfns;
    CLEANUP_FREE uint8_t *staged = NULL;
    CLEANUP_FREE uint64_t *missing = NULL;
    uint8_t *pages;
    size_t n;
    int rc;

    if (end == 0)
        return 0;
    /* Ballooning moves the end of memory; this is no longer this domain's. */
    if (end > 16 * (p->info->ram_pages + (1u << 20)))
        return err_set(e, ERR_PEER, "the copy wrote page %#llx, it says",
                       (unsigned long long)end - 1);
    staged = calloc(1, (size_t)(end / 8 + 1));
    missing = malloc(p->peer_pfns.size);
    if (!staged || !missing)
        return err_set(e, ERR_NOMEM, "no memory for the copy's pages");
    n = missing_pages(p, staged, end, missing);
    rc = ckpt_add(&p->stage, n, &pfns, &pages, e);
    if (rc || n == 0)
        return rc;
    memcpy(pfns, missing, n * sizeof(*pfns));
    return p->dom->copy(p->conf->dom, missing, n, pages, e);
}

static void act_capture(struct colo_primary *p)
{
    struct err e = { 0 };

    /* What it sent until it stood still; later frames are of the next epoch,
       on both sides. */
    if (pairing_take(&p->pairing, &e)) {
        primary_local_failed(p, &e);
        return;
    }
    pairing_stand(&p->pairing);
    if (!primary_capture(p))
        return;
    if (add_peer_pages(p, &e)) {
        primary_verdict(p, COLO_END_FAILED, e.code, "%s", e.msg);
        primary_post(p, PT_CAPTURE_FAILED);
        return;
    }
    if (!primary_verify(p))
        return;
    buf_clear(&p->peer_pfns);
    p->captured_ns = p->ops->now(p->env);
    primary_post(p, PT_CAPTURED);
}

static void act_hold(struct colo_primary *p)
{
    pairing_compare(&p->pairing);
    p->holding = true;
    primary_lease_begin(p);
}

static void act_resume(struct colo_primary *p)
{
    p->pairing.still = false;
    primary_act_resume(p);
}

static void act_release_epoch(struct colo_primary *p)
{
    pairing_checkpoint(&p->pairing);
    primary_epoch_safe(p);
}

static void act_arm_interval(struct colo_primary *p)
{
    primary_clock(p, ENV_NEVER);
    primary_epoch_over(p);
    primary_arm_look(p);
}

static void act_release_all(struct colo_primary *p)
{
    struct err e = { 0 };

    p->delay = primary_delay(p);
    primary_lease_end(p);
    if (pairing_alone(&p->pairing, &e))
        primary_say(p, LOG_ERROR, "output stays held: %s (then: xl "
                    "colo-stop --release %s)", e.msg, p->info->name);
    p->holding = false;
}

static void act_drop_all(struct colo_primary *p)
{
    primary_lease_end(p);
    pairing_drop(&p->pairing);
    p->holding = false;
}

static primary_action_fn *const actions[CPA_NR] = {
    [CPA_ARM_GRACE] = primary_act_arm_grace, [CPA_MEET] = primary_act_meet,
    [CPA_LOSE] = primary_act_lose, [CPA_LOG_START] = act_log_start,
    [CPA_SEND_HEAD] = primary_act_send_head, [CPA_ROUND] = primary_act_round,
    [CPA_SEND_NEW] = act_send_new, [CPA_SUSPEND] = primary_act_suspend,
    [CPA_SUSPEND_CANCEL] = primary_act_suspend_cancel,
    [CPA_NOTE_LIST] = act_note_list, [CPA_CAPTURE] = act_capture,
    [CPA_SEND_EPOCH] = primary_act_send_epoch, [CPA_HOLD] = act_hold,
    [CPA_ARM_ANSWER] = primary_act_arm_ready,
    [CPA_RELEASE_EPOCH] = act_release_epoch, [CPA_OBEY] = primary_act_obey,
    [CPA_TELL_PAUSE] = primary_act_tell_pause, [CPA_RESUME] = act_resume,
    [CPA_ARM_INTERVAL] = act_arm_interval, [CPA_DEFER] = primary_act_defer,
    [CPA_RECALL] = primary_act_recall,
    [CPA_DISCONNECT] = primary_act_disconnect,
    [CPA_FENCE] = primary_act_fence, [CPA_ARM_RETRY] = primary_act_arm_retry,
    [CPA_ASK_USER] = primary_act_ask_user,
    [CPA_YIELD] = primary_act_yield, [CPA_RECLAIM] = primary_act_reclaim,
    [CPA_SEND_END] = primary_act_send_end, [CPA_RELEASE_ALL] = act_release_all,
    [CPA_DROP_ALL] = act_drop_all, [CPA_GUEST_END] = primary_act_guest_end,
    [CPA_REFUSE] = primary_act_refuse, [CPA_FINISH] = primary_act_finish,
};

/* What a primary posts, in this table's terms. A receiver that doesn't
   acknowledge is none for COLO, so that nothing is ever sent to one. */
static const int trigger_of[PX_NR] = {
    [PT_BANNER] = CPT_BANNER, [PT_HELLO] = CPT_HELLO,
    [PT_STEP_OUT] = CPT_STEP_OUT, [PT_ROUND_SENT] = CPT_ROUND_SENT,
    [PT_CONVERGED] = CPT_CONVERGED, [PT_INTERVAL] = CPT_CHECKPOINT,
    [PT_SUSPENDED] = CPT_SUSPENDED, [PT_SUSPEND_FAILED] = CPT_SUSPEND_FAILED,
    [PT_SUSPEND_STILL] = CPT_SUSPEND_FAILED, [PT_CANCELLED] = CPT_CANCELLED,
    [PT_CAPTURED_FIRST] = CPT_CAPTURED, [PT_CAPTURED] = CPT_CAPTURED,
    [PT_CAPTURE_FAILED] = CPT_CAPTURE_FAILED, [PT_SENT] = CPT_SENT,
    [PT_SENT_FIRST_PLAIN] = PX_NEVER, [PT_SENT_PLAIN] = PX_NEVER,
    [PT_READY_FIRST] = CPT_READY, [PT_READY] = CPT_READY,
    [PT_LOST_EARLY] = CPT_LOST_EARLY, [PT_LOST_FENCE] = CPT_LOST_FENCE,
    [PT_LOST_MANUAL] = CPT_LOST_MANUAL, [PT_LOST_LEASE] = CPT_LOST_LEASE,
    [PT_PLAIN_END] = PX_NEVER,
    [PT_PEER_ENDED] = CPT_PEER_ENDED,
    [PT_PEER_CONFIRMED] = CPT_PEER_CONFIRMED, [PT_FENCED] = CPT_FENCED,
    [PT_FENCE_FAILED] = CPT_FENCE_FAILED, [PT_RETRY] = CPT_RETRY,
    [PT_LOCAL_FAILED] = CPT_LOCAL_FAILED, [PT_GUEST_ENDED] = CPT_GUEST_ENDED,
    [PT_DESTROYED] = CPT_DESTROYED, [PT_USER_PAUSE] = CPT_USER_PAUSE,
    [PT_USER_RUN] = CPT_USER_RUN, [PT_USER_STOP] = CPT_USER_STOP,
    [PT_USER_RELEASE] = CPT_USER_RELEASE,
    [PX_PEER_SUSPENDED] = CPT_PEER_SUSPENDED,
    [PX_PEER_RESUMED] = CPT_PEER_RESUMED,
    [PT_RESUME_FAILED] = CPT_LOCAL_FAILED, [PT_DESTROY_FAILED] = PX_NEVER,
    [PX_RESUME_FAILED] = CPT_LOCAL_FAILED, PX_NO_QEMU,
};

static const char *const phases[CP_STATES_NR] = {
    [CP_GREET] = "connecting", [CP_HELLO] = "connecting",
    [CP_FIRST] = "copying", [CP_FENCE] = "fencing", [CP_HELD] = "held",
    [CP_YIELD] = "held",
    [CP_END] = "ending", [CP_CLOSE] = "ending", [CP_DONE] = "ended",
};

const struct primary_mode primary_colo = {
    .name = "colo", .machine = &colo_primary_machine,
    .trigger_of = trigger_of, .actions = actions, .phases = phases,
    .defer = CPA_DEFER, .refuse = CPA_REFUSE, .safe_epochs = 1,
    .both_run = true, .input = primary_input, .eof = primary_eof,
    .late = primary_late, .put_pages = primary_put_pages, .tells = true,
};
