/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Decoder of PAGE_DATA bodies: fed the reader's SR_BODY spans, it collects
 * the list of page numbers, checks it, and then hands out spans of page data
 * with the page that they belong to. Page data is never copied or looked at.
 * No I/O and no allocation; about 390 KiB. Called by receiving loops and by
 * the validator.
 */
#ifndef XC_STREAM_PAGES_H
#define XC_STREAM_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "format.h"
#include "rules.h"

#define SR_PFNS_MAX    WIRE_PAGES_MAX

/* Private but for count, data_count and the accessors below. */
struct sr_pages {
    uint32_t body_length;
    uint32_t body_used;       /* octets of the body taken */
    uint32_t count;           /* entries; known from SR_PAGES_LIST on */
    uint32_t data_count;      /* of them, those with data */
    uint32_t index, in_page;  /* the entry whose data comes next */
    bool hvm, list_done;
    uint32_t part_used;
    uint8_t part[8];
    enum sr_rule rule;        /* why it failed, or SR_RULE_NONE */
    uint64_t entry[SR_PFNS_MAX];
    uint16_t order[2][SR_PFNS_MAX];    /* for sorting, to find duplicates */
};

enum sr_pages_kind {
    SR_PAGES_NEED_MORE,    /* the cursor is empty */
    SR_PAGES_LIST,         /* count and all entries are known and checked */
    SR_PAGES_SPAN,         /* data of one page, or a part of it */
};

struct sr_pages_item {
    enum sr_pages_kind kind;
    uint32_t index;         /* SPAN: entry; same order as in the list */
    uint32_t page_type;     /* SPAN: WIRE_PAGE_* */
    uint64_t pfn;           /* SPAN */
    uint32_t in_page;       /* SPAN: offset of data[0] in the page */
    const uint8_t *data;    /* SPAN: in the caller's buffer */
    size_t size;            /* SPAN: never crosses the end of the page */
};

/*
 * Begin a body of @body_length octets, of a guest that is @hvm (container:
 * HVM, PVH) or PV. Allocate a struct sr_pages once; it needs no init besides.
 */
void sr_pages_begin(struct sr_pages *p, uint32_t body_length, bool hvm);

/*
 * Take the next item from the cursor. SR_PAGES_LIST comes exactly once, then
 * spans. Checked before it is handed out: count from 1 to SR_PFNS_MAX,
 * reserved bits, valid page types (of an HVM guest: no page tables), pfn
 * below WIRE_PFN_END, no pfn twice, and that body_length is what the list
 * asks for. Returns 0, or ERR_FORMAT/ERR_LIMIT with p->rule set.
 */
int sr_pages_next(struct sr_pages *p, const uint8_t **data, size_t *size,
                  struct sr_pages_item *item_r, struct err *e);

/* The whole body has been taken. False at SR_RECORD_END is a caller's bug. */
static inline bool sr_pages_complete(const struct sr_pages *p)
{
    return p->list_done && p->body_used == p->body_length;
}

static inline uint64_t sr_pages_pfn(const struct sr_pages *p, uint32_t i)
{
    return p->entry[i] & WIRE_ENTRY_PFN_MASK;
}

static inline uint32_t sr_pages_type(const struct sr_pages *p, uint32_t i)
{
    return (uint32_t)(p->entry[i] >> WIRE_ENTRY_SHIFT);
}

#endif
