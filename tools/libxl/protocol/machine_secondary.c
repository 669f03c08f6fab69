/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's table. Every cell is decided: a transition, or why the
 * pair can't happen.
 */
#include "machine_secondary.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name states[] = { SECONDARY_STATES(NAME) };
static const struct machine_name triggers[] = { SECONDARY_TRIGGERS(NAME) };
static const struct machine_name actions[] = {
    { "none", "ends a list" }, SECONDARY_ACTIONS(NAME)
};

#define GO(s, ...) M_GO(S_##s, __VA_ARGS__)
#define GIVE_UP SA_DESTROY, SA_SEND_GONE, SA_FINISH

#define ONE_HEAD "headers come once, at the start"
#define NO_MAKE  "no restore runs"
#define EARLIER  "the first epoch has ended already"
#define NO_COPY  "there is no copy yet"
#define NO_APPLY "no epoch is being written"
#define NO_STEP  "nothing is waited for that takes its time"
#define NO_FENCE "no fence command runs"
#define NO_RETRY "only a failed fence command sets this clock"
#define NO_TAKE  "the copy isn't being started"
#define NO_PEER  "the stream is closed"
#define TOO_SOON "the copy may not take over yet, so the loss is early"
#define NO_STALE "the generation is looked at when the copy is begun"
#define SYNC     "this step takes no input: it waits in the queue"
#define OVER     "nothing is listened to any more"

