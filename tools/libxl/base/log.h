/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Logging through a logger passed in: one line, key=value. Libraries never
 * print by themselves; the front end supplies the sink.
 */
#ifndef XC_BASE_LOG_H
#define XC_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTE, LOG_INFO, LOG_TRACE };

struct logger {
    /* @line has no newline and is valid during the call only. */
    void (*sink)(void *ctx, enum log_level level, const char *line);
    void *ctx;
    enum log_level max;    /* lines above this level aren't formatted */
};

/* @lg may be NULL: nothing happens. */
void log_line(const struct logger *lg, enum log_level level,
              const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(lg, ...) log_line(lg, LOG_ERROR, __VA_ARGS__)
#define log_warn(lg, ...)  log_line(lg, LOG_WARN, __VA_ARGS__)
#define log_note(lg, ...)  log_line(lg, LOG_NOTE, __VA_ARGS__)
#define log_info(lg, ...)  log_line(lg, LOG_INFO, __VA_ARGS__)
#define log_trace(lg, ...) log_line(lg, LOG_TRACE, __VA_ARGS__)

#endif
