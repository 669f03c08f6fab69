/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Which octets change when a connection's offset is known, and how the
 * checksum follows, against frames built anew. What teaches an offset is
 * test_rewrite.c's.
 */
#include "rewrite_world.h"

#define OPTIONS_MAX 40u

static int setup_open(void **state)
{
    setup(state);
    passive_open(*state, web, n1);
    passive_open(*state, web6, n1);
    return 0;
}

/* To the copy, acknowledging all up to p + 500, with these options, which
   become others. */
static void options_become(struct rewrite *r, struct frame_spec copy,
                           const uint8_t *is, const uint8_t *wanted, size_t n)
{
    struct frame_spec f = to_copy(copy, TCP_ACK, n1.c + 1, n1.p + 500), g;

    f.options = is;
    f.options_size = n;
    g = f;
    g.ack = n1.s + 500;
    g.options = wanted;
    becomes(r, IN, &f, &g);
}

/* ---- SACK --------------------------------------------------------------- */

/* @blocks of them behind @before octets that do nothing. */
static size_t put_sack(uint8_t *to, size_t before, size_t blocks,
                       uint32_t first)
{
    uint8_t *at = to + before;

    memset(to, 1, OPTIONS_MAX);
    *at++ = 5;
    *at++ = (uint8_t)(2 + 8 * blocks);
    for (size_t i = 0; i < 2 * blocks; i++, at += 4)
        put_be32(at, first + 0x01020304 * (uint32_t)i);
    return (size_t)(at - to);
}

static void sack_is_moved_wherever_it_begins(void **state)
{
    static const uint32_t firsts[] = { 700600, 0xfffffff0, 0x12345678, 0 };
    uint8_t is[OPTIONS_MAX], wanted[OPTIONS_MAX];

    for (size_t blocks = 0; blocks <= 4; blocks++)
        for (size_t before = 0; before + 2 + 8 * blocks <= OPTIONS_MAX;
             before++)
            for (size_t i = 0; i < 4; i++) {
                size_t n = put_sack(is, before, blocks, firsts[i]);

                put_sack(wanted, before, blocks,
                         firsts[i] - n1.p + n1.s);
                options_become(*state, web, is, wanted, n);
                options_become(*state, web6, is, wanted, n);
            }
}

static void sack_behind_other_options_is_moved(void **state)
{
    uint8_t is[OPTIONS_MAX] = {
        8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 4, 2, 5, 10, 0, 10, 0, 0, 0, 10, 1, 0,
        1, 254, 3, 9, 5, 10, 0, 10, 0, 1, 0, 10, 1, 1,
    };
    uint8_t wanted[OPTIONS_MAX];

    memcpy(wanted, is, sizeof(is));
    for (int i = 0; i < 2; i++) {
        size_t at = i ? 28 : 14;

        put_be32(wanted + at, get_be32(is + at) - n1.p + n1.s);
        put_be32(wanted + at + 4, get_be32(is + at + 4) - n1.p + n1.s);
    }
    is[25] = wanted[25] = 2;
    options_become(*state, web, is, wanted, sizeof(is));
}

/* They are about the peer's numbers, or about nothing. */
static void other_sack_isnt_moved(void **state)
{
    uint8_t is[OPTIONS_MAX];
    struct frame_spec f = segment(web, TCP_ACK, n1.s + 1, n1.c + 1);

    f.options = is;
    f.options_size = put_sack(is, 2, 2, n1.c + 100);
    output(*state, f, n1.p + 1);
    f = to_copy(f, TCP_RST, n1.c + 1, n1.p + 1);
    stays(*state, IN, &f);
}

