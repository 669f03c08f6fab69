/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Waiting for a domain's end and then doing what its configuration says, as
 * the process does that stock `xl create` leaves behind. Stock's leaves when
 * it sees the domain suspend, which a checkpoint does; and nobody waits for
 * a copy that took over. One watcher a domain: ours hold a lock.
 */
#ifndef XL_MONITOR_H
#define XL_MONITOR_H

#include <stdbool.h>

#include "domain.h"
#include "err.h"
#include "out.h"
#include "xl.h"

/* True while a process of stock xl's waits for the end of domain @name. */
bool monitor_stock_lives(const char *name);

/* Ask our own watcher of @name to leave, and see it gone. *was_r: there was
   one. ERR_TIMEOUT when it doesn't leave. */
int monitor_dismiss(const struct xl *x, const char *name, bool *was_r,
                    struct err *e);

/* finish(), waited for as long as a domain may take to end and start anew. */
int monitor_finish(const struct dom_ops *ops, struct dom *d,
                   enum dom_shutdown reason, struct err *e);

/*
 * Leave a watcher behind. Returns when it watches, or with the reason why it
 * doesn't. No domain may be open in this process.
 */
int monitor_start(const struct xl *x, const char *name, struct err *e);

/* For a domain that lives in this process: wait here. Closes @d. */
void monitor_here(const struct xl *x, const char *name, struct voice *voice,
                  struct dom *d);

#endif
