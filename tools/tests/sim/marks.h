/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The rare states that simulations are to reach: a list. Included by sim.h.
 */
#ifndef XC_SIM_MARKS_H
#define XC_SIM_MARKS_H

/* Rare states that a long run is there to reach. */
#define SIM_MARKS(X) \
X(ON_SILENCE, "a copy takes over on silence alone, and the other lives") \
X(HALF_EPOCH, "a copy takes over, and an epoch was half received") \
X(SECOND_EPOCH, "a copy takes over from the first epoch that it may") \
X(PAUSE_CARRIED, "a pause that the user was told of outlives a take-over") \
X(STALE, "a stale generation is refused") \
X(GONE_BELIEVED, "the primary believes that the copy is gone") \
X(RELEASE_UNANSWERED, "the peer is lost before it confirms an end") \
X(READY_LOST, "the copy has an epoch, and its SVM_READY is lost") \
X(DOUBTED, "an SVM_READY is doubted, and the peer is lost") \
X(BELIEVED, "an SVM_READY is doubted, and believed after all") \
X(HELD_DESTROYED, "a primary is held, and its domain is destroyed") \
X(BOTH_WAIT, "both sides live, and wait for the user") \
X(BOTH_FENCE, "both sides run a fence command on each other") \
X(FENCED_AGAIN, "a fence command failed, and is run again") \
X(LEASE_OUT, "a session dies, and its host with it, by its lease") \
X(LEASE_OUT_ALIVE, "a lease runs out before who keeps it can act") \
X(YIELDED, "a copy takes over, and the other stands still on its host") \
X(RECLAIMED, "a domain that yielded runs again, as the user says") \
X(STOP_REFUSED, "an end is refused while the peer isn't proven off") \
X(FAILOVER_REFUSED, "a take-over is refused while the primary lives") \
X(KILLED, "a process dies between two actions") \
X(STOOD_STILL, "a suspend is withdrawn too late, and is undone") \
X(GUEST_LATE, "the guest ends while an epoch is out") \
X(APPLY_FAILED, "an epoch can't be applied") \
X(RESUME_FAILED, "the domain can't be resumed") \
X(HANDED_OVER, "the domain can't be resumed, and its copy goes on") \
X(ACTIVATE_FAILED, "the copy can't be started") \
X(ALLOC, "an allocation of a session fails") \
X(DROPPED, "output that was held is dropped") \
X(THAWED, "a host thaws, and its domain was taken over meanwhile") \
X(GUARD, "a session dies, and its guard says GONE") \
X(DREW, "COLO: what only one copy drew is let go, by a checkpoint") \
X(LATE, "COLO: the copy says nothing, and a checkpoint is asked for") \
X(OWN_STATE, "COLO: a copy goes on from its own state") \
X(STOOD_COPY, "COLO: a copy goes on that stood still for a checkpoint") \
X(COPY_PAGES, "COLO: an epoch has pages that only the copy wrote") \
X(BOTH_PAUSED, "COLO: a pause stops both copies") \
X(COPY_WAITS, "COLO: the copy stands first, and the domain doesn't yet") \
X(RECEIVED_LOST, "QEMU's: the copy has a checkpoint, and its word is lost") \
X(UNLOADED, "QEMU's: output has left, and vmstate-loaded never comes") \
X(PAUSED_SAVED, "QEMU's: a checkpoint of a domain that is paused") \
X(DESTROYED_HERE, "QEMU's: a domain that can't run again gives way") \
X(END_REFUSED, "QEMU's: an end is refused, and protection goes on") \
X(DISCARDED, "QEMU's: a take-over discards half of a checkpoint")

#define SIM_MARK_ID(id, text) MARK_##id,
enum sim_mark { SIM_MARKS(SIM_MARK_ID) SIM_MARKS_NR };

#endif
