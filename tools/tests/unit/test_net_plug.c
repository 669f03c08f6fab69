/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The plug backend on the running kernel: what it holds and releases.
 * Where the kernel has no sch_plug these are skipped; the lab runs them in
 * a dom0. What it leaves behind and refuses: test_net_refuse.c.
 */
#include "net_world.h"

#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* ---- holding and releasing ------------------------------------------- */

static void attach_and_detach_let_traffic_flow(void **state)
{
    (void)state;
    ATTACH();
    assert_int_not_equal(if_nametoindex("colo7.0"), 0);
    send_frames(5);
    expect_frames(5);
    ops->detach(w.net);
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    send_frames(5);
    expect_frames(5);
    ATTACH();
    ops->detach(w.net);
}

static void hold_holds_and_release_all_frees_in_order(void **state)
{
    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(200);
    expect_silence();
    OK(ops->release_all(w.net, &e));
    OK(ops->release_all(w.net, &e));
    send_frames(5);
    expect_frames(205);
    ops->detach(w.net);
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    send_frames(5);
    expect_frames(5);
}

static void epochs_are_released_exactly(void **state)
{
    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(7);
    OK(ops->mark(w.net, &e));
    send_frames(3);              /* epoch 2, before 1 is released */
    expect_silence();
    OK(ops->release_epoch(w.net, &e));
    send_frames(2);              /* epoch 2, after it */
    expect_frames(7);
    expect_silence();
    OK(ops->mark(w.net, &e));
    expect_silence();
    OK(ops->release_epoch(w.net, &e));
    expect_frames(5);
    OK(ops->mark(w.net, &e));    /* an epoch without packets */
    OK(ops->release_epoch(w.net, &e));
    send_frames(1);
    expect_silence();
    OK(ops->release_all(w.net, &e));
    expect_frames(1);
    ops->detach(w.net);
}

static double now_us(void)
{
    return (double)clock_ns() / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void many_epochs_are_exact(void **state)
{
    enum { EPOCHS = 500, EACH = 4 };
    static double us[EPOCHS];
    int i;

    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(EACH);
    for (i = 0; i < EPOCHS; i++) {
        double t = now_us();

        OK(ops->mark(w.net, &e));
        us[i] = now_us() - t;
        send_frames(EACH);
        t = now_us();
        OK(ops->release_epoch(w.net, &e));
        us[i] += now_us() - t;
        expect_frames(EACH);
        assert_int_equal(see(w.outside, 0), -1);
    }
    qsort(us, EPOCHS, sizeof(us[0]), by_size);
    print_message("mark+release us: median=%.1f p99=%.1f max=%.1f\n",
                  us[EPOCHS / 2], us[EPOCHS * 99 / 100], us[EPOCHS - 1]);
    OK(ops->release_all(w.net, &e));
    expect_frames(EACH);
    ops->detach(w.net);
}

struct stream {
    atomic_bool stop;
    uint32_t sent;
};

static void *stream_main(void *arg)
{
    struct timespec pause = { .tv_nsec = 20000 };
    struct stream *s = arg;

    while (!atomic_load(&s->stop)) {
        put_frame(w.guest, s->sent++, FRAME_BYTES);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void no_transition_loses_a_packet(void **state)
{
    struct timespec pause = { .tv_nsec = 3000000 };
    struct stream s = { .sent = 0 };
    uint32_t late = 0, seen = 0;
    pthread_t thread;
    bool *got;
    int64_t number, newest = -1;
    int round, i;

    (void)state;
    ATTACH();
    ops->detach(w.net);
    assert_int_equal(pthread_create(&thread, NULL, stream_main, &s), 0);
    for (round = 0; round < 20; round++) {
        ATTACH();
        nanosleep(&pause, NULL);
        OK(ops->hold(w.net, &e));
        for (i = 0; i < 5; i++) {
            nanosleep(&pause, NULL);
            OK(ops->mark(w.net, &e));
            nanosleep(&pause, NULL);
            OK(ops->release_epoch(w.net, &e));
        }
        OK(ops->release_all(w.net, &e));
        nanosleep(&pause, NULL);
        ops->detach(w.net);
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    got = calloc(s.sent, sizeof(*got));
    assert_non_null(got);
    while ((number = see(w.outside, seen < s.sent ? ARRIVE_MS : 0)) >= 0) {
        assert_true(number < s.sent && !got[number]);
        got[number] = true;
        seen++;
        late += number < newest;
        newest = number > newest ? number : newest;
    }
    free(got);
    print_message("sent=%u seen=%u late=%u\n", s.sent, seen, late);
    assert_int_equal(seen, s.sent);
}

static void stats_count_held_sent_and_dropped(void **state)
{
    struct net_stats s;
    unsigned int i, full = PATH_HELD_LIMIT_BYTES / FRAME_BIG_BYTES;

    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(10);
    OK(ops->stats(w.net, &s, &e));
    assert_int_equal(s.held_packets, 10);
    assert_int_equal(s.held_bytes, 10 * FRAME_BYTES);
    assert_int_equal(s.sent_packets, 0);
    OK(ops->mark(w.net, &e));
    send_frames(4);
    OK(ops->release_epoch(w.net, &e));
    expect_frames(10);
    OK(ops->stats(w.net, &s, &e));
    assert_int_equal(s.held_packets, 4);
    assert_int_equal(s.sent_packets, 10);
    assert_int_equal(s.dropped_packets, 0);
    for (i = 0; i < full + 100; i++)
        put_frame(w.guest, 0, FRAME_BIG_BYTES);
    OK(ops->stats(w.net, &s, &e));
    assert_in_range(s.held_bytes, PATH_HELD_LIMIT_BYTES - FRAME_BIG_BYTES,
                    PATH_HELD_LIMIT_BYTES);
    assert_in_range(s.dropped_packets, 90, 110);
    assert_int_equal(s.sent_packets, 10);
    OK(ops->release_all(w.net, &e));
    ops->detach(w.net);
}

static void emulated_card_is_held_too(void **state)
{
    int tap;

    (void)state;
    NEED_WORLD();
    add_wire("gst-emu", "vif7.0-emu", "br0");
    tap = open_tap("gst-emu", ETHERTYPE_TEST);
    await_flow(tap, guest_mac, w.outside);
    ATTACH();
    OK(ops->hold(w.net, &e));
    put_frame(tap, 0, FRAME_BYTES);
    expect_silence();
    OK(ops->mark(w.net, &e));
    OK(ops->release_epoch(w.net, &e));
    expect_frames(1);
    OK(ops->release_all(w.net, &e));
    ops->detach(w.net);
    assert_int_equal(if_nametoindex("colo7.0-emu"), 0);
    close(tap);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(attach_and_detach_let_traffic_flow),
        T(hold_holds_and_release_all_frees_in_order),
        T(epochs_are_released_exactly),
        T(many_epochs_are_exact),
        T(no_transition_loses_a_packet),
        T(stats_count_held_sent_and_dropped),
        T(emulated_card_is_held_too),
    };

    return cmocka_run_group_tests_name("net_plug", tests, NULL, NULL);
}
