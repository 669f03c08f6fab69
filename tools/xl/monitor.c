/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The watcher of a domain: started after protection or take-over, gone with
 * the domain. Never touches a domain that runs.
 */
#include "monitor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends.h"
#include "buf.h"
#include "lock.h"
#include "out.h"

#define LOCK "monitor"
#define LEAVE_LIMIT_MS 3000    /* from SIGTERM to the lock being free */
#define LEAVE_POLL_MS 20
#define START_LIMIT_MS 15000   /* until the watcher says that it watches */
/* Of DOM_STEP_LIMIT_MS each. A new start may wait for hotplug scripts. */
#define FINISH_TRIES 60
/* A domain that ends as soon as it starts must not be restarted in a spin. */
#define RESTART_GAP_S 1

static void pause_ms(long ms)
{
    struct timespec t = { .tv_sec = ms / 1000,
                          .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

bool monitor_stock_lives(const char *name)
{
    char want[DOM_NAME_MAX + 16], link[PATH_MAX], target[PATH_MAX];
    DIR *proc = opendir("/proc");
    const struct dirent *d;
    bool found = false;

    /* Its standard output is /var/log/xen/xl-NAME.log, and stays so for as
       long as it waits; a rotated one gets a number at its end. */
    snprintf(want, sizeof(want), "/xl-%s.log", name);
    while (proc && !found && (d = readdir(proc))) {
        const char *at;
        ssize_t n;

        if (!isdigit((unsigned char)d->d_name[0]))
            continue;
        snprintf(link, sizeof(link), "/proc/%s/fd/1", d->d_name);
        n = readlink(link, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        at = strstr(target, want);
        if (at) {
            at += strlen(want);
            found = !at[0] || (at[0] == '.' && isdigit((unsigned char)at[1]));
        }
    }
    if (proc)
        closedir(proc);
    return found;
}

int monitor_dismiss(const struct xl *x, const char *name, bool *was_r,
                    struct err *e)
{
    CLEANUP_CLOSE int fd = lock_open(x, name, LOCK, e);
    pid_t holder;

    *was_r = false;
    if (fd < 0)
        return e->code;
    holder = lock_holder(fd);
    if (holder <= 0)
        return 0;
    *was_r = true;
    if (kill(holder, SIGTERM) && errno != ESRCH)
        return err_sys(e, ERR_IO, errno, "the domain's watcher %d doesn't "
                       "leave", (int)holder);
    for (int ms = 0; ms < LEAVE_LIMIT_MS; ms += LEAVE_POLL_MS) {
        if (!lock_holder(fd))
            return 0;
        pause_ms(LEAVE_POLL_MS);
    }
    return err_set(e, ERR_TIMEOUT, "the domain's watcher, process %d, "
                   "doesn't leave (end it, then try again)", (int)holder);
}

int monitor_finish(const struct dom_ops *ops, struct dom *d,
                   enum dom_shutdown reason, struct err *e)
{
    int rc = ERR_TIMEOUT;

    for (int i = 0; i < FINISH_TRIES && rc == ERR_TIMEOUT; i++)
        rc = ops->finish(d, reason, e);
    return rc;
}

/* ---- in the watcher ----------------------------------------------------- */

struct watch {
    const struct xl *x;
    const struct dom_ops *ops;
    const char *name;
    struct voice voice;
    struct dom *dom;
    uint32_t domid;
    time_t since;
};

static int watch_open(struct watch *w, struct err *e)
{
    struct dom_open o = { .name = w->name, .log = &w->voice.logger,
                          .state_dir = w->x->conf.state_dir,
                          .backend_arg = w->x->backend_arg };
    int rc = w->ops->open(&o, &w->dom, e);

    if (!rc) {
        w->domid = w->ops->info(w->dom)->domid;
        w->since = time(NULL);
    }
    return rc;
}

static void watch_say(struct watch *w, enum log_level level, const char *text)
{
    voice_say(&w->voice, level, w->name, text);
}

/* The domain ended: true when another one in its place is to be watched. */
static bool ended(struct watch *w, enum dom_shutdown reason)
{
    static const char *const words[] = {
        [DOM_POWEROFF] = "it powered off", [DOM_REBOOT] = "it reboots",
        [DOM_CRASH] = "it crashed", [DOM_OTHER] = "it ended",
        [DOM_SUSPEND] = "another tool suspended it; leaving",
    };
    uint32_t before = w->domid;
    struct err e = { 0 };

    watch_say(w, LOG_NOTE, words[reason]);
    if (reason == DOM_SUSPEND)
        return false;
    if (time(NULL) - w->since < RESTART_GAP_S)
        pause_ms(RESTART_GAP_S * 1000);
    if (monitor_finish(w->ops, w->dom, reason, &e)) {
        watch_say(w, LOG_ERROR, e.msg);
        return false;
    }
    w->ops->close(w->dom);
    w->dom = NULL;
    if (w->x->backend->in_process || watch_open(w, &e)) {
        if (e.code != ERR_NOTFOUND)
            watch_say(w, LOG_ERROR, e.msg);
        return false;
    }
    /* The same one: its configuration says that it is to be kept. */
    return w->domid != before;
}

static void watch(struct watch *w)
{
    struct dom_event ev;
    struct pollfd p;
    int rc;

    for (;;) {
        while (!(rc = w->ops->next_event(w->dom, &ev))) {
            if (ev.kind == DOM_EV_GONE)
                return;
            if (ev.kind == DOM_EV_SHUTDOWN) {
                if (!ended(w, ev.shutdown_reason))
                    return;
            }
        }
        if (rc != ERR_AGAIN)
            return;
        p.fd = w->ops->fd(w->dom);
        p.events = POLLIN;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return;
    }
}

/* Nothing of the starter's stays open: ssh waits for that. */
static void detach(struct watch *w)
{
    static const int to_default[] = { SIGTERM, SIGINT, SIGCHLD, SIGHUP };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log;

    setsid();
    for (size_t i = 0; i < sizeof(to_default) / sizeof(to_default[0]); i++)
        signal(to_default[i], SIG_DFL);
    voice_file(&w->voice, w->x->conf.log_dir, w->name);
    log = w->voice.file.fd >= 0 ? w->voice.file.fd : null;
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(null);
    /* stderr is the file now: don't say things twice. */
    w->voice.err.fd = -1;
    if (chdir("/"))
        return;    /* then a directory stays in use; nothing more */
}

static void watcher(const struct xl *x, const char *name, int tell)
{
    struct watch w = { .x = x, .ops = x->backend->dom, .name = name };
    struct err e = { 0 };
    int lock;

    voice_init(&w.voice, "monitor", x->verbose, true);
    detach(&w);
    lock = lock_open(x, name, LOCK, &e);
    if (lock >= 0 && lock_take(lock, &e))
        err_wrap(&e, "another process waits for its end already");
    if (!e.code)
        watch_open(&w, &e);
    if (write(tell, &e, sizeof(e)) != sizeof(e))
        watch_say(&w, LOG_WARN, "the starter is gone");
    close(tell);
    if (!e.code) {
        watch_say(&w, LOG_NOTE, "waiting for the domain's end");
        watch(&w);
        watch_say(&w, LOG_NOTE, "done");
    }
    w.ops->close(w.dom);
    _exit(0);
}

void monitor_here(const struct xl *x, const char *name, struct voice *voice,
                  struct dom *d)
{
    struct watch w = { .x = x, .ops = x->backend->dom, .name = name,
                       .voice = *voice, .dom = d };

    w.domid = w.ops->info(d)->domid;
    w.since = time(NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    watch(&w);
    w.ops->close(w.dom);
}

int monitor_start(const struct xl *x, const char *name, struct err *e)
{
    CLEANUP_CLOSE int hear = -1;
    struct err theirs;
    struct pollfd p;
    int tell[2];
    pid_t pid;

    if (pipe2(tell, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "no pipe to the watcher");
    hear = tell[0];
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(hear);
        watcher(x, name, tell[1]);
    }
    close(tell[1]);
    if (pid < 0)
        return err_sys(e, ERR_IO, errno, "can't start the watcher");
    p.fd = hear;
    p.events = POLLIN;
    if (poll(&p, 1, START_LIMIT_MS) != 1)
        return err_set(e, ERR_TIMEOUT, "the watcher doesn't come up");
    if (read(hear, &theirs, sizeof(theirs)) != sizeof(theirs))
        return err_set(e, ERR_IO, "the watcher died");
    return theirs.code ? err_set(e, theirs.code, "%s", theirs.msg) : 0;
}
