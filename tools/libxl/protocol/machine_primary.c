/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's table. Every cell is decided: a transition, or why the pair
 * can't happen.
 */
#include "machine_primary.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name states[] = { PRIMARY_STATES(NAME) };
static const struct machine_name triggers[] = { PRIMARY_TRIGGERS(NAME) };
static const struct machine_name actions[] = {
    { "none", "ends a list" }, PRIMARY_ACTIONS(NAME)
};

#define GO(s, ...) M_GO(P_##s, __VA_ARGS__)
#define ENDS PA_OBEY, PA_RELEASE_ALL, PA_GUEST_END, PA_FINISH
/* The same three rows in most states: the peer is lost. */
#define LOST_HERE \
    [PT_LOST_EARLY] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_LOST_FENCE] = GO(FENCE, PA_DISCONNECT, PA_OBEY, PA_FENCE), \
    [PT_LOST_MANUAL] = GO(HELD, PA_DISCONNECT, PA_OBEY, PA_ASK_USER)

#define NO_ROUND "rounds belong to the first copy, and one is out at a time"
#define NO_CLOCK "the clock runs only while waiting for the next epoch"
#define NO_ASK   "the domain wasn't asked to stand still"
#define NO_CAPT  "the capture's outcome is taken before anything else"
#define NO_EPOCH "no epoch is going out"
#define NO_STEP  "no answer of the peer's is waited for"
#define NO_FENCE "no fence command runs"
#define NO_PEER  "the stream is closed"
#define NO_RETRY "only a failed fence command sets this clock"
/* The domain wasn't asked, so it doesn't answer. */
#define NOT_ASKED \
    [PT_SUSPENDED] = M_NEVER(NO_ASK), \
    [PT_SUSPEND_FAILED] = M_NEVER(NO_ASK), \
    [PT_SUSPEND_STILL] = M_NEVER(NO_ASK), \
    [PT_CANCELLED] = M_NEVER(NO_ASK)
/* Nor is anything else under way. */
#define NOT_CAPTURED \
    [PT_CAPTURED_FIRST] = M_NEVER(NO_CAPT), \
    [PT_CAPTURED] = M_NEVER(NO_CAPT), \
    [PT_CAPTURE_FAILED] = M_NEVER(NO_CAPT)
#define NOT_SENDING \
    [PT_SENT] = M_NEVER(NO_EPOCH), \
    [PT_SENT_FIRST_PLAIN] = M_NEVER(NO_EPOCH), \
    [PT_SENT_PLAIN] = M_NEVER(NO_EPOCH)
#define NOT_FENCING \
    [PT_FENCED] = M_NEVER(NO_FENCE), \
    [PT_FENCE_FAILED] = M_NEVER(NO_FENCE), \
    [PT_RETRY] = M_NEVER(NO_RETRY)
/* What the peer has no reason to say now. */
#define NO_ANSWER(s) \
    [PT_READY_FIRST] = GO(s, PA_LOSE), \
    [PT_READY] = GO(s, PA_LOSE)
#define NO_WORD(s) \
    [PT_HELLO] = GO(s, PA_LOSE), \
    [PT_PEER_CONFIRMED] = GO(s, PA_LOSE), \
    [PT_PLAIN_END] = GO(s, PA_LOSE)
/* Nothing comes through a closed stream. */
#define CLOSED \
    [PT_BANNER] = M_NEVER(NO_PEER), \
    [PT_HELLO] = M_NEVER(NO_PEER), \
    [PT_STEP_OUT] = M_NEVER(NO_PEER), \
    [PT_ROUND_SENT] = M_NEVER(NO_PEER), \
    [PT_CONVERGED] = M_NEVER(NO_ROUND), \
    [PT_INTERVAL] = M_NEVER(NO_CLOCK), \
    [PT_SENT] = M_NEVER(NO_PEER), \
    [PT_SENT_FIRST_PLAIN] = M_NEVER(NO_PEER), \
    [PT_SENT_PLAIN] = M_NEVER(NO_PEER), \
    [PT_READY_FIRST] = M_NEVER(NO_PEER), \
    [PT_READY] = M_NEVER(NO_PEER), \
    [PT_LOST_EARLY] = M_NEVER(NO_PEER), \
    [PT_PLAIN_END] = M_NEVER(NO_PEER), \
    [PT_PEER_CONFIRMED] = M_NEVER(NO_PEER)
