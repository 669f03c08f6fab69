/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The seven messages of QEMU's COLO: to octets and back. No I/O, no order:
 * which one has its turn is for who follows a stream or runs a session. Called
 * by the follower, by what speaks to QEMU itself, by tests.
 */
#ifndef XC_STREAM_QEMU_MESSAGE_H
#define XC_STREAM_QEMU_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "qemu_format.h"

/* As QEMU's schema says it, e.g. "vmstate-size"; "unknown" out of range. */
const char *qemu_message_name(enum qemu_message m);

/* True for what the primary sends. @m has to be one of the seven. */
bool qemu_message_forward(enum qemu_message m);

/* Octets that @m has on the wire: 12 for VMSTATE_SIZE, else 4. */
size_t qemu_message_size(enum qemu_message m);

/*
 * Write @m, one of the seven, to @to, which has room for qemu_message_size();
 * @value is the state's size in octets with VMSTATE_SIZE and isn't looked at
 * else. Returns the octets written.
 */
size_t qemu_message_encode(uint8_t *to, enum qemu_message m, uint64_t value);

/* As above, appended to @b. ERR_LIMIT or ERR_NOMEM leave it as it was. */
int qemu_put_message(struct buf *b, enum qemu_message m, uint64_t value,
                     struct err *e);

/*
 * Which message the word @from[0..4) is; a value, if any, follows it. Anything
 * but 0 to 6 is ERR_FORMAT, as QEMU's own receiver has it.
 */
int qemu_get_message(const uint8_t *from, enum qemu_message *m_r,
                     struct err *e);

#endif
