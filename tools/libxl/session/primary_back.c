/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the primary reads in Xen's dialect: the receiver's banner, then the
 * back channel.
 * Every item has passed the validator before it is looked at.
 */
#include "primary_int.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

void primary_show(char *to, const void *octets, size_t n)
{
    const unsigned char *from = octets;

    for (size_t i = 0; i < n; i++)
        to[i] = isprint(from[i]) ? (char)from[i] : '.';
    to[n] = '\0';
}

static size_t take_banner(struct colo_primary *p, const uint8_t *data,
                          size_t n)
{
    size_t take = WIRE_XL_BANNER_SIZE - p->banner_used;

    take = take < n ? take : n;
    memcpy(p->banner + p->banner_used, data, take);
    p->banner_used += take;
    if (memcmp(p->banner, WIRE_XL_BANNER, p->banner_used)) {
        char seen[WIRE_XL_BANNER_SIZE + 1];

        primary_show(seen, p->banner, p->banner_used);
        primary_lost(p, "%s doesn't answer as a migration receiver, but "
                     "with \"%s\"", p->conf->host, seen);
    } else if (p->banner_used == WIRE_XL_BANNER_SIZE) {
        primary_post(p, PT_BANNER);
    }
    return take;
}

static int back_hello(struct colo_primary *p, struct err *e)
{
    struct sr_hello h;
    int rc = sr_get_hello(p->link.body.data, p->link.body.size, &h, e);

    if (rc)
        return rc;
    rc = link_same_mode(&p->params, h.features, "receiver", e);
    if (rc)
        return rc;
    if (p->params.lease_s && !(h.features & WIRE_HELLO_LEASE))
        return err_set(e, ERR_PEER, "it knows of no lease "
                       "(--fence=watchdog): its program is an older one");
    primary_blame(p, "the receiver says HELLO too late, or again");
    primary_post(p, PT_HELLO);
    return 0;
}

static int back_release(struct colo_primary *p, struct err *e)
{
    enum wire_keeper keeper;
    int rc = sr_get_release(p->link.body.data, p->link.body.size, &keeper,
                            e);

    if (rc)
        return rc;
    if (keeper != WIRE_KEEPER_PRIMARY)
        return err_set(e, ERR_PEER, "the %s would keep the domain, which "
                       "nobody offered", wire_keeper_name(keeper));
    primary_blame(p, "the receiver confirms an end that it wasn't told");
    primary_post(p, PT_PEER_CONFIRMED);
    return 0;
}

static int back_gone(struct colo_primary *p)
{
    primary_verdict(p, COLO_END_PEER, ERR_PEER, "the receiver gave its copy "
                    "up");
    primary_post(p, PT_PEER_ENDED);
    return 0;
}

/* An answer to the epoch that is out. One that hears nothing of us may have
   taken over since it gave it. */
static bool is_doubtful(const struct colo_primary *p)
{
    return p->going_out && !p->sending && p->epoch >= p->mode->safe_epochs &&
           !link_is_heard(&p->link);
}

/* What is doubtful counts once the peer is known to hear us, or never: then it
   is lost. */
static int back_ready(struct colo_primary *p, struct err *e)
{
    int t = p->epoch == 1 ? PT_READY_FIRST : PT_READY;

    if (p->doubted.count)
        return err_set(e, ERR_PEER, "SVM_READY again, for epoch %" PRIu64,
                       p->epoch);
    if (!is_doubtful(p)) {
        primary_post(p, t);
        return 0;
    }
    log_info(p->conf->log, "event=ready-doubted epoch=%" PRIu64, p->epoch);
    triggers_post(&p->doubted, p->mode->trigger_of[t]);
    return 0;
}

static void back_resumed(struct colo_primary *p)
{
    if (p->doubted.count == 1)    /* it stands behind that */
        triggers_post(&p->doubted, p->mode->trigger_of[PX_PEER_RESUMED]);
    else
        primary_post(p, PX_PEER_RESUMED);
}

static int back_state(struct colo_primary *p, struct err *e)
{
    enum wire_state id;
    int rc = sr_get_state(p->link.body.data, p->link.body.size, &id, e);

    if (rc)
        return rc;
    primary_blame(p, "the receiver says %s out of turn", wire_state_name(id));
    switch (id) {
    case WIRE_STATE_SVM_READY:
        return back_ready(p, e);
    case WIRE_STATE_SVM_SUSPENDED:
        buf_clear(&p->peer_pfns);
        return 0;    /* with the list, which follows */
    case WIRE_STATE_SVM_RESUMED:
        back_resumed(p);
        return 0;
    default:
        return err_set(e, ERR_PEER, "%s, which a receiver doesn't say",
                       wire_state_name(id));
    }
}

