/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A session's stream in QEMU's dialect, as it is written: the follower
 * understands it, in pieces of any size, and state comes back as it was. State
 * that isn't whole sections is refused wherever it is cut or changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "qemu_message.h"
#include "qemu_ram.h"
#include "qemu_state.h"
#include "qemu_wire.h"

#define PAGES 4u

struct heard {
    struct qemu_follower *f;
    struct buf devices, state;
    size_t pages, zeros;
    uint8_t last[QEMU_PAGE_SIZE];
};

static void on_page(void *ctx, const struct qf_page *p)
{
    struct heard *h = ctx;

    h->pages++;
    h->zeros += !p->data;
    if (p->data)
        memcpy(h->last, p->data, sizeof(h->last));
}

static void on_devices(void *ctx, const uint8_t *data, size_t n)
{
    struct heard *h = ctx;

    assert_int_equal(buf_append(&h->devices, data, n, NULL), 0);
}

static void on_state(void *ctx, const uint8_t *data, size_t n)
{
    struct heard *h = ctx;

    assert_int_equal(buf_append(&h->state, data, n, NULL), 0);
}

static void fill(struct ckpt *c, size_t device)
{
    struct err e;

    assert_int_equal(ckpt_init(c, PAGES, &e), 0);
    ckpt_reset(c, 1);
    for (uint8_t i = 0; i < 40; i++) {
        assert_int_equal(buf_append(&c->tsc, &i, i < 24, &e), 0);
        assert_int_equal(buf_append(&c->context, &i, 1, &e), 0);
        assert_int_equal(buf_append(&c->params, &i, i < 8, &e), 0);
        assert_int_equal(buf_append(&c->device, &i, i < device, &e), 0);
    }
}

static void assert_same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->size, b->size);
    if (a->size)
        assert_memory_equal(a->data, b->data, a->size);
}

static void assert_same_state(const struct ckpt *a, const struct ckpt *b)
{
    assert_same(&a->tsc, &b->tsc);
    assert_same(&a->context, &b->context);
    assert_same(&a->params, &b->params);
    assert_same(&a->device, &b->device);
}

static void put_first(struct buf *b, const struct ckpt *c)
{
    struct qf_ram_block blocks[QEMU_WIRE_BLOCKS];
    uint8_t page[QEMU_PAGE_SIZE] = { 7 };
    const struct qf_ram_block *ram = &blocks[QEMU_WIRE_RAM_NR];

    qemu_wire_blocks(QEMU_PAGE_SIZE, PAGES, blocks);
    /* Behind what fills a page there is room for a NUL. */
    assert_int_equal(blocks[QEMU_WIRE_CONFIG_NR].length, 2 * QEMU_PAGE_SIZE);
    assert_int_equal(qemu_put_head(b, QEMU_WIRE_MACHINE, NULL), 0);
    assert_int_equal(qemu_put_ram_start(b, QEMU_WIRE_RAM_ID, blocks,
                                        QEMU_WIRE_BLOCKS, NULL), 0);
    assert_int_equal(qemu_put_ram_part(b, QEMU_WIRE_RAM_ID, NULL), 0);
    assert_int_equal(qemu_put_page(b, ram, 0, NULL, NULL), 0);
    assert_int_equal(qemu_put_ram_part_end(b, QEMU_WIRE_RAM_ID, NULL), 0);
    assert_int_equal(qemu_put_ram_begin(b, QEMU_WIRE_RAM_ID, NULL), 0);
    assert_int_equal(qemu_put_page_head(b, ram, QEMU_PAGE_SIZE, NULL), 0);
    assert_int_equal(buf_append(b, page, sizeof(page), NULL), 0);
    assert_int_equal(qemu_put_ram_part_end(b, QEMU_WIRE_RAM_ID, NULL), 0);
    assert_int_equal(qemu_wire_put_state(b, c, NULL), 0);
    assert_int_equal(qemu_put_description(b, NULL), 0);
}

static void put_checkpoint(struct buf *b, const struct ckpt *c)
{
    struct buf state = { 0 };

    assert_int_equal(qemu_wire_put_state(&state, c, NULL), 0);
    qemu_put_message(b, QEMU_CHECKPOINT_REQUEST, 0, NULL);
    qemu_put_message(b, QEMU_VMSTATE_SEND, 0, NULL);
    assert_int_equal(qemu_put_ram_begin(b, QEMU_WIRE_RAM_ID, NULL), 0);
    assert_int_equal(qemu_put_ram_end(b, QEMU_WIRE_RAM_ID, NULL), 0);
    qemu_put_message(b, QEMU_VMSTATE_SIZE, state.size, NULL);
    assert_int_equal(buf_append(b, state.data, state.size, NULL), 0);
    buf_dispose(&state);
}

static void feed(struct heard *h, const struct buf *b, size_t piece)
{
    struct err e = { 0 };

    for (size_t at = 0, n; at < b->size; at += n) {
        n = b->size - at < piece ? b->size - at : piece;
        if (qf_forward(h->f, b->data + at, n, &e))
            fail_msg("%s", e.msg);
    }
}

