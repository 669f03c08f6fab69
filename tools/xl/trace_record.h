/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The file that `xl colo-trace --record` writes: both directions of a
 * connection in the order in which they came, with times. No report, no
 * judgement. Called by the proxy and by --check.
 *
 * All numbers are big-endian, times are nanoseconds since some beginning.
 * Header: the eight octets "XLCOLOT1", be64 the silence limit (0: none), be64
 * when both sides were connected. Then records of 16 octets and a body: be64
 * time, never less than before; u8 kind; three octets 0; be32 length of the
 * body. Kinds and bodies:
 *   1  octets from the primary; 2  from the secondary; at most 1 MiB
 *   3  the end: u8, enum trace_ender
 *   4  cut on purpose, 5  hung on purpose: MESSAGE:N as text
 * A file without a record of kind 3 is one whose writer was killed.
 */
#ifndef XL_TRACE_RECORD_H
#define XL_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

#define RECORD_MAGIC    "XLCOLOT1"
#define RECORD_HEADER   24u
#define RECORD_HEAD     16u    /* of each record */
#define RECORD_BODY_MAX ((size_t)1 << 20)

enum record_kind { RECORD_FORWARD = 1, RECORD_BACK, RECORD_END, RECORD_CUT,
                   RECORD_HANG };

/* Write the header; ERR_IO. */
int record_begin(int fd, uint64_t silence_ns, uint64_t now, struct err *e);
/* One record; waits for the disk. ERR_IO: the file is of no use from here. */
int record_put(int fd, uint64_t now, enum record_kind kind, const void *body,
               size_t n, struct err *e);

/* Does what is next in @f begin as a record does? Takes nothing from it. */
bool record_is(FILE *f);
int record_open(FILE *f, uint64_t *silence_ns_r, uint64_t *now_r,
                struct err *e);
/* The next one, *now_r being the time of the one before; its body comes in
   @body, which has room for RECORD_BODY_MAX. ERR_EOF: there is none;
   ERR_FORMAT, ERR_IO. */
int record_get(FILE *f, uint64_t *now_r, enum record_kind *kind_r,
               uint8_t *body, size_t *n_r, struct err *e);

#endif
