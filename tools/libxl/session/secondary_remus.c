/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A secondary whose copy stands still until it takes over (Remus): its table.
 */
#include "secondary_int.h"

static secondary_action_fn *const actions[SA_NR] = {
    [SA_LOSE] = secondary_act_lose, [SA_FAIL] = secondary_act_fail,
    [SA_CREATE] = secondary_act_create,
    [SA_FEED_END] = secondary_act_feed_end,
    [SA_SEND_READY] = secondary_act_send_ready,
    [SA_APPLY] = secondary_act_apply, [SA_FENCE] = secondary_act_fence,
    [SA_ARM_RETRY] = secondary_act_arm_retry,
    [SA_ASK_USER] = secondary_act_ask_user,
    [SA_ACTIVATE] = secondary_act_activate,
    [SA_NOTE_PAUSE] = secondary_act_note_pause,
    [SA_ECHO_PAUSE] = secondary_act_echo_pause,
    [SA_ANNOUNCE] = secondary_act_announce,
    [SA_DESTROY] = secondary_act_destroy,
    [SA_SEND_GONE] = secondary_act_send_gone,
    [SA_SEND_CONFIRM] = secondary_act_send_confirm,
    [SA_DISCONNECT] = secondary_act_disconnect,
    [SA_REFUSE] = secondary_act_refuse, [SA_FINISH] = secondary_act_finish,
};

/* Its own terms, in their order. */
static const int trigger_of[SX_NR] = {
#define SAME(id, name, about) [ST_##id] = ST_##id,
    SECONDARY_TRIGGERS(SAME)
#undef SAME
    [SX_NEW] = SX_NEVER, [SX_SUSPENDED] = SX_NEVER,
    [SX_SUSPEND_FAILED] = SX_NEVER, SX_NO_QEMU,
};

static const char *const phases[S_STATES_NR] = {
    [S_GREET] = "connecting", [S_FIRST] = "copying", [S_CREATE] = "creating",
    [S_FENCE] = "fencing", [S_ASK] = "waiting-for-user",
    [S_TAKE] = "taking-over", [S_DONE] = "ended",
};

const struct secondary_mode secondary_remus = {
    .name = "remus", .machine = &secondary_machine, .trigger_of = trigger_of,
    .actions = actions, .phases = phases, .refuse = SA_REFUSE,
    .safe_epochs = 2, SECONDARY_XEN,
};
