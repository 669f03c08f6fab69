/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Records of RAM from pages; qemu_format.h has what they look like.
 */
#include "qemu_ram.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

int qemu_put_ram_begin(struct buf *b, uint32_t id, struct err *e)
{
    uint8_t octets[5] = { QEMU_SECTION_END };

    put_be32(octets + 1, id);
    return buf_append(b, octets, sizeof(octets), e);
}

int qemu_put_page(struct buf *b, const struct qf_ram_block *block,
                  uint64_t offset, const uint8_t *data, struct err *e)
{
    uint8_t octets[QEMU_RECORD_MAX] = { 0 };
    size_t n = 9u + block->name_length;

    assert(!(offset & QEMU_RAM_FLAGS));
    put_be64(octets, offset | (data ? QEMU_RAM_PAGE : QEMU_RAM_ZERO));
    octets[8] = block->name_length;
    memcpy(octets + 9, block->name, block->name_length);
    if (data)
        memcpy(octets + n, data, QEMU_PAGE_SIZE);
    return buf_append(b, octets, n + (data ? QEMU_PAGE_SIZE : 1), e);
}

int qemu_put_ram_end(struct buf *b, uint32_t id, struct err *e)
{
    uint8_t octets[14] = { 0 };

    put_be64(octets, QEMU_RAM_EOS);
    octets[8] = QEMU_SECTION_FOOTER;
    put_be32(octets + 9, id);
    octets[13] = QEMU_SECTION_EOF;
    return buf_append(b, octets, sizeof(octets), e);
}
