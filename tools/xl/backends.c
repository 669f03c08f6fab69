/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The table of backends: the one file of the front end that names any.
 */
#include "backends.h"

#include <stddef.h>
#include <string.h>

#include "embedded.h"
#include "net.h"
#include "plug.h"
#include "xen.h"

static const struct backend table[] = {
    {
        .name = "xen",
        .dom = &dom_xen_ops,
        .net = &net_plug_ops,
        .needs_root = true,
        .release_stale = net_plug_release_stale,
    },
    {
        .name = "embedded",
        .dom = &dom_embedded_ops,
        .net = &net_embedded_ops,
        .in_process = true,
        .takes_arg = true,
    },
};
#define TABLE_NR (sizeof(table) / sizeof(table[0]))

int backend_select(const char *spec, const struct backend **b_r,
                   const char **arg_r, struct err *e)
{
    const char *colon = spec ? strchr(spec, ':') : NULL;
    size_t n;

    *b_r = &table[0];
    *arg_r = NULL;
    if (!spec)
        return 0;
    n = colon ? (size_t)(colon - spec) : strlen(spec);
    for (size_t i = 0; i < TABLE_NR; i++) {
        const struct backend *b = &table[i];

        if (strlen(b->name) != n || memcmp(b->name, spec, n) != 0)
            continue;
        if (colon && !b->takes_arg)
            return err_set(e, ERR_USAGE, "backend `%s' takes no argument",
                           b->name);
        *b_r = b;
        *arg_r = colon && colon[1] ? colon + 1 : NULL;
        return 0;
    }
    return err_set(e, ERR_USAGE, "unknown backend `%s'", spec);
}
