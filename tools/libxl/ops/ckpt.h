/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One epoch's state, staged in memory: the pages that changed and the small
 * records that belong to them. A domain backend fills it while the domain is
 * stopped, the session sends it after the domain runs again; on the other
 * host the session fills it from the stream and the backend applies it.
 * Pages lie back to back in one arena, so that they can be sent by writev
 * without another copy. It does no I/O.
 */
#ifndef XC_OPS_CKPT_H
#define XC_OPS_CKPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CKPT_PAGE_SIZE 4096u

/* Small records: an epoch without one of the mandatory ones is refused. */
#define CKPT_TSC_MAX     ((size_t)64)
#define CKPT_CONTEXT_MAX ((size_t)4 << 20)    /* HVM_CONTEXT          */
#define CKPT_PARAMS_MAX  ((size_t)4096)       /* HVM_PARAMS           */
#define CKPT_DEVICE_MAX  ((size_t)64 << 20)   /* device model's state */

struct ckpt {
    uint64_t epoch;        /* 1 is the first copy's final round */
    uint64_t *pfns;        /* [pages_nr], in the order of the arena */
    uint8_t *pages;        /* [pages_nr][CKPT_PAGE_SIZE] */
    size_t pages_nr;
    size_t pages_max;      /* capacity, fixed by ckpt_init() */
    struct buf tsc;        /* body of X86_TSC_INFO, as on the wire */
    struct buf context;    /* body of HVM_CONTEXT */
    struct buf params;     /* body of HVM_PARAMS */
    struct buf device;     /* EMULATOR_CONTEXT without its two ids; empty
                              for guests without a device model */
};

/*
 * Reserve address space for @pages_max pages; memory is taken only as pages
 * are used, and stays until ckpt_dispose(). ERR_NOMEM names the size.
 */
int ckpt_init(struct ckpt *c, size_t pages_max, struct err *e);
void ckpt_dispose(struct ckpt *c);
/* Forget the content, keep the memory; sets the epoch number. */
void ckpt_reset(struct ckpt *c, uint64_t epoch);
/*
 * Room for @n more pages: their numbers are to be written to *pfns_r and
 * their content to *pages_r before the next call. Counts them in at once.
 * ERR_LIMIT, naming the need and the capacity, when they don't fit.
 */
int ckpt_add(struct ckpt *c, size_t n, uint64_t **pfns_r, uint8_t **pages_r,
             struct err *e);

/* Whether page @i has nothing but zeroes. */
bool ckpt_is_zero(const struct ckpt *c, size_t i);

static inline uint8_t *ckpt_page(const struct ckpt *c, size_t i)
{
    return c->pages + i * CKPT_PAGE_SIZE;
}

#endif
