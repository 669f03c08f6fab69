/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's actions that write to the stream: headers, the first copy's
 * rounds, epochs out of staging, the end.
 */
#include "primary_int.h"

#include <inttypes.h>
#include <string.h>

#include "lease.h"

/* libxc's headers and what is sent once. */
static int put_static(struct colo_primary *p, struct buf *b, struct err *e)
{
    struct dom_static s;
    uint32_t type = p->info->type == DOM_PV ? WIRE_GUEST_PV : WIRE_GUEST_HVM;
    int rc;

    memset(&s, 0, sizeof(s));
    buf_init(&s.cpuid_policy, WIRE_POLICY_MAX);
    buf_init(&s.msr_policy, WIRE_POLICY_MAX);
    rc = p->dom->static_data(p->conf->dom, &s, e);
    if (!rc)
        rc = sr_put_libxc_header(b, type, p->info->xen_major,
                                 p->info->xen_minor, e);
    if (!rc && s.cpuid_policy.size)
        rc = sr_put_record(b, WIRE_LIBXC_X86_CPUID_POLICY,
                           s.cpuid_policy.data, s.cpuid_policy.size, e);
    if (!rc && s.msr_policy.size)
        rc = sr_put_record(b, WIRE_LIBXC_X86_MSR_POLICY, s.msr_policy.data,
                           s.msr_policy.size, e);
    if (!rc)
        rc = sr_put_record(b, WIRE_LIBXC_STATIC_DATA_END, NULL, 0, e);
    buf_dispose(&s.cpuid_policy);
    buf_dispose(&s.msr_policy);
    return rc;
}

