/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The lines of `xl colo-trace`, for people or as JSON, and the one that is
 * written again and again on a terminal. Decides nothing; where a line goes is
 * its caller's. Called by trace_watch.c and by who runs it.
 */
#ifndef XL_TRACE_REPORT_H
#define XL_TRACE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "qemu_follow.h"
#include "trace_watch.h"

#define REPORT_LINE_MAX 1400    /* below what a struct out takes */

struct report {
    void (*line)(void *ctx, const char *text);
    void (*bar)(void *ctx, const char *text);    /* NULL: no terminal */
    void *ctx;
    bool json;
    bool messages;          /* a line for each message, too */
};

struct trace_precopy {
    char machine[64];       /* "" : it has no configuration */
    uint64_t octets, pages, zero_pages;
    uint64_t ns;            /* from the first octet to READY */
};

struct trace_checkpoint {
    uint64_t number;
    uint64_t at[MARKS_NR];  /* when each was complete */
    uint64_t octets;        /* of the primary */
    uint64_t pages, zero_pages;
};

struct trace_end {
    bool clean, followed;
    enum trace_ender ender;
    char where[QF_WORDS_SIZE];
    uint64_t checkpoints;       /* loaded */
    uint64_t departures;
    uint64_t pause_ns, pause_max_ns;    /* median of the newest, longest */
    struct qf_tally tally;
};

void report_listening(const struct report *r, const char *address);
void report_connected(const struct report *r, const char *address);
void report_precopy(const struct report *r, const struct trace_precopy *p);
void report_checkpoint(const struct report *r,
                       const struct trace_checkpoint *c);
void report_message(const struct report *r, enum trace_mark mark,
                    const struct qf_event *event);
/* @text: as a fault's line has it. */
void report_departure(const struct report *r, enum qf_direction direction,
                      uint64_t offset, const char *rule, const char *text);
void report_blind(const struct report *r);
void report_silence(const struct report *r, uint64_t ns, const char *where);
void report_resumed(const struct report *r, uint64_t ns);
void report_point(const struct report *r, const struct trace_point *p);
void report_end(const struct report *r, const struct trace_end *end);

#endif
