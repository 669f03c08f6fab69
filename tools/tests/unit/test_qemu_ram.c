/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The content that the follower hands on: pages, the state; and RAM that is
 * written again from pages, which any follower of the same connection has to
 * understand the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu_ram.h"
#include "qemu_world.h"

#define PAGES_MAX 96

struct content {
    struct qemu_follower *f;
    struct buf state;
    size_t nr;
    struct qf_page pages[PAGES_MAX];
    uint8_t data[PAGES_MAX][QEMU_PAGE_SIZE];
};

static void take_page(void *ctx, const struct qf_page *page)
{
    struct content *c = ctx;

    assert_true(c->nr < PAGES_MAX);
    assert_int_equal(page->data != NULL, page->kind == QEMU_RAM_PAGE);
    if (page->data)
        memcpy(c->data[c->nr], page->data, QEMU_PAGE_SIZE);
    c->pages[c->nr] = *page;
    c->pages[c->nr++].data = NULL;
}

/* By its fields: padding isn't theirs. */
static void assert_same_page(const struct qf_page *a, const struct qf_page *b)
{
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->kind, b->kind);
}

static void take_state(void *ctx, const uint8_t *data, size_t n)
{
    struct content *c = ctx;

    put(&c->state, data, n);
}

static void feed_all(struct content *c, const struct pair *p, size_t piece)
{
    struct qf_conf conf = {
        .page = take_page, .state = take_state, .ctx = c,
    };
    struct err e = { 0 };

    memset(c, 0, sizeof(*c));
    buf_init(&c->state, 0);
    c->f = qf_new(&conf);
    assert_non_null(c->f);
    assert_int_equal(feed_pieces(c->f, QF_FORWARD, p->forward.data,
                                 p->precopy, piece, &e), 0);
    assert_int_equal(qf_back(c->f, p->back.data, 4, &e), 0);
    assert_int_equal(feed_pieces(c->f, QF_FORWARD,
                                 p->forward.data + p->precopy,
                                 p->forward.size - p->precopy, piece, &e), 0);
}

static void content_dispose(struct content *c)
{
    qf_free(c->f);
    buf_dispose(&c->state);
}

static void content_is_handed_on_in_any_pieces(void **state)
{
    static const size_t pieces[] = { 1, 7, 4095, 4096, 4097, 65536 };
    static struct content c, whole;
    struct pair p;

    (void)state;
    load_pair(&p, "none", 9116);
    feed_all(&whole, &p, SIZE_MAX);
    assert_true(whole.nr > 16);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        feed_all(&c, &p, pieces[i]);
        assert_int_equal(c.nr, whole.nr);
        assert_memory_equal(c.data, whole.data, sizeof(c.data));
        for (size_t at = 0; at < c.nr; at++)
            assert_same_page(&c.pages[at], &whole.pages[at]);
        assert_int_equal(c.state.size, whole.state.size);
        assert_memory_equal(c.state.data, whole.state.data, c.state.size);
        assert_int_equal(c.state.size, qf_tally(c.f).octets[QF_OCTETS_BLOBS]);
        content_dispose(&c);
    }
    content_dispose(&whole);
    pair_dispose(&p);
}

