/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Allocations of the sessions under test, which can fail. The linker puts
 * these in place of the C library's (--wrap).
 */
#include "sim.h"

#include <stdlib.h>

struct sim *sim_alloc_of;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool fails(void)
{
    struct sim *s = sim_alloc_of;

    if (!s || !s->in_session || !s->fail_alloc || --s->fail_alloc)
        return false;
    sim_say(s, "an allocation fails");
    SOMETIMES(s, true, ALLOC);
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}
