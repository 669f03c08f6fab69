/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Serving a primary. The follower says what its octets are, and that they are
 * in order; here is when they are answered, what goes to the store, and what
 * a stand-in can't keep. Memory is bounded: pages and state go to the store
 * as they come.
 */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "buf.h"
#include "peer.h"
#include "qemu_message.h"
#include "store.h"

#define INPUT_SIZE ((size_t)64 << 10)

struct sink {
    const struct sink_conf *conf;
    struct peer peer;
    struct store *store;
    struct qemu_follower *f;
    struct err e;                /* the first failure in a callback */
    uint64_t precopy;            /* octets */
    uint64_t ram_pages;          /* that all blocks have */
    uint64_t pages, state;       /* of this checkpoint */
    bool request, complete;      /* wants its answer */
    uint64_t due;                /* where the octets end that led to that */
    uint8_t input[INPUT_SIZE];
};

/* ---- what the follower tells. */

static void page(void *ctx, const struct qf_page *p)
{
    struct sink *s = ctx;
    struct qf_ram_block block = qf_block(s->f, p->block);

    if (s->e.code)
        return;
    if (p->kind != QEMU_RAM_PAGE && p->kind != QEMU_RAM_ZERO) {
        err_set(&s->e, ERR_UNSUPPORTED, "the primary compresses pages, which "
                "can't be kept: turn its capability %s off",
                p->kind == QEMU_RAM_XBZRLE ? "xbzrle" : "compress");
    } else if (qf_where(s->f, QF_FORWARD).checkpoint) {
        if (++s->pages > s->ram_pages)
            err_set(&s->e, ERR_LIMIT, "more pages in a checkpoint than the "
                    "%" PRIu64 " that RAM has", s->ram_pages);
        else
            store_page(s->store, &block, p->offset, p->data, &s->e);
    }
}

static void state(void *ctx, const uint8_t *data, size_t n)
{
    struct sink *s = ctx;

    if (!s->e.code)
        store_state(s->store, data, n, &s->e);
}

static void message(struct sink *s, const struct qf_event *event)
{
    if (event->direction == QF_BACK)
        return;
    if (s->request || s->complete) {
        err_set(&s->e, ERR_PEER, "%s came before the answer to what was "
                "before it", qemu_message_name(event->message));
    } else if (event->message == QEMU_CHECKPOINT_REQUEST) {
        s->pages = s->state = 0;
        s->request = true;
        s->due = event->offset + event->octets;
    } else if (event->message == QEMU_VMSTATE_SEND) {
        store_begin(s->store, &s->e);
    } else {
        s->state = event->value;
        store_size(s->store, event->value, &s->e);
    }
}

static void event(void *ctx, const struct qf_event *event)
{
    struct sink *s = ctx;

    if (s->e.code)
        return;
    if (event->kind == QF_BLOCK)
        s->ram_pages += event->value / QEMU_PAGE_SIZE;
    else if (event->kind == QF_MESSAGE)
        message(s, event);
    else if (event->kind == QF_BLOB) {
        s->complete = true;
        s->due = event->offset + event->octets;
    }
}

/* ---- receiving. */

static int lost(struct sink *s, int rc, struct err *e)
{
    struct qf_where w = qf_where(s->f, QF_FORWARD);
    char words[QF_WORDS_SIZE], said[160];

    if (rc != ERR_EOF && rc != ERR_TIMEOUT)
        return rc;
    qf_words(&w, words);
    snprintf(said, sizeof(said), "%s", e->msg);
    return err_set(e, rc, "%s, %s", said, words);
}

static int receive(struct sink *s, unsigned int wait_ms, size_t *n_r,
                   struct err *e)
{
    int rc = peer_receive(&s->peer, s->input, sizeof(s->input), wait_ms, n_r,
                          e);

    if (!rc)
        rc = qf_forward(s->f, s->input, *n_r, e);
    if (!rc && s->e.code) {
        *e = s->e;
        rc = e->code;
    }
    return rc;
}

static int answer(struct sink *s, enum qemu_message m, struct err *e)
{
    uint8_t octets[QEMU_MESSAGE_SIZE];
    int rc;

    qemu_message_encode(octets, m, 0);
    rc = qf_back(s->f, octets, sizeof(octets), e);
    return rc ? rc : peer_send(&s->peer, octets, sizeof(octets),
                               s->conf->silence_ms, e);
}

/* ---- precopy. */

static int check_precopy(struct sink *s, struct err *e)
{
    struct qf_tally t = qf_tally(s->f);

    if (s->precopy > s->ram_pages * QEMU_PAGE_SIZE * SINK_PRECOPY_RAMS +
        SINK_PRECOPY_MORE)
        return err_set(e, ERR_LIMIT, "the first copy has more than %u times "
                       "as many octets as RAM: the guest writes faster than "
                       "they are sent", SINK_PRECOPY_RAMS);
    if (t.return_path)
        return err_set(e, ERR_UNSUPPORTED, "the primary wants answers on the "
                       "return path: turn its capability return-path off");
    if (t.ignore_shared)
        return err_set(e, ERR_UNSUPPORTED, "the primary leaves shared RAM "
                       "out: turn its capability x-ignore-shared off");
    return 0;
}

