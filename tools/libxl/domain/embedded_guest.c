/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest's memory, vCPU and program.
 */
#include "embedded_guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bytes.h"

#define CONTEXT_MAGIC 0x0158544341444245ull
/* Memory map: page 0 the counters, then the bitmap of writes (a quarter of
   memory), the connections, the texts, the last half for background work. */
enum { AT_BOOT = 0, AT_COUNT = 8, AT_HIGHEST = 16, AT_HASH = 24,
       AT_DRAWN = 32 };
#define TEXT_SLOT 64u
#define FREED_IN 8u    /* of so many pages that the work is at, one */

/* The system gives memory now, and not page by page as it is filled; it
   doesn't matter if it won't. */
static void populate(struct guest *g)
{
    uintptr_t from = ((uintptr_t)g->ram + GUEST_PAGE - 1) &
        ~(uintptr_t)(GUEST_PAGE - 1);
    uintptr_t end = ((uintptr_t)g->ram + g->pages * GUEST_PAGE) &
        ~(uintptr_t)(GUEST_PAGE - 1);

    madvise((void *)from, end - from, MADV_POPULATE_WRITE);
}

int guest_init(struct guest *g, size_t pages, struct err *e)
{
    memset(g, 0, sizeof(*g));
    g->pages = pages;
    g->ram = calloc(pages, GUEST_PAGE);
    g->dirty = calloc((pages + 63) / 64, sizeof(*g->dirty));
    if (g->ram && g->dirty) {
        populate(g);
        return 0;
    }
    guest_dispose(g);
    return err_set(e, ERR_NOMEM, "no memory for a guest of %zu MiB",
                   pages >> 8);
}

void guest_dispose(struct guest *g)
{
    free(g->ram);
    free(g->dirty);
    g->ram = NULL;
    g->dirty = NULL;
}

void guest_touch(struct guest *g, size_t page)
{
    g->dirty[page / 64] |= 1ull << (page % 64);
}

void guest_mark_all(struct guest *g)
{
    for (size_t i = 0; i < g->pages; i++)
        guest_touch(g, i);
}

static uint64_t load(const struct guest *g, size_t at)
{
    return get_le64(g->ram + at);
}

static void store(struct guest *g, size_t at, uint64_t v)
{
    put_le64(g->ram + at, v);
    guest_touch(g, at / GUEST_PAGE);
}

static void clear(struct guest *g, size_t page)
{
    memset(g->ram + page * GUEST_PAGE, 0, GUEST_PAGE);
    guest_touch(g, page);
}

void guest_boot(struct guest *g, uint64_t boot)
{
    memset(g->ram, 0, g->pages * GUEST_PAGE);
    g->rng = boot | 1;
    g->steps = g->clock = 0;
    store(g, AT_BOOT, boot);
    store(g, AT_HASH, 0xcbf29ce484222325ull);
    guest_mark_all(g);
}

/* Where the bit of write @n is; false when memory is too small for it. */
static bool bit_of(const struct guest *g, uint64_t n, size_t *at_r,
                   uint8_t *mask_r)
{
    size_t room = g->pages / 4 * GUEST_PAGE;

    if (n / 8 >= room)
        return false;
    *at_r = GUEST_PAGE + n / 8;
    *mask_r = (uint8_t)(1u << (n % 8));
    return true;
}

size_t guest_table(const struct guest *g)
{
    return GUEST_PAGE + g->pages / 4 * GUEST_PAGE;
}

static void keep_text(struct guest *g, uint64_t n, const char *text)
{
    size_t from = guest_table(g) + (size_t)GUEST_CONNS * GUEST_SLOT;
    size_t slots = (g->pages / 2 * GUEST_PAGE - from) / TEXT_SLOT;
    size_t at = from + (size_t)(n % slots) * TEXT_SLOT;

    memset(g->ram + at, 0, TEXT_SLOT);
    memcpy(g->ram + at, text, strnlen(text, TEXT_SLOT - 1));
    guest_touch(g, at / GUEST_PAGE);
}

