/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's table by QEMU's COLO protocol. Every cell is decided: a
 * transition, or why the pair can't happen.
 */
#include "machine_qemu_secondary.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name states[] = { QEMU_SECONDARY_STATES(NAME) };
static const struct machine_name triggers[] = {
    QEMU_SECONDARY_TRIGGERS(NAME)
};
static const struct machine_name actions[] = {
    { "none", "ends a list" }, QEMU_SECONDARY_ACTIONS(NAME)
};

#define GO(s, ...) M_GO(QS_##s, __VA_ARGS__)

#define ONE_HEAD "the header comes once, at the start"
#define HEADLESS "the header comes first"
#define EARLIER  "the first copy has ended already"
#define NO_MAKE  "no copy is being made"
#define FEED     "the copy is finished only after its last octet"
#define NO_COPY  "there is no copy yet"
#define NO_WORDS "octets are the first copy's until its end"
#define IN_RAM   "octets are the pages' until their end"
#define IN_BLOB  "octets are the devices' state until their number is full"
#define OPAQUE   "any octet may be of the devices' state"
#define NO_RAM   "no pages are coming in"
#define NO_BLOB  "no devices' state is coming in"
#define NO_DUE   "nothing is due: whatever comes is extra"
#define DUE      "octets are due: what comes is one of them, or garbage"
#define NO_ASK   "the copy isn't asked to stand still"
#define NO_APPLY "no checkpoint is being written"
#define NO_AGAIN "the copy wasn't made to run"
#define STILL    "the copy stands still"
#define NO_FENCE "no fence command runs"
#define NO_RETRY "only a failed fence command sets this clock"
#define NO_TAKE  "the copy isn't being started"
#define NO_PEER  "the stream is closed"
#define TOO_SOON "the copy may not take over yet, so the loss is early"
#define MAY      "the copy may take over, so the loss isn't early"
#define NO_STEP  "silence bounds this wait"
#define NO_CLOCK "the request to stand still has its own bound"
#define NO_LOCAL "only fencing goes on, and its failure has its own trigger"
#define OVER     "nothing is listened to any more"
#define SYNC     "this step takes no input: it waits in the queue"

/* Rows that several states have. */
#define GIVE_UP GO(DONE, QSA_DESTROY, QSA_DISCONNECT, QSA_FINISH)
#define ABANDON GO(DONE, QSA_DISCONNECT, QSA_DESTROY, QSA_FINISH)
#define NOT_ASKED \
    [QST_SUSPENDED ... QST_SUSPEND_FAILED] = M_NEVER(NO_ASK)
#define NOT_APPLYING [QST_APPLIED ... QST_LOAD_FAILED] = M_NEVER(NO_APPLY)
#define NOT_FENCING \
    [QST_FENCED ... QST_FENCE_FAILED] = M_NEVER(NO_FENCE), \
    [QST_RETRY] = M_NEVER(NO_RETRY)
#define NOT_TAKING \
    [QST_ACTIVATED ... QST_ACTIVATE_FAILED] = M_NEVER(NO_TAKE)
#define MADE \
    [QST_HEAD] = M_NEVER(ONE_HEAD), \
    [QST_FIRST_END] = M_NEVER(EARLIER), \
    [QST_CREATED ... QST_CREATE_FAILED] = M_NEVER(NO_MAKE)
#define KEEPING_NOTHING [QST_RAM_FAILED] = M_NEVER(NO_RAM)
/* The copy may not take over yet. */
#define TOO_EARLY \
    NOT_ASKED, KEEPING_NOTHING, NOT_APPLYING, NOT_FENCING, NOT_TAKING, \
    [QST_RESUME_FAILED] = M_NEVER(NO_AGAIN), \
    [QST_LOST_FENCE ... QST_LOST_MANUAL] = M_NEVER(TOO_SOON)
#define MAKING(s) \
    TOO_EARLY, \
    [QST_LOST_EARLY] = ABANDON, \
    [QST_COPY_ENDED] = M_NEVER(NO_AGAIN), \
    [QST_COPY_GONE ... QST_LOCAL_FAILED] = GIVE_UP, \
    [QST_USER_FAILOVER ... QST_USER_LIVE] = GO(s, QSA_REFUSE), \
    [QST_USER_STOP] = GIVE_UP
