/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The logger given to Xen's libraries. Keeps the first error line: their
 * errors cascade, and the first is the cause.
 */
#include "xen_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, whatever the library put into it. */
static void flatten(char *s)
{
    size_t n = strlen(s);

    while (n && (s[n - 1] == '\n' || s[n - 1] == ' '))
        s[--n] = '\0';
    for (; *s; s++) {
        if (*s == '\n' || *s == '\r' || *s == '\t')
            *s = ' ';
    }
}

static void vmessage(xentoollog_logger *xtl, xentoollog_level level,
                     int errnum, const char *context, const char *format,
                     va_list al)
    __attribute__((format(printf, 5, 0)));

static void vmessage(xentoollog_logger *xtl, xentoollog_level level,
                     int errnum, const char *context, const char *format,
                     va_list al)
{
    struct xen_log *l = (struct xen_log *)xtl;
    char line[ERR_MSG_SIZE];
    size_t n;

    vsnprintf(line, sizeof(line), format, al);
    flatten(line);
    n = strlen(line);
    if (errnum > 0)
        snprintf(line + n, sizeof(line) - n, ": %s", strerror(errnum));
    if (level >= XTL_ERROR && !l->first[0])
        memcpy(l->first, line, sizeof(line));
    log_trace(l->to, "library=%s level=%s text=\"%s\"",
              context ? context : "xen", xtl_level_to_string(level), line);
}

static void progress(xentoollog_logger *xtl, const char *context,
                     const char *doing_what, int percent, unsigned long done,
                     unsigned long total)
{
    (void)xtl, (void)context, (void)doing_what, (void)percent;
    (void)done, (void)total;
}

static void destroy(xentoollog_logger *xtl)
{
    (void)xtl;
}

void xen_log_init(struct xen_log *l, const struct logger *to)
{
    memset(l, 0, sizeof(*l));
    l->xtl.vmessage = vmessage;
    l->xtl.progress = progress;
    l->xtl.destroy = destroy;
    l->to = to;
}

void xen_log_clear(struct xen_log *l)
{
    l->first[0] = '\0';
}

int xen_log_err(const struct xen_log *l, struct err *e, int code,
                const char *fmt, ...)
{
    va_list ap;
    size_t n;

    if (!e)
        return code;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    e->code = code;
    n = strlen(e->msg);
    if (l->first[0])
        snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", l->first);
    return code;
}
