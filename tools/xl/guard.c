/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The guard of a receiver's session. One thread: it waits for its child, and
 * for what that tells through a pipe.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends.h"
#include "io.h"

/* Between two signs of life, while the copy is destroyed. */
#define BEAT_MS 50
/* Of DOM_STEP_LIMIT_MS each. */
#define DESTROY_TRIES 12

/* What the child tells, in one piece. */
struct word {
    bool counts;
    char domain[DOM_NAME_MAX];
};

struct post {                   /* what the guard has */
    struct xl *x;
    struct voice *voice;
    pid_t child;
    int from, signals, in_fd, out_fd;    /* -1: closed */
    struct word last;
    sigset_t before;            /* what was blocked */
};

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- the child's end ---------------------------------------------------- */

static void tell(const struct guard *g, const struct word *w)
{
    /* A guard that is gone guards nothing. */
    if (g->to >= 0 && write(g->to, w, sizeof(*w)) < 0)
        return;
}

void guard_counts(const struct guard *g, const char *domain)
{
    struct word w = { .counts = true };

    snprintf(w.domain, sizeof(w.domain), "%s", domain);
    tell(g, &w);
}

void guard_parts(const struct guard *g)
{
    struct word w = { 0 };

    tell(g, &w);
}

/* ---- the guard ---------------------------------------------------------- */

static void hear(struct post *p)
{
    struct word w;

    while (p->from >= 0) {
        ssize_t n = read(p->from, &w, sizeof(w));

        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof(w)) {
            if (n == 0)
                shut(&p->from);
            return;
        }
        p->last = w;
        if (w.counts)
            continue;
        /* Its end of the stream is the only one from now on. */
        shut(&p->in_fd);
        shut(&p->out_fd);
    }
}

/* True when the child has ended, as *status_r says. */
static bool hand_on(struct post *p, int *status_r)
{
    struct signalfd_siginfo info;

    while (read(p->signals, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            kill(p->child, (int)info.ssi_signo);
    return waitpid(p->child, status_r, WNOHANG) == p->child;
}

static int wait_for_child(struct post *p)
{
    int status = 0;

    for (;;) {
        struct pollfd f[2] = {
            { .fd = p->signals, .events = POLLIN },
            { .fd = p->from, .events = POLLIN },
        };
        bool ended;

        poll(f, 2, -1);
        ended = hand_on(p, &status);
        hear(p);    /* what it said last, too */
        if (ended)
            return status;
    }
}

/* Exit code: 0: the copy is certainly gone. */
static int destroy(struct post *p)
{
    const struct dom_ops *ops = p->x->backend->dom;
    char name[DOM_NAME_MAX + sizeof(DOM_INCOMING)];
    struct dom_open o = { .name = name, .log = &p->voice->logger,
                          .state_dir = p->x->conf.state_dir };
    struct err e = { 0 };
    struct dom *d = NULL;
    int rc;

    snprintf(name, sizeof(name), "%s%s", p->last.domain, DOM_INCOMING);
    rc = ops->open(&o, &d, &e);
    for (int i = 0; !rc && i < DESTROY_TRIES; i++) {
        rc = ops->destroy(d, DOM_STEP_LIMIT_MS, &e);
        if (rc != ERR_TIMEOUT)
            break;
    }
    ops->close(d);
    if (!rc || rc == ERR_NOTFOUND)
        return 0;
    voice_say(p->voice, LOG_ERROR, p->last.domain, e.msg);
    return 1;
}

/* What the primary still sends is for nobody. */
static void drain(int fd)
{
    static char octets[65536];
    struct pollfd f = { .fd = fd, .events = POLLIN };

    while (poll(&f, 1, 0) > 0 && read(fd, octets, sizeof(octets)) > 0)
        ;
}

/* In a process of its own, since it takes long and the primary listens for
   signs of life. */
static bool destroyed(struct post *p)
{
    struct err e;
    int status;
    pid_t pid;

    if (p->x->backend->in_process)
        return true;    /* it went with the session */
    pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &p->before, NULL);
        _exit(destroy(p));
    }
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        drain(p->in_fd);
        if (colo_say(p->out_fd, COLO_SAY_ALIVE, &e))
            log_info(&p->voice->logger, "event=guard text=\"%s\"", e.msg);
        poll(NULL, 0, BEAT_MS);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The session died, and the primary counts on its copy. */
static void stand_in(struct post *p, int status)
{
    struct err e = { 0 };

    log_warn(&p->voice->logger, "event=session-died status=%#x name=%s",
             (unsigned int)status, p->last.domain);
    if (!destroyed(p)) {
        voice_say(p->voice, LOG_ERROR, p->last.domain, "the receiver's "
                  "session died and its copy can't be destroyed: the other "
                  "host has to be told by hand");
        return;
    }
    drain(p->in_fd);
    if (colo_say(p->out_fd, COLO_SAY_GONE, &e))
        voice_say(p->voice, LOG_ERROR, p->last.domain, e.msg);
    else
        voice_say(p->voice, LOG_WARN, p->last.domain, "the receiver's session "
                  "died; its copy is destroyed, and the other host was told");
}

static void stand_guard(struct post *p)
{
    int status = wait_for_child(p);

    if (p->last.counts && p->out_fd >= 0)
        stand_in(p, status);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int guard_fork(struct xl *x, struct voice *voice, int in_fd, int out_fd,
               struct guard *g_r, struct err *e)
{
    struct post p = { .x = x, .voice = voice, .in_fd = in_fd,
                      .out_fd = out_fd };
    sigset_t set;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
        return err_sys(e, ERR_IO, errno, "no pipe to a guard");
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &p.before);
    p.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    fflush(NULL);
    p.child = p.signals < 0 ? -1 : fork();
    if (p.child > 0) {
        close(fds[1]);
        p.from = fds[0];
        stand_guard(&p);
    }
    sigprocmask(SIG_SETMASK, &p.before, NULL);
    shut(&p.signals);
    close(fds[0]);
    g_r->to = fds[1];
    if (p.child == 0)
        return 0;
    shut(&g_r->to);
    return err_sys(e, ERR_IO, errno, "no guard for the session");
}
