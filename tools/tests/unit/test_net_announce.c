/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Names, the announcement after a takeover, and the backend that holds
 * nothing. Needs no sch_plug.
 */
#include "net_world.h"

#include "announce.h"
#include "bytes.h"

static void ifb_names_are_short_and_distinct(void **state)
{
    char name[IFNAMSIZ], other[IFNAMSIZ];

    (void)state;
    path_ifb_name("vif5.0", name);
    assert_string_equal(name, "colo5.0");
    path_ifb_name("vif32751.12-emu", name);
    assert_true(strlen(name) < IFNAMSIZ);
    path_ifb_name("5.0", name);
    assert_string_equal(name, "colo-5.0");
    path_ifb_name("averylongname01", name);
    path_ifb_name("averylongname02", other);
    assert_string_not_equal(name, other);
    assert_int_equal(strlen(name), 13);
}

static void frame_is_a_reverse_arp_about_the_guest(void **state)
{
    static const uint8_t want[ANNOUNCE_FRAME_BYTES] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x16, 0x3e, 1, 2, 3,
        0x80, 0x35, 0, 1, 0x08, 0, 6, 4, 0, 3,
        0x00, 0x16, 0x3e, 1, 2, 3, 0, 0, 0, 0,
        0x00, 0x16, 0x3e, 1, 2, 3, 0, 0, 0, 0,
    };
    uint8_t frame[ANNOUNCE_FRAME_BYTES];

    (void)state;
    announce_frame(guest_mac, frame);
    assert_memory_equal(frame, want, sizeof(want));
}

/* The bridge believes the guest to be outside; after the announcement a
   frame from there for the guest reaches it, and the frame was seen. */
static void announcement_moves_the_guest_here(void **state)
{
    uint8_t frame[FRAME_BYTES] = { 0x00, 0x16, 0x3e, 1, 2, 3, 0x02, 7 };
    uint8_t want[ANNOUNCE_FRAME_BYTES], seen[ANNOUNCE_FRAME_BYTES + 64];
    struct pollfd pfd = { .events = POLLIN };

    (void)state;
    NEED_WORLD();
    put_be16(frame + 12, ETHERTYPE_TEST);
    put_frame(w.outside, 1, FRAME_BYTES);    /* bears the guest's address */
    assert_int_equal(see(w.guest, ARRIVE_MS), 1);
    assert_int_equal(send(w.outside, frame, FRAME_BYTES, 0), FRAME_BYTES);
    assert_int_equal(see(w.guest, SILENCE_MS), -1);
    pfd.fd = open_tap("out", 0x8035);
    OK(net_plug_ops.announce(&w.info, &e));
    assert_int_equal(poll(&pfd, 1, ARRIVE_MS), 1);
    assert_int_equal(recv(pfd.fd, seen, sizeof(seen), 0), sizeof(want));
    announce_frame(guest_mac, want);
    assert_memory_equal(seen, want, sizeof(want));
    assert_int_equal(poll(&pfd, 1, SILENCE_MS), 0);    /* once a call */
    assert_int_equal(send(w.outside, frame, FRAME_BYTES, 0), FRAME_BYTES);
    assert_int_equal(see(w.guest, ARRIVE_MS), 0);
    close(pfd.fd);
}

static void announcement_skips_a_missing_bridge(void **state)
{
    (void)state;
    NEED_WORLD();
    snprintf(w.info.vifs[0].bridge, sizeof(w.info.vifs[0].bridge), "xenbr9");
    OK(net_plug_ops.announce(&w.info, &e));
    OK(net_none_ops.announce(&w.info, &e));
    w.info.vifs[0].bridge[0] = '\0';
    OK(net_plug_ops.announce(&w.info, &e));
}

static void none_holds_nothing(void **state)
{
    struct net *n = NULL;

    (void)state;
    NEED_WORLD();
    OK(net_none_ops.attach(&w.info, NULL, &n, &e));
    assert_non_null(n);
    OK(net_none_ops.hold(n, &e));
    send_frames(2);
    expect_frames(2);
    net_none_ops.detach(n);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(ifb_names_are_short_and_distinct),
        T(frame_is_a_reverse_arp_about_the_guest),
        T(announcement_moves_the_guest_here),
        T(announcement_skips_a_missing_bridge),
        T(none_holds_nothing),
    };

    return cmocka_run_group_tests_name("net_announce", tests, NULL, NULL);
}
