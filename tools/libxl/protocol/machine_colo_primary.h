/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's machine in COLO mode: both copies run between checkpoints and
 * their output is compared; a checkpoint happens when it differs, and now and
 * then. Both stand still from SVM_SUSPENDED to SVM_READY. The lists below are
 * the only place where its states, triggers and actions are named;
 * machine_colo_primary.c holds the table.
 */
#ifndef XC_PROTOCOL_MACHINE_COLO_PRIMARY_H
#define XC_PROTOCOL_MACHINE_COLO_PRIMARY_H

#include "machine.h"

#define COLO_PRIMARY_STATES(X) \
X(GREET, "greet", "waits for the receiver to say that it is there") \
X(HELLO, "hello", "the receiver is there; waits a moment for HELLO, by " \
  "which it says that it acknowledges") \
X(FIRST, "first-copy", "copies all memory while the domain runs") \
X(STOP, "first-stop", "has asked the domain to stand still, for the first " \
  "epoch") \
X(RUN, "run", "both copies run; equal output goes out, other output waits") \
X(SUSPEND, "suspend", "has sent NEW and asked the domain to stand still; " \
  "neither stands yet") \
X(PEER, "await-suspended", "the domain stands still; waits for " \
  "SVM_SUSPENDED and the list") \
X(OWN, "await-own", "the copy stands still; waits for the domain to") \
X(SETTLE, "settle", "something ended the epoch while the domain was asked " \
  "to stand still; waits until it is known to run or to stand") \
X(CAPTURE, "capture", "takes what either side dirtied, and all state") \
X(SEND, "send", "the epoch goes out; the domain stands still") \
X(ACK, "await-ready", "the epoch is out; waits for SVM_READY") \
X(RESUMED, "await-resumed", "the domain runs again; waits for SVM_RESUMED") \
X(FENCE, "fence", "the peer is lost and being fenced; output stays held") \
X(HELD, "held", "the peer is lost and not proven off; output stays held") \
X(YIELD, "yielded", "the peer is lost, and its copy takes over when this " \
  "host's lease is out: the domain stands still, output stays held") \
X(END, "end", "has told the peer to discard its copy; waits for its word") \
X(CLOSE, "close", "the copy will never run and output flows; waits for the " \
  "receiver to end") \
X(DONE, "done", "protection has ended")

#define COLO_PRIMARY_TRIGGERS(X) \
X(BANNER, "banner", "the receiver's banner") \
X(HELLO, "hello", "HELLO: the receiver acknowledges epochs") \
X(STEP_OUT, "step-out", "what is waited for took too long") \
X(ROUND_SENT, "round-sent", "one round of the first copy is out") \
X(CONVERGED, "converged", "few enough pages are left for the first stop") \
X(CHECKPOINT, "checkpoint", "output differs, or waited too long, or it is " \
  "time") \
X(SUSPENDED, "suspended", "the domain stands still") \
X(SUSPEND_FAILED, "suspend-failed", "the domain did not stand still and " \
  "runs on") \
X(CANCELLED, "cancelled", "the request to stand still was withdrawn in " \
  "time") \
X(PEER_SUSPENDED, "peer-suspended", "SVM_SUSPENDED and the list of pages " \
  "that the copy dirtied") \
X(CAPTURED, "captured", "the epoch's state is complete in staging") \
X(CAPTURE_FAILED, "capture-failed", "the epoch's state could not be taken") \
X(SENT, "sent", "the epoch is out") \
X(READY, "ready", "SVM_READY: the peer holds the epoch, complete") \
X(PEER_RESUMED, "peer-resumed", "SVM_RESUMED: the copy runs again, or is " \
  "paused as told") \
X(LOST_EARLY, "lost-early", "the peer is lost before an epoch was out") \
X(LOST_FENCE, "lost-fence", "the peer is lost (end of stream, silence, " \
  "garbage, a step's limit); a fence command is set") \
X(LOST_MANUAL, "lost-manual", "the same, and no fence command is set") \
X(LOST_LEASE, "lost-lease", "the same, or it isn't known in time that the " \
  "peer hears us, and this host keeps a lease") \
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
X(USER_RELEASE, "user-release", "the user ends protection and vouches " \
  "that the copy does not run")

#define COLO_PRIMARY_ACTIONS(X) \
X(ARM_GRACE, "arm-grace", "set the clock for HELLO") \
X(MEET, "meet", "send signs of life from now on, and expect them") \
X(LOSE, "lose-peer", "take the peer for lost: this is garbage, or too late") \
X(LOG_START, "start-dirty-log", "map the memory, switch the dirty log on, " \
  "put the comparison into the output path") \
X(SEND_HEAD, "send-head", "send headers, configuration and static data") \
X(ROUND, "send-round", "send the pages dirtied since the last round, or " \
  "find that it converged") \
X(SEND_NEW, "send-new", "send CHECKPOINT_STATE NEW: stop your copy") \
X(SUSPEND, "ask-suspend", "ask the domain to stand still") \
X(SUSPEND_CANCEL, "cancel-suspend", "withdraw that request") \
X(NOTE_LIST, "note-list", "what the copy dirtied is to be sent again, too") \
X(CAPTURE, "capture", "what either side dirtied, and all state, into " \
  "staging") \
X(SEND_EPOCH, "send-epoch", "send staging, CHECKPOINT and CHECKPOINT_END") \
X(HOLD, "hold-output", "from now on only equal output leaves, and a lease " \
  "is kept, if one is wanted") \
X(ARM_ANSWER, "arm-answer", "set the clock for the peer's answer") \
X(RELEASE_EPOCH, "release-epoch", "let the output go that waited for this " \
  "epoch") \
X(OBEY, "obey-run-state", "pause the domain or let it run, as its run " \
  "state says") \
X(TELL_PAUSE, "tell-pause-reason", "send PAUSE_REASON: what the user wants " \
  "of the domain") \
X(RESUME, "resume", "let the domain run again") \
X(ARM_INTERVAL, "arm-interval", "set the clock for the next checkpoint at " \
  "the latest") \
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
X(GUEST_END, "guest-end", "if the domain has ended, do what its " \
  "configuration says") \
X(REFUSE, "refuse", "tell the user why not now") \
X(FINISH, "finish", "switch the dirty log off, report, end")

#define CP_ID(id, n, t) CP_##id,
enum colo_primary_state { COLO_PRIMARY_STATES(CP_ID) CP_STATES_NR };
#undef CP_ID
#define CP_ID(id, n, t) CPT_##id,
enum colo_primary_trigger { COLO_PRIMARY_TRIGGERS(CP_ID) CPT_NR };
#undef CP_ID
#define CP_ID(id, n, t) CPA_##id,
enum colo_primary_action { CPA_NONE, COLO_PRIMARY_ACTIONS(CP_ID) CPA_NR };
#undef CP_ID

extern const struct machine colo_primary_machine;

#endif
