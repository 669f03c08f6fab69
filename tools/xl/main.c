/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The front end `xl`: reads the global options as stock xl does, runs the
 * commands that are ours and hands every other one, unchanged, on to the
 * system's xl.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "sessions.h"
#include "xl.h"

enum global_option { GLOBAL_BACKEND = 0x100 };

static int hand_on(struct xl *x)
{
    struct err e = { 0 };

    system_xl_exec(x->argv, &e);
    return xl_fail(NULL, NULL, &e);
}

/*
 * A domain has one log of what it writes. The system's xl migrate would take
 * it from the session, and the copy would miss pages, with no error anywhere.
 */
static bool would_disturb(struct xl *x, int argc, char **argv)
{
    struct err e = { 0 };
    bool found = false;
    struct seen s;

    if (conf_load(&x->conf, &e))
        argc = 0;    /* settings that can't be read name no session */
    for (int i = 1; i < argc - 1 && !found; i++) {
        if (argv[i][0] == '-' || sessions_find(x, argv[i], &s, &e))
            continue;
        found = !strcmp(seen_text(&s, "role"), "primary");
        if (found) {
            err_set(&e, ERR_BUSY, "it is protected, and can't be migrated "
                    "meanwhile (end that first: xl colo-stop %s)", s.name);
            xl_fail(argv[0], s.name, &e);
        }
        seen_dispose(&s);
    }
    conf_dispose(&x->conf);
    return found;
}

/* Ours first, then the system's list below it; its exit code is ours. */
static int help_all(struct xl *x, int without_system)
{
    struct err e = { 0 };

    command_list();
    printf("\nThe system's xl:\n\n");
    system_xl_exec(x->argv, &e);
    printf("%s\n", e.msg);
    return e.code == ERR_NOTFOUND ? without_system : EXIT_FAILURE;
}

static int help(struct xl *x, const char *name)
{
    const struct command *c;

    if (!name)
        return help_all(x, EXIT_SUCCESS);
    c = command_find(name);
    if (!c || c->run == cmd_migrate_colo)
        return hand_on(x);
    command_help(c, false);
    return EXIT_SUCCESS;
}

static int run(struct xl *x, const struct command *c, int argc, char **argv)
{
    struct err e = { 0 };
    int ret;

    if (x->dryrun && !c->can_dryrun) {
        fprintf(stderr, "command does not implement -N (dryrun) option\n");
        return EXIT_FAILURE;
    }
    if (!x->backend_spec)
        x->backend_spec = getenv("XL_COLO_BACKEND");
    if (!c->is_apart &&
        (backend_select(x->backend_spec, &x->backend, &x->backend_arg, &e) ||
         conf_load(&x->conf, &e))) {
        ret = xl_fail(c->name, NULL, &e);
    } else {
        optind = 0;    /* glibc: start over, with argv[0] a command's name */
        ret = c->run(x, argc, argv);
    }
    conf_dispose(&x->conf);
    /* Output that didn't get out is a failure, as in stock. */
    if (fflush(stdout) || ferror(stdout)) {
        err_sys(&e, ERR_IO, errno, "standard output");
        return xl_fail(c->name, NULL, &e);
    }
    return ret;
}

/* Index of the command, or -1 when an option isn't known. */
static int globals(struct xl *x)
{
    static const struct option longs[] = {
        { "backend", required_argument, NULL, GLOBAL_BACKEND },
        { NULL, 0, NULL, 0 },
    };
    int opt;

    opterr = 0;
    while ((opt = getopt_long(x->argc, x->argv, "+vftTN", longs,
                              NULL)) != -1) {
        switch (opt) {
        case 'v':
            x->verbose += x->verbose < XL_VERBOSE_MAX;
            break;
        case 'f': x->force = true; break;
        case 't': x->use_cr = true; break;
        case 'T': x->timestamps = true; break;
        case 'N': x->dryrun = true; break;
        case GLOBAL_BACKEND: x->backend_spec = optarg; break;
        default: return -1;
        }
    }
    return optind;
}

/* A pipe of ours must not become standard output by accident. */
static void fill_standard_fds(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct xl x = { .argc = argc, .argv = argv };
    const struct command *c;
    const char *name;
    int at;

    fill_standard_fds();
    at = globals(&x);
    if (at < 0) {
        fprintf(stderr, "unknown global option\n");
        return EXIT_FAILURE;
    }
    name = argv[at];
    if (!name)
        return help_all(&x, EXIT_FAILURE);
    if (!strcmp(name, "help"))
        return help(&x, argv[at + 1]);
    c = command_find(name);
    if (!c || !command_is_ours(c, argc - at, argv + at))
        return c && c->run == cmd_migrate_colo &&
               would_disturb(&x, argc - at, argv + at) ? EXIT_FAILURE
                                                       : hand_on(&x);
    signal(SIGPIPE, SIG_IGN);
    return run(&x, c, argc - at, argv + at);
}
