/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-trace --check`: holds what `xl -vvv remus` said on stderr against
 * the protocol's tables. Needs neither privilege nor Xen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "machines.h"
#include "xl.h"

#define EXIT_BAD    1
#define EXIT_SCRIPT 2

static int check(FILE *f, const char *name)
{
    CLEANUP_FREE char *line = NULL;
    struct err e = { 0 };
    size_t room = 0;
    uint64_t number = 0, all = 0;
    struct trace t;

    trace_init(&t);
    while (getline(&line, &room, f) >= 0) {
        number++;
        if (trace_line(&t, line, &e)) {
            fprintf(stderr, "xl colo-trace: %s: line %" PRIu64 ": %s\n",
                    name, number, e.msg);
            return EXIT_BAD;
        }
    }
    for (int i = 0; i < MACHINES_NR; i++)
        all += t.seen[i];
    if (ferror(f) || !all) {
        fprintf(stderr, "xl colo-trace: %s: %s\n", name, ferror(f) ?
                strerror(errno) : "no line of a trace in it (they come with "
                "xl -vvv remus)");
        return EXIT_SCRIPT;
    }
    printf("%s:", name);
    for (int i = 0; i < MACHINES_NR; i++)
        if (t.seen[i])
            printf(" %" PRIu64 " transitions of the %s,", t.seen[i],
                   machines[i]->name);
    printf(" all by the tables\n");
    return EXIT_SUCCESS;
}

int cmd_trace(struct xl *x, int argc, char **argv)
{
    static const struct option longs[] = {
        { "check", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool checks = false;
    int opt, ret;
    FILE *f;

    (void)x;
    while ((opt = command_getopt(argc, argv, ":h", longs, 1, 1)) != -1) {
        if (opt != 'c')
            return command_exit(opt);
        checks = true;
    }
    if (!checks)
        return xl_usage(argv[0], "--check is what it can do");
    if (!strcmp(argv[optind], "-"))
        return check(stdin, "stdin");
    f = fopen(argv[optind], "r");
    if (!f) {
        fprintf(stderr, "xl colo-trace: %s: %s\n", argv[optind],
                strerror(errno));
        return EXIT_SCRIPT;
    }
    ret = check(f, argv[optind]);
    fclose(f);
    return ret;
}