static int back_record(struct colo_primary *p, uint32_t type, struct err *e)
{
    /* Behind its greeting: it has read our HELLO, and goes on from here. */
    if (p->link.own && type != WIRE_OPT_HELLO && type != WIRE_OPT_PEER_INFO)
        link_start_listening(&p->link);
    switch (type) {
    case WIRE_OPT_HELLO:
        return back_hello(p, e);
    case WIRE_OPT_RELEASE:
        return back_release(p, e);
    case WIRE_OPT_GONE:
        return back_gone(p);
    case WIRE_OPT_PAUSE_REASON:
        p->unechoed -= p->unechoed > 0;
        primary_admitted(p);
        return sr_get_pause_reason(p->link.body.data, p->link.body.size,
                                   &p->kept, e);
    case WIRE_OPT_RECEIVED:
        return link_received(&p->link, e);
    case WIRE_OPT_FRAME:
        return pairing_peer(&p->pairing, &p->link.body, e);
    case WIRE_LIBXL_CHECKPOINT_STATE:
        return back_state(p, e);
    default:
        return 0;    /* PEER_INFO, HEARTBEAT, or one that isn't known */
    }
}

/* CHECKPOINT_DIRTY_PFN_LIST, the only record of libxc's here. */
static int back_list(struct colo_primary *p, const struct sr_item *it,
                     struct err *e)
{
    /* A copy with more memory than its domain isn't one any more. */
    if (it->kind == SR_BODY &&
        buf_append(&p->peer_pfns, it->data, it->size, e)) {
        buf_clear(&p->peer_pfns);
        primary_local_failed(p, e);
    }
    if (it->kind == SR_RECORD_END)
        primary_post(p, PX_PEER_SUSPENDED);
    return 0;
}

static int back_item(struct colo_primary *p, const struct sr_item *it,
                     struct err *e)
{
    int rc = sr_validator_item(p->link.check, it, e);

    if (rc)
        return rc;
    if (it->layer == WIRE_LIBXC && !wire_is_optional(it->type))
        return back_list(p, it, e);
    switch (it->kind) {
    case SR_RECORD:
        buf_clear(&p->link.body);
        return 0;
    case SR_BODY:
        return buf_append(&p->link.body, it->data, it->size, e);
    case SR_RECORD_END:
        return back_record(p, it->type, e);
    default:
        return 0;
    }
}

/* One after the other: the first may end it all. */
static void believe(struct colo_primary *p)
{
    while (p->doubted.count && link_is_heard(&p->link)) {
        inbox_post(&p->inbox, triggers_take(&p->doubted));
        primary_run(p);
    }
}

size_t primary_input(struct colo_primary *p, const uint8_t *data, size_t n)
{
    size_t left = n;

    link_heard(&p->link);
    if (p->banner_used < WIRE_XL_BANNER_SIZE) {
        size_t took = take_banner(p, data, left);

        data += took;
        left -= took;
    }
    primary_run(p);
    /* Until it wants more: a record without a body ends without octets. */
    while (p->banner_used == WIRE_XL_BANNER_SIZE && p->link.open &&
           p->state != p->mode->machine->final) {
        struct sr_item it;
        struct err e = { 0 };

        if (sr_reader_next(&p->link.reader, &data, &left, &it, &e) ||
            back_item(p, &it, &e))
            primary_lost(p, "the receiver's answer is broken: %s", e.msg);
        else if (it.kind == SR_NEED_MORE)
            break;
        primary_run(p);
        believe(p);
    }
    return n;
}

void primary_eof(struct colo_primary *p)
{
    if (p->banner_used < WIRE_XL_BANNER_SIZE)
        primary_blame(p, "no receiver on %s: its command ended without an "
                      "answer", p->conf->host);
    else
        primary_blame(p, "the receiver closed the stream");
    if (p->link.own || p->mode->both_run)
        primary_lost(p, "%s", p->why);
    else
        primary_post(p, PT_PLAIN_END);
    primary_run(p);
}

void primary_late(struct colo_primary *p)
{
    if (p->banner_used < WIRE_XL_BANNER_SIZE)
        primary_blame(p, "no receiver on %s within %u s", p->conf->host,
                      p->params.create_ms / 1000);
    else if (p->sending)
        primary_blame(p, "the receiver takes no data");
    else if (p->ended)
        primary_blame(p, "the receiver doesn't confirm the end");
    else if (p->doubted.count)
        primary_blame(p, "nothing shows that the receiver hears us since its "
                      "SVM_READY for epoch %" PRIu64, p->epoch);
    else
        primary_blame(p, "no SVM_READY for epoch %" PRIu64 " in time",
                      p->epoch);
    primary_post(p, PT_STEP_OUT);
}
