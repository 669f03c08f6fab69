/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The error record: formatting, wrapping, names. Never allocates or prints.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void vset(struct err *e, int code, const char *fmt, va_list ap)
{
    e->code = code;
    vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;

    if (e) {
        va_start(ap, fmt);
        vset(e, code, fmt, ap);
        va_end(ap);
    }
    return code;
}

int err_sys(struct err *e, int code, int errnum, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    if (errnum == EPERM || errnum == EACCES)
        code = ERR_PERM;
    else if (errnum == ENOMEM)
        code = ERR_NOMEM;
    if (!e)
        return code;
    va_start(ap, fmt);
    vset(e, code, fmt, ap);
    va_end(ap);
    n = strlen(e->msg);
    snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(errnum));
    return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char old[ERR_MSG_SIZE];
    va_list ap;
    size_t n;

    if (!e)
        return ERR_BUG;
    memcpy(old, e->msg, sizeof(old));
    va_start(ap, fmt);
    vset(e, e->code, fmt, ap);
    va_end(ap);
    n = strlen(e->msg);
    snprintf(e->msg + n, sizeof(e->msg) - n, ": %.*s",
             (int)(sizeof(old) - 1), old);
    return e->code;
}

void err_clear(struct err *e)
{
    if (e) {
        e->code = ERR_OK;
        e->msg[0] = '\0';
    }
}

const char *err_name(int code)
{
    static const char *const names[] = {
        [ERR_OK] = "ok", [ERR_BUG] = "bug", [ERR_IO] = "io",
        [ERR_EOF] = "eof", [ERR_FORMAT] = "format", [ERR_LIMIT] = "limit",
        [ERR_NOMEM] = "nomem", [ERR_TIMEOUT] = "timeout",
        [ERR_PERM] = "perm", [ERR_UNSUPPORTED] = "unsupported",
        [ERR_NOTFOUND] = "notfound", [ERR_BUSY] = "busy",
        [ERR_PEER] = "peer", [ERR_DOMAIN] = "domain",
        [ERR_USAGE] = "usage", [ERR_AGAIN] = "again",
    };

    if (code < 0 || code >= (int)(sizeof(names) / sizeof(names[0])))
        return "unknown";
    return names[code];
}
