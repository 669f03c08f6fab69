/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The ways to copy a page, and which of them is the fastest.
 */
#include "page_copy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ckpt.h"
#include "clock.h"

#define TRY_PAGES   64u
#define TRY_ROUNDS  3u
#define TRY_STRIDE  37u    /* odd: all of them, in no order of addresses */

static void by_memcpy(void *to, const void *from)
{
    memcpy(to, from, CKPT_PAGE_SIZE);
}

#ifdef __x86_64__
static void by_string(void *to, const void *from)
{
    size_t n = CKPT_PAGE_SIZE / sizeof(uint64_t);

    __asm__ volatile("rep movsq"
                     : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* In assembler, so that no compiler makes vectors or memcpy() of it. */
static void by_words(void *to, const void *from)
{
    const uint8_t *end = (const uint8_t *)from + CKPT_PAGE_SIZE;

    __asm__ volatile("1:\n\t"
                     "movq   (%[from]), %%rax\n\t"
                     "movq  8(%[from]), %%rdx\n\t"
                     "movq 16(%[from]), %%r8\n\t"
                     "movq 24(%[from]), %%r9\n\t"
                     "movq 32(%[from]), %%r10\n\t"
                     "movq 40(%[from]), %%r11\n\t"
                     "movq 48(%[from]), %%rcx\n\t"
                     "movq 56(%[from]), %%rdi\n\t"
                     "movq %%rax,   (%[to])\n\t"
                     "movq %%rdx,  8(%[to])\n\t"
                     "movq %%r8,  16(%[to])\n\t"
                     "movq %%r9,  24(%[to])\n\t"
                     "movq %%r10, 32(%[to])\n\t"
                     "movq %%r11, 40(%[to])\n\t"
                     "movq %%rcx, 48(%[to])\n\t"
                     "movq %%rdi, 56(%[to])\n\t"
                     "addq $64, %[to]\n\t"
                     "addq $64, %[from]\n\t"
                     "cmpq %[end], %[from]\n\t"
                     "jne 1b"
                     : [to] "+r"(to), [from] "+r"(from)
                     : [end] "r"(end)
                     : "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11",
                       "cc", "memory");
}
#endif

const struct page_copy page_copy_ways[] = {
    { "memcpy", by_memcpy },
#ifdef __x86_64__
    { "string", by_string },
    { "words", by_words },
#endif
    { NULL, NULL },
};

static uint64_t try_once(page_copy_fn *copy, uint8_t *to,
                         const uint8_t *from)
{
    uint64_t t0 = clock_ns();
    size_t i, at;

    for (i = 0; i < TRY_PAGES; i++) {
        at = i * TRY_STRIDE % TRY_PAGES;
        copy(to + i * CKPT_PAGE_SIZE, from + at * CKPT_PAGE_SIZE);
    }
    return clock_ns() - t0;
}

const struct page_copy *page_copy_best(void)
{
    const size_t size = (size_t)TRY_PAGES * CKPT_PAGE_SIZE;
    const struct page_copy *way, *best = page_copy_ways;
    uint8_t *memory = malloc(2 * size);
    uint64_t least = UINT64_MAX, t;
    unsigned int round;

    if (!memory)
        return best;
    memset(memory, 1, 2 * size);
    for (round = 0; round < TRY_ROUNDS; round++) {
        for (way = page_copy_ways; way->name; way++) {
            t = try_once(way->copy, memory, memory + size);
            if (t < least) {
                least = t;
                best = way;
            }
        }
    }
    free(memory);
    return best;
}
