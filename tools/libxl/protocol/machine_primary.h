/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's machine for checkpoints with acknowledged output (Remus
 * order). The lists below are the only place where its states, triggers and
 * actions are named; machine_primary.c holds the table.
 */
#ifndef XC_PROTOCOL_MACHINE_PRIMARY_H
#define XC_PROTOCOL_MACHINE_PRIMARY_H

#include "machine.h"

#define PRIMARY_STATES(X) \
X(GREET, "greet", "waits for the receiver to say that it is there") \
X(HELLO, "hello", "the receiver is there; waits a moment for HELLO, by " \
  "which it says that it acknowledges") \
X(FIRST, "first-copy", "copies all memory while the domain runs") \
X(SUSPEND, "suspend", "has asked the domain to stand still") \
X(SETTLE, "settle", "something ended the epoch while the domain was asked " \
  "to stand still; waits until it is known to run or to stand") \
X(CAPTURE, "capture", "takes the epoch's state; the domain stands still") \
X(SEND, "send", "the domain runs again; the epoch goes out") \
X(ACK, "await-ready", "the epoch is out; waits for SVM_READY") \
X(WAIT, "wait", "the newest epoch is safe; waits for the next") \
X(FENCE, "fence", "the peer is lost and being fenced; output stays held") \
X(HELD, "held", "the peer is lost and not proven off; output stays held") \
X(YIELD, "yielded", "the peer is lost, and its copy takes over when this " \
  "host's lease is out: the domain stands still, output stays held") \
X(DOOM, "doomed", "the domain can't run again; waits until it is destroyed, " \
  "and its copy may take over") \
X(END, "end", "has told the peer to discard its copy; waits for its word") \
X(CLOSE, "close", "which of the two lives is settled, and output flows or " \
  "is dropped; waits for the receiver to end") \
X(DONE, "done", "protection has ended")

#define PRIMARY_TRIGGERS(X) \
X(BANNER, "banner", "the receiver's banner") \
X(HELLO, "hello", "HELLO: the receiver acknowledges epochs") \
X(STEP_OUT, "step-out", "what is waited for took too long") \
X(ROUND_SENT, "round-sent", "one round of the first copy is out") \
X(CONVERGED, "converged", "few enough pages are left for the first stop") \
X(INTERVAL, "interval", "time for the next epoch, or enough dirty pages") \
X(SUSPENDED, "suspended", "the domain stands still") \
X(SUSPEND_FAILED, "suspend-failed", "the domain did not stand still and " \
  "runs on") \
X(SUSPEND_STILL, "suspend-still", "it can't be asked: somebody has paused " \
  "it, and what it did before is in its memory still") \
X(CANCELLED, "cancelled", "the request to stand still was withdrawn in " \
  "time") \
X(CAPTURED_FIRST, "captured-first", "the first epoch's state is complete " \
  "in staging") \
X(CAPTURED, "captured", "a later epoch's state is complete in staging") \
X(CAPTURE_FAILED, "capture-failed", "the epoch's state could not be taken") \
X(RESUME_FAILED, "resume-failed", "the domain can't be made to run again, " \
  "and the peer holds a copy that can") \
X(DESTROY_FAILED, "destroy-failed", "nor can it be destroyed") \
X(SENT, "sent", "the epoch is out, to a peer that acknowledges") \
X(SENT_FIRST_PLAIN, "sent-first-plain", "the first epoch is out, to a peer " \
  "that does not acknowledge") \
X(SENT_PLAIN, "sent-plain", "an epoch is out, to a peer that does not " \
  "acknowledge") \
X(READY_FIRST, "ready-first", "SVM_READY: the copy stands, from the first " \
  "epoch") \
X(READY, "ready", "SVM_READY: the peer holds the epoch, complete") \
X(LOST_EARLY, "lost-early", "the peer is lost before its copy could take " \
  "over") \
X(LOST_FENCE, "lost-fence", "the peer is lost (end of stream, silence, " \
  "garbage, a step's limit); a fence command is set") \
X(LOST_MANUAL, "lost-manual", "the same, and no fence command is set") \
X(LOST_LEASE, "lost-lease", "the same, or it isn't known in time that the " \
  "peer hears us, and this host keeps a lease") \
X(PLAIN_END, "plain-end", "the stream ended, of a receiver that does not " \
  "acknowledge") \
X(PEER_ENDED, "peer-ended", "GONE: the peer has destroyed its copy") \
X(PEER_CONFIRMED, "peer-confirmed", "RELEASE: the peer discards its copy, " \
  "as it was told") \
