/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The stored image of RAM beside what precopy has: which pages of it a
 * secondary lacks. Never writes. Called by replay.c.
 */
#ifndef XC_STORE_REPLAY_IMAGE_H
#define XC_STORE_REPLAY_IMAGE_H

#include <stdbool.h>

#include "store.h"

struct replay_image {
    int fd;
    uint64_t size;             /* octets of all blocks */
    uint8_t *bits;             /* two for each page */
    const char *set;           /* for messages */
};

void replay_image_init(struct replay_image *i);
void replay_image_dispose(struct replay_image *i);    /* idempotent */

/* The image of @v, when @f knows the blocks. ERR_FORMAT: of another size. */
int replay_image_open(struct replay_image *i, const struct store_view *v,
                      const struct qemu_follower *f, struct err *e);
/* Precopy has @data (NULL: zeros) at @at, of all blocks' octets; what it had
   there before is forgotten. */
int replay_image_compare(struct replay_image *i, uint64_t at,
                         const uint8_t *data, struct err *e);
/*
 * After all of precopy: does a secondary that has it lack the page at @at? If
 * so it is in @data, and *zero_r tells if it is all zero. One that precopy
 * left out is lacking, unless it is zero: then no checkpoint gave it anything.
 */
int replay_image_lacks(struct replay_image *i, uint64_t at,
                       uint8_t data[QEMU_PAGE_SIZE], bool *lacks_r,
                       bool *zero_r, struct err *e);

#endif
