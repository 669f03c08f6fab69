/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The receiver's guard: a process that does nothing while the session in its
 * child lives. When that dies with a copy that the primary counts on, the
 * guard destroys the copy and says GONE in the session's place, so that the
 * primary goes on at once, and needs no fence. Once the session has parted
 * from the primary, the copy may become the domain: from then on the guard
 * touches nothing.
 */
#ifndef XL_GUARD_H
#define XL_GUARD_H

#include "err.h"
#include "out.h"
#include "xl.h"

struct guard {
    int to;    /* from the child to the guard; -1: there is none */
};

/*
 * Forks. The child returns, with *g_r; it closes nothing of @in_fd and
 * @out_fd, the stream. The other never does: it leaves as its child ended,
 * with 128 and the signal's number if that was one. Signals that end a
 * session are handed on.
 */
int guard_fork(struct xl *x, struct voice *voice, int in_fd, int out_fd,
               struct guard *g_r, struct err *e);
/* The primary counts on the copy of @domain, whose name has a suffix. */
void guard_counts(const struct guard *g, const char *domain);
/* The session and the primary have parted, or it has ended. */
void guard_parts(const struct guard *g);

#endif
