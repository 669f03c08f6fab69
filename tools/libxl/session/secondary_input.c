/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's reading of the stream: the first epoch goes on to the
 * restore as a plain stream, later ones into staging. Every item has passed
 * the validator before it is looked at here.
 */
#include "secondary_int.h"

#include <string.h>

#include "bytes.h"
#include "lease.h"

/* Into the pipe right away, if nothing waits for it and it takes some. */
static int to_feed(struct colo_secondary *s, const void *data, size_t n,
                   struct err *e)
{
    ssize_t r = 0;

    if (!s->feeding)
        return 0;
    if (s->feed.size == 0 && n >= FEED_DIRECT)
        r = s->ops->feed(s->env, data, n);
    if (r < 0)
        r = 0;    /* full, or broken: then the restore says why */
    return buf_append(&s->feed, (const uint8_t *)data + r, n - (size_t)r, e);
}

/* ---- before the first page ---------------------------------------------- */

static int head_item(struct colo_secondary *s, const struct sr_item *it,
                     struct err *e)
{
    switch (it->kind) {
    case SR_XL_HEADER:
        if (!(it->u.xl.mandatory_flags & WIRE_XL_FLAG_JSON))
            return err_set(e, ERR_UNSUPPORTED, "a configuration that isn't "
                           "JSON (from a Xen before 4.5)");
        return 0;
    case SR_XL_DATA:
        return buf_append(&s->config, it->data, it->size, e);
    case SR_LIBXL_HEADER:
        return buf_append(&s->feed, it->data, it->size, e);
    case SR_LIBXC_HEADER:
        if (it->u.libxc.guest_type != WIRE_GUEST_HVM)
            return err_set(e, ERR_UNSUPPORTED, "a PV guest: only HVM and "
                           "PVH guests are protected");
        s->in_libxc = true;
        return buf_append(&s->feed, it->data, it->size, e);
    default:
        return 0;
    }
}

/* Where a record of what the guest knows of its CPU is kept; NULL: it isn't
   one. */
static struct buf *static_of(struct colo_secondary *s, uint32_t type)
{
    switch (type) {
    case WIRE_LIBXC_X86_CPUID_POLICY: return &s->given.cpuid_policy;
    case WIRE_LIBXC_X86_MSR_POLICY:   return &s->given.msr_policy;
    default:                          return NULL;
    }
}

static int static_item(struct colo_secondary *s, const struct sr_item *it,
                       struct err *e)
{
    int rc = buf_append(&s->feed, it->data, it->size, e);

    if (it->layer == WIRE_LIBXL || it->kind != SR_BODY || rc)
        return rc;
    return buf_append(static_of(s, it->type), it->data, it->size, e);
}

/* Everything is known by which it is decided whether a copy can be made. */
static int head_done(struct colo_secondary *s, struct err *e)
{
    if (s->config.size < 5)
        return err_set(e, ERR_FORMAT, "a stream without a configuration");
    if (s->params.colo && !s->link.own)
        return err_set(e, ERR_PEER, "COLO, and the primary says no HELLO");
    if (buf_append(&s->config, "", 1, e))
        return e->code;
    secondary_post(s, ST_HEAD);
    secondary_run(s);
    return 0;
}

/* ---- first epoch: on to the restore, as a plain stream ------------------ */

static int feed_end_record(struct colo_secondary *s, struct err *e)
{
    static const uint8_t end[WIRE_RECORD_HEADER_SIZE];

    return to_feed(s, end, sizeof(end), e);
}

static int first_item(struct colo_secondary *s, const struct sr_item *it,
                      struct err *e)
{
    bool libxc = it->layer == WIRE_LIBXC;
    bool turn = libxc ? it->type == WIRE_LIBXC_CHECKPOINT
                      : it->type == WIRE_LIBXL_CHECKPOINT_END;

    if (!turn)
        return to_feed(s, it->data, it->size, e);
    if (it->kind == SR_RECORD)
        return feed_end_record(s, e);
    if (it->kind == SR_RECORD_END && !libxc) {
        s->epochs = 1;
        secondary_post(s, ST_FIRST_END);
    }
    return 0;
}

/* ---- later epochs: into staging ----------------------------------------- */

static int page_item(struct colo_secondary *s, const struct sr_item *it,
                     struct err *e)
{
    const uint8_t *data = it->data;
    size_t left = it->size;

    for (;;) {
        struct sr_pages_item p;
        int rc = sr_pages_next(s->pages, &data, &left, &p, e);

        if (rc || p.kind == SR_PAGES_NEED_MORE)
            return rc;
        if (p.kind == SR_PAGES_LIST) {
            rc = ckpt_add(&s->stage, s->pages->data_count, &s->at_pfns,
                          &s->at_pages, e);
            if (rc)
                return rc;
            continue;
        }
        if (p.in_page == 0)
            *s->at_pfns++ = p.pfn;
        memcpy(s->at_pages, p.data, p.size);
        s->at_pages += p.size;
    }
}

