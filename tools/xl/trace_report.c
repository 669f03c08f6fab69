/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One function for each line, in both of its forms. JSON is one object a
 * line, "event" first; times are in milliseconds.
 */
#include "trace_report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTED_SIZE 640

static void say(const struct report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct report *r, const char *fmt, ...)
{
    char text[REPORT_LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    r->line(r->ctx, text);
}

/* What is in a JSON string: octets that aren't printable are '?'. */
static const char *quoted(char to[QUOTED_SIZE], const char *text)
{
    size_t n = 0;

    for (; *text && n < QUOTED_SIZE - 3; text++) {
        if (*text == '"' || *text == '\\')
            to[n++] = '\\';
        to[n++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
    }
    to[n] = '\0';
    return to;
}

static const char *way(enum qf_direction direction)
{
    return direction == QF_BACK ? "back" : "forward";
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static double between(const struct trace_checkpoint *c, enum trace_mark a,
                      enum trace_mark b)
{
    return ms(c->at[b] - c->at[a]);
}

void report_listening(const struct report *r, const char *address)
{
    char to[QUOTED_SIZE];

    say(r, r->json ? "{\"event\":\"listening\",\"address\":\"%s\"}" :
        "listening at %s", quoted(to, address));
}

void report_connected(const struct report *r, const char *address)
{
    char to[QUOTED_SIZE];

    say(r, r->json ? "{\"event\":\"connected\",\"address\":\"%s\"}" :
        "the primary came; connected to %s", quoted(to, address));
}

void report_precopy(const struct report *r, const struct trace_precopy *p)
{
    char to[QUOTED_SIZE];

    quoted(to, p->machine);
    say(r, r->json ?
        "{\"event\":\"precopy\",\"machine\":\"%s\",\"octets\":%" PRIu64
        ",\"pages\":%" PRIu64 ",\"zero_pages\":%" PRIu64
        ",\"time_ms\":%.3f}" :
        "precopy of machine %s: %" PRIu64 " octets, %" PRIu64 " pages and %"
        PRIu64 " zero ones; ready after %.3f ms", to, p->octets, p->pages,
        p->zero_pages, ms(p->ns));
}

void report_checkpoint(const struct report *r,
                       const struct trace_checkpoint *c)
{
    char text[REPORT_LINE_MAX];

    if (r->bar) {
        snprintf(text, sizeof(text), "checkpoint %" PRIu64 ": pause %.3f ms, "
                 "%" PRIu64 " pages, %" PRIu64 " octets", c->number,
                 between(c, MARK_REPLY, MARK_LOADED), c->pages, c->octets);
        r->bar(r->ctx, text);
        return;
    }
    snprintf(text, sizeof(text), r->json ?
             "{\"event\":\"checkpoint\",\"number\":%" PRIu64
             ",\"pause_ms\":%.3f,\"pages\":%" PRIu64 ",\"zero_pages\":%"
             PRIu64 ",\"octets\":%" PRIu64 ",\"reply_ms\":%.3f,"
             "\"send_ms\":%.3f,\"ram_ms\":%.3f,\"state_ms\":%.3f,"
             "\"received_ms\":%.3f,\"loaded_ms\":%.3f}" :
             "checkpoint %" PRIu64 ": pause %.3f ms, %" PRIu64 " pages and %"
             PRIu64 " zero ones, %" PRIu64 " octets; reply %.3f, send %.3f, "
             "RAM %.3f, state %.3f, received %.3f, loaded %.3f", c->number,
             between(c, MARK_REPLY, MARK_LOADED), c->pages, c->zero_pages,
             c->octets, between(c, MARK_REQUEST, MARK_REPLY),
             between(c, MARK_REPLY, MARK_SEND),
             between(c, MARK_SEND, MARK_RAM),
             between(c, MARK_RAM, MARK_STATE),
             between(c, MARK_STATE, MARK_RECEIVED),
             between(c, MARK_RECEIVED, MARK_LOADED));
    r->line(r->ctx, text);
}

void report_message(const struct report *r, enum trace_mark mark,
                    const struct qf_event *event)
{
    say(r, r->json ?
        "{\"event\":\"message\",\"name\":\"%s\",\"direction\":\"%s\","
        "\"offset\":%" PRIu64 ",\"checkpoint\":%" PRIu64 ",\"value\":%"
        PRIu64 "}" : "%s, %s at %" PRIu64 ", checkpoint %" PRIu64
        ", value %" PRIu64, trace_mark_name(mark), way(event->direction),
        event->offset, event->checkpoint, event->value);
}

void report_departure(const struct report *r, enum qf_direction direction,
                      uint64_t offset, const char *rule, const char *text)
{
    char to[QUOTED_SIZE];

    if (r->json)
        say(r, "{\"event\":\"departure\",\"rule\":\"%s\",\"direction\":\"%s\""
            ",\"offset\":%" PRIu64 ",\"text\":\"%s\"}", rule, way(direction),
            offset, quoted(to, text));
    else
        say(r, "departure from the protocol: %s", text);
}

void report_blind(const struct report *r)
{
    say(r, r->json ? "{\"event\":\"blind\"}" :
        "can't follow any more; octets are passed on as before");
}

void report_silence(const struct report *r, uint64_t ns, const char *where)
{
    say(r, r->json ? "{\"event\":\"silence\",\"time_ms\":%.0f,\"where\":"
        "\"%s\"}" : "silence for %.0f ms, %s", ms(ns), where);
}

void report_resumed(const struct report *r, uint64_t ns)
{
    say(r, r->json ? "{\"event\":\"resumed\",\"time_ms\":%.3f}" :
        "going on after %.3f ms", ms(ns));
}

void report_point(const struct report *r, const struct trace_point *p)
{
    char text[POINT_WORDS_SIZE];

    trace_point_words(p, text);
    if (r->json)
        say(r, "{\"event\":\"%s\",\"point\":\"%s\"}",
            p->deed == DEED_CUT ? "cut" : "hang", text);
    else
        say(r, "%s behind %s", p->deed == DEED_CUT ? "cut" :
            "nothing is passed on any more", text);
}

/* Each octet is in one of these. */
static void octets(const struct trace_end *end, char *to, size_t size)
{
    static const char *const names[QF_OCTETS_NR] = {
#define NAME(n) [QF_OCTETS_##n] = #n,
        QF_OCTETS(NAME)
#undef NAME
    };
    size_t n = 0;

    for (int i = 0; i < QF_OCTETS_NR; i++)
        n += (size_t)snprintf(to + n, size - n, "%s\"%s\":%" PRIu64,
                              i ? "," : "", names[i], end->tally.octets[i]);
    for (char *c = to; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

void report_end(const struct report *r, const struct trace_end *end)
{
    static const char *const enders[ENDERS_NR] = {
        [END_PRIMARY] = "the primary closed",
        [END_SECONDARY] = "the secondary closed",
        [END_CUT] = "cut", [END_USER] = "stopped",
        [END_RECORD] = "the record is over",
    };
    char each[400];

    octets(end, each, sizeof(each));
    if (r->json)
        say(r, "{\"event\":\"end\",\"clean\":%s,\"by\":\"%s\",\"where\":"
            "\"%s\",\"followed\":%s,\"checkpoints\":%" PRIu64
            ",\"departures\":%" PRIu64 ",\"pause_median_ms\":%.3f,"
            "\"pause_max_ms\":%.3f,\"octets\":{%s}}",
            end->clean ? "true" : "false", enders[end->ender], end->where,
            end->followed ? "true" : "false", end->checkpoints,
            end->departures, ms(end->pause_ns), ms(end->pause_max_ns), each);
    else
        say(r, "%s: %s, %s%s; %" PRIu64 " checkpoints, median pause %.3f ms, "
            "longest %.3f; %" PRIu64 " departures",
            end->clean ? "clean end" : "no clean end", enders[end->ender],
            end->followed ? "" : "followed up to ", end->where,
            end->checkpoints, ms(end->pause_ns), ms(end->pause_max_ns),
            end->departures);
}
