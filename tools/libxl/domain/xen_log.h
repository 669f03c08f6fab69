/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What Xen's libraries say, caught: the first error line since the last
 * clear explains a failure in one line; the rest goes to the trace log.
 */
#ifndef XC_DOMAIN_XEN_LOG_H
#define XC_DOMAIN_XEN_LOG_H

#include <xentoollog.h>

#include "err.h"
#include "log.h"

struct xen_log {
    xentoollog_logger xtl;    /* first: the libraries hand it back */
    const struct logger *to;
    char first[ERR_MSG_SIZE];
};

void xen_log_init(struct xen_log *l, const struct logger *to);
void xen_log_clear(struct xen_log *l);
/* err_set() with the library's own first words appended, if it had any. */
int xen_log_err(const struct xen_log *l, struct err *e, int code,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
