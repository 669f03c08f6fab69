/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * When a lease is fresh, and how long its secondary waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lease.h"

#define MS ((uint64_t)1000000)
#define FRESH_MS (LEASE_FRESH_NS / MS)
/* Marks may lie so far apart, and no more is known. */
#define APART_MS (2 * FRESH_MS / LEASE_MARKS)

static bool fresh(const struct lease *l, uint64_t now_ms)
{
    return lease_is_fresh(l, now_ms * MS);
}

static void what_is_read_counts_from_when_it_was_sent(void **state)
{
    struct lease l = { .count = 0 };

    (void)state;
    lease_sent(&l, 100, 5000 * MS);
    assert_false(fresh(&l, 5000));
    lease_received(&l, 100);
    assert_true(fresh(&l, 5000));
    assert_true(fresh(&l, 5000 + FRESH_MS));
    assert_false(fresh(&l, 5001 + FRESH_MS));
}

/* However late it is told. */
static void a_late_report_is_an_old_one(void **state)
{
    struct lease l = { .count = 0 };

    (void)state;
    lease_sent(&l, 100, 5000 * MS);
    lease_sent(&l, 200, 9000 * MS);
    lease_received(&l, 199);
    assert_false(fresh(&l, 9000));
    lease_received(&l, 200);
    assert_true(fresh(&l, 9000));
}

static void an_octet_is_no_younger_for_being_looked_at_again(void **state)
{
    struct lease l = { .count = 0 };

    (void)state;
    lease_sent(&l, 100, 5000 * MS);
    lease_sent(&l, 100, 8000 * MS);
    lease_received(&l, 100);
    assert_true(fresh(&l, 5000));
    assert_false(fresh(&l, 8000));
}

static void a_steady_stream_stays_fresh(void **state)
{
    struct lease l = { .count = 0 };

    (void)state;
    for (uint64_t ms = 2000; ms < 20000; ms++) {
        lease_sent(&l, ms, ms * MS);
        lease_received(&l, ms - 300);    /* its way takes so long */
        if (ms > 2400)
            assert_true(fresh(&l, ms + FRESH_MS - 300 - APART_MS));
        assert_false(fresh(&l, ms + FRESH_MS - 299));
    }
}

/* More than there are marks for: the newest are kept. */
static void a_silent_peer_is_believed_again(void **state)
{
    struct lease l = { .count = 0 };
    uint64_t ms;

    (void)state;
    for (ms = 2000; ms < 60000; ms += 10)
        lease_sent(&l, ms, ms * MS);
    lease_received(&l, 58000);
    assert_false(fresh(&l, ms));
    lease_received(&l, ms - 10);
    assert_true(fresh(&l, ms));
}

/*
 * The last renewal that may be: found fresh at the end of what was read last,
 * and asked for when the one before it ran out; and what Xen takes.
 */
static void a_secondary_waits_for_the_last_renewal(void **state)
{
    (void)state;
    for (unsigned int s = LEASE_S_MIN; s <= LEASE_S_MAX; s++) {
        uint64_t last = LEASE_FRESH_NS + 2 * s * LEASE_NS_PER_S +
                        LEASE_END_NS;

        assert_true(lease_wait_ns(lease_bound(s)) >=
                    last + last / LEASE_DRIFT);
        assert_true(lease_bound(s) <= 0xffff);
    }
    assert_int_equal(lease_wait_ns(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_counts_from_when_it_was_sent),
        cmocka_unit_test(a_late_report_is_an_old_one),
        cmocka_unit_test(an_octet_is_no_younger_for_being_looked_at_again),
        cmocka_unit_test(a_steady_stream_stays_fresh),
        cmocka_unit_test(a_silent_peer_is_believed_again),
        cmocka_unit_test(a_secondary_waits_for_the_last_renewal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
