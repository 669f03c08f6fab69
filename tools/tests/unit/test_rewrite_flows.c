/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sequence numbers between the copies: which connection a frame is of, how
 * long its offset stays, and who makes room for others.
 */
#include "rewrite_world.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- which connection --------------------------------------------------- */

/* The same ports, and as far as it goes the same addresses. */
static void connections_are_told_apart(void **state)
{
    enum { ALL = 8 };
    struct frame_spec f[ALL] = {
        web, web, web, web, web, web, web, { .ip6 = true },
    };
    struct numbers n[ALL];

    f[1].src[3]++;
    f[2].dst[0]++;
    f[3].src_port++;
    f[4].dst_port++;
    f[5].tags = f[6].tags = 1;
    f[5].tag[0] = 100;
    f[6].tag[0] = 101;
    memcpy(f[7].src, web.src, 4);
    memcpy(f[7].dst, web.dst, 4);
    f[7].src_port = web.src_port;
    f[7].dst_port = web.dst_port;
    for (uint32_t i = 0; i < ALL; i++) {
        n[i] = (struct numbers) { 1000 * i, 77 * i + 5, i };
        passive_open(*state, f[i], n[i]);
    }
    for (uint32_t i = 0; i < ALL; i++)
        goes_on(*state, f[i], n[i]);
    assert_int_equal(rewrite_stats(*state)->flows, ALL);
}

static void tags_and_extensions_are_passed_by(void **state)
{
    struct frame_spec f = web6;

    f.hop_by_hop = true;
    f.tags = 2;
    f.tag[0] = 7;
    f.tag[1] = 0x0fff;
    passive_open(*state, f, n1);
    goes_on(*state, f, n1);
    f.tag[0] |= 0xe000;    /* another priority */
    goes_on(*state, f, n1);
    f = web;
    active_open(*state, f, n1);
    f.tags = 1;            /* a priority alone */
    f.tag[0] = 0x2000;
    goes_on(*state, f, n1);
}

/* ---- how long ----------------------------------------------------------- */

static void a_checkpoint_forgets(void **state)
{
    struct numbers n2 = { 1, 0x70000000, 9 };
    struct rewrite *r = *state;

    passive_open(r, web, n1);
    output(r, segment(web6, TCP_SYN, n1.s, 0), n1.s);
    rewrite_checkpoint(r);
    assert_int_equal(rewrite_stats(r)->flows, 0);
    passes(r, web);
    input(r, to_copy(web6, TCP_SYN | TCP_ACK, n1.c, n1.p + 1), n1.p + 1);
    /* The copy's SYN is the primary's now, and comes again. */
    passive_open(r, web, (struct numbers) { n1.p, n1.p, n1.c });
    rewrite_checkpoint(r);
    passive_open(r, web, n2);
    goes_on(r, web, n2);
    active_open(r, web6, n1);
    goes_on(r, web6, n1);
    assert_int_equal(rewrite_stats(r)->flows, 2);
}

/* It may not have been believed. */
static void an_rst_ends_nothing(void **state)
{
    passive_open(*state, web, n1);
    input(*state, to_copy(web, TCP_RST, n1.c + 1, 0), 0);
    goes_on(*state, web, n1);
    output(*state, segment(web, TCP_RST, n1.s + 1, 0), n1.p + 1);
    output(*state, segment(web, TCP_RST, n1.s + 9, 0), n1.p + 9);
}

/* The i-th of many. */
static struct frame_spec nth(struct frame_spec f, unsigned int i)
{
    put_be16(f.dst + 2, (uint16_t)i);
    f.dst_port = (uint16_t)(i >> 16);
    return f;
}

static void those_without_an_offset_make_room_first(void **state)
{
    struct rewrite *r = begin(1024);
    struct numbers same = { 4, 4, 4 };

    (void)state;
    for (unsigned int i = 0; i < 900; i++)
        passive_open(r, nth(web, i), n1);
    for (unsigned int i = 0; i < 5000; i++) {
        struct frame_spec f = nth(web6, i);

        if (i % 2)
            output(r, segment(f, TCP_SYN | TCP_ACK, 3, 3), 3);
        else
            passive_open(r, f, same);
    }
    for (unsigned int i = 0; i < 900; i++)
        goes_on(r, nth(web, i), n1);
    assert_int_equal(rewrite_stats(r)->lost, 0);
    assert_int_equal(rewrite_stats(r)->flows, 1024);
    rewrite_free(r);
}

