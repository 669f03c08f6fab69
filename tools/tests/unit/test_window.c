/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The bound of what is under way: over slow and fast paths, long and short
 * ones, and against a peer that reports what can't be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "window.h"

#define MS ((uint64_t)1000000)
#define SILENCE (1000 * MS)
#define WAIT (SILENCE / 4)

/*
 * A path: octets leave it one after another at a rate, and are reported
 * after the time that light takes both ways. In steps of a millisecond.
 */
struct path {
    uint64_t rate;             /* octets in a millisecond */
    unsigned int light_ms;
    uint64_t sent, out;        /* of the stream: entered, left */
    uint64_t left_at[1000];    /* out, as it was so many steps ago */
    uint64_t most_ns;          /* the longest that an octet had to wait */
    uint64_t now_ns;
};

static void step(struct path *p, struct window *w)
{
    uint64_t room = window_room(w, p->sent, p->now_ns), queued;
    size_t at = (size_t)(p->now_ns / MS) % 1000;

    p->sent += room;
    window_sent(w, p->sent, p->now_ns);
    assert_true(window_room(w, p->sent, p->now_ns) == 0);
    queued = p->sent - p->out;
    if (queued / p->rate * MS > p->most_ns)
        p->most_ns = queued / p->rate * MS;
    p->out += queued < p->rate ? queued : p->rate;
    p->left_at[at] = p->out;
    p->now_ns += MS;
    assert_int_equal(window_received(w, p->left_at[(at + 1000 - p->light_ms)
                                                   % 1000],
                                     p->sent, p->now_ns, NULL), 0);
}

/* What leaves a path in @ms, of what could. */
static double used(struct path *p, struct window *w, unsigned int ms)
{
    uint64_t before = p->out;

    p->most_ns = 0;
    for (unsigned int i = 0; i < ms; i++)
        step(p, w);
    return (double)(p->out - before) / (double)(p->rate * ms);
}

static void begin(struct path *p, struct window *w, uint64_t rate,
                  unsigned int light_ms)
{
    memset(p, 0, sizeof(*p));
    p->rate = rate;
    p->light_ms = light_ms;
    window_init(w, SILENCE);
    assert_true(window_room(w, 1ull << 50, 0) == UINT64_MAX);
    /* A first octet, alone: what the way takes by itself. */
    p->sent = p->out = 1;
    window_sent(w, 1, 1000 * MS);
    p->now_ns = (1000 + light_ms + 1) * MS;
    assert_int_equal(window_received(w, 1, 1, p->now_ns, NULL), 0);
    for (size_t i = 0; i < 1000; i++)
        p->left_at[i] = 1;
}

static void a_slow_path_is_kept_busy_and_short(void **state)
{
    static const unsigned int light[] = { 0, 20, 300 };
    struct window w;
    struct path p;

    (void)state;
    for (size_t i = 0; i < sizeof(light) / sizeof(light[0]); i++) {
        begin(&p, &w, 1000, light[i]);    /* 1 MB/s */
        used(&p, &w, 5000);
        assert_true(used(&p, &w, 20000) > 0.9);
        assert_true(p.most_ns <= 2 * WAIT);
    }
}

static void a_fast_path_isnt_bounded(void **state)
{
    struct window w;
    struct path p;

    (void)state;
    begin(&p, &w, 1000000, 20);    /* 1 GB/s: 20 MB are on a way of 20 ms */
    used(&p, &w, 1000);
    assert_true(used(&p, &w, 1000) > 0.99);
    begin(&p, &w, 100000, 0);
    used(&p, &w, 100);
    assert_true(used(&p, &w, 1000) > 0.99);
}

static void a_path_that_becomes_slow_is_emptied(void **state)
{
    struct window w;
    struct path p;

    (void)state;
    begin(&p, &w, 100000, 1);
    used(&p, &w, 1000);
    p.rate = 1000;
    used(&p, &w, 120000);    /* the 64 MB under way take 64 s */
    assert_true(used(&p, &w, 20000) > 0.9);
    assert_true(p.most_ns <= 2 * WAIT);
    p.rate = 100000;
    used(&p, &w, 1000);
    assert_true(used(&p, &w, 1000) > 0.99);
}

