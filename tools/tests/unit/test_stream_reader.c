/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The reader: framing, and that it makes no difference how a stream is cut
 * into buffers. Positions are in test_stream_position.c, which rules fire in
 * test_stream_rules.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader.h"
#include "test_stream_dsl.h"

#define ITEMS_MAX 256

/* What a stream was read as: items, with adjoining spans made one. */
struct trace {
    struct sr_item items[ITEMS_MAX];
    size_t nr;
    struct buf raw;    /* all items' octets, one after another */
};

static const struct {
    enum sr_direction direction;
    enum wire_layer first;
    const char *words;
} good[] = {
    { SR_FORWARD, WIRE_XL, DSL_PLAIN_HVM },
    { SR_FORWARD, WIRE_XL, DSL_PLAIN_PV },
    { SR_FORWARD, WIRE_XL, DSL_REMUS_PVH },
    { SR_FORWARD, WIRE_XL, DSL_REMUS_PV },
    { SR_FORWARD, WIRE_XL, DSL_COLO },
    { SR_FORWARD, WIRE_LIBXL, "libxl opt C hvm opt sde hb end opt END" },
    { SR_FORWARD, WIRE_LIBXC, DSL_HVM " end" },
    { SR_BACK, WIRE_LIBXL, DSL_BACK_COLO },
    { SR_BACK, WIRE_LIBXL, DSL_BACK_REMUS },
};
#define GOOD_NR (sizeof(good) / sizeof(good[0]))

static bool is_span(const struct sr_item *item)
{
    return item->kind == SR_BODY || item->kind == SR_XL_DATA;
}

static void trace_add(struct trace *t, const struct sr_item *item)
{
    struct sr_item *last = t->nr ? &t->items[t->nr - 1] : NULL;

    if (item->size) {
        assert_int_equal(item->offset, t->raw.size);
        assert_int_equal(buf_append(&t->raw, item->data, item->size, NULL),
                         0);
    }
    if (is_span(item)) {
        assert_true(item->size > 0);
        if (last && last->kind == item->kind) {
            assert_int_equal(item->body_offset,
                             last->body_offset + last->size);
            last->size += item->size;
            return;
        }
        assert_int_equal(item->body_offset, 0);
    }
    assert_true(t->nr < ITEMS_MAX);
    t->items[t->nr] = *item;
    t->items[t->nr++].data = NULL;
}

/* Feed [data, data + size) and take every item that it makes. */
static void feed(struct sr_reader *r, const uint8_t *data, size_t size,
                 struct trace *t)
{
    struct sr_item item;
    struct err e;

    for (;;) {
        assert_int_equal(sr_reader_next(r, &data, &size, &item, &e), 0);
        if (item.kind == SR_NEED_MORE)
            break;
        trace_add(t, &item);
    }
    assert_int_equal(size, 0);
}

static void assert_same_trace(const struct trace *a, const struct trace *b)
{
    assert_int_equal(a->nr, b->nr);
    assert_memory_equal(a->items, b->items, a->nr * sizeof(a->items[0]));
    assert_int_equal(a->raw.size, b->raw.size);
    assert_memory_equal(a->raw.data, b->raw.data, a->raw.size);
}

static void reader_hands_out_every_octet_once(void **state)
{
    static struct trace t;
    struct sr_reader r;
    struct buf b;
    size_t i;

    (void)state;
    for (i = 0; i < GOOD_NR; i++) {
        buf_init(&b, 0);
        buf_init(&t.raw, 0);
        t.nr = 0;
        dsl_build(&b, good[i].words);
        sr_reader_init(&r, good[i].direction, good[i].first);
        feed(&r, b.data, b.size, &t);
        assert_int_equal(t.raw.size, b.size);
        assert_memory_equal(t.raw.data, b.data, b.size);
        assert_int_equal(sr_reader_offset(&r), b.size);
        buf_dispose(&t.raw);
        buf_dispose(&b);
    }
}

