/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What benchmarks share: time, medians, and figures, each beside its limit,
 * on the terminal and as lines of JSON. For programs of one file.
 */
#ifndef XC_TESTS_BENCH_H
#define XC_TESTS_BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"

#define BENCH_CACHES ((size_t)128 << 20)    /* more than they hold */

enum bench_limit { NO_LIMIT, AT_LEAST, AT_MOST };

static FILE *bench_json;
static int bench_bad;

/* usage: PROGRAM [FILE]: FILE gets the figures as JSON, one a line. */
static inline void bench_begin(int argc, char **argv)
{
    if (argc < 2)
        return;
    bench_json = fopen(argv[1], "w");
    if (!bench_json) {
        perror(argv[1]);
        exit(1);
    }
}

static inline void bench_must(int rc, const struct err *e)
{
    if (!rc)
        return;
    fprintf(stderr, "benchmark: %s\n", e->msg);
    exit(1);
}

static inline double bench_us(void)
{
    return (double)clock_ns() / 1e3;
}

/* So that what is measured next finds nothing that was read before. */
static inline void bench_empty_caches(void)
{
    static uint8_t *other, value;

    if (!other)
        other = malloc(BENCH_CACHES);
    if (!other) {
        fprintf(stderr, "benchmark: no memory to empty the caches with\n");
        exit(1);
    }
    memset(other, ++value, BENCH_CACHES);
}

static inline int bench_up(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts @v. */
static inline double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), bench_up);
    return v[n / 2];
}

static inline void bench_figure(const char *what, double is, const char *unit,
                                enum bench_limit kind, double limit)
{
    static const char *const words[] = { "", "at least", "at most" };
    bool ok = kind == NO_LIMIT || (kind == AT_LEAST ? is >= limit
                                                    : is <= limit);

    printf("%-56s %10.2f %-8s", what, is, unit);
    if (kind != NO_LIMIT)
        printf(" %s %g  %s", words[kind], limit, ok ? "ok" : "NOT OK");
    printf("\n");
    fflush(stdout);
    if (bench_json)
        fprintf(bench_json, "{\"what\": \"%s\", \"is\": %.4g, \"unit\": "
                "\"%s\", \"limit\": \"%s\", \"of\": %g, \"ok\": %s}\n", what,
                is, unit, words[kind], limit, ok ? "true" : "false");
    bench_bad += !ok;
}

/* The program's exit status. */
static inline int bench_end(void)
{
    if (bench_json && fclose(bench_json))
        return 1;
    return bench_bad != 0;
}

#endif
