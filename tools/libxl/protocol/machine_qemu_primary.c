/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's table by QEMU's COLO protocol. Every cell is decided: a
 * transition, or why the pair can't happen.
 */
#include "machine_qemu_primary.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name states[] = { QEMU_PRIMARY_STATES(NAME) };
static const struct machine_name triggers[] = { QEMU_PRIMARY_TRIGGERS(NAME) };
static const struct machine_name actions[] = {
    { "none", "ends a list" }, QEMU_PRIMARY_ACTIONS(NAME)
};

#define GO(s, ...) M_GO(QP_##s, __VA_ARGS__)

#define ONE_OPEN "the stream is opened once, at the start"
#define NO_ROUND "rounds belong to the first copy, and one is out at a time"
#define NO_RUN   "a checkpoint is asked for only in state run"
#define NO_ASK   "the domain wasn't asked to stand still"
#define NO_SAVE  "the save's outcome is taken before anything else"
#define NO_RAM   "no dirty pages are going out"
#define NO_EPOCH "no end of a copy is going out"
#define NO_DUE   "no message is due: whatever comes is extra"
#define DUE      "a message is due: what comes is one, or garbage"
#define NO_STEP  "no answer of the peer's is waited for"
#define NO_FENCE "no fence command runs"
#define NO_RETRY "only a failed fence command sets this clock"
#define NO_AGAIN "the domain wasn't stopped yet, so it need not run again"
#define NO_PEER  "the stream is closed"
#define EARLY    "the first copy isn't out, so the loss is early"
#define LATE     "the first copy is out, so the peer may take over"
#define SYNC     "saving takes no input: it waits in the queue"
#define STILL    "the domain stands still already"
#define FENCING  "without a fence command this state is left at once"
#define OVER     "nothing is listened to any more"

/* Rows that several states have. */
#define ENDS QPA_OBEY, QPA_RELEASE_ALL, QPA_GUEST_END, QPA_FINISH
#define NOT_COPYING \
    [QPT_OPENED] = M_NEVER(ONE_OPEN), \
    [QPT_ROUND_SENT ... QPT_CONVERGED] = M_NEVER(NO_ROUND)
#define NOT_ASKED [QPT_SUSPENDED ... QPT_CANCELLED] = M_NEVER(NO_ASK)
#define NOT_ASKING [QPT_INTERVAL ... QPT_DIFFERS] = M_NEVER(NO_RUN)
#define NOT_SAVING [QPT_SAVED ... QPT_SAVE_FAILED] = M_NEVER(NO_SAVE)
#define NOT_RAM [QPT_RAM_SENT ... QPT_RAM_FAILED] = M_NEVER(NO_RAM)
#define NOT_SENT NOT_SAVING, NOT_RAM, [QPT_SENT] = M_NEVER(NO_EPOCH)
#define NOT_FENCING \
    [QPT_FENCED ... QPT_NO_FENCE] = M_NEVER(NO_FENCE), \
    [QPT_RETRY] = M_NEVER(NO_RETRY)
/* The peer has no reason to say anything. */
#define NOT_DUE(s) \
    [QPT_READY ... QPT_GARBAGE] = M_NEVER(NO_DUE), \
    [QPT_EXTRA] = GO(s, QPA_LOSE), \
    [QPT_STEP_OUT] = M_NEVER(NO_STEP)
/* It has; this goes with the message that it has reason to send. */
#define IS_DUE(s) \
    [QPT_GARBAGE] = GO(s, QPA_LOSE), \
    [QPT_EXTRA] = M_NEVER(DUE), \
    [QPT_STEP_OUT] = GO(s, QPA_LOSE)
#define DESTROYS \
    [QPT_DESTROYED] = GO(DONE, QPA_DISCONNECT, QPA_DROP_ALL, QPA_FINISH)
/* Nothing can take over yet: protection ends as if it had never begun. */
#define BEFORE(s) \
    NOT_ASKED, NOT_ASKING, NOT_SENT, NOT_DUE(s), NOT_FENCING, \
    [QPT_LOST_EARLY] = GO(DONE, QPA_DISCONNECT, ENDS), \
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = M_NEVER(EARLY), \
    [QPT_RESUME_FAILED] = M_NEVER(NO_AGAIN), \
    [QPT_LOCAL_FAILED ... QPT_GUEST_ENDED] = GO(DONE, QPA_DISCONNECT, ENDS), \
    DESTROYS, \
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(s, QPA_OBEY), \
    [QPT_USER_STOP ... QPT_USER_LIVE] = GO(DONE, QPA_DISCONNECT, ENDS)
