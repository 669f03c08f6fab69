/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Which domains and networks this program can drive. The only door through
 * which the front end reaches a concrete backend.
 */
#ifndef XL_BACKENDS_H
#define XL_BACKENDS_H

#include <stdbool.h>

#include "domain.h"
#include "err.h"
#include "log.h"
#include "network.h"

struct backend {
    const char *name;
    const struct dom_ops *dom;
    const struct net_ops *net;         /* with output commit */
    bool needs_root;
    /* A domain lives in the process that opened it: nobody else can open it,
       and it ends with that process. */
    bool in_process;
    bool takes_arg;                    /* NAME:TEXT */
    /* What a dead session left held; NULL: nothing can be left. */
    int (*release_stale)(const struct dom_info *info,
                         const struct logger *log, struct err *e);
};

/* @spec is NAME or NAME:TEXT; NULL: the first of the table. *arg_r: TEXT, for
   dom_open.backend_arg, or NULL. ERR_USAGE. */
int backend_select(const char *spec, const struct backend **b_r,
                   const char **arg_r, struct err *e);

#endif