/* The peer is lost; what its fate is isn't known. */
#define ALONE(s) \
    CLOSED, \
    NOT_ASKED, \
    NOT_CAPTURED, \
    [PT_PEER_ENDED] = GO(s, PA_NONE), \
    [PT_LOCAL_FAILED] = GO(s, PA_NONE), \
    [PT_GUEST_ENDED] = GO(s, PA_DEFER), \
    [PT_USER_PAUSE] = GO(s, PA_OBEY), \
    [PT_USER_RUN] = GO(s, PA_OBEY), \
    [PT_USER_STOP] = GO(s, PA_REFUSE), \
    [PT_USER_RELEASE] = GO(DONE, ENDS)
#define NOT_EARLY \
    [PT_LOST_FENCE] = M_NEVER(EARLY), \
    [PT_LOST_MANUAL] = M_NEVER(EARLY)
#define EARLY    "no epoch is out, so the loss is early"
/* Nothing has begun. */
#define BEFORE(s) \
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND), \
    [PT_CONVERGED] = M_NEVER(NO_ROUND), \
    [PT_INTERVAL] = M_NEVER(NO_CLOCK), \
    NOT_ASKED, \
    NOT_CAPTURED, \
    NOT_SENDING, \
    NO_ANSWER(s), \
    NOT_FENCING, \
    [PT_LOST_EARLY] = GO(DONE, PA_DISCONNECT, ENDS), \
    NOT_EARLY, \
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_LOCAL_FAILED] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_GUEST_ENDED] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_USER_PAUSE] = GO(s, PA_OBEY), \
    [PT_USER_RUN] = GO(s, PA_OBEY), \
    [PT_USER_STOP] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_USER_RELEASE] = GO(DONE, PA_DISCONNECT, ENDS), \
    [PT_PEER_CONFIRMED] = GO(s, PA_LOSE), \
    [PT_PLAIN_END] = GO(s, PA_LOSE)
#define AGAIN    "the receiver speaks first and once"
#define SYNC     "capturing takes no input: it waits in the queue"
#define OVER     "nothing is listened to any more"

