/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * When the dirty log is cleaned: few pages for nothing, whatever the guest
 * does. The guests here write a set of pages again and again, or new ones
 * each time, or stop writing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sweep.h"

/* What a log that is cleaned when the policy says so lists in all. */
struct log {
    struct sweep policy;
    size_t listed;      /* since its last cleaning */
    size_t sent, cleanings, looks;
};

static void start(struct log *l)
{
    *l = (struct log){ .listed = 0 };
    sweep_init(&l->policy);
}

/* An epoch in which the guest adds @fresh pages to those in the log, of
   which it writes @hot in each epoch. */
static void epoch(struct log *l, size_t hot, size_t fresh)
{
    bool cleans = l->policy.due;

    if (l->listed < hot)
        l->listed = hot;
    l->listed += fresh;
    l->looks++;
    l->sent += l->listed;
    sweep_saw(&l->policy, l->listed);
    if (cleans) {
        l->cleanings++;
        l->listed = 0;
    }
}

static void the_first_look_cleans(void **state)
{
    struct log l;

    (void)state;
    start(&l);
    epoch(&l, 1000, 0);
    assert_int_equal(l.cleanings, 1);
}

static void a_steady_set_is_cleaned_seldom(void **state)
{
    struct log l;

    (void)state;
    start(&l);
    for (int i = 0; i < 1700; i++)
        epoch(&l, 1000, 0);
    assert_int_equal(l.sent, 1700 * 1000);
    assert_in_range(l.cleanings, 1700 / (SWEEP_LOOKS_MAX + 1), 102);
}

static void a_slow_drift_costs_little(void **state)
{
    struct log l;

    (void)state;
    start(&l);
    for (int i = 0; i < 1700; i++)
        epoch(&l, 1000, 20);
    /* At most about one epoch's pages for nothing per cleaning. */
    assert_in_range(l.sent, 1700 * 1020, 1700 * 1020 * 5 / 4);
    assert_in_range(l.cleanings, 1, 1700 / 8);
}

/* The faults that follow a cleaning leave the guest time for a third of its
   pages in that epoch. */
static void a_guest_slowed_by_faults_is_left_alone(void **state)
{
    struct log l;
    bool cleaned = true;
    size_t before;

    (void)state;
    start(&l);
    for (int i = 0; i < 1700; i++) {
        before = l.cleanings;
        epoch(&l, cleaned ? 1200 : 3600, 0);
        cleaned = l.cleanings > before;
    }
    assert_in_range(l.cleanings, 90, 110);
}

static void new_pages_each_time_are_sent_once(void **state)
{
    struct log l;

    (void)state;
    start(&l);
    for (int i = 0; i < 1700; i++)
        epoch(&l, 0, 4000);
    assert_in_range(l.sent, 1700 * 4000, 1700 * 4000 / 3 * 4);
}

static void a_guest_that_rests_is_noticed(void **state)
{
    struct log l;
    size_t before;

    (void)state;
    start(&l);
    for (int i = 0; i < 40; i++)
        epoch(&l, 20000, 0);
    before = l.sent;
    for (int i = 0; i < 100; i++)
        epoch(&l, 100, 0);
    assert_in_range(l.sent - before, 100 * 100,
                    SWEEP_LOOKS_MAX * 20000 + 100 * 100);
    assert_int_equal(l.listed, 100);
}

static void a_few_pages_never_hurry(void **state)
{
    struct log l;

    (void)state;
    start(&l);
    for (int i = 0; i < 17; i++)
        epoch(&l, 0, 10);
    assert_in_range(l.cleanings, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_look_cleans),
        cmocka_unit_test(a_steady_set_is_cleaned_seldom),
        cmocka_unit_test(a_slow_drift_costs_little),
        cmocka_unit_test(a_guest_slowed_by_faults_is_left_alone),
        cmocka_unit_test(new_pages_each_time_are_sent_once),
        cmocka_unit_test(a_guest_that_rests_is_noticed),
        cmocka_unit_test(a_few_pages_never_hurry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
