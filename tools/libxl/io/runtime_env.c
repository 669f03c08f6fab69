/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session asks of its env: time, timers, the stream, the restore's
 * pipe, the fence command, generations. What the loop brings is runtime.c's.
 */
#include "runtime_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fault_point.h"
#include "generation.h"

static struct runtime *of(struct env *v)
{
    return (struct runtime *)((char *)v - offsetof(struct runtime, env));
}

void runtime_io_on(struct runtime *rt, ev_io *io, bool on)
{
    if (on && !ev_is_active(io))
        ev_io_start(rt->loop, io);
    else if (!on && ev_is_active(io))
        ev_io_stop(rt->loop, io);
}

static uint64_t env_now(struct env *v)
{
    (void)v;
    return clock_ns();
}

static uint64_t env_random(struct env *v)
{
    uint64_t n = 0;

    (void)v;
    if (getrandom(&n, sizeof(n), 0) != sizeof(n))
        n = clock_ns();    /* no kernel of ours is that old */
    return n;
}

static void env_timer(struct env *v, enum env_timer t, uint64_t delay_ns)
{
    struct runtime *rt = of(v);

    ev_timer_stop(rt->loop, &rt->timers[t]);
    if (delay_ns == ENV_NEVER)
        return;
    ev_now_update(rt->loop);
    ev_timer_set(&rt->timers[t], (double)delay_ns / 1e9, 0.);
    ev_timer_start(rt->loop, &rt->timers[t]);
}

static ssize_t put(int fd, const struct iovec *iov, int n)
{
    ssize_t r;

    if (fd < 0)
        return -EPIPE;
    do
        r = writev(fd, iov, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

static ssize_t env_send(struct env *v, const struct iovec *iov, int n)
{
    return put(of(v)->out_fd, iov, n);
}

static void env_want_send(struct env *v, bool on)
{
    struct runtime *rt = of(v);

    runtime_io_on(rt, &rt->out, on && rt->out_fd >= 0);
}

static void env_want_input(struct env *v, bool on)
{
    struct runtime *rt = of(v);

    rt->input_on = on;
    runtime_io_on(rt, &rt->in, on && rt->in_fd >= 0);
    if (on && rt->at < rt->filled)
        ev_feed_event(rt->loop, &rt->in, EV_CUSTOM);
}

static void env_end_send(struct env *v)
{
    struct runtime *rt = of(v);

    runtime_io_on(rt, &rt->out, false);
    if (rt->out_fd >= 0 && rt->out_fd != rt->in_fd)
        close(rt->out_fd);
    else if (rt->out_fd >= 0)
        shutdown(rt->out_fd, SHUT_WR);
    rt->out_fd = -1;
}

static void part(struct runtime *rt)
{
    if (rt->conf.parts)
        rt->conf.parts(rt->conf.parts_ctx);
}

static void env_disconnect(struct env *v)
{
    struct runtime *rt = of(v);

    part(rt);
    env_end_send(v);
    runtime_io_on(rt, &rt->in, false);
    if (rt->in_fd >= 0)
        close(rt->in_fd);
    rt->in_fd = -1;
    rt->at = rt->filled = 0;
}

static int env_fence(struct env *v, struct err *e)
{
    return fence_start(of(v), e);
}

void runtime_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void env_feed_open(struct env *v, int fd)
{
    struct runtime *rt = of(v);

    runtime_set_nonblocking(fd);
    fcntl(fd, F_SETPIPE_SZ, FEED_PIPE_SIZE);    /* if it may be */
    rt->feed_fd = fd;
    ev_io_set(&rt->feed, fd, EV_WRITE);
}

static ssize_t env_feed(struct env *v, const void *data, size_t n)
{
    struct iovec iov = { .iov_base = (void *)data, .iov_len = n };

    return put(of(v)->feed_fd, &iov, 1);
}

static void env_want_feed(struct env *v, bool on)
{
    struct runtime *rt = of(v);

    runtime_io_on(rt, &rt->feed, on && rt->feed_fd >= 0);
}

static void env_feed_close(struct env *v)
{
    struct runtime *rt = of(v);

    runtime_io_on(rt, &rt->feed, false);
    if (rt->feed_fd >= 0)
        close(rt->feed_fd);
    rt->feed_fd = -1;
}

static int env_accept(struct env *v, const uint8_t uuid[16],
                      uint64_t generation, struct err *e)
{
    return generation_accept(of(v)->conf.state_dir, uuid, generation, e);
}

static bool env_dies(struct env *v, const char *machine, const char *action)
{
    char name[80];

    (void)v;
    if (!fault_points_on())
        return false;
    snprintf(name, sizeof(name), "die.%s.%s", machine, action);
    return fault_point(name) && kill(getpid(), SIGKILL) == 0;
}

static void env_finished(struct env *v)
{
    struct runtime *rt = of(v);

    part(rt);
    rt->ended = true;
    ev_break(rt->loop, EVBREAK_ALL);
}

const struct env_ops runtime_env_ops = {
    .now = env_now, .random = env_random, .timer = env_timer, .send = env_send,
    .want_send = env_want_send, .want_input = env_want_input,
    .end_send = env_end_send, .disconnect = env_disconnect,
    .fence = env_fence,
    .feed_open = env_feed_open, .feed = env_feed,
    .want_feed = env_want_feed, .feed_close = env_feed_close,
    .accept = env_accept, .dies = env_dies, .finished = env_finished,
};
