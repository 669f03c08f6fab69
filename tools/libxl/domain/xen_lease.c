/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A lease by the hypervisor's watchdog of dom0: a timer of Xen's own, which
 * restarts the host when nobody winds it up. dom0 has two of them.
 */
#include "xen_priv.h"

#include <errno.h>

int xen_lease(struct dom *d, unsigned int seconds, struct err *e)
{
    int r;

    if (!seconds && !d->lease_id)
        return 0;
    r = xc_watchdog(d->xch, d->lease_id, seconds);
    if (r < 0 && !d->lease_id && (errno == ENOSPC || errno == EEXIST))
        return err_set(e, ERR_BUSY, "both of dom0's watchdogs are in use, by "
                       "other protected domains or xenwatchdogd");
    if (r < 0)
        return err_sys(e, ERR_IO, errno, seconds ? "setting the hypervisor's "
                       "watchdog" : "stopping the hypervisor's watchdog");
    if (!d->lease_id)
        d->lease_id = (uint32_t)r;
    if (!seconds)
        d->lease_id = 0;
    return 0;
}