/* Where a small record's body is kept; NULL: nowhere. */
static struct buf *small_of(struct colo_secondary *s, uint32_t type)
{
    switch (type) {
    case WIRE_LIBXC_X86_TSC_INFO: return &s->stage.tsc;
    case WIRE_LIBXC_HVM_CONTEXT:  return &s->stage.context;
    case WIRE_LIBXC_HVM_PARAMS:   return &s->stage.params;
    default:                      return NULL;
    }
}

static int libxc_item(struct colo_secondary *s, const struct sr_item *it,
                      struct err *e)
{
    struct buf *b = small_of(s, it->type);

    if (it->type == WIRE_LIBXC_PAGE_DATA) {
        if (it->kind == SR_RECORD)
            sr_pages_begin(s->pages, it->body_length, true);
        return it->kind == SR_BODY ? page_item(s, it, e) : 0;
    }
    if (b && it->kind == SR_RECORD)
        buf_clear(b);
    if (b && it->kind == SR_BODY)
        return buf_append(b, it->data, it->size, e);
    return 0;
}

static int libxl_item(struct colo_secondary *s, const struct sr_item *it,
                      struct err *e)
{
    if (it->type == WIRE_LIBXL_EMULATOR_CONTEXT) {
        size_t skip = it->body_offset < 8 ? 8 - it->body_offset : 0;

        if (it->kind == SR_RECORD)
            buf_clear(&s->stage.device);
        if (it->kind == SR_BODY && it->size > skip)
            return buf_append(&s->stage.device, it->data + skip,
                              it->size - skip, e);
    } else if (it->type == WIRE_LIBXL_CHECKPOINT_STATE) {
        if (it->kind == SR_RECORD_END)
            secondary_post(s, SX_NEW);    /* the primary says nothing else */
    } else if (it->type == WIRE_LIBXL_CHECKPOINT_END &&
               it->kind == SR_RECORD_END) {
        s->epochs++;
        s->stage.epoch = s->epochs;
        secondary_post(s, ST_EPOCH);
    }
    return 0;
}

/* ---- our optional records ----------------------------------------------- */

static int on_hello(struct colo_secondary *s, struct err *e)
{
    struct sr_hello h;
    int rc = sr_get_hello(s->link.body.data, s->link.body.size, &h, e);

    if (rc)
        return rc;
    if (s->in_libxc || s->link.own)
        return err_set(e, ERR_PEER, "HELLO too late, or again");
    rc = link_same_mode(&s->params, h.features, "primary", e);
    if (rc)
        return rc;
    s->link.generation = h.generation;
    s->needs_proof = h.features & WIRE_HELLO_PROOF;
    s->lease_ns = lease_wait_ns((h.features & WIRE_HELLO_BOUND) >>
                                WIRE_HELLO_BOUND_SHIFT);
    if (s->params.lease_s && !s->lease_ns)
        return err_set(e, ERR_PEER, "the primary keeps no lease, and this "
                       "side is told to wait for one (--fence=watchdog)");
    link_start_beating(&s->link, s->params.heartbeat_ms * ENV_MS);
    link_start_listening(&s->link);
    link_report(&s->link, 0);    /* from here on the primary bounds it */
    return 0;
}

/* Right behind HELLO, from a peer that has it to say. */
static int on_peer_info(struct colo_secondary *s, struct err *e)
{
    struct sr_peer_info i;
    int rc = sr_get_peer_info(s->link.body.data, s->link.body.size, &i, e);

    if (rc)
        return rc;
    if (s->in_libxc || !s->link.own)
        return err_set(e, ERR_PEER, "PEER_INFO before HELLO, or too late");
    memcpy(s->peer_name, i.name, sizeof(s->peer_name));
    if (i.heartbeat_ms)
        s->params.heartbeat_ms = i.heartbeat_ms;
    if (i.silence_ms)
        s->params.silence_ms = i.silence_ms;
    link_start_beating(&s->link, s->params.heartbeat_ms * ENV_MS);
    return 0;
}

static int on_release(struct colo_secondary *s, struct err *e)
{
    enum wire_keeper keeper;
    int rc = sr_get_release(s->link.body.data, s->link.body.size, &keeper,
                            e);

    if (rc)
        return rc;
    if (keeper != WIRE_KEEPER_PRIMARY)
        return err_set(e, ERR_PEER, "the %s is to keep the domain: no "
                       "handover is known here", wire_keeper_name(keeper));
    s->peer_said_end = true;
    secondary_verdict(s, COLO_END_DISCARDED, ERR_OK, "the primary ended "
                      "protection");
    secondary_post(s, ST_PEER_END);
    return 0;
}

