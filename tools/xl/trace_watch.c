/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Following one connection. The follower holds each direction against its
 * own grammar; here the two are put together: who has to speak next, how long
 * each step took, where it all stands when nothing comes.
 */
#include "trace_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_report.h"

#define PAUSES_MAX 4096u    /* the newest; their median is told */

struct watch {
    struct watch_conf conf;
    struct qemu_follower *follower;
    enum trace_mark next;          /* has its turn */
    uint64_t out_of_turn;          /* told for this checkpoint already */
    bool blind;                    /* the follower gave up */
    bool hit, hangs;
    bool silent;                   /* told */
    uint64_t now, first, last;     /* of octets */
    uint64_t departures, loaded;
    struct trace_precopy precopy;
    struct trace_checkpoint checkpoint;
    uint64_t begin;                /* forward's offset at the REQUEST */
    uint64_t pauses[PAUSES_MAX], pause_max;
};

static const struct {
    const char *word;
    enum qf_direction direction;
} marks[] = {
#define MARK(n, word, direction) [MARK_##n] = { word, direction },
    TRACE_MARKS(MARK)
#undef MARK
};

const char *trace_mark_name(enum trace_mark mark)
{
    return marks[mark].word;
}

int trace_point_parse(const char *text, struct trace_point *p_r,
                      struct err *e)
{
    const char *colon = strchrnul(text, ':');
    size_t n = (size_t)(colon - text), i;
    char *end;

    for (i = 0; i < MARKS_NR; i++)
        if (strlen(marks[i].word) == n && !memcmp(text, marks[i].word, n))
            break;
    if (i == MARKS_NR)
        return err_set(e, ERR_USAGE, "\"%s\" doesn't begin with a message, "
                       "with ram or with vmstate", text);
    p_r->mark = (enum trace_mark)i;
    p_r->checkpoint = 0;
    if (i == MARK_READY && !*colon)
        return 0;
    if (*colon && colon[1] >= '0' && colon[1] <= '9')
        p_r->checkpoint = strtoull(colon + 1, &end, 10);
    if (i == MARK_READY || !p_r->checkpoint || *end)
        return err_set(e, ERR_USAGE, "\"%s\": %s", text, i == MARK_READY ?
                       "it comes once, before all checkpoints" :
                       "it wants :N, a checkpoint from 1 on");
    return 0;
}

void trace_point_words(const struct trace_point *p,
                       char text[POINT_WORDS_SIZE])
{
    if (p->checkpoint)
        snprintf(text, POINT_WORDS_SIZE, "%s:%llu", marks[p->mark].word,
                 (unsigned long long)p->checkpoint);
    else
        snprintf(text, POINT_WORDS_SIZE, "%s", marks[p->mark].word);
}

static enum trace_mark after(enum trace_mark mark)
{
    return mark == MARK_LOADED ? MARK_REQUEST : mark + 1;
}

static void depart(struct watch *w, enum qf_direction direction,
                   uint64_t offset, const char *rule, const char *text)
{
    w->departures++;
    report_departure(w->conf.report, direction, offset, rule, text);
}

/*
 * What comes out of turn is told once for each checkpoint: what follows from
 * it would only repeat that.
 */
static void take_turn(struct watch *w, enum trace_mark mark,
                      const struct qf_event *event)
{
    char text[160];

    if (mark != w->next && w->out_of_turn != w->checkpoint.number + 1) {
        w->out_of_turn = w->checkpoint.number + 1;
        snprintf(text, sizeof(text), "%s: offset %llu: broken rule: a side "
                 "speaks when it has its turn; %s came, and %s has its turn "
                 "[colo-out-of-turn]",
                 event->direction == QF_BACK ? "back" : "forward",
                 (unsigned long long)event->offset, marks[mark].word,
                 marks[w->next].word);
        depart(w, event->direction, event->offset, "colo-out-of-turn", text);
    }
    w->next = after(mark);
}

static uint64_t span(const struct trace_checkpoint *c)
{
    return c->at[MARK_LOADED] - c->at[MARK_REPLY];
}