/* All that was let onto a path is gone soon when it falls to a 60th. */
static void a_fall_at_full_use_is_short(void **state)
{
    static const uint64_t rate[] = { 1000000, 120000, 60000 };
    struct window w;
    struct path p;

    (void)state;
    for (size_t i = 0; i < sizeof(rate) / sizeof(rate[0]); i++) {
        for (unsigned int light = 0; light < 3; light++) {
            begin(&p, &w, rate[i], light);
            used(&p, &w, 5000);
            assert_true(used(&p, &w, 1000) > 0.99);
            p.rate /= 60;
            used(&p, &w, 5000);
            assert_true(p.most_ns <= SILENCE / 4 + 60 * window_way_ns(&w));
        }
    }
}

/* A few that came soon are no reason to let a full window's worth follow. */
static void few_octets_tell_a_low_rate(void **state)
{
    struct window w;
    uint64_t now = 1000 * MS, sent = 1;

    (void)state;
    window_init(&w, SILENCE);
    window_sent(&w, sent, now);
    now += 2 * MS;
    assert_int_equal(window_received(&w, sent, sent, now, NULL), 0);
    sent += 10000;
    window_sent(&w, sent, now);
    sent += window_room(&w, sent, now);
    window_sent(&w, sent, now);
    assert_true(window_room(&w, sent, now) == 0);
    assert_int_equal(window_received(&w, 10001, sent, now + 2 * MS, NULL), 0);
    assert_true(w.size == WINDOW_START);
}

/* Octets that went out before tell no way from when the next may. */
static void a_way_is_of_what_was_just_sent(void **state)
{
    struct window w;

    (void)state;
    window_init(&w, SILENCE);
    window_sent(&w, 1000, 10 * MS);
    window_sent(&w, 2000, 11 * MS);
    assert_int_equal(window_received(&w, 1000, 2000, 30 * MS, NULL), 0);
    window_sent(&w, 2000, 30 * MS);
    assert_int_equal(window_received(&w, 2000, 2000, 31 * MS, NULL), 0);
    assert_true(window_way_ns(&w) == 20 * MS);
}

/* Not all that a fast path took before: it might be slow now. */
static void who_was_idle_begins_small(void **state)
{
    struct window w;
    struct path p;

    (void)state;
    begin(&p, &w, 1000000, 1);
    used(&p, &w, 1000);
    assert_true(w.size >= 8 * WINDOW_START);
    p.now_ns += WAIT;
    assert_int_equal(window_received(&w, p.sent, p.sent, p.now_ns, NULL), 0);
    assert_true(window_room(&w, p.sent, p.now_ns) == WINDOW_START);
}

/* Few octets now and then say nothing about what the path could take. */
static void who_sends_little_isnt_bounded_less(void **state)
{
    struct window w;
    uint64_t now = 1000 * MS, sent = 0;

    (void)state;
    window_init(&w, SILENCE);
    for (int i = 0; i < 100; i++) {
        sent += 1000;
        window_sent(&w, sent, now);
        now += 5 * MS;
        assert_int_equal(window_received(&w, sent, sent, now, NULL), 0);
    }
    assert_true(w.size == WINDOW_START);
}

static void reports_that_cant_be_are_refused(void **state)
{
    struct window w;
    struct err e;

    (void)state;
    window_init(&w, SILENCE);
    assert_int_equal(window_received(&w, 101, 100, MS, &e), ERR_PEER);
    assert_non_null(strstr(e.msg, "101 octets"));
    assert_int_equal(window_received(&w, 100, 100, MS, &e), 0);
    assert_int_equal(window_received(&w, 100, 100, MS, &e), 0);
    assert_int_equal(window_received(&w, 99, 100, MS, &e), ERR_PEER);
    assert_true(window_room(&w, 100, MS) == WINDOW_START);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_path_is_kept_busy_and_short),
        cmocka_unit_test(a_fast_path_isnt_bounded),
        cmocka_unit_test(a_path_that_becomes_slow_is_emptied),
        cmocka_unit_test(a_fall_at_full_use_is_short),
        cmocka_unit_test(few_octets_tell_a_low_rate),
        cmocka_unit_test(a_way_is_of_what_was_just_sent),
        cmocka_unit_test(who_was_idle_begins_small),
        cmocka_unit_test(who_sends_little_isnt_bounded_less),
        cmocka_unit_test(reports_that_cant_be_are_refused),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
