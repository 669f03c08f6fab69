/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Runs the fence command on the peer, with a limit of time. Its exit 0, and
 * nothing else, means that the peer is off.
 */
#include "runtime_int.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FENCE_LINE 1024
#define STATUS_TIMEOUT 124    /* as timeout(1) says it */

static void fence_done(struct runtime *rt, int status)
{
    ev_io_stop(rt->loop, &rt->fence.io);
    ev_timer_stop(rt->loop, &rt->fence.limit);
    close(rt->fence.pidfd);
    rt->fence.pidfd = -1;
    rt->role->fence_done(rt->session, status);
    runtime_after(rt);
}

static void on_exit_seen(struct ev_loop *loop, ev_io *w, int events)
{
    struct runtime *rt = w->data;
    int status = 0;

    (void)loop;
    (void)events;
    if (waitpid(rt->fence.pid, &status, WNOHANG) != rt->fence.pid)
        status = -1;
    fence_done(rt, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
}

static void kill_command(struct runtime *rt)
{
    kill(-rt->fence.pid, SIGKILL);
    waitpid(rt->fence.pid, NULL, 0);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
    struct runtime *rt = w->data;

    (void)loop;
    (void)events;
    kill_command(rt);
    fence_done(rt, STATUS_TIMEOUT);
}

/* A path or name, nothing for a shell to do: starting one takes time. */
static bool is_plain(const char *command)
{
    for (; *command; command++)
        if (!isalnum((unsigned char)*command) &&
            !strchr("_@%+:,./-", *command))
            return false;
    return true;
}

/* This process may be large, and time counts: a copy of it isn't made. */
static int spawn(const char *fence, const char *peer, pid_t *pid_r)
{
    char line[FENCE_LINE];
    const char *const plain[] = { fence, peer, NULL };
    const char *const shell[] = { "/bin/sh", "-c", line, "sh", peer, NULL };
    const char *const *argv = is_plain(fence) ? plain : shell;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, pipe;
    int rc;

    if (snprintf(line, sizeof(line), "exec %s \"$1\"", fence) >=
        (int)sizeof(line))
        return E2BIG;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
                             POSIX_SPAWN_SETSIGMASK |
                             POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipe);
    posix_spawn_file_actions_init(&files);
    rc = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO,
                                          STDOUT_FILENO);
    if (!rc)
        rc = posix_spawnp(pid_r, argv[0], &files, &attr,
                          (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return rc;
}

int fence_start(struct runtime *rt, struct err *e)
{
    const char *peer = rt->conf.peer ? rt->conf.peer : "";
    pid_t pid;
    int rc = spawn(rt->conf.fence, peer, &pid);

    if (rc)
        return err_sys(e, ERR_IO, rc, "can't start the fence command %s",
                       rt->conf.fence);
    log_note(rt->conf.log, "event=fence command=\"%s\" peer=%s pid=%d",
             rt->conf.fence, peer, (int)pid);
    rt->fence.pid = pid;
    rt->fence.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (rt->fence.pidfd < 0) {
        int saved = errno;

        kill_command(rt);
        return err_sys(e, ERR_IO, saved, "can't watch the fence command");
    }
    ev_io_init(&rt->fence.io, on_exit_seen, rt->fence.pidfd, EV_READ);
    ev_timer_init(&rt->fence.limit, on_limit, rt->conf.fence_ms / 1e3, 0.);
    rt->fence.io.data = rt->fence.limit.data = rt;
    ev_io_start(rt->loop, &rt->fence.io);
    ev_now_update(rt->loop);
    ev_timer_start(rt->loop, &rt->fence.limit);
    return 0;
}

void fence_stop(struct runtime *rt)
{
    if (rt->fence.pidfd < 0)
        return;
    kill_command(rt);
    ev_io_stop(rt->loop, &rt->fence.io);
    ev_timer_stop(rt->loop, &rt->fence.limit);
    close(rt->fence.pidfd);
    rt->fence.pidfd = -1;
}
