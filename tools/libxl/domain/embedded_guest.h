/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest as a machine: memory, dirty log, vCPU, and the program
 * that runs on it. All of the program's state lies in guest memory and the
 * vCPU. Pure: no I/O, no clock.
 *
 * The program is a store of numbered writes. Requests and answers are lines:
 *   W N TEXT   → A N HASH          write N is stored
 *   R          → R COUNT HIGHEST HASH BOOT
 *   C N        → Y N | N N         is write N stored?
 */
#ifndef XC_DOMAIN_EMBEDDED_GUEST_H
#define XC_DOMAIN_EMBEDDED_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define GUEST_PAGE 4096u
#define GUEST_LINE 512u
#define GUEST_CONTEXT_SIZE 64u

struct guest {
    uint8_t *ram;
    uint64_t *dirty;        /* one bit a page */
    size_t pages;
    uint64_t steps, rng, clock;    /* the vCPU */
    size_t work_at;
};

int guest_init(struct guest *g, size_t pages, struct err *e);
void guest_dispose(struct guest *g);
/* Fresh memory: @boot tells one start from another. */
void guest_boot(struct guest *g, uint64_t boot);
/* One request without its newline; the answer with its newline. */
void guest_request(struct guest *g, const char *line,
                   char answer[GUEST_LINE]);
/* Background work: dirties @pages pages. */
void guest_work(struct guest *g, size_t pages);
/* In the dirty log: page @page; all pages. */
void guest_touch(struct guest *g, size_t page);
void guest_mark_all(struct guest *g);
/* vCPU to and from a record's body. */
int guest_save(const struct guest *g, struct buf *b, struct err *e);
int guest_load(struct guest *g, const uint8_t *data, size_t n,
               struct err *e);

#endif