static const struct machine_cell cells[P_STATES_NR][PT_NR] = {
[P_GREET] = {
    [PT_BANNER] = GO(HELLO, PA_ARM_GRACE),
    [PT_STEP_OUT] = GO(GREET, PA_LOSE),
    [PT_HELLO] = GO(GREET, PA_LOSE),
    BEFORE(GREET),
},
[P_HELLO] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_HELLO] = GO(FIRST, PA_MEET, PA_LOG_START, PA_SEND_HEAD, PA_ROUND),
    [PT_STEP_OUT] = GO(FIRST, PA_MEET_PLAIN, PA_LOG_START, PA_SEND_HEAD,
                       PA_ROUND),
    BEFORE(HELLO),
},
[P_FIRST] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = GO(FIRST, PA_LOSE),
    [PT_ROUND_SENT] = GO(FIRST, PA_ROUND),
    [PT_CONVERGED] = GO(SUSPEND, PA_SUSPEND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    NOT_ASKED,
    NOT_CAPTURED,
    NOT_SENDING,
    NO_ANSWER(FIRST),
    NO_WORD(FIRST),
    NOT_FENCING,
    [PT_LOST_EARLY] = GO(DONE, PA_DISCONNECT, ENDS),
    NOT_EARLY,
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS),
    [PT_LOCAL_FAILED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_GUEST_ENDED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_USER_PAUSE] = GO(FIRST, PA_TELL_PAUSE, PA_OBEY),
    [PT_USER_RUN] = GO(FIRST, PA_TELL_PAUSE, PA_OBEY),
    [PT_USER_STOP] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_USER_RELEASE] = GO(END, PA_OBEY, PA_SEND_END),
},
[P_SUSPEND] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = M_NEVER(NO_STEP),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    [PT_SUSPENDED] = GO(CAPTURE, PA_CAPTURE, PA_MARK),
    [PT_SUSPEND_FAILED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_SUSPEND_STILL] = GO(WAIT, PA_OBEY, PA_ARM_INTERVAL, PA_RECALL),
    [PT_CANCELLED] = M_NEVER("nobody withdrew the request"),
    NOT_CAPTURED,
    NOT_SENDING,
    NO_ANSWER(SUSPEND),
    NO_WORD(SUSPEND),
    NOT_FENCING,
    [PT_LOST_EARLY] = GO(SETTLE, PA_DISCONNECT, PA_DEFER,
                         PA_SUSPEND_CANCEL),
    [PT_LOST_FENCE] = GO(SETTLE, PA_DISCONNECT, PA_DEFER,
                         PA_SUSPEND_CANCEL),
    [PT_LOST_MANUAL] = GO(SETTLE, PA_DISCONNECT, PA_DEFER,
                          PA_SUSPEND_CANCEL),
    [PT_PEER_ENDED] = GO(SETTLE, PA_DEFER, PA_SUSPEND_CANCEL),
    [PT_LOCAL_FAILED] = GO(SETTLE, PA_DEFER, PA_SUSPEND_CANCEL),
    [PT_GUEST_ENDED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_USER_PAUSE] = GO(SUSPEND, PA_TELL_PAUSE),
    [PT_USER_RUN] = GO(SUSPEND, PA_TELL_PAUSE),
    [PT_USER_STOP] = GO(SETTLE, PA_DEFER, PA_SUSPEND_CANCEL),
    [PT_USER_RELEASE] = GO(SETTLE, PA_DEFER, PA_SUSPEND_CANCEL),
},
[P_SETTLE] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = M_NEVER(NO_STEP),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    [PT_SUSPENDED] = GO(WAIT, PA_OBEY, PA_RESUME, PA_RECALL),
    [PT_SUSPEND_FAILED] = GO(WAIT, PA_RECALL),
    [PT_SUSPEND_STILL] = M_NEVER("it was asked"),
    [PT_CANCELLED] = GO(WAIT, PA_RECALL),
    NOT_CAPTURED,
    NOT_SENDING,
    NO_ANSWER(SETTLE),
    NO_WORD(SETTLE),
    NOT_FENCING,
    [PT_LOST_EARLY] = GO(SETTLE, PA_DISCONNECT, PA_DEFER),
    [PT_LOST_FENCE] = GO(SETTLE, PA_DISCONNECT, PA_DEFER),
    [PT_LOST_MANUAL] = GO(SETTLE, PA_DISCONNECT, PA_DEFER),
    [PT_PEER_ENDED] = GO(SETTLE, PA_DEFER),
    [PT_LOCAL_FAILED] = GO(SETTLE, PA_DEFER),
    [PT_GUEST_ENDED] = GO(WAIT, PA_DEFER, PA_RECALL),
    [PT_USER_PAUSE] = GO(SETTLE, PA_TELL_PAUSE),
    [PT_USER_RUN] = GO(SETTLE, PA_TELL_PAUSE),
    [PT_USER_STOP] = GO(SETTLE, PA_DEFER),
    [PT_USER_RELEASE] = GO(SETTLE, PA_DEFER),
},
[P_CAPTURE] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_HELLO] = M_NEVER(SYNC),
    [PT_STEP_OUT] = M_NEVER(NO_STEP),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    [PT_SUSPENDED] = M_NEVER("the domain stands still already"),
    [PT_SUSPEND_FAILED] = M_NEVER("the domain stands still"),
    [PT_SUSPEND_STILL] = M_NEVER("the domain stands still already"),
    [PT_CANCELLED] = M_NEVER("the domain stands still"),
    [PT_CAPTURED_FIRST] = GO(SEND, PA_RESUME, PA_SEND_EPOCH),
    [PT_CAPTURED] = GO(SEND, PA_OBEY, PA_RESUME, PA_SEND_EPOCH),
    NOT_SENDING,
    [PT_PLAIN_END] = M_NEVER(SYNC),
    [PT_CAPTURE_FAILED] = GO(END, PA_OBEY, PA_RESUME, PA_SEND_END),
    [PT_READY_FIRST] = M_NEVER(SYNC),
    [PT_READY] = M_NEVER(SYNC),
    [PT_LOST_EARLY] = M_NEVER(SYNC),
    [PT_LOST_FENCE] = M_NEVER(SYNC),
    [PT_LOST_MANUAL] = M_NEVER(SYNC),
    [PT_PEER_ENDED] = M_NEVER(SYNC),
    [PT_PEER_CONFIRMED] = M_NEVER(SYNC),
    NOT_FENCING,
    [PT_LOCAL_FAILED] = GO(END, PA_OBEY, PA_RESUME, PA_SEND_END),
    [PT_GUEST_ENDED] = M_NEVER("a domain that stands still does nothing; "
                               "one destroyed meanwhile fails the capture"),
    [PT_USER_PAUSE] = M_NEVER(SYNC),
    [PT_USER_RUN] = M_NEVER(SYNC),
    [PT_USER_STOP] = M_NEVER(SYNC),
    [PT_USER_RELEASE] = M_NEVER(SYNC),
},
[P_SEND] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = GO(SEND, PA_LOSE),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    NOT_ASKED,
    NOT_CAPTURED,
    NO_ANSWER(SEND),
    NO_WORD(SEND),
    NOT_FENCING,
    [PT_SENT] = GO(ACK, PA_ARM_READY),
    [PT_SENT_FIRST_PLAIN] = GO(SUSPEND, PA_HOLD, PA_SUSPEND, PA_RECALL),
    [PT_SENT_PLAIN] = GO(WAIT, PA_RELEASE_EPOCH, PA_ARM_INTERVAL,
                         PA_RECALL),
    LOST_HERE,
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS),
    [PT_LOCAL_FAILED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_GUEST_ENDED] = GO(SEND, PA_DEFER),
    [PT_USER_PAUSE] = GO(SEND, PA_TELL_PAUSE, PA_DEFER),
    [PT_USER_RUN] = GO(SEND, PA_TELL_PAUSE, PA_OBEY),
    [PT_USER_STOP] = GO(SEND, PA_DEFER),
    [PT_USER_RELEASE] = GO(SEND, PA_DEFER),
},
[P_ACK] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = GO(ACK, PA_LOSE),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    NOT_ASKED,
    NOT_CAPTURED,
    NOT_SENDING,
    NO_WORD(ACK),
    NOT_FENCING,
    [PT_READY_FIRST] = GO(SUSPEND, PA_HOLD, PA_SUSPEND, PA_RECALL),
    [PT_READY] = GO(WAIT, PA_RELEASE_EPOCH, PA_ARM_INTERVAL, PA_RECALL),
    LOST_HERE,
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS),
    [PT_LOCAL_FAILED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_GUEST_ENDED] = GO(ACK, PA_DEFER),
    [PT_USER_PAUSE] = GO(ACK, PA_TELL_PAUSE, PA_DEFER),
    [PT_USER_RUN] = GO(ACK, PA_TELL_PAUSE, PA_OBEY),
    [PT_USER_STOP] = GO(ACK, PA_DEFER),
    [PT_USER_RELEASE] = GO(ACK, PA_DEFER),
},
[P_WAIT] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = M_NEVER(NO_STEP),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = GO(SUSPEND, PA_SUSPEND),
    NOT_ASKED,
    NOT_CAPTURED,
    NOT_SENDING,
    NO_ANSWER(WAIT),
    NO_WORD(WAIT),
    NOT_FENCING,
    LOST_HERE,
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS),
    [PT_LOCAL_FAILED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_GUEST_ENDED] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_USER_PAUSE] = GO(SUSPEND, PA_TELL_PAUSE, PA_SUSPEND),
    [PT_USER_RUN] = GO(WAIT, PA_TELL_PAUSE, PA_OBEY),
    [PT_USER_STOP] = GO(END, PA_OBEY, PA_SEND_END),
    [PT_USER_RELEASE] = GO(END, PA_OBEY, PA_SEND_END),
},
[P_FENCE] = {
    [PT_LOST_FENCE] = GO(FENCE, PA_NONE),
    [PT_LOST_MANUAL] = M_NEVER(NO_PEER),
    [PT_FENCED] = GO(DONE, ENDS),
    [PT_FENCE_FAILED] = GO(HELD, PA_ARM_RETRY, PA_ASK_USER),
    [PT_RETRY] = M_NEVER(NO_RETRY),
    ALONE(FENCE),
},
[P_HELD] = {
    [PT_LOST_FENCE] = M_NEVER(NO_PEER),
    [PT_LOST_MANUAL] = GO(HELD, PA_NONE),
    [PT_FENCED] = M_NEVER(NO_FENCE),
    [PT_FENCE_FAILED] = M_NEVER(NO_FENCE),
    [PT_RETRY] = GO(FENCE, PA_FENCE),
    ALONE(HELD),
},
[P_END] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_STEP_OUT] = GO(END, PA_LOSE),
    [PT_ROUND_SENT] = GO(END, PA_NONE),
    [PT_CONVERGED] = GO(END, PA_NONE),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    NOT_ASKED,
    NOT_CAPTURED,
    [PT_HELLO] = GO(END, PA_LOSE),
    [PT_PLAIN_END] = GO(DONE, PA_DISCONNECT, ENDS),
    NOT_FENCING,
    [PT_SENT] = GO(END, PA_NONE),
    [PT_SENT_FIRST_PLAIN] = GO(END, PA_NONE),
    [PT_SENT_PLAIN] = GO(END, PA_NONE),
    [PT_READY_FIRST] = GO(END, PA_NONE),
    [PT_READY] = GO(END, PA_NONE),
    LOST_HERE,
    [PT_PEER_ENDED] = GO(DONE, PA_DISCONNECT, ENDS),
    [PT_PEER_CONFIRMED] = GO(CLOSE, PA_OBEY, PA_RELEASE_ALL, PA_GUEST_END),
    [PT_LOCAL_FAILED] = GO(END, PA_NONE),
    [PT_GUEST_ENDED] = GO(END, PA_DEFER),
    [PT_USER_PAUSE] = GO(END, PA_OBEY),
    [PT_USER_RUN] = GO(END, PA_OBEY),
    [PT_USER_STOP] = GO(END, PA_NONE),
    [PT_USER_RELEASE] = GO(DONE, PA_DISCONNECT, ENDS),
},
[P_CLOSE] = {
    [PT_BANNER] = M_NEVER(AGAIN),
    [PT_HELLO] = GO(CLOSE, PA_NONE),
    [PT_STEP_OUT] = GO(DONE, PA_DISCONNECT, PA_FINISH),
    [PT_ROUND_SENT] = M_NEVER(NO_ROUND),
    [PT_CONVERGED] = M_NEVER(NO_ROUND),
    [PT_INTERVAL] = M_NEVER(NO_CLOCK),
    NOT_ASKED,
    NOT_CAPTURED,
    NOT_SENDING,
    [PT_READY_FIRST] = GO(CLOSE, PA_NONE),
    [PT_READY] = GO(CLOSE, PA_NONE),
    [PT_LOST_EARLY] = GO(DONE, PA_DISCONNECT, PA_FINISH),
    [PT_LOST_FENCE] = GO(DONE, PA_DISCONNECT, PA_FINISH),
    [PT_LOST_MANUAL] = GO(DONE, PA_DISCONNECT, PA_FINISH),
    [PT_PLAIN_END] = M_NEVER("a receiver that confirms acknowledges"),
    [PT_PEER_ENDED] = GO(CLOSE, PA_NONE),
    [PT_PEER_CONFIRMED] = GO(CLOSE, PA_NONE),
    NOT_FENCING,
    [PT_LOCAL_FAILED] = GO(CLOSE, PA_NONE),
    [PT_GUEST_ENDED] = GO(CLOSE, PA_GUEST_END),
    [PT_USER_PAUSE] = GO(CLOSE, PA_OBEY),
    [PT_USER_RUN] = GO(CLOSE, PA_OBEY),
    [PT_USER_STOP] = GO(CLOSE, PA_NONE),
    [PT_USER_RELEASE] = GO(DONE, PA_DISCONNECT, PA_FINISH),
},
[P_DONE] = {
    [0 ... PT_NR - 1] = M_NEVER(OVER),
},
};

const struct machine primary_machine = {
    .name = "primary", .cells = &cells[0][0],
    .states = states, .triggers = triggers, .actions = actions,
    .states_nr = P_STATES_NR, .triggers_nr = PT_NR, .actions_nr = PA_NR,
    .initial = P_GREET, .final = P_DONE,
};
