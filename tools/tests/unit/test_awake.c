/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How long a guest is let run: the interval, or longer when it stops slowly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "awake.h"

#define MS 1000000ull

static void a_quick_guest_runs_for_the_interval(void **state)
{
    struct awake a = { 0 };

    (void)state;
    assert_int_equal(awake_after(&a, 100 * MS, 0), 100 * MS);
    assert_int_equal(awake_after(&a, 100 * MS, 5 * MS), 100 * MS);
}

static void a_slow_guest_runs_three_times_as_long_as_it_stops(void **state)
{
    struct awake a = { 0 };

    (void)state;
    assert_int_equal(awake_after(&a, 100 * MS, 50 * MS), 150 * MS);
    assert_int_equal(awake_after(&a, 100 * MS, 50 * MS), 150 * MS);
}

static void never_longer_than_four_intervals(void **state)
{
    struct awake a = { 0 };

    (void)state;
    assert_int_equal(awake_after(&a, 100 * MS, 900 * MS), 400 * MS);
}

static void one_slow_stop_counts_a_quarter(void **state)
{
    struct awake a = { 0 };

    (void)state;
    awake_after(&a, 100 * MS, 40 * MS);
    assert_int_equal(awake_after(&a, 100 * MS, 80 * MS), 150 * MS);
}

static void awake_least_is_without_an_interval(void **state)
{
    struct awake a = { 0 };

    (void)state;
    assert_int_equal(awake_least(&a), 0);
    awake_after(&a, 1000 * MS, 40 * MS);
    assert_int_equal(awake_least(&a), 120 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quick_guest_runs_for_the_interval),
        cmocka_unit_test(a_slow_guest_runs_three_times_as_long_as_it_stops),
        cmocka_unit_test(never_longer_than_four_intervals),
        cmocka_unit_test(one_slow_stop_counts_a_quarter),
        cmocka_unit_test(awake_least_is_without_an_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
