/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Child processes for libxl.
 */
#include "xen_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xen_priv.h"

static void reset_signals(void)
{
    static const int sigs[] = {
        SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM
    };
    sigset_t none;
    size_t i;

    for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
        signal(sigs[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything but stdio and two: what the child keeps, the peer's end of a
   connection would keep, too. */
static void close_others(int a, int b)
{
    int lo = a < b ? a : b, hi = a < b ? b : a;
    unsigned int next = 3;

    if (lo >= 3) {
        if ((unsigned int)lo > next)
            close_range(next, (unsigned int)lo - 1, 0);
        next = (unsigned int)lo + 1;
    }
    if ((unsigned int)hi > next)
        close_range(next, (unsigned int)hi - 1, 0);
    close_range((unsigned int)hi + 1, ~0u, 0);
}

/* Standard input and output may be the stream: they are the session's. */
static void leave_stdio(void)
{
    int null = open("/dev/null", O_RDONLY);

    if (null > 0) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

__attribute__((noreturn))
static void child_main(struct dom *d, const struct xen_child_job *job,
                       int report_fd)
{
    struct xen_report r = { .domid = UINT32_MAX };
    struct xen_log log;
    libxl_ctx *ctx = NULL;
    int rc;

    setsid();
    reset_signals();
    libxl_postfork_child_noexec(d->ctx);
    close_others(report_fd, job->keep_fd);
    leave_stdio();
    xen_log_init(&log, d->log);
    if (libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, &log.xtl))
        rc = xen_log_err(&log, &r.err, ERR_IO, "libxl doesn't start");
    else
        rc = job->run(d, ctx, &log, job->arg, &r);
    r.err.code = rc;
    while (write(report_fd, &r, sizeof(r)) < 0 && errno == EINTR)
        ;
    _exit(0);
}

int xen_child_start(struct dom *d, const struct xen_child_job *job,
                    struct xen_child *c_r, struct err *e)
{
    int p[2];
    pid_t pid;

    if (pipe2(p, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "pipe");
    pid = fork();
    if (pid == 0)
        child_main(d, job, p[1]);
    close(p[1]);
    if (pid < 0) {
        close(p[0]);
        return err_sys(e, ERR_IO, errno, "fork");
    }
    c_r->pid = pid;
    c_r->fd = p[0];
    return 0;
}

/* Somebody else's loop may have reaped it: then ECHILD, and that's fine. */
static void reap(struct xen_child *c)
{
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(c->fd);
    c->pid = 0;
    c->fd = -1;
}

int xen_child_poll(struct xen_child *c, struct xen_report *r_r)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    ssize_t n;

    if (poll(&p, 1, 0) <= 0)
        return ERR_AGAIN;
    n = read(c->fd, r_r, sizeof(*r_r));
    if (n < 0 && errno == EINTR)
        return ERR_AGAIN;
    /* A report is one write below PIPE_BUF: whole, or the child died. */
    if (n != (ssize_t)sizeof(*r_r)) {
        r_r->domid = UINT32_MAX;
        err_set(&r_r->err, ERR_IO, "the process that drives libxl died");
    }
    reap(c);
    return r_r->err.code;
}

int xen_child_wait(struct xen_child *c, int timeout_ms, const char *what,
                   struct err *e)
{
    uint64_t until = clock_ns() + (uint64_t)timeout_ms * 1000000u;
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    struct xen_report r;
    uint64_t now;
    int rc;

    while ((rc = xen_child_poll(c, &r)) == ERR_AGAIN) {
        now = clock_ns();
        if (now >= until)
            return err_set(e, ERR_TIMEOUT, "%s takes longer than %d ms and "
                           "goes on in process %d", what, timeout_ms,
                           (int)c->pid);
        poll(&p, 1, (int)((until - now) / 1000000u) + 1);
    }
    if (rc && e) {
        *e = r.err;
        err_wrap(e, "%s", what);
    }
    return rc;
}

void xen_child_leave(struct xen_child *c)
{
    if (c->pid > 0)
        close(c->fd);
    c->pid = 0;
    c->fd = -1;
}

void xen_child_kill(struct xen_child *c)
{
    if (c->pid <= 0)
        return;
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL);
    reap(c);
}
