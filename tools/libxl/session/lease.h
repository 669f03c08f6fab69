/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A lease: the hypervisor ends the primary's host unless it is asked again
 * within so many seconds, and it is asked only while it is known that the
 * secondary has read what was sent a moment ago, or while the domain certainly
 * stands still. So a secondary that reads nothing more knows how long it has
 * to wait until the primary's domain runs no more, whatever became of its
 * session. docs/architecture.md says what this rests on.
 *
 * Here is the arithmetic. What the secondary has read is fresh.h's. No I/O, no
 * clock.
 */
#ifndef XC_SESSION_LEASE_H
#define XC_SESSION_LEASE_H

#include <stdint.h>

#define LEASE_NS_PER_S ((uint64_t)1000000000)

/* In seconds, as the hypervisor counts. */
#define LEASE_S_DEFAULT 3u
#define LEASE_S_MIN     2u
#define LEASE_S_MAX     60u
/* Renewed while an octet is known as read that was sent so long ago. */
#define LEASE_FRESH_NS LEASE_NS_PER_S
/* Looked after so often. */
#define LEASE_TICK_NS (LEASE_NS_PER_S / 5)
/* What the hypervisor may take, beyond its timer, until nothing runs. */
#define LEASE_END_NS (LEASE_NS_PER_S / 2)
/* Two hosts' clocks differ by less than one part of so many. */
#define LEASE_DRIFT 100u
/* It is told in tenths of a second. */
#define LEASE_UNIT_NS (LEASE_NS_PER_S / 10)
/* A sign of life so often, or what is fresh is soon over. */
#define LEASE_HEARTBEAT_MS_MAX 300u

/*
 * A primary's lease of @seconds, in units of LEASE_UNIT_NS: its domain runs no
 * longer than that after its secondary read anything. Twice the lease, as one
 * that was just found fresh may be renewed as late as when it runs out.
 */
uint32_t lease_bound(unsigned int seconds);
/* How long a secondary waits, by its own clock, after it last read. */
uint64_t lease_wait_ns(uint32_t bound);

#endif
