/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What sessions put into a stream of QEMU's dialect, where the dialect leaves
 * that to the machine: the names of RAM's blocks and of state. Called by
 * primary_qemu_send.c and secondary_qemu_input.c.
 */
#ifndef XC_SESSION_QEMU_WIRE_H
#define XC_SESSION_QEMU_WIRE_H

#include "ckpt.h"
#include "qemu_follow.h"

#define QEMU_WIRE_MACHINE "xen-colo"
#define QEMU_WIRE_RAM_ID  2u
/* The blocks of RAM, in this order: the domain's configuration, which comes
   first and once, in JSON with NULs behind it; its memory. */
#define QEMU_WIRE_CONFIG "/xl/domain.json"
#define QEMU_WIRE_RAM    "xl.ram"
enum { QEMU_WIRE_CONFIG_NR, QEMU_WIRE_RAM_NR, QEMU_WIRE_BLOCKS };

/* Octets of state that a checkpoint has at most. */
#define QEMU_WIRE_STATE_MAX \
    (CKPT_TSC_MAX + CKPT_CONTEXT_MAX + CKPT_PARAMS_MAX + CKPT_DEVICE_MAX + \
     4096)

/* The blocks of a domain with such a configuration (@json, octets without
   NUL) and so many pages. */
void qemu_wire_blocks(size_t json, uint64_t pages,
                      struct qf_ram_block blocks_r[QEMU_WIRE_BLOCKS]);
/* Whether @b is block @nr, but for its length. */
bool qemu_wire_is(const struct qf_ram_block *b, unsigned int nr);

/* All but the pages of @c, with the end of it. */
int qemu_wire_put_state(struct buf *b, const struct ckpt *c, struct err *e);
/* The same back into @c; ERR_FORMAT: it isn't that. */
int qemu_wire_get_state(struct ckpt *c, const uint8_t *data, size_t n,
                        struct err *e);

#endif
