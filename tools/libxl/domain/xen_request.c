/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Xenstore's control/shutdown, by which a guest with Xen's drivers is asked
 * to suspend. Other tools write there too (xl shutdown, save, migrate), and
 * the guest answers by emptying it, before it acts. So nothing of theirs is
 * written over, and whose request a stop answers is told apart:
 *  - a stop while a request still stands here isn't the answer to that one;
 *  - each write here is one event, so a second one that finds "suspend" is
 *    somebody else's write of the same word.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen_priv.h"

#define TRIES_MAX 16

static enum xen_request meaning(const char *value)
{
    if (!value || !*value)
        return XEN_REQUEST_NONE;
    return strcmp(value, "suspend") ? XEN_REQUEST_OTHER
                                    : XEN_REQUEST_SUSPEND;
}

static enum xen_request look(struct dom *d, xs_transaction_t t)
{
    char *value = xs_read(d->xs, t, d->control_path, NULL);
    enum xen_request r = meaning(value);

    free(value);
    return r;
}

enum xen_request xen_request_look(struct dom *d)
{
    return look(d, XBT_NULL);
}

/*
 * Replace @from by @value, decided in a transaction, since the guest or
 * another tool may write at this very moment. *@found_r: what stood there.
 * ERR_AGAIN: @wanted no longer holds.
 */
static int replace(struct dom *d, enum xen_request from, const char *value,
                   bool (*wanted)(struct dom *d), enum xen_request *found_r,
                   struct err *e)
{
    xs_transaction_t t;
    bool done;
    int i;

    for (i = 0; i < TRIES_MAX; i++) {
        t = xs_transaction_start(d->xs);
        if (t == XBT_NULL)
            return err_sys(e, ERR_IO, errno, "asking xenstore");
        if (wanted && !wanted(d)) {
            xs_transaction_end(d->xs, t, true);
            return ERR_AGAIN;
        }
        *found_r = look(d, t);
        done = *found_r == from &&
            xs_write(d->xs, t, d->control_path, value, strlen(value));
        if (*found_r != from || !done) {
            xs_transaction_end(d->xs, t, true);
            return *found_r != from ? 0 :
                err_sys(e, ERR_IO, errno, "writing %s", d->control_path);
        }
        if (xs_transaction_end(d->xs, t, false))
            return 0;
        if (errno != EAGAIN)
            break;
    }
    return err_sys(e, ERR_IO, errno, "writing %s", d->control_path);
}

/* Old events are taken, so that the next one here is that of our write. */
static bool still_queued(struct dom *d)
{
    xen_event_forget_control(d);
    d->request_events = 0;
    return d->state == XEN_QUEUED;
}

int xen_request_place(struct dom *d, struct err *e)
{
    enum xen_request found;
    int rc = replace(d, XEN_REQUEST_NONE, "suspend", still_queued, &found, e);

    if (rc == ERR_AGAIN)
        return 0;
    if (!rc && found == XEN_REQUEST_NONE)
        d->state = XEN_ASKED;
    else if (!rc && found == XEN_REQUEST_SUSPEND)
        d->state = XEN_OTHERS;
    return rc;
}

bool xen_request_withdraw(struct dom *d)
{
    enum xen_request found;

    return !replace(d, XEN_REQUEST_SUSPEND, "", NULL, &found, NULL) &&
        found == XEN_REQUEST_SUSPEND;
}

enum xen_state xen_request_on_event(struct dom *d, unsigned int events)
{
    enum xen_request found = xen_request_look(d);

    d->request_events += events;
    switch (d->state) {
    case XEN_QUEUED:
        if (found == XEN_REQUEST_SUSPEND)
            return XEN_OTHERS;
        break;
    case XEN_ASKED:
        if (found == XEN_REQUEST_NONE)
            return XEN_AGREED;
        if (found == XEN_REQUEST_OTHER)
            return XEN_QUEUED;
        if (d->request_events > 1)
            return XEN_OTHERS;
        break;
    default:
        break;
    }
    return d->state;
}
