/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to store*.c: names, and the state of a store that is written.
 */
#ifndef XC_STORE_STORE_INT_H
#define XC_STORE_STORE_INT_H

#include "buf.h"
#include "store.h"

#define STORE_PRECOPY "precopy"
#define STORE_RAM     "ram"
#define STORE_NEW     "new"
#define STORE_BUFFER  ((size_t)256 << 10)    /* octets in one write or read */
#define STORE_NAME    32u                    /* room for a name in the set */

struct store {
    char dir_path[480], path[512];    /* the set's */
    unsigned int keep;
    int dir, set;                /* descriptors */
    int precopy, ram, fresh;     /* of files; -1: not open */
    uint32_t number;             /* the set's */
    uint32_t first, last;        /* checkpoints in it; last 0: none */
    struct buf out;              /* not yet written to fresh */
    struct qemu_follower *image; /* is fed what goes into the image: precopy,
                                    then one checkpoint after the other */
    struct err e;                /* the first failure in its callbacks */
    uint64_t ram_size;           /* octets of the image; 0: not known yet */
    bool others;                 /* there may be older sets */
};

void store_name(char name[STORE_NAME], uint32_t checkpoint);
/* The newest set; and, if @with, only one that has a checkpoint, which are
   *first_r to *last_r. 0: there is none. */
int store_find(int dir, bool with, uint32_t *set_r, uint32_t *first_r,
               uint32_t *last_r, struct err *e);
int store_open_set(int dir, uint32_t number, int *fd_r, struct err *e);
/* Remove the sets below number @below, but for @spare. */
int store_remove_sets(int dir, uint32_t below, uint32_t spare, struct err *e);
void store_set_name(char name[STORE_NAME], uint32_t set);
/* Open and lock the directory: @how is LOCK_EX or LOCK_SH. */
int store_lock(const char *path, int how, int *fd_r, struct err *e);
/* An operation on the disk is next: here a test may want us dead. */
void store_point(const char *name);
/* Page @page goes into the image. */
void store_image_page(void *ctx, const struct qf_page *page);

#endif
