/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's table in COLO mode. Every cell is decided: a transition, or
 * why the pair can't happen.
 */
#include "machine_colo_primary.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name states[] = { COLO_PRIMARY_STATES(NAME) };
static const struct machine_name triggers[] = { COLO_PRIMARY_TRIGGERS(NAME) };
static const struct machine_name actions[] = {
    { "none", "ends a list" }, COLO_PRIMARY_ACTIONS(NAME)
};

#define GO(s, ...) M_GO(CP_##s, __VA_ARGS__)

#define NO_ROUND "rounds belong to the first copy, and one is out at a time"
#define NO_RUN   "a checkpoint is asked for only while both run"
#define NO_ASK   "the domain wasn't asked to stand still"
#define NO_CAPT  "the capture's outcome is taken before anything else"
#define NO_EPOCH "no epoch is going out"
#define NO_STEP  "no answer of the peer's is waited for"
#define NO_FENCE "no fence command runs"
#define NO_PEER  "the stream is closed"
#define NO_RETRY "only a failed fence command sets this clock"
#define AGAIN    "the receiver speaks first and once"
#define EARLY    "no epoch is out, so the loss is early"
#define LATE     "an epoch is out, so the copy may take over"
#define SYNC     "capturing takes no input: it waits in the queue"
#define STILL    "the domain stands still already"
#define OVER     "nothing is listened to any more"

/* Rows that several states have. */
#define ENDS CPA_OBEY, CPA_RELEASE_ALL, CPA_GUEST_END, CPA_FINISH
#define NOT_ASKED [CPT_SUSPENDED ... CPT_CANCELLED] = M_NEVER(NO_ASK)
#define NO_ROUNDS \
    [CPT_ROUND_SENT ... CPT_CONVERGED] = M_NEVER(NO_ROUND)
#define NOT_CAPTURED \
    [CPT_CAPTURED] = M_NEVER(NO_CAPT), \
    [CPT_CAPTURE_FAILED] = M_NEVER(NO_CAPT)
#define NO_EPOCH_YET NOT_CAPTURED, [CPT_SENT] = M_NEVER(NO_EPOCH)
#define NOT_EARLY \
    [CPT_LOST_FENCE] = M_NEVER(EARLY), \
    [CPT_LOST_MANUAL] = M_NEVER(EARLY)
/* What the peer has no reason to say now. */
#define NO_ANSWER(s) \
    [CPT_PEER_SUSPENDED] = GO(s, CPA_LOSE), \
    [CPT_READY ... CPT_PEER_RESUMED] = GO(s, CPA_LOSE)
#define END_STILL GO(END, CPA_OBEY, CPA_RESUME, CPA_SEND_END)
#define SETTLES   GO(SETTLE, CPA_DEFER, CPA_SUSPEND_CANCEL)
#define LOSES     GO(SETTLE, CPA_DISCONNECT, CPA_DEFER, CPA_SUSPEND_CANCEL)
/* The peer is lost, or gave up, while the domain stands still. */
#define LOST_STILL \
    [CPT_LOST_FENCE] = GO(FENCE, CPA_DISCONNECT, CPA_OBEY, CPA_RESUME, \
                          CPA_FENCE), \
    [CPT_LOST_MANUAL] = GO(HELD, CPA_DISCONNECT, CPA_OBEY, CPA_RESUME, \
                           CPA_ASK_USER), \
    [CPT_PEER_ENDED] = GO(DONE, CPA_DISCONNECT, CPA_OBEY, CPA_RESUME, \
                          CPA_RELEASE_ALL, CPA_GUEST_END, CPA_FINISH)
/* The same while it runs. */
#define LOST_RUNS \
    [CPT_LOST_FENCE] = GO(FENCE, CPA_DISCONNECT, CPA_OBEY, CPA_FENCE), \
    [CPT_LOST_MANUAL] = GO(HELD, CPA_DISCONNECT, CPA_OBEY, CPA_ASK_USER), \
    [CPT_PEER_ENDED] = GO(DONE, CPA_DISCONNECT, ENDS)