#define CLOSES GO(CLOSE, QPA_DISCONNECT, QPA_SUSPEND_CANCEL)
#define END_STILL GO(DONE, QPA_DISCONNECT, QPA_OBEY, QPA_RESUME, \
                     QPA_RELEASE_ALL, QPA_GUEST_END, QPA_FINISH)
#define FAILS_STILL GO(FENCE, QPA_OBEY, QPA_RESUME, QPA_FENCE)
/* The peer may take over, and the domain stands still. */
#define STANDS(s) \
    NOT_COPYING, NOT_ASKED, NOT_ASKING, NOT_SAVING, NOT_FENCING, \
    [QPT_LOST_EARLY] = M_NEVER(LATE), \
    [QPT_LOST_FENCE] = GO(FENCE, QPA_DISCONNECT, QPA_OBEY, QPA_RESUME, \
                          QPA_FENCE), \
    [QPT_LOST_MANUAL] = GO(HELD, QPA_DISCONNECT, QPA_OBEY, QPA_RESUME, \
                           QPA_ASK_USER), \
    [QPT_RESUME_FAILED] = M_NEVER(STILL), \
    [QPT_LOCAL_FAILED] = FAILS_STILL, \
    [QPT_GUEST_ENDED] = GO(FENCE, QPA_FENCE), \
    DESTROYS, \
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(s, QPA_NONE), \
    [QPT_USER_STOP] = GO(s, QPA_DEFER), \
    [QPT_USER_RELEASE] = END_STILL, \
    [QPT_USER_LIVE] = GO(s, QPA_REFUSE)
/* The same while it runs. */
#define DOOMED GO(DONE, QPA_DESTROY, QPA_DISCONNECT, QPA_DROP_ALL, QPA_FINISH)
#define RUNS(s) \
    NOT_COPYING, NOT_ASKED, NOT_SENT, NOT_FENCING, \
    [QPT_LOST_EARLY] = M_NEVER(LATE), \
    [QPT_LOST_FENCE] = GO(FENCE, QPA_DISCONNECT, QPA_OBEY, QPA_FENCE), \
    [QPT_LOST_MANUAL] = GO(HELD, QPA_DISCONNECT, QPA_OBEY, QPA_ASK_USER), \
    [QPT_RESUME_FAILED] = DOOMED, \
    [QPT_LOCAL_FAILED] = GO(FENCE, QPA_OBEY, QPA_FENCE), \
    [QPT_GUEST_ENDED] = GO(FENCE, QPA_FENCE), \
    DESTROYS, \
    [QPT_USER_RELEASE] = GO(DONE, QPA_DISCONNECT, ENDS), \
    [QPT_USER_LIVE] = GO(s, QPA_REFUSE)
/* The domain was asked to stand still, and the peer may take over. */
#define SETTLES GO(SETTLE, QPA_SUSPEND_CANCEL)
#define LOSES   GO(SETTLE, QPA_DISCONNECT, QPA_SUSPEND_CANCEL)
/* The peer isn't proven off; its stream may be closed. */
#define DOUBT(s) \
    NOT_COPYING, NOT_ASKED, NOT_ASKING, NOT_SAVING, \
    [QPT_READY ... QPT_GARBAGE] = M_NEVER(NO_DUE), \
    [QPT_STEP_OUT] = M_NEVER(NO_STEP), \
    [QPT_LOST_EARLY] = M_NEVER(LATE), \
    [QPT_RESUME_FAILED ... QPT_GUEST_ENDED] = GO(s, QPA_NONE), \
    DESTROYS, \
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(s, QPA_OBEY), \
    [QPT_USER_STOP] = GO(s, QPA_REFUSE), \
    [QPT_USER_RELEASE] = GO(DONE, QPA_DISCONNECT, ENDS)

