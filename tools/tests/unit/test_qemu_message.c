/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * COLO's messages to octets and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bytes.h"
#include "qemu_message.h"

static void messages_are_what_qemu_sends(void **state)
{
    static const char expected[] =
        "\0\0\0\0" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3"
        "\0\0\0\4" "\1\2\3\4\5\6\7\10" "\0\0\0\5" "\0\0\0\6";
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    for (int m = 0; m < QEMU_MESSAGES_NR; m++)
        assert_int_equal(qemu_put_message(&b, m, m == QEMU_VMSTATE_SIZE ?
                                          0x0102030405060708 : 99, NULL), 0);
    assert_int_equal(b.size, sizeof(expected) - 1);
    assert_memory_equal(b.data, expected, b.size);
    buf_dispose(&b);
}

static void message_comes_back_as_it_went(void **state)
{
    enum qemu_message m, back;
    uint8_t octets[12];

    (void)state;
    for (m = 0; m < QEMU_MESSAGES_NR; m++) {
        assert_int_equal(qemu_message_encode(octets, m, 7),
                         qemu_message_size(m));
        assert_int_equal(qemu_message_size(m), m == 4 ? 12 : 4);
        back = QEMU_MESSAGES_NR;
        assert_int_equal(qemu_get_message(octets, &back, NULL), 0);
        assert_int_equal(back, m);
    }
}

static void message_of_seven_and_more_is_refused(void **state)
{
    static const uint32_t bad[] = { 7, 0x100, 0x10000, 0x01000000, ~0u };
    enum qemu_message m = QEMU_VMSTATE_LOADED;
    uint8_t octets[4];
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_be32(octets, bad[i]);
        assert_int_equal(qemu_get_message(octets, &m, &e), ERR_FORMAT);
        assert_int_equal(m, QEMU_VMSTATE_LOADED);
    }
    put_be32(octets, 7);
    qemu_get_message(octets, &m, &e);
    assert_string_equal(e.msg, "7 is no COLO message: they are 0 to 6");
}

static void message_has_qemus_name_and_a_direction(void **state)
{
    static const char forward[] = { 0, 1, 0, 1, 1, 0, 0 };

    (void)state;
    assert_string_equal(qemu_message_name(QEMU_CHECKPOINT_READY),
                        "checkpoint-ready");
    assert_string_equal(qemu_message_name(QEMU_VMSTATE_LOADED),
                        "vmstate-loaded");
    assert_string_equal(qemu_message_name(QEMU_MESSAGES_NR), "unknown");
    for (int m = 0; m < QEMU_MESSAGES_NR; m++)
        assert_int_equal(qemu_message_forward(m), forward[m]);
}

static void message_leaves_a_full_buffer_as_it_was(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_int_equal(qemu_put_message(&b, QEMU_VMSTATE_SEND, 0, NULL), 0);
    assert_int_equal(qemu_put_message(&b, QEMU_VMSTATE_SIZE, 1, NULL),
                     ERR_LIMIT);
    assert_int_equal(b.size, 4);
    buf_dispose(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_what_qemu_sends),
        cmocka_unit_test(message_comes_back_as_it_went),
        cmocka_unit_test(message_of_seven_and_more_is_refused),
        cmocka_unit_test(message_has_qemus_name_and_a_direction),
        cmocka_unit_test(message_leaves_a_full_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
