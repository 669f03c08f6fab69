/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What else a migration stream of ours has in QEMU's dialect, written: its
 * head, and state in sections that tell how long they are; and those read
 * again. No I/O, no order: see the specification. Called by sessions, by
 * tests. QEMU's own devices don't tell their length, so that these readers
 * understand only what these writers write.
 */
#ifndef XC_STREAM_QEMU_STATE_H
#define XC_STREAM_QEMU_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "qemu_format.h"

/*
 * All put functions append to @b, fail as buf_append() and leave it as it was
 * then. Header, configuration with the @machine's name (1 to QEMU_MACHINE_MAX
 * octets), ENABLE_COLO:
 */
int qemu_put_head(struct buf *b, const char *machine, struct err *e);
/* State @name (1 to QEMU_NAME_MAX octets): a FULL section of number @id, whose
   body is a be32, the length, and @n octets. */
int qemu_put_section(struct buf *b, uint32_t id, const char *name,
                     const void *body, size_t n, struct err *e);
/* Behind the last of them. */
int qemu_put_sections_end(struct buf *b, struct err *e);
/* The first copy's very end, by which its end is known. */
int qemu_put_description(struct buf *b, struct err *e);

struct qemu_part {
    const uint8_t *name;    /* NULL: there are no more */
    size_t name_length;
    const uint8_t *body;
    size_t size;
};

/*
 * The next section of *@data, of *@n octets, which both move on; all of them
 * are there. ERR_FORMAT: it isn't one, or something is behind their end.
 */
int qemu_next_part(const uint8_t **data, size_t *n,
                      struct qemu_part *s_r, struct err *e);

#endif
