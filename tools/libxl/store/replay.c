/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Playing a primary. All that is on the disk is read twice: once to see that
 * it is whole and which pages the image has otherwise than precopy, before
 * the secondary is spoken to; once to send it. The checkpoint that is sent has
 * those pages, then the pages of each checkpoint that isn't in the image yet,
 * so a page may come more than once: the last one counts. In memory are two
 * bits for each page.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "buf.h"
#include "bytes.h"
#include "peer.h"
#include "qemu_message.h"
#include "qemu_ram.h"
#include "replay_image.h"
#include "store.h"

#define OUT_SIZE ((size_t)256 << 10)

struct replay {
    const struct replay_conf *conf;
    struct replay_done *done;
    struct store_view view;
    struct peer peer;
    struct qemu_follower *f;
    struct err e;              /* the first failure in a callback */
    struct replay_image image;
    bool sending;              /* else it is looked through */
    uint32_t at;               /* the checkpoint that is read */
    struct buf out;
};

/* ---- sending. */

static int flush(struct replay *r, size_t above, struct err *e)
{
    int rc = 0;

    if (r->out.size > above) {
        rc = peer_send(&r->peer, r->out.data, r->out.size,
                       r->conf->silence_ms, e);
        buf_clear(&r->out);
    }
    return rc;
}

static int put_page(struct replay *r, uint32_t block, uint64_t offset,
                    const uint8_t *data, struct err *e)
{
    struct qf_ram_block b = qf_block(r->f, block);
    int rc = qemu_put_page(&r->out, &b, offset, data, e);

    r->done->pages++;
    return rc ? rc : flush(r, OUT_SIZE, e);
}

static int wait_for(struct replay *r, enum qemu_message wanted,
                    struct err *e)
{
    uint8_t octets[QEMU_MESSAGE_SIZE];
    enum qemu_message m;
    size_t have = 0, n;
    int rc = 0;

    while (have < sizeof(octets) && !rc) {
        rc = peer_receive(&r->peer, octets + have, sizeof(octets) - have,
                          r->conf->silence_ms, &n, e);
        have += rc ? 0 : n;
    }
    if (rc)
        return err_wrap(e, "waiting for %s", qemu_message_name(wanted));
    rc = qemu_get_message(octets, &m, e);
    if (rc)
        return err_wrap(e, "%s", r->peer.who);
    if (m != wanted)
        return err_set(e, ERR_PEER, "the secondary said %s, and %s has its "
                       "turn", qemu_message_name(m),
                       qemu_message_name(wanted));
    return 0;
}

static int say(struct replay *r, enum qemu_message m, uint64_t value,
               struct err *e)
{
    return qemu_put_message(&r->out, m, value, e);
}

/* ---- pages. */

static int compare(struct replay *r, const struct qf_page *page,
                   struct err *e)
{
    struct qf_ram_block block = qf_block(r->f, page->block);
    int rc = r->image.bits ? 0 :
             replay_image_open(&r->image, &r->view, r->f, e);

    return rc ? rc : replay_image_compare(&r->image, block.start +
                                          page->offset, page->data, e);
}

static void page(void *ctx, const struct qf_page *page)
{
    struct replay *r = ctx;

    if (r->e.code)
        return;
    if (page->kind != QEMU_RAM_PAGE && page->kind != QEMU_RAM_ZERO)
        err_set(&r->e, ERR_FORMAT, "it has compressed pages");
    else if (!r->at && !r->sending)
        compare(r, page, &r->e);
    else if (r->at && r->sending)
        put_page(r, page->block, page->offset, page->data, &r->e);
}

static int send_block(struct replay *r, uint32_t nr, struct err *e)
{
    struct qf_ram_block b = qf_block(r->f, nr);
    uint8_t data[QEMU_PAGE_SIZE];
    bool lacks = false, zero = false;
    int rc = 0;

    for (uint64_t at = 0; at < b.length && !rc; at += QEMU_PAGE_SIZE) {
        rc = replay_image_lacks(&r->image, b.start + at, data, &lacks, &zero,
                                e);
        if (!rc && lacks)
            rc = put_page(r, nr, at, zero ? NULL : data, e);
    }
    return rc;
}

static int send_image(struct replay *r, struct err *e)
{
    int rc = 0;

    for (uint32_t i = 0; i < qf_tally(r->f).blocks && !rc; i++)
        rc = send_block(r, i, e);
    return rc;
}

/* ---- files. */

static void state(void *ctx, const uint8_t *data, size_t n)
{
    struct replay *r = ctx;

    if (r->e.code || !r->sending || r->at != r->done->checkpoint)
        return;
    if (!flush(r, 0, &r->e))
        peer_send(&r->peer, data, n, r->conf->silence_ms, &r->e);
}

/* Behind the last checkpoint's pages comes the end of RAM. */
static void event(void *ctx, const struct qf_event *event)
{
    struct replay *r = ctx;

    if (r->e.code || event->kind != QF_MESSAGE ||
        event->message != QEMU_VMSTATE_SIZE)
        return;
    r->done->state = event->value;
    if (r->sending && r->at == r->done->checkpoint &&
        !qemu_put_ram_end(&r->out, qf_tally(r->f).ram_id, &r->e))
        say(r, QEMU_VMSTATE_SIZE, event->value, &r->e);
}

