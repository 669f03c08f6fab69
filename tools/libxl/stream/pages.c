/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The PAGE_DATA decoder. The list is copied entry by entry and checked on the
 * way; duplicates are looked for once it is complete: not at all in a list
 * that ascends, else by a radix sort, so that no list makes it slow.
 */
#include "pages.h"

#include <string.h>

#include "bytes.h"
#include "err.h"
#include "names.h"

#define LIST_HEAD 8u    /* u32 count, u32 zero */

#define RADIX_BITS   10u
#define RADIX_PASSES (WIRE_PFN_BITS / RADIX_BITS)
#define RADIX        (1u << RADIX_BITS)

_Static_assert(RADIX_PASSES % 2 == 0 &&
               RADIX_PASSES * RADIX_BITS == WIRE_PFN_BITS, "whole passes");
_Static_assert(SR_PFNS_MAX <= 65535, "indices and their sums fit in u16");

void sr_pages_begin(struct sr_pages *p, uint32_t body_length, bool hvm)
{
    memset(p, 0, offsetof(struct sr_pages, entry));
    p->body_length = body_length;
    p->hvm = hvm;
}

static int fail(struct sr_pages *p, struct err *e, enum sr_rule rule)
{
    p->rule = rule;
    return err_set(e, rule == SR_RULE_PAGES_LIMIT ? ERR_LIMIT : ERR_FORMAT,
                   "PAGE_DATA: broken rule: %s",
                   sr_rule_info(rule)->sentence);
}

static enum sr_rule check_head(struct sr_pages *p, const uint8_t *at)
{
    p->count = get_le32(at);
    if (p->count == 0)
        return SR_RULE_PAGES_EMPTY;
    if (p->count > SR_PFNS_MAX)
        return SR_RULE_PAGES_LIMIT;
    if (get_le32(at + 4))
        return SR_RULE_PAGES_RESERVED;
    if (p->body_length < LIST_HEAD + 8 * p->count)
        return SR_RULE_PAGES_LENGTH;
    return SR_RULE_NONE;
}

static enum sr_rule check_entry(const struct sr_pages *p, uint64_t entry)
{
    uint32_t type = (uint32_t)(entry >> WIRE_ENTRY_SHIFT);

    if (entry & WIRE_ENTRY_RESERVED)
        return SR_RULE_PAGES_BITS;
    if (!wire_page_type_valid(type))
        return SR_RULE_PAGES_TYPE;
    if (p->hvm && !wire_page_type_in_hvm(type))
        return SR_RULE_PAGES_HVM;
    if ((entry & WIRE_ENTRY_PFN_MASK) >= WIRE_PFN_END)
        return SR_RULE_PAGES_PFN;
    return SR_RULE_NONE;
}

/* Stable sort of the indices @from, by 10 bits of their pfns, into @to. */
static void radix_pass(struct sr_pages *p, const uint16_t *from,
                       uint16_t *to, uint32_t shift)
{
    uint16_t at[RADIX] = { 0 };
    uint16_t sum = 0, n;
    uint32_t i;

    for (i = 0; i < p->count; i++)
        at[p->entry[i] >> shift & (RADIX - 1)]++;
    for (i = 0; i < RADIX; i++) {
        n = at[i];
        at[i] = sum;
        sum = (uint16_t)(sum + n);
    }
    for (i = 0; i < p->count; i++)
        to[at[p->entry[from[i]] >> shift & (RADIX - 1)]++] = from[i];
}

static bool has_duplicate(struct sr_pages *p)
{
    uint32_t i, pass;

    for (i = 1; i < p->count; i++)
        if (sr_pages_pfn(p, i) <= sr_pages_pfn(p, i - 1))
            break;
    if (i == p->count)
        return false;
    for (i = 0; i < p->count; i++)
        p->order[0][i] = (uint16_t)i;
    for (pass = 0; pass < RADIX_PASSES; pass++)
        radix_pass(p, p->order[pass & 1], p->order[~pass & 1],
                   pass * RADIX_BITS);
    for (i = 1; i < p->count; i++)
        if (sr_pages_pfn(p, p->order[0][i]) ==
            sr_pages_pfn(p, p->order[0][i - 1]))
            return true;
    return false;
}

static enum sr_rule check_list(struct sr_pages *p)
{
    uint64_t want = LIST_HEAD + 8ull * p->count +
                    (uint64_t)WIRE_PAGE_SIZE * p->data_count;

    if (want != p->body_length)
        return SR_RULE_PAGES_LENGTH;
    return has_duplicate(p) ? SR_RULE_PAGES_TWICE : SR_RULE_NONE;
}

/* The next 8 octets of the list, in one piece; NULL when the cursor ends. */
static const uint8_t *take8(struct sr_pages *p, const uint8_t **data,
                            size_t *size)
{
    const uint8_t *at = *data;
    uint32_t n = 8 - p->part_used;

    if (*size == 0)
        return NULL;
    if (n > *size)
        n = (uint32_t)*size;
    if (n < 8) {
        memcpy(p->part + p->part_used, *data, n);
        p->part_used += n;
        at = p->part_used == 8 ? p->part : NULL;
    }
    *data += n;
    *size -= n;
    p->body_used += n;
    if (at)
        p->part_used = 0;
    return at;
}

static int next_list(struct sr_pages *p, const uint8_t **data, size_t *size,
                     struct sr_pages_item *item, struct err *e)
{
    const uint8_t *at;
    enum sr_rule rule;

    while (p->count == 0 || p->index < p->count) {
        at = take8(p, data, size);
        if (!at)
            return 0;
        if (p->count == 0) {
            rule = check_head(p, at);
        } else {
            uint64_t entry = get_le64(at);

            p->entry[p->index++] = entry;
            p->data_count += wire_page_type_has_data(
                (uint32_t)(entry >> WIRE_ENTRY_SHIFT));
            rule = entry < WIRE_PFN_END ? SR_RULE_NONE
                                        : check_entry(p, entry);
        }
        if (rule != SR_RULE_NONE)
            return fail(p, e, rule);
    }
    rule = check_list(p);
    if (rule != SR_RULE_NONE)
        return fail(p, e, rule);
    p->list_done = true;
    p->index = 0;
    item->kind = SR_PAGES_LIST;
    return 0;
}

static void next_span(struct sr_pages *p, const uint8_t **data, size_t *size,
                      struct sr_pages_item *item)
{
    uint32_t n = WIRE_PAGE_SIZE - p->in_page;

    while (p->index < p->count &&
           !wire_page_type_has_data(sr_pages_type(p, p->index)))
        p->index++;
    if (p->index == p->count || *size == 0)
        return;
    if (n > *size)
        n = (uint32_t)*size;
    item->kind = SR_PAGES_SPAN;
    item->index = p->index;
    item->pfn = sr_pages_pfn(p, p->index);
    item->page_type = sr_pages_type(p, p->index);
    item->in_page = p->in_page;
    item->data = *data;
    item->size = n;
    *data += n;
    *size -= n;
    p->body_used += n;
    p->in_page += n;
    if (p->in_page == WIRE_PAGE_SIZE) {
        p->in_page = 0;
        p->index++;
    }
}

int sr_pages_next(struct sr_pages *p, const uint8_t **data, size_t *size,
                  struct sr_pages_item *item_r, struct err *e)
{
    memset(item_r, 0, sizeof(*item_r));
    if (p->rule != SR_RULE_NONE)
        return fail(p, e, p->rule);
    if (!p->list_done)
        return next_list(p, data, size, item_r, e);
    next_span(p, data, size, item_r);
    return 0;
}
