/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's machine by QEMU's COLO protocol. A checkpoint is collected
 * beside the copy, and written into it once it is complete: a partial one is
 * forgotten, a complete one is finished before anything takes over. The lists
 * below are the only place where its states, triggers and actions are named;
 * machine_qemu_secondary.c holds the table.
 */
#ifndef XC_PROTOCOL_MACHINE_QEMU_SECONDARY_H
#define XC_PROTOCOL_MACHINE_QEMU_SECONDARY_H

#include "machine.h"

#define QEMU_SECONDARY_STATES(X) \
X(OPEN, "open", "waits for the stream's header") \
X(FIRST, "first-copy", "the first copy (precopy) comes in") \
X(CREATE, "create", "the first copy is complete; makes the copy of it") \
X(RUN, "run", "the copy may take over, and waits for the next checkpoint; " \
  "in hybrid mode it runs meanwhile, and its output never leaves") \
X(SUSPEND, "suspend", "a checkpoint was requested; the copy was asked to " \
  "stand still") \
X(REPLIED, "await-send", "the copy stands still; waits for vmstate-send") \
X(RAM, "buffer-ram", "collects dirty pages beside the copy") \
X(SIZE, "await-size", "the pages are complete; waits for vmstate-size") \
X(BLOB, "buffer-state", "collects the devices' state") \
X(APPLY, "apply", "has said vmstate-received; writes the pages into the " \
  "copy") \
X(LOAD, "load", "loads the devices' state into the copy") \
X(FINISH, "finish", "the primary is lost while the copy was asked to stand " \
  "still or was loaded; waits for the end of that, then takes over") \
X(FENCE, "fence", "the primary is lost and being fenced") \
X(ASK, "ask", "the primary is lost and not proven off; the user decides") \
X(TAKE, "take-over", "the copy becomes the domain") \
X(DONE, "done", "the session has ended")

#define QEMU_SECONDARY_TRIGGERS(X) \
X(HEAD, "head", "header and configuration are there and accepted") \
X(FIRST_END, "first-end", "the first copy's last octet") \
X(CREATED, "created", "the first copy stands") \
X(CREATE_FAILED, "create-failed", "it could not be made; nothing is left") \
X(REQUEST, "request", "checkpoint-request: a checkpoint begins") \
X(SEND, "vmstate-send", "vmstate-send: dirty pages follow") \
X(RAM_END, "ram-end", "the pages' end") \
X(SIZE, "vmstate-size", "vmstate-size, and the number isn't beyond the " \
  "limit") \
X(OVERSIZE, "oversize", "vmstate-size, and the number is beyond the limit") \
X(BLOB, "state-end", "the last octet of the devices' state") \
X(SUSPENDED, "suspended", "the copy stands still (in periodic mode it did " \
  "already)") \
X(SUSPEND_FAILED, "suspend-failed", "the copy can't be stopped") \
X(RAM_FAILED, "ram-failed", "the pages could not be kept") \
X(APPLIED, "applied", "the pages are in the copy") \
X(APPLY_FAILED, "apply-failed", "the pages could not be written") \
X(LOADED, "loaded", "the devices' state is in the copy") \
X(LOAD_FAILED, "load-failed", "the devices' state could not be loaded") \
X(RESUME_FAILED, "resume-failed", "the copy can't be made to run again") \
X(GARBAGE, "garbage", "no message, one that only a secondary sends, or no " \
  "pages where they have to be") \
X(EXTRA, "extra", "octets before what came last was answered") \
X(STEP_OUT, "step-out", "what is waited for took too long") \
X(LOST_EARLY, "lost-early", "the primary is lost before the copy may take " \
  "over") \
X(LOST_FENCE, "lost-fence", "the primary is lost (end of stream, silence, " \
  "garbage, a step's limit); a fence command is set") \
X(LOST_AUTO, "lost-auto", "the same, no fence command is set, and silence " \
  "is enough") \
