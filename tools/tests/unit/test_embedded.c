/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest on its network: its TCP, frame by frame. Two copies of
 * it: test_embedded_copies.c.
 */
#include "embedded_world.h"

#define ACK_PSH (TCP_ACK | TCP_PSH)
#define NO "N 3\n"    /* what C 3 says when nothing was written */

static void its_first_number_comes_from_outside(void **state)
{
    struct side *s = *state;

    s->draw = 0x1234567890u;
    assert_int_equal(connects(s, 1), 0x34567891u);
    s->draw = 0xffffffffu;    /* and wraps */
    assert_int_equal(connects(s, 2), 0);
}

static void the_same_syn_has_the_same_answer(void **state)
{
    struct side *s = *state;

    gives(s, from_peer(1, PEER_SEQ, 0, TCP_SYN, ""));
    s->draw = 400;
    gives(s, from_peer(1, PEER_SEQ, 0, TCP_SYN, ""));
    said(s, 1);
    frame_is(s, 0, 4, PEER_SEQ + 1, TCP_SYN | TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 9, 0, TCP_SYN, ""));    /* another one */
    frame_is(s, 0, 400, PEER_SEQ + 10, TCP_SYN | TCP_ACK, "");
}

static void a_handshake_ends_with_the_right_number(void **state)
{
    struct side *s = *state;

    gives(s, from_peer(1, PEER_SEQ, 0, TCP_SYN, ""));
    gives(s, from_peer(1, PEER_SEQ + 1, 99, ACK_PSH, "C 3\n"));
    said(s, 1);
    frame_is(s, 0, 99, 0, TCP_RST, "");
    gives(s, from_peer(1, PEER_SEQ + 1, 5, ACK_PSH, "C 3\n"));
    frame_is(s, 0, 5, PEER_SEQ + 5, ACK_PSH, NO);
}

static void a_request_comes_in_parts(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "C "));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + 3, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 3, at, ACK_PSH, "3\r\n"));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + 6, ACK_PSH, NO);
}

static void a_segment_has_two_requests(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "C 3\nC 4\nC"));
    said(s, 2);
    frame_is(s, 0, at, PEER_SEQ + 10, ACK_PSH, NO);
    frame_is(s, 1, at + 4, PEER_SEQ + 10, ACK_PSH, "N 4\n");
    gives(s, from_peer(1, PEER_SEQ + 10, at + 8, ACK_PSH, " 3\n"));
    frame_is(s, 0, at + 8, PEER_SEQ + 13, ACK_PSH, NO);
}

static void an_old_segment_and_a_gap_are_acknowledged_only(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "W 3 x\n"));
    at += (uint32_t)s->said[0].f.size;
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "W 3 x\n"));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + 7, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "W 3"));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + 7, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 8, at, ACK_PSH, "C 3\n"));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + 7, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 9, at, ACK_PSH | TCP_FIN, ""));
    frame_is(s, 0, at, PEER_SEQ + 7, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 5, at, ACK_PSH, "??C 3\n"));
    frame_is(s, 0, at, PEER_SEQ + 11, ACK_PSH, "Y 3\n");
}

static void a_fin_is_answered_and_ends_it(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH | TCP_FIN, "C 3\n"));
    said(s, 2);
    frame_is(s, 0, at, PEER_SEQ + 5, ACK_PSH, NO);
    frame_is(s, 1, at + 4, PEER_SEQ + 6, TCP_FIN | TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + 6, at + 5, TCP_ACK, ""));
    said(s, 0);
    gives(s, from_peer(1, PEER_SEQ + 6, at + 5, ACK_PSH, "C 3\n"));
    said(s, 1);
    frame_is(s, 0, at + 5, 0, TCP_RST, "");
}

static void an_rst_ends_it_without_a_word(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, TCP_RST | TCP_ACK, ""));
    said(s, 0);
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "C 3\n"));
    frame_is(s, 0, at, 0, TCP_RST, "");
    gives(s, from_peer(1, PEER_SEQ + 1, at, TCP_RST, ""));
    said(s, 0);
}

static void a_full_table_takes_nobody_until_there_is_room(void **state)
{
    struct side *s = *state;
    uint32_t at = 0;

    for (unsigned int i = 0; i < GUEST_CONNS; i++)
        at = connects(s, i);
    gives(s, from_peer(GUEST_CONNS, PEER_SEQ, 0, TCP_SYN, ""));
    said(s, 1);
    frame_is(s, 0, 0, PEER_SEQ + 1, TCP_RST | TCP_ACK, "");
    for (unsigned int i = 0; i < GUEST_CONNS; i++) {    /* each its own */
        gives(s, from_peer(i, PEER_SEQ + 1, at, ACK_PSH, "C 3\n"));
        frame_is(s, 0, at, PEER_SEQ + 5, ACK_PSH, NO);
    }
    gives(s, from_peer(7, PEER_SEQ + 5, at + 4, TCP_FIN | TCP_ACK, ""));
    connects(s, GUEST_CONNS);
}

static void a_line_without_end_ends_it(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);
    char line[GUEST_LINE + 1];

    memset(line, 'x', GUEST_LINE);
    line[GUEST_LINE] = '\0';
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, line + 1));
    frame_is(s, 0, at, PEER_SEQ + GUEST_LINE, TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + GUEST_LINE, at, ACK_PSH, "x"));
    said(s, 1);
    frame_is(s, 0, at, PEER_SEQ + GUEST_LINE + 1, TCP_RST | TCP_ACK, "");
    gives(s, from_peer(1, PEER_SEQ + GUEST_LINE, at, ACK_PSH, "\n"));
    frame_is(s, 0, at, 0, TCP_RST, "");
}

