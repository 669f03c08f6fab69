/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What simulations let happen: two lists. Included by sim.h.
 */
#ifndef XC_SIM_HAPPENS_H
#define XC_SIM_HAPPENS_H

/* What can happen, each with a weight of its own in each seed. */
#define SIM_FAULTS(X) \
X(POWER_P, "the primary's host dies") \
X(POWER_S, "the secondary's host dies") \
X(KILL_P, "the primary's process dies") \
X(KILL_S, "the secondary's process dies") \
X(AT_ACTION, "a process or host dies between two actions") \
X(CUT, "the connection breaks") \
X(SILENT_P, "nothing arrives at the primary for a while") \
X(SILENT_S, "nothing arrives at the secondary for a while") \
X(SLOW, "the link is slow for a while") \
X(FREEZE_P, "the primary's host, or its process, stands still for a while") \
X(FREEZE_S, "the secondary's does") \
X(ALLOC, "an allocation fails") \
X(DOMAIN, "an operation on a domain fails") \
X(NET, "an operation on the network fails") \
X(FENCE, "the next fence command fails or hangs") \
X(GUEST, "the guest ends") \
X(USER_STOP, "the user ends protection") \
X(USER_PAUSE, "the user pauses, or lets run again") \
X(USER_WRONG, "the user asks for what can't be") \
X(STRANGER, "another tool pauses the domain, or lets it run again") \
X(GARBAGE, "an octet changes on its way")

/* What happens before a side's @at-th action, counted from the start of the
   session, or from what happened first. */
#define SIM_CRASHES(X) \
X(PROCESS, "process")    /* its process dies */ \
X(HOST, "host")          /* its host dies */ \
X(CUT, "cut")            /* the connection breaks */ \
X(SILENCE, "silence")    /* nothing arrives any more, at either side */ \
/* The other's host stands still for a while; at a primary's action of COLO its
   own, once its domain says something. */ \
X(FREEZE, "freeze")

#endif
