/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-trace`: its options, and where its lines go. Needs neither
 * privilege nor Xen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "out.h"
#include "trace_check.h"
#include "trace_proxy.h"
#include "trace_report.h"
#include "xl.h"

#define EXIT_SCRIPT        2
#define SILENCE_DEFAULT_MS 5000u
#define SILENCE_MAX_MS     3600000u
#define MS_NS              1000000ull

enum { OPT_CHECK = 0x200, OPT_SILENCE_MS, OPT_JSON, OPT_MESSAGES, OPT_RECORD,
       OPT_CUT, OPT_HANG };

static const struct option long_options[] = {
    { "check", no_argument, NULL, OPT_CHECK },
    { "silence-ms", required_argument, NULL, OPT_SILENCE_MS },
    { "json", no_argument, NULL, OPT_JSON },
    { "messages", no_argument, NULL, OPT_MESSAGES },
    { "record", required_argument, NULL, OPT_RECORD },
    { "cut-at", required_argument, NULL, OPT_CUT },
    { "hang-at", required_argument, NULL, OPT_HANG },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

struct wanted {
    struct proxy_conf proxy;
    struct report report;
    bool checks, own_silence;
};

static void line_live(void *ctx, const char *text)
{
    out_line(ctx, "%s", text);
}

static void bar_live(void *ctx, const char *text)
{
    out_bar(ctx, text);
}

/* Of a file nothing gets lost: it can wait. */
static void line_file(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static int take_point(struct wanted *w, enum trace_deed deed,
                      const char *value, struct err *e)
{
    if (w->proxy.point.deed != DEED_NONE)
        return err_set(e, ERR_USAGE, "a connection fails at one point only");
    w->proxy.point.deed = deed;
    return trace_point_parse(value, &w->proxy.point, e);
}

static int take(struct wanted *w, int opt, const char *value, struct err *e)
{
    unsigned int ms;
    int rc;

    switch (opt) {
    case OPT_CHECK:    w->checks = true; return 0;
    case OPT_JSON:     w->report.json = true; return 0;
    case OPT_MESSAGES: w->report.messages = true; return 0;
    case OPT_RECORD:   w->proxy.record = value; return 0;
    case OPT_CUT:      return take_point(w, DEED_CUT, value, e);
    case OPT_HANG:     return take_point(w, DEED_HANG, value, e);
    }
    rc = conf_number(value, "--silence-ms", 0, SILENCE_MAX_MS, &ms, e);
    w->own_silence = true;
    w->proxy.silence_ns = ms * MS_NS;
    return rc;
}

static int check_file(const struct wanted *w, const char *name)
{
    const uint64_t *silence = w->own_silence ? &w->proxy.silence_ns : NULL;
    FILE *f;
    int ret;

    if (!strcmp(name, "-"))
        return trace_check(stdin, "stdin", &w->report, silence);
    f = fopen(name, "r");
    if (!f) {
        fprintf(stderr, "xl colo-trace: %s: %s\n", name, strerror(errno));
        return EXIT_SCRIPT;
    }
    ret = trace_check(f, name, &w->report, silence);
    fclose(f);
    return ret;
}

static int watch_live(struct xl *x, struct wanted *w)
{
    struct err e = { 0 };
    bool clean;
    struct out o;
    int rc;

    out_init(&o, STDOUT_FILENO, x->timestamps);
    w->report.line = line_live;
    w->report.ctx = &o;
    if (o.tty && !w->report.json && !w->report.messages)
        w->report.bar = bar_live;
    w->proxy.report = &w->report;
    rc = trace_proxy(&w->proxy, &clean, &e);
    out_bar_end(&o);
    if (rc)
        return xl_fail("colo-trace", NULL, &e);
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_trace(struct xl *x, int argc, char **argv)
{
    struct wanted w = {
        .proxy.silence_ns = SILENCE_DEFAULT_MS * MS_NS,
        .report.line = line_file,
    };
    struct err e = { 0 };
    int opt;

    while ((opt = command_getopt(argc, argv, ":h", long_options, 1, 2)) != -1)
        if (opt == 'h' || opt == '?')
            return command_exit(opt);
        else if (take(&w, opt, optarg, &e))
            return xl_fail(argv[0], NULL, &e);
    if (w.checks && (w.proxy.record || w.proxy.point.deed != DEED_NONE))
        return xl_usage(argv[0], "--check only reads: no --record, --cut-at "
                        "or --hang-at goes with it");
    if (w.checks != (argc - optind == 1))
        return xl_usage(argv[0], w.checks ? "--check wants one file" :
                        "two addresses are wanted, or --check and a file");
    if (w.checks)
        return check_file(&w, argv[optind]);
    w.proxy.listen = argv[optind];
    w.proxy.connect = argv[optind + 1];
    if (address_check(w.proxy.listen, &e) ||
        address_check(w.proxy.connect, &e))
        return xl_fail(argv[0], NULL, &e);
    return watch_live(x, &w);
}
