/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Events of a domain: xenstore's watches, the timer and the child process
 * behind one descriptor, and the queue of what the session is to hear.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "xen_priv.h"

#define TOKEN_RELEASE "r"
#define TOKEN_CONTROL "c"
#define TOKEN_TARGET  "t"

static int add(struct dom *d, int fd, struct err *e)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

    if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
        return err_sys(e, ERR_IO, errno, "epoll");
    return 0;
}

int xen_event_init(struct dom *d, struct err *e)
{
    d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll_fd < 0)
        return err_sys(e, ERR_IO, errno, "epoll");
    d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->timer_fd < 0)
        return err_sys(e, ERR_IO, errno, "timerfd");
    return add(d, d->timer_fd, e);
}

/* xenstored tells of every domain that stops, suspends or dies. */
int xen_event_watch(struct dom *d, struct err *e)
{
    if (!xs_watch(d->xs, "@releaseDomain", TOKEN_RELEASE))
        return err_sys(e, ERR_IO, errno, "watching domains in xenstore");
    if (d->control_path &&
        !xs_watch(d->xs, d->control_path, TOKEN_CONTROL))
        return err_sys(e, ERR_IO, errno, "watching %s", d->control_path);
    if (d->target_path && !xs_watch(d->xs, d->target_path, TOKEN_TARGET))
        return err_sys(e, ERR_IO, errno, "watching %s", d->target_path);
    return add(d, xs_fileno(d->xs), e);
}

int xen_event_add_fd(struct dom *d, int fd, struct err *e)
{
    return add(d, fd, e);
}

void xen_event_push(struct dom *d, enum dom_ev_kind kind,
                    enum dom_shutdown reason, const struct err *err)
{
    struct dom_event *ev;

    /* Each kind is pushed once per request, so a full queue is a bug. */
    assert(d->events_nr < XEN_EVENTS_MAX);
    ev = &d->events[d->events_nr++];
    memset(ev, 0, sizeof(*ev));
    ev->kind = kind;
    ev->shutdown_reason = reason;
    if (err)
        ev->err = *err;
}

void xen_event_drop(struct dom *d)
{
    unsigned int i, n = 0;

    for (i = 0; i < d->events_nr; i++) {
        if (d->events[i].kind != DOM_EV_SUSPENDED &&
            d->events[i].kind != DOM_EV_SUSPEND_FAILED)
            d->events[n++] = d->events[i];
    }
    d->events_nr = n;
}

void xen_event_timer(struct dom *d, unsigned int ms)
{
    struct itimerspec its = {
        .it_value = { .tv_sec = ms / 1000,
                      .tv_nsec = (long)(ms % 1000) * 1000000 },
    };
    int r = timerfd_settime(d->timer_fd, 0, &its, NULL);

    assert(r == 0);
    (void)r;
}

/* What xenstored has told of. */
struct told {
    bool release, target;
    unsigned int control;    /* how often */
};

static struct told collect(struct dom *d)
{
    struct told t = { 0 };
    char **w;

    while ((w = xs_check_watch(d->xs))) {
        if (!strcmp(w[XS_WATCH_TOKEN], TOKEN_RELEASE))
            t.release = true;
        else if (!strcmp(w[XS_WATCH_TOKEN], TOKEN_CONTROL))
            t.control++;
        else if (!strcmp(w[XS_WATCH_TOKEN], TOKEN_TARGET))
            t.target = true;
        free(w);
    }
    return t;
}

static void act_on(struct dom *d, const struct told *t)
{
    if (t->release && d->sink)
        xen_sink_on_release(d);
    if (d->sink)
        return;
    if (t->target)
        xen_dirty_on_target(d);
    if (t->control)
        xen_suspend_on_control(d, t->control);
    /* After the guest agreed it may stand still before xenstored says so;
       asking costs less than waiting. */
    if (t->release || t->control || d->release_told)
        xen_suspend_on_release(d);
}

static void read_watches(struct dom *d)
{
    struct told t = collect(d);

    act_on(d, &t);
}

unsigned int xen_event_take_control(struct dom *d)
{
    struct told t = collect(d);

    if (t.target)
        xen_dirty_on_target(d);
    d->release_told |= t.release;
    return t.control;
}

static void read_sources(struct dom *d)
{
    struct epoll_event ev[4];
    uint64_t ticks;
    int i, n;

    n = epoll_wait(d->epoll_fd, ev, 4, 0);
    for (i = 0; i < n; i++) {
        if (ev[i].data.fd == d->timer_fd) {
            if (read(d->timer_fd, &ticks, sizeof(ticks)) > 0)
                xen_suspend_on_timer(d);
        } else if (d->child.pid && ev[i].data.fd == d->child.fd) {
            xen_sink_on_child(d);
        } else {
            read_watches(d);
        }
    }
}

int xen_next_event(struct dom *d, struct dom_event *ev_r)
{
    if (d->events_nr == 0 && d->release_told)
        xen_suspend_on_release(d);
    if (d->events_nr == 0)
        read_sources(d);
    if (d->events_nr == 0)
        return ERR_AGAIN;
    *ev_r = d->events[0];
    d->events_nr--;
    memmove(d->events, d->events + 1, d->events_nr * sizeof(d->events[0]));
    return 0;
}
