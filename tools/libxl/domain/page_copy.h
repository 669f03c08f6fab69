/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Copying one page, in the way that is fastest here. A guest stands still
 * while its pages are copied, and which way is fastest depends on the CPU:
 * rep movs beats memcpy() by a third on some, and is beaten on emulated ones
 * by plain words. So it is measured, as Linux does for RAID.
 */
#ifndef XC_DOMAIN_PAGE_COPY_H
#define XC_DOMAIN_PAGE_COPY_H

/* Copies CKPT_PAGE_SIZE octets; both are aligned to 8 and don't overlap. */
typedef void page_copy_fn(void *to, const void *from);

struct page_copy {
    const char *name;
    page_copy_fn *copy;
};

/* Every way that there is here, memcpy() first, ended by a NULL name. */
extern const struct page_copy page_copy_ways[];

/* The fastest, found by trying each for some milliseconds at most. Memory
   for that being short, it is memcpy(). Never NULL. */
const struct page_copy *page_copy_best(void);

#endif