void primary_act_send_head(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    uint32_t features = colo_needs_proof(&p->params) ? WIRE_HELLO_PROOF : 0;
    uint32_t lease = p->params.lease_s;
    const char *json = p->info->config_json ? p->info->config_json : "{}";
    struct err e = { 0 };
    int rc;

    if (lease)
        features |= lease_bound(lease) << WIRE_HELLO_BOUND_SHIFT;
    p->ops->timer(p->env, ENV_TIMER_STEP, p->params.step_ms * ENV_MS);
    rc = sr_put_xl_header(&b, json, strlen(json), &e);
    if (!rc)
        rc = sr_put_libxl_header(&b, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (!rc && p->link.own)
        rc = link_put_hello(&p->link, features, &p->params,
                            p->conf->local_name, &e);
    if (!rc)
        rc = sr_put_record(&b, WIRE_LIBXL_LIBXC_CONTEXT, NULL, 0, &e);
    if (!rc)
        rc = put_static(p, &b, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
    else if (p->link.own)
        primary_tell_pause_anew(p);    /* its echo: a copy was begun */
}

/* The pages at @at[n], ascending, as one record; what lies together in
   staging goes out together. */
static int put_data(struct colo_primary *p, const size_t *at, size_t n,
                    struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    uint64_t pfns[BATCH_PAGES];
    int rc;

    for (size_t i = 0; i < n; i++)
        pfns[i] = p->stage.pfns[at[i]];
    rc = sr_put_page_data_head(&b, pfns, n, e);
    if (!rc)
        rc = link_put(&p->link, &b, e);
    for (size_t i = 0, run; !rc && i < n; i += run) {
        for (run = 1; i + run < n && at[i + run] == at[i] + run; run++)
            ;
        if (p->link.open && !p->link.broken)
            rc = outq_refer(&p->link.out, ckpt_page(&p->stage, at[i]),
                            run * CKPT_PAGE_SIZE, e);
    }
    return rc;
}

static int put_zeroes(struct colo_primary *p, const uint64_t *pfns, size_t n,
                      struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = sr_put_zero_pages(&b, pfns, n, e);

    return rc ? rc : link_put(&p->link, &b, e);
}

/* What is staged, in records of at most BATCH_PAGES. A peer of ours is only
   told which pages are zero. */
int primary_put_pages(struct colo_primary *p, struct err *e)
{
    uint64_t zero[BATCH_PAGES];
    size_t at[BATCH_PAGES], i = 0;
    int rc = 0;

    while (!rc && i < p->stage.pages_nr) {
        size_t end = i + BATCH_PAGES, data_nr = 0, zero_nr = 0;

        if (end > p->stage.pages_nr)
            end = p->stage.pages_nr;
        for (; i < end; i++)
            if (p->link.own && ckpt_is_zero(&p->stage, i))
                zero[zero_nr++] = p->stage.pfns[i];
            else
                at[data_nr++] = i;
        if (data_nr)
            rc = put_data(p, at, data_nr, e);
        if (!rc && zero_nr)
            rc = put_zeroes(p, zero, zero_nr, e);
    }
    return rc;
}

/* The next pages of the round through staging into the stream. */
static int round_batch(struct colo_primary *p, struct err *e)
{
    size_t n = p->round_nr - p->round_done;
    uint64_t *pfns;
    uint8_t *pages;
    int rc;

    if (n > BATCH_PAGES)
        n = BATCH_PAGES;
    ckpt_reset(&p->stage, 0);
    rc = ckpt_add(&p->stage, n, &pfns, &pages, e);
    if (rc)
        return rc;
    memcpy(pfns, p->round_pfns + p->round_done, n * sizeof(*pfns));
    rc = p->dom->copy(p->conf->dom, pfns, n, pages, e);
    if (!rc)
        rc = primary_verify_staged(p, 1, e);
    if (!rc)
        rc = p->mode->put_pages(p, e);
    p->round_done += n;
    if (p->conf->report && p->conf->report->progress)
        p->conf->report->progress(p->conf->report->ctx, p->round,
                                  p->round_done, p->round_nr,
                                  p->link.out.sent);
    return rc;
}

/* A peer of ours looks whether it can hold a copy before it takes a page. */
static bool isnt_admitted(const struct colo_primary *p)
{
    return p->round == 0 && p->unechoed > 0;
}

void primary_admitted(struct colo_primary *p)
{
    if (!p->round_waits || p->round > 0 || isnt_admitted(p))
        return;
    p->round_waits = false;
    primary_post(p, PT_ROUND_SENT);
}

/* So far that it couldn't be known to hear us, nor believed (back_ready()). */
static bool is_far(const struct colo_primary *p)
{
    return p->link.own && window_way_ns(&p->link.window) >=
           (p->params.silence_ms - p->params.heartbeat_ms) * ENV_MS;
}

/* Few enough pages are left. Who is paused can't agree to stand still. */
static void converged(struct colo_primary *p)
{
    if (is_far(p)) {
        primary_lost(p, "the way to the receiver and back takes %" PRIu64
                     " ms, too long for a silence limit of %u ms "
                     "(--silence-ms)", window_way_ns(&p->link.window) /
                     ENV_MS, p->params.silence_ms);
        return;
    }
    if (!p->mode->both_run || !primary_is_paused(p)) {
        primary_post(p, PT_CONVERGED);
        return;
    }
    p->round_waits = true;
    p->ops->timer(p->env, ENV_TIMER_INTERVAL,
                  p->params.heartbeat_ms * ENV_MS);
}

void primary_act_round(struct colo_primary *p)
{
    bool over = p->round_done == p->round_nr;
    struct err e = { 0 };
    int rc = 0;

    if (p->ended)
        return;
    p->round_waits = isnt_admitted(p);
    if (p->round_waits)
        return;
    if (over && p->round > 0 &&
        (p->round_nr <= CONVERGED_PAGES || p->stuck >= STUCK_MAX)) {
        converged(p);
        return;
    }
    if (over) {
        rc = p->dom->dirty(p->conf->dom, &p->round_pfns, &p->round_nr, &e);
        p->round++;
        p->round_done = 0;
        if (p->round_nr >= p->round_least)
            p->stuck++;
        else
            p->round_least = p->round_nr;
    }
    if (!rc && p->round_nr == 0) {
        converged(p);
        return;
    }
    p->sending = SENDING_ROUND;
    if (!rc)
        rc = round_batch(p, &e);
    if (rc)
        primary_local_failed(p, &e);
}

/* What follows an epoch's pages. */
static int put_epoch_tail(struct colo_primary *p, struct buf *b,
                          struct err *e)
{
    const struct ckpt *c = &p->stage;
    int rc;

    rc = sr_put_record(b, WIRE_LIBXC_X86_TSC_INFO, c->tsc.data, c->tsc.size,
                       e);
    if (!rc)
        rc = sr_put_record(b, WIRE_LIBXC_HVM_CONTEXT, c->context.data,
                           c->context.size, e);
    if (!rc)
        rc = sr_put_record(b, WIRE_LIBXC_HVM_PARAMS, c->params.data,
                           c->params.size, e);
    if (!rc)
        rc = sr_put_record(b, WIRE_LIBXC_CHECKPOINT, NULL, 0, e);
    if (!rc && c->device.size)
        rc = sr_put_emulator_context(b, WIRE_EMULATOR_QEMU_UPSTREAM,
                                     c->device.data, c->device.size, e);
    if (!rc)
        rc = sr_put_record(b, WIRE_LIBXL_CHECKPOINT_END, NULL, 0, e);
    return rc;
}

void primary_act_send_epoch(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };
    int rc;

    if (p->lease_failed)
        return;    /* what nothing proves off isn't to be taken over from */
    p->sending = SENDING_EPOCH;
    p->going_out = true;
    p->first_byte = p->link.out.sent + p->link.out.queued;
    rc = primary_put_pages(p, &e);
    if (!rc)
        rc = primary_verify_put(p, &b, &e);
    if (!rc)
        rc = put_epoch_tail(p, &b, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
    p->epoch_end = p->link.out.sent + p->link.out.queued;
    primary_clock(p, p->params.step_ms * ENV_MS);
}

/*
 * A stock receiver would take over at the stream's end. It can't be told,
 * but a record that it must not understand makes it give its copy up.
 */
static int put_poison(struct colo_primary *p, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = sr_put_record(&b, 0x7fffffffu, NULL, 0, e);

    if (!rc)
        rc = sr_put_record(&b, WIRE_LIBXC_CHECKPOINT, NULL, 0, e);
    if (!rc)
        rc = sr_put_record(&b, WIRE_LIBXL_CHECKPOINT_END, NULL, 0, e);
    if (!rc)
        rc = link_put(&p->link, &b, e);
    if (rc)
        return rc;             /* without it, the end would be a take-over */
    link_end_send(&p->link);   /* a transport of several programs ends so */
    return 0;
}

void primary_act_send_end(struct colo_primary *p)
{
    struct err e = { 0 };
    int rc;

    p->sending = SENDING_NOTHING;
    p->going_out = false;
    primary_dont_look(p);
    primary_clock(p, 3 * p->params.step_ms * ENV_MS);
    /* Destroying a domain keeps the other side from answering for a while;
       it is no longer the one that might take over. */
    link_allow_silence(&p->link, LINK_EARLY_SILENCE_NS);
    if (p->link.own)
        rc = link_put_release(&p->link, &e);
    else
        rc = put_poison(p, &e);
    if (rc)
        primary_say(p, LOG_ERROR, "the peer can't be told: %s", e.msg);
}
