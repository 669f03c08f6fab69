/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-sink`: keeps the checkpoints of a QEMU COLO primary in a directory.
 * Needs neither privilege nor Xen.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "sink.h"
#include "xl.h"

#define STATE_MB_DEFAULT 512
#define STATE_MB_MAX     (1u << 20)
#define MS_MAX           86400000u

enum { OPT_KEEP = 0x200, OPT_SINK_SILENCE, OPT_IDLE, OPT_STATE };

static const struct option long_options[] = {
    { "keep", required_argument, NULL, OPT_KEEP },
    { "silence-ms", required_argument, NULL, OPT_SINK_SILENCE },
    { "idle-ms", required_argument, NULL, OPT_IDLE },
    { "state-max-mb", required_argument, NULL, OPT_STATE },
    { "help", no_argument, NULL, 'h' },
    { 0 }
};

struct told {
    bool verbose;
    uint64_t checkpoints;
};

static void say(void *ctx, enum sink_word word, const char *text,
                uint64_t checkpoint, uint64_t pages, uint64_t state)
{
    struct told *t = ctx;

    t->checkpoints = checkpoint;
    if (word == SINK_LISTENING)
        printf("listening at %s\n", text);
    else if (word == SINK_CONNECTED)
        printf("a primary has connected; its set is %s\n", text);
    else if (word == SINK_READY)
        printf("the first copy is complete\n");
    else if (t->verbose)
        printf("checkpoint %" PRIu64 ": %" PRIu64 " pages, %" PRIu64
               " octets of state\n", checkpoint, pages, state);
    fflush(stdout);
}

static int run(const char *name, struct sink_conf *c, bool verbose)
{
    struct told told = { .verbose = verbose };
    struct err e = { 0 };
    int rc;

    /* A file above the limit is an error as any other. */
    signal(SIGXFSZ, SIG_IGN);
    c->say = say;
    c->ctx = &told;
    rc = sink_run(c, &e);
    if (rc)
        return xl_fail(name, NULL, &e);
    printf("the primary has closed the connection after checkpoint %" PRIu64
           "\n", told.checkpoints);
    return EXIT_SUCCESS;
}

int cmd_sink(struct xl *x, int argc, char **argv)
{
    struct sink_conf c = {
        .keep = SINK_KEEP_DEFAULT, .silence_ms = SINK_SILENCE_MS_DEFAULT,
    };
    unsigned int state_mb = STATE_MB_DEFAULT;
    bool verbose = x->verbose > 0;
    struct err e = { 0 };
    int opt, rc = 0;

    while ((opt = command_getopt(argc, argv, ":vh", long_options, 2, 2)) !=
           -1 && !rc) {
        switch (opt) {
        case OPT_KEEP:
            rc = conf_number(optarg, "--keep", 1, SINK_KEEP_MAX, &c.keep, &e);
            break;
        case OPT_SINK_SILENCE:
            rc = conf_number(optarg, "--silence-ms", 1, MS_MAX, &c.silence_ms,
                             &e);
            break;
        case OPT_IDLE:
            rc = conf_number(optarg, "--idle-ms", 0, MS_MAX, &c.idle_ms, &e);
            break;
        case OPT_STATE:
            rc = conf_number(optarg, "--state-max-mb", 1, STATE_MB_MAX,
                             &state_mb, &e);
            break;
        case 'v':
            verbose = true;
            break;
        default:
            return command_exit(opt);
        }
    }
    if (rc)
        return xl_fail(argv[0], NULL, &e);
    c.state_max = (uint64_t)state_mb << 20;
    c.address = argv[optind];
    c.dir = argv[optind + 1];
    return run(argv[0], &c, verbose);
}