static void blocks_and_kinds_are_told(void **state)
{
    static const uint32_t kinds[] = {
        QEMU_RAM_ZERO, QEMU_RAM_PAGE, QEMU_RAM_XBZRLE, QEMU_RAM_COMPRESS,
        QEMU_RAM_ZERO, QEMU_RAM_ZERO, QEMU_RAM_ZERO,
    };
    static struct content c;
    struct qf_ram_block b;
    struct world w;

    (void)state;
    world_init(&w);
    feed_all(&c, &w.pair, SIZE_MAX);
    assert_int_equal(c.nr, sizeof(kinds) / sizeof(kinds[0]));
    for (size_t i = 0; i < c.nr; i++) {
        assert_int_equal(c.pages[i].kind, kinds[i]);
        assert_int_equal(c.pages[i].offset, i < 4 ? i << 12 : 0);
        assert_int_equal(c.pages[i].block, i < 4 ? 0 : 1);
    }
    b = qf_block(c.f, 0);
    assert_int_equal(b.start, 0);
    assert_int_equal(b.length, 0x4000);
    b = qf_block(c.f, 1);
    assert_int_equal(b.start, 0x4000);
    assert_int_equal(b.length, 0x1000);
    assert_int_equal(b.name_length, 6);
    assert_memory_equal(b.name, "pc.bio", 6);
    assert_int_equal(qf_tally(c.f).ram_id, 2);
    assert_true(qf_tally(c.f).ignore_shared);
    content_dispose(&c);
    pair_dispose(&w.pair);
}

/* The capture's last pages again, as a checkpoint of their own. */
static void what_is_written_reads_the_same(void **state)
{
    static struct content c;
    struct buf out;
    struct pair p;
    struct err e = { 0 };
    size_t nr;

    (void)state;
    load_pair(&p, "none", 9116);
    feed_all(&c, &p, SIZE_MAX);
    buf_init(&out, 0);
    nr = c.nr;
    assert_int_equal(qemu_put_message(&out, QEMU_CHECKPOINT_REQUEST, 0, &e),
                     0);
    assert_int_equal(qemu_put_message(&out, QEMU_VMSTATE_SEND, 0, &e), 0);
    assert_int_equal(qemu_put_ram_begin(&out, qf_tally(c.f).ram_id, &e), 0);
    for (size_t i = nr - 20; i < nr; i++) {
        struct qf_ram_block b = qf_block(c.f, c.pages[i].block);

        assert_int_equal(qemu_put_page(&out, &b, c.pages[i].offset,
                                       c.pages[i].kind == QEMU_RAM_ZERO ?
                                       NULL : c.data[i], &e), 0);
    }
    assert_int_equal(qemu_put_ram_end(&out, qf_tally(c.f).ram_id, &e), 0);
    assert_int_equal(qemu_put_message(&out, QEMU_VMSTATE_SIZE, 0, &e), 0);
    assert_int_equal(qf_forward(c.f, out.data, out.size, &e), 0);
    assert_int_equal(c.nr, nr + 20);
    for (size_t i = nr; i < c.nr; i++) {
        assert_same_page(&c.pages[i], &c.pages[i - 20]);
        assert_memory_equal(c.data[i], c.data[i - 20], QEMU_PAGE_SIZE);
    }
    assert_int_equal(qf_tally(c.f).checkpoints, 6);
    buf_dispose(&out);
    content_dispose(&c);
    pair_dispose(&p);
}

static void the_end_of_precopy_says_if_it_is_certain(void **state)
{
    struct qemu_follower *f = qf_new(NULL);
    struct qf_where at;
    struct world w;

    (void)state;
    world_init(&w);
    assert_int_equal(qf_forward(f, w.pair.forward.data,
                                w.at[AT_DESCRIPTION], NULL), 0);
    at = qf_where(f, QF_FORWARD);
    assert_int_equal(at.place, QF_AT_PRECOPY_DONE);
    assert_int_equal(at.description, 0);
    assert_int_equal(qf_forward(f, w.pair.forward.data +
                                w.at[AT_DESCRIPTION],
                                w.pair.precopy - w.at[AT_DESCRIPTION], NULL),
                     0);
    at = qf_where(f, QF_FORWARD);
    assert_int_equal(at.place, QF_AT_PRECOPY_DONE);
    assert_int_equal(at.description,
                     w.pair.precopy - w.at[AT_DESCRIPTION]);
    qf_free(f);
    pair_dispose(&w.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_handed_on_in_any_pieces),
        cmocka_unit_test(blocks_and_kinds_are_told),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(the_end_of_precopy_says_if_it_is_certain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