static const struct machine_cell cells[S_STATES_NR][ST_NR] = {
[S_GREET] = {
    [ST_HEAD] = GO(FIRST, SA_CREATE),
    [ST_FIRST_END] = M_NEVER("an epoch before the headers is garbage, and "
                             "so an early loss"),
    [ST_CREATED] = M_NEVER(NO_MAKE),
    [ST_CREATE_FAILED] = M_NEVER(NO_MAKE),
    [ST_STALE] = M_NEVER(NO_STALE),
    [ST_PAUSE_REASON] = GO(GREET, SA_NOTE_PAUSE, SA_ECHO_PAUSE),
    [ST_STEP_OUT] = GO(GREET, SA_LOSE),
    [ST_EPOCH] = M_NEVER(NO_COPY),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = GO(DONE, SA_DISCONNECT, SA_FINISH),
    [ST_LOST_FENCE] = M_NEVER(TOO_SOON),
    [ST_LOST_AUTO] = M_NEVER(TOO_SOON),
    [ST_LOST_MANUAL] = M_NEVER(TOO_SOON),
    [ST_PEER_END] = GO(DONE, SA_SEND_CONFIRM, SA_FINISH),
    [ST_PEER_GONE] = M_NEVER(TOO_SOON),
    [ST_FENCED] = M_NEVER(NO_FENCE),
    [ST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [ST_RETRY] = M_NEVER(NO_RETRY),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = M_NEVER(NO_COPY),
    [ST_LOCAL_FAILED] = GO(DONE, SA_SEND_GONE, SA_FINISH),
    [ST_USER_FAILOVER] = GO(GREET, SA_REFUSE),
    [ST_USER_STOP] = GO(DONE, SA_SEND_GONE, SA_FINISH),
},
[S_FIRST] = {
    [ST_HEAD] = M_NEVER(ONE_HEAD),
    [ST_FIRST_END] = GO(CREATE, SA_FEED_END),
    [ST_CREATED] = M_NEVER("the restore hasn't seen its stream's end"),
    [ST_CREATE_FAILED] = GO(DONE, GIVE_UP),
    [ST_STALE] = GO(DONE, GIVE_UP),
    [ST_PAUSE_REASON] = GO(FIRST, SA_NOTE_PAUSE, SA_ECHO_PAUSE),
    [ST_STEP_OUT] = M_NEVER(NO_STEP),
    [ST_EPOCH] = M_NEVER(NO_COPY),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = GO(DONE, SA_DISCONNECT, SA_DESTROY, SA_FINISH),
    [ST_LOST_FENCE] = M_NEVER(TOO_SOON),
    [ST_LOST_AUTO] = M_NEVER(TOO_SOON),
    [ST_LOST_MANUAL] = M_NEVER(TOO_SOON),
    [ST_PEER_END] = GO(DONE, SA_SEND_CONFIRM, SA_DESTROY, SA_FINISH),
    [ST_PEER_GONE] = M_NEVER(TOO_SOON),
    [ST_FENCED] = M_NEVER(NO_FENCE),
    [ST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [ST_RETRY] = M_NEVER(NO_RETRY),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = GO(DONE, GIVE_UP),
    [ST_LOCAL_FAILED] = GO(DONE, GIVE_UP),
    [ST_USER_FAILOVER] = GO(FIRST, SA_REFUSE),
    [ST_USER_STOP] = GO(DONE, GIVE_UP),
},
[S_CREATE] = {
    [ST_HEAD] = M_NEVER(ONE_HEAD),
    [ST_FIRST_END] = M_NEVER(EARLIER),
    [ST_CREATED] = GO(BUFFER, SA_SEND_READY),
    [ST_CREATE_FAILED] = GO(DONE, GIVE_UP),
    [ST_STALE] = M_NEVER(NO_STALE),
    [ST_PAUSE_REASON] = GO(CREATE, SA_NOTE_PAUSE, SA_ECHO_PAUSE),
    [ST_STEP_OUT] = GO(CREATE, SA_FAIL),
    [ST_EPOCH] = M_NEVER("what follows the first epoch isn't read until "
                         "the copy stands"),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = GO(DONE, SA_DISCONNECT, SA_DESTROY, SA_FINISH),
    [ST_LOST_FENCE] = M_NEVER(TOO_SOON),
    [ST_LOST_AUTO] = M_NEVER(TOO_SOON),
    [ST_LOST_MANUAL] = M_NEVER(TOO_SOON),
    [ST_PEER_END] = GO(DONE, SA_SEND_CONFIRM, SA_DESTROY, SA_FINISH),
    [ST_PEER_GONE] = M_NEVER(TOO_SOON),
    [ST_FENCED] = M_NEVER(NO_FENCE),
    [ST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [ST_RETRY] = M_NEVER(NO_RETRY),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = GO(DONE, GIVE_UP),
    [ST_LOCAL_FAILED] = GO(DONE, GIVE_UP),
    [ST_USER_FAILOVER] = GO(CREATE, SA_REFUSE),
    [ST_USER_STOP] = GO(DONE, GIVE_UP),
},
[S_BUFFER] = {
    [ST_HEAD] = M_NEVER(ONE_HEAD),
    [ST_FIRST_END] = M_NEVER(EARLIER),
    [ST_CREATED] = M_NEVER(NO_MAKE),
    [ST_CREATE_FAILED] = M_NEVER(NO_MAKE),
    [ST_STALE] = M_NEVER(NO_STALE),
    [ST_PAUSE_REASON] = GO(BUFFER, SA_NOTE_PAUSE, SA_ECHO_PAUSE),
    [ST_STEP_OUT] = M_NEVER(NO_STEP),
    [ST_EPOCH] = GO(APPLY, SA_APPLY),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = GO(DONE, SA_DISCONNECT, SA_DESTROY, SA_FINISH),
    [ST_LOST_FENCE] = GO(FENCE, SA_DISCONNECT, SA_FENCE),
    [ST_LOST_AUTO] = GO(TAKE, SA_DISCONNECT, SA_ACTIVATE),
    [ST_LOST_MANUAL] = GO(ASK, SA_DISCONNECT, SA_ASK_USER),
    [ST_PEER_END] = GO(DONE, SA_SEND_CONFIRM, SA_DESTROY, SA_FINISH),
    [ST_PEER_GONE] = GO(TAKE, SA_DISCONNECT, SA_ACTIVATE),
    [ST_FENCED] = M_NEVER(NO_FENCE),
    [ST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [ST_RETRY] = M_NEVER(NO_RETRY),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = GO(DONE, GIVE_UP),
    [ST_LOCAL_FAILED] = GO(DONE, GIVE_UP),
    [ST_USER_FAILOVER] = GO(BUFFER, SA_REFUSE),
    [ST_USER_STOP] = GO(DONE, GIVE_UP),
},
[S_APPLY] = {
    [0 ... ST_APPLIED - 1] = M_NEVER(SYNC),
    [ST_APPLIED] = GO(BUFFER, SA_SEND_READY),
    [ST_APPLY_FAILED] = GO(DONE, GIVE_UP),
    [ST_APPLY_FAILED + 1 ... ST_NR - 1] = M_NEVER(SYNC),
},
[S_FENCE] = {
    [ST_HEAD] = M_NEVER(NO_PEER),
    [ST_FIRST_END] = M_NEVER(NO_PEER),
    [ST_CREATED] = M_NEVER(NO_MAKE),
    [ST_CREATE_FAILED] = M_NEVER(NO_MAKE),
    [ST_STALE] = M_NEVER(NO_STALE),
    [ST_PAUSE_REASON] = M_NEVER(NO_PEER),
    [ST_STEP_OUT] = M_NEVER(NO_PEER),
    [ST_EPOCH] = M_NEVER(NO_PEER),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = M_NEVER(NO_PEER),
    [ST_LOST_FENCE] = M_NEVER(NO_PEER),
    [ST_LOST_AUTO] = M_NEVER(NO_PEER),
    [ST_LOST_MANUAL] = M_NEVER(NO_PEER),
    [ST_PEER_END] = M_NEVER(NO_PEER),
    [ST_PEER_GONE] = M_NEVER(NO_PEER),
    [ST_FENCED] = GO(TAKE, SA_ACTIVATE),
    [ST_FENCE_FAILED] = GO(ASK, SA_ARM_RETRY, SA_ASK_USER),
    [ST_RETRY] = M_NEVER(NO_RETRY),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = GO(DONE, SA_FINISH),
    [ST_LOCAL_FAILED] = M_NEVER("only fencing goes on, and its failure has "
                                "its own trigger"),
    [ST_USER_FAILOVER] = GO(TAKE, SA_ACTIVATE),
    [ST_USER_STOP] = GO(DONE, SA_DESTROY, SA_FINISH),
},
[S_ASK] = {
    [ST_HEAD] = M_NEVER(NO_PEER),
    [ST_FIRST_END] = M_NEVER(NO_PEER),
    [ST_CREATED] = M_NEVER(NO_MAKE),
    [ST_CREATE_FAILED] = M_NEVER(NO_MAKE),
    [ST_STALE] = M_NEVER(NO_STALE),
    [ST_PAUSE_REASON] = M_NEVER(NO_PEER),
    [ST_STEP_OUT] = M_NEVER(NO_PEER),
    [ST_EPOCH] = M_NEVER(NO_PEER),
    [ST_APPLIED] = M_NEVER(NO_APPLY),
    [ST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [ST_LOST_EARLY] = M_NEVER(NO_PEER),
    [ST_LOST_FENCE] = M_NEVER(NO_PEER),
    [ST_LOST_AUTO] = M_NEVER(NO_PEER),
    [ST_LOST_MANUAL] = M_NEVER(NO_PEER),
    [ST_PEER_END] = M_NEVER(NO_PEER),
    [ST_PEER_GONE] = M_NEVER(NO_PEER),
    [ST_FENCED] = M_NEVER(NO_FENCE),
    [ST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [ST_RETRY] = GO(FENCE, SA_FENCE),
    [ST_ACTIVATED] = M_NEVER(NO_TAKE),
    [ST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE),
    [ST_COPY_GONE] = GO(DONE, SA_FINISH),
    [ST_LOCAL_FAILED] = M_NEVER("nothing goes on that could fail"),
    [ST_USER_FAILOVER] = GO(TAKE, SA_ACTIVATE),
    [ST_USER_STOP] = GO(DONE, SA_DESTROY, SA_FINISH),
},
[S_TAKE] = {
    [0 ... ST_ACTIVATED - 1] = M_NEVER(SYNC),
    [ST_ACTIVATED] = GO(DONE, SA_ANNOUNCE, SA_FINISH),
    [ST_ACTIVATE_FAILED] = GO(DONE, SA_FINISH),
    [ST_ACTIVATE_FAILED + 1 ... ST_NR - 1] = M_NEVER(SYNC),
},
[S_DONE] = {
    [0 ... ST_NR - 1] = M_NEVER(OVER),
},
};

const struct machine secondary_machine = {
    .name = "secondary", .cells = &cells[0][0],
    .states = states, .triggers = triggers, .actions = actions,
    .states_nr = S_STATES_NR, .triggers_nr = ST_NR, .actions_nr = SA_NR,
    .initial = S_GREET, .final = S_DONE,
};
