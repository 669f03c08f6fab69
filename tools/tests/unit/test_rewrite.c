/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sequence numbers between the copies: what teaches an offset, and what
 * doesn't. Which connection it is of and how long it stays are
 * test_rewrite_flows.c's, the octets test_rewrite_octets.c's.
 */
#include "rewrite_world.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- learning ----------------------------------------------------------- */

static void a_peer_that_connects_is_understood(void **state)
{
    struct rewrite *r = *state;

    passive_open(r, web, n1);
    goes_on(r, web, n1);
    assert_int_equal(rewrite_stats(r)->flows, 1);
    assert_int_equal(rewrite_stats(r)->out, 1);
    assert_int_equal(rewrite_stats(r)->in, 2);
    assert_int_equal(rewrite_stats(r)->unknown, 0);
}

static void a_connection_of_the_copy_is_understood(void **state)
{
    struct rewrite *r = *state;

    active_open(r, web, n1);
    goes_on(r, web, n1);
    assert_int_equal(rewrite_stats(r)->flows, 1);
}

static void numbers_wrap(void **state)
{
    static const struct numbers all[] = {
        { 0xfffffff0, 5, 0xffffffff }, { 5, 0xfffffff0, 0xfffffffe },
        { 0xffffffff, 0, 0 }, { 0, 0xffffffff, 0 },
        { 0x80000000, 0, 0x7fffffff }, { 0xfffffff0, 0xfffffff1, 1 },
        { 0xfffffc80, 0x12345678, 1 }, { 0x12345678, 0xfffffc80, 1 },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        passive_open(*state, web, all[i]);
        goes_on(*state, web, all[i]);
        active_open(*state, web6, all[i]);
        goes_on(*state, web6, all[i]);
    }
}

/* The handshake's last segment got lost; octets follow it. */
static void the_first_octets_teach_as_well(void **state)
{
    struct frame_spec data;

    output(*state, segment(web, TCP_SYN | TCP_ACK, n1.s, n1.c + 1), n1.s);
    data = to_copy(web, TCP_ACK | TCP_PSH, n1.c + 1 + 65535, n1.p + 1);
    data.payload = (const uint8_t *)"GET";
    data.size = 3;
    input(*state, data, n1.s + 1);
    goes_on(*state, web, n1);
}

static void every_kind_of_segment_is_moved(void **state)
{
    static const uint8_t all[] = {
        0, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK,
        TCP_ACK | TCP_URG | TCP_PSH, TCP_ACK,
    };

    passive_open(*state, web, n1);
    for (size_t i = 0; i < sizeof(all); i++) {
        /* The number before the next is a probe's. */
        uint32_t s = n1.s + (uint32_t)i, p = n1.p + (uint32_t)i;
        bool ack = all[i] & TCP_ACK;
        struct frame_spec f = web;

        f.window = i % 2 ? 0 : 100;
        output(*state, segment(f, all[i], s, n1.c + 1), p);
        input(*state, to_copy(f, all[i], n1.c + 1, p), ack ? s : p);
    }
}

static void a_syn_again_keeps_the_offset(void **state)
{
    struct frame_spec syn = segment(web, TCP_SYN | TCP_ACK, n1.s, n1.c + 1);

    output(*state, syn, n1.s);
    passive_open(*state, web, n1);
    output(*state, syn, n1.p);    /* known by now */
    input(*state, to_copy(web, TCP_ACK, n1.c + 1, n1.p + 70), n1.s + 70);
    goes_on(*state, web, n1);
    assert_int_equal(rewrite_stats(*state)->flows, 1);
}

static void another_number_begins_anew(void **state)
{
    struct numbers n2 = { n1.s + 64000, n1.p + 1, n1.c + 2 };

    passive_open(*state, web, n1);
    passive_open(*state, web, n2);
    goes_on(*state, web, n2);
    active_open(*state, web, n1);
    goes_on(*state, web, n1);
    assert_int_equal(rewrite_stats(*state)->flows, 1);
}

/* Cookies: each SYN is answered with another number, the last counts. */
static void another_number_before_the_answer_counts(void **state)
{
    output(*state, segment(web, TCP_SYN | TCP_ACK, 999, n1.c + 1), 999);
    passive_open(*state, web, n1);
    goes_on(*state, web, n1);
}

static void both_may_connect_at_once(void **state)
{
    output(*state, segment(web, TCP_SYN, n1.s, 0), n1.s);
    input(*state, to_copy(web, TCP_SYN, n1.c, 0), 0);
    output(*state, segment(web, TCP_SYN | TCP_ACK, n1.s, n1.c + 1), n1.s);
    input(*state, to_copy(web, TCP_SYN | TCP_ACK, n1.c, n1.p + 1), n1.s + 1);
    goes_on(*state, web, n1);
}

static void octets_in_a_syn_are_acknowledged_with_it(void **state)
{
    struct frame_spec syn = segment(web, TCP_SYN, n1.s, 0);

    syn.payload = (const uint8_t *)"fast!";
    syn.size = 5;
    output(*state, syn, n1.s);
    input(*state, to_copy(web, TCP_SYN | TCP_ACK, n1.c, n1.p + 6), n1.s + 6);
    goes_on(*state, web, n1);
}

