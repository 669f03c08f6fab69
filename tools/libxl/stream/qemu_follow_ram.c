/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower's steps in RAM: the list of blocks, and records of pages. A
 * name is compared with the list's and not kept; pages pass, or are handed on.
 */
#include "qemu_follow_int.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bytes.h"

#define PAGE_KINDS (QEMU_RAM_ZERO | QEMU_RAM_PAGE | QEMU_RAM_XBZRLE | \
                    QEMU_RAM_COMPRESS)

void qf_ram_begin(struct qemu_follower *f)
{
    memset(&f->pages, 0, sizeof(f->pages));
    f->ram_at = f->ways[QF_FORWARD].offset;
}

void qf_ram_told(struct qemu_follower *f, uint64_t end)
{
    struct qf_event event = {
        .kind = QF_RAM, .direction = QF_FORWARD, .offset = f->ram_at,
        .octets = end - f->ram_at,
        .checkpoint = f->ways[QF_FORWARD].checkpoint, .pages = f->pages,
    };

    f->tally.pages.zero += f->pages.zero;
    f->tally.pages.full += f->pages.full;
    f->tally.pages.xbzrle += f->pages.xbzrle;
    f->tally.pages.compressed += f->pages.compressed;
    qf_tell(f, &event);
}

static void next_record(struct qemu_follower *f)
{
    qf_read(&f->ways[QF_FORWARD], QF_STEP_RECORD, 8);
}

/* ---- the list of blocks. */

static struct qf_block *find(struct qemu_follower *f, const uint8_t *name,
                             size_t n)
{
    struct qf_block *b = f->blocks, *end = b + f->tally.blocks;

    for (; b != end; b++)
        if (b->name_length == n && !memcmp(f->names + b->name, name, n))
            return b;
    return NULL;
}

static void next_block(struct qemu_follower *f)
{
    if (f->list_left)
        qf_read(&f->ways[QF_FORWARD], QF_STEP_LIST_LENGTH, 1);
    else
        next_record(f);
}

static int begin_list(struct qemu_follower *f, uint64_t total)
{
    if (f->listed || f->section != QEMU_SECTION_START)
        return qf_fail(f, QF_FORWARD, QF_RULE_LIST, f->record_at, NULL);
    f->listed = true;
    f->list_left = total;
    next_block(f);
    return 0;
}

int qf_step_list_length(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    if (!p[0])
        return qf_fail(f, QF_FORWARD, QF_RULE_LIST_NAME, w->at,
                       "this has none");
    if (f->tally.blocks == QEMU_BLOCKS_MAX ||
        f->names_used + p[0] > QEMU_BLOCK_NAMES)
        return qf_fail(f, QF_FORWARD, QF_RULE_LIST_LIMIT, w->at, NULL);
    qf_read(w, QF_STEP_LIST_BLOCK,
            p[0] + (f->tally.ignore_shared ? 16u : 8u));
    return 0;
}

int qf_step_list_block(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    size_t n = (size_t)(w->offset - w->at) -
               (f->tally.ignore_shared ? 16 : 8);
    struct qf_block *b = &f->blocks[f->tally.blocks];
    uint64_t length = get_be64(p + n);
    char name[QEMU_NAME_MAX + 1], shown[QF_NAME_SHOWN];
    struct qf_event event = {
        .kind = QF_BLOCK, .direction = QF_FORWARD, .offset = w->at - 1,
        .octets = w->offset - w->at + 1, .value = length, .name = name,
    };

    if (find(f, p, n))
        return qf_fail(f, QF_FORWARD, QF_RULE_LIST_NAME, w->at,
                       "%s comes twice", qf_show(shown, p, n));
    if (length % QEMU_PAGE_SIZE || length > f->list_left)
        return qf_fail(f, QF_FORWARD, QF_RULE_LIST_LENGTH, w->at + n,
                       "%s has %" PRIu64 " of the %" PRIu64 " octets left",
                       qf_show(shown, p, n), length, f->list_left);
    b->length = length;
    b->start = f->tally.blocks ? b[-1].start + b[-1].length : 0;
    b->name = (uint16_t)f->names_used;
    b->name_length = (uint8_t)n;
    memcpy(f->names + f->names_used, p, n);
    f->names_used += (uint32_t)n;
    f->list_left -= length;
    f->tally.blocks++;
    memcpy(name, p, n);
    name[n] = '\0';
    next_block(f);
    qf_tell(f, &event);
    return 0;
}

struct qf_ram_block qf_block(const struct qemu_follower *f, uint32_t i)
{
    const struct qf_block *b = &f->blocks[i];

    assert(i < f->tally.blocks);
    return (struct qf_ram_block) {
        .name = f->names + b->name, .name_length = b->name_length,
        .length = b->length, .start = b->start,
    };
}

/* ---- records. */

void qf_page_piece(struct qemu_follower *f, const uint8_t *data, size_t n,
                   uint64_t left)
{
    if (!f->conf.page || f->record_kind != QEMU_RAM_PAGE)
        return;
    f->whole = n == QEMU_PAGE_SIZE ? data : f->page;
    if (f->whole == f->page)
        memcpy(f->page + QEMU_PAGE_SIZE - left, data, n);
}

