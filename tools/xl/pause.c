/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl pause`, `xl unpause`, `xl colo-retry` and `xl colo-start`: whether a
 * protected domain runs. The other host is told, so that a copy that takes
 * over runs or stands still as the user wanted it. The first two are the
 * system's xl's for any other domain.
 */
#include <stdio.h>
#include <string.h>

#include "order.h"

static int stands(const struct seen *s, struct err *e)
{
    (void)e;
    if (s && !strcmp(seen_text(s, "paused"), "here")) {
        xl_warn("pause", s->name, "paused on this host; the other one is "
                "lost, or can't be told");
        return 0;
    }
    return !s || !strcmp(seen_text(s, "paused"), "yes") ? 0 : ERR_AGAIN;
}

static int runs(const struct seen *s, struct err *e)
{
    (void)e;
    return !s || !strcmp(seen_text(s, "paused"), "no") ? 0 : ERR_AGAIN;
}

static int tell(struct order *o, const char *word, order_done_fn *done,
                struct err *e)
{
    int rc = order_tell(o, word, e);

    if (!rc && done)
        rc = order_await(o, done, e);
    seen_dispose(&o->before);
    return rc;
}

/* For a domain that is protected here, else the system's. */
static int pause_or_hand_on(struct xl *x, int argc, char **argv,
                            order_done_fn *done)
{
    struct order o = { .x = x, .who = argc == 2 ? argv[1] : "" };
    struct err e = { 0 };
    int rc = ERR_NOTFOUND;

    if (argc == 2 && argv[1][0] != '-')
        rc = sessions_find(x, o.who, &o.before, &e);
    if (rc == ERR_NOTFOUND) {
        err_clear(&e);
        system_xl_exec(x->argv, &e);
    }
    if (rc)    /* a session that doesn't answer isn't passed by */
        return xl_fail(argv[0], o.who[0] ? o.who : NULL, &e);
    return tell(&o, argv[0], done, &e) ? xl_fail(argv[0], o.who, &e)
                                       : EXIT_SUCCESS;
}

int cmd_pause(struct xl *x, int argc, char **argv)
{
    return pause_or_hand_on(x, argc, argv, stands);
}

int cmd_unpause(struct xl *x, int argc, char **argv)
{
    return pause_or_hand_on(x, argc, argv, runs);
}

static int start_or_retry(struct xl *x, int argc, char **argv,
                          const char *short_opts, const char *word)
{
    static const struct option longs[] = {
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct order o = { .x = x };
    struct err e = { 0 };
    int opt;

    while ((opt = command_getopt(argc, argv, short_opts, longs, 1, 1)) !=
           -1) {
        if (opt != 'f')
            return command_exit(opt);
        word = "start-force";
    }
    o.who = argv[optind];
    if (sessions_ready(x, &e) || sessions_find(x, o.who, &o.before, &e) ||
        tell(&o, word, NULL, &e))
        return xl_fail(argv[0], o.who, &e);
    return EXIT_SUCCESS;
}

int cmd_retry(struct xl *x, int argc, char **argv)
{
    return start_or_retry(x, argc, argv, ":h", "retry");
}

int cmd_start(struct xl *x, int argc, char **argv)
{
    return start_or_retry(x, argc, argv, ":fh", "start");
}
