/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the stream fuzzers share: a stream is read, decoded and judged twice,
 * whole and in small pieces, and both have to come to the same end. Aborts
 * where they don't; static, included by fuzz_xl.c and its like.
 */
#ifndef XC_FUZZ_STREAM_H
#define XC_FUZZ_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "pages.h"
#include "reader.h"
#include "validator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x) do { if (!(x)) abort(); } while (0)

struct outcome {
    int rc, finish;
    enum sr_rule rule;
    uint64_t offset, items_octets, epochs;
    enum sr_cut_at at;
    enum sr_mode mode;
    bool hvm;    /* as libxc's header said */
};

/* A receiver's own decoder, behind the validator: it must agree. */
static inline void pages_item(struct sr_pages *p, const struct sr_item *item,
                              bool hvm)
{
    const uint8_t *data = item->data;
    struct sr_pages_item out;
    size_t size = item->size;

    if (item->layer != WIRE_LIBXC || item->type != WIRE_LIBXC_PAGE_DATA)
        return;
    if (item->kind == SR_RECORD)
        sr_pages_begin(p, item->body_length, hvm);
    if (item->kind == SR_RECORD_END)
        MUST(sr_pages_complete(p));
    if (item->kind != SR_BODY)
        return;
    do {
        MUST(sr_pages_next(p, &data, &size, &out, NULL) == 0);
        if (out.kind == SR_PAGES_SPAN)
            MUST(out.in_page + out.size <= WIRE_PAGE_SIZE &&
                 out.index < p->count);
    } while (out.kind != SR_PAGES_NEED_MORE);
    MUST(size == 0);
}

static inline int feed(struct sr_reader *r, struct sr_validator *v,
                       const uint8_t *data, size_t size, struct outcome *o,
                       struct err *e)
{
    static struct sr_pages pages;
    struct sr_item item;
    int rc;

    for (;;) {
        rc = sr_reader_next(r, &data, &size, &item, e);
        if (rc)
            return rc;
        if (item.size)
            MUST(item.offset == o->items_octets);
        o->items_octets += item.size;
        rc = sr_validator_item(v, &item, e);
        if (rc)
            return rc;
        if (item.kind == SR_NEED_MORE)
            return size == 0 ? 0 : (abort(), 0);
        if (item.kind == SR_LIBXC_HEADER)
            o->hvm = item.u.libxc.guest_type == WIRE_GUEST_HVM;
        pages_item(&pages, &item, o->hvm);
    }
}

static inline struct outcome run(const uint8_t *data, size_t size,
                                 size_t piece, enum sr_direction direction,
                                 enum wire_layer first, enum sr_mode mode)
{
    struct sr_validator *v = sr_validator_new(direction, first, mode);
    struct outcome o = { 0 };
    struct sr_reader r;
    struct sr_cut cut;
    struct err e = { 0 };
    const char *note;
    size_t n;

    MUST(v);
    sr_reader_init(&r, direction, first);
    for (; size && o.rc == 0; data += n, size -= n) {
        n = size < piece ? size : piece;
        o.rc = feed(&r, v, data, n, &o, &e);
    }
    MUST((o.rc == 0) == (sr_reader_fault(&r) == NULL &&
                         sr_validator_fault(v) == NULL));
    MUST(o.rc == 0 || o.rc == ERR_FORMAT || o.rc == ERR_LIMIT);
    cut = sr_reader_eof(&r);
    MUST(sr_reader_offset(&r) - o.items_octets <= WIRE_XL_HEADER_SIZE);
    MUST(cut.at == SR_CUT_INSIDE ||
         sr_reader_offset(&r) == o.items_octets);
    o.finish = sr_validator_finish(v, &r, false, &note, &e);
    MUST(o.rc == 0 || o.finish == o.rc);
    if (o.finish) {
        o.rule = sr_validator_fault(v)->id;
        o.offset = sr_validator_fault(v)->offset;
    }
    o.epochs = cut.epochs;
    o.at = cut.at;
    o.mode = sr_validator_mode(v);
    sr_validator_free(v);
    return o;
}

static inline int fuzz_stream(const uint8_t *data, size_t size,
                              enum sr_direction direction,
                              enum wire_layer first)
{
    enum sr_mode mode = size ? (data[size - 1] ^ size) & 3 : SR_MODE_AUTO;
    struct outcome a, b;

    a = run(data, size, SIZE_MAX, direction, first, SR_MODE_AUTO);
    b = run(data, size, 1 + size % 23, direction, first, SR_MODE_AUTO);
    MUST(a.rc == b.rc && a.finish == b.finish && a.rule == b.rule &&
         a.offset == b.offset && a.epochs == b.epochs && a.at == b.at &&
         a.mode == b.mode);
    run(data, size, 61, direction, first, mode);
    return 0;
}

#endif