static void tell_page(struct qemu_follower *f)
{
    struct qf_page page = {
        .block = (uint32_t)(f->block - f->blocks),
        .offset = f->record_offset, .kind = f->record_kind,
        .data = f->record_kind == QEMU_RAM_PAGE ? f->whole : NULL,
    };

    if (f->conf.page)
        f->conf.page(f->conf.ctx, &page);
}

/* The block is known: is the page in it, and what follows the record? */
static int begin_page(struct qemu_follower *f)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    if (f->record_offset >= f->block->length)
        return qf_fail(f, QF_FORWARD, QF_RULE_OFFSET, f->record_at,
                       "it is at %" PRIu64 " of %" PRIu64, f->record_offset,
                       f->block->length);
    switch (f->record_kind) {
    case QEMU_RAM_ZERO:
        qf_read(w, QF_STEP_ZERO, 1);
        break;
    case QEMU_RAM_XBZRLE:
        qf_read(w, QF_STEP_XBZRLE, 3);
        break;
    case QEMU_RAM_COMPRESS:
        qf_read(w, QF_STEP_COMPRESS, 4);
        break;
    default:
        qf_skip(w, QF_STEP_PAGE, QEMU_PAGE_SIZE);
        break;
    }
    return 0;
}

static int page_record(struct qemu_follower *f, bool named_before)
{
    if (!named_before) {
        qf_read(&f->ways[QF_FORWARD], QF_STEP_BLOCK_LENGTH, 1);
        return 0;
    }
    if (!f->block)
        return qf_fail(f, QF_FORWARD, QF_RULE_CONTINUE, f->record_at, NULL);
    return begin_page(f);
}

static bool is_page(uint32_t kind)
{
    return kind && !(kind & ~PAGE_KINDS) && !(kind & (kind - 1));
}

int qf_step_record(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint64_t record = get_be64(p);
    uint32_t flags = (uint32_t)(record & QEMU_RAM_FLAGS);

    f->record_at = w->at;
    f->record_offset = record & ~QEMU_RAM_FLAGS;
    f->record_kind = flags & ~QEMU_RAM_CONTINUE;
    if (is_page(f->record_kind))
        return page_record(f, flags & QEMU_RAM_CONTINUE);
    if (flags == QEMU_RAM_MEM_SIZE)
        return begin_list(f, f->record_offset);
    if (flags == QEMU_RAM_HOOK)
        return qf_fail(f, QF_FORWARD, QF_RULE_HOOK, w->at, NULL);
    if (record == QEMU_RAM_EOS) {
        qf_read(w, QF_STEP_FOOTER, 5);
        return 0;
    }
    if (record != QEMU_RAM_FLUSH)
        return qf_fail(f, QF_FORWARD, QF_RULE_FLAGS, w->at,
                       "this is 0x%016" PRIx64, record);
    next_record(f);
    return 0;
}

int qf_step_block_length(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    if (!p[0])
        return qf_fail(f, QF_FORWARD, QF_RULE_BLOCK, w->at,
                       "this has no name");
    qf_read(w, QF_STEP_BLOCK_NAME, p[0]);
    return 0;
}

int qf_step_block_name(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    size_t n = (size_t)(w->offset - w->at);
    char shown[QF_NAME_SHOWN];

    f->block = find(f, p, n);
    if (!f->block)
        return qf_fail(f, QF_FORWARD, QF_RULE_BLOCK, w->at, "%s isn't",
                       qf_show(shown, p, n));
    return begin_page(f);
}

int qf_step_zero(struct qemu_follower *f, const uint8_t *p)
{
    if (p[0])
        return qf_fail(f, QF_FORWARD, QF_RULE_ZERO, f->ways[QF_FORWARD].at,
                       "it is 0x%02x here", p[0]);
    f->pages.zero++;
    next_record(f);
    tell_page(f);
    return 0;
}

int qf_step_xbzrle(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint32_t n = get_be16(p + 1);

    if (p[0] != QEMU_XBZRLE_MARK || n > QEMU_PAGE_SIZE)
        return qf_fail(f, QF_FORWARD, QF_RULE_XBZRLE, w->at,
                       "it is marked %u and has %" PRIu32 " here", p[0], n);
    qf_skip(w, QF_STEP_PAGE, n);
    return 0;
}

int qf_step_compress(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint32_t n = get_be32(p);

    if (n < 1 || n > QEMU_COMPRESS_MAX)
        return qf_fail(f, QF_FORWARD, QF_RULE_COMPRESS, w->at,
                       "it has %" PRIu32 " here", n);
    qf_skip(w, QF_STEP_PAGE, n);
    return 0;
}

int qf_step_page(struct qemu_follower *f, const uint8_t *p)
{
    (void)p;
    if (f->record_kind == QEMU_RAM_XBZRLE)
        f->pages.xbzrle++;
    else if (f->record_kind == QEMU_RAM_COMPRESS)
        f->pages.compressed++;
    else
        f->pages.full++;
    next_record(f);
    tell_page(f);
    return 0;
}
