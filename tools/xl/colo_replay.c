/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-replay`: gives a QEMU secondary a checkpoint that `xl colo-sink`
 * kept. Needs neither privilege nor Xen.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "replay.h"
#include "xl.h"

#define MS_MAX 86400000u

enum { OPT_CHECKPOINT = 0x200, OPT_REPLAY_SILENCE };

static const struct option long_options[] = {
    { "checkpoint", required_argument, NULL, OPT_CHECKPOINT },
    { "silence-ms", required_argument, NULL, OPT_REPLAY_SILENCE },
    { "help", no_argument, NULL, 'h' },
    { 0 }
};

int cmd_replay(struct xl *x, int argc, char **argv)
{
    struct replay_conf c = { .silence_ms = REPLAY_SILENCE_MS_DEFAULT };
    struct replay_done done;
    struct err e = { 0 };
    int opt, rc = 0;

    (void)x;
    while ((opt = command_getopt(argc, argv, ":h", long_options, 2, 2)) !=
           -1 && !rc) {
        switch (opt) {
        case OPT_CHECKPOINT:
            rc = conf_number(optarg, "--checkpoint", 1, INT_MAX,
                             &c.checkpoint, &e);
            break;
        case OPT_REPLAY_SILENCE:
            rc = conf_number(optarg, "--silence-ms", 1, MS_MAX, &c.silence_ms,
                             &e);
            break;
        default:
            return command_exit(opt);
        }
    }
    if (!rc) {
        c.dir = argv[optind];
        c.address = argv[optind + 1];
        rc = replay_run(&c, &done, &e);
    }
    if (rc)
        return xl_fail(argv[0], NULL, &e);
    printf("%s: checkpoint %" PRIu32 " is loaded: %" PRIu64 " pages besides "
           "the first copy, %" PRIu64 " octets of state\n", done.set,
           done.checkpoint, done.pages, done.state);
    return EXIT_SUCCESS;
}