/* The peer has to know that there is nothing more to protect. */
#define GUEST_OVER \
    [CPT_GUEST_ENDED] = GO(END, CPA_OBEY, CPA_SEND_END), \
    [CPT_DESTROYED] = GO(CLOSE, CPA_DROP_ALL, CPA_SEND_END)
/* What ends protection waits until the domain stands or runs. */
#define PUT_OFF \
    [CPT_LOCAL_FAILED] = SETTLES, \
    GUEST_OVER, \
    [CPT_USER_STOP ... CPT_USER_RELEASE] = SETTLES
/* What belongs to other states. */
#define NOT_NOW \
    [CPT_BANNER] = M_NEVER(AGAIN), \
    NO_ROUNDS, \
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN)
#define NO_CLOCK \
    [CPT_STEP_OUT] = M_NEVER(NO_STEP), \
    NOT_NOW
/* No fence command runs, or has failed. */
#define NOT_FENCING \
    [CPT_FENCED ... CPT_FENCE_FAILED] = M_NEVER(NO_FENCE), \
    [CPT_RETRY] = M_NEVER(NO_RETRY)
/* Nor was the peer told to end. */
#define NOT_ENDING(s) \
    [CPT_HELLO] = GO(s, CPA_LOSE), \
    [CPT_PEER_CONFIRMED] = GO(s, CPA_LOSE), \
    NOT_FENCING
/* Nothing comes through a closed stream. */
#define CLOSED \
    [CPT_BANNER ... CPT_ROUND_SENT] = M_NEVER(NO_PEER), \
    [CPT_CONVERGED] = M_NEVER(NO_ROUND), \
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN), \
    [CPT_PEER_SUSPENDED] = M_NEVER(NO_PEER), \
    [CPT_SENT ... CPT_LOST_EARLY] = M_NEVER(NO_PEER), \
    [CPT_PEER_CONFIRMED] = M_NEVER(NO_PEER)

/* The user's wish goes out at once, and is obeyed when both stand. */
#define WISHES(s) \
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(s, CPA_TELL_PAUSE)
#define STOP_LATER(s) \
    [CPT_USER_STOP ... CPT_USER_RELEASE] = GO(s, CPA_DEFER)
/* Nothing has begun. */
#define BEFORE(s) \
    NO_ROUNDS, \
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN), \
    NOT_ASKED, \
    NO_ANSWER(s), \
    NO_EPOCH_YET, \
    [CPT_LOST_EARLY] = GO(DONE, CPA_DISCONNECT, ENDS), \
    NOT_EARLY, \
    [CPT_PEER_ENDED] = GO(DONE, CPA_DISCONNECT, ENDS), \
    [CPT_PEER_CONFIRMED] = GO(s, CPA_LOSE), \
    NOT_FENCING, \
    [CPT_LOCAL_FAILED] = GO(DONE, CPA_DISCONNECT, ENDS), \
    [CPT_GUEST_ENDED] = GO(DONE, CPA_DISCONNECT, ENDS), \
    [CPT_DESTROYED] = GO(DONE, CPA_DISCONNECT, CPA_DROP_ALL, CPA_FINISH), \
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(s, CPA_OBEY), \
    [CPT_USER_STOP ... CPT_USER_RELEASE] = GO(DONE, CPA_DISCONNECT, ENDS)
/* The peer is lost; what its fate is isn't known. */
#define ALONE(s) \
    NOT_ASKED, \
    CLOSED, \
    NOT_CAPTURED, \
    [CPT_PEER_ENDED] = GO(s, CPA_NONE), \
    [CPT_LOCAL_FAILED] = GO(s, CPA_NONE), \
    [CPT_GUEST_ENDED] = GO(s, CPA_DEFER), \
    [CPT_DESTROYED] = GO(DONE, CPA_DROP_ALL, CPA_FINISH), \
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(s, CPA_OBEY), \
    [CPT_USER_STOP] = GO(s, CPA_REFUSE), \
    [CPT_USER_RELEASE] = GO(DONE, ENDS)