/* ---- what teaches nothing ----------------------------------------------- */

static void a_refusal_is_believed_and_teaches_nothing(void **state)
{
    uint8_t refuse = TCP_RST | TCP_ACK;

    output(*state, segment(web, TCP_SYN, n1.s, 0), n1.s);
    input(*state, to_copy(web, refuse, 0, n1.p + 1), n1.s + 1);
    input(*state, to_copy(web, refuse, 0, 12345), n1.s + 1);
    output(*state, segment(web, TCP_ACK, n1.s + 1, 0), n1.s + 1);
    active_open(*state, web, n1);
    goes_on(*state, web, n1);
    output(*state, segment(web6, TCP_SYN | TCP_ACK, n1.s, n1.c + 1), n1.s);
    input(*state, to_copy(web6, refuse, n1.c + 1, n1.p + 1), n1.s + 1);
    output(*state, segment(web6, TCP_ACK, n1.s + 1, 0), n1.s + 1);
}

/* A peer that still has an older connection says where that stands. */
static void what_isnt_an_answer_to_a_syn_teaches_nothing(void **state)
{
    struct rewrite *r = *state;

    output(r, segment(web, TCP_SYN, n1.s, 0), n1.s);
    input(r, to_copy(web, TCP_ACK, 7, 123), 123);
    output(r, segment(web, TCP_RST, 123, 0), 123);
    assert_int_equal(rewrite_stats(r)->unknown, 2);
    active_open(r, web, n1);
    goes_on(r, web, n1);
}

static void numbers_out_of_the_window_teach_nothing(void **state)
{
    static const uint32_t off[] = { 0, 65537, 0x80000000, 0xffffff00 };
    struct rewrite *r = *state;

    output(r, segment(web, TCP_SYN | TCP_ACK, n1.s, n1.c + 1), n1.s);
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
        input(r, to_copy(web, TCP_ACK, n1.c + off[i], 123), 123);
    input(r, to_copy(web, TCP_SYN | TCP_ACK, n1.c - 1, 123), 123);
    assert_int_equal(rewrite_stats(r)->unknown, 5);
    input(r, to_copy(web, TCP_ACK, n1.c + 1, n1.p + 1), n1.s + 1);
    goes_on(r, web, n1);
}

static void before_the_offset_is_known_output_passes(void **state)
{
    struct rewrite *r = *state;

    output(r, segment(web, TCP_SYN | TCP_ACK, n1.s, n1.c + 1), n1.s);
    assert_int_equal(rewrite_stats(r)->unknown, 0);
    output(r, segment(web, TCP_ACK, n1.s + 1, n1.c + 1), n1.s + 1);
    input(r, to_copy(web, TCP_SYN, n1.c, 0), 0);
    input(r, to_copy(web, TCP_FIN, n1.c + 1, 55), 55);
    assert_int_equal(rewrite_stats(r)->unknown, 1);
    assert_int_equal(rewrite_stats(r)->out + rewrite_stats(r)->in, 0);
}

static void an_rst_with_a_syn_opens_nothing(void **state)
{
    output(*state, segment(web, TCP_SYN | TCP_RST, n1.s, 0), n1.s);
    input(*state, to_copy(web, TCP_SYN | TCP_ACK, n1.c, n1.p + 1), n1.p + 1);
    assert_int_equal(rewrite_stats(*state)->flows, 0);
}

static void an_older_connection_passes(void **state)
{
    passes(*state, web);
    assert_int_equal(rewrite_stats(*state)->unknown, 0);
    assert_int_equal(rewrite_stats(*state)->flows, 0);
}

/* After a take-over, peers know the copy's own numbers. */
static void equal_numbers_change_nothing(void **state)
{
    struct numbers same = { 900, 900, 4 };

    passive_open(*state, web, same);
    goes_on(*state, web, same);
    active_open(*state, web6, same);
    assert_int_equal(rewrite_stats(*state)->in, 0);
    assert_int_equal(rewrite_stats(*state)->out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_peer_that_connects_is_understood),
        TEST(a_connection_of_the_copy_is_understood),
        TEST(numbers_wrap),
        TEST(the_first_octets_teach_as_well),
        TEST(every_kind_of_segment_is_moved),
        TEST(a_syn_again_keeps_the_offset),
        TEST(another_number_begins_anew),
        TEST(another_number_before_the_answer_counts),
        TEST(both_may_connect_at_once),
        TEST(octets_in_a_syn_are_acknowledged_with_it),
        TEST(a_refusal_is_believed_and_teaches_nothing),
        TEST(what_isnt_an_answer_to_a_syn_teaches_nothing),
        TEST(numbers_out_of_the_window_teach_nothing),
        TEST(before_the_offset_is_known_output_passes),
        TEST(an_rst_with_a_syn_opens_nothing),
        TEST(an_older_connection_passes),
        TEST(equal_numbers_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
