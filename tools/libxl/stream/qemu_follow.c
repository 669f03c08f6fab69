/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower's engine: octets to steps, faults, counts, and where it is. It
 * knows nothing of the format; the steps are in qemu_follow_*.c. One
 * allocation, in qf_new().
 */
#include "qemu_follow_int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_message.h"

static const struct {
    int (*act)(struct qemu_follower *f, const uint8_t *p);
    enum qf_octets octets;
    enum qf_place place;
} steps[] = {
#define STEP(n, f, o, p) \
    [QF_STEP_##n] = { qf_step_##f, QF_OCTETS_##o, QF_AT_##p },
    QF_STEPS(STEP)
#undef STEP
};

static const struct {
    const char *id, *sentence;
    int code;
} rules[] = {
#define RULE(n, id, code, sentence) [QF_RULE_##n] = { id, sentence, code },
    QF_RULES(RULE)
#undef RULE
};

static void init(struct qemu_follower *f, const struct qf_conf *conf)
{
    if (conf)
        f->conf = *conf;
    if (!f->conf.vmstate_max)
        f->conf.vmstate_max = QEMU_VMSTATE_MAX;
    f->ways[QF_FORWARD].turn = QEMU_CHECKPOINT_REQUEST;
    f->ways[QF_BACK].turn = QEMU_CHECKPOINT_READY;
    qf_read(&f->ways[QF_FORWARD], QF_STEP_HEADER, QEMU_HEADER_SIZE);
    qf_read(&f->ways[QF_BACK], QF_STEP_BACK, QEMU_MESSAGE_SIZE);
}

struct qemu_follower *qf_new(const struct qf_conf *conf)
{
    struct qemu_follower *f = calloc(1, sizeof(*f));

    if (f)
        init(f, conf);
    return f;
}

void qf_free(struct qemu_follower *f)
{
    free(f);
}

size_t qf_memory(void)
{
    return sizeof(struct qemu_follower);
}

static void next(struct qf_way *w, enum qf_step step, uint64_t n, bool keep)
{
    w->step = step;
    w->keep = keep;
    w->at = w->offset;
    w->left = n;
}

void qf_read(struct qf_way *w, enum qf_step step, uint32_t n)
{
    assert(n && n <= QF_SCRATCH);
    next(w, step, n, true);
}

void qf_skip(struct qf_way *w, enum qf_step step, uint64_t n)
{
    next(w, step, n, false);
}

void qf_move(struct qemu_follower *f, enum qf_octets from, enum qf_octets to,
             uint64_t n)
{
    assert(f->tally.octets[from] >= n);
    f->tally.octets[from] -= n;
    f->tally.octets[to] += n;
}

int qf_fail(struct qemu_follower *f, enum qf_direction direction,
            enum qf_rule rule, uint64_t offset, const char *fmt, ...)
{
    char more[120] = "";
    va_list ap;

    assert(f->fault.rule == QF_RULE_NONE);
    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(more, sizeof(more), fmt, ap);
        va_end(ap);
    }
    f->fault.rule = rule;
    f->fault.direction = direction;
    f->fault.offset = offset;
    f->fault.id = rules[rule].id;
    return err_set(&f->fault.e, rules[rule].code,
                   "%s: offset %" PRIu64 ": broken rule: %s%s%s [%s]",
                   direction == QF_BACK ? "back" : "forward", offset,
                   rules[rule].sentence, *more ? "; " : "", more,
                   rules[rule].id);
}

void qf_tell(struct qemu_follower *f, const struct qf_event *event)
{
    if (f->conf.event)
        f->conf.event(f->conf.ctx, event);
}

const char *qf_show(char to[QF_NAME_SHOWN], const uint8_t *name, size_t n)
{
    size_t i;

    for (i = 0; i < n && i < 40; i++)
        to[i] = name[i] >= 0x20 && name[i] < 0x7f ? (char)name[i] : '?';
    strcpy(to + i, i < n ? "..." : "");
    return to;
}

