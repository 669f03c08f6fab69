/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session reports, put into words. A primary's news go to standard
 * output: for people on a terminal, one key=value line an event anywhere
 * else. A secondary has no standard output: its news go to its voice, the
 * grave ones always. Called by the session's loop through struct
 * colo_report, so it never waits.
 */
#ifndef XL_NEWS_H
#define XL_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"
#include "session.h"
#include "xl.h"

struct news {
    struct out out;
    struct voice *voice;
    const char *domain;          /* "" as long as it isn't known */
    const char *log_dir;
    const char *host;            /* the other host, as the user knows it */
    bool primary;
    bool pretty;                 /* for people */
    bool epochs;                 /* one line per epoch */
    bool copying;
    unsigned int interval_ms;
    int json_fd;
    uint64_t started_ns;
    uint64_t bar_ns;             /* when the bar was drawn last */
    unsigned int tenth;          /* of the first round, said last */
};

/* Texts and @voice have to outlive @n. */
void news_init(struct news *n, const struct xl *x, struct voice *voice,
               bool primary);
void news_dispose(struct news *n);
/* Append one JSON object per epoch to @path. */
int news_open_json(struct news *n, const char *path, struct err *e);
/* The callbacks, with @n as their context. */
void news_report(struct news *n, struct colo_report *r);
/* "connecting": before the session runs. */
void news_start(struct news *n);
/* How it ended, and the medians. For people an end that isn't good is left
   to the command's error line. */
void news_end(struct news *n, const struct colo_result *r);
/* Short stable name of an end, "stopped". */
const char *news_end_name(enum colo_end end);
/* The same in words, beside what its error says. */
const char *news_end_text(const struct colo_result *r);
/* As wished, by the user or by the guest: exit code 0. */
static inline bool news_end_is_good(enum colo_end end)
{
    return end != COLO_END_ALONE && end != COLO_END_PEER &&
           end != COLO_END_FAILED;
}

#endif
