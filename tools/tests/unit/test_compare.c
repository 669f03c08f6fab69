/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The comparison of all but TCP, and its limits: time, room, flows.
 */
#include "compare_world.h"

static void datagrams_match_in_any_order(void **state)
{
    (void)state;
    P(udp("one"));
    P(udp("two"));
    S(udp("two"));
    LEFT(1);
    AT(0, udp("two"));
    S(udp("one"));
    LEFT(2);
    S(udp("three"));    /* the other way round */
    P(udp("three"));
    LEFT(3);
}

static void another_datagram_differs(void **state)
{
    (void)state;
    P(udp("one"));
    assert_int_equal(secondary(udp("uno")), COMPARE_DIFFERS);
    LEFT(0);
    compare_checkpoint(w.c);
    LEFT(1);
    S(udp("uno"));
    assert_int_equal(primary(udp("one")), COMPARE_DIFFERS);
    assert_int_equal(
        compare_stats(w.c)->kind[FRAME_UDP].why[COMPARE_DIFFERS], 2);
}

/* Each of them is a flow of its own. */
static void everything_else_is_compared_too(void **state)
{
    struct frame_spec f[8];
    size_t n = 0;

    (void)state;
    f[n] = udp("icmp");
    f[n].kind = FRAME_ICMP;
    f[n++].type = 8;
    f[n] = f[n - 1];
    f[n++].ip6 = true;
    f[n] = udp("");
    f[n].kind = FRAME_ARP;
    f[n++].arp_op = 1;
    f[n] = udp("igmp");
    f[n].kind = FRAME_IP;
    f[n++].protocol = 2;
    f[n] = udp("lldp");
    f[n].kind = FRAME_OTHER;
    f[n++].ether_type = 0x88cc;
    f[n] = udp("tagged");
    f[n].tags = 1;
    f[n++].tag[0] = 5;
    f[n] = udp("tagged twice");
    f[n].tags = 2;
    f[n].tag[0] = 5;
    f[n++].tag[1] = 6;
    f[n] = udp("six");
    f[n].ip6 = f[n].hop_by_hop = true;
    n++;
    for (size_t i = 0; i < n; i++)
        P(f[i]);
    LEFT(0);
    assert_int_equal(compare_stats(w.c)->flows, n);
    for (size_t i = 0; i < n; i++) {
        S(f[i]);
        LEFT(i + 1);
        AT(i, f[i]);
    }
    for (size_t i = 0; i < n; i++) {
        struct frame_spec other = f[i];

        if (other.kind == FRAME_ARP)
            other.arp_op = 2;
        else
            other.payload = (const uint8_t *)"another payload is here";
        end(NULL);
        begin(NULL);
        P(f[i]);
        assert_int_equal(secondary(other), COMPARE_DIFFERS);
    }
}

static void fragments_are_known_by_their_offset(void **state)
{
    struct frame_spec a = udp("sixteen octets!!"), b = a;

    (void)state;
    a.fragment = 0x2000;     /* more follow */
    b.fragment = 0x2004;
    P(a);
    P(b);
    S(b);
    S(a);
    LEFT(2);
    AT(0, b);
    P(a);
    assert_int_equal(secondary(b), COMPARE_DIFFERS);
}

static void what_waits_too_long_asks(void **state)
{
    uint64_t next;

    (void)state;
    assert_int_equal(compare_tick(w.c, w.now, &next), COMPARE_FINE);
    assert_true(next == UINT64_MAX);
    P(udp("one"));
    assert_int_equal(compare_tick(w.c, w.now + LATE_NS - 1, &next),
                     COMPARE_FINE);
    assert_true(next == w.now + LATE_NS);
    assert_int_equal(compare_tick(w.c, w.now + LATE_NS, &next),
                     COMPARE_LATE);
    LEFT(0);
    assert_int_equal(secondary(udp("one")), COMPARE_LATE);
    LEFT(0);    /* too late */
    compare_checkpoint(w.c);
    LEFT(1);
    S(udp("only the secondary's"));
    assert_int_equal(compare_tick(w.c, w.now + LATE_NS, &next),
                     COMPARE_LATE);
    assert_int_equal(
        compare_stats(w.c)->kind[FRAME_UDP].why[COMPARE_LATE], 2);
}

