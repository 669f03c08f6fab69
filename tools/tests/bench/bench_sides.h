/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What benchmarks of two sessions share: a folder for each side, and a log of
 * errors alone.
 */
#ifndef XC_TESTS_BENCH_SIDES_H
#define XC_TESTS_BENCH_SIDES_H

#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

static char sides_dir[] = "/tmp/bench-sides-XXXXXX", side_dir[2][64];

static inline void log_nothing(void *ctx, enum log_level level,
                               const char *line)
{
    if (level <= LOG_ERROR)
        fprintf(stderr, "%s: %s\n", (const char *)ctx, line);
}

static inline void sides_begin(void)
{
    if (!mkdtemp(sides_dir))
        exit(1);
    for (int i = 0; i < 2; i++) {
        snprintf(side_dir[i], sizeof(side_dir[i]), "%s/%c", sides_dir,
                 'a' + i);
        if (mkdir(side_dir[i], 0700))
            exit(1);
    }
}

static inline void sides_end(void)
{
    char command[80];

    snprintf(command, sizeof(command), "rm -rf %s", sides_dir);
    if (system(command))
        exit(1);
}

#endif