/* It may, and the stream is open. */
#define GUARDS(s) \
    MADE, NOT_FENCING, NOT_TAKING, \
    [QST_LOST_EARLY] = M_NEVER(MAY), \
    [QST_COPY_GONE ... QST_LOCAL_FAILED] = GIVE_UP, \
    [QST_USER_LIVE] = GO(s, QSA_REFUSE), \
    [QST_USER_STOP] = GIVE_UP
/* Take over as it is. */
#define TAKES_OVER \
    [QST_LOST_FENCE] = GO(FENCE, QSA_DISCONNECT, QSA_FENCE), \
    [QST_LOST_AUTO] = GO(TAKE, QSA_DISCONNECT, QSA_ACTIVATE), \
    [QST_LOST_MANUAL] = GO(ASK, QSA_DISCONNECT, QSA_ASK_USER), \
    [QST_USER_FAILOVER] = GO(TAKE, QSA_DISCONNECT, QSA_ACTIVATE)
/* What came of a checkpoint is partial. */
#define FORGETS \
    [QST_LOST_FENCE] = GO(FENCE, QSA_DISCONNECT, QSA_DISCARD, QSA_FENCE), \
    [QST_LOST_AUTO] = GO(TAKE, QSA_DISCONNECT, QSA_DISCARD, QSA_ACTIVATE), \
    [QST_LOST_MANUAL] = GO(ASK, QSA_DISCONNECT, QSA_DISCARD, QSA_ASK_USER), \
    [QST_USER_FAILOVER] = GO(TAKE, QSA_DISCONNECT, QSA_DISCARD, QSA_ACTIVATE)
/* What goes on with the copy has to end first. */
#define FINISHES \
    [QST_LOST_FENCE ... QST_LOST_MANUAL] = GO(FINISH, QSA_DISCONNECT, \
                                              QSA_DEFER), \
    [QST_USER_FAILOVER] = GO(FINISH, QSA_DISCONNECT, QSA_DEFER)
/* A checkpoint comes in; the copy stands still. */
#define COLLECTS(s) \
    GUARDS(s), NOT_ASKED, NOT_APPLYING, \
    [QST_RESUME_FAILED] = M_NEVER(STILL), \
    [QST_EXTRA] = M_NEVER(DUE), \
    [QST_COPY_ENDED] = M_NEVER(STILL)
/* Nothing comes through a closed stream. */
#define CLOSED \
    MADE, \
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_PEER), \
    KEEPING_NOTHING, \
    [QST_GARBAGE ... QST_EXTRA] = M_NEVER(NO_PEER), \
    [QST_LOST_EARLY ... QST_LOST_MANUAL] = M_NEVER(NO_PEER), \
    NOT_TAKING, \
    [QST_USER_LIVE] = M_NEVER(NO_PEER)
#define LEAVES GO(DONE, QSA_DESTROY, QSA_FINISH)
/* The primary may run still. */
#define DOUBT(s) \
    CLOSED, NOT_ASKED, NOT_APPLYING, \
    [QST_RESUME_FAILED] = GO(s, QSA_NONE), \
    [QST_STEP_OUT] = M_NEVER(NO_PEER), \
    [QST_COPY_ENDED] = GO(s, QSA_NONE), \
    [QST_COPY_GONE] = LEAVES, \
    [QST_LOCAL_FAILED] = M_NEVER(NO_LOCAL), \
    [QST_USER_FAILOVER] = GO(TAKE, QSA_ACTIVATE), \
    [QST_USER_STOP] = LEAVES