X(LOST_MANUAL, "lost-manual", "the same, no fence command is set, and the " \
  "user decides") \
X(FENCED, "fenced", "the fence command says that the primary is off") \
X(FENCE_FAILED, "fence-failed", "the fence command failed or ran out of " \
  "time") \
X(RETRY, "retry", "time to fence again") \
X(ACTIVATED, "activated", "the copy runs under its own name") \
X(ACTIVATE_FAILED, "activate-failed", "the copy could not be started") \
X(COPY_ENDED, "copy-ended", "hybrid: the copy's guest shut down, rebooted " \
  "or crashed, of itself") \
X(COPY_GONE, "copy-gone", "somebody destroyed the copy") \
X(LOCAL_FAILED, "local-failed", "something failed on this side") \
X(USER_FAILOVER, "user-failover", "the user vouches that the primary does " \
  "not run") \
X(USER_LIVE, "user-failover-live", "the same, but the stream is open and " \
  "the primary was heard of within the silence limit") \
X(USER_STOP, "user-stop", "the user gives the copy up")

#define QEMU_SECONDARY_ACTIONS(X) \
X(LOSE, "lose-peer", "take the primary for lost: this is garbage, or too " \
  "late") \
X(FAIL, "fail", "take it for a failure of this side: too late") \
X(CREATE, "create-copy", "begin the copy, and fill it with what comes in") \
X(FEED_END, "feed-end", "finish the copy with the devices' state") \
X(RUN_COPY, "run-copy", "hybrid: let the copy run beside the domain") \
X(SEND_READY, "send-ready", "send checkpoint-ready") \
X(ARM_REQUEST, "arm-request", "set the clock for the next request: longer " \
  "than the primary's interval") \
X(STOP_COPY, "stop-copy", "ask the copy to stand still (in periodic mode " \
  "it does already)") \
X(SEND_REPLY, "send-reply", "send checkpoint-reply") \
X(ARM_ANSWER, "arm-answer", "set the clock for the primary's next message") \
X(ARM_LOAD, "arm-load", "set the clock for this side's own work") \
X(SEND_RECEIVED, "send-received", "send vmstate-received: the checkpoint " \
  "is complete in memory") \
X(APPLY, "apply", "write the pages into the copy, over what it wrote itself") \
X(LOAD, "load-state", "load the devices' state") \
X(SEND_LOADED, "send-loaded", "send vmstate-loaded") \
X(DISCARD, "discard", "forget the part of a checkpoint that came") \
X(DEFER, "defer", "remember the trigger") \
X(RECALL, "recall", "offer the remembered triggers again") \
X(FENCE, "run-fence", "run the fence command on the primary") \
X(ARM_RETRY, "arm-retry", "set the clock for another fence command") \
X(ASK_USER, "ask-user", "say what the user has to decide") \
X(ACTIVATE, "activate", "go on from the copy's own state, final name, " \
  "output flows") \
X(ANNOUNCE, "announce", "tell the network where the domain is now") \
X(DESTROY, "destroy-copy", "destroy the copy, or the half-made one") \
X(DISCONNECT, "disconnect", "close the stream") \
X(REFUSE, "refuse", "tell the user why not now") \
X(FINISH, "finish", "report, end")

#define QS_ID(id, n, t) QS_##id,
enum qemu_secondary_state { QEMU_SECONDARY_STATES(QS_ID) QS_STATES_NR };
#undef QS_ID
#define QS_ID(id, n, t) QST_##id,
enum qemu_secondary_trigger { QEMU_SECONDARY_TRIGGERS(QS_ID) QST_NR };
#undef QS_ID
#define QS_ID(id, n, t) QSA_##id,
enum qemu_secondary_action { QSA_NONE, QEMU_SECONDARY_ACTIONS(QS_ID) QSA_NR };
#undef QS_ID

extern const struct machine qemu_secondary_machine;

#endif
