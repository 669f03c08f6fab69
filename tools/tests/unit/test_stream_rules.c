/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Every rule has a broken stream that makes it fire, and only it: a good
 * stream with one thing wrong, as words of test_stream_dsl.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_stream_bads.h"
#include "validator.h"

/* Read and check all of @b; @complete goes to finish. */
static enum sr_rule run(const struct bad *bad, const struct buf *b,
                        bool complete, struct sr_fault *fault_r)
{
    struct sr_validator *v = sr_validator_new(bad->direction, bad->first,
                                              bad->mode);
    const uint8_t *data = b->data;
    size_t size = b->size;
    struct sr_item item;
    struct sr_reader r;
    struct err e;
    const char *note;
    int rc;

    assert_non_null(v);
    memset(fault_r, 0, sizeof(*fault_r));
    sr_reader_init(&r, bad->direction, bad->first);
    do {
        rc = sr_reader_next(&r, &data, &size, &item, &e);
        if (rc == 0)
            rc = sr_validator_item(v, &item, &e);
    } while (rc == 0 && item.kind != SR_NEED_MORE);
    rc = sr_validator_finish(v, &r, complete, &note, &e);
    if (rc) {
        assert_non_null(sr_validator_fault(v));
        *fault_r = *sr_validator_fault(v);
        assert_int_equal(e.code, rc);
        assert_non_null(strstr(e.msg, fault_r->rule));
    }
    sr_validator_free(v);
    return fault_r->id;
}

static void every_broken_stream_breaks_its_rule(void **state)
{
    struct sr_fault fault;
    enum sr_rule got;
    struct buf b;
    size_t i;
    int wrong = 0;

    (void)state;
    for (i = 0; i < NR(bads); i++) {
        buf_init(&b, 0);
        dsl_build(&b, bads[i].words);
        got = run(&bads[i], &b, false, &fault);
        if (got != bads[i].rule) {
            print_error("%s: %s, not %s\n", bads[i].words,
                        got ? sr_rule_info(got)->id : "accepted",
                        sr_rule_info(bads[i].rule)->id);
            wrong++;
        }
        buf_dispose(&b);
    }
    assert_int_equal(wrong, 0);
}

static void every_rule_has_a_broken_stream(void **state)
{
    bool has[SR_RULES_NR] = { false };
    size_t i;
    int rule;

    (void)state;
    for (i = 0; i < NR(bads); i++)
        has[bads[i].rule] = true;
    has[SR_RULE_INCOMPLETE] = true;    /* see the next test */
    has[SR_RULE_DIRECTION] = true;     /* see test_stream_checker.c */
    for (rule = SR_RULE_NONE + 1; rule < SR_RULES_NR; rule++) {
        if (!has[rule])
            print_error("no test: %s\n", sr_rule_info(rule)->id);
        assert_true(has[rule]);
    }
}

static void complete_refuses_a_cut_without_a_release(void **state)
{
    static const struct bad cases[] = {
        XL(INCOMPLETE, DSL_REMUS_PVH), XL(INCOMPLETE, DSL_COLO),
        BACK(INCOMPLETE, AUTO, DSL_BACK_COLO),
        XL(NONE, DSL_REMUS_PVH " rel"),
        XL(NONE, DSL_REMUS_PVH " gone"), BACK(NONE, AUTO, DSL_BACK_REMUS),
        BACK(NONE, AUTO, "ready gone"), XL(NONE, DSL_PLAIN_HVM),
    };
    struct sr_fault fault;
    struct buf b;
    size_t i;

    (void)state;
    for (i = 0; i < NR(cases); i++) {
        buf_init(&b, 0);
        dsl_build(&b, cases[i].words);
        assert_int_equal(run(&cases[i], &b, true, &fault), cases[i].rule);
        buf_dispose(&b);
    }
}

static void rule_ids_are_unique(void **state)
{
    int i, j;

    (void)state;
    for (i = SR_RULE_NONE + 1; i < SR_RULES_NR; i++) {
        assert_true(sr_rule_info(i)->sentence[0]);
        assert_true(strlen(sr_rule_info(i)->sentence) < SR_FAULT_TEXT);
        assert_non_null(strchr(sr_rule_info(i)->section, ':'));
        for (j = i + 1; j < SR_RULES_NR; j++)
            assert_string_not_equal(sr_rule_info(i)->id,
                                    sr_rule_info(j)->id);
    }
}

static void fault_names_offset_layer_number_and_type(void **state)
{
    static const struct bad bad = LX(EMULATOR_ID, C_HVM "end emu@8=9");
    struct sr_fault fault;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, bad.words);
    assert_int_equal(run(&bad, &b, false, &fault), bad.rule);
    assert_int_equal(fault.offset, b.size - 32);
    assert_int_equal(fault.layer, WIRE_LIBXL);
    assert_int_equal(fault.record_number, 2);
    assert_int_equal(fault.type, WIRE_LIBXL_EMULATOR_CONTEXT);
    assert_string_equal(fault.rule, "libxl-emulator-id");
    buf_dispose(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_stream_breaks_its_rule),
        cmocka_unit_test(every_rule_has_a_broken_stream),
        cmocka_unit_test(complete_refuses_a_cut_without_a_release),
        cmocka_unit_test(rule_ids_are_unique),
        cmocka_unit_test(fault_names_offset_layer_number_and_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