static void checkpoint_begins(struct watch *w, const struct qf_event *event)
{
    memset(&w->checkpoint, 0, sizeof(w->checkpoint));
    w->checkpoint.number = event->checkpoint;
    for (int i = 0; i < MARKS_NR; i++)
        w->checkpoint.at[i] = w->now;
    w->begin = event->offset;
}

static void checkpoint_loaded(struct watch *w)
{
    struct trace_checkpoint *c = &w->checkpoint;

    /* One whose order was broken has no times worth telling. */
    if (w->out_of_turn == c->number + 1)
        return;
    w->pauses[w->loaded++ % PAUSES_MAX] = span(c);
    if (span(c) > w->pause_max)
        w->pause_max = span(c);
    c->octets = qf_where(w->follower, QF_FORWARD).offset - w->begin;
    report_checkpoint(w->conf.report, c);
}

static void mark_passed(struct watch *w, enum trace_mark mark,
                        const struct qf_event *event)
{
    const struct trace_point *p = &w->conf.point;

    if (mark == MARK_REQUEST)
        checkpoint_begins(w, event);
    take_turn(w, mark, event);
    w->checkpoint.at[mark] = w->now;
    if (w->conf.report->messages && mark != MARK_RAM && mark != MARK_STATE)
        report_message(w->conf.report, mark, event);
    if (mark == MARK_READY) {
        w->precopy.ns = w->now - w->first;
        report_precopy(w->conf.report, &w->precopy);
    }
    if (mark == MARK_LOADED)
        checkpoint_loaded(w);
    if (p->deed != DEED_NONE && p->mark == mark &&
        p->checkpoint == event->checkpoint)
        w->hit = true;
}

static void count_ram(struct watch *w, const struct qf_event *event)
{
    const struct qf_pages *p = &event->pages;
    uint64_t pages = p->full + p->xbzrle + p->compressed;

    if (event->checkpoint) {
        w->checkpoint.pages += pages;
        w->checkpoint.zero_pages += p->zero;
        mark_passed(w, MARK_RAM, event);
    } else {
        w->precopy.pages += pages;
        w->precopy.zero_pages += p->zero;
    }
}

static void told(void *ctx, const struct qf_event *event)
{
    static const enum trace_mark messages[QEMU_MESSAGES_NR] = {
        [QEMU_CHECKPOINT_READY] = MARK_READY,
        [QEMU_CHECKPOINT_REQUEST] = MARK_REQUEST,
        [QEMU_CHECKPOINT_REPLY] = MARK_REPLY,
        [QEMU_VMSTATE_SEND] = MARK_SEND,
        [QEMU_VMSTATE_SIZE] = MARK_SIZE,
        [QEMU_VMSTATE_RECEIVED] = MARK_RECEIVED,
        [QEMU_VMSTATE_LOADED] = MARK_LOADED,
    };
    struct watch *w = ctx;

    switch (event->kind) {
    case QF_MACHINE:
        snprintf(w->precopy.machine, sizeof(w->precopy.machine), "%s",
                 event->name);
        break;
    case QF_RAM:
        count_ram(w, event);
        break;
    case QF_PRECOPY_END:
        w->precopy.octets = qf_where(w->follower, QF_FORWARD).offset;
        break;
    case QF_MESSAGE:
        mark_passed(w, messages[event->message], event);
        break;
    case QF_BLOB:
        mark_passed(w, MARK_STATE, event);
        break;
    default:
        break;
    }
}

struct watch *watch_new(const struct watch_conf *conf)
{
    struct watch *w = calloc(1, sizeof(*w));
    struct qf_conf follower = { .event = told, .ctx = w };

    if (!w)
        return NULL;
    w->conf = *conf;
    w->next = MARK_READY;
    w->follower = qf_new(&follower);
    if (!w->follower) {
        free(w);
        return NULL;
    }
    return w;
}

void watch_free(struct watch *w)
{
    if (w)
        qf_free(w->follower);
    free(w);
}

void watch_begin(struct watch *w, uint64_t now)
{
    w->last = now;
}