static void split_makes_no_difference(size_t which)
{
    static struct trace whole, split;
    struct sr_reader r;
    struct buf b;
    size_t at;

    buf_init(&b, 0);
    buf_init(&whole.raw, 0);
    buf_init(&split.raw, 0);
    whole.nr = 0;
    dsl_build(&b, good[which].words);
    sr_reader_init(&r, good[which].direction, good[which].first);
    feed(&r, b.data, b.size, &whole);
    for (at = 0; at <= b.size; at++) {
        split.nr = 0;
        buf_clear(&split.raw);
        sr_reader_init(&r, good[which].direction, good[which].first);
        feed(&r, b.data, at, &split);
        feed(&r, b.data + at, b.size - at, &split);
        assert_same_trace(&whole, &split);
    }
    split.nr = 0;
    buf_clear(&split.raw);
    sr_reader_init(&r, good[which].direction, good[which].first);
    for (at = 0; at < b.size; at++)
        feed(&r, b.data + at, 1, &split);
    assert_same_trace(&whole, &split);
    buf_dispose(&split.raw);
    buf_dispose(&whole.raw);
    buf_dispose(&b);
}

static void reader_doesnt_care_where_buffers_end(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < GOOD_NR; i++)
        split_makes_no_difference(i);
}

/* Read @b until an item of @kind; its octets stay in the cursor's buffer. */
static void until(struct sr_reader *r, const uint8_t **data, size_t *size,
                  enum sr_item_kind kind, struct sr_item *item)
{
    do {
        assert_int_equal(sr_reader_next(r, data, size, item, NULL), 0);
        assert_true(item->kind == kind || item->kind != SR_NEED_MORE);
    } while (item->kind != kind);
}

static void reader_decodes_headers(void **state)
{
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    const uint8_t *data;
    size_t size;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, DSL_PLAIN_HVM);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, SR_FORWARD, WIRE_XL);
    until(&r, &data, &size, SR_XL_HEADER, &item);
    assert_int_equal(item.u.xl.mandatory_flags, 3);
    assert_int_equal(item.u.xl.optional_len, 18);
    assert_int_equal(item.size, 48);
    until(&r, &data, &size, SR_LIBXL_HEADER, &item);
    assert_int_equal(item.u.libxl.version, 2);
    until(&r, &data, &size, SR_LIBXC_HEADER, &item);
    assert_int_equal(item.u.libxc.version, 3);
    assert_int_equal(item.u.libxc.guest_type, WIRE_GUEST_HVM);
    assert_int_equal(item.u.libxc.xen_major, 4);
    assert_int_equal(item.u.libxc.xen_minor, 17);
    assert_int_equal(item.size, 40);
    buf_dispose(&b);
}

static void reader_never_copies_a_body(void **state)
{
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    const uint8_t *data;
    size_t size, spans = 0;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, DSL_PLAIN_HVM);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, SR_FORWARD, WIRE_XL);
    do {
        assert_int_equal(sr_reader_next(&r, &data, &size, &item, NULL), 0);
        if (is_span(&item)) {
            assert_ptr_equal(item.data, b.data + item.offset);
            spans++;
        }
    } while (item.kind != SR_NEED_MORE);
    assert_true(spans > 5);
    buf_dispose(&b);
}

static void reader_hands_out_headers_where_they_lie(void **state)
{
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    const uint8_t *data;
    size_t size = WIRE_XL_HEADER_SIZE;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "xl");
    data = b.data;
    sr_reader_init(&r, SR_FORWARD, WIRE_XL);
    until(&r, &data, &size, SR_XL_HEADER, &item);
    assert_ptr_equal(item.data, b.data);
    buf_dispose(&b);
}

/* Octet by octet, each with something else behind it. */
static void reader_looks_at_nothing_behind_the_buffer(void **state)
{
    struct sr_item item = { 0 };
    struct sr_reader r;
    struct buf b;
    uint8_t one[2] = { 0, 0xff };
    const uint8_t *data;
    size_t at, size;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "ready");
    sr_reader_init(&r, SR_BACK, WIRE_LIBXL);
    for (at = 0; item.kind != SR_RECORD_END; at++) {
        assert_true(at < b.size);
        one[0] = b.data[at];
        data = one;
        size = 1;
        do {
            assert_int_equal(sr_reader_next(&r, &data, &size, &item, NULL),
                             0);
        } while (size);
    }
    assert_int_equal(item.first_word, WIRE_STATE_SVM_READY);
    buf_dispose(&b);
}

