/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the tests of rewrite.c share: frames go through it in memory of their
 * very size, and have to come out as the whole frame that is wanted would be
 * built, with a checksum from scratch.
 */
#ifndef XC_TEST_REWRITE_WORLD_H
#define XC_TEST_REWRITE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "buf.h"
#include "frames.h"
#include "rewrite.h"

#define ROOM (FRAMES_HEADERS_MAX + 2048)

enum way { OUT, IN };    /* of the copy, to the copy */

/* The numbers that the copy (the secondary), the primary and the peer have
   chosen. */
struct numbers {
    uint32_t s, p, c;
};

static inline struct rewrite *begin(size_t flows_max)
{
    struct rewrite_conf conf = { .flows_max = flows_max, .seed = 7 };
    struct rewrite *r;

    assert_int_equal(rewrite_new(&conf, &r, NULL), 0);
    return r;
}

static inline int setup(void **state)
{
    *state = begin(0);
    return 0;
}

static inline int teardown(void **state)
{
    rewrite_free(*state);
    return 0;
}

static inline void pass(struct rewrite *r, enum way way, uint8_t *frame,
                        size_t n, bool partial)
{
    if (way == OUT)
        rewrite_output(r, frame, n, partial);
    else
        rewrite_input(r, frame, n, partial);
}

/* @is goes through and comes out as @wanted. */
static inline void becomes(struct rewrite *r, enum way way,
                           const struct frame_spec *is,
                           const struct frame_spec *wanted)
{
    uint8_t built[ROOM], *frame CLEANUP_FREE = NULL;
    size_t n = frame_build(is, built);

    frame = malloc(n);
    assert_non_null(frame);
    memcpy(frame, built, n);
    if (!is->partial_checksum && !is->fragment)
        assert_true(frame_checksum_ok(frame, n));
    pass(r, way, frame, n, is->partial_checksum);
    assert_int_equal(frame_build(wanted, built), n);
    assert_memory_equal(frame, built, n);
}

static inline void stays(struct rewrite *r, enum way way,
                         const struct frame_spec *is)
{
    becomes(r, way, is, is);
}

/* The copy sends it; its number becomes @seq. */
static inline void output(struct rewrite *r, struct frame_spec is,
                          uint32_t seq)
{
    struct frame_spec wanted = is;

    wanted.seq = seq;
    becomes(r, OUT, &is, &wanted);
}

/* It goes to the copy; what it acknowledges becomes @ack. */
static inline void input(struct rewrite *r, struct frame_spec is, uint32_t ack)
{
    struct frame_spec wanted = is;

    wanted.ack = ack;
    becomes(r, IN, &is, &wanted);
}

/* A segment of the copy's, and one to it. */
static inline struct frame_spec segment(struct frame_spec copy, uint8_t flags,
                                        uint32_t seq, uint32_t ack)
{
    copy.flags = flags;
    copy.seq = seq;
    copy.ack = ack;
    return copy;
}

static inline struct frame_spec to_copy(struct frame_spec copy, uint8_t flags,
                                        uint32_t seq, uint32_t ack)
{
    copy.flags = flags;
    copy.seq = ack;
    copy.ack = seq;
    return frame_reply(copy);
}

/* A peer connects to the copy, which is @copy. */
static inline void passive_open(struct rewrite *r, struct frame_spec copy,
                                struct numbers is)
{
    input(r, to_copy(copy, TCP_SYN, is.c, 0), 0);
    output(r, segment(copy, TCP_SYN | TCP_ACK, is.s, is.c + 1), is.s);
    input(r, to_copy(copy, TCP_ACK, is.c + 1, is.p + 1), is.s + 1);
}

static inline void active_open(struct rewrite *r, struct frame_spec copy,
                               struct numbers is)
{
    output(r, segment(copy, TCP_SYN, is.s, 0), is.s);
    input(r, to_copy(copy, TCP_SYN | TCP_ACK, is.c, is.p + 1), is.s + 1);
    output(r, segment(copy, TCP_ACK, is.s + 1, is.c + 1), is.p + 1);
}

/* The offset is in force, some octets after the beginning. */
static inline void goes_on(struct rewrite *r, struct frame_spec copy,
                           struct numbers is)
{
    copy.payload = (const uint8_t *)"seven..";
    copy.size = 7;
    output(r, segment(copy, TCP_ACK | TCP_PSH, is.s + 900, is.c + 5),
           is.p + 900);
    input(r, to_copy(copy, TCP_ACK, is.c + 5, is.p + 907), is.s + 907);
}

/* None is. */
static inline void passes(struct rewrite *r, struct frame_spec copy)
{
    output(r, segment(copy, TCP_ACK, 900, 5), 900);
    input(r, to_copy(copy, TCP_ACK, 5, 907), 907);
}

static const struct frame_spec web = {
    .src = { 10, 0, 0, 7 }, .dst = { 192, 0, 2, 9 },
    .src_port = 80, .dst_port = 40001, .window = 502,
};
static const struct frame_spec web6 = {
    .ip6 = true, .src_port = 80, .dst_port = 40001,
    .src = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 },
    .dst = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1 },
};
static const struct numbers n1 = { 5000, 700000, 31 };

#endif
