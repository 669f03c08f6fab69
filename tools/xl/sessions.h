/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The sessions that run on this host, seen through their status sockets.
 * Called by the colo-… commands.
 */
#ifndef XL_SESSIONS_H
#define XL_SESSIONS_H

#include <stddef.h>
#include <yajl/yajl_tree.h>

#include "domain.h"
#include "err.h"
#include "xl.h"

#define SESSIONS_MAX 4096

struct seen {
    char name[DOM_NAME_MAX];
    char *json;              /* NULL: it doesn't answer */
    yajl_val tree;           /* NULL as well, or it isn't an object */
};

struct seen_list {
    struct seen *s;
    size_t nr;
};

/* All of them, by name. */
int sessions_all(const struct xl *x, struct seen_list *l, struct err *e);
void sessions_dispose(struct seen_list *l);

/* The one of the domain that the user calls @who, by name or by number.
   ERR_NOTFOUND: none. seen_dispose() it. */
int sessions_find(const struct xl *x, const char *who, struct seen *s_r,
                  struct err *e);
void seen_dispose(struct seen *s);

/* A member as text, numbers as they were written; "" when it isn't there.
   Belongs to @s. */
const char *seen_text(const struct seen *s, const char *key);

/* Make the folder of the sockets if it isn't there; privilege checked. */
int sessions_ready(const struct xl *x, struct err *e);

#endif
