/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to the writer: what writer.c and writer_optional.c share.
 */
#ifndef XC_STREAM_WRITER_INT_H
#define XC_STREAM_WRITER_INT_H

#include "writer.h"

static inline int sr_put_bug(struct err *e, const char *what)
{
    return err_set(e, ERR_BUG, "stream writer: %s", what);
}

/*
 * Room for a record, its header and zeroed padding in place. The caller
 * fills the body, which cannot fail, at *body_r.
 */
int sr_put_begin(struct buf *b, uint32_t type, size_t length,
                 uint8_t **body_r, struct err *e);

#endif
