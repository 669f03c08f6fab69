/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's machine by QEMU's COLO protocol: seven messages, without a
 * sign of life and without a word for the end, so that an end of stream is
 * never more than a loss. The lists below are the only place where its
 * states, triggers and actions are named; machine_qemu_primary.c holds the
 * table. In periodic mode the copy stands still between checkpoints; in
 * hybrid mode it runs, and output is compared.
 */
#ifndef XC_PROTOCOL_MACHINE_QEMU_PRIMARY_H
#define XC_PROTOCOL_MACHINE_QEMU_PRIMARY_H

#include "machine.h"

#define QEMU_PRIMARY_STATES(X) \
X(OPEN, "open", "waits for the stream to the secondary") \
X(FIRST, "first-copy", "copies all memory while the domain runs (precopy)") \
X(STOP, "first-stop", "has asked the domain to stand still, for the first " \
  "copy's rest") \
X(REST, "first-rest", "the first copy's rest goes out; the domain stands " \
  "still") \
X(READY, "await-ready", "the first copy is out; waits for " \
  "checkpoint-ready") \
X(RUN, "run", "the domain runs; output waits (in hybrid mode: what isn't " \
  "equal waits)") \
X(REPLY, "await-reply", "a checkpoint was requested; the domain runs until " \
  "checkpoint-reply") \
X(SUSPEND, "suspend", "the copy stands still; the domain was asked to") \
X(SAVE, "save", "both stand still; saves the devices' state") \
X(RAM, "send-ram", "the dirty pages go out") \
X(BLOB, "send-state", "the devices' state goes out") \
X(RECEIVED, "await-received", "the checkpoint is out; waits for " \
  "vmstate-received") \
X(LOADED, "await-loaded", "its output has left; waits for vmstate-loaded") \
X(SETTLE, "settle", "protection can't go on; waits until the domain, which " \
  "was asked to stand still, is known to run or to stand") \
X(FENCE, "fence", "the peer is lost, or protection can't go on: it is " \
  "being fenced; output stays held") \
X(HELD, "held", "the peer isn't proven off; output stays held") \
X(END, "end", "the user ends protection: the peer is being fenced, and " \
  "until it is off nothing changes") \
X(CLOSE, "close", "protection has ended; waits until the domain, which was " \
  "asked to stand still, is known to run or to stand") \
X(DONE, "done", "protection has ended")

#define QEMU_PRIMARY_TRIGGERS(X) \
X(OPENED, "opened", "the stream is there") \
X(ROUND_SENT, "round-sent", "one round of the first copy is out") \
X(CONVERGED, "converged", "few enough pages are left for the first stop") \
X(SUSPENDED, "suspended", "the domain stands still") \
X(SUSPEND_FAILED, "suspend-failed", "the domain did not stand still and " \
  "runs on") \
X(CANCELLED, "cancelled", "the request to stand still was withdrawn in " \
  "time") \
X(INTERVAL, "interval", "time for the next checkpoint") \
X(DIFFERS, "differs", "hybrid: output differs, or waited too long") \
X(SAVED, "saved", "the devices' state is complete in memory, and not " \
  "larger than the limit") \
X(SAVE_FAILED, "save-failed", "the devices' state could not be saved") \
X(RAM_SENT, "ram-sent", "the dirty pages are out") \
X(RAM_FAILED, "ram-failed", "the domain's memory could not be read") \
X(SENT, "sent", "the last octet is out, of the first copy or of a " \
  "checkpoint") \
X(READY, "ready", "checkpoint-ready: the peer holds the first copy, and it " \
  "may take over") \
X(REPLY, "reply", "checkpoint-reply: the copy stands still") \
X(RECEIVED, "received", "vmstate-received: the peer holds the checkpoint, " \
  "complete") \
X(LOADED, "loaded", "vmstate-loaded: the checkpoint is in the copy") \
X(GARBAGE, "garbage", "no message, or one that only a primary sends") \
X(EXTRA, "extra", "octets while no message is due") \
X(STEP_OUT, "step-out", "what is waited for took too long") \
X(LOST_EARLY, "lost-early", "the peer is lost before the first copy was " \
  "out") \
X(LOST_FENCE, "lost-fence", "the peer is lost (end of stream, silence, " \
  "garbage, a step's limit); a fence command is set") \
