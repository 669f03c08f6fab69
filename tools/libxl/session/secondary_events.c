/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a secondary hears of its copy, its network and the fence command; and
 * in Xen's dialect, how it begins, and what silence is.
 */
#include "secondary_int.h"

#include <inttypes.h>

void secondary_greet(struct colo_secondary *s)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };

    if (buf_append(&b, WIRE_XL_BANNER, WIRE_XL_BANNER_SIZE, &e) ||
        link_put(&s->link, &b, &e) ||
        link_put_hello(&s->link, WIRE_HELLO_LEASE, &s->params, "", &e))
        secondary_local_failed(s, &e);
}

void secondary_silent(struct colo_secondary *s)
{
    secondary_lost(s, "the primary has been silent for %" PRIu64 " ms",
                   s->link.silence_ns / ENV_MS);
}

void secondary_on_domain(void *v)
{
    struct colo_secondary *s = v;
    struct dom_event ev;

    while (s->dom && !secondary_over(s) &&
           s->dom_ops->next_event(s->dom, &ev) == 0) {
        switch (ev.kind) {
        case DOM_EV_CREATED:
            secondary_post(s, ST_CREATED);
            break;
        case DOM_EV_CREATE_FAILED:
            secondary_verdict(s, COLO_END_FAILED, ev.err.code, "%s",
                              ev.err.msg);
            secondary_post(s, ST_CREATE_FAILED);
            break;
        case DOM_EV_SUSPENDED:
            s->asking = false;
            secondary_post(s, SX_SUSPENDED);
            break;
        case DOM_EV_SUSPEND_FAILED:
            s->asking = false;
            secondary_failed(s, &ev.err, SX_SUSPEND_FAILED);
            break;
        case DOM_EV_SHUTDOWN:
        case DOM_EV_GONE:
            s->asking = false;
            secondary_verdict(s, COLO_END_FAILED, ERR_DOMAIN, ev.kind ==
                              DOM_EV_GONE ? "somebody destroyed the copy"
                              : "the copy ended itself");
            secondary_post(s, ST_COPY_GONE);
            break;
        default:
            break;
        }
        secondary_run(s);
    }
    secondary_unpark(s);
}

int secondary_on_domain_fd(void *v)
{
    struct colo_secondary *s = v;

    return s->dom ? s->dom_ops->fd(s->dom) : -1;
}

void secondary_on_net(void *v)
{
    struct colo_secondary *s = v;

    if (!s->pairing.net)
        return;
    secondary_frames(s);
    secondary_run(s);
}

int secondary_on_net_fd(void *v)
{
    struct colo_secondary *s = v;

    return pairing_fd(&s->pairing);
}

void secondary_on_fence_done(void *v, int status)
{
    struct colo_secondary *s = v;

    if (status == 0)
        secondary_say(s, LOG_NOTE, "%s is off, says the fence command",
                      secondary_peer(s));
    else
        secondary_say(s, LOG_WARN, "the fence command failed with %d",
                      status);
    secondary_post(s, status == 0 ? ST_FENCED : ST_FENCE_FAILED);
    secondary_run(s);
}
