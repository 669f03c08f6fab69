/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * TCP's sequence numbers between the two copies of a domain. For connections
 * opened since the last checkpoint each copy has chosen its own; peers know
 * the primary's. On the secondary's host, what its copy sends gets the
 * primary's numbers before it is compared (compare.h), and what peers send
 * gets the copy's before it is delivered. Pure: no I/O, no clock, one thread.
 * Called by the packet path.
 *
 * How the offset of a connection is learnt, whoever opens it: the copy's own
 * SYN or SYN-ACK begins it with the copy's number. The first segment to it
 * that may end the handshake acknowledges the primary's SYN, thus says the
 * primary's number:
 *   the copy has sent a SYN        a SYN-ACK. Nothing else: what isn't one
 *                                  belongs to an older connection.
 *   the copy has sent a SYN-ACK    any segment with an ACK, whose number is
 *                                  in the window (a SYN's, so never scaled)
 *                                  that begins where the copy's ACK points.
 * An RST never teaches. Answers to a SYN have to acknowledge it to be
 * believed, so an RST with an ACK then acknowledges the copy's SYN, too.
 * A SYN's octets (Fast Open) count as acknowledged with it. What a server
 * sends before its SYN-ACK is acknowledged (Fast Open, too) isn't known yet.
 *
 * A connection of which nothing is known passes as it is: it is older than
 * the last checkpoint, and both copies have the same numbers. So does what
 * the copy sends before the offset is known, a SYN above all: its number
 * isn't the primary's, and the comparison doesn't look at it.
 *
 * A SYN with another number begins the connection anew; with the same, it is
 * a retransmission and changes nothing. FIN, RST, probes and segments without
 * octets are like any other; a connection that is over keeps its entry until
 * another needs it, since an RST may not have been believed and a FIN is
 * acknowledged later.
 *
 * When a running secondary takes over, there is nothing to call: the offsets
 * stay right while their connections last, those of new ones are zero. (A
 * session doesn't go on rewriting then: connections that were opened since the
 * last checkpoint break.)
 *
 * Not rewritten: fragments, and numbers quoted in ICMP. What signs TCP's
 * header (IPsec's AH, TCP-AO, TCP-MD5) doesn't survive it.
 */
#ifndef XC_COMPARE_REWRITE_H
#define XC_COMPARE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define REWRITE_FLOWS_MAX ((size_t)131072)

struct rewrite_conf {
    size_t flows_max;       /* rounded up to a power of two; 0: as above */
    uint64_t seed;          /* a secret: which flows collide */
};

struct rewrite_stats {
    uint64_t out, in;       /* segments whose numbers were changed */
    uint64_t unknown;       /* passed as they were: no offset yet */
    uint64_t lost;          /* offsets in use that had to make room */
    size_t flows;           /* opened since the last checkpoint, kept */
};

struct rewrite;

/* ERR_NOMEM. Some 14 MiB by default, nearly all of it as it is used. */
int rewrite_new(const struct rewrite_conf *conf, struct rewrite **r_r,
                struct err *e);
void rewrite_free(struct rewrite *r);    /* NULL is fine */

/*
 * A frame that the secondary's copy sends: its sequence number becomes the
 * primary's. @frame[@n], any octets, is changed in place: never its size, and
 * nothing but a number and TCP's checksum, which stays as right or wrong as
 * it was. @partial_checksum: the checksum has but the pseudo-header's sum,
 * the rest is left to offload; then it isn't touched.
 */
void rewrite_output(struct rewrite *r, uint8_t *frame, size_t n,
                    bool partial_checksum);
/* The same for a frame to the copy: its acknowledgement number, and the
   edges of its SACK blocks (RFC 2018), up to an option that makes no sense,
   become the copy's. */
void rewrite_input(struct rewrite *r, uint8_t *frame, size_t n,
                   bool partial_checksum);

/*
 * The secondary is what the primary is: every connection is forgotten. No
 * frame of before, in either direction, may come after it. Costs nothing.
 */
void rewrite_checkpoint(struct rewrite *r);

/* Valid until rewrite_free(). */
const struct rewrite_stats *rewrite_stats(const struct rewrite *r);

#endif
