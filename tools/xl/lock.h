/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Files in the run directory of which one process at a time has the lock. The
 * lock is the kernel's: it ends with its holder, and a fork doesn't have it.
 */
#ifndef XL_LOCK_H
#define XL_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xl.h"

/* RUN_DIR/NAME.SUFFIX, made if it isn't there; not locked. -1: see @e. The
   process mustn't have it open twice: the first close ends the lock. */
int lock_open(const struct xl *x, const char *name, const char *suffix,
              struct err *e);
/* Pid of the holder, 0: free, or this process. */
pid_t lock_holder(int fd);
/* ERR_BUSY: another process has it. */
int lock_take(int fd, struct err *e);

/*
 * At most one process watches a domain's memory or mends what was left of
 * that, whatever the domain is called. *fd_r: closed to end it. ERR_BUSY
 * names the process that does.
 */
int lock_domain(const struct xl *x, const uint8_t uuid[16], int *fd_r,
                struct err *e);
/* In that file, so that a killed session leaves it: somebody waited for the
   domain's end before, and will have to again. */
void lock_note_watched(int fd, bool watched);
bool lock_was_watched(int fd);

#endif