static const struct machine_cell cells[QP_STATES_NR][QPT_NR] = {
[QP_OPEN] = {
    [QPT_OPENED] = GO(FIRST, QPA_LOG_START, QPA_SEND_HEAD, QPA_ROUND),
    [QPT_ROUND_SENT ... QPT_CONVERGED] = M_NEVER(NO_ROUND),
    BEFORE(OPEN),
},
[QP_FIRST] = {
    [QPT_OPENED] = M_NEVER(ONE_OPEN),
    [QPT_ROUND_SENT] = GO(FIRST, QPA_ROUND),
    [QPT_CONVERGED] = GO(STOP, QPA_SUSPEND),
    BEFORE(FIRST),
},
[QP_STOP] = {
    NOT_COPYING, NOT_ASKING, NOT_SENT, NOT_DUE(STOP), NOT_FENCING,
    [QPT_SUSPENDED] = GO(REST, QPA_HOLD, QPA_SEND_REST),
    [QPT_SUSPEND_FAILED] = GO(DONE, QPA_DISCONNECT, ENDS),
    [QPT_CANCELLED] = M_NEVER(NO_ASK),
    [QPT_LOST_EARLY] = CLOSES,
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = M_NEVER(EARLY),
    [QPT_RESUME_FAILED] = M_NEVER(NO_AGAIN),
    [QPT_LOCAL_FAILED] = CLOSES,
    [QPT_GUEST_ENDED] = GO(DONE, QPA_DISCONNECT, ENDS),
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(STOP, QPA_NONE),
    [QPT_USER_STOP ... QPT_USER_LIVE] = CLOSES,
},
[QP_REST] = {
    NOT_COPYING, NOT_ASKED, NOT_ASKING, NOT_DUE(REST), NOT_FENCING,
    [QPT_SAVED] = M_NEVER(NO_SAVE),
    [QPT_SAVE_FAILED] = END_STILL,
    [QPT_RAM_SENT] = M_NEVER(NO_RAM),
    [QPT_RAM_FAILED] = END_STILL,
    [QPT_SENT] = GO(READY, QPA_ARM_ANSWER),
    [QPT_LOST_EARLY] = END_STILL,
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = M_NEVER(EARLY),
    [QPT_RESUME_FAILED] = M_NEVER(STILL),
    [QPT_LOCAL_FAILED ... QPT_GUEST_ENDED] = END_STILL,
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(REST, QPA_NONE),
    [QPT_USER_STOP ... QPT_USER_LIVE] = END_STILL,
},
[QP_READY] = {
    NOT_RAM,
    [QPT_SENT] = M_NEVER(NO_EPOCH),
    [QPT_READY] = GO(RUN, QPA_OBEY, QPA_RESUME, QPA_COMPARE,
                     QPA_ARM_INTERVAL, QPA_RECALL),
    [QPT_REPLY ... QPT_LOADED] = GO(READY, QPA_LOSE),
    IS_DUE(READY),
    STANDS(READY),
},
[QP_RUN] = {
    [QPT_INTERVAL ... QPT_DIFFERS] = GO(REPLY, QPA_SEND_REQUEST,
                                        QPA_ARM_ANSWER),
    NOT_DUE(RUN),
    RUNS(RUN),
    [QPT_USER_PAUSE] = GO(REPLY, QPA_SEND_REQUEST, QPA_ARM_ANSWER),
    [QPT_USER_RUN] = GO(RUN, QPA_OBEY),
    [QPT_USER_STOP] = GO(END, QPA_FENCE),
},
[QP_REPLY] = {
    NOT_ASKING,
    [QPT_READY] = GO(REPLY, QPA_LOSE),
    [QPT_REPLY] = GO(SUSPEND, QPA_SUSPEND),
    [QPT_RECEIVED ... QPT_LOADED] = GO(REPLY, QPA_LOSE),
    IS_DUE(REPLY),
    RUNS(REPLY),
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(REPLY, QPA_NONE),
    [QPT_USER_STOP] = GO(REPLY, QPA_DEFER),
},
[QP_SUSPEND] = {
    NOT_COPYING, NOT_ASKING, NOT_SENT, NOT_DUE(SUSPEND), NOT_FENCING,
    [QPT_SUSPENDED] = GO(SAVE, QPA_SAVE),
    [QPT_SUSPEND_FAILED] = GO(FENCE, QPA_OBEY, QPA_FENCE),
    [QPT_CANCELLED] = M_NEVER(NO_ASK),
    [QPT_LOST_EARLY] = M_NEVER(LATE),
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = LOSES,
    [QPT_RESUME_FAILED] = DOOMED,
    [QPT_LOCAL_FAILED] = SETTLES,
    [QPT_GUEST_ENDED] = GO(FENCE, QPA_FENCE),    /* no other answer comes */
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(SUSPEND, QPA_NONE),
    [QPT_USER_STOP] = GO(SUSPEND, QPA_DEFER),
    [QPT_USER_RELEASE] = CLOSES,
    [QPT_USER_LIVE] = GO(SUSPEND, QPA_REFUSE),
},
[QP_SAVE] = {
    NOT_COPYING, NOT_ASKING, NOT_RAM, NOT_FENCING,
    [QPT_SUSPENDED ... QPT_CANCELLED] = M_NEVER(STILL),
    [QPT_SAVED] = GO(RAM, QPA_SEND_GO, QPA_SEND_RAM),
    [QPT_SAVE_FAILED] = FAILS_STILL,
    [QPT_SENT] = M_NEVER(NO_EPOCH),
    [QPT_READY ... QPT_LOST_MANUAL] = M_NEVER(SYNC),
    [QPT_RESUME_FAILED] = M_NEVER(STILL),
    [QPT_LOCAL_FAILED ... QPT_USER_LIVE] = M_NEVER(SYNC),
},
[QP_RAM] = {
    [QPT_RAM_SENT] = GO(BLOB, QPA_SEND_STATE),
    [QPT_RAM_FAILED] = FAILS_STILL,
    [QPT_SENT] = M_NEVER(NO_EPOCH),
    NOT_DUE(RAM),
    STANDS(RAM),
},
[QP_BLOB] = {
    NOT_RAM,
    [QPT_SENT] = GO(RECEIVED, QPA_ARM_ANSWER),
    NOT_DUE(BLOB),
    STANDS(BLOB),
},
[QP_RECEIVED] = {
    NOT_RAM,
    [QPT_SENT] = M_NEVER(NO_EPOCH),
    [QPT_READY ... QPT_REPLY] = GO(RECEIVED, QPA_LOSE),
    [QPT_RECEIVED] = GO(LOADED, QPA_RELEASE_EPOCH, QPA_ARM_ANSWER),
    [QPT_LOADED] = GO(RECEIVED, QPA_LOSE),
    IS_DUE(RECEIVED),
    STANDS(RECEIVED),
},
[QP_LOADED] = {
    NOT_RAM,
    [QPT_SENT] = M_NEVER(NO_EPOCH),
    [QPT_READY ... QPT_RECEIVED] = GO(LOADED, QPA_LOSE),
    [QPT_LOADED] = GO(RUN, QPA_OBEY, QPA_RESUME, QPA_COMPARE,
                      QPA_ARM_INTERVAL, QPA_RECALL),
    IS_DUE(LOADED),
    STANDS(LOADED),
},
[QP_SETTLE] = {
    NOT_COPYING, NOT_ASKING, NOT_SENT, NOT_FENCING,
    [QPT_SUSPENDED] = FAILS_STILL,
    [QPT_SUSPEND_FAILED ... QPT_CANCELLED] = GO(FENCE, QPA_OBEY, QPA_FENCE),
    [QPT_READY ... QPT_GARBAGE] = M_NEVER(NO_DUE),
    [QPT_EXTRA] = GO(SETTLE, QPA_NONE),
    [QPT_STEP_OUT] = M_NEVER(NO_STEP),
    [QPT_LOST_EARLY] = M_NEVER(LATE),
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = GO(SETTLE, QPA_DISCONNECT),
    [QPT_RESUME_FAILED ... QPT_LOCAL_FAILED] = GO(SETTLE, QPA_NONE),
    [QPT_GUEST_ENDED] = GO(FENCE, QPA_FENCE),
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(SETTLE, QPA_NONE),
    [QPT_USER_STOP] = GO(SETTLE, QPA_REFUSE),
    [QPT_USER_RELEASE] = GO(CLOSE, QPA_DISCONNECT),
    [QPT_USER_LIVE] = GO(SETTLE, QPA_REFUSE),
},
[QP_FENCE] = {
    /* What was going out when this side failed. */
    [QPT_RAM_SENT ... QPT_SENT] = GO(FENCE, QPA_NONE),
    [QPT_EXTRA] = GO(FENCE, QPA_NONE),
    [QPT_LOST_FENCE] = GO(FENCE, QPA_DISCONNECT),
    [QPT_LOST_MANUAL] = M_NEVER(FENCING),
    [QPT_FENCED] = GO(DONE, QPA_DISCONNECT, ENDS),
    [QPT_FENCE_FAILED] = GO(HELD, QPA_DISCONNECT, QPA_ARM_RETRY,
                            QPA_ASK_USER),
    [QPT_NO_FENCE] = GO(HELD, QPA_DISCONNECT, QPA_ASK_USER),
    [QPT_RETRY] = M_NEVER(NO_RETRY),
    DOUBT(FENCE),
    [QPT_USER_LIVE] = GO(FENCE, QPA_REFUSE),
},
[QP_HELD] = {
    [QPT_RAM_SENT ... QPT_SENT] = M_NEVER(NO_PEER),
    [QPT_EXTRA] = M_NEVER(NO_PEER),
    [QPT_LOST_FENCE ... QPT_LOST_MANUAL] = M_NEVER(NO_PEER),
    [QPT_FENCED ... QPT_NO_FENCE] = M_NEVER(NO_FENCE),
    [QPT_RETRY] = GO(FENCE, QPA_FENCE),
    DOUBT(HELD),
    [QPT_USER_LIVE] = M_NEVER(NO_PEER),
},
[QP_END] = {
    NOT_COPYING, NOT_ASKED, NOT_SENT, NOT_DUE(END),
    [QPT_INTERVAL ... QPT_DIFFERS] = GO(END, QPA_NONE),
    [QPT_LOST_EARLY] = M_NEVER(LATE),
    [QPT_LOST_FENCE] = GO(FENCE, QPA_DISCONNECT),
    [QPT_LOST_MANUAL] = M_NEVER(FENCING),
    [QPT_FENCED] = GO(DONE, QPA_DISCONNECT, ENDS),
    /* A checkpoint, since one may have been asked for meanwhile. */
    [QPT_FENCE_FAILED ... QPT_NO_FENCE] = GO(REPLY, QPA_REFUSE,
                                             QPA_SEND_REQUEST,
                                             QPA_ARM_ANSWER),
    [QPT_RETRY] = M_NEVER(NO_RETRY),
    [QPT_RESUME_FAILED] = DOOMED,
    [QPT_LOCAL_FAILED ... QPT_GUEST_ENDED] = GO(FENCE, QPA_NONE),
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RUN] = GO(END, QPA_OBEY),
    [QPT_USER_STOP] = GO(END, QPA_NONE),
    [QPT_USER_RELEASE] = GO(DONE, QPA_DISCONNECT, ENDS),
    [QPT_USER_LIVE] = GO(END, QPA_REFUSE),
},
[QP_CLOSE] = {
    NOT_COPYING, NOT_ASKING, NOT_SENT, NOT_FENCING,
    [QPT_SUSPENDED] = GO(DONE, QPA_OBEY, QPA_RESUME, QPA_RELEASE_ALL,
                         QPA_GUEST_END, QPA_FINISH),
    [QPT_SUSPEND_FAILED ... QPT_CANCELLED] = GO(DONE, ENDS),
    [QPT_READY ... QPT_LOST_MANUAL] = M_NEVER(NO_PEER),
    [QPT_RESUME_FAILED ... QPT_LOCAL_FAILED] = GO(CLOSE, QPA_NONE),
    [QPT_GUEST_ENDED] = GO(DONE, ENDS),
    DESTROYS,
    [QPT_USER_PAUSE ... QPT_USER_RELEASE] = GO(CLOSE, QPA_NONE),
    [QPT_USER_LIVE] = M_NEVER(NO_PEER),
},
[QP_DONE] = {
    [0 ... QPT_NR - 1] = M_NEVER(OVER),
},
};

const struct machine qemu_primary_machine = {
    .name = "qemu-primary", .cells = &cells[0][0],
    .states = states, .triggers = triggers, .actions = actions,
    .states_nr = QP_STATES_NR, .triggers_nr = QPT_NR, .actions_nr = QPA_NR,
    .initial = QP_OPEN, .final = QP_DONE,
};
