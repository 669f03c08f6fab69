/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a secondary reads in QEMU's dialect. The follower says what octets are;
 * it is fed no further than to the end of a field, so that whatever stands
 * behind a message waits until that was dealt with. Checkpoints go into
 * staging; the first copy is secondary_qemu_first.c's.
 */
#include "secondary_qemu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_message.h"

void secondary_qemu_blame(struct colo_secondary *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->words->why, sizeof(s->words->why), fmt, ap);
    va_end(ap);
}

void secondary_qemu_garbage(struct colo_secondary *s, const struct err *e)
{
    secondary_qemu_blame(s, "the stream is broken: %s", e->msg);
    secondary_post(s, SX_GARBAGE);
}

/* Of a step that the follower has taken: a peer's fault, or ours. */
static void callback_failed(struct colo_secondary *s)
{
    struct secondary_words *w = s->words;
    bool peers = w->e.code == ERR_FORMAT || w->e.code == ERR_UNSUPPORTED;

    if (peers)
        secondary_qemu_garbage(s, &w->e);
    else if (qf_where(w->f, QF_FORWARD).place == QF_AT_RAM && s->held)
        secondary_failed(s, &w->e, SX_RAM_FAILED);
    else
        secondary_local_failed(s, &w->e);
}

/* ---- checkpoints -------------------------------------------------------- */

static int stage_page(struct colo_secondary *s, const struct qf_page *p,
                      struct err *e)
{
    uint64_t *pfns;
    uint8_t *pages;
    int rc;

    if (p->block != QEMU_WIRE_RAM_NR)
        return err_set(e, ERR_FORMAT, "another configuration");
    rc = ckpt_add(&s->stage, 1, &pfns, &pages, e);
    if (rc)
        return rc;
    *pfns = p->offset / QEMU_PAGE_SIZE;
    if (p->data)
        memcpy(pages, p->data, QEMU_PAGE_SIZE);
    else
        memset(pages, 0, QEMU_PAGE_SIZE);
    return 0;
}

/* Octets of the next part are due, as long as silence is allowed. */
static void goes_on(struct colo_secondary *s)
{
    s->words->clocked = false;
    link_watch(&s->link, s->params.silence_ms * ENV_MS);
}

static void message(struct colo_secondary *s, enum qemu_message m)
{
    switch (m) {
    case QEMU_CHECKPOINT_REQUEST:
        s->words->due = false;
        link_watch(&s->link, ENV_NEVER);
        secondary_post(s, SX_NEW);
        break;
    case QEMU_VMSTATE_SEND:
        ckpt_reset(&s->stage, s->epochs + 1);
        goes_on(s);
        secondary_post(s, SX_SEND);
        break;
    case QEMU_VMSTATE_SIZE:
        buf_clear(&s->words->state);
        goes_on(s);
        secondary_post(s, SX_SIZE);
        break;
    default:
        break;    /* what comes back */
    }
}

/* One that can't be read never was. */
static void state_whole(struct colo_secondary *s)
{
    struct secondary_words *w = s->words;
    struct err e = { 0 };

    link_watch(&s->link, ENV_NEVER);
    if (qemu_wire_get_state(&s->stage, w->state.data, w->state.size, &e)) {
        if (e.code == ERR_FORMAT)
            secondary_lost(s, "the stream is broken: %s", e.msg);
        else
            secondary_local_failed(s, &e);
        return;
    }
    w->due = false;
    s->epochs++;
    s->stage.epoch = s->epochs;
    secondary_post(s, ST_EPOCH);
}

/* ---- what the follower tells -------------------------------------------- */

static void on_page(void *ctx, const struct qf_page *p)
{
    struct colo_secondary *s = ctx;
    struct secondary_words *w = s->words;

    if (w->e.code)
        return;
    if (p->kind != QEMU_RAM_PAGE && p->kind != QEMU_RAM_ZERO)
        err_set(&w->e, ERR_UNSUPPORTED, "a compressed page");
    else if (qf_where(w->f, QF_FORWARD).checkpoint)
        stage_page(s, p, &w->e);
    else
        secondary_qemu_first_page(s, p, &w->e);
}

static void on_state(void *ctx, const uint8_t *data, size_t n)
{
    struct colo_secondary *s = ctx;

    if (!s->words->e.code)
        buf_append(&s->words->state, data, n, &s->words->e);
}

static void on_block(struct colo_secondary *s)
{
    struct secondary_words *w = s->words;
    uint32_t nr = w->blocks_nr++;
    struct qf_ram_block b = qf_block(w->f, nr);

    if (!qemu_wire_is(&b, nr) ||
        (nr == QEMU_WIRE_CONFIG_NR && b.length > WIRE_XL_OPTIONAL_MAX)) {
        err_set(&w->e, ERR_FORMAT, "the blocks of RAM aren't a domain's");
        return;
    }
    w->blocks[nr] = b;
}