static void write_number(struct guest *g, uint64_t n, const char *text,
                         char *answer)
{
    uint64_t hash = load(g, AT_HASH);
    uint8_t mask;
    size_t at;

    if (!bit_of(g, n, &at, &mask)) {
        snprintf(answer, GUEST_LINE, "E number too large\n");
        return;
    }
    if (!(g->ram[at] & mask)) {
        g->ram[at] |= mask;
        guest_touch(g, at / GUEST_PAGE);
        store(g, AT_COUNT, load(g, AT_COUNT) + 1);
        if (n > load(g, AT_HIGHEST))
            store(g, AT_HIGHEST, n);
        hash = (hash ^ n) * 0x100000001b3ull;
        for (const char *c = text; *c; c++)
            hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
        store(g, AT_HASH, hash);
        keep_text(g, n, text);
    }
    snprintf(answer, GUEST_LINE, "A %" PRIu64 " %016" PRIx64 "\n", n, hash);
}

uint64_t guest_outside(const struct guest *g, enum guest_outside what)
{
    return g->outside ? g->outside(g->outside_ctx, what) : 0;
}

uint64_t guest_drawn(const struct guest *g)
{
    return load(g, AT_DRAWN);
}

static uint64_t draw(struct guest *g)
{
    store(g, AT_DRAWN, guest_outside(g, GUEST_DRAW));
    return guest_drawn(g);
}

void guest_request(struct guest *g, const char *line,
                   char answer[GUEST_LINE])
{
    uint64_t n;
    uint8_t mask;
    size_t at;
    int text = 0;

    g->steps++;
    if (sscanf(line, "W %" SCNu64 " %n", &n, &text) == 1 && text > 0)
        write_number(g, n, line + text, answer);
    else if (!strcmp(line, "R"))
        snprintf(answer, GUEST_LINE, "R %" PRIu64 " %" PRIu64 " %016" PRIx64
                 " %016" PRIx64 "\n", load(g, AT_COUNT),
                 load(g, AT_HIGHEST), load(g, AT_HASH), load(g, AT_BOOT));
    else if (sscanf(line, "C %" SCNu64, &n) == 1)
        snprintf(answer, GUEST_LINE, "%s %" PRIu64 "\n",
                 bit_of(g, n, &at, &mask) && (g->ram[at] & mask) ? "Y" : "N",
                 n);
    else if (!strcmp(line, "D"))
        snprintf(answer, GUEST_LINE, "D %" PRIu64 "\n", draw(g));
    else if (!strcmp(line, "T"))
        snprintf(answer, GUEST_LINE, "T %" PRIu64 "\n",
                 guest_outside(g, GUEST_CLOCK));
    else
        snprintf(answer, GUEST_LINE, "E W N TEXT, R, C N, D or T\n");
}

void guest_work(struct guest *g, size_t pages)
{
    size_t from = g->pages / 2, n = g->pages - from;

    g->clock++;
    for (size_t i = 0; i < pages; i++) {
        size_t page = from + g->work_at++ % n;

        g->rng ^= g->rng << 13;
        g->rng ^= g->rng >> 7;
        g->rng ^= g->rng << 17;
        if (g->rng % FREED_IN == 0)
            clear(g, page);
        else
            store(g, page * GUEST_PAGE + g->rng % 512 * 8, g->rng);
    }
}

int guest_save(const struct guest *g, struct buf *b, struct err *e)
{
    uint8_t c[GUEST_CONTEXT_SIZE] = { 0 };

    put_le64(c, CONTEXT_MAGIC);
    put_le64(c + 8, g->steps);
    put_le64(c + 16, g->rng);
    put_le64(c + 24, g->clock);
    put_le64(c + 32, g->work_at);
    return buf_append(b, c, sizeof(c), e);
}

int guest_load(struct guest *g, const uint8_t *data, size_t n, struct err *e)
{
    if (n != GUEST_CONTEXT_SIZE || get_le64(data) != CONTEXT_MAGIC)
        return err_set(e, ERR_FORMAT, "not an embedded guest's context");
    g->steps = get_le64(data + 8);
    g->rng = get_le64(data + 16);
    g->clock = get_le64(data + 24);
    g->work_at = (size_t)get_le64(data + 32);
    return 0;
}
