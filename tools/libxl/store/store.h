/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Checkpoints of QEMU's COLO in a directory. Called by the sink, which writes
 * them, and by the replay, which reads them. Speaks to no peer.
 *
 * On disk, below the directory:
 *
 *   colo-v1-NNNNNN/            a set: all of one connection
 *     precopy                  the octets before READY, as they came
 *     ram                      a sparse image of RAM, the blocks one behind
 *                              the other in the order of precopy's list
 *     checkpoint-NNNNNNNN      the octets of a checkpoint, from its request to
 *                              the end of its state; pages name their block
 *                              (stream/qemu_ram.h), so each of them may follow
 *                              any other
 *     new                      a checkpoint that isn't complete
 *
 * The newest set with a checkpoint counts; in it the newest checkpoint, and
 * those right before it without a gap. RAM as of checkpoint N is the image,
 * with the pages of all checkpoints in the set up to N over it, in order.
 *
 * Why so. A checkpoint carries only what was written since the one before, so
 * a whole RAM has to be kept somewhere. One image that is written over needs
 * space once and work in proportion to what changed. It is never the only
 * place of what it is just being given: the oldest checkpoint's pages go into
 * it, it is synced, then that checkpoint is removed. Death anywhere in there
 * leaves an image with some of these pages, and the checkpoint that has them
 * all: done again, or read over it, the result is the same. So there is no
 * log, no index and no repair; whatever the directory looks like is valid. A
 * checkpoint is published by sync, rename, sync of the set, and only then
 * acknowledged. An older set goes when a newer one has a checkpoint.
 *
 * Space: precopy, RAM, and KEEP + 1 checkpoints, of which one is at most RAM
 * (and a name for each page) and state; once more until a new connection's
 * first checkpoint.
 *
 * There are no sums: what a disk changes after a sync isn't noticed, unless
 * the stream's grammar is broken by it.
 */
#ifndef XC_STORE_STORE_H
#define XC_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "qemu_follow.h"

#define STORE_RAM_MAX   (4ull << 40)    /* octets of all blocks */

/* ---- writing. */

struct store;

/*
 * Begin a set in @dir, which is made where it isn't there. At least one and
 * the newest @keep checkpoints of it will be kept. ERR_BUSY: another process
 * reads or writes there. To be freed on success.
 */
int store_new(const char *dir, unsigned int keep, struct store **s_r,
              struct err *e);
/* Removes nothing. NULL is fine. */
void store_free(struct store *s);

/*
 * The next @n octets of precopy, whose grammar the caller has checked, and
 * which is without XBZRLE and compressed pages; then, before READY is said,
 * its end: what was given is on the disk.
 */
int store_precopy(struct store *s, const uint8_t *data, size_t n,
                  struct err *e);
int store_ready(struct store *s, struct err *e);

/*
 * A checkpoint: begin, pages (@data NULL: zeros; @block of the caller's
 * follower), end of RAM and the state's size, the state in pieces. At
 * store_commit(), before RECEIVED is said, it becomes the newest.
 */
int store_begin(struct store *s, struct err *e);
int store_page(struct store *s, const struct qf_ram_block *block,
               uint64_t offset, const uint8_t *data, struct err *e);
int store_size(struct store *s, uint64_t size, struct err *e);
int store_state(struct store *s, const uint8_t *data, size_t n,
                struct err *e);
int store_commit(struct store *s, struct err *e);
/* After a commit, when nobody waits: old sets, and checkpoints above KEEP. */
int store_prune(struct store *s, struct err *e);

/* Where the set is, and its newest checkpoint, 0 for none. */
const char *store_path(const struct store *s);
uint32_t store_newest(const struct store *s);

/* ---- reading. */

struct store_view {
    int dir;                   /* descriptor of the directory; locked */
    int set;                   /* of the set */
    uint32_t first, last;      /* checkpoints in it without a gap */
    char path[512];            /* of the set, for messages */
};

/*
 * Look at the newest set with a checkpoint. ERR_NOTFOUND: there is none, or
 * no directory; ERR_BUSY: it is being written. Disposing is idempotent,
 * and fine after a failure.
 */
int store_view(const char *dir, struct store_view *v, struct err *e);
void store_view_dispose(struct store_view *v);
/* Open one of its files for reading; checkpoint 0: precopy. */
int store_open(const struct store_view *v, uint32_t checkpoint, int *fd_r,
               struct err *e);
int store_open_ram(const struct store_view *v, int *fd_r, struct err *e);
/* Hand all octets of @fd to @take, until it fails. */
int store_read(int fd, int (*take)(void *ctx, const uint8_t *data, size_t n,
                                   struct err *e),
               void *ctx, struct err *e);

#endif
