/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-stop` and `xl colo-failover`: ending a session, and staying until
 * it has ended.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "buf.h"
#include "lock.h"
#include "monitor.h"
#include "order.h"
#include "xl.h"

/* Until the session is gone. */
static int ended(const struct seen *s, struct err *e)
{
    const char *wish = s ? seen_text(s, "needs_user") : "";

    if (!s)
        return 0;
    /* There nothing moves without the user. */
    if (!strcmp(seen_text(s, "state"), "held") && wish[0])
        return err_set(e, ERR_PEER, "%s", wish);
    return ERR_AGAIN;
}

/* ERR_NOTFOUND: not here. */
static int look(const struct order *o, const char *name, struct dom **d_r,
                struct err *e)
{
    const struct dom_open open = { .name = name,
                                   .state_dir = o->x->conf.state_dir,
                                   .backend_arg = o->x->backend_arg };

    *d_r = NULL;
    return o->x->backend->dom->open(&open, d_r, e);
}

/* *does_r: what it does here, where the session is over. */
static int look_only(const struct order *o, const char **does_r,
                     struct err *e)
{
    const struct backend *b = o->x->backend;
    const char *was = seen_text(&o->before, "paused");
    bool paused = was[0] && strcmp(was, "no") != 0;
    struct dom *d;
    int rc = 0;

    if (!b->in_process) {    /* else only its own process can see it */
        rc = look(o, o->before.name, &d, e);
        paused = !rc && b->dom->is_paused(d);
        b->dom->close(d);
    }
    *does_r = paused ? "is paused" : "runs";
    return rc;
}

/* ---- colo-stop ---------------------------------------------------------- */

/* Who waited for the domain's end had left for the session's sake. */
static void watch_again(const struct order *o, const char *name, int lock)
{
    struct err e = { 0 };

    if (!lock_was_watched(lock))
        return;
    lock_note_watched(lock, false);
    if (!monitor_stock_lives(name) && monitor_start(o->x, name, &e) &&
        e.code != ERR_BUSY)
        xl_warn("colo-stop", name, "nobody waits for its end: %s", e.msg);
}

/* No session: what a dead one left held may still be there. */
static int release_stale(struct order *o, struct err *e)
{
    const struct backend *b = o->x->backend;
    CLEANUP_CLOSE int lock = -1;
    char name[DOM_NAME_MAX] = "";
    struct dom *d;
    int rc;

    rc = look(o, o->who, &d, e);
    if (!rc) {    /* its session may know it by the name that it had */
        snprintf(name, sizeof(name), "%s", b->dom->info(d)->name);
        rc = lock_domain(o->x, b->dom->info(d)->uuid, &lock, e);
    }
    if (!rc && b->dom->recover)
        rc = b->dom->recover(d, e);
    if (!rc && b->release_stale)
        rc = b->release_stale(b->dom->info(d), NULL, e);
    if (!rc)
        printf("%s: no session protects it here; its output flows\n", name);
    b->dom->close(d);
    if (!rc && !b->in_process)
        watch_again(o, name, lock);
    return rc;
}

static int stop(struct order *o, bool release, struct err *e)
{
    const char *peer, *does;
    int rc = sessions_find(o->x, o->who, &o->before, e);

    if (rc == ERR_NOTFOUND && release) {
        err_clear(e);
        return release_stale(o, e);
    }
    if (!rc)
        rc = order_tell(o, release ? "stop-release" : "stop", e);
    if (!rc)
        rc = order_await(o, ended, e);
    if (rc)
        return rc;
    peer = seen_text(&o->before, "peer");
    if (!strcmp(seen_text(&o->before, "role"), "secondary")) {
        printf("%s: the copy on this host is given up; %s has the domain\n",
               o->before.name, peer[0] ? peer : "the other host");
        return 0;
    }
    rc = look_only(o, &does, e);
    if (rc == ERR_NOTFOUND) {
        printf("%s: protection ended; the domain isn't on this host any "
               "more\n", o->before.name);
        return 0;
    }
    if (!rc)
        printf("%s: protection ended; the domain %s on this host\n",
               o->before.name, does);
    return rc;
}

int cmd_stop(struct xl *x, int argc, char **argv)
{
    static const struct option longs[] = {
        { "release", no_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct order o = { .x = x };
    struct err e = { 0 };
    bool release = false;
    int opt, ret = EXIT_SUCCESS;

    while ((opt = command_getopt(argc, argv, ":h", longs, 1, 1)) != -1) {
        if (opt != 'r')
            return command_exit(opt);
        release = true;
    }
    o.who = argv[optind];
    if (sessions_ready(x, &e) || conf_make_dir(x->conf.state_dir, &e) ||
        stop(&o, release, &e))
        ret = xl_fail(argv[0], o.who, &e);
    seen_dispose(&o.before);
    return ret;
}

/* ---- colo-failover ------------------------------------------------------ */

/* Whether the user vouches; where nobody can be asked, the command itself
   is the word. */
static bool vouched(const struct order *o, bool sure)
{
    const char *peer = seen_text(&o->before, "peer");
    char line[16] = "";

    if (sure || o->x->force || !isatty(STDIN_FILENO))
        return true;
    printf("If %s still runs on %s, two of them will. Is it certainly off "
           "there? [y/N] ", o->before.name, peer[0] ? peer : "the other host");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return false;
    return line[0] == 'y' || line[0] == 'Y';
}

static int failover(struct order *o, bool sure, struct err *e)
{
    const char *does;
    int rc = sessions_find(o->x, o->who, &o->before, e);

    if (rc)
        return rc;
    if (!vouched(o, sure))
        return err_set(e, ERR_USAGE, "left as it is");
    rc = order_tell(o, "failover", e);
    if (!rc)
        rc = order_await(o, ended, e);
    if (rc)
        return rc;
    rc = look_only(o, &does, e);
    if (rc)
        return err_wrap(e, "the take-over failed (see %s/colo-%s.log)",
                        o->x->conf.log_dir, o->before.name);
    printf("%s: took over; the domain %s on this host\n", o->before.name,
           does);
    return 0;
}

int cmd_failover(struct xl *x, int argc, char **argv)
{
    static const struct option longs[] = {
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct order o = { .x = x };
    struct err e = { 0 };
    bool sure = false;
    int opt, ret = EXIT_SUCCESS;

    while ((opt = command_getopt(argc, argv, ":fh", longs, 1, 1)) != -1) {
        if (opt != 'f')
            return command_exit(opt);
        sure = true;
    }
    o.who = argv[optind];
    if (sessions_ready(x, &e) || conf_make_dir(x->conf.state_dir, &e) ||
        failover(&o, sure, &e)) {
        xl_fail(argv[0], o.who, &e);
        ret = EXIT_FAILURE;
    }
    seen_dispose(&o.before);
    return ret;
}
