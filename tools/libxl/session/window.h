/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How much may be under way to a peer that reports what it received: so much
 * that the path stays busy, and so little that what waits inside it, in front
 * of a slow link, is gone within a part of the silence limit. Without that
 * bound a slow link's queue grows to seconds, and then a live peer's signs of
 * life don't come through either: its TCP waits for acknowledgements that
 * stand in that queue.
 *
 * A path may also become slow at once, with all under way that was let onto
 * the fast one. So it grows, while it is used up, to what the path takes in
 * its way there and back and 1/256 of the limit, as seen by how soon what was
 * under way is received, and at most twofold at once. One that falls to a
 * 60th is rid of that (or of what it began with, if that is more) in less
 * than a quarter of the limit and 60 such ways. On a way longer than 1/32 of
 * the limit an octet may wait an eighth of that way. So a long and fast path
 * that falls at once isn't helped.
 *
 * It shrinks by halving when an octet waits longer than a quarter of the
 * limit. What the path takes by itself, the least that was ever seen, doesn't
 * count as waiting. One that was large and hasn't been used up for a 16th of
 * the limit is small again: who knows what the path is now. No I/O, no clock
 * of its own.
 */
#ifndef XC_SESSION_WINDOW_H
#define XC_SESSION_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define WINDOW_MIN   ((uint64_t)64 << 10)
#define WINDOW_START ((uint64_t)256 << 10)
#define WINDOW_MAX   ((uint64_t)64 << 20)    /* as good as none */
/* A receiver reports when so much came since its last report. */
#define WINDOW_REPORT ((uint64_t)16 << 10)

struct window {
    uint64_t size;         /* octets under way, at most */
    uint64_t received;     /* of the stream, as the peer said last */
    uint64_t sent;         /* of the stream, when it was told last */
    uint64_t mark;         /* of this octet's way the time is taken; 0: none */
    uint64_t mark_ns;      /* when it was sent */
    uint64_t ahead;        /* under way then, up to it */
    uint64_t least_ns;     /* the shortest way so far */
    uint64_t silence_ns;   /* the peer's limit, and ours */
    uint64_t full_ns;      /* when there was no room last */
    bool reports;          /* the peer does; until then nothing is bounded */
};

/* @silence_ns: a live peer of which nothing is heard for so long is taken for
   dead. */
void window_init(struct window *w, uint64_t silence_ns);

/* How many octets may follow the first @sent of the stream at @now_ns. To be
   asked again when so many are sent: that is how it learns that it's full. */
uint64_t window_room(struct window *w, uint64_t sent, uint64_t now_ns);

/* The shortest way there and back so far, in ns; 0: none is known. */
uint64_t window_way_ns(const struct window *w);

/* At @now_ns the first @sent octets are handed to the transport. */
void window_sent(struct window *w, uint64_t sent, uint64_t now_ns);

/* The peer says that it has the first @octets of the @sent. ERR_PEER: it
   can't, or it had more before. */
int window_received(struct window *w, uint64_t octets, uint64_t sent,
                    uint64_t now_ns, struct err *e);

#endif
