/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A comparison, the frames that left it, and frames for both copies. For test
 * programs; part of each.
 */
#ifndef XC_TESTS_COMPARE_WORLD_H
#define XC_TESTS_COMPARE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "compare.h"
#include "frames.h"

#define LEFT_MAX 4096
#define MS ((uint64_t)1000000)
#define LATE_NS (100 * MS)

static struct {
    struct compare *c;
    uint64_t now;
    size_t left_nr;
    struct { uint8_t data[2048]; size_t n; } left[LEFT_MAX];
} w;

static void on_release(void *ctx, const uint8_t *data, size_t n,
                       uint64_t came_ns)
{
    (void)ctx;
    (void)came_ns;
    assert_true(w.left_nr < LEFT_MAX && n <= sizeof(w.left[0].data));
    memcpy(w.left[w.left_nr].data, data, n);
    w.left[w.left_nr++].n = n;
}

static inline int begin_with(size_t packets, size_t flows)
{
    struct compare_conf conf = { .packets_max = packets, .flows_max = flows,
                                 .timeout_ns = LATE_NS, .seed = 5,
                                 .release = on_release };

    w.left_nr = 0;
    w.now = 1000 * MS;
    return compare_new(&conf, &w.c, NULL);
}

static inline int begin(void **state)
{
    (void)state;
    return begin_with(0, 64);
}

static inline int end(void **state)
{
    (void)state;
    compare_free(w.c);
    w.c = NULL;
    return 0;
}

/* ---- frames ------------------------------------------------------------- */

static inline struct frame_spec tcp(uint32_t seq, uint32_t ack, uint8_t flags,
                             const char *text)
{
    return (struct frame_spec) {
        .kind = FRAME_TCP, .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 9 },
        .src_port = 80, .dst_port = 4000, .seq = seq, .ack = ack,
        .flags = flags, .payload = (const uint8_t *)text,
        .size = strlen(text),
    };
}

static inline struct frame_spec udp(const char *text)
{
    struct frame_spec f = tcp(0, 0, 0, text);

    f.kind = FRAME_UDP;
    return f;
}

static inline enum compare_why primary(struct frame_spec f)
{
    uint8_t data[2048];

    return compare_primary(w.c, data, frame_build(&f, data), w.now);
}

static inline enum compare_why secondary(struct frame_spec f)
{
    uint8_t data[2048];

    f.id = (uint16_t)(f.id + 77);    /* what IP may say differently */
    f.window = (uint16_t)(f.window + 1);
    f.padding += f.kind == FRAME_OTHER ? 0 : 3;
    return compare_secondary(w.c, data, frame_build(&f, data), w.now);
}

#define P(...) assert_int_equal(primary(__VA_ARGS__), COMPARE_FINE)
#define S(...) assert_int_equal(secondary(__VA_ARGS__), COMPARE_FINE)
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)
#define LEFT(n) assert_int_equal(w.left_nr, n)
#define AT(i, f) assert_frame(i, f)

static inline void assert_frame(size_t i, struct frame_spec f)
{
    uint8_t data[2048];
    size_t n = frame_build(&f, data);

    assert_true(i < w.left_nr);
    assert_int_equal(w.left[i].n, n);
    assert_memory_equal(w.left[i].data, data, n);
}

/* Both have sent so much: where the stream is, is known. */
static inline void open_stream(uint32_t seq, uint32_t ack)
{
    P(tcp(seq - 1, ack, TCP_ACK, "0"));
    S(tcp(seq - 1, ack, TCP_ACK, "0"));
    LEFT(1);
    w.left_nr = 0;
}

#endif
