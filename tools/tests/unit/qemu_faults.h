/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the tests of the follower's faults share: a stream is refused by a
 * rule, at a place, in a line that says both. Static, included by
 * test_qemu_follow_{bad,limits}.c.
 */
#ifndef XC_TEST_QEMU_FAULTS_H
#define XC_TEST_QEMU_FAULTS_H

#include "qemu_world.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static const char *ids[] = {
#define ID(n, id, code, sentence) [QF_RULE_##n] = id,
    QF_RULES(ID)
#undef ID
};
static const int codes[] = {
#define CODE(n, id, code, sentence) [QF_RULE_##n] = code,
    QF_RULES(CODE)
#undef CODE
};
static bool broken[QF_RULES_NR];    /* by some test of this program */

/* The fault is this one, in its words, whole and in pieces. */
static void assert_fault(const struct pair *p, enum qf_direction direction,
                         enum qf_rule rule, uint64_t offset)
{
    static const size_t pieces[] = { SIZE_MAX, 7, 1 };
    char text[64];
    struct followed o;

    broken[rule] = true;
    for (size_t i = 0; i < NR(pieces); i++) {
        o = follow(p, pieces[i], 0, NULL);
        assert_int_equal(o.rule, rule);
        assert_int_equal(o.rc, codes[rule]);
        assert_int_equal(o.direction, direction);
        assert_int_equal(o.offset, offset);
        snprintf(text, sizeof(text), "%s: offset %llu: broken rule: ",
                 direction == QF_BACK ? "back" : "forward",
                 (unsigned long long)offset);
        assert_memory_equal(o.e.msg, text, strlen(text));
        snprintf(text, sizeof(text), " [%s]", ids[rule]);
        assert_non_null(strstr(o.e.msg, text));
        assert_null(strchr(o.e.msg, '\n'));
        assert_true(strlen(o.e.msg) < sizeof(o.e.msg) - 1);
        assert_int_equal(sum_forward(&o.tally), o.forward.offset);
    }
}

#endif
