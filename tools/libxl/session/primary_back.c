/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the primary reads: the receiver's banner, then the back channel.
 * Every item has passed the validator before it is looked at.
 */
#include "primary_int.h"

#include <ctype.h>
#include <string.h>

static const char banner[] =
    "xl migration receiver ready, send binary domain data.\n";

static size_t take_banner(struct colo_primary *p, const uint8_t *data,
                          size_t n)
{
    size_t take = BANNER_SIZE - p->banner_used;

    take = take < n ? take : n;
    memcpy(p->banner + p->banner_used, data, take);
    p->banner_used += take;
    if (memcmp(p->banner, banner, p->banner_used)) {
        char seen[BANNER_SIZE + 1];

        for (size_t i = 0; i < p->banner_used; i++)
            seen[i] = isprint((unsigned char)p->banner[i]) ? p->banner[i]
                                                           : '.';
        seen[p->banner_used] = '\0';
        primary_lost(p, "%s doesn't answer as a migration receiver, but "
                     "with \"%s\"", p->conf->host, seen);
    } else if (p->banner_used == BANNER_SIZE) {
        primary_post(p, PT_BANNER);
    }
    return take;
}

static int back_session(struct colo_primary *p, struct err *e)
{
    struct sr_session s;
    int rc = sr_get_session(p->link.body.data, p->link.body.size, &s, e);

    if (rc)
        return rc;
    primary_blame(p, "the receiver says SESSION too late, or again");
    primary_post(p, PT_SESSION);
    return 0;
}

static void back_ended(struct colo_primary *p, enum wire_end_reason reason)
{
    if (reason == WIRE_REASON_CONFIRMED) {
        primary_blame(p, "the receiver confirms an end that it wasn't told");
        primary_post(p, PT_PEER_CONFIRMED);
        return;
    }
    primary_verdict(p, COLO_END_PEER, ERR_PEER, "the receiver gave its copy "
                    "up (%s)", wire_end_reason_name(reason));
    primary_post(p, PT_PEER_ENDED);
}

static int back_record(struct colo_primary *p, uint32_t type, struct err *e)
{
    enum wire_end_reason reason;
    enum wire_state id;
    int rc = 0;

    switch (type) {
    case WIRE_OPT_HEARTBEAT:
        /* It has read our SESSION, and goes on from here. */
        link_start_listening(&p->link);
        return 0;
    case WIRE_OPT_SESSION:
        return back_session(p, e);
    case WIRE_OPT_PROTECTION_END:
        rc = sr_get_protection_end(p->link.body.data, p->link.body.size,
                                   &reason, e);
        if (!rc)
            back_ended(p, reason);
        return rc;
    case WIRE_OPT_RUN_STATE:
        return sr_get_run_state(p->link.body.data, p->link.body.size,
                                &p->kept, e);
    case WIRE_LIBXL_CHECKPOINT_STATE:
        rc = sr_get_state(p->link.body.data, p->link.body.size, &id, e);
        if (rc)
            return rc;
        if (id != WIRE_STATE_SVM_READY)
            return err_set(e, ERR_PEER, "%s, which belongs to COLO mode",
                           wire_state_name(id));
        primary_blame(p, "the receiver says SVM_READY without an epoch to "
                      "answer");
        primary_post(p, p->epoch == 1 ? PT_READY_FIRST : PT_READY);
        return 0;
    default:
        return 0;    /* optional and unknown: skipped */
    }
}

static int back_item(struct colo_primary *p, const struct sr_item *it,
                     struct err *e)
{
    int rc = sr_validator_item(p->link.check, it, e);

    if (rc)
        return rc;
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

size_t primary_input(void *s, const uint8_t *data, size_t n)
{
    struct colo_primary *p = s;
    size_t left = n;

    link_heard(&p->link);
    if (p->banner_used < BANNER_SIZE) {
        size_t took = take_banner(p, data, left);

        data += took;
        left -= took;
    }
    primary_run(p);
    /* Until it wants more: a record without a body ends without octets. */
    while (p->banner_used == BANNER_SIZE && p->link.open &&
           p->state != P_DONE) {
        struct sr_item it;
        struct err e = { 0 };

        if (sr_reader_next(&p->link.reader, &data, &left, &it, &e) ||
            back_item(p, &it, &e))
            primary_lost(p, "the receiver's answer is broken: %s", e.msg);
        else if (it.kind == SR_NEED_MORE)
            break;
        primary_run(p);
    }
    return n;
}

void primary_eof(void *s)
{
    struct colo_primary *p = s;

    if (p->banner_used < BANNER_SIZE)
        primary_blame(p, "no receiver on %s: its command ended without an "
                      "answer", p->conf->host);
    else
        primary_blame(p, "the receiver closed the stream");
    if (p->link.own)
        primary_lost(p, "%s", p->why);
    else
        primary_post(p, PT_PLAIN_END);
    primary_run(p);
}
