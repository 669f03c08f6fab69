/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Xenstore's control/shutdown, by which a guest with Xen's drivers is asked
 * to suspend. Other tools write there too (xl shutdown, save, migrate), and
 * the guest answers by emptying it, before it acts. So nothing of theirs is
 * written over. Theirs may be written over ours, or behind the guest's
 * answer: what stands there, and how often xenstored told of a write since
 * ours, tell whose request a stop answers:
 *
 *   there           writes  what was written       the stop is for
 *   ours            1       ours                   another one before
 *   their suspend   any     ours, "", theirs       us
 *   ""              2       ours, ""               us
 *   other           3       ours, "", other        us
 *   "" or other     more    ours, theirs, "", ...  them, if each event was one
 *                                                  of a write
 *
 * since a guest that took a suspend takes nothing more until it stands still.
 *
 * Ours is told from theirs by a NUL at its end. Xen's docs/misc/xenstore.txt
 * would rather have none; guests read a string, with or without it. It has to
 * be: xenstored tells of two writes once if it hasn't sent the first event.
 * So what stands there is looked at right after ours was written; once that
 * is answered, the event of ours is out, and each later write has its own.
 * Where the guest was faster than that look, or there are more events than
 * that (some are spurious), it was us unless a save or a migration is under
 * way. One that hasn't asked yet does so now, while nobody takes its request:
 * then it was us, too. One that has asked goes on, and lets the guest run
 * again or destroys it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen_priv.h"

#define TRIES_MAX 16

static const char ours[] = "suspend";    /* with the NUL */

static enum xen_request meaning(const char *value, unsigned int size)
{
    if (!value || !*value)
        return XEN_REQUEST_NONE;
    if (strcmp(value, ours))
        return XEN_REQUEST_OTHER;
    return size == sizeof(ours) ? XEN_REQUEST_OURS : XEN_REQUEST_SUSPEND;
}

static enum xen_request look(struct dom *d, xs_transaction_t t)
{
    unsigned int size = 0;
    char *value = xs_read(d->xs, t, d->control_path, &size);
    enum xen_request r = meaning(value, size);

    free(value);
    return r;
}

/* And how often it was written until then: events come before an answer. */
static enum xen_request look_exactly(struct dom *d)
{
    enum xen_request found;
    unsigned int more;

    do {
        found = look(d, XBT_NULL);
        more = xen_event_take_control(d);
        d->writes += more;
    } while (more);
    return found;
}

/*
 * Replace @from by @value, decided in a transaction, since the guest or
 * another tool may write at this very moment. *@found_r: what stood there.
 * The writes since a request of ours are counted, this one is the first.
 */
static int replace(struct dom *d, enum xen_request from, const char *value,
                   unsigned int size, enum xen_request *found_r,
                   struct err *e)
{
    xs_transaction_t t;
    bool done;
    int i;

    for (i = 0; i < TRIES_MAX; i++) {
        t = xs_transaction_start(d->xs);
        if (t == XBT_NULL)
            return err_sys(e, ERR_IO, errno, "asking xenstore");
        *found_r = look(d, t);
        if (*found_r != from) {
            xs_transaction_end(d->xs, t, true);
            return 0;
        }
        /* Not before the look: xenstored takes a write between the two for
           no conflict, and its event would be counted. */
        if (from == XEN_REQUEST_NONE) {
            xen_event_take_control(d);
            d->writes = 0;
        }
        done = xs_write(d->xs, t, d->control_path, value, size);
        if (!done) {
            xs_transaction_end(d->xs, t, true);
            break;
        }
        if (xs_transaction_end(d->xs, t, false))
            return 0;
        if (errno != EAGAIN)
            break;
    }
    return err_sys(e, ERR_IO, errno, "writing %s", d->control_path);
}

int xen_request_place(struct dom *d, struct err *e)
{
    enum xen_request found;
    int rc = replace(d, XEN_REQUEST_NONE, ours, sizeof(ours), &found, e);

    if (!rc && found == XEN_REQUEST_NONE) {
        d->state = XEN_ASKED;
        d->placed = true;
        d->stood = look(d, XBT_NULL) == XEN_REQUEST_OURS;
    } else if (!rc && found == XEN_REQUEST_SUSPEND) {
        d->state = XEN_OTHERS;
    }
    return rc;
}

bool xen_request_withdraw(struct dom *d)
{
    enum xen_request found;

    return !replace(d, XEN_REQUEST_OURS, "", 0, &found, NULL) &&
        found == XEN_REQUEST_OURS;
}

/* A save or a migration has its helper before it asks. */
static bool is_alone(struct dom *d)
{
    return !xen_rival_look(d, NULL);
}

/* The guest took what stood there, of so many writes; an answer to ours is
   the second of them. */
static enum xen_whose taken(struct dom *d, unsigned int ours_at_most)
{
    if ((d->stood && d->writes <= ours_at_most) || is_alone(d))
        return XEN_OURS;
    return XEN_UNKNOWN;
}

enum xen_state xen_request_on_event(struct dom *d, unsigned int writes)
{
    enum xen_request found;

    d->writes += writes;
    found = look_exactly(d);
    switch (d->state) {
    case XEN_QUEUED:
        return found == XEN_REQUEST_SUSPEND ? XEN_OTHERS : XEN_QUEUED;
    case XEN_ASKED:
        if (found == XEN_REQUEST_NONE)
            return taken(d, 2) == XEN_OURS ? XEN_AGREED : XEN_ASKED;
        if (found == XEN_REQUEST_OTHER)
            return XEN_QUEUED;
        return found == XEN_REQUEST_OURS ? XEN_ASKED : XEN_OTHERS;
    default:
        return d->state;
    }
}

enum xen_whose xen_request_whose(struct dom *d)
{
    if (d->state == XEN_AGREED)
        return XEN_OURS;
    if (d->state == XEN_RUNNING || !d->placed)
        return XEN_THEIRS;
    switch (look_exactly(d)) {
    case XEN_REQUEST_NONE:
        return taken(d, 2);
    case XEN_REQUEST_OTHER:
        return taken(d, 3);
    case XEN_REQUEST_SUSPEND:
        return XEN_OURS;
    case XEN_REQUEST_OURS:
        xen_request_withdraw(d);
        break;
    }
    return XEN_THEIRS;
}

enum xen_whose xen_request_now(struct dom *d)
{
    bool alone = is_alone(d);    /* before the rest: it may end meanwhile */
    xc_domaininfo_t now;

    if (!xen_info_now(d, &now, NULL) && !(now.flags & XEN_DOMINF_shutdown))
        return XEN_THEIRS;
    if (look(d, XBT_NULL) == XEN_REQUEST_SUSPEND)
        return XEN_OURS;
    return alone ? XEN_THEIRS : XEN_UNKNOWN;
}

bool xen_request_may_be_taken(const struct dom *d)
{
    return d->state == XEN_QUEUED && d->placed;
}
