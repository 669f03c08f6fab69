/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What `xl colo-trace` knows of one connection between two QEMUs: feeds the
 * follower, sees to the two taking turns, times the phases of a checkpoint,
 * notices silence. No I/O and no clock: the proxy and the reader of a record
 * give it octets and times, and it gives the report lines.
 */
#ifndef XL_TRACE_WATCH_H
#define XL_TRACE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "qemu_follow.h"

struct report;

/* What a checkpoint consists of, in its order: X(NAME, "word", direction).
   READY comes once, after precopy. */
#define TRACE_MARKS(X)                                  \
    X(READY,    "checkpoint-ready",   QF_BACK)          \
    X(REQUEST,  "checkpoint-request", QF_FORWARD)       \
    X(REPLY,    "checkpoint-reply",   QF_BACK)          \
    X(SEND,     "vmstate-send",       QF_FORWARD)       \
    X(RAM,      "ram",                QF_FORWARD)       \
    X(SIZE,     "vmstate-size",       QF_FORWARD)       \
    X(STATE,    "vmstate",            QF_FORWARD)       \
    X(RECEIVED, "vmstate-received",   QF_BACK)          \
    X(LOADED,   "vmstate-loaded",     QF_BACK)
#define TRACE_MARK_ENUM(n, word, direction) MARK_##n,
enum trace_mark { TRACE_MARKS(TRACE_MARK_ENUM) MARKS_NR };
#undef TRACE_MARK_ENUM

enum trace_deed { DEED_NONE, DEED_CUT, DEED_HANG };

/* Where a connection is to fail: behind @mark of @checkpoint. */
struct trace_point {
    enum trace_deed deed;
    enum trace_mark mark;
    uint64_t checkpoint;    /* from 1; 0 with READY */
};
#define POINT_WORDS_SIZE 48

const char *trace_mark_name(enum trace_mark mark);
/* "vmstate-received:3"; READY alone has no number. ERR_USAGE. */
int trace_point_parse(const char *text, struct trace_point *p_r,
                      struct err *e);
void trace_point_words(const struct trace_point *p,
                       char text[POINT_WORDS_SIZE]);

/* Whose end it was. */
enum trace_ender { END_PRIMARY, END_SECONDARY, END_CUT, END_USER, END_RECORD,
                   ENDERS_NR };

struct watch_conf {
    uint64_t silence_ns;          /* 0: any silence is fine */
    struct trace_point point;     /* where watch_feed() stops */
    const struct report *report;
};

struct watch;

/* NULL when memory is short. */
struct watch *watch_new(const struct watch_conf *conf);
void watch_free(struct watch *w);

/* Both are connected, at @now; to be called once, before what follows. */
void watch_begin(struct watch *w, uint64_t now);

/*
 * @n octets came at @now. The result is how many of them belong before the
 * point where the connection is to fail: @n, if that isn't among them. From
 * there on watch_hit() is true, and no more may be fed.
 * Contract of the order: as qf_forward() has it.
 */
size_t watch_feed(struct watch *w, enum qf_direction direction,
                  const uint8_t *data, size_t n, uint64_t now);
bool watch_hit(const struct watch *w);
/* Tell that the connection was made to fail there, at @now. */
void watch_point(struct watch *w, const struct trace_point *p);

/* Time goes by. Returns when to call this again at the latest; 0: no need
   before the next octets. */
uint64_t watch_tick(struct watch *w, uint64_t now);

/* Nothing comes any more: the last line. False: it was no clean end. */
bool watch_end(struct watch *w, enum trace_ender ender, uint64_t now);

/* A fault was found, or a side spoke out of turn. */
bool watch_departed(const struct watch *w);

#endif
