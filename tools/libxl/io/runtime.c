/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the event loop brings to a session: input, room for output, timers,
 * signals. Every callback hands one input to the role and then lets it
 * settle. A loop of its own: nobody else's children are reaped here.
 */
#include "runtime_int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

struct env *runtime_env(struct runtime *rt)
{
    return &rt->env;
}

/* From now on @io watches @fd, if it didn't. */
static void follow(struct runtime *rt, ev_io *io, int *watched, int fd)
{
    if (fd == *watched)
        return;
    runtime_io_on(rt, io, false);
    *watched = fd;
    ev_io_set(io, fd, EV_READ);
    runtime_io_on(rt, io, fd >= 0);
}

void runtime_after(struct runtime *rt)
{
    if (!rt->ended)
        rt->role->domain(rt->session);
    if (!rt->ended)
        rt->role->net(rt->session);
    if (rt->ended)
        return;
    follow(rt, &rt->domain, &rt->domain_fd,
           rt->role->domain_fd(rt->session));
    follow(rt, &rt->net, &rt->net_fd, rt->role->net_fd(rt->session));
    control_serve(rt);
}

/* Offer what is there; false when the session left some of it. */
static bool offer(struct runtime *rt)
{
    size_t n;

    if (rt->at == rt->filled)
        return true;
    n = rt->role->input(rt->session, rt->data + rt->at,
                        rt->filled - rt->at);
    rt->at = rt->filled ? rt->at + n : 0;
    if (rt->at >= rt->filled)
        rt->at = rt->filled = 0;
    return rt->filled == 0;
}

static void take_input(struct runtime *rt)
{
    ssize_t r;

    if (!offer(rt) || !rt->input_on || rt->in_fd < 0 || rt->ended)
        return;
    r = read(rt->in_fd, rt->data, INPUT_SIZE);
    if (r > 0) {
        rt->filled = (size_t)r;
        rt->at = 0;
        offer(rt);
    } else if (r == 0 || (errno != EAGAIN && errno != EINTR)) {
        runtime_io_on(rt, &rt->in, false);
        rt->role->eof(rt->session);
    }
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
    struct runtime *rt = w->data;

    (void)loop;
    (void)events;
    take_input(rt);
    runtime_after(rt);
}

static void on_out(struct ev_loop *loop, ev_io *w, int events)
{
    struct runtime *rt = w->data;

    (void)loop;
    (void)events;
    rt->role->writable(rt->session);
    runtime_after(rt);
}

static void on_feed(struct ev_loop *loop, ev_io *w, int events)
{
    struct runtime *rt = w->data;

    (void)loop;
    (void)events;
    rt->role->feed_writable(rt->session);
    runtime_after(rt);
}

static void on_domain(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)events;
    runtime_after(w->data);
}

/*
 * Before silence counts, look: if this process stood still itself, what the
 * peer sent meanwhile is waiting to be read.
 */
static void look_first(struct runtime *rt)
{
    struct pollfd p = { .fd = rt->in_fd, .events = POLLIN };

    while (!rt->ended && rt->input_on && rt->in_fd >= 0 &&
           poll(&p, 1, 0) > 0) {
        bool had = ev_is_active(&rt->in);

        take_input(rt);
        if (!had || !ev_is_active(&rt->in))
            return;
        p.fd = rt->in_fd;
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    struct runtime *rt = w->data;
    enum env_timer t = (enum env_timer)(w - rt->timers);

    (void)loop;
    (void)events;
    if (t == ENV_TIMER_SILENCE)
        look_first(rt);
    if (!rt->ended)
        rt->role->timer(rt->session, t);
    runtime_after(rt);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
    struct runtime *rt = w->data;
    const char *reply;

    (void)loop;
    (void)events;
    rt->role->command(rt->session, COLO_CMD_STOP, &reply);
    log_note(rt->conf.log, "event=signal number=%d reply=\"%s\"", w->signum,
             reply);
    rt->role->settle(rt->session);
    runtime_after(rt);
}

/* ---- life --------------------------------------------------------------- */

static void init_watchers(struct runtime *rt)
{
    static const int signals[3] = { SIGINT, SIGTERM, SIGHUP };

    ev_io_init(&rt->in, on_in, rt->in_fd, EV_READ);
    ev_io_init(&rt->out, on_out, rt->out_fd, EV_WRITE);
    ev_io_init(&rt->feed, on_feed, 0, EV_WRITE);
    ev_io_init(&rt->domain, on_domain, 0, EV_READ);
    ev_io_init(&rt->net, on_domain, 0, EV_READ);
    rt->in.data = rt->out.data = rt->feed.data = rt->domain.data = rt;
    rt->net.data = rt;
    for (int i = 0; i < ENV_TIMERS_NR; i++) {
        ev_init(&rt->timers[i], on_timer);
        rt->timers[i].data = rt;
    }
    for (int i = 0; i < 3; i++) {
        ev_signal_init(&rt->signals[i], on_signal, signals[i]);
        rt->signals[i].data = rt;
    }
}

int runtime_new(const struct runtime_conf *conf, struct runtime **rt_r,
                struct err *e)
{
    struct runtime *rt = calloc(1, sizeof(*rt));

    if (!rt)
        return err_set(e, ERR_NOMEM, "no memory for a session");
    rt->conf = *conf;
    rt->in_fd = conf->in_fd;
    rt->out_fd = conf->out_fd;
    rt->feed_fd = rt->domain_fd = rt->net_fd = rt->listen_fd = -1;
    rt->fence.pidfd = -1;
    for (int i = 0; i < CLIENTS_MAX; i++)
        rt->clients[i].fd = -1;
    rt->data = malloc(INPUT_SIZE);
    rt->loop = ev_loop_new(EVFLAG_AUTO);
    if (!rt->data || !rt->loop) {
        rt->in_fd = rt->out_fd = -1;    /* the caller's, still */
        runtime_free(rt);
        return err_set(e, ERR_NOMEM, "no event loop for a session");
    }
    runtime_set_nonblocking(rt->in_fd);
    runtime_set_nonblocking(rt->out_fd);
    init_watchers(rt);
    *rt_r = rt;
    return 0;
}

void runtime_free(struct runtime *rt)
{
    if (!rt)
        return;
    if (rt->loop) {
        runtime_env_ops.disconnect(&rt->env);
        runtime_env_ops.feed_close(&rt->env);
        fence_stop(rt);
        control_stop(rt);
        for (int i = 0; i < 3; i++)
            ev_signal_stop(rt->loop, &rt->signals[i]);
        ev_loop_destroy(rt->loop);
    }
    free(rt->data);
    free(rt);
}

void runtime_run(struct runtime *rt, const struct role_ops *role,
                 void *session)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

    rt->role = role;
    rt->session = session;
    sigaction(SIGPIPE, &ignore, &old);
    for (int i = 0; i < 3; i++)
        ev_signal_start(rt->loop, &rt->signals[i]);
    runtime_env_ops.want_input(&rt->env, true);
    role->start(session);
    runtime_after(rt);
    if (!rt->ended)
        ev_run(rt->loop, 0);
    runtime_io_on(rt, &rt->domain, false);
    runtime_io_on(rt, &rt->net, false);
    sigaction(SIGPIPE, &old, NULL);
}
