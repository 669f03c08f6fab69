/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * --debug-verify: what was sent of each page last, as a digest, so that pages
 * can be looked at again that nobody says have changed. A dirty log that
 * forgot one, or an epoch that was applied wrongly, is found long before a
 * take-over. No I/O; docs/specs/libxl-migration-stream.pandoc, PAGE_DIGESTS.
 */
#ifndef XC_SESSION_VERIFY_H
#define XC_SESSION_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "writer.h"

/* Pages looked at with an epoch, while the domain stands still. */
#define VERIFY_PAGES WIRE_DIGESTS_MAX
/* Page numbers are below: 1 TiB of addresses. */
#define VERIFY_PFN_END ((uint64_t)1 << 28)

struct verify_leaf;

struct verify {
    struct verify_leaf **leaves;    /* by page number */
    size_t leaves_nr;
    uint64_t next;                  /* the page to look at next */
    uint64_t pages;                 /* that were ever sent */
    uint64_t passes;                /* so often all of them were the same */
    uint64_t unlogged;              /* had changed, and nobody said so */
    uint64_t ends_with;             /* the epoch that a pass ends with; 0 */
    struct sr_digest list[VERIFY_PAGES];    /* of the epoch */
    size_t list_nr;
};

/* Of CKPT_PAGE_SIZE octets: XXH3, 64 bits, no seed. */
uint64_t verify_digest(const uint8_t *page);
/* @page is sent as page @pfn with @epoch, from 1. ERR_NOMEM, ERR_LIMIT. */
int verify_sent(struct verify *v, uint64_t pfn, const uint8_t *page,
                uint64_t epoch, struct err *e);
/* The epoch it was sent with last; 0: never. */
uint64_t verify_epoch(const struct verify *v, uint64_t pfn);
/* What it was then, sent before. */
uint64_t verify_known(const struct verify *v, uint64_t pfn);
/* The next pages that were sent, ascending, at most @max. True: they are the
   last of a pass. */
bool verify_next(struct verify *v, uint64_t *pfns_r, size_t max, size_t *n_r);
/* @v zeroed, or used. */
void verify_dispose(struct verify *v);

#endif