/* Sizes that overflow the sum above are refused before any page. */
static int check_ram(struct sink *s, struct err *e)
{
    struct qf_tally t = qf_tally(s->f);

    if (s->ram_pages > STORE_RAM_MAX / QEMU_PAGE_SIZE)
        return err_set(e, ERR_LIMIT, "RAM has %" PRIu64 " pages, the limit "
                       "is %" PRIu64, s->ram_pages,
                       (uint64_t)(STORE_RAM_MAX / QEMU_PAGE_SIZE));
    return check_precopy(s, e) ? e->code :
           qf_where(s->f, QF_FORWARD).place == QF_AT_PRECOPY_DONE &&
           !t.pages.zero && !t.pages.full && s->ram_pages ?
           err_set(e, ERR_UNSUPPORTED, "no page came: turn the primary's "
                   "capability multifd off") : 0;
}

static int precopy(struct sink *s, struct err *e)
{
    struct qf_where w = { .place = QF_AT_HEADER };
    size_t n;
    int rc;

    for (;;) {
        bool perhaps = w.place == QF_AT_PRECOPY_DONE;

        rc = receive(s, perhaps && SINK_SETTLE_MS < s->conf->silence_ms ?
                     SINK_SETTLE_MS : s->conf->silence_ms, &n, e);
        if (rc == ERR_TIMEOUT && perhaps)
            break;
        if (rc)
            return lost(s, rc, e);
        s->precopy += n;
        rc = check_ram(s, e);
        if (!rc)
            rc = store_precopy(s->store, s->input, n, e);
        if (rc)
            return rc;
        w = qf_where(s->f, QF_FORWARD);
        if (w.place == QF_AT_PRECOPY_DONE && w.description)
            break;
    }
    err_clear(e);
    rc = store_ready(s->store, e);
    return rc ? rc : answer(s, QEMU_CHECKPOINT_READY, e);
}

/* ---- checkpoints. */

static int complete(struct sink *s, struct err *e)
{
    int rc = store_commit(s->store, e);

    s->complete = false;
    if (!rc)
        rc = answer(s, QEMU_VMSTATE_RECEIVED, e);
    if (!rc)
        rc = answer(s, QEMU_VMSTATE_LOADED, e);
    if (!rc && s->conf->say)
        s->conf->say(s->conf->ctx, SINK_CHECKPOINT, store_path(s->store),
                     store_newest(s->store), s->pages, s->state);
    /* The primary runs again. */
    return rc ? rc : store_prune(s->store, e);
}

static int answer_due(struct sink *s, struct err *e)
{
    uint64_t more = qf_where(s->f, QF_FORWARD).offset - s->due;

    if (!s->request && !s->complete)
        return 0;
    if (more)
        return err_set(e, ERR_PEER, "%" PRIu64 " octets behind %s came before "
                       "its answer", more, s->request ? "checkpoint-request" :
                       "the device state");
    if (s->complete)
        return complete(s, e);
    s->request = false;
    return answer(s, QEMU_CHECKPOINT_REPLY, e);
}

static int checkpoints(struct sink *s, struct err *e)
{
    bool idle;
    size_t n;
    int rc = 0;

    while (!rc) {
        struct qf_where w = qf_where(s->f, QF_FORWARD);

        idle = !w.inside && w.message == QEMU_CHECKPOINT_REQUEST;
        rc = receive(s, idle ? s->conf->idle_ms : s->conf->silence_ms, &n, e);
        if (!rc)
            rc = answer_due(s, e);
        else if (rc == ERR_EOF && idle && store_newest(s->store))
            return 0;
    }
    return lost(s, rc, e);
}

static int serve(struct sink *s, struct err *e)
{
    const struct sink_conf *c = s->conf;
    int rc;

    if (c->say)
        c->say(c->ctx, SINK_CONNECTED, store_path(s->store), 0, 0, 0);
    rc = precopy(s, e);
    if (!rc && c->say)
        c->say(c->ctx, SINK_READY, store_path(s->store), 0, 0, 0);
    return rc ? rc : checkpoints(s, e);
}

static int wait_for_primary(struct sink *s, struct err *e)
{
    char name[ADDRESS_SIZE];
    int listener, rc = address_listen(s->conf->address, &listener, name, e);

    if (rc)
        return rc;
    if (s->conf->say)
        s->conf->say(s->conf->ctx, SINK_LISTENING, name, 0, 0, 0);
    return peer_accept(s->conf->address, listener, &s->peer, e);
}

int sink_run(const struct sink_conf *conf, struct err *e)
{
    CLEANUP_FREE struct sink *s = calloc(1, sizeof(*s));
    struct qf_conf follow = {
        .vmstate_max = conf->state_max, .event = event, .page = page,
        .state = state, .ctx = s,
    };
    int rc = address_check(conf->address, e);

    if (rc)
        return rc;
    if (!s)
        return err_set(e, ERR_NOMEM, "no memory for a sink");
    s->conf = conf;
    s->peer.fd = -1;
    s->peer.who = "the primary";
    s->f = qf_new(&follow);
    /* Whether the directory will do is known before anybody connects. */
    rc = s->f ? store_new(conf->dir, conf->keep, &s->store, e) :
         err_set(e, ERR_NOMEM, "no memory for a sink");
    if (!rc)
        rc = wait_for_primary(s, e);
    if (!rc)
        rc = serve(s, e);
    peer_close(&s->peer);
    store_free(s->store);
    qf_free(s->f);
    return rc;
}
