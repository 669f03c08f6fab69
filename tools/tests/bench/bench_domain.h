/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * An embedded domain for benchmarks, whose service has any free port.
 */
#ifndef XC_TESTS_BENCH_DOMAIN_H
#define XC_TESTS_BENCH_DOMAIN_H

#include <unistd.h>

#include "bench.h"
#include "embedded_int.h"

/* @log may be NULL. */
static inline struct dom *bench_domain(size_t pages, size_t work_pages,
                                       const struct logger *log)
{
    char path[] = "/tmp/bench-domain-XXXXXX";
    struct dom_open o = { .name = "emb", .log = log, .backend_arg = path };
    struct err e = { 0 };
    struct dom *d = NULL;
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        exit(1);
    fprintf(f, "{\"name\": \"emb\", \"uuid\": \"00112233-4455-6677-8899-"
            "aabbccddeeff\", \"pages\": %zu, \"listen\": \"127.0.0.1:0\", "
            "\"work_pages\": %zu}\n", pages, work_pages);
    fclose(f);
    bench_must(dom_embedded_ops.open(&o, &d, &e), &e);
    unlink(path);
    return d;
}

#endif
