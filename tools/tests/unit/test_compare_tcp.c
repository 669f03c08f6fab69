/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The comparison of TCP: what leaves, in which order, and what asks for a
 * checkpoint. A random test prints its seed; SEED=N replays it.
 */
#include "compare_world.h"

#include <time.h>

/* ---- TCP ---------------------------------------------------------------- */

static void a_segment_waits_for_its_twin(void **state)
{
    (void)state;
    P(tcp(100, 1, TCP_ACK, "hello"));
    LEFT(0);
    S(tcp(100, 1, TCP_ACK, "hello"));
    LEFT(1);
    AT(0, tcp(100, 1, TCP_ACK, "hello"));
    S(tcp(105, 1, TCP_ACK, "world"));    /* the other way round */
    LEFT(1);
    P(tcp(105, 1, TCP_ACK, "world"));
    LEFT(2);
    assert_int_equal(compare_stats(w.c)->packets, 0);
    assert_int_equal(compare_stats(w.c)->kind[FRAME_TCP].matched, 2);
}

static void segments_may_be_cut_differently(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 1, TCP_ACK, "abc"));
    P(tcp(103, 1, TCP_ACK, "defgh"));
    S(tcp(104, 1, TCP_ACK, "efgh"));    /* its first part comes last */
    LEFT(0);
    S(tcp(100, 1, TCP_ACK | TCP_PSH, "abcd"));
    LEFT(2);
    AT(0, tcp(100, 1, TCP_ACK, "abc"));
    AT(1, tcp(103, 1, TCP_ACK, "defgh"));
    assert_int_equal(compare_stats(w.c)->packets, 0);
}

static void other_octets_differ(void **state)
{
    struct frame_spec other = udp("other flow");

    (void)state;
    open_stream(100, 1);
    P(tcp(100, 1, TCP_ACK, "abc"));
    P(tcp(103, 1, TCP_ACK, "def"));
    assert_int_equal(secondary(tcp(100, 1, TCP_ACK, "abcdxf")),
                     COMPARE_DIFFERS);
    assert_int_equal(primary(tcp(106, 1, TCP_ACK, "ghi")), COMPARE_DIFFERS);
    assert_int_equal(secondary(tcp(106, 1, TCP_ACK, "ghi")),
                     COMPARE_DIFFERS);
    LEFT(1);    /* what was equal */
    AT(0, tcp(100, 1, TCP_ACK, "abc"));
    primary(other);
    secondary(other);
    LEFT(2);    /* others go on */
    compare_checkpoint(w.c);
    LEFT(4);
    AT(2, tcp(103, 1, TCP_ACK, "def"));
    AT(3, tcp(106, 1, TCP_ACK, "ghi"));
    assert_int_equal(
        compare_stats(w.c)->kind[FRAME_TCP].why[COMPARE_DIFFERS], 1);
    P(tcp(109, 1, TCP_ACK, "j"));
    S(tcp(109, 1, TCP_ACK, "j"));
    LEFT(5);
}

static void no_acknowledgement_leaves_before_the_secondarys(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 50, TCP_ACK, "abc"));
    S(tcp(100, 49, TCP_ACK, "abc"));
    LEFT(0);
    P(tcp(103, 50, TCP_ACK, ""));
    S(tcp(103, 51, TCP_ACK, ""));
    LEFT(2);
    P(tcp(103, 51, TCP_ACK, ""));
    LEFT(3);
}

static void a_syn_has_any_number(void **state)
{
    (void)state;
    P(tcp(1000, 0, TCP_SYN, ""));
    LEFT(0);
    S(tcp(777, 0, TCP_SYN, ""));
    LEFT(1);
    P(tcp(1000, 0, TCP_SYN, ""));    /* again: its twin isn't needed */
    LEFT(2);
    P(tcp(1001, 9, TCP_ACK, "data"));
    S(tcp(1001, 9, TCP_ACK, "data"));
    LEFT(3);
}

static void a_syn_answers_the_same_syn(void **state)
{
    (void)state;
    S(tcp(777, 5, TCP_SYN | TCP_ACK, ""));
    P(tcp(1000, 6, TCP_SYN | TCP_ACK, ""));
    LEFT(0);
    S(tcp(777, 7, TCP_SYN | TCP_ACK, ""));
    LEFT(0);
    S(tcp(777, 6, TCP_SYN | TCP_ACK, ""));
    LEFT(1);
    /* The same ports again, later. */
    P(tcp(5000, 90, TCP_SYN | TCP_ACK, ""));
    LEFT(1);
    S(tcp(333, 90, TCP_SYN | TCP_ACK, ""));
    LEFT(2);
    P(tcp(5001, 90, TCP_ACK, "x"));
    S(tcp(5001, 90, TCP_ACK, "x"));
    LEFT(3);
}

static void what_waits_twice_is_compared_twice(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(102, 1, TCP_ACK, "xy"));    /* ahead, and not what it says later */
    P(tcp(100, 1, TCP_ACK, "abcd"));
    assert_int_equal(secondary(tcp(100, 1, TCP_ACK, "abcd")),
                     COMPARE_DIFFERS);
    LEFT(0);
}

