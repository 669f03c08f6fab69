/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Names and bounds of records, and the constants whose value is a promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "names.h"

static void names_are_those_of_the_specification(void **state)
{
    (void)state;
    assert_string_equal(wire_layer_name(WIRE_XL), "xl");
    assert_string_equal(wire_layer_name(WIRE_LIBXC), "libxc");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 5), "CHECKPOINT_STATE");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 5),
                        "X86_PV_VCPU_EXTENDED");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0xc),
                        "X86_PV_VCPU_MSRS");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x12),
                        "X86_MSR_POLICY");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x80000001u),
                        "HEARTBEAT");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000002u),
                        "RELEASE");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000003u), "GONE");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x80000004u), "HELLO");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000005u),
                        "PAUSE_REASON");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000006u),
                        "PEER_INFO");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x80000007u),
                        "ZERO_PAGES");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x80000008u), "FRAME");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000009u),
                        "RECEIVED");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x8000000au),
                        "PAGE_DIGESTS");
    assert_string_equal(wire_state_name(2), "SVM_READY");
    assert_string_equal(wire_keeper_name(1), "secondary");
    assert_string_equal(wire_emulator_name(2), "qemu-upstream");
    assert_string_equal(wire_guest_name(2), "x86 HVM");
    assert_string_equal(wire_page_type_name(0xc), "L4_PIN");
    assert_string_equal(wire_hvm_param_name(38), "MCA_CAP");
}

static void names_of_the_unknown_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(wire_layer_name((enum wire_layer)3), "unknown");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 6), "unknown");
    assert_string_equal(wire_record_name(WIRE_LIBXC, 0x13), "unknown");
    assert_string_equal(wire_record_name(WIRE_XL, 0), "unknown");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x80000000u),
                        "unknown");
    assert_string_equal(wire_record_name(WIRE_LIBXL, 0x8000000bu),
                        "unknown");
    assert_string_equal(wire_state_name(4), "unknown");
    assert_string_equal(wire_keeper_name(2), "unknown");
    assert_string_equal(wire_guest_name(0), "unknown");
    assert_string_equal(wire_page_type_name(5), "unknown");
    assert_string_equal(wire_hvm_param_name(UINT64_MAX), "unknown");
}

static void record_info_agrees_with_its_type(void **state)
{
    const struct wire_record_info *info;
    uint32_t type;

    (void)state;
    for (type = 0; type <= 0x12; type++) {
        info = wire_record_info(WIRE_LIBXC, type);
        assert_non_null(info);
        assert_int_equal(info->type, type);
        assert_true(info->min <= info->max);
        assert_true(info->max <= WIRE_BODY_MAX);
        assert_true(info->unit > 0);
    }
    for (type = 0; type <= 5; type++)
        assert_int_equal(wire_record_info(WIRE_LIBXL, type)->type, type);
    for (type = 0x80000001u; type <= 0x80000007u; type++) {
        info = wire_record_info(WIRE_LIBXC, type);
        assert_int_equal(info->type, type);
        assert_ptr_equal(info, wire_record_info(WIRE_LIBXL, type));
        assert_true(wire_is_optional(type));
    }
    assert_false(wire_is_optional(0x7fffffff));
}

static void page_types_have_data_or_not(void **state)
{
    uint32_t t;

    (void)state;
    for (t = 0; t < 20; t++) {
        assert_int_equal(wire_page_type_valid(t),
                         t <= 4 || (t >= 9 && t <= 15));
        assert_int_equal(wire_page_type_has_data(t),
                         t <= 4 || (t >= 9 && t <= 12));
        assert_int_equal(wire_page_type_in_hvm(t),
                         t == 0 || (t >= 13 && t <= 15));
    }
}

static void padding_fills_up_to_eight(void **state)
{
    uint32_t n;

    (void)state;
    for (n = 0; n < 32; n++) {
        assert_int_equal((n + WIRE_PADDING(n)) % 8, 0);
        assert_true(WIRE_PADDING(n) < 8);
    }
}

static void strings_of_the_handshake_have_their_sizes(void **state)
{
    (void)state;
    assert_int_equal(strlen(WIRE_XL_BANNER), WIRE_XL_BANNER_SIZE);
    assert_int_equal(sizeof(WIRE_XL_RECEIVED), 34);
    assert_int_equal(sizeof(WIRE_XL_GO), 44);
    assert_int_equal(sizeof(WIRE_XL_RESULT), 39);
    assert_int_equal(sizeof(WIRE_XL_MAGIC) - 1, WIRE_XL_MAGIC_SIZE);
    assert_int_equal(WIRE_DATA_PAGES_MAX, 32704);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_specification),
        cmocka_unit_test(names_of_the_unknown_are_unknown),
        cmocka_unit_test(record_info_agrees_with_its_type),
        cmocka_unit_test(page_types_have_data_or_not),
        cmocka_unit_test(padding_fills_up_to_eight),
        cmocka_unit_test(strings_of_the_handshake_have_their_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