static int on_pause_reason(struct colo_secondary *s, struct err *e)
{
    int rc = sr_get_pause_reason(s->link.body.data, s->link.body.size,
                                 &s->told, e);

    if (!rc)
        secondary_post(s, ST_PAUSE_REASON);
    return rc;
}

/* As if PAGE_DATA had brought them. */
static int on_zero_pages(struct colo_secondary *s, struct err *e)
{
    static const uint8_t zero[CKPT_PAGE_SIZE];
    uint64_t pfns[WIRE_ZERO_PAGES_MAX], *at;
    uint8_t *pages;
    size_t n;
    int rc = sr_get_zero_pages(s->link.body.data, s->link.body.size, pfns,
                               &n, e);

    if (rc)
        return rc;
    if (s->route == ROUTE_STAGE) {
        rc = ckpt_add(&s->stage, n, &at, &pages, e);
        if (rc)
            return rc;
        memcpy(at, pfns, n * sizeof(*pfns));
        memset(pages, 0, n * CKPT_PAGE_SIZE);
        return 0;
    }
    if (s->route != ROUTE_FEED)
        return err_set(e, ERR_PEER, "ZERO_PAGES before the last epoch was "
                       "answered");
    if (!s->feeding)
        return 0;
    rc = sr_put_page_data_head(&s->feed, pfns, n, e);
    for (size_t i = 0; !rc && i < n; i++)
        rc = buf_append(&s->feed, zero, sizeof(zero), e);
    return rc;
}

static int optional_item(struct colo_secondary *s, const struct sr_item *it,
                         struct err *e)
{
    if (it->kind == SR_RECORD)
        buf_clear(&s->link.body);
    if (it->kind == SR_BODY && it->body_length <= LINK_SMALL_MAX)
        return buf_append(&s->link.body, it->data, it->size, e);
    if (it->kind != SR_RECORD_END)
        return 0;
    switch (it->type) {
    case WIRE_OPT_RELEASE:
        return on_release(s, e);
    case WIRE_OPT_GONE:
        secondary_gone(s);
        return 0;
    case WIRE_OPT_HELLO:
        return on_hello(s, e);
    case WIRE_OPT_PAUSE_REASON:
        return on_pause_reason(s, e);
    case WIRE_OPT_PEER_INFO:
        return on_peer_info(s, e);
    case WIRE_OPT_ZERO_PAGES:
        return on_zero_pages(s, e);
    case WIRE_OPT_PAGE_DIGESTS:
        return secondary_on_digests(s, e);
    case WIRE_OPT_FRAME:
        return pairing_peer(&s->pairing, &s->link.body, e);
    case WIRE_OPT_HEARTBEAT:
        link_report(&s->link, 1);
        return 0;
    default:
        return 0;
    }
}

static int take(struct colo_secondary *s, const struct sr_item *it,
                struct err *e)
{
    bool record = it->kind == SR_RECORD || it->kind == SR_BODY ||
                  it->kind == SR_RECORD_END;
    int rc = sr_validator_item(s->link.check, it, e);

    if (rc)
        return rc;
    if (!record)
        return head_item(s, it, e);
    if (wire_is_optional(it->type))
        return optional_item(s, it, e);
    if (s->route == ROUTE_HEAD && s->in_libxc && !static_of(s, it->type))
        rc = head_done(s, e);
    if (rc)
        return rc;
    switch (s->route) {
    case ROUTE_HEAD:
        return static_item(s, it, e);
    case ROUTE_FEED:
        return first_item(s, it, e);
    case ROUTE_STAGE:
        return it->layer == WIRE_LIBXC ? libxc_item(s, it, e)
                                       : libxl_item(s, it, e);
    case ROUTE_NOWHERE:
        return err_set(e, ERR_PEER, "an epoch before the first was "
                       "answered");
    default:
        return 0;
    }
}

bool secondary_take(struct colo_secondary *s, const uint8_t **data,
                    size_t *left)
{
    struct sr_item it;
    struct err e = { 0 };
    bool framed = true;
    int rc = sr_reader_next(&s->link.reader, data, left, &it, &e);

    if (!rc && it.kind == SR_NEED_MORE)
        return false;
    if (!rc) {
        framed = sr_validator_fault(s->link.check) == NULL;
        rc = take(s, &it, &e);
    }
    if (!rc)
        return true;
    framed = framed && !sr_reader_fault(&s->link.reader) &&
             !sr_validator_fault(s->link.check);
    if (framed && e.code != ERR_PEER && e.code != ERR_FORMAT)
        secondary_local_failed(s, &e);    /* ours: memory, staging, … */
    else
        secondary_lost(s, "the stream is broken: %s", e.msg);
    return false;
}

bool secondary_parked(const struct colo_secondary *s)
{
    /* Who doesn't wait for an answer to the first epoch has to be kept
       waiting; and so has everyone while the restore is behind. */
    return (s->route == ROUTE_NOWHERE && !s->link.own) ||
           s->feed.size - s->fed >= FEED_HIGH;
}
