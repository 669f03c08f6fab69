/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain under the contract of ops/domain.h.
 */
#include "embedded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "embedded_int.h"

int emb_watch(int epoll, int fd, struct err *e)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
        return err_sys(e, ERR_IO, errno, "can't watch a descriptor");
    return 0;
}

void emb_post(struct dom *d, enum dom_ev_kind kind, const struct err *err)
{
    uint64_t one = 1;
    struct dom_event *ev;

    if (d->events_nr == EMB_EVENTS_MAX)
        return;
    ev = &d->events[d->events_nr++];
    memset(ev, 0, sizeof(*ev));
    ev->kind = kind;
    if (err)
        ev->err = *err;
    if (write(d->event, &one, sizeof(one)) < 0)
        log_error(d->log, "event=embedded-eventfd errno=%d", errno);
}

/* ---- life --------------------------------------------------------------- */

static void close_all(struct dom *d)
{
    const int fds[] = { d->tick, d->agree, d->event, d->live, d->epoll };

    emb_feed_free(d);
    emb_service_stop(d);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    emb_queue_clear(&d->waiting);
    guest_dispose(&d->guest);
    buf_dispose(&d->context);
    free(d->pfns);
    free(d->info.config_json);
    free(d);
}

static void emb_close(struct dom *d)
{
    if (d)
        close_all(d);
}

static int emb_new(const struct dom_open *o, struct dom **d_r, struct err *e)
{
    struct dom *d = calloc(1, sizeof(*d));
    int rc;

    if (!d)
        return err_set(e, ERR_NOMEM, "no memory");
    d->log = o->log;
    emb_service_init(d);
    d->tick = -1;
    buf_init(&d->context, CKPT_CONTEXT_MAX);
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    d->live = epoll_create1(EPOLL_CLOEXEC);
    d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->agree = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->epoll < 0 || d->live < 0 || d->event < 0 || d->agree < 0)
        rc = err_sys(e, ERR_IO, errno, "no descriptors for a domain");
    else
        rc = emb_watch(d->epoll, d->event, e);
    if (!rc)
        rc = emb_watch(d->epoll, d->agree, e);
    if (rc)
        emb_close(d);
    else
        *d_r = d;
    return rc;
}

/* What is no part of the guest's state. */
static uint64_t outside(void *ctx, enum guest_outside what)
{
    uint64_t v;

    (void)ctx;
    if (what == GUEST_CLOCK || getrandom(&v, sizeof(v), 0) != sizeof(v))
        return clock_ns();
    return v;
}

/* The domain's memory is there. */
static int emb_make(struct dom *d, const char *json, size_t n,
                    const char *suffix, struct err *e)
{
    int rc = emb_fill(d, json, n, suffix, e);

    d->guest.outside = outside;
    return rc;
}

/* Whether it runs, or is paused, has changed. */
static int set_live(struct dom *d, struct err *e)
{
    bool live = d->running && !d->paused;

    if (live && !d->is_live) {
        int rc = emb_watch(d->epoll, d->live, e);

        if (rc)
            return rc;
    } else if (!live && d->is_live) {
        epoll_ctl(d->epoll, EPOLL_CTL_DEL, d->live, NULL);
    }
    d->is_live = live;
    emb_pump(d);
    return 0;
}

static void stand_still(struct dom *d)
{
    d->running = false;
    set_live(d, NULL);    /* can't fail that way */
}

/* It runs, and its work goes on, unless it is paused. */
static int emb_run(struct dom *d, struct err *e)
{
    struct itimerspec t = {
        .it_interval.tv_nsec = EMB_TICK_MS * 1000000L,
        .it_value.tv_nsec = EMB_TICK_MS * 1000000L,
    };
    int rc = 0;

    if (d->tick < 0) {
        d->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (d->tick < 0 || timerfd_settime(d->tick, 0, &t, NULL))
            return err_sys(e, ERR_IO, errno, "no clock for a domain");
        rc = emb_watch(d->live, d->tick, e);
    }
    d->running = true;
    return rc ? rc : set_live(d, e);
}

static int emb_open(const struct dom_open *o, struct dom **d_r,
                    struct err *e)
{
    CLEANUP_FREE char *json = NULL;
    uint64_t boot = 0;
    struct dom *d;
    int rc = emb_config_read(o->backend_arg, &json, e);

    if (!rc)
        rc = emb_new(o, &d, e);
    if (rc)
        return rc;
    rc = emb_make(d, json, strlen(json), "", e);
    if (!rc && strcmp(o->name, d->config.name) && strcmp(o->name, "1"))
        rc = err_set(e, ERR_NOTFOUND, "no domain %s here, only %s", o->name,
                     d->config.name);
    if (!rc && getrandom(&boot, sizeof(boot), 0) < 0)
        boot = clock_ns();
    if (!rc) {
        guest_boot(&d->guest, boot);
        rc = emb_run(d, e);
    }
    if (!rc)
        rc = emb_service_start(d, e);
    if (rc)
        emb_close(d);
    else
        *d_r = d;
    return rc;
}

static int emb_open_sink(const struct dom_open *o, struct dom **d_r,
                         struct err *e)
{
    int rc = emb_new(o, d_r, e);

    if (!rc)
        (*d_r)->sink = (*d_r)->copy = true;
    return rc;
}