/* Over: by an RST of either side, or a FIN of both. */
static void those_that_are_over_make_room_first(void **state)
{
    struct rewrite *r = begin(1024);

    (void)state;
    for (unsigned int i = 0; i < 1024; i++) {
        struct frame_spec f = nth(web, i);

        passive_open(r, f, n1);
        if (i % 4 < 2)
            output(r, segment(f, TCP_FIN, n1.s + 1, 0), n1.p + 1);
        if (i % 4 == 1)
            input(r, to_copy(f, TCP_FIN, n1.c + 1, 0), 0);
        if (i % 4 == 2)
            output(r, segment(f, TCP_RST, n1.s + 1, 0), n1.p + 1);
        if (i % 4 == 3)
            input(r, to_copy(f, TCP_RST, n1.c + 1, 0), 0);
        if (i % 8 == 3)    /* not believed */
            output(r, segment(f, TCP_ACK, n1.s + 1, n1.c + 1), n1.p + 1);
    }
    for (unsigned int i = 0; i < 570; i++)
        passive_open(r, nth(web6, i), n1);
    assert_int_equal(rewrite_stats(r)->lost, 0);
    for (unsigned int i = 0; i < 1024; i++)
        if (i % 4 == 0 || i % 8 == 3)
            goes_on(r, nth(web, i), n1);
    for (unsigned int i = 0; i < 570; i++)
        goes_on(r, nth(web6, i), n1);
    rewrite_free(r);
}

static void the_least_used_is_lost_when_all_are_needed(void **state)
{
    struct rewrite *r = begin(1024);

    (void)state;
    for (unsigned int i = 0; i < 1025; i++)    /* now none counts as used */
        passive_open(r, nth(web, i), n1);
    for (unsigned int i = 1; i < 1025; i += 2)
        goes_on(r, nth(web, i), n1);
    for (unsigned int i = 0; i < 300; i++)
        passive_open(r, nth(web6, i), n1);
    assert_int_equal(rewrite_stats(r)->lost, 301);
    for (unsigned int i = 1; i < 1025; i += 2)
        goes_on(r, nth(web, i), n1);
    for (unsigned int i = 0; i < 300; i++)
        goes_on(r, nth(web6, i), n1);
    passes(r, nth(web, 0));
    passes(r, nth(web, 2));
    rewrite_free(r);
}

static void what_a_checkpoint_forgot_makes_room_first(void **state)
{
    struct rewrite *r = begin(1024);

    (void)state;
    for (unsigned int i = 0; i < 1000; i++)
        passive_open(r, nth(web, i), n1);
    rewrite_checkpoint(r);
    for (unsigned int i = 0; i < 20; i++)
        passive_open(r, nth(web, i), n1);
    for (unsigned int i = 20; i < 5000; i++)
        output(r, segment(nth(web, i), TCP_SYN, 3, 0), 3);
    for (unsigned int i = 0; i < 20; i++)
        goes_on(r, nth(web, i), n1);
    rewrite_checkpoint(r);
    for (unsigned int i = 0; i < 900; i++)
        passive_open(r, nth(web6, i), n1);
    for (unsigned int i = 0; i < 900; i++)
        goes_on(r, nth(web6, i), n1);
    rewrite_checkpoint(r);
    for (unsigned int i = 0; i < 600; i++)
        passive_open(r, nth(web, i), n1);
    assert_int_equal(rewrite_stats(r)->lost, 0);
    assert_int_equal(rewrite_stats(r)->flows, 600);
    rewrite_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connections_are_told_apart),
        TEST(tags_and_extensions_are_passed_by),
        TEST(a_checkpoint_forgets),
        TEST(an_rst_ends_nothing),
        cmocka_unit_test(those_without_an_offset_make_room_first),
        cmocka_unit_test(those_that_are_over_make_room_first),
        cmocka_unit_test(the_least_used_is_lost_when_all_are_needed),
        cmocka_unit_test(what_a_checkpoint_forgot_makes_room_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
