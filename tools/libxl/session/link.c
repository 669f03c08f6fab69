/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Output, signs of life and small records of one end of a stream.
 */
#include "link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lease.h"

#define IOV_BATCH 64

int link_init(struct colo_link *l, const struct env_ops *ops,
              struct env *env, const struct logger *log,
              enum sr_direction in, const struct colo_params *p,
              struct err *e)
{
    enum wire_layer first = in == SR_BACK ? WIRE_LIBXL : WIRE_XL;
    uint64_t silence_ns = p->silence_ms * ENV_MS;

    memset(l, 0, sizeof(*l));
    l->ops = ops;
    l->env = env;
    l->log = log;
    l->open = true;
    outq_init(&l->out);
    buf_init(&l->body, LINK_SMALL_MAX);
    sr_reader_init(&l->reader, in, first);
    l->check = sr_validator_new(in, first, p->colo ? SR_MODE_COLO
                                                  : SR_MODE_REMUS);
    if (!l->check)
        return err_set(e, ERR_NOMEM, "no memory for the stream's checks");
    l->heard_ns = ops->now(env);
    fresh_init(&l->lease, LEASE_FRESH_NS);
    fresh_init(&l->belief, silence_ns - silence_ns / LEASE_DRIFT);
    window_init(&l->window, silence_ns);
    return 0;
}

void link_dispose(struct colo_link *l)
{
    outq_dispose(&l->out);
    buf_dispose(&l->body);
    sr_validator_free(l->check);
    l->check = NULL;
}

static bool link_break(struct colo_link *l, int errnum)
{
    log_info(l->log, "event=write-failed errno=%d text=\"%s\"", errnum,
             strerror(errnum));
    l->broken = true;
    outq_dispose(&l->out);
    l->ops->want_send(l->env, false);
    return false;
}

/* The first @room octets of the @n spans; returns how many spans they are. */
static int clip(struct iovec *iov, int n, uint64_t room)
{
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len >= room) {
            iov[i].iov_len = (size_t)room;
            return room ? i + 1 : i;
        }
        room -= iov[i].iov_len;
    }
    return n;
}

bool link_flush(struct colo_link *l)
{
    uint64_t now = l->ops->now(l->env);
    struct iovec iov[IOV_BATCH];
    bool full = false;    /* stream and peer have what they take for now */

    if (!l->open || l->broken)
        return true;
    while (!full && !outq_empty(&l->out)) {
        uint64_t room = window_room(&l->window, l->out.sent, now);
        int n = clip(iov, outq_peek(&l->out, iov, IOV_BATCH), room);
        ssize_t r = n ? l->ops->send(l->env, iov, n) : 0;

        if (r < 0 && r != -EAGAIN)
            return link_break(l, (int)-r);
        if (r > 0)
            outq_advance(&l->out, (size_t)r);
        full = r <= 0;
    }
    window_sent(&l->window, l->out.sent, now);
    fresh_sent(&l->lease, l->out.sent, now);
    fresh_sent(&l->belief, l->out.sent, now);
    l->ops->want_send(l->env, !outq_empty(&l->out) &&
                              window_room(&l->window, l->out.sent, now));
    if (l->last && outq_empty(&l->out))
        l->ops->end_send(l->env);
    return true;
}

/* False: the stream takes nothing more from us. */
static bool takes_more(const struct colo_link *l)
{
    return l->open && !l->broken && !l->last;
}

int link_put(struct colo_link *l, struct buf *b, struct err *e)
{
    if (!takes_more(l)) {
        buf_clear(b);
        return 0;
    }
    return outq_put(&l->out, b, e);
}

void link_end_send(struct colo_link *l)
{
    l->last = true;
}

int link_put_state(struct colo_link *l, enum wire_state id, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = sr_put_state(&b, id, e);

    return rc ? rc : link_put(l, &b, e);
}

int link_put_release(struct colo_link *l, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = sr_put_release(&b, WIRE_KEEPER_PRIMARY, e);

    return rc ? rc : link_put(l, &b, e);
}

int link_put_hello(struct colo_link *l, uint32_t features,
                   const struct colo_params *p, const char *name,
                   struct err *e)
{
    struct sr_peer_info info = {
        .heartbeat_ms = p->heartbeat_ms,
        .silence_ms = p->silence_ms,
    };
    CLEANUP_BUF struct buf b = { 0 };
    int rc;