static void one_stream(size_t piece, size_t device)
{
    struct buf first = { 0 }, next = { 0 };
    struct heard h = { 0 };
    struct qf_conf conf = { .page = on_page, .state = on_state,
                            .devices = on_devices, .ctx = &h };
    uint8_t ready[QEMU_MESSAGE_SIZE] = { QEMU_CHECKPOINT_READY };
    struct ckpt c, back;
    struct qf_where w;

    fill(&c, device);
    fill(&back, 1);
    put_first(&first, &c);
    put_checkpoint(&next, &c);
    h.f = qf_new(&conf);
    assert_non_null(h.f);
    feed(&h, &first, piece);
    w = qf_where(h.f, QF_FORWARD);
    assert_int_equal(w.place, QF_AT_PRECOPY_DONE);
    assert_true(w.description > 0);
    assert_int_equal(h.pages, 2);
    assert_int_equal(h.zeros, 1);
    assert_int_equal(h.last[0], 7);
    assert_int_equal(qemu_wire_get_state(&back, h.devices.data,
                                         h.devices.size - w.description,
                                         NULL), 0);
    assert_same_state(&c, &back);
    assert_int_equal(qf_back(h.f, ready, sizeof(ready), NULL), 0);
    feed(&h, &next, piece);
    assert_int_equal(qf_tally(h.f).checkpoints, 1);
    assert_int_equal(qemu_wire_get_state(&back, h.state.data, h.state.size,
                                         NULL), 0);
    assert_same_state(&c, &back);
    qf_free(h.f);
    buf_dispose(&h.devices);
    buf_dispose(&h.state);
    buf_dispose(&first);
    buf_dispose(&next);
    ckpt_dispose(&c);
    ckpt_dispose(&back);
}

static void the_follower_understands_it(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 300; piece += 7)
        one_stream(piece, piece % 2 ? 40 : 0);
    one_stream(SIZE_MAX, 40);
}

static void half_of_a_state_is_none(void **state)
{
    struct buf b = { 0 };
    struct ckpt c, back;
    struct err e = { 0 };

    (void)state;
    fill(&c, 0);
    fill(&back, 0);
    assert_int_equal(qemu_wire_put_state(&b, &c, &e), 0);
    for (size_t n = 0; n < b.size; n++)
        assert_int_equal(qemu_wire_get_state(&back, b.data, n, &e),
                         ERR_FORMAT);
    assert_int_equal(buf_append(&b, "", 1, &e), 0);
    assert_int_equal(qemu_wire_get_state(&back, b.data, b.size, &e),
                     ERR_FORMAT);
    buf_dispose(&b);
    ckpt_dispose(&c);
    ckpt_dispose(&back);
}

/* What makes a section one can't be otherwise; its body can. */
static void a_changed_head_or_footer_is_refused(void **state)
{
    static const size_t body = 6 + sizeof("xl/tsc") - 1 + 12;
    struct buf b = { 0 };
    struct ckpt c, back;
    struct err e = { 0 };

    (void)state;
    fill(&c, 0);
    fill(&back, 0);
    assert_int_equal(qemu_wire_put_state(&b, &c, &e), 0);
    for (size_t i = 0; i < body + c.tsc.size + 5; i++) {
        bool instance = i >= 12 && i < 16;    /* which nobody looks at */
        bool inside = i >= body && i < body + c.tsc.size;

        b.data[i] ^= 0x80;
        assert_int_equal(qemu_wire_get_state(&back, b.data, b.size, &e),
                         instance || inside ? 0 : ERR_FORMAT);
        b.data[i] ^= 0x80;
    }
    buf_dispose(&b);
    ckpt_dispose(&c);
    ckpt_dispose(&back);
}

static void only_a_domains_state_is_taken(void **state)
{
    struct buf b = { 0 };
    struct ckpt back;
    struct err e = { 0 };

    (void)state;
    fill(&back, 0);
    assert_int_equal(qemu_put_section(&b, 3, "xl/context", "x", 1, &e), 0);
    assert_int_equal(qemu_put_sections_end(&b, &e), 0);
    assert_int_equal(qemu_wire_get_state(&back, b.data, b.size, &e),
                     ERR_FORMAT);
    assert_non_null(strstr(e.msg, "out of order"));
    buf_dispose(&b);
    ckpt_dispose(&back);
}

static void what_has_no_room_leaves_the_buffer_alone(void **state)
{
    struct qf_ram_block blocks[QEMU_WIRE_BLOCKS];
    struct err e = { 0 };
    struct buf b;

    (void)state;
    qemu_wire_blocks(1, PAGES, blocks);
    buf_init(&b, 40);    /* the section's begin would fit */
    assert_int_equal(qemu_put_ram_start(&b, QEMU_WIRE_RAM_ID, blocks,
                                        QEMU_WIRE_BLOCKS, &e), ERR_LIMIT);
    assert_int_equal(b.size, 0);
    assert_int_equal(qemu_put_section(&b, 3, "xl/context", "", 40, &e),
                     ERR_LIMIT);
    assert_int_equal(b.size, 0);
    buf_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_follower_understands_it),
        cmocka_unit_test(half_of_a_state_is_none),
        cmocka_unit_test(a_changed_head_or_footer_is_refused),
        cmocka_unit_test(only_a_domains_state_is_taken),
        cmocka_unit_test(what_has_no_room_leaves_the_buffer_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