static const struct machine_cell cells[CP_STATES_NR][CPT_NR] = {
[CP_GREET] = {
    [CPT_BANNER] = GO(HELLO, CPA_ARM_GRACE),
    [CPT_STEP_OUT] = GO(GREET, CPA_LOSE),
    [CPT_HELLO] = GO(GREET, CPA_LOSE),
    BEFORE(GREET),
},
[CP_HELLO] = {
    [CPT_BANNER] = M_NEVER(AGAIN),
    [CPT_STEP_OUT] = GO(HELLO, CPA_LOSE),
    [CPT_HELLO] = GO(FIRST, CPA_MEET, CPA_LOG_START, CPA_SEND_HEAD,
                       CPA_ROUND),
    BEFORE(HELLO),
},
[CP_FIRST] = {
    [CPT_STEP_OUT] = GO(FIRST, CPA_LOSE),
    [CPT_BANNER] = M_NEVER(AGAIN),
    [CPT_ROUND_SENT] = GO(FIRST, CPA_ROUND),
    [CPT_CONVERGED] = GO(STOP, CPA_SUSPEND),
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN),
    NOT_ASKED,
    NO_ANSWER(FIRST),
    NO_EPOCH_YET,
    [CPT_LOST_EARLY] = GO(DONE, CPA_DISCONNECT, ENDS),
    NOT_EARLY,
    [CPT_PEER_ENDED] = GO(DONE, CPA_DISCONNECT, ENDS),
    NOT_ENDING(FIRST),
    [CPT_LOCAL_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    GUEST_OVER,
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(FIRST, CPA_TELL_PAUSE, CPA_OBEY),
    [CPT_USER_STOP ... CPT_USER_RELEASE] = GO(END, CPA_OBEY, CPA_SEND_END),
},
[CP_STOP] = {
    NO_CLOCK,
    [CPT_SUSPENDED] = GO(CAPTURE, CPA_CAPTURE),
    [CPT_SUSPEND_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    [CPT_CANCELLED] = M_NEVER(NO_ASK),
    NO_ANSWER(STOP),
    NO_EPOCH_YET,
    [CPT_LOST_EARLY] = LOSES,
    NOT_EARLY,
    [CPT_PEER_ENDED] = SETTLES,
    NOT_ENDING(STOP),
    PUT_OFF,
    WISHES(STOP),
},
[CP_RUN] = {
    [CPT_STEP_OUT] = M_NEVER(NO_STEP),
    [CPT_BANNER] = M_NEVER(AGAIN),
    NO_ROUNDS,
    [CPT_CHECKPOINT] = GO(SUSPEND, CPA_SEND_NEW, CPA_SUSPEND),
    NOT_ASKED,
    NO_ANSWER(RUN),
    NO_EPOCH_YET,
    [CPT_LOST_EARLY] = GO(DONE, CPA_DISCONNECT, ENDS),
    LOST_RUNS,
    NOT_ENDING(RUN),
    [CPT_LOCAL_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    GUEST_OVER,
    [CPT_USER_PAUSE] = GO(SUSPEND, CPA_SEND_NEW, CPA_TELL_PAUSE, CPA_SUSPEND),
    [CPT_USER_RUN] = GO(RUN, CPA_TELL_PAUSE, CPA_OBEY),
    [CPT_USER_STOP ... CPT_USER_RELEASE] = GO(END, CPA_OBEY, CPA_SEND_END),
},
[CP_SUSPEND] = {
    NO_CLOCK,
    [CPT_SUSPENDED] = GO(PEER, CPA_ARM_ANSWER),
    [CPT_SUSPEND_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    [CPT_CANCELLED] = M_NEVER(NO_ASK),
    [CPT_PEER_SUSPENDED] = GO(OWN, CPA_NOTE_LIST),
    NO_EPOCH_YET,
    [CPT_READY ... CPT_PEER_RESUMED] = GO(SUSPEND, CPA_LOSE),
    [CPT_LOST_EARLY] = M_NEVER(LATE),
    [CPT_LOST_FENCE] = LOSES,
    [CPT_LOST_MANUAL] = LOSES,
    [CPT_PEER_ENDED] = SETTLES,
    NOT_ENDING(SUSPEND),
    PUT_OFF,
    WISHES(SUSPEND),
},
[CP_PEER] = {
    [CPT_STEP_OUT] = GO(PEER, CPA_LOSE),
    NOT_NOW,
    NOT_ASKED,
    [CPT_PEER_SUSPENDED] = GO(CAPTURE, CPA_NOTE_LIST, CPA_CAPTURE),
    NO_EPOCH_YET,
    [CPT_READY] = GO(PEER, CPA_LOSE),
    [CPT_PEER_RESUMED] = GO(PEER, CPA_LOSE),
    [CPT_LOST_EARLY] = M_NEVER(LATE),
    LOST_STILL,
    NOT_ENDING(PEER),
    [CPT_LOCAL_FAILED] = END_STILL,
    GUEST_OVER,
    WISHES(PEER),
    [CPT_USER_STOP] = END_STILL,
    [CPT_USER_RELEASE] = END_STILL,
},
[CP_OWN] = {
    NO_CLOCK,
    [CPT_SUSPENDED] = GO(CAPTURE, CPA_CAPTURE),
    [CPT_SUSPEND_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    [CPT_CANCELLED] = M_NEVER(NO_ASK),
    NO_ANSWER(OWN),
    NO_EPOCH_YET,
    [CPT_LOST_EARLY] = M_NEVER(LATE),
    [CPT_LOST_FENCE] = LOSES,
    [CPT_LOST_MANUAL] = LOSES,
    [CPT_PEER_ENDED] = SETTLES,
    NOT_ENDING(OWN),
    PUT_OFF,
    WISHES(OWN),
},
[CP_SETTLE] = {
    NO_CLOCK,
    [CPT_SUSPENDED] = GO(RUN, CPA_OBEY, CPA_RESUME, CPA_RECALL),
    [CPT_SUSPEND_FAILED] = GO(RUN, CPA_RECALL),
    [CPT_CANCELLED] = GO(RUN, CPA_RECALL),
    [CPT_PEER_SUSPENDED] = GO(SETTLE, CPA_NOTE_LIST),
    NO_EPOCH_YET,
    [CPT_READY] = GO(SETTLE, CPA_LOSE),
    [CPT_PEER_RESUMED] = GO(SETTLE, CPA_LOSE),
    [CPT_LOST_EARLY] = GO(SETTLE, CPA_DISCONNECT, CPA_DEFER),
    [CPT_LOST_FENCE] = GO(SETTLE, CPA_DISCONNECT, CPA_DEFER),
    [CPT_LOST_MANUAL] = GO(SETTLE, CPA_DISCONNECT, CPA_DEFER),
    [CPT_PEER_ENDED] = GO(SETTLE, CPA_DEFER),
    NOT_ENDING(SETTLE),
    [CPT_LOCAL_FAILED] = GO(SETTLE, CPA_DEFER),
    [CPT_GUEST_ENDED] = GO(RUN, CPA_DEFER, CPA_RECALL),
    [CPT_DESTROYED] = GO(RUN, CPA_DEFER, CPA_RECALL),
    WISHES(SETTLE),
    STOP_LATER(SETTLE),
},
[CP_CAPTURE] = {
    NO_CLOCK,
    [CPT_HELLO] = M_NEVER(SYNC),
    [CPT_SUSPENDED ... CPT_CANCELLED] = M_NEVER(STILL),
    [CPT_PEER_SUSPENDED] = M_NEVER(SYNC),
    [CPT_CAPTURED] = GO(SEND, CPA_HOLD, CPA_SEND_EPOCH),
    [CPT_CAPTURE_FAILED] = END_STILL,
    [CPT_SENT] = M_NEVER(NO_EPOCH),
    [CPT_READY ... CPT_PEER_CONFIRMED] = M_NEVER(SYNC),
    NOT_FENCING,
    [CPT_LOCAL_FAILED] = END_STILL,
    [CPT_GUEST_ENDED ... CPT_USER_RELEASE] = M_NEVER(SYNC),
},
[CP_SEND] = {
    [CPT_STEP_OUT] = GO(SEND, CPA_LOSE),
    NOT_NOW,
    NOT_ASKED,
    NO_ANSWER(SEND),
    NOT_CAPTURED,
    [CPT_SENT] = GO(ACK, CPA_ARM_ANSWER),
    [CPT_LOST_EARLY] = GO(DONE, CPA_DISCONNECT, CPA_OBEY, CPA_RESUME,
                          CPA_RELEASE_ALL, CPA_GUEST_END, CPA_FINISH),
    LOST_STILL,
    NOT_ENDING(SEND),
    [CPT_LOCAL_FAILED] = END_STILL,
    GUEST_OVER,
    WISHES(SEND),
    STOP_LATER(SEND),
},
[CP_ACK] = {
    [CPT_STEP_OUT] = GO(ACK, CPA_LOSE),
    NOT_NOW,
    NOT_ASKED,
    [CPT_PEER_SUSPENDED] = GO(ACK, CPA_LOSE),
    NO_EPOCH_YET,
    [CPT_READY] = GO(RESUMED, CPA_RELEASE_EPOCH, CPA_OBEY, CPA_RESUME,
                     CPA_ARM_ANSWER),
    [CPT_PEER_RESUMED] = GO(ACK, CPA_LOSE),
    [CPT_LOST_EARLY] = M_NEVER(LATE),
    LOST_STILL,
    NOT_ENDING(ACK),
    [CPT_LOCAL_FAILED] = END_STILL,
    GUEST_OVER,
    WISHES(ACK),
    STOP_LATER(ACK),
},
[CP_RESUMED] = {
    [CPT_STEP_OUT] = GO(RESUMED, CPA_LOSE),
    NOT_NOW,
    NOT_ASKED,
    [CPT_PEER_SUSPENDED] = GO(RESUMED, CPA_LOSE),
    NO_EPOCH_YET,
    [CPT_READY] = GO(RESUMED, CPA_LOSE),
    [CPT_PEER_RESUMED] = GO(RUN, CPA_ARM_INTERVAL, CPA_RECALL),
    [CPT_LOST_EARLY] = M_NEVER(LATE),
    LOST_RUNS,
    NOT_ENDING(RESUMED),
    [CPT_LOCAL_FAILED] = GO(END, CPA_OBEY, CPA_SEND_END),
    [CPT_GUEST_ENDED] = GO(RESUMED, CPA_DEFER),
    [CPT_DESTROYED] = GO(CLOSE, CPA_DROP_ALL, CPA_SEND_END),
    [CPT_USER_PAUSE] = GO(RESUMED, CPA_DEFER),
    [CPT_USER_RUN] = GO(RESUMED, CPA_TELL_PAUSE, CPA_OBEY),
    STOP_LATER(RESUMED),
},
[CP_FENCE] = {
    [CPT_LOST_FENCE] = GO(FENCE, CPA_NONE),
    [CPT_LOST_MANUAL] = M_NEVER(NO_PEER),
    [CPT_FENCED] = GO(DONE, ENDS),
    [CPT_FENCE_FAILED] = GO(HELD, CPA_ARM_RETRY, CPA_ASK_USER),
    [CPT_RETRY] = M_NEVER(NO_RETRY),
    ALONE(FENCE),
},
[CP_HELD] = {
    [CPT_LOST_FENCE] = M_NEVER(NO_PEER),
    [CPT_LOST_MANUAL] = GO(HELD, CPA_NONE),
    [CPT_FENCED ... CPT_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [CPT_RETRY] = GO(FENCE, CPA_FENCE),
    ALONE(HELD),
},
[CP_END] = {
    [CPT_STEP_OUT] = GO(END, CPA_LOSE),
    [CPT_BANNER] = M_NEVER(AGAIN),
    [CPT_ROUND_SENT ... CPT_CONVERGED] = GO(END, CPA_NONE),
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN),
    NOT_ASKED,
    [CPT_PEER_SUSPENDED] = GO(END, CPA_NONE),
    NOT_CAPTURED,
    [CPT_SENT ... CPT_PEER_RESUMED] = GO(END, CPA_NONE),
    [CPT_LOST_EARLY] = GO(DONE, CPA_DISCONNECT, ENDS),
    LOST_RUNS,
    [CPT_HELLO] = GO(END, CPA_LOSE),
    [CPT_PEER_CONFIRMED] = GO(CLOSE, CPA_OBEY, CPA_RELEASE_ALL,
                              CPA_GUEST_END),
    NOT_FENCING,
    [CPT_LOCAL_FAILED] = GO(END, CPA_NONE),
    [CPT_GUEST_ENDED] = GO(END, CPA_DEFER),
    [CPT_DESTROYED] = GO(CLOSE, CPA_DROP_ALL),
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(END, CPA_OBEY),
    [CPT_USER_STOP] = GO(END, CPA_NONE),
    [CPT_USER_RELEASE] = GO(DONE, CPA_DISCONNECT, ENDS),
},
[CP_CLOSE] = {
    [CPT_BANNER] = M_NEVER(AGAIN),
    [CPT_HELLO] = GO(CLOSE, CPA_NONE),
    [CPT_STEP_OUT] = GO(DONE, CPA_DISCONNECT, CPA_FINISH),
    NO_ROUNDS,
    [CPT_CHECKPOINT] = M_NEVER(NO_RUN),
    NOT_ASKED,
    [CPT_PEER_SUSPENDED] = GO(CLOSE, CPA_NONE),
    NO_EPOCH_YET,
    [CPT_READY ... CPT_PEER_RESUMED] = GO(CLOSE, CPA_NONE),
    [CPT_LOST_EARLY ... CPT_LOST_MANUAL] = GO(DONE, CPA_DISCONNECT,
                                              CPA_FINISH),
    [CPT_PEER_ENDED ... CPT_PEER_CONFIRMED] = GO(CLOSE, CPA_NONE),
    NOT_FENCING,
    [CPT_LOCAL_FAILED] = GO(CLOSE, CPA_NONE),
    [CPT_GUEST_ENDED] = GO(CLOSE, CPA_GUEST_END),
    [CPT_DESTROYED] = GO(CLOSE, CPA_NONE),
    [CPT_USER_PAUSE ... CPT_USER_RUN] = GO(CLOSE, CPA_OBEY),
    [CPT_USER_STOP] = GO(CLOSE, CPA_NONE),
    [CPT_USER_RELEASE] = GO(DONE, CPA_DISCONNECT, CPA_FINISH),
},
[CP_DONE] = {
    [0 ... CPT_NR - 1] = M_NEVER(OVER),
},
};

const struct machine colo_primary_machine = {
    .name = "colo-primary", .cells = &cells[0][0],
    .states = states, .triggers = triggers, .actions = actions,
    .states_nr = CP_STATES_NR, .triggers_nr = CPT_NR, .actions_nr = CPA_NR,
    .initial = CP_GREET, .final = CP_DONE,
};
