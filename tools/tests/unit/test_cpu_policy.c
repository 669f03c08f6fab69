/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a guest was told of its CPU against what another host can give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "cpu_policy.h"

#define ANY 0xffffffffu

static void leaf(struct buf *b, uint32_t number, uint32_t subleaf,
                 uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    const uint32_t words[6] = { number, subleaf, eax, ebx, ecx, edx };
    uint8_t data[CPU_POLICY_LEAF_SIZE];
    struct err e;

    for (int i = 0; i < 6; i++)
        put_le32(data + 4 * i, words[i]);
    assert_int_equal(buf_append(b, data, sizeof(data), &e), 0);
}

static void lacks(const struct buf *guest, const struct buf *host,
                  const char *text)
{
    struct err e = { 0 };

    assert_int_equal(cpu_policy_covers(guest, host, &e),
                     text ? ERR_UNSUPPORTED : 0);
    if (text)
        assert_string_equal(e.msg, text);
}

static void a_feature_that_isnt_there_is_named(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 0, ANY, 22, 0, 0, 0);
    leaf(&guest, 1, ANY, 0x600f12, 0, 1u << 28, 1u << 26);
    leaf(&guest, 7, 0, 0, 1u << 5, 0, 0);
    leaf(&host, 1, ANY, 0x600f12, 0, 0, ~0u);
    lacks(&guest, &host, "avx, avx2");
    leaf(&host, 7, 0, 0, ~0u, 0, 0);
    lacks(&guest, &host, "avx");
}

static void more_than_the_guest_was_told_is_no_harm(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    lacks(&guest, &host, NULL);
    leaf(&host, 1, ANY, ~0u, ~0u, ~0u, ~0u);
    lacks(&guest, &host, NULL);
    leaf(&guest, 1, ANY, 0, 0xff, 3, 5);    /* ebx isn't a feature */
    lacks(&guest, &host, NULL);
}

/* OSXSAVE, OSPKE and "hypervisor" tell of software. */
static void what_isnt_the_cpus_isnt_missed(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 1, ANY, 0, 0, 1u << 27 | 1u << 31, 0);
    leaf(&guest, 7, 0, 0, 0, 1u << 4, 0);
    leaf(&guest, 0x80000001, ANY, 0, 0, 0, 0x0183f3ff);
    lacks(&guest, &host, NULL);
}

/* A host writes leaf 1 with subleaf 0 or with none. */
static void a_leaf_without_subleaves_has_either_number(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 0x80000001, ANY, 0, 0, 0, 1u << 20);
    leaf(&host, 0x80000001, 0, 0, 0, 0, 1u << 20);
    lacks(&guest, &host, NULL);
    /* But those of leaf 7 are told apart. */
    leaf(&guest, 7, 1, 1u << 4, 0, 0, 0);
    leaf(&host, 7, 0, 1u << 4, ~0u, ~0u, ~0u);
    lacks(&guest, &host, "avx-vnni");
}

static void what_has_no_name_is_told_by_its_place(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 0x80000021, ANY, 1u << 2, 0, 0, 0);
    leaf(&guest, 1, ANY, 0, 0, 0, 1u << 10);
    lacks(&guest, &host, "CPUID 0x1 edx bit 10, CPUID 0x80000021 eax bit 2");
}

static void a_whole_other_cpu_is_one_line(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 1, ANY, 0, 0, ~0u, 0);
    leaf(&guest, 7, 0, 0, ~0u, ~0u, ~0u);
    leaf(&guest, 7, 1, ~0u, 0, 0, 0);
    lacks(&guest, &host, "sse3, pclmulqdq, dtes64, monitor, ds-cpl, vmx, smx, "
          "est and 149 more");
}

static void half_a_leaf_is_none(void **state)
{
    CLEANUP_BUF struct buf guest = { 0 };
    CLEANUP_BUF struct buf host = { 0 };

    (void)state;
    leaf(&guest, 1, ANY, 0, 0, 1, 0);
    guest.size--;
    lacks(&guest, &host, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_that_isnt_there_is_named),
        cmocka_unit_test(more_than_the_guest_was_told_is_no_harm),
        cmocka_unit_test(what_isnt_the_cpus_isnt_missed),
        cmocka_unit_test(a_leaf_without_subleaves_has_either_number),
        cmocka_unit_test(what_has_no_name_is_told_by_its_place),
        cmocka_unit_test(a_whole_other_cpu_is_one_line),
        cmocka_unit_test(half_a_leaf_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
