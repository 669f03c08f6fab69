/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl stream-verify`: checks a migration stream or a back channel from a file,
 * a pipe or a descriptor, by the same code that a receiver checks it with.
 * Needs neither privilege nor Xen.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checker.h"
#include "names.h"
#include "xl.h"

#define EXIT_BAD    1
#define EXIT_SCRIPT 2
#define INPUT_SIZE  ((size_t)1 << 18)

enum { OPT_MODE = 0x200, OPT_COMPLETE, OPT_BACK };

static const struct option long_options[] = {
    { "in", required_argument, NULL, 'i' },
    { "format", required_argument, NULL, 'f' },
    { "verbose", no_argument, NULL, 'v' },
    { "quiet", no_argument, NULL, 'q' },
    { "mode", required_argument, NULL, OPT_MODE },
    { "complete", no_argument, NULL, OPT_COMPLETE },
    { "back-channel", no_argument, NULL, OPT_BACK },
    { "help", no_argument, NULL, 'h' },
    { 0 }
};

struct verify {
    struct sr_checker_conf conf;
    const char *input;
    bool verbose, quiet, complete;
};

static void print_record(void *ctx, const struct sr_item *it)
{
    const char *more = "";
    char count[32];

    (void)ctx;
    if (it->kind != SR_RECORD_END)
        return;
    if (it->layer == WIRE_LIBXL && it->type == WIRE_LIBXL_CHECKPOINT_STATE) {
        more = wire_state_name(it->first_word);
    } else if (it->layer == WIRE_LIBXC && it->type == WIRE_LIBXC_PAGE_DATA) {
        snprintf(count, sizeof(count), "count %" PRIu32,
                 it->first_word);
        more = count;
    }
    printf("offset %" PRIu64 ": %s record %" PRIu64 " type 0x%" PRIx32
           " (%s), length %" PRIu32 "%s%s\n", it->record_offset,
           wire_layer_name(it->layer), it->record_number, it->type,
           wire_record_name(it->layer, it->type), it->body_length,
           *more ? ", " : "", more);
}

static int choose(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(word, words[i]))
            return i;
    return -1;
}

static const char *const outermost_words[] = {
    [SR_OUTER_AUTO] = "auto", [SR_OUTER_XL] = "xl",
    [SR_OUTER_LIBXL] = "libxl", [SR_OUTER_LIBXC] = "libxc",
};
static const char *const mode_words[] = {
    [SR_MODE_AUTO] = "auto", [SR_MODE_PLAIN] = "plain",
    [SR_MODE_REMUS] = "remus", [SR_MODE_COLO] = "colo",
};

static int open_input(const char *input, struct err *e)
{
    char *end;
    long fd;

    if (!input)
        return STDIN_FILENO;
    fd = strtol(input, &end, 10);
    if (*input && !*end && fd >= 0 && fd < 1 << 20)
        return (int)fd;
    fd = open(input, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        err_sys(e, ERR_IO, errno, "%s", input);
    return (int)fd;
}

/* 0: read to its end; else @e tells whether the stream or the reading. */
static int feed_all(struct sr_checker *c, int fd, struct err *e)
{
    static uint8_t input[INPUT_SIZE];
    ssize_t r;
    int rc = 0;

    while (!rc) {
        r = read(fd, input, sizeof(input));
        if (r == 0)
            break;
        if (r > 0)
            rc = sr_checker_feed(c, input, (size_t)r, e);
        else if (errno != EINTR)
            rc = err_sys(e, ERR_IO, errno, "reading the stream");
    }
    return rc;
}

static const char *mode_name(const struct sr_checker *c, bool back)
{
    bool checkpointed = back || sr_checker_tally(c).checkpointed;

    switch (sr_checker_mode(c)) {
    case SR_MODE_PLAIN: return "plain";
    case SR_MODE_REMUS: return "Remus";
    case SR_MODE_COLO:  return "COLO";
    default:            return checkpointed ? "Remus or COLO"
                                            : "mode not settled";
    }
}

static void print_count(uint64_t n, const char *what)
{
    printf(", %" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void print_good(const struct verify *v, const struct sr_checker *c)
{
    struct sr_tally t = sr_checker_tally(c);
    bool back = v->conf.direction == SR_BACK;

    if (back)
        printf("good: back channel, %s", mode_name(c, true));
    else
        printf("good: %s stream, %s%s%s", wire_layer_name(t.outermost),
               t.guest_type ? wire_guest_name(t.guest_type) : "",
               t.guest_type ? ", " : "", mode_name(c, false));
    if (back || t.checkpointed)
        print_count(t.epochs, "epoch");
    if (!back)
        print_count(t.pages, "page");
    print_count(t.octets, "byte");
    putchar('\n');
}

static void note_empty(uint64_t records)
{
    if (records)
        fprintf(stderr, "note: %" PRIu64 " record%s without content, as Xen "
                "4.6 to 4.8 could write them\n", records,
                records == 1 ? "" : "s");
}

static int verify(struct verify *v, const char *name)
{
    const char *note = NULL;
    struct sr_checker *c;
    struct err e = { 0 };
    int rc, fd = open_input(v->input, &e);

    if (fd < 0) {
        xl_fail(name, NULL, &e);
        return EXIT_SCRIPT;
    }
    c = sr_checker_new(&v->conf);
    rc = c ? feed_all(c, fd, &e) :
         err_set(&e, ERR_NOMEM, "no memory for a check");
    if (!rc)
        rc = sr_checker_finish(c, v->complete, &note, &e);
    if (rc)
        xl_fail(name, NULL, &e);
    else if (!v->quiet && !v->verbose)
        print_good(v, c);
    if (!rc && note && !v->quiet)
        fprintf(stderr, "note: %s\n", note);
    if (!rc && !v->quiet)
        note_empty(sr_checker_tally(c).empty);
    if (rc)
        rc = c && sr_checker_fault(c) ? EXIT_BAD : EXIT_SCRIPT;
    sr_checker_free(c);
    if (v->input && fd > STDERR_FILENO)
        close(fd);
    return rc;
}

static int take_word(const char *name, const char *option, const char *word,
                     const char *const *words, int *value_r)
{
    *value_r = choose(word, words, 4);
    if (*value_r >= 0)
        return 0;
    return xl_usage(name, "%s: one of %s, %s, %s and %s, not \"%s\"", option,
                    words[0], words[1], words[2], words[3], word);
}

int cmd_stream_verify(struct xl *x, int argc, char **argv)
{
    struct verify v = { .verbose = x->verbose > 0 };
    int opt, value, bad = 0;

    while ((opt = command_getopt(argc, argv, ":i:f:vqh", long_options, 0,
                                 1)) != -1 && !bad) {
        switch (opt) {
        case 'i':
            v.input = optarg;
            break;
        case 'v':
            v.verbose = true;
            break;
        case 'q':
            v.quiet = true;
            break;
        case 'f':
            bad = take_word(argv[0], "-f", optarg, outermost_words, &value);
            v.conf.outermost = (enum sr_outermost)value;
            break;
        case OPT_MODE:
            bad = take_word(argv[0], "--mode", optarg, mode_words, &value);
            v.conf.mode = (enum sr_mode)value;
            break;
        case OPT_COMPLETE:
            v.complete = true;
            break;
        case OPT_BACK:
            v.conf.direction = SR_BACK;
            break;
        default:
            return command_exit(opt);
        }
    }
    if (bad)
        return bad;
    if (optind < argc)
        v.input = argv[optind];
    if (v.verbose && !v.quiet)
        v.conf.item = print_record;
    return verify(&v, argv[0]);
}
