/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session that was killed left behind: a guest that stands still, and
 * dirty logs that are on. A mark in xenstore beside the domain's own nodes
 * says that a session was here; without it nothing is touched, since the
 * guest may stand still for somebody else's migration.
 */
#include <errno.h>
#include <stdlib.h>

#include "xen_priv.h"

/* A guest that has seen the request stands still within this time. */
#define LOOK_MS 500

bool xen_is_left(struct dom *d)
{
    char *mark = xs_read(d->xs, XBT_NULL, d->mark_path, NULL);
    bool left = mark && !d->marked;

    free(mark);
    return left;
}

int xen_mark(struct dom *d, struct err *e)
{
    if (xen_is_left(d))
        return err_set(e, ERR_BUSY, "a session that was killed has left "
                       "%s as it was", d->info.name);
    if (!xs_write(d->xs, XBT_NULL, d->mark_path, "1", 1))
        return err_sys(e, ERR_IO, errno, "writing %s", d->mark_path);
    d->marked = true;
    return 0;
}

/* One that stands still, or is about to, needs recover() yet. */
void xen_unmark(struct dom *d)
{
    if (!d->marked)
        return;
    d->marked = false;
    if (d->state == XEN_SUSPENDED || d->state == XEN_LATE)
        log_error(d->log, "event=stands-still domid=%u text=\"the guest "
                  "isn't resumed: xl colo-stop --release %s\"",
                  d->info.domid, d->info.name);
    else if (!xs_rm(d->xs, XBT_NULL, d->mark_path) && errno != ENOENT)
        log_warn(d->log, "event=mark-stays path=%s", d->mark_path);
}

int xen_recover(struct dom *d, struct err *e)
{
    int rc = 0;

    if (!xen_is_left(d))
        return 0;
    if (xen_is_dm_guest(d)) {
        rc = xen_dm_open(&d->dm, d->info.domid, d->state_dir, e);
        d->dm.stopped = d->dm.logging = true;
    }
    if (rc)
        return rc;
    /* As if it had been asked just now. */
    d->state = XEN_ASKED;
    d->dirty.on = true;
    rc = xen_suspend_undo(d, LOOK_MS, e);
    if (rc)
        return rc;
    if (d->state == XEN_LATE)    /* it wasn't asked, or never agreed */
        d->state = XEN_RUNNING;
    d->marked = true;
    xen_log_stop(d);
    return 0;
}