/* ---- both sides --------------------------------------------------------- */

static int emb_fd(struct dom *d)
{
    return d->epoll;
}

static int emb_next_event(struct dom *d, struct dom_event *ev_r)
{
    if (d->events_nr == 0)
        emb_service_poll(d);
    if (d->events_nr == 0)
        return ERR_AGAIN;
    *ev_r = d->events[0];
    d->events_nr--;
    memmove(d->events, d->events + 1, d->events_nr * sizeof(d->events[0]));
    return 0;
}

static void emb_times(struct dom *d, struct dom_times *t_r)
{
    *t_r = d->times;
    memset(&d->times, 0, sizeof(d->times));
}

static const struct dom_info *emb_info(struct dom *d)
{
    return &d->info;
}

/* ---- source ------------------------------------------------------------- */

static int emb_static_data(struct dom *d, struct dom_static *s_r,
                           struct err *e)
{
    (void)d;
    (void)s_r;      /* it has no policies: both stay empty */
    (void)e;
    return 0;
}

static void agree_in(struct dom *d, unsigned int ms)
{
    struct itimerspec t = {
        .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L },
    };

    timerfd_settime(d->agree, 0, &t, NULL);
}

static int emb_suspend(struct dom *d, unsigned int timeout_ms, struct err *e)
{
    unsigned int ms = d->config.suspend_ms;

    (void)e;
    if (ms == 0) {
        stand_still(d);
        emb_post(d, DOM_EV_SUSPENDED, NULL);
        return 0;
    }
    d->asked = true;
    d->asked_ns = clock_ns();
    d->timeout_ms = timeout_ms;
    d->refuses = timeout_ms < ms;
    if (d->refuses)
        ms = timeout_ms ? timeout_ms : 1;    /* 0 would be: never */
    agree_in(d, ms);
    return 0;
}

void emb_agree(struct dom *d)
{
    struct err why = { 0 };
    uint64_t count;

    if (read(d->agree, &count, sizeof(count)) != sizeof(count) || !d->asked)
        return;
    d->asked = false;
    if (d->refuses) {
        err_set(&why, ERR_TIMEOUT, "the guest didn't agree within %u ms",
                d->timeout_ms);
        emb_post(d, DOM_EV_SUSPEND_FAILED, &why);
        return;
    }
    d->times.ack_ns = clock_ns() - d->asked_ns;
    stand_still(d);
    emb_post(d, DOM_EV_SUSPENDED, NULL);
}

/* One that stands still at once has done so: resume it. */
static bool emb_suspend_cancel(struct dom *d)
{
    bool asked = d->asked;

    d->asked = false;    /* its clock may run out */
    return asked;
}

static int emb_resume(struct dom *d, struct err *e)
{
    int rc = d->copy ? emb_load_context(d, e) : 0;

    if (rc)
        return rc;
    d->own_state = d->copy;
    return emb_run(d, e);
}

static int emb_pause(struct dom *d, struct err *e)
{
    d->paused = true;
    return set_live(d, e);
}

static int emb_unpause(struct dom *d, struct err *e)
{
    d->paused = false;
    return set_live(d, e);
}

static bool emb_is_paused(struct dom *d)
{
    return d->paused;
}

static int emb_finish(struct dom *d, enum dom_shutdown reason, struct err *e)
{
    (void)reason;
    (void)e;
    stand_still(d);
    emb_service_stop(d);
    return 0;
}

/* ---- sink --------------------------------------------------------------- */

static int emb_create(struct dom *d, const struct dom_create *c, int *fd_r,
                      struct err *e)
{
    int rc;

    rc = emb_make(d, c->config_json, c->config_length, c->incoming_suffix, e);
    return rc ? rc : emb_feed_start(d, fd_r, e);
}

static int emb_activate(struct dom *d, bool run, struct err *e)
{
    int rc = emb_load(d, e);

    if (rc)
        return rc;
    /* Those that were connected, and what they have sent last, went with the
       other process. */
    d->copy = false;
    emb_queue_clear(&d->waiting);
    guest_reset_connections(&d->guest);
    d->paused = !run;
    rc = emb_run(d, e);
    return rc ? rc : emb_service_start(d, e);
}

static int emb_destroy(struct dom *d, unsigned int wait_ms, struct err *e)
{
    (void)wait_ms;
    (void)e;
    stand_still(d);
    emb_feed_free(d);
    emb_service_stop(d);
    emb_queue_clear(&d->waiting);
    return 0;
}

const struct dom_ops dom_embedded_ops = {
    .name = "embedded", .runs_copies = true, .captures_paused = true,
    .fd = emb_fd, .next_event = emb_next_event,
    .times = emb_times, .info = emb_info, .close = emb_close,
    .open = emb_open, .static_data = emb_static_data,
    .log_start = emb_log_start, .log_stop = emb_log_stop,
    .dirty = emb_dirty, .dirty_count = emb_dirty_count,
    .copy = emb_copy, .suspend = emb_suspend,
    .suspend_cancel = emb_suspend_cancel, .capture = emb_capture,
    .resume = emb_resume, .pause = emb_pause, .unpause = emb_unpause,
    .is_paused = emb_is_paused, .finish = emb_finish,
    .open_sink = emb_open_sink, .create = emb_create, .apply = emb_apply,
    .activate = emb_activate, .destroy = emb_destroy,
};
