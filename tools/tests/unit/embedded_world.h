/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * An embedded guest, a peer that writes to it by the RFCs, and what the guest
 * has said. For test programs.
 */
#ifndef XC_TESTS_EMBEDDED_WORLD_H
#define XC_TESTS_EMBEDDED_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "embedded_guest.h"
#include "embedded_tcp.h"
#include "frames.h"

#define PAGES 64
#define SAID_MAX 256
#define PEER_SEQ 5000u

/* A guest; all that it has said since said_nothing(). */
struct side {
    struct guest g;
    uint64_t draw;              /* what comes from outside next */
    bool constant;              /* it stays that */
    unsigned int said_nr;
    struct { uint8_t data[SEGMENT_MAX]; size_t n; struct frame f; }
        said[SAID_MAX];
};

static inline uint64_t from_outside(void *ctx, enum guest_outside what)
{
    struct side *s = ctx;

    (void)what;
    if (!s->constant)
        s->draw = s->draw * 6364136223846793005u + 1442695040888963407u;
    return s->constant ? s->draw : s->draw >> 20;
}

static inline void side_begin(struct side *s, uint64_t draw)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(guest_init(&s->g, PAGES, NULL), 0);
    guest_boot(&s->g, 77);
    s->draw = draw;
    s->g.outside = from_outside;
    s->g.outside_ctx = s;
}

static inline void hears(void *ctx, const uint8_t *frame, size_t n)
{
    struct side *s = ctx;

    assert_true(s->said_nr < SAID_MAX && n <= SEGMENT_MAX);
    memcpy(s->said[s->said_nr].data, frame, n);
    s->said[s->said_nr].n = n;
    frame_parse(s->said[s->said_nr].data, n, &s->said[s->said_nr].f);
    assert_true(frame_checksum_ok(frame, n));
    s->said_nr++;
}

/* Peer @i's next segment, with @text. */
static inline struct frame_spec from_peer(unsigned int i, uint32_t seq,
                                          uint32_t ack, uint8_t flags,
                                          const char *text)
{
    return (struct frame_spec) {
        .kind = FRAME_TCP, .src = { 10, 9, 0, (uint8_t)i },
        .dst = { 10, 0, 0, 1 }, .src_port = 4000, .dst_port = GUEST_PORT,
        .seq = seq, .ack = ack, .flags = flags, .window = 500,
        .payload = (const uint8_t *)text, .size = strlen(text),
    };
}

static inline void gives(struct side *s, struct frame_spec spec)
{
    uint8_t frame[2048];

    s->said_nr = 0;
    guest_frame(&s->g, frame, frame_build(&spec, frame), hears, s);
}

/* What was said: so many frames; frame @i has these numbers and text. */
static inline void said(const struct side *s, unsigned int n)
{
    assert_int_equal(s->said_nr, n);
}

static inline void frame_is(const struct side *s, unsigned int i, uint32_t seq,
                            uint32_t ack, uint8_t flags, const char *text)
{
    const struct frame *f = &s->said[i].f;

    assert_true(i < s->said_nr);
    assert_int_equal(f->kind, FRAME_TCP);
    assert_int_equal(f->flags, flags);
    assert_int_equal(f->seq, seq);
    if (flags & TCP_ACK)
        assert_int_equal(f->ack, ack);
    assert_int_equal(f->size, strlen(text));
    assert_memory_equal(f->body, text, f->size);
}

/* Peer @i connects; the guest's first number, plus one. */
static inline uint32_t connects(struct side *s, unsigned int i)
{
    uint32_t seq;

    gives(s, from_peer(i, PEER_SEQ, 0, TCP_SYN, ""));
    said(s, 1);
    seq = s->said[0].f.seq;
    frame_is(s, 0, seq, PEER_SEQ + 1, TCP_SYN | TCP_ACK, "");
    gives(s, from_peer(i, PEER_SEQ + 1, seq + 1, TCP_ACK, ""));
    said(s, 0);
    return seq + 1;
}

static inline int side_setup(void **state)
{
    struct side *s = malloc(sizeof(*s));

    if (!s)
        return -1;
    side_begin(s, 4);    /* 4 is no cut */
    s->constant = true;
    *state = s;
    return 0;
}

static inline int side_teardown(void **state)
{
    struct side *s = *state;

    guest_dispose(&s->g);
    free(s);
    return 0;
}

#endif
