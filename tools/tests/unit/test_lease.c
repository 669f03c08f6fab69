/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How long a lease's secondary waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lease.h"

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
        cmocka_unit_test(a_secondary_waits_for_the_last_renewal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
