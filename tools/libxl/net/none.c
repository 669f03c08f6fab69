/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The backend that holds nothing: output leaves as the guest makes it, so a
 * failover may take back what others have seen. Touches no interface; it
 * announces like the others. Called through net_none_ops.
 */
#include "net.h"

#include <string.h>

#include "announce.h"

struct net {
    int nothing;    /* there is no state; a handle must have an address */
};

static struct net the_net;

static int none_attach(const struct dom_info *info, const struct logger *log,
                       struct net **n_r, struct err *e)
{
    (void)e;
    if (info->vifs_nr > 0)
        log_warn(log, "net=none held=no");
    *n_r = &the_net;
    return 0;
}

static int none_step(struct net *n, struct err *e)
{
    (void)n;
    (void)e;
    return 0;
}

static int none_stats(struct net *n, struct net_stats *s_r, struct err *e)
{
    (void)n;
    (void)e;
    memset(s_r, 0, sizeof(*s_r));
    return 0;
}

static void none_end(struct net *n)
{
    (void)n;
}

const struct net_ops net_none_ops = {
    .name = "none",
    .attach = none_attach,
    .hold = none_step,
    .mark = none_step,
    .release_epoch = none_step,
    .release_all = none_step,
    .stats = none_stats,
    .detach = none_end,
    .drop = none_end,
    .abandon = none_end,
    .announce = announce_send,
};
