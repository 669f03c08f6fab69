/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the epochs' figures come to: medians, and how long output waited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define MS ((uint64_t)1000000)

static struct epoch_stats s;

static int set_up(void **state)
{
    (void)state;
    return stats_init(&s, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    stats_dispose(&s);
    return 0;
}

static void add(uint64_t run_ms, uint64_t hold_ms)
{
    struct colo_epoch ep = { .run_ns = run_ms * MS, .hold_ns = hold_ms * MS };

    stats_add(&s, &ep);
}

static void delay_is_nothing_while_nothing_is_held(void **state)
{
    (void)state;
    assert_int_equal(stats_delay(&s).median_ns, 0);
    add(100, 0);
    add(0, 7);
    assert_int_equal(stats_delay(&s).median_ns, 0);
    assert_string_equal(stats_delay(&s).set_by, "");
}

/* Said at a moment of 80 ms, and held for 20 ms more: 20 to 100 ms. */
static void delay_is_half_the_run_and_the_hold(void **state)
{
    struct colo_delay d;

    (void)state;
    for (int i = 0; i < 100; i++)
        add(80, 20);
    d = stats_delay(&s);
    assert_in_range(d.median_ns, 55 * MS, 65 * MS);
    assert_in_range(d.p99_ns, 90 * MS, 100 * MS);
    assert_string_equal(d.set_by, "interval");
}

static void delay_of_a_longer_run_counts_more(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++)
        add(10, 5);    /* 90 ms in all, with 5 to 15 ms */
    add(900, 5);
    assert_true(stats_delay(&s).median_ns > 300 * MS);
}

static void delay_shows_a_rare_long_hold_in_p99_only(void **state)
{
    struct colo_delay d;

    (void)state;
    for (int i = 0; i < 96; i++)
        add(20, 10);
    for (int i = 0; i < 4; i++)
        add(20, 500);
    d = stats_delay(&s);
    assert_in_range(d.median_ns, 15 * MS, 25 * MS);
    assert_true(d.p99_ns >= 500 * MS);
}

static void delay_is_of_the_newest_epochs(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < STATS_SAMPLES_MAX; i++)
        add(1000, 1000);
    for (unsigned int i = 0; i < STATS_DELAY_EPOCHS; i++)
        add(10, 10);
    assert_true(stats_delay(&s).p99_ns <= 20 * MS);
}

static void delay_says_which_part_counts_most(void **state)
{
    static const struct {
        struct colo_epoch ep;
        const char *part;
    } cases[] = {
        { { .run_ns = 100, .hold_ns = 60, .pause_ns = 40, .send_ns = 10,
            .ready_ns = 10 }, "interval" },
        { { .run_ns = 100, .hold_ns = 90, .pause_ns = 60, .send_ns = 20,
            .ready_ns = 10 }, "pause" },
        { { .run_ns = 100, .hold_ns = 90, .pause_ns = 10, .send_ns = 60,
            .ready_ns = 20 }, "sending" },
        { { .run_ns = 100, .hold_ns = 90, .pause_ns = 10, .send_ns = 20,
            .ready_ns = 60 }, "acknowledgement" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        stats_dispose(&s);
        assert_int_equal(stats_init(&s, NULL), 0);
        stats_add(&s, &cases[i].ep);
        assert_string_equal(stats_delay(&s).set_by, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(delay_is_nothing_while_nothing_is_held),
        T(delay_is_half_the_run_and_the_hold),
        T(delay_of_a_longer_run_counts_more),
        T(delay_shows_a_rare_long_hold_in_p99_only),
        T(delay_is_of_the_newest_epochs),
        T(delay_says_which_part_counts_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