static void what_is_not_for_it_is_ignored(void **state)
{
    struct side *s = *state;
    struct frame_spec syn = from_peer(1, PEER_SEQ, 0, TCP_SYN, ""), f;
    uint8_t frame[2048];
    size_t n;

    f = syn;
    f.dst[3] = 2;
    gives(s, f);
    said(s, 0);
    f = syn;
    f.dst_port++;
    gives(s, f);
    said(s, 0);
    f = syn;
    f.kind = FRAME_UDP;
    gives(s, f);
    said(s, 0);
    n = frame_build(&syn, frame);
    frame[n - 1] ^= 1;    /* the urgent pointer: the checksum is wrong */
    guest_frame(&s->g, frame, n, hears, s);
    said(s, 0);
    frame[n - 1] ^= 1;
    for (size_t part = 0; part < n; part++)
        guest_frame(&s->g, frame, part, hears, s);
    said(s, 0);
    guest_frame(&s->g, frame, n, hears, s);
    said(s, 1);
}

/* To another guest: the pages in the log, which is then empty. */
static void tell(struct side *s, struct side *t)
{
    for (size_t i = 0; i < PAGES; i++)
        if (s->g.dirty[0] >> i & 1)
            memcpy(t->g.ram + i * GUEST_PAGE, s->g.ram + i * GUEST_PAGE,
                   GUEST_PAGE);
    s->g.dirty[0] = 0;
    assert_memory_equal(s->g.ram, t->g.ram, PAGES * GUEST_PAGE);
}

/* Of what was written, the log has every page; a guest that gets those goes
   on in the middle of a line. */
static void all_of_a_connection_is_in_memory(void **state)
{
    struct side *s = *state, *t = NULL;
    char line[401] = "";
    uint32_t at = 0;

    assert_int_equal(side_setup((void **)&t), 0);
    memset(line, 'x', sizeof(line) - 1);
    tell(s, t);
    for (unsigned int i = 0; i < GUEST_CONNS; i++) {
        at = connects(s, i);
        tell(s, t);
        gives(s, from_peer(i, PEER_SEQ + 1, at, ACK_PSH, "X 3"));
        tell(s, t);
        gives(s, from_peer(i, PEER_SEQ + 4, at, ACK_PSH, line));
        tell(s, t);
    }
    for (unsigned int i = 0; i < GUEST_CONNS; i++) {
        gives(t, from_peer(i, PEER_SEQ + 404, at, ACK_PSH, "\n"));
        said(t, 1);
        frame_is(t, 0, at, PEER_SEQ + 405, ACK_PSH,
                 "E W N TEXT, R, C N, D or T\n");
    }
    side_teardown((void **)&t);
}

static void a_reset_forgets_connections_alone(void **state)
{
    struct side *s = *state;
    uint32_t at = connects(s, 1);

    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "W 3 x\nW"));
    memset(s->g.dirty, 0, PAGES / 64 * sizeof(*s->g.dirty));
    guest_reset_connections(&s->g);
    assert_int_equal(s->g.dirty[0], 0x1ffull << (guest_table(&s->g) /
                                                 GUEST_PAGE));
    gives(s, from_peer(1, PEER_SEQ + 8, 99, ACK_PSH, " 4 x\n"));
    said(s, 1);
    frame_is(s, 0, 99, 0, TCP_RST, "");
    at = connects(s, 1);
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "C 3\n"));
    frame_is(s, 0, at, PEER_SEQ + 5, ACK_PSH, "Y 3\n");
}

/* @draw cuts the answer to C 3 so that @first octets come first. */
static void cut(struct side *s, uint64_t draw, size_t first)
{
    uint32_t at = connects(s, 1);
    char text[8] = NO;

    s->draw = draw;
    gives(s, from_peer(1, PEER_SEQ + 1, at, ACK_PSH, "C 3\n"));
    said(s, 2);
    text[first] = '\0';
    frame_is(s, 0, at, PEER_SEQ + 5, ACK_PSH, text);
    frame_is(s, 1, at + (uint32_t)first, PEER_SEQ + 5, ACK_PSH, &NO[first]);
}

static void an_answer_is_cut_where_outside_says(void **state)
{
    cut(*state, 0x001, 1);
    cut(*state, 0x101, 2);
    cut(*state, 0x201, 3);
    cut(*state, 0x301, 1);
}

static void without_an_outside_it_says_zero(void **state)
{
    struct side *s = *state;
    char answer[GUEST_LINE];

    guest_request(&s->g, "D", answer);
    assert_string_equal(answer, "D 4\n");
    guest_request(&s->g, "T", answer);
    assert_string_equal(answer, "T 4\n");
    s->g.outside = NULL;
    guest_request(&s->g, "D", answer);
    assert_string_equal(answer, "D 0\n");
    guest_request(&s->g, "T", answer);
    assert_string_equal(answer, "T 0\n");
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, side_setup, side_teardown)
    const struct CMUnitTest tests[] = {
        T(its_first_number_comes_from_outside),
        T(the_same_syn_has_the_same_answer),
        T(a_handshake_ends_with_the_right_number),
        T(a_request_comes_in_parts),
        T(a_segment_has_two_requests),
        T(an_old_segment_and_a_gap_are_acknowledged_only),
        T(a_fin_is_answered_and_ends_it),
        T(an_rst_ends_it_without_a_word),
        T(a_full_table_takes_nobody_until_there_is_room),
        T(a_line_without_end_ends_it),
        T(what_is_not_for_it_is_ignored),
        T(all_of_a_connection_is_in_memory),
        T(a_reset_forgets_connections_alone),
        T(an_answer_is_cut_where_outside_says),
        T(without_an_outside_it_says_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