    features |= p->colo ? WIRE_HELLO_COLO : 0;
    snprintf(info.name, sizeof(info.name), "%s", name ? name : "");
    rc = sr_put_hello(&b, features, l->generation, e);
    if (!rc)
        rc = sr_put_peer_info(&b, &info, e);
    return rc ? rc : link_put(l, &b, e);
}

int link_same_mode(const struct colo_params *p, uint32_t features,
                   const char *peer, struct err *e)
{
    if (p->colo == !!(features & WIRE_HELLO_COLO))
        return 0;
    return err_set(e, ERR_PEER, "the %s is%s in COLO mode, and this side is%s",
                   peer, p->colo ? "n't" : "", p->colo ? "" : "n't");
}

void link_start_beating(struct colo_link *l, uint64_t heartbeat_ns)
{
    l->own = true;
    l->heartbeat_ns = heartbeat_ns;
    l->ops->timer(l->env, ENV_TIMER_HEARTBEAT, heartbeat_ns);
}

void link_start_listening(struct colo_link *l)
{
    if (l->silence_ns)
        return;
    l->silence_ns = LINK_EARLY_SILENCE_NS;
    l->ops->timer(l->env, ENV_TIMER_SILENCE, l->silence_ns);
}

void link_allow_silence(struct colo_link *l, uint64_t silence_ns)
{
    if (!l->silence_ns || l->silence_ns == silence_ns)
        return;
    if (silence_ns != LINK_EARLY_SILENCE_NS)
        l->quiet_max_ns = 0;
    l->silence_ns = silence_ns;
    l->ops->timer(l->env, ENV_TIMER_SILENCE, silence_ns);
}

uint64_t link_quiet_max(const struct colo_link *l)
{
    uint64_t quiet = link_quiet(l);

    if (!l->own || !l->silence_ns)
        return 0;
    return l->open && quiet > l->quiet_max_ns ? quiet : l->quiet_max_ns;
}

void link_listens_again(struct colo_link *l)
{
    l->heard_ns = l->ops->now(l->env);
}

void link_heard(struct colo_link *l)
{
    l->quiet_max_ns = link_quiet_max(l);
    link_listens_again(l);
}

int link_received(struct colo_link *l, struct err *e)
{
    uint64_t octets;
    int rc = sr_get_received(l->body.data, l->body.size, &octets, e);

    if (!rc)
        rc = window_received(&l->window, octets, l->out.sent,
                             l->ops->now(l->env), e);
    if (!rc) {
        fresh_received(&l->lease, octets);
        fresh_received(&l->belief, octets);
    }
    return rc;
}

void link_report(struct colo_link *l, uint64_t least)
{
    CLEANUP_BUF struct buf b = { 0 };
    uint64_t octets = sr_reader_offset(&l->reader);
    struct err e;

    if (!l->own || !takes_more(l) || octets - l->reported < least)
        return;
    if (sr_put_received(&b, octets, &e) || outq_put_urgent(&l->out, &b, &e))
        log_error(l->log, "event=report-failed text=\"%s\"", e.msg);
    else
        l->reported = octets;
}

void link_watch(struct colo_link *l, uint64_t silence_ns)
{
    link_heard(l);
    l->silence_ns = silence_ns;
    l->ops->timer(l->env, ENV_TIMER_SILENCE, silence_ns);
}

void link_beat(struct colo_link *l)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e;

    if (!takes_more(l))
        return;
    if (sr_put_heartbeat(&b, &e) ||
        outq_put_urgent(&l->out, &b, &e))
        log_error(l->log, "event=heartbeat-failed text=\"%s\"", e.msg);
    link_flush(l);
    l->ops->timer(l->env, ENV_TIMER_HEARTBEAT, l->heartbeat_ns);
}

bool link_is_silent(struct colo_link *l)
{
    uint64_t quiet = link_quiet(l);

    if (!l->open)
        return false;
    if (quiet >= l->silence_ns)
        return true;
    l->ops->timer(l->env, ENV_TIMER_SILENCE, l->silence_ns - quiet);
    return false;
}

bool link_is_heard(const struct colo_link *l)
{
    return l->open && fresh_at(&l->belief, l->ops->now(l->env));
}

void link_close(struct colo_link *l)
{
    if (!l->open)
        return;
    l->open = false;
    outq_dispose(&l->out);
    l->ops->timer(l->env, ENV_TIMER_HEARTBEAT, ENV_NEVER);
    l->ops->timer(l->env, ENV_TIMER_SILENCE, ENV_NEVER);
    l->ops->timer(l->env, ENV_TIMER_STEP, ENV_NEVER);
    l->ops->disconnect(l->env);
}
