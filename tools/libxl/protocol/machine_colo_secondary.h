/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's machine in COLO mode: the copy runs between checkpoints,
 * and each one rewrites it. The lists below are the only place where its
 * states, triggers and actions are named; machine_colo_secondary.c holds the
 * table.
 */
#ifndef XC_PROTOCOL_MACHINE_COLO_SECONDARY_H
#define XC_PROTOCOL_MACHINE_COLO_SECONDARY_H

#include "machine.h"

#define COLO_SECONDARY_STATES(X) \
X(GREET, "greet", "has said that it is there; waits for headers and " \
  "configuration") \
X(FIRST, "first-copy", "hands the first copy on to the restore") \
X(CREATE, "create", "the first epoch is complete; the restore finishes") \
X(RUN, "run", "the copy runs beside the domain; its output is compared, " \
  "and never leaves") \
X(SUSPEND, "suspend", "NEW came; the copy was asked to stand still") \
X(BUFFER, "buffer", "the copy stands still; collects the epoch") \
X(APPLY, "apply", "writes a complete epoch into the copy") \
X(FENCE, "fence", "the primary is lost and being fenced") \
X(ASK, "ask", "the primary is lost and not proven off; the user decides") \
X(TAKE, "take-over", "the copy becomes the domain") \
X(DONE, "done", "the session has ended")

#define COLO_SECONDARY_TRIGGERS(X) \
X(HEAD, "head", "headers and configuration are there and accepted") \
X(FIRST_END, "first-end", "CHECKPOINT_END of the first epoch") \
X(CREATED, "created", "the first copy stands, paused") \
X(CREATE_FAILED, "create-failed", "the restore failed; nothing is left") \
X(STALE, "stale", "the primary's generation isn't newer than one that was " \
  "here: it was replaced, and came back") \
X(PAUSE_REASON, "pause-reason", "PAUSE_REASON: what the user wants of the " \
  "domain") \
X(NEW, "new", "CHECKPOINT_STATE NEW: a checkpoint begins") \
X(SUSPENDED, "suspended", "the copy stands still") \
X(SUSPEND_FAILED, "suspend-failed", "the copy can't be stopped") \
X(STEP_OUT, "step-out", "what is waited for took too long") \
X(EPOCH, "epoch", "a later epoch is complete in memory") \
X(APPLIED, "applied", "the epoch is in the copy") \
X(APPLY_FAILED, "apply-failed", "the epoch could not be written") \
X(LOST_EARLY, "lost-early", "the primary is lost before the copy may take " \
  "over") \
X(LOST_FENCE, "lost-fence", "the primary is lost (end of stream, silence, " \
  "garbage, a step's limit); a fence command is set, or it keeps a lease: " \
  "either can prove that it is off") \
X(LOST_AUTO, "lost-auto", "the same, there is neither, and silence is " \
  "enough") \
X(LOST_MANUAL, "lost-manual", "the same, there is neither, and the user " \
  "decides") \
X(PEER_END, "peer-end", "RELEASE: the domain stays with the primary, " \
  "discard the copy") \
X(PEER_GONE, "peer-gone", "GONE: the primary's domain is destroyed, so it " \
  "needs no fence; the copy may take over") \
X(FENCED, "fenced", "the primary is off, says the fence command, or " \
  "it is, or stands still, because its lease is out") \
X(FENCE_FAILED, "fence-failed", "the fence command failed or ran out of " \
  "time") \
X(RETRY, "retry", "time to fence again") \
X(ACTIVATED, "activated", "the copy runs under its own name") \
X(ACTIVATE_FAILED, "activate-failed", "the copy could not be started") \
X(COPY_GONE, "copy-gone", "somebody destroyed the copy") \
X(LOCAL_FAILED, "local-failed", "something failed on this side") \
X(USER_FAILOVER, "user-failover", "the user vouches that the primary does " \
  "not run") \
X(USER_STOP, "user-stop", "the user gives the copy up")

#define COLO_SECONDARY_ACTIONS(X) \
X(LOSE, "lose-peer", "take the primary for lost: this is garbage, or too " \
  "late") \
X(FAIL, "fail", "take it for a failure of this side: too late") \
X(CREATE, "create-copy", "start the restore and feed it the first copy") \
X(FEED_END, "feed-end", "end the restore's stream") \
X(SEND_READY, "send-ready", "send SVM_READY for the epoch") \
X(RUN_COPY, "run-copy", "let the copy run beside the domain, or pause it, " \
  "as its run state says") \
X(SEND_RESUMED, "send-resumed", "send SVM_RESUMED") \
X(STOP_COPY, "stop-copy", "ask the copy to stand still") \
X(SEND_SUSPENDED, "send-suspended", "send SVM_SUSPENDED and the pages " \
  "that the copy dirtied") \
X(APPLY, "apply", "write the epoch into the copy") \
X(NOTE_PAUSE, "note-pause-reason", "keep it for the take-over") \
X(ECHO_PAUSE, "echo-pause-reason", "send PAUSE_REASON back: it is kept") \
X(FENCE, "run-fence", "run the fence command on the primary, or wait until " \
  "its lease is out") \
X(ARM_RETRY, "arm-retry", "set the clock for another fence command") \
X(ASK_USER, "ask-user", "say what the user has to decide") \
X(ACTIVATE, "activate", "go on from the copy's own state, final name, " \
  "output flows") \
X(ANNOUNCE, "announce", "tell the network where the domain is now") \
X(DESTROY, "destroy-copy", "destroy the copy, or the half-made one") \
X(SEND_GONE, "send-gone", "send GONE, if this copy is destroyed") \
X(SEND_CONFIRM, "send-confirm", "send RELEASE: the copy will never run, " \
  "as told") \
X(DISCONNECT, "disconnect", "close the stream") \
X(REFUSE, "refuse", "tell the user why not now") \
X(FINISH, "finish", "send what is queued, report, end")

#define CS_ID(id, n, t) CS_##id,
enum colo_secondary_state { COLO_SECONDARY_STATES(CS_ID) CS_STATES_NR };
#undef CS_ID
#define CS_ID(id, n, t) CST_##id,
enum colo_secondary_trigger { COLO_SECONDARY_TRIGGERS(CS_ID) CST_NR };
#undef CS_ID
#define CS_ID(id, n, t) CSA_##id,
enum colo_secondary_action { CSA_NONE, COLO_SECONDARY_ACTIONS(CS_ID) CSA_NR };
#undef CS_ID

extern const struct machine colo_secondary_machine;

#endif
