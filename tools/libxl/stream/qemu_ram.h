/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * RAM in QEMU's stream, written: of a checkpoint what lies between
 * VMSTATE_SEND and VMSTATE_SIZE, and that of the first copy. No I/O; which
 * pages is the caller's matter. Called by who is or plays a primary and who
 * keeps checkpoints.
 *
 * Each page names its block (no CONTINUE), so what is written means the same
 * whatever the connection carried before it.
 */
#ifndef XC_STREAM_QEMU_RAM_H
#define XC_STREAM_QEMU_RAM_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "qemu_follow.h"

/* Octets that a page has at most. */
#define QEMU_RECORD_MAX (8u + 1u + QEMU_NAME_MAX + QEMU_PAGE_SIZE)

/*
 * Append to @b: the begin of RAM's section, whose number was @id in precopy; a
 * page at @offset of @block, of zeros where @data is NULL; the end of the
 * section and of the RAM. All fail as buf_append() and leave @b as it was.
 */
int qemu_put_ram_begin(struct buf *b, uint32_t id, struct err *e);
int qemu_put_page(struct buf *b, const struct qf_ram_block *block,
                  uint64_t offset, const uint8_t *data, struct err *e);
int qemu_put_ram_end(struct buf *b, uint32_t id, struct err *e);
/* A page of the same without its content: QEMU_PAGE_SIZE octets follow. */
int qemu_put_page_head(struct buf *b, const struct qf_ram_block *block,
                       uint64_t offset, struct err *e);

/*
 * The same for the first copy: its first section, number @id, with the list
 * of @n blocks and no page; the begin of another; of the last one, which is
 * qemu_put_ram_begin()'s; the end of either, with no end of the RAM.
 */
int qemu_put_ram_start(struct buf *b, uint32_t id,
                       const struct qf_ram_block *blocks, size_t n,
                       struct err *e);
int qemu_put_ram_part(struct buf *b, uint32_t id, struct err *e);
int qemu_put_ram_part_end(struct buf *b, uint32_t id, struct err *e);

#endif
