/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The table of flows, beside a plain list of what has to be in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "flow_table.h"

#define MAX 256u
#define KEYS 1000u

struct record {
    struct flow_head head;
    uint32_t number;
    bool stays;
};

static struct record *records[KEYS];    /* by number; NULL: isn't in it */

static bool stays(const void *ctx, const struct flow_head *head)
{
    (void)ctx;
    return ((const struct record *)head)->stays;
}

static void begin(struct flow_table *t, size_t max)
{
    const struct flow_table_conf conf = {
        .size = sizeof(struct record), .flows_max = max, .seed = 11,
        .stays = stays,
    };

    memset(records, 0, sizeof(records));
    assert_int_equal(flow_table_init(t, &conf, NULL), 0);
}

static struct frame_key key_of(uint32_t number)
{
    struct frame_key key = { .protocol = 6 };

    memcpy(key.dst + 8, &number, sizeof(number));
    return key;
}

/* Whoever made room is crossed out. */
static struct record *add(struct flow_table *t, uint32_t number)
{
    bool full = flow_table_count(t) == MAX;
    struct frame_key key = key_of(number);
    struct record *w = flow_table_add(t, &key);

    if (!w)
        return NULL;
    if (full) {
        assert_ptr_equal(records[w->number], w);
        assert_false(w->stays);
        records[w->number] = NULL;
    } else {
        assert_int_equal(w->number, 0);
    }
    w->number = number;
    w->stays = false;
    records[number] = w;
    return w;
}

static void check(struct flow_table *t, uint32_t number)
{
    struct frame_key key = key_of(number);

    assert_ptr_equal(flow_table_find(t, &key), records[number]);
}

static void what_is_in_it_is_found(void **state)
{
    struct flow_table t;
    uint32_t v = 5;
    size_t n = 0;

    (void)state;
    begin(&t, MAX - 3);
    for (int i = 0; i < 20000; i++) {
        uint32_t number = (v = v * 1103515245u + 12345u) >> 8;

        number %= KEYS;
        if (!records[number])
            assert_non_null(add(&t, number));
        if (i % 97 == 0)
            for (uint32_t k = 0; k < KEYS; k++)
                check(&t, k);
    }
    for (uint32_t k = 0; k < KEYS; k++)
        n += records[k] != NULL;
    assert_int_equal(n, MAX);
    assert_int_equal(flow_table_count(&t), MAX);
    flow_table_dispose(&t);
    flow_table_dispose(&t);
}

static void what_was_used_lately_stays(void **state)
{
    struct flow_table t;

    (void)state;
    begin(&t, MAX);
    for (uint32_t i = 0; i <= MAX; i++)
        add(&t, i);
    for (uint32_t i = 2; i < MAX; i += 2)
        check(&t, i);
    for (uint32_t i = MAX + 1; i < MAX + 100; i++)
        add(&t, i);
    for (uint32_t i = 2; i < MAX; i += 2)
        assert_non_null(records[i]);
    flow_table_dispose(&t);
}

static void a_new_one_counts_as_used(void **state)
{
    struct flow_table t;

    (void)state;
    begin(&t, MAX);
    for (uint32_t i = 0; i < MAX + 2; i++)    /* the first two make room */
        add(&t, i);
    for (uint32_t i = 2; i < MAX; i++)
        if (i != 200)
            check(&t, i);
    add(&t, MAX + 2);
    assert_null(records[200]);
    add(&t, MAX + 3);
    assert_non_null(records[MAX]);
    assert_non_null(records[MAX + 1]);
    assert_null(records[2]);
    flow_table_dispose(&t);
}

/* With so many, some hashes are the same. */
static void keys_are_told_apart_whatever_their_hashes(void **state)
{
    struct flow_table_conf conf = {
        .size = sizeof(struct record), .flows_max = 1 << 18, .seed = 11,
        .stays = stays,
    };
    struct flow_table t;

    (void)state;
    assert_int_equal(flow_table_init(&t, &conf, NULL), 0);
    for (uint32_t i = 0; i < conf.flows_max; i++) {
        struct frame_key key = key_of(i);
        struct record *w;

        assert_null(flow_table_find(&t, &key));
        w = flow_table_add(&t, &key);
        assert_non_null(w);
        w->number = i;
    }
    for (uint32_t i = 0; i < conf.flows_max; i++) {
        struct frame_key key = key_of(i);
        struct record *w = flow_table_find(&t, &key);

        assert_non_null(w);
        assert_int_equal(w->number, i);
    }
    flow_table_dispose(&t);
}

static void what_has_to_stays(void **state)
{
    struct flow_table t;

    (void)state;
    begin(&t, MAX);
    for (uint32_t i = 0; i < MAX; i++)
        add(&t, i)->stays = i != 77;
    for (uint32_t i = MAX; i < MAX + 10; i++)
        assert_non_null(add(&t, i));
    records[MAX + 9]->stays = true;
    assert_null(add(&t, 77));
    for (uint32_t i = 0; i < KEYS; i++)
        check(&t, i);
    flow_table_dispose(&t);
}

static void it_has_room_for_a_few_at_least(void **state)
{
    struct flow_table t;

    (void)state;
    begin(&t, 1);
    for (uint32_t i = 0; i < 16; i++)
        assert_non_null(add(&t, i));
    for (uint32_t i = 0; i < 17; i++)
        check(&t, i);
    flow_table_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_is_found),
        cmocka_unit_test(what_was_used_lately_stays),
        cmocka_unit_test(a_new_one_counts_as_used),
        cmocka_unit_test(keys_are_told_apart_whatever_their_hashes),
        cmocka_unit_test(what_has_to_stays),
        cmocka_unit_test(it_has_room_for_a_few_at_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
