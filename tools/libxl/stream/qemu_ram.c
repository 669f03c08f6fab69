/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Records of RAM from pages; qemu_format.h has what they look like.
 */
#include "qemu_ram.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

/* Octets before a page's content; of zeros it is but one octet. */
#define PAGE_HEAD(block) (9u + (block)->name_length)

static int put_begin(struct buf *b, uint8_t type, uint32_t id, struct err *e)
{
    uint8_t octets[5] = { type };

    put_be32(octets + 1, id);
    return buf_append(b, octets, sizeof(octets), e);
}

int qemu_put_ram_begin(struct buf *b, uint32_t id, struct err *e)
{
    return put_begin(b, QEMU_SECTION_END, id, e);
}

int qemu_put_ram_part(struct buf *b, uint32_t id, struct err *e)
{
    return put_begin(b, QEMU_SECTION_PART, id, e);
}

static void page_head(uint8_t *to, const struct qf_ram_block *block,
                      uint64_t record)
{
    put_be64(to, record);
    to[8] = block->name_length;
    memcpy(to + 9, block->name, block->name_length);
}

int qemu_put_page_head(struct buf *b, const struct qf_ram_block *block,
                       uint64_t offset, struct err *e)
{
    uint8_t octets[9 + QEMU_NAME_MAX];

    assert(!(offset & QEMU_RAM_FLAGS));
    page_head(octets, block, offset | QEMU_RAM_PAGE);
    return buf_append(b, octets, PAGE_HEAD(block), e);
}

int qemu_put_page(struct buf *b, const struct qf_ram_block *block,
                  uint64_t offset, const uint8_t *data, struct err *e)
{
    uint8_t octets[QEMU_RECORD_MAX] = { 0 };
    size_t n = PAGE_HEAD(block);

    assert(!(offset & QEMU_RAM_FLAGS));
    page_head(octets, block, offset | (data ? QEMU_RAM_PAGE : QEMU_RAM_ZERO));
    if (data)
        memcpy(octets + n, data, QEMU_PAGE_SIZE);
    return buf_append(b, octets, n + (data ? QEMU_PAGE_SIZE : 1), e);
}

/* EOS, the footer, and EOF, which a part doesn't have. */
static int put_end(struct buf *b, uint32_t id, size_t n, struct err *e)
{
    uint8_t octets[14] = { 0 };

    put_be64(octets, QEMU_RAM_EOS);
    octets[8] = QEMU_SECTION_FOOTER;
    put_be32(octets + 9, id);
    octets[13] = QEMU_SECTION_EOF;
    return buf_append(b, octets, n, e);
}

int qemu_put_ram_end(struct buf *b, uint32_t id, struct err *e)
{
    return put_end(b, id, 14, e);
}

int qemu_put_ram_part_end(struct buf *b, uint32_t id, struct err *e)
{
    return put_end(b, id, 13, e);
}

static int put_block(struct buf *b, const struct qf_ram_block *block,
                     struct err *e)
{
    uint8_t octets[1 + QEMU_NAME_MAX + 8] = { block->name_length };

    memcpy(octets + 1, block->name, block->name_length);
    put_be64(octets + 1 + block->name_length, block->length);
    return buf_append(b, octets, 9u + block->name_length, e);
}

int qemu_put_ram_start(struct buf *b, uint32_t id,
                       const struct qf_ram_block *blocks, size_t n,
                       struct err *e)
{
    uint8_t octets[5 + 1 + 3 + 8 + 8] = { QEMU_SECTION_START };
    uint64_t total = 0;
    size_t before = b->size;
    int rc;

    for (size_t i = 0; i < n; i++)
        total += blocks[i].length;
    put_be32(octets + 1, id);
    octets[5] = 3;
    memcpy(octets + 6, QEMU_RAM_NAME, 3);
    put_be32(octets + 9, QEMU_RAM_INSTANCE);
    put_be32(octets + 13, QEMU_RAM_VERSION);
    put_be64(octets + 17, total | QEMU_RAM_MEM_SIZE);
    rc = buf_append(b, octets, sizeof(octets), e);
    for (size_t i = 0; !rc && i < n; i++)
        rc = put_block(b, &blocks[i], e);
    if (!rc)
        rc = qemu_put_ram_part_end(b, id, e);
    if (rc)
        b->size = before;
    return rc;
}
