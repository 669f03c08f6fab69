/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How recently the peer has certainly heard us: when the newest octet was sent
 * of which it has said that it read it. What comes from a peer doesn't show
 * that; it may have been said long ago, and by one that hears nothing. And no
 * clock but ours is needed: the peer read the octet later than it was sent, so
 * whatever it does after so long a silence of ours, it does later than that
 * long after that. No I/O, no clock of its own. Called by link.c and
 * primary_lease.c.
 */
#ifndef XC_SESSION_FRESH_H
#define XC_SESSION_FRESH_H

#include <stdbool.h>
#include <stdint.h>

#define FRESH_MARKS 32u

struct fresh {
    struct { uint64_t octets, ns; } mark[FRESH_MARKS];    /* sent, and when */
    unsigned int first, count;
    uint64_t sent;         /* octets so far */
    uint64_t ns;           /* when it was sent, what is known as read */
    uint64_t limit_ns;
};

/* What was sent @limit_ns ago isn't fresh any more; no more than a sixteenth
   of that is lost in rounding. */
void fresh_init(struct fresh *f, uint64_t limit_ns);
/* At @now_ns, or later, what lies between the last call's octets and these
   @octets of the stream was sent. */
void fresh_sent(struct fresh *f, uint64_t octets, uint64_t now_ns);
/* The peer says that it has read @octets. */
void fresh_received(struct fresh *f, uint64_t octets);
bool fresh_at(const struct fresh *f, uint64_t now_ns);

#endif
