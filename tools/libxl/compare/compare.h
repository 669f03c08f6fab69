/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Compares what two copies of a domain send, frame by frame of the primary:
 * a frame that the secondary has sent, too, may go out; one that differs, or
 * that the secondary doesn't send in time, asks for a checkpoint and goes out
 * after it. No clock, no I/O, one thread. Called by the packet path.
 *
 * What is equal, flow by flow (frame.h):
 *   TCP    octets by their sequence numbers, however they are cut into
 *          segments; SYN, FIN and RST; and no acknowledgement leaves before
 *          the secondary has acknowledged as much (else data that a client
 *          no longer has could be lost with the primary). Options, windows
 *          and IP headers don't matter. The secondary's numbers are the
 *          primary's already (rewrite.h), but for those of its SYN.
 *   others the body (of a fragment with its offset), in any order of what
 *          waits in the flow.
 */
#ifndef XC_COMPARE_COMPARE_H
#define XC_COMPARE_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "frame.h"

#define COMPARE_PACKETS_MAX ((size_t)4096)
#define COMPARE_OCTETS_MAX  ((size_t)16 << 20)
#define COMPARE_FLOWS_MAX   ((size_t)131072)
#define COMPARE_TIMEOUT_NS  ((uint64_t)3000000000)

/* Why a checkpoint is wanted. */
enum compare_why {
    COMPARE_FINE,       /* it isn't */
    COMPARE_DIFFERS,    /* the copies send different things */
    COMPARE_LATE,       /* one of them has sent what the other hasn't */
    COMPARE_FULL,       /* too much waits */
    COMPARE_WHYS_NR
};

struct compare_conf {
    /* 0: the values above. Twice as many frames of the primary are kept,
       so that none is lost while the checkpoint is made. */
    size_t packets_max, octets_max;
    size_t flows_max;             /* rounded up to a power of two */
    uint64_t timeout_ns;
    uint64_t seed;                /* a secret: which flows collide */
    void *ctx;
    /* A frame of the primary may go out, which came at @came_ns. @data is
       valid in the call. */
    void (*release)(void *ctx, const uint8_t *data, size_t n,
                    uint64_t came_ns);
};

struct compare_stats {
    /* Frames of the primary that were matched, and what asked for a
       checkpoint, by kind of frame. */
    struct { uint64_t matched, why[COMPARE_WHYS_NR]; } kind[FRAME_KINDS_NR];
    uint64_t released;            /* matched or after a checkpoint */
    uint64_t dropped;             /* frames of the primary: queue full */
    uint64_t surplus;             /* the secondary's: nobody waits for them */
    size_t packets, octets;       /* wait now */
    size_t flows;
};

struct compare;

/* ERR_NOMEM. Takes memory for flows_max flows at once (some 25 MiB by
   default, as it is used). */
int compare_new(const struct compare_conf *conf, struct compare **c_r,
                struct err *e);
/* What waits is forgotten. NULL is fine. */
void compare_free(struct compare *c);

/*
 * A frame that one of them sends, any octets, at most FRAME_MAX (more is
 * COMPARE_FULL and dropped). @now_ns never falls. Returns why a checkpoint is
 * wanted, which stays so until one is made; other flows go on meanwhile.
 */
enum compare_why compare_primary(struct compare *c, const uint8_t *data,
                                 size_t n, uint64_t now_ns);
enum compare_why compare_secondary(struct compare *c, const uint8_t *data,
                                   size_t n, uint64_t now_ns);
/* Looks for what waits too long. *next_ns_r: when to look again at the
   latest, UINT64_MAX if nothing waits. */
enum compare_why compare_tick(struct compare *c, uint64_t now_ns,
                              uint64_t *next_ns_r);

/* The copies are the same, and the secondary's older frames are no more: all
   that waits goes out, in the order in which it came. */
void compare_checkpoint(struct compare *c);
/* A checkpoint is under way, and may make the secondary forget what it said;
   or it may say that by itself by now: nothing more is equal until
   compare_checkpoint(). At any time, and again. */
void compare_hold(struct compare *c);
/* There is no secondary any more: the same, and all that comes goes out. */
void compare_alone(struct compare *c);

const struct compare_stats *compare_stats(const struct compare *c);
/* "differs", "late", "full" */
const char *compare_why_name(enum compare_why why);

#endif