static void too_much_asks_and_loses_nothing(void **state)
{
    char text[16];

    (void)state;
    end(NULL);
    begin_with(8, 64);
    for (int i = 0; i < 16; i++) {
        struct frame_spec f;

        snprintf(text, sizeof(text), "%d", i);
        f = udp(text);
        f.src_port = (uint16_t)(1000 + i % 3);
        assert_int_equal(primary(f), i < 8 ? COMPARE_FINE : COMPARE_FULL);
    }
    assert_int_equal(compare_stats(w.c)->dropped, 0);
    assert_int_equal(primary(udp("too much")), COMPARE_FULL);
    assert_int_equal(compare_stats(w.c)->dropped, 1);
    compare_checkpoint(w.c);
    LEFT(16);
    for (size_t i = 0; i < 16; i++)    /* as they came */
        assert_int_equal(atoi((char *)w.left[i].data + 42), i);
    assert_int_equal(
        compare_stats(w.c)->kind[FRAME_UDP].why[COMPARE_FULL], 1);
    P(udp("room again"));
    S(udp("room again"));
    LEFT(17);
}

static void the_secondarys_surplus_is_bounded(void **state)
{
    char text[16];

    (void)state;
    end(NULL);
    begin_with(8, 64);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(secondary(udp(text)),
                         i < 8 ? COMPARE_FINE : COMPARE_FULL);
    }
    assert_int_equal(compare_stats(w.c)->surplus, 12);
    assert_int_equal(compare_stats(w.c)->packets, 8);
}

static void an_idle_flow_makes_room(void **state)
{
    struct frame_spec f = udp("x");

    (void)state;
    end(NULL);
    begin_with(0, 16);
    f.src_port = 1;
    P(f);    /* it waits, so it stays */
    for (uint16_t i = 2; i < 200; i++) {
        f.src_port = i;
        P(f);
        S(f);
    }
    LEFT(198);
    assert_int_equal(compare_stats(w.c)->flows, 16);
    f.src_port = 1;
    S(f);
    LEFT(199);
}

static void flows_that_all_wait_ask(void **state)
{
    struct frame_spec f = udp("x");

    (void)state;
    end(NULL);
    begin_with(0, 16);
    for (uint16_t i = 0; i < 16; i++) {
        f.src_port = i;
        P(f);
    }
    f.src_port = 16;
    assert_int_equal(primary(f), COMPARE_FULL);
    assert_int_equal(secondary(f), COMPARE_FULL);
    LEFT(0);
    compare_checkpoint(w.c);
    LEFT(17);
    AT(16, f);
}

static void alone_all_goes_out(void **state)
{
    (void)state;
    P(udp("one"));
    compare_alone(w.c);
    LEFT(1);
    P(udp("two"));
    P(tcp(5, 6, TCP_ACK, "three"));
    LEFT(3);
    S(udp("late news"));
    LEFT(3);
}

/* The copy may be overwritten then, and not know what it said. */
static void what_a_copy_said_is_void_once_a_checkpoint_begins(void **state)
{
    (void)state;
    S(udp("said"));
    S(tcp(7, 1, TCP_SYN | TCP_ACK, ""));
    compare_hold(w.c);
    P(udp("said"));
    P(tcp(5, 1, TCP_SYN | TCP_ACK, ""));
    P(udp("new"));
    S(udp("new"));
    LEFT(0);
    compare_checkpoint(w.c);
    LEFT(3);
    P(udp("same"));
    S(udp("same"));
    LEFT(4);
}

static void garbage_is_compared_by_its_octets(void **state)
{
    uint8_t data[64] = { 0 };

    (void)state;
    memset(data + 12, 0x45, 20);
    put_be16(data + 12, 0x0800);    /* IPv4, which it isn't */
    for (size_t n = 0; n <= sizeof(data); n++) {
        assert_int_equal(compare_primary(w.c, data, n, w.now), COMPARE_FINE);
        assert_int_equal(compare_secondary(w.c, data, n, w.now),
                         COMPARE_FINE);
        LEFT(n + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(datagrams_match_in_any_order), TEST(another_datagram_differs),
        TEST(everything_else_is_compared_too),
        TEST(fragments_are_known_by_their_offset),
        TEST(what_waits_too_long_asks), TEST(too_much_asks_and_loses_nothing),
        TEST(the_secondarys_surplus_is_bounded),
        TEST(an_idle_flow_makes_room), TEST(flows_that_all_wait_ask),
        TEST(alone_all_goes_out),
        TEST(what_a_copy_said_is_void_once_a_checkpoint_begins),
        TEST(garbage_is_compared_by_its_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