X(LOST_MANUAL, "lost-manual", "the same, and no fence command is set") \
X(FENCED, "fenced", "the fence command says that the peer is off") \
X(FENCE_FAILED, "fence-failed", "the fence command failed or ran out of " \
  "time") \
X(NO_FENCE, "no-fence", "no fence command is set") \
X(RETRY, "retry", "time to fence again") \
X(RESUME_FAILED, "resume-failed", "the domain can't be made to run again") \
X(LOCAL_FAILED, "local-failed", "something failed on this side") \
X(GUEST_ENDED, "guest-ended", "the domain shut down, rebooted or crashed") \
X(DESTROYED, "destroyed", "somebody destroyed the domain") \
X(USER_PAUSE, "user-pause", "the user wants the domain to stand still") \
X(USER_RUN, "user-run", "the user wants it to run again") \
X(USER_STOP, "user-stop", "the user ends protection") \
X(USER_RELEASE, "user-release", "the user ends protection and vouches " \
  "that the copy neither runs nor will") \
X(USER_LIVE, "user-release-live", "the same, but the stream is open and the " \
  "peer was heard of within the silence limit")

#define QEMU_PRIMARY_ACTIONS(X) \
X(LOG_START, "start-dirty-log", "map the memory, switch the dirty log on, " \
  "take over the output path without holding it") \
X(SEND_HEAD, "send-head", "send header, configuration and ENABLE_COLO, as " \
  "the peer's version wants them") \
X(ROUND, "send-round", "send the pages dirtied since the last round, or " \
  "find that it converged") \
X(SUSPEND, "ask-suspend", "ask the domain to stand still") \
X(SUSPEND_CANCEL, "cancel-suspend", "withdraw that request") \
X(HOLD, "hold-output", "from now on no output leaves") \
X(SEND_REST, "send-rest", "send the last pages, the devices' state and the " \
  "first copy's end") \
X(COMPARE, "start-compare", "hybrid: output that the copy has said, too, " \
  "leaves from now on") \
X(SEND_REQUEST, "send-request", "send checkpoint-request") \
X(SAVE, "save", "save the devices' state into memory") \
X(SEND_GO, "send-vmstate-send", "send vmstate-send") \
X(SEND_RAM, "send-ram", "send the dirty pages, and their end") \
X(SEND_STATE, "send-state", "send vmstate-size and the devices' state") \
X(RELEASE_EPOCH, "release-epoch", "let the output go that waited for this " \
  "checkpoint") \
X(ARM_ANSWER, "arm-answer", "set the clock for the peer's answer") \
X(ARM_INTERVAL, "arm-interval", "set the clock for the next checkpoint at " \
  "the latest, whether the domain runs or is paused") \
X(OBEY, "obey-run-state", "pause the domain or let it run, as its run " \
  "state says") \
X(RESUME, "resume", "let the domain run again") \
X(LOSE, "lose-peer", "take the peer for lost: this is garbage, or too late") \
X(DEFER, "defer", "remember the trigger") \
X(RECALL, "recall", "offer the remembered triggers again") \
X(DISCONNECT, "disconnect", "close the stream and end its command") \
X(FENCE, "run-fence", "run the fence command on the peer, or find that " \
  "none is set") \
X(ARM_RETRY, "arm-retry", "set the clock for another fence command") \
X(ASK_USER, "ask-user", "say what the user has to decide") \
X(RELEASE_ALL, "release-all", "let all output go and give the path back") \
X(DROP_ALL, "drop-output", "what is held never leaves; give the path " \
  "back") \
X(GUEST_END, "guest-end", "if the domain has ended, do what its " \
  "configuration says") \
X(DESTROY, "destroy-domain", "destroy the domain: it can't run any more, " \
  "and the copy can") \
X(REFUSE, "refuse", "tell the user why not now") \
X(FINISH, "finish", "switch the dirty log off, report, end")

#define QP_ID(id, n, t) QP_##id,
enum qemu_primary_state { QEMU_PRIMARY_STATES(QP_ID) QP_STATES_NR };
#undef QP_ID
#define QP_ID(id, n, t) QPT_##id,
enum qemu_primary_trigger { QEMU_PRIMARY_TRIGGERS(QP_ID) QPT_NR };
#undef QP_ID
#define QP_ID(id, n, t) QPA_##id,
enum qemu_primary_action { QPA_NONE, QEMU_PRIMARY_ACTIONS(QP_ID) QPA_NR };
#undef QP_ID

extern const struct machine qemu_primary_machine;

#endif