static void options_that_make_no_sense_end_them(void **state)
{
    static const uint8_t broken[][2] = {
        { 0, 2 },                            /* the end, in truth */
        { 8, 0 }, { 8, 1 }, { 5, 0 }, { 5, 1 },    /* less than itself */
        { 5, 3 }, { 5, 9 }, { 5, 11 }, { 5, 17 },  /* no whole block */
        { 8, 33 }, { 254, 255 }, { 5, 34 }, { 5, 42 },    /* too long */
    };
    uint8_t is[OPTIONS_MAX];

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        put_sack(is, 8, 2, n1.p + 600);    /* it isn't seen any more */
        memcpy(is, broken[i], 2);
        options_become(*state, web, is, is, 32);
        options_become(*state, web6, is, is, 32);
    }
    /* One that begins in the header's last octet. */
    memset(is, 1, sizeof(is));
    is[OPTIONS_MAX - 1] = is[3] = 5;
    options_become(*state, web, is + 4, is + 4, OPTIONS_MAX - 4);
    options_become(*state, web, is, is, 4);
}

/* ---- checksums ---------------------------------------------------------- */

static void every_checksum_follows(void **state)
{
    uint8_t word[3] = { 0, 0, 9 }, sack[OPTIONS_MAX], wanted[OPTIONS_MAX];
    size_t n = put_sack(sack, 1, 4, 0x00020003);
    struct frame_spec f = web;

    put_sack(wanted, 1, 4, 0x00020003 - n1.p + n1.s);
    f.payload = word;
    f.size = sizeof(word);
    for (uint32_t i = 0; i < 65536; i++) {
        put_be16(word, (uint16_t)i);
        output(*state, segment(f, TCP_ACK, n1.s + 8, n1.c), n1.p + 8);
        options_become(*state, f, sack, wanted, n);
    }
}

/* 0xffff is zero, too, but TCP's senders don't write it; nor does this, even
   if all that it adds up is zero. */
static void a_checksum_is_never_ffff(void **state)
{
    struct frame_spec f = segment(web, TCP_ACK, 0xffffffff, 5);
    uint8_t frame[ROOM], word[2] = { 0 };
    uint8_t *tcp = frame + 14 + 20;
    size_t n;

    passive_open(*state, web, (struct numbers) { 100, 101, 4 });
    f.payload = word;
    f.size = sizeof(word);
    frame_build(&f, frame);
    put_be16(word, get_be16(tcp + 16));    /* what brings it to zero */
    n = frame_build(&f, frame);
    assert_int_equal(get_be16(tcp + 16), 0);
    put_be16(tcp + 16, 0xffff);
    assert_true(frame_checksum_ok(frame, n));
    rewrite_output(*state, frame, n, false);
    assert_int_equal(get_be32(tcp + 4), 0);
    assert_int_equal(get_be16(tcp + 16), 0);
    assert_true(frame_checksum_ok(frame, n));
}

static void a_wrong_checksum_stays_wrong(void **state)
{
    struct frame_spec f = segment(web, TCP_ACK, n1.s + 8, n1.c), g = f;
    uint8_t frame[ROOM], wanted[ROOM];
    size_t n = frame_build(&f, frame), at = 14 + 20 + 16;
    uint32_t is, should;

    g.seq = n1.p + 8;
    frame_build(&g, wanted);
    for (uint32_t off = 1; off < 65535; off += 7) {
        frame_build(&f, frame);
        put_be16(frame + at, (uint16_t)((get_be16(frame + at) + off) %
                                        65535));
        rewrite_output(*state, frame, n, false);
        assert_false(frame_checksum_ok(frame, n));
        is = get_be16(frame + at);
        should = (get_be16(wanted + at) + off) % 65535;
        assert_int_equal(is, should);
    }
}

static void a_partial_checksum_is_left_alone(void **state)
{
    uint8_t sack[OPTIONS_MAX], wanted[OPTIONS_MAX];
    struct frame_spec both[] = { web, web6 };
    size_t n = put_sack(sack, 1, 3, n1.p + 600);

    put_sack(wanted, 1, 3, n1.s + 600);
    for (int i = 0; i < 2; i++) {
        both[i].partial_checksum = true;
        both[i].payload = (const uint8_t *)"pay";
        both[i].size = 3;
        goes_on(*state, both[i], n1);
        options_become(*state, both[i], sack, wanted, n);
    }
}