/* Take what the step wants of @data; the octets taken. */
static size_t take(struct qemu_follower *f, struct qf_way *w,
                   const uint8_t *data, size_t n)
{
    if (n > w->left)
        n = (size_t)w->left;
    if (w->step == QF_STEP_DEVICES)
        qf_devices_piece(f, data, n);
    if (w->step == QF_STEP_PAGE)
        qf_page_piece(f, data, n, w->left);
    if (w->step == QF_STEP_BLOB && f->conf.state)
        f->conf.state(f->conf.ctx, data, n);
    if (w->keep)
        memcpy(w->scratch + (w->offset - w->at), data, n);
    w->left -= n;
    w->offset += n;
    f->tally.octets[steps[w->step].octets] += n;
    return n;
}

static int feed(struct qemu_follower *f, struct qf_way *w,
                const uint8_t *data, size_t n, struct err *e)
{
    size_t taken;
    int rc = f->fault.rule == QF_RULE_NONE ? 0 : f->fault.e.code;

    while (!rc && n) {
        taken = take(f, w, data, n);
        data += taken;
        n -= taken;
        /* What is empty needs no octets to be over. */
        while (!rc && !w->left)
            rc = steps[w->step].act(f, w->scratch);
    }
    if (rc && e)
        *e = f->fault.e;
    return rc;
}

int qf_forward(struct qemu_follower *f, const uint8_t *data, size_t n,
               struct err *e)
{
    return feed(f, &f->ways[QF_FORWARD], data, n, e);
}

int qf_back(struct qemu_follower *f, const uint8_t *data, size_t n,
            struct err *e)
{
    return feed(f, &f->ways[QF_BACK], data, n, e);
}

const struct qf_fault *qf_fault(const struct qemu_follower *f)
{
    return f->fault.rule == QF_RULE_NONE ? NULL : &f->fault;
}

struct qf_tally qf_tally(const struct qemu_follower *f)
{
    return f->tally;
}

struct qf_where qf_where(const struct qemu_follower *f,
                         enum qf_direction direction)
{
    const struct qf_way *w = &f->ways[direction];
    uint64_t json;
    struct qf_where r = {
        .direction = direction, .place = steps[w->step].place,
        .checkpoint = w->checkpoint, .offset = w->offset, .left = w->left,
        .inside = true, .message = w->turn,
    };

    if (w->step == QF_STEP_DEVICES) {
        r.left = 0;
        if (qf_tail_ends(&f->tail, &json)) {
            r.place = QF_AT_PRECOPY_DONE;
            r.description = json;
        }
    }
    if (r.place == QF_AT_HEADER || w->step == QF_STEP_MESSAGE ||
        w->step == QF_STEP_BACK)
        r.inside = w->offset > w->at;
    if (r.place == QF_AT_PRECOPY_DONE)
        r.inside = false;
    return r;
}

void qf_words(const struct qf_where *w, char text[QF_WORDS_SIZE])
{
    static const char *const places[] = {
#define PLACE(n, words) [QF_AT_##n] = words,
        QF_PLACES(PLACE)
#undef PLACE
    };
    const char *what = w->place == QF_AT_MESSAGE ?
                       qemu_message_name(w->message) : places[w->place];
    const char *rel = w->inside ? "inside" : "before";
    int n;

    if (w->place == QF_AT_PRECOPY_DONE)
        rel = "at";
    n = snprintf(text, QF_WORDS_SIZE, "%s %s", rel, what);
    if (w->checkpoint)
        snprintf(text + n, QF_WORDS_SIZE - (size_t)n,
                 " of checkpoint %" PRIu64, w->checkpoint);
    else if (w->place == QF_AT_RAM || w->place == QF_AT_DEVICES ||
             w->place == QF_AT_SECTION)
        snprintf(text + n, QF_WORDS_SIZE - (size_t)n, " of precopy");
}