X(FENCED, "fenced", "the fence command says that the peer is off") \
X(FENCE_FAILED, "fence-failed", "the fence command failed or ran out of " \
  "time") \
X(RETRY, "retry", "time to fence again") \
X(LOCAL_FAILED, "local-failed", "something failed on this side") \
X(GUEST_ENDED, "guest-ended", "the domain shut down, rebooted or crashed") \
X(DESTROYED, "destroyed", "somebody destroyed the domain") \
X(USER_PAUSE, "user-pause", "the user wants the domain to stand still") \
X(USER_RUN, "user-run", "the user wants it to run again") \
X(USER_STOP, "user-stop", "the user ends protection") \
X(USER_RELEASE, "user-release", "the user ends protection and vouches that " \
  "the copy does not run")

#define PRIMARY_ACTIONS(X) \
X(ARM_GRACE, "arm-grace", "set the clock for HELLO") \
X(MEET, "meet", "send signs of life from now on, and expect them") \
X(MEET_PLAIN, "meet-plain", "warn that nothing will be acknowledged") \
X(LOSE, "lose-peer", "take the peer for lost: this is garbage, or too late") \
X(LOG_START, "start-dirty-log", "map the memory, switch the dirty log on, " \
  "take over the output path without holding it") \
X(SEND_HEAD, "send-head", "send headers, configuration and static data") \
X(ROUND, "send-round", "send the pages dirtied since the last round, or " \
  "find that it converged") \
X(SUSPEND, "ask-suspend", "ask the domain to stand still") \
X(SUSPEND_CANCEL, "cancel-suspend", "withdraw that request") \
X(OBEY, "obey-run-state", "pause the domain or let it run, as its run state " \
  "says") \
X(TELL_PAUSE, "tell-pause-reason", "send PAUSE_REASON: what the user wants " \
  "of the domain") \
X(MARK, "mark-output", "what was held so far belongs to this epoch") \
X(CAPTURE, "capture", "dirty pages and all state into staging") \
X(RESUME, "resume", "let the domain run again") \
X(FAIL, "fail", "what failed ends protection, once it is known whether the " \
  "domain runs") \
X(SEND_EPOCH, "send-epoch", "send staging, CHECKPOINT and CHECKPOINT_END") \
X(HOLD, "hold-output", "from now on no output leaves, and a lease is kept, " \
  "if one is wanted") \
X(ARM_READY, "arm-ready", "set the clock for SVM_READY") \
X(RELEASE_EPOCH, "release-epoch", "let the output of the epoch go that the " \
  "peer now holds") \
X(ARM_INTERVAL, "arm-interval", "set the clock for the next epoch") \
X(DEFER, "defer", "remember the trigger") \
X(RECALL, "recall", "offer the remembered triggers again") \
X(DISCONNECT, "disconnect", "close the stream and end its command") \
X(FENCE, "run-fence", "run the fence command on the peer") \
X(ARM_RETRY, "arm-retry", "set the clock for another fence command") \
X(ASK_USER, "ask-user", "say what the user has to decide") \
X(YIELD, "yield", "whatever the user wants, the domain is to stand still: " \
  "its copy takes over") \
X(RECLAIM, "reclaim", "what it yielded to never ran: it may run again") \
X(SEND_END, "send-end", "send RELEASE: the domain stays here, discard your " \
  "copy") \
X(RELEASE_ALL, "release-all", "let all output go, give the path back and " \
  "the lease up") \
X(DROP_ALL, "drop-output", "what is held never leaves; give the path " \
  "back and the lease up") \
X(DESTROY, "destroy-domain", "begin to destroy the domain") \
X(SEND_GONE, "send-gone", "send GONE: it is destroyed, take over") \
X(GUEST_END, "guest-end", "if the domain has ended, do what its " \
  "configuration says") \
X(REFUSE, "refuse", "tell the user why not now") \
X(FINISH, "finish", "switch the dirty log off, report, end")

#define P_STATE(id, n, t) P_##id,
enum primary_state { PRIMARY_STATES(P_STATE) P_STATES_NR };
#undef P_STATE
#define P_TRIGGER(id, n, t) PT_##id,
enum primary_trigger { PRIMARY_TRIGGERS(P_TRIGGER) PT_NR };
#undef P_TRIGGER
#define P_ACTION(id, n, t) PA_##id,
enum primary_action { PA_NONE, PRIMARY_ACTIONS(P_ACTION) PA_NR };
#undef P_ACTION

extern const struct machine primary_machine;

#endif
