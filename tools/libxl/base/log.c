/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Formats one line and hands it to the caller's sink; nothing else.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_LINE_SIZE 1024

void log_line(const struct logger *lg, enum log_level level,
              const char *fmt, ...)
{
    char line[LOG_LINE_SIZE];
    va_list ap;

    if (!lg || !lg->sink || level > lg->max)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    lg->sink(lg->ctx, level, line);
}
