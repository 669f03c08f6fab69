/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Telling a session of this host to do something, and waiting until it is
 * done. The session decides whether it may be done. Called by the commands
 * in control.c and pause.c.
 */
#ifndef XL_ORDER_H
#define XL_ORDER_H

#include "err.h"
#include "sessions.h"
#include "xl.h"

struct order {
    struct xl *x;
    const char *who;            /* as the user wrote it */
    struct seen before;         /* the session, when it was told */
};

/* Say @word to it; ERR_PEER with its words when it says no. */
int order_tell(const struct order *o, const char *word, struct err *e);

/*
 * Ask the session how it stands until @done says 0, at most a minute; what
 * @done says other than ERR_AGAIN is returned. It gets NULL when the session
 * is gone.
 */
typedef int order_done_fn(const struct seen *s, struct err *e);
int order_await(const struct order *o, order_done_fn *done, struct err *e);

#endif
