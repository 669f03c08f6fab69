/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The proxy of `xl colo-trace`: two sockets, what comes at one goes to the
 * other, and a watch sees it on its way. Changes no octet. Called by
 * colo_trace.c.
 */
#ifndef XL_TRACE_PROXY_H
#define XL_TRACE_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "trace_report.h"
#include "trace_watch.h"

struct proxy_conf {
    const char *listen, *connect;    /* of the primary, to the secondary */
    const char *record;              /* NULL: none */
    uint64_t silence_ns;
    struct trace_point point;
    const struct report *report;
};

/*
 * One connection, from its beginning to its end. 0, with *clean_r; ERR_USAGE,
 * ERR_NOTFOUND, ERR_IO, ERR_NOMEM: there was none, or its record isn't whole.
 */
int trace_proxy(const struct proxy_conf *conf, bool *clean_r, struct err *e);

#endif
