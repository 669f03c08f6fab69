/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The Xen backend's table, and the calls that need no file of their own.
 */
#include "xen.h"

#include <string.h>

#include "xen_priv.h"

static int get_fd(struct dom *d)
{
    return d->epoll_fd;
}

static void get_times(struct dom *d, struct dom_times *t_r)
{
    *t_r = d->times;
    memset(&d->times, 0, sizeof(d->times));
}

static const struct dom_info *get_info(struct dom *d)
{
    return &d->info;
}

static void close_dom(struct dom *d)
{
    struct err e;

    if (!d)
        return;
    /* A copy that was never finished is nobody's domain. */
    if (d->child.pid && xen_destroy(d, DOM_STEP_LIMIT_MS, &e))
        log_error(d->log, "event=half-made-domain-stays name=%s why=\"%s\"",
                  d->info.name, e.msg);
    xen_free(d);
}

const struct dom_ops dom_xen_ops = {
    .name = "xen",
    .fd = get_fd,
    .next_event = xen_next_event,
    .times = get_times,
    .info = get_info,
    .close = close_dom,
    .open = xen_open_source,
    .static_data = xen_static_data,
    .log_start = xen_log_start,
    .log_stop = xen_log_stop,
    .dirty = xen_dirty,
    .dirty_count = xen_dirty_count,
    .copy = xen_copy,
    .suspend = xen_suspend,
    .suspend_cancel = xen_suspend_cancel,
    .capture = xen_capture,
    .resume = xen_resume,
    .pause = xen_pause,
    .unpause = xen_unpause,
    .is_paused = xen_is_paused,
    .lease = xen_lease,
    .finish = xen_finish,
    .is_left = xen_is_left,
    .recover = xen_recover,
    .open_sink = xen_open_sink,
    .create = xen_create,
    .apply = xen_apply,
    .activate = xen_activate,
    .destroy = xen_destroy,
};
