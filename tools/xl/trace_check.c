/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Two kinds of files: what `xl -vvv remus` said on stderr, where each
 * transition of the two machines is a line and is held against the protocol's
 * tables; and a record of a connection, which is followed as the proxy follows
 * one. Needs neither privilege nor Xen.
 */
#include "trace_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "machines.h"
#include "trace_record.h"

#define EXIT_BAD    1
#define EXIT_SCRIPT 2

static int say(const char *name, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "xl colo-trace: %s: %s\n", name, why);
    return EXIT_SCRIPT;
}

static int check_session(FILE *f, const char *name)
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
    if (ferror(f) || !all)
        return say(name, ferror(f) ? strerror(errno) : "no line of a trace "
                   "in it (they come with xl -vvv remus)");
    printf("%s:", name);
    for (int i = 0; i < MACHINES_NR; i++)
        if (t.seen[i])
            printf(" %" PRIu64 " transitions of the %s,", t.seen[i],
                   machines[i]->name);
    printf(" all by the tables\n");
    return EXIT_SUCCESS;
}

/* One record; true when it was the last. */
static bool take(struct watch *w, enum record_kind kind, const uint8_t *body,
                 size_t n, uint64_t now, bool *clean_r)
{
    struct trace_point point;
    char text[POINT_WORDS_SIZE];

    switch (kind) {
    case RECORD_FORWARD:
    case RECORD_BACK:
        watch_feed(w, kind == RECORD_BACK ? QF_BACK : QF_FORWARD, body, n,
                   now);
        return false;
    case RECORD_CUT:
    case RECORD_HANG:
        n = n < sizeof(text) ? n : sizeof(text) - 1;
        memcpy(text, body, n);
        text[n] = '\0';
        point.deed = kind == RECORD_CUT ? DEED_CUT : DEED_HANG;
        if (!trace_point_parse(text, &point, NULL))
            watch_point(w, &point);
        return false;
    case RECORD_END:
        break;
    }
    *clean_r = watch_end(w, n && body[0] < ENDERS_NR ? body[0] : END_RECORD,
                         now);
    return true;
}

static int check_connection(FILE *f, const char *name, uint8_t *body,
                            struct watch *w, uint64_t now)
{
    enum record_kind kind;
    struct err e = { 0 };
    bool clean = false;
    size_t n;
    int rc;

    watch_begin(w, now);
    do {
        rc = record_get(f, &now, &kind, body, &n, &e);
    } while (!rc && !take(w, kind, body, n, now, &clean));
    if (rc == ERR_EOF)
        clean = watch_end(w, END_RECORD, now);
    else if (rc)
        return say(name, e.msg);
    return clean ? EXIT_SUCCESS : EXIT_BAD;
}

int trace_check(FILE *f, const char *name, const struct report *report,
                const uint64_t *own_silence_ns)
{
    struct watch_conf conf = { .report = report };
    CLEANUP_FREE uint8_t *body = NULL;
    struct err e = { 0 };
    struct watch *w;
    uint64_t now;
    int ret;

    if (!record_is(f))
        return check_session(f, name);
    if (record_open(f, &conf.silence_ns, &now, &e))
        return say(name, e.msg);
    if (own_silence_ns)
        conf.silence_ns = *own_silence_ns;
    body = malloc(RECORD_BODY_MAX);
    w = watch_new(&conf);
    ret = body && w ? check_connection(f, name, body, w, now) :
                      say(name, "no memory");
    watch_free(w);
    return ret;
}