/* ---- what isn't touched ------------------------------------------------- */

static void what_isnt_a_whole_segment_stays(void **state)
{
    struct frame_spec f = segment(web, TCP_ACK, n1.s + 1, n1.c + 1), g;
    static const enum frame_kind others[] = {
        FRAME_UDP, FRAME_ICMP, FRAME_ARP, FRAME_OTHER, FRAME_IP,
    };

    /* In UDP's and ICMP's place, it would do for the rest of TCP's. */
    f.payload = (const uint8_t *)"PPPPPPPPPPPP";
    f.size = 12;
    f.protocol = 132;
    f.ether_type = 0x88b5;
    for (int i = 0; i < 2; i++, f.ip6 = true) {
        memcpy(f.src, i ? web6.src : web.src, 16);
        memcpy(f.dst, i ? web6.dst : web.dst, 16);
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
            g = f;
            g.kind = others[k];
            stays(*state, OUT, &g);
            g = frame_reply(g);
            stays(*state, IN, &g);
        }
        g = f;
        g.fragment = i ? 1 : 0x2000;    /* the first of several */
        stays(*state, OUT, &g);
        g = frame_reply(g);
        stays(*state, IN, &g);
        g.fragment = 0x20 << (i ? 3 : 0);
        stays(*state, IN, &g);
    }
}

static void what_is_cut_off_stays(void **state)
{
    struct frame_spec f = to_copy(web, TCP_ACK, n1.c + 1, n1.p + 1);
    uint8_t built[ROOM], sack[OPTIONS_MAX];
    size_t n;

    f.options = sack;
    f.options_size = put_sack(sack, 1, 4, n1.p + 600);
    for (int i = 0; i < 2; i++) {
        if (i) {
            f.ip6 = true;
            memcpy(f.src, web6.dst, 16);
            memcpy(f.dst, web6.src, 16);
        }
        n = frame_build(&f, built);
        for (size_t k = 0; k < n; k++) {
            uint8_t *cut = malloc(k ? k : 1);

            assert_non_null(cut);
            memcpy(cut, built, k);
            rewrite_input(*state, cut, k, false);
            rewrite_output(*state, cut, k, false);
            assert_memory_equal(cut, built, k);
            free(cut);
        }
    }
    assert_int_equal(rewrite_stats(*state)->in, 2);    /* the setup's */
}

static void a_header_longer_than_the_segment_stays(void **state)
{
    struct frame_spec f = to_copy(web, TCP_ACK, n1.c + 1, n1.p + 1);
    uint8_t built[ROOM], *frame CLEANUP_FREE = NULL;
    size_t n = frame_build(&f, built);

    built[14 + 20 + 12] = 0x60;
    frame = malloc(n);
    assert_non_null(frame);
    memcpy(frame, built, n);
    rewrite_input(*state, frame, n, false);
    assert_memory_equal(frame, built, n);
}

static void what_is_behind_the_packet_stays(void **state)
{
    struct frame_spec f = segment(web, TCP_ACK, n1.s + 1, n1.c + 1);

    f.padding = 6;
    output(*state, f, n1.p + 1);
    input(*state, to_copy(f, TCP_ACK, n1.c + 1, n1.p + 1), n1.s + 1);
    f.dst_port++;    /* nor does it count as a SYN's octets */
    active_open(*state, f, n1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_open, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sack_is_moved_wherever_it_begins),
        TEST(sack_behind_other_options_is_moved),
        TEST(other_sack_isnt_moved),
        TEST(options_that_make_no_sense_end_them),
        TEST(every_checksum_follows),
        TEST(a_checksum_is_never_ffff),
        TEST(a_wrong_checksum_stays_wrong),
        TEST(a_partial_checksum_is_left_alone),
        TEST(what_isnt_a_whole_segment_stays),
        TEST(what_is_cut_off_stays),
        TEST(a_header_longer_than_the_segment_stays),
        TEST(what_is_behind_the_packet_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
