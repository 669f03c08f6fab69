/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-trace --check`: what was written down earlier, of a session of ours
 * or of a connection between two QEMUs. Called by colo_trace.c.
 */
#ifndef XL_TRACE_CHECK_H
#define XL_TRACE_CHECK_H

#include <stdio.h>

#include "trace_report.h"

/*
 * @f holds either; its beginning tells. The exit code, 0 to 2, after what
 * there is to say was said. @own_silence_ns: instead of the record's limit;
 * NULL: that one.
 */
int trace_check(FILE *f, const char *name, const struct report *report,
                const uint64_t *own_silence_ns);

#endif