static void reader_ends_a_record_without_waiting_for_the_next(void **state)
{
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    const uint8_t *data;
    size_t size;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "ready");
    data = b.data;
    size = b.size;
    sr_reader_init(&r, SR_BACK, WIRE_LIBXL);
    until(&r, &data, &size, SR_RECORD_END, &item);
    assert_int_equal(item.type, WIRE_LIBXL_CHECKPOINT_STATE);
    buf_clear(&b);
    dsl_build(&b, "rel");    /* 8 octets: no padding */
    data = b.data;
    size = b.size;
    until(&r, &data, &size, SR_BODY, &item);
    assert_int_equal(size, 0);
    until(&r, &data, &size, SR_RECORD_END, &item);
    buf_clear(&b);
    dsl_build(&b, "hb");    /* no body at all */
    data = b.data;
    size = b.size;
    until(&r, &data, &size, SR_RECORD, &item);
    assert_int_equal(size, 0);
    until(&r, &data, &size, SR_RECORD_END, &item);
    until(&r, &data, &size, SR_NEED_MORE, &item);
    buf_dispose(&b);
}

static void reader_leaves_what_follows_the_end(void **state)
{
    static const char handshake[] = WIRE_XL_GO;
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    struct err e;
    const uint8_t *data;
    size_t size;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, DSL_PLAIN_PVH);
    assert_int_equal(buf_append(&b, handshake, sizeof(handshake), NULL), 0);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, SR_FORWARD, WIRE_XL);
    until(&r, &data, &size, SR_STREAM_END, &item);
    assert_int_equal(size, 44);
    assert_int_equal(sr_reader_eof(&r).at, SR_CUT_END);
    assert_int_equal(sr_reader_next(&r, &data, &size, &item, &e), ERR_FORMAT);
    assert_int_equal(sr_reader_fault(&r)->id, SR_RULE_TRAILING);
    buf_dispose(&b);
}

static void reader_failure_is_final(void **state)
{
    static const uint8_t junk[48];
    const uint8_t *data = junk;
    size_t size = sizeof(junk);
    struct sr_item item;
    struct sr_reader r;
    struct err e;

    (void)state;
    sr_reader_init(&r, SR_FORWARD, WIRE_XL);
    assert_null(sr_reader_fault(&r));
    assert_int_equal(sr_reader_next(&r, &data, &size, &item, &e), ERR_FORMAT);
    err_clear(&e);
    size = 0;
    assert_int_equal(sr_reader_next(&r, &data, &size, &item, &e), ERR_FORMAT);
    assert_int_equal(item.kind, SR_NEED_MORE);
    assert_non_null(strstr(e.msg, "xl-magic"));
}

static void reader_refuses_a_length_past_the_limit(void **state)
{
    const uint8_t *data;
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    struct err e;
    size_t size;
    int rc;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "libxl C hvm sde page@7=0x80");
    data = b.data;
    size = b.size;
    sr_reader_init(&r, SR_FORWARD, WIRE_LIBXL);
    while ((rc = sr_reader_next(&r, &data, &size, &item, &e)) == 0)
        ;
    assert_int_equal(rc, ERR_LIMIT);
    assert_string_equal(e.msg, "offset 72: libxc record 2 type 0x1 "
                        "(PAGE_DATA): broken rule: body_length is at most "
                        "128 MiB; it is 2147495976 here "
                        "[libxc-length-limit, see libxc: Records]");
    buf_dispose(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_hands_out_every_octet_once),
        cmocka_unit_test(reader_doesnt_care_where_buffers_end),
        cmocka_unit_test(reader_decodes_headers),
        cmocka_unit_test(reader_never_copies_a_body),
        cmocka_unit_test(reader_hands_out_headers_where_they_lie),
        cmocka_unit_test(reader_looks_at_nothing_behind_the_buffer),
        cmocka_unit_test(reader_ends_a_record_without_waiting_for_the_next),
        cmocka_unit_test(reader_leaves_what_follows_the_end),
        cmocka_unit_test(reader_failure_is_final),
        cmocka_unit_test(reader_refuses_a_length_past_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
