/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How recently a peer has certainly heard us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fresh.h"

#define MS ((uint64_t)1000000)
#define FRESH_MS ((uint64_t)1000)
/* Marks may lie so far apart, and no more is known. */
#define APART_MS (2 * FRESH_MS / FRESH_MARKS)

static bool is_fresh(const struct fresh *f, uint64_t now_ms)
{
    return fresh_at(f, now_ms * MS);
}

static void what_is_read_counts_from_when_it_was_sent(void **state)
{
    struct fresh f;

    (void)state;
    fresh_init(&f, FRESH_MS * MS);
    fresh_sent(&f, 100, 5000 * MS);
    assert_false(is_fresh(&f, 5000));
    fresh_received(&f, 100);
    assert_true(is_fresh(&f, 5000));
    assert_true(is_fresh(&f, 4999 + FRESH_MS));
    assert_false(is_fresh(&f, 5000 + FRESH_MS));
}

/* However late it is told. */
static void a_late_report_is_an_old_one(void **state)
{
    struct fresh f;

    (void)state;
    fresh_init(&f, FRESH_MS * MS);
    fresh_sent(&f, 100, 5000 * MS);
    fresh_sent(&f, 200, 9000 * MS);
    fresh_received(&f, 199);
    assert_false(is_fresh(&f, 9000));
    fresh_received(&f, 200);
    assert_true(is_fresh(&f, 9000));
}

static void an_octet_is_no_younger_for_being_looked_at_again(void **state)
{
    struct fresh f;

    (void)state;
    fresh_init(&f, FRESH_MS * MS);
    fresh_sent(&f, 100, 5000 * MS);
    fresh_sent(&f, 100, 8000 * MS);
    fresh_received(&f, 100);
    assert_true(is_fresh(&f, 5000));
    assert_false(is_fresh(&f, 8000));
}

static void a_steady_stream_stays_fresh(void **state)
{
    struct fresh f;

    (void)state;
    fresh_init(&f, FRESH_MS * MS);
    for (uint64_t ms = 2000; ms < 20000; ms++) {
        fresh_sent(&f, ms, ms * MS);
        fresh_received(&f, ms - 300);    /* its way takes so long */
        if (ms > 2400)
            assert_true(is_fresh(&f, ms + FRESH_MS - 301 - APART_MS));
        assert_false(is_fresh(&f, ms + FRESH_MS - 300));
    }
}

/* More than there are marks for: the newest are kept. */
static void a_silent_peer_is_believed_again(void **state)
{
    struct fresh f;
    uint64_t ms;

    (void)state;
    fresh_init(&f, FRESH_MS * MS);
    for (ms = 2000; ms < 60000; ms += 10)
        fresh_sent(&f, ms, ms * MS);
    fresh_received(&f, 58000);
    assert_false(is_fresh(&f, ms));
    fresh_received(&f, ms - 10);
    assert_true(is_fresh(&f, ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_counts_from_when_it_was_sent),
        cmocka_unit_test(a_late_report_is_an_old_one),
        cmocka_unit_test(an_octet_is_no_younger_for_being_looked_at_again),
        cmocka_unit_test(a_steady_stream_stays_fresh),
        cmocka_unit_test(a_silent_peer_is_believed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