static void follow(struct watch *w, enum qf_direction direction,
                   const uint8_t *data, size_t n)
{
    const struct qf_fault *fault;
    int rc;

    if (w->blind)
        return;
    rc = direction == QF_BACK ? qf_back(w->follower, data, n, NULL)
                              : qf_forward(w->follower, data, n, NULL);
    if (!rc)
        return;
    fault = qf_fault(w->follower);
    w->blind = true;
    depart(w, fault->direction, fault->offset, fault->id, fault->e.msg);
    report_blind(w->conf.report);
}

/* The octets up to which nothing that is to be stopped at can end. */
static size_t piece(const struct watch *w, enum qf_direction direction,
                    size_t n)
{
    const struct trace_point *p = &w->conf.point;
    struct qf_where where = qf_where(w->follower, direction);

    if (p->deed == DEED_NONE || marks[p->mark].direction != direction ||
        w->blind)
        return n;
    if (where.checkpoint > p->checkpoint || !where.left)
        return n;
    return where.left < n ? (size_t)where.left : n;
}

size_t watch_feed(struct watch *w, enum qf_direction direction,
                  const uint8_t *data, size_t n, uint64_t now)
{
    size_t taken = 0, some;

    watch_tick(w, now);
    if (w->silent)
        report_resumed(w->conf.report, now - w->last);
    w->silent = false;
    w->now = w->last = now;
    if (!qf_where(w->follower, QF_FORWARD).offset)
        w->first = now;
    for (; taken < n && !w->hit; taken += some) {
        some = piece(w, direction, n - taken);
        follow(w, direction, data + taken, some);
    }
    return taken;
}

bool watch_hit(const struct watch *w)
{
    return w->hit;
}

void watch_point(struct watch *w, const struct trace_point *p)
{
    w->hangs = p->deed == DEED_HANG;
    report_point(w->conf.report, p);
}

/* Where it stands: at what is begun, or before what has its turn. */
static void stands(const struct watch *w, char text[QF_WORDS_SIZE])
{
    struct qf_where f = qf_where(w->follower, QF_FORWARD);
    struct qf_where b = qf_where(w->follower, QF_BACK);
    bool forward = f.inside || !f.offset ||
                   marks[w->next].direction == QF_FORWARD;

    qf_words(!b.inside && forward ? &f : &b, text);
}

/* Between two checkpoints both may be silent for as long as they like. */
static bool idle(const struct watch *w)
{
    return w->next == MARK_REQUEST &&
           !qf_where(w->follower, QF_FORWARD).inside &&
           !qf_where(w->follower, QF_BACK).inside;
}

uint64_t watch_tick(struct watch *w, uint64_t now)
{
    char text[QF_WORDS_SIZE];
    uint64_t limit = w->conf.silence_ns;

    if (!limit || w->silent || w->blind || (idle(w) && !w->hangs))
        return 0;
    if (now - w->last < limit)
        return w->last + limit;
    w->silent = true;
    stands(w, text);
    report_silence(w->conf.report, limit, text);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static uint64_t median(const struct watch *w)
{
    static uint64_t sorted[PAUSES_MAX];
    size_t n = w->loaded < PAUSES_MAX ? (size_t)w->loaded : PAUSES_MAX;

    memcpy(sorted, w->pauses, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), by_size);
    return n ? sorted[n / 2] : 0;
}

bool watch_end(struct watch *w, enum trace_ender ender, uint64_t now)
{
    struct trace_end end = {
        .ender = ender, .followed = !w->blind, .checkpoints = w->loaded,
        .departures = w->departures, .pause_ns = median(w),
        .pause_max_ns = w->pause_max, .tally = qf_tally(w->follower),
    };
    struct qf_where f = qf_where(w->follower, QF_FORWARD);

    watch_tick(w, now);
    /* A migration that was none of COLO's is complete, too. */
    end.clean = !w->departures && ender != END_CUT && !w->hangs &&
                (idle(w) || (w->next == MARK_READY &&
                             f.place == QF_AT_PRECOPY_DONE &&
                             !qf_where(w->follower, QF_BACK).offset));
    stands(w, end.where);
    report_end(w->conf.report, &end);
    return end.clean;
}

bool watch_departed(const struct watch *w)
{
    return w->departures;
}