static int take(void *ctx, const uint8_t *data, size_t n, struct err *e)
{
    struct replay *r = ctx;
    int rc = qf_forward(r->f, data, n, e);

    if (!rc && r->e.code) {
        *e = r->e;
        rc = e->code;
    }
    if (!rc && r->sending && !r->at)
        rc = peer_send(&r->peer, data, n, r->conf->silence_ms, e);
    return rc;
}

/* Follow one of the files; it has to be one checkpoint, or precopy. */
static int follow(struct replay *r, uint32_t checkpoint, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    uint64_t before = qf_tally(r->f).checkpoints;
    char words[QF_WORDS_SIZE];
    struct qf_where w;
    int rc = store_open(&r->view, checkpoint, &fd, e);

    r->at = checkpoint;
    if (!rc)
        rc = store_read(fd, take, r, e);
    if (rc)
        return rc;
    w = qf_where(r->f, QF_FORWARD);
    if (!w.inside && (checkpoint ? w.message == QEMU_CHECKPOINT_REQUEST &&
                      qf_tally(r->f).checkpoints == before + 1 :
                      w.place == QF_AT_PRECOPY_DONE))
        return 0;
    qf_words(&w, words);
    return err_set(e, ERR_FORMAT, "it ends %s", words);
}

static int begin(struct replay *r, struct err *e)
{
    struct qf_conf conf = {
        .vmstate_max = UINT64_MAX, .event = event, .page = page,
        .state = state, .ctx = r,
    };

    qf_free(r->f);
    r->f = qf_new(&conf);
    return r->f ? 0 : err_set(e, ERR_NOMEM, "no memory for a replay");
}

static int ready(struct replay *r, struct err *e)
{
    uint8_t octets[QEMU_MESSAGE_SIZE];

    qemu_message_encode(octets, QEMU_CHECKPOINT_READY, 0);
    return qf_back(r->f, octets, sizeof(octets), e);
}

/* ---- the two passes. */

static int look(struct replay *r, struct err *e)
{
    int rc = begin(r, e);

    if (!rc)
        rc = follow(r, 0, e);
    if (!rc && !r->image.bits)
        rc = replay_image_open(&r->image, &r->view, r->f, e);
    if (!rc)
        rc = ready(r, e);
    for (uint32_t i = r->view.first; i <= r->done->checkpoint && !rc; i++)
        rc = follow(r, i, e);
    return rc ? err_wrap(e, r->at ? "%s/checkpoint-%08" PRIu32 : "%s/precopy",
                         r->view.path, r->at) : 0;
}

static int send_checkpoint(struct replay *r, struct err *e)
{
    int rc = say(r, QEMU_CHECKPOINT_REQUEST, 0, e);

    if (!rc)
        rc = flush(r, 0, e);
    if (!rc)
        rc = wait_for(r, QEMU_CHECKPOINT_REPLY, e);
    if (!rc)
        rc = say(r, QEMU_VMSTATE_SEND, 0, e);
    if (!rc)
        rc = qemu_put_ram_begin(&r->out, qf_tally(r->f).ram_id, e);
    if (!rc)
        rc = send_image(r, e);
    for (uint32_t i = r->view.first; i <= r->done->checkpoint && !rc; i++)
        rc = follow(r, i, e);
    if (!rc)
        rc = flush(r, 0, e);
    if (!rc)
        rc = wait_for(r, QEMU_VMSTATE_RECEIVED, e);
    return rc ? rc : wait_for(r, QEMU_VMSTATE_LOADED, e);
}

static int play(struct replay *r, struct err *e)
{
    int rc = begin(r, e);

    r->sending = true;
    r->at = 0;
    if (!rc)
        rc = peer_connect(r->conf->address, r->conf->silence_ms, &r->peer, e);
    if (!rc)
        rc = follow(r, 0, e);
    if (!rc)
        rc = wait_for(r, QEMU_CHECKPOINT_READY, e);
    if (!rc)
        rc = ready(r, e);
    return rc ? rc : send_checkpoint(r, e);
}

static int choose(struct replay *r, struct err *e)
{
    uint32_t wanted = r->conf->checkpoint;
    int rc = store_view(r->conf->dir, &r->view, e);

    if (rc)
        return rc;
    snprintf(r->done->set, sizeof(r->done->set), "%s", r->view.path);
    r->done->checkpoint = wanted ? wanted : r->view.last;
    if (wanted && (wanted < r->view.first || wanted > r->view.last))
        return err_set(e, ERR_NOTFOUND, "%s has checkpoints %" PRIu32 " to %"
                       PRIu32, r->view.path, r->view.first, r->view.last);
    return 0;
}

int replay_run(const struct replay_conf *conf, struct replay_done *done_r,
               struct err *e)
{
    struct replay r = { .conf = conf, .done = done_r };
    int rc;

    memset(done_r, 0, sizeof(*done_r));
    r.peer.fd = -1;
    r.peer.who = "the secondary";
    buf_init(&r.out, 2 * OUT_SIZE);
    replay_image_init(&r.image);
    r.view.dir = r.view.set = -1;
    rc = address_check(conf->address, e);
    if (!rc)
        rc = choose(&r, e);
    if (!rc)
        rc = look(&r, e);
    if (!rc)
        rc = play(&r, e);
    peer_close(&r.peer);
    replay_image_dispose(&r.image);
    store_view_dispose(&r.view);
    buf_dispose(&r.out);
    qf_free(r.f);
    return rc;
}