static void a_retransmission_leaves_at_once(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 1, TCP_ACK, "abc"));
    S(tcp(100, 1, TCP_ACK, "abc"));
    P(tcp(100, 1, TCP_ACK, "abc"));
    P(tcp(102, 1, TCP_ACK, "c"));
    LEFT(3);
    S(tcp(100, 1, TCP_ACK, "abc"));    /* and the secondary's is no news */
    assert_int_equal(compare_stats(w.c)->packets, 0);
}

static void a_fin_needs_a_fin_at_its_place(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 1, TCP_ACK | TCP_FIN, "abc"));
    S(tcp(100, 1, TCP_ACK, "abc"));
    LEFT(0);
    S(tcp(103, 1, TCP_ACK | TCP_FIN, ""));
    LEFT(1);
    P(tcp(103, 1, TCP_ACK | TCP_FIN, ""));
    LEFT(2);
}

static void more_than_a_fin_differs(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 1, TCP_ACK | TCP_FIN, "abc"));
    assert_int_equal(secondary(tcp(100, 1, TCP_ACK, "abcd")),
                     COMPARE_DIFFERS);
    compare_checkpoint(w.c);
    end(NULL);
    begin(NULL);
    open_stream(100, 1);
    S(tcp(100, 1, TCP_ACK | TCP_FIN, "abc"));
    assert_int_equal(primary(tcp(100, 1, TCP_ACK, "abcd")),
                     COMPARE_DIFFERS);
}

static void each_rst_needs_its_own(void **state)
{
    (void)state;
    P(tcp(0, 5, TCP_RST | TCP_ACK, ""));
    LEFT(0);
    S(tcp(0, 5, TCP_RST | TCP_ACK, ""));
    LEFT(1);
    P(tcp(0, 6, TCP_RST | TCP_ACK, ""));
    LEFT(1);
    S(tcp(0, 6, TCP_RST | TCP_ACK, ""));
    LEFT(2);
}

static void numbers_wrap(void **state)
{
    (void)state;
    open_stream(0xfffffffe, 0xfffffff0);
    P(tcp(0xfffffffe, 5, TCP_ACK, "abcdef"));
    S(tcp(0xfffffffe, 0xffffffff, TCP_ACK, "abc"));
    S(tcp(1, 0xffffffff, TCP_ACK, "def"));
    LEFT(0);
    S(tcp(4, 5, TCP_ACK, ""));
    LEFT(1);
    P(tcp(4, 4, TCP_ACK | TCP_FIN, ""));
    S(tcp(4, 5, TCP_ACK | TCP_FIN, ""));
    LEFT(2);
}

static void a_checkpoint_makes_them_the_same(void **state)
{
    (void)state;
    open_stream(100, 1);
    P(tcp(100, 60, TCP_ACK, "abc"));
    S(tcp(100, 2, TCP_ACK, "ab"));
    LEFT(0);
    compare_checkpoint(w.c);
    LEFT(1);
    P(tcp(100, 60, TCP_ACK, "abc"));    /* it retransmits, alone */
    P(tcp(103, 60, TCP_ACK, ""));
    LEFT(3);
    P(tcp(103, 61, TCP_ACK, "def"));
    LEFT(3);
    S(tcp(103, 61, TCP_ACK, "def"));
    LEFT(4);
}

/* One stream, each copy's cut, delayed and repeated in its own way. */
static void any_cut_of_the_same_stream_is_equal(void **state)
{
    const char *given = getenv("SEED");
    unsigned int seed = given ? (unsigned int)atoi(given) : 1;
    char text[1024];

    (void)state;
    print_message("# SEED=%u\n", seed);
    srand(seed);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + rand() % 26);
    text[sizeof(text) - 1] = '\0';
    for (int round = 0; round < 100; round++) {
        uint32_t base = (uint32_t)rand() * 2u + 0xffff0000u, at[2] = { 0, 0 };

        end(NULL);
        begin(NULL);
        open_stream(base, 7);
        while (at[0] < 1000 || at[1] < 1000) {
            int side = rand() % 2;
            uint32_t from = at[side], n = 1 + (uint32_t)rand() % 100;
            char part[128] = "";

            if (from >= 1000)
                continue;
            if (rand() % 8 == 0)
                from -= from < 50 ? from : 50;    /* once more */
            if (from + n > 1000)
                n = 1000 - from;
            memcpy(part, text + from, n);
            if (side)
                S(tcp(base + from, 7, TCP_ACK, part));
            else
                P(tcp(base + from, 7, TCP_ACK, part));
            if (from + n > at[side])
                at[side] = from + n;
        }
        assert_int_equal(compare_stats(w.c)->packets, 0);
        assert_int_equal(compare_stats(w.c)->kind[FRAME_TCP].matched,
                         w.left_nr + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_segment_waits_for_its_twin),
        TEST(segments_may_be_cut_differently), TEST(other_octets_differ),
        TEST(no_acknowledgement_leaves_before_the_secondarys),
        TEST(a_syn_has_any_number), TEST(a_syn_answers_the_same_syn),
        TEST(what_waits_twice_is_compared_twice),
        TEST(a_retransmission_leaves_at_once),
        TEST(a_fin_needs_a_fin_at_its_place), TEST(more_than_a_fin_differs),
        TEST(each_rst_needs_its_own), TEST(numbers_wrap),
        TEST(a_checkpoint_makes_them_the_same),
        TEST(any_cut_of_the_same_stream_is_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
