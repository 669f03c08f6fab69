/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The synthetic qcow2 image: its fields, and what qemu-img thinks of it
 * where there is one (else a counted skip).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bytes.h"
#include "qmp_vmstate.h"

#define CAPACITY ((size_t)4 << 20)

static uint8_t meta[VMSTATE_META];

static void header_names_its_tables(void **state)
{
    (void)state;
    vmstate_image(meta, CAPACITY);
    assert_memory_equal(meta, "QFI\xfb", 4);
    assert_int_equal(get_be32(meta + 4), 3);
    assert_int_equal(get_be32(meta + 20), 16);
    assert_int_equal(get_be64(meta + 24), 65536);
    assert_int_equal(get_be32(meta + 36), 2);
    assert_int_equal(get_be64(meta + 40), 3 * VMSTATE_CLUSTER);
    assert_int_equal(get_be64(meta + 48), VMSTATE_CLUSTER);
    assert_int_equal(get_be32(meta + 60), 1);
    assert_int_equal(get_be64(meta + 64), 4 * VMSTATE_CLUSTER);
    assert_int_equal(get_be64(meta + 72), 0);
    assert_int_equal(get_be32(meta + 96), 4);
    assert_int_equal(get_be32(meta + 100), 104);
}

static void state_clusters_follow_each_other(void **state)
{
    const uint8_t *l2 = meta + 6 * VMSTATE_CLUSTER;
    size_t i, n = CAPACITY / VMSTATE_CLUSTER;

    (void)state;
    vmstate_image(meta, CAPACITY);
    for (i = 0; i < n; i++)
        assert_int_equal(get_be64(l2 + 8 * i),
                         VMSTATE_DATA_OFFSET + i * VMSTATE_CLUSTER);
    assert_int_equal(get_be64(l2 + 8 * n), 0);
}

static void shared_clusters_are_counted_twice(void **state)
{
    const uint8_t *counts = meta + 2 * VMSTATE_CLUSTER;
    size_t i, n = 7 + CAPACITY / VMSTATE_CLUSTER;

    (void)state;
    vmstate_image(meta, CAPACITY);
    for (i = 0; i < n; i++)
        assert_int_equal(get_be16(counts + 2 * i), i < 6 ? 1 : 2);
    assert_int_equal(get_be16(counts + 2 * n), 0);
}

static void both_l1_tables_lead_to_the_same_l2(void **state)
{
    (void)state;
    vmstate_image(meta, CAPACITY);
    assert_memory_equal(meta + 3 * VMSTATE_CLUSTER,
                        meta + 5 * VMSTATE_CLUSTER, VMSTATE_CLUSTER);
    assert_int_equal(get_be64(meta + 3 * VMSTATE_CLUSTER), 0);
    assert_int_equal(get_be64(meta + 3 * VMSTATE_CLUSTER + 8),
                     6 * VMSTATE_CLUSTER);
}

static void content_before_is_overwritten(void **state)
{
    static uint8_t dirty[VMSTATE_META];

    (void)state;
    vmstate_image(meta, CAPACITY);
    memset(dirty, 0xa5, sizeof(dirty));
    vmstate_image(dirty, CAPACITY);
    assert_memory_equal(meta, dirty, sizeof(dirty));
}

static void qemu_img_finds_no_fault(void **state)
{
    char path[] = "/tmp/test_vmstate_XXXXXX", cmd[256];
    int fd;

    (void)state;
    if (system("command -v qemu-img >/dev/null 2>&1") != 0)
        skip();
    fd = mkstemp(path);
    assert_true(fd >= 0);
    vmstate_image(meta, CAPACITY);
    assert_int_equal(write(fd, meta, sizeof(meta)), sizeof(meta));
    assert_int_equal(ftruncate(fd, (off_t)(VMSTATE_META + CAPACITY)), 0);
    close(fd);
    snprintf(cmd, sizeof(cmd), "qemu-img check -q -f qcow2 %s", path);
    assert_int_equal(system(cmd), 0);
    snprintf(cmd, sizeof(cmd), "qemu-img snapshot -l %s | grep -q '^1 *s '",
             path);
    assert_int_equal(system(cmd), 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_names_its_tables),
        cmocka_unit_test(state_clusters_follow_each_other),
        cmocka_unit_test(shared_clusters_are_counted_twice),
        cmocka_unit_test(both_l1_tables_lead_to_the_same_l2),
        cmocka_unit_test(content_before_is_overwritten),
        cmocka_unit_test(qemu_img_finds_no_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