static const struct machine_cell cells[QS_STATES_NR][QST_NR] = {
[QS_OPEN] = {
    TOO_EARLY,
    [QST_HEAD] = GO(FIRST, QSA_CREATE),
    [QST_FIRST_END] = M_NEVER(HEADLESS),
    [QST_CREATED ... QST_CREATE_FAILED] = M_NEVER(NO_MAKE),
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_WORDS),
    [QST_GARBAGE] = GO(OPEN, QSA_LOSE),
    [QST_EXTRA] = M_NEVER(DUE),
    [QST_STEP_OUT] = GO(OPEN, QSA_LOSE),
    [QST_LOST_EARLY] = GO(DONE, QSA_DISCONNECT, QSA_FINISH),
    [QST_COPY_ENDED ... QST_COPY_GONE] = M_NEVER(NO_COPY),
    [QST_LOCAL_FAILED] = GO(DONE, QSA_DISCONNECT, QSA_FINISH),
    [QST_USER_FAILOVER ... QST_USER_LIVE] = GO(OPEN, QSA_REFUSE),
    [QST_USER_STOP] = GO(DONE, QSA_DISCONNECT, QSA_FINISH),
},
[QS_FIRST] = {
    MAKING(FIRST),
    [QST_HEAD] = M_NEVER(ONE_HEAD),
    [QST_FIRST_END] = GO(CREATE, QSA_FEED_END, QSA_ARM_LOAD),
    [QST_CREATED] = M_NEVER(FEED),
    [QST_CREATE_FAILED] = GIVE_UP,
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_WORDS),
    [QST_GARBAGE] = GO(FIRST, QSA_LOSE),
    [QST_EXTRA] = M_NEVER(DUE),
    [QST_STEP_OUT] = M_NEVER(NO_STEP),
},
[QS_CREATE] = {
    MAKING(CREATE),
    [QST_HEAD] = M_NEVER(ONE_HEAD),
    [QST_FIRST_END] = M_NEVER(EARLIER),
    [QST_CREATED] = GO(RUN, QSA_RUN_COPY, QSA_SEND_READY, QSA_ARM_REQUEST),
    [QST_CREATE_FAILED] = GIVE_UP,
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_DUE),
    [QST_GARBAGE] = M_NEVER(NO_DUE),
    [QST_EXTRA] = GO(CREATE, QSA_LOSE),
    [QST_STEP_OUT] = GO(CREATE, QSA_FAIL),
},
[QS_RUN] = {
    GUARDS(RUN), TAKES_OVER, NOT_ASKED, KEEPING_NOTHING, NOT_APPLYING,
    [QST_REQUEST] = GO(SUSPEND, QSA_STOP_COPY),
    [QST_SEND] = GO(RUN, QSA_LOSE),
    [QST_RAM_END] = M_NEVER(NO_RAM),
    [QST_SIZE ... QST_OVERSIZE] = GO(RUN, QSA_LOSE),
    [QST_BLOB] = M_NEVER(NO_BLOB),
    [QST_RESUME_FAILED] = GIVE_UP,
    [QST_GARBAGE] = GO(RUN, QSA_LOSE),
    [QST_EXTRA] = M_NEVER(DUE),
    [QST_STEP_OUT] = GO(RUN, QSA_LOSE),
    [QST_COPY_ENDED] = GO(RUN, QSA_NONE),
},
[QS_SUSPEND] = {
    GUARDS(SUSPEND), FINISHES, KEEPING_NOTHING, NOT_APPLYING,
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_DUE),
    [QST_SUSPENDED] = GO(REPLIED, QSA_SEND_REPLY, QSA_ARM_ANSWER),
    [QST_SUSPEND_FAILED] = GIVE_UP,
    [QST_RESUME_FAILED] = GIVE_UP,
    [QST_GARBAGE] = M_NEVER(NO_DUE),
    [QST_EXTRA] = GO(SUSPEND, QSA_LOSE),
    [QST_STEP_OUT] = M_NEVER(NO_CLOCK),
    [QST_COPY_ENDED] = GO(SUSPEND, QSA_NONE),
},
[QS_REPLIED] = {
    COLLECTS(REPLIED), TAKES_OVER, KEEPING_NOTHING,
    [QST_REQUEST] = GO(REPLIED, QSA_LOSE),
    [QST_SEND] = GO(RAM, QSA_NONE),
    [QST_RAM_END] = M_NEVER(NO_RAM),
    [QST_SIZE ... QST_OVERSIZE] = GO(REPLIED, QSA_LOSE),
    [QST_BLOB] = M_NEVER(NO_BLOB),
    [QST_GARBAGE] = GO(REPLIED, QSA_LOSE),
    [QST_STEP_OUT] = GO(REPLIED, QSA_LOSE),
},
[QS_RAM] = {
    COLLECTS(RAM), FORGETS,
    [QST_REQUEST ... QST_SEND] = M_NEVER(IN_RAM),
    [QST_RAM_END] = GO(SIZE, QSA_ARM_ANSWER),
    [QST_SIZE ... QST_BLOB] = M_NEVER(IN_RAM),
    [QST_RAM_FAILED] = GIVE_UP,
    [QST_GARBAGE] = GO(RAM, QSA_LOSE),
    [QST_STEP_OUT] = M_NEVER(NO_STEP),
},
[QS_SIZE] = {
    COLLECTS(SIZE), FORGETS, KEEPING_NOTHING,
    [QST_REQUEST ... QST_SEND] = GO(SIZE, QSA_LOSE),
    [QST_RAM_END] = M_NEVER(NO_RAM),
    [QST_SIZE] = GO(BLOB, QSA_NONE),
    [QST_OVERSIZE] = GO(SIZE, QSA_LOSE),
    [QST_BLOB] = M_NEVER(NO_BLOB),
    [QST_GARBAGE] = GO(SIZE, QSA_LOSE),
    [QST_STEP_OUT] = GO(SIZE, QSA_LOSE),
},
[QS_BLOB] = {
    COLLECTS(BLOB), FORGETS, KEEPING_NOTHING,
    [QST_REQUEST ... QST_OVERSIZE] = M_NEVER(IN_BLOB),
    [QST_BLOB] = GO(APPLY, QSA_SEND_RECEIVED, QSA_APPLY),
    [QST_GARBAGE] = M_NEVER(OPAQUE),
    [QST_STEP_OUT] = M_NEVER(NO_STEP),
},
[QS_APPLY] = {
    [QST_HEAD ... QST_RAM_FAILED] = M_NEVER(SYNC),
    [QST_APPLIED] = GO(LOAD, QSA_LOAD, QSA_ARM_LOAD),
    [QST_APPLY_FAILED] = GIVE_UP,
    [QST_LOADED ... QST_USER_STOP] = M_NEVER(SYNC),
},
[QS_LOAD] = {
    GUARDS(LOAD), FINISHES, NOT_ASKED, KEEPING_NOTHING,
    [QST_REQUEST ... QST_BLOB] = M_NEVER(NO_DUE),
    [QST_APPLIED ... QST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [QST_LOADED] = GO(RUN, QSA_RUN_COPY, QSA_SEND_LOADED, QSA_ARM_REQUEST),
    [QST_LOAD_FAILED] = GIVE_UP,
    [QST_RESUME_FAILED] = M_NEVER(STILL),
    [QST_GARBAGE] = M_NEVER(NO_DUE),
    [QST_EXTRA] = GO(LOAD, QSA_LOSE),
    [QST_STEP_OUT] = GO(LOAD, QSA_FAIL),
    [QST_COPY_ENDED] = M_NEVER(STILL),
},
[QS_FINISH] = {
    CLOSED, NOT_FENCING,
    [QST_SUSPENDED ... QST_SUSPEND_FAILED] = GO(RUN, QSA_RECALL),
    [QST_APPLIED ... QST_APPLY_FAILED] = M_NEVER(NO_APPLY),
    [QST_LOADED] = GO(RUN, QSA_RECALL),
    [QST_LOAD_FAILED ... QST_RESUME_FAILED] = LEAVES,
    [QST_STEP_OUT] = GO(FINISH, QSA_FAIL),
    [QST_COPY_ENDED] = GO(FINISH, QSA_NONE),
    [QST_COPY_GONE ... QST_LOCAL_FAILED] = LEAVES,
    [QST_USER_FAILOVER] = GO(FINISH, QSA_DEFER),
    [QST_USER_STOP] = LEAVES,
},
[QS_FENCE] = {
    DOUBT(FENCE),
    [QST_FENCED] = GO(TAKE, QSA_ACTIVATE),
    [QST_FENCE_FAILED] = GO(ASK, QSA_ARM_RETRY, QSA_ASK_USER),
    [QST_RETRY] = M_NEVER(NO_RETRY),
},
[QS_ASK] = {
    DOUBT(ASK),
    [QST_FENCED ... QST_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [QST_RETRY] = GO(FENCE, QSA_FENCE),
},
[QS_TAKE] = {
    [QST_HEAD ... QST_RETRY] = M_NEVER(SYNC),
    [QST_ACTIVATED] = GO(DONE, QSA_ANNOUNCE, QSA_FINISH),
    [QST_ACTIVATE_FAILED] = GO(DONE, QSA_FINISH),
    [QST_COPY_ENDED ... QST_USER_STOP] = M_NEVER(SYNC),
},
[QS_DONE] = {
    [0 ... QST_NR - 1] = M_NEVER(OVER),
},
};

const struct machine qemu_secondary_machine = {
    .name = "qemu-secondary", .cells = &cells[0][0],
    .states = states, .triggers = triggers, .actions = actions,
    .states_nr = QS_STATES_NR, .triggers_nr = QST_NR, .actions_nr = QSA_NR,
    .initial = QS_OPEN, .final = QS_DONE,
};