static void on_event(void *ctx, const struct qf_event *event)
{
    struct colo_secondary *s = ctx;

    if (s->words->e.code)
        return;
    if (event->kind == QF_BLOCK)
        on_block(s);
    else if (event->kind == QF_MESSAGE && event->direction == QF_FORWARD)
        message(s, event->message);
    else if (event->kind == QF_RAM && event->checkpoint)
        secondary_post(s, SX_RAM_END);
    else if (event->kind == QF_BLOB)
        state_whole(s);
}

/* ---- input -------------------------------------------------------------- */

static void feed(struct colo_secondary *s, const uint8_t *data, size_t n)
{
    struct secondary_words *w = s->words;
    struct err e = { 0 };
    struct qf_where at;
    int rc = qf_forward(w->f, data, n, &e);

    if (w->e.code) {
        callback_failed(s);
    } else if (rc && qf_fault(w->f)->rule == QF_RULE_VMSTATE) {
        secondary_qemu_blame(s, "the stream is broken: %s", e.msg);
        secondary_post(s, SX_OVERSIZE);
    } else if (rc) {
        secondary_qemu_garbage(s, &e);
    } else if (s->epochs == 0) {
        at = qf_where(w->f, QF_FORWARD);
        if (at.place == QF_AT_PRECOPY_DONE && at.description)
            secondary_qemu_first_end(s, at.description);
    }
}

/* A message that is whole: its turn is the table's matter. */
static void word(struct colo_secondary *s, enum qemu_message turn)
{
    static const int triggers[QEMU_MESSAGES_NR] = {
        [QEMU_CHECKPOINT_REQUEST] = SX_NEW, [QEMU_VMSTATE_SEND] = SX_SEND,
        [QEMU_VMSTATE_SIZE] = SX_SIZE,
    };
    struct secondary_words *w = s->words;
    enum qemu_message m;
    struct err e = { 0 };

    w->have = 0;
    if (qemu_get_message(w->word, &m, &e)) {
        secondary_qemu_garbage(s, &e);
        return;
    }
    if (m == turn) {
        feed(s, w->word, sizeof(w->word));
        return;
    }
    secondary_qemu_blame(s, "the primary says %s, and %s is due",
                         qemu_message_name(m), qemu_message_name(turn));
    secondary_post(s, qemu_message_forward(m) ? triggers[m] : SX_GARBAGE);
}

bool secondary_qemu_take(struct colo_secondary *s, const uint8_t **data,
                         size_t *left)
{
    struct secondary_words *w = s->words;
    struct qf_where at = qf_where(w->f, QF_FORWARD);
    bool message = at.place == QF_AT_MESSAGE && !at.inside;
    size_t n = message ? sizeof(w->word) - w->have : at.left ? at.left : 1;
    const uint8_t *from = *data;

    if (*left == 0)
        return false;
    if (!w->due) {
        secondary_qemu_blame(s, "the primary doesn't wait for its answer");
        secondary_post(s, SX_EXTRA);
        return false;
    }
    n = n < *left ? n : *left;
    *data += n;
    *left -= n;
    if (message) {
        memcpy(w->word + w->have, from, n);
        w->have += n;
        if (w->have == sizeof(w->word))
            word(s, at.message);
    } else {
        feed(s, from, n);
    }
    return true;
}

int secondary_qemu_answer(struct colo_secondary *s, enum qemu_message m,
                          struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = qemu_put_message(&b, m, 0, e);

    if (!rc)
        rc = qf_back(s->words->f, b.data, b.size, e);
    return rc ? rc : link_put(&s->link, &b, e);
}

int secondary_qemu_open(struct colo_secondary *s, struct err *e)
{
    struct qf_conf conf = {
        .vmstate_max = QEMU_WIRE_STATE_MAX, .event = on_event,
        .page = on_page, .state = on_state, .devices = on_state, .ctx = s,
    };

    s->words = calloc(1, sizeof(*s->words));
    if (s->words)
        s->words->f = qf_new(&conf);
    if (!s->words || !s->words->f)
        return err_set(e, ERR_NOMEM, "no memory for a session");
    buf_init(&s->words->state, QEMU_WIRE_STATE_MAX);
    s->words->due = true;
    return 0;
}

void secondary_qemu_close(struct colo_secondary *s)
{
    if (!s->words)
        return;
    qf_free(s->words->f);
    buf_dispose(&s->words->state);
    free(s->words);
    s->words = NULL;
}
