/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Frames between a domain, its copy and the world: who is told, who waits.
 */
#include "pairing.h"

#include <stdlib.h>
#include <string.h>

#include "writer.h"

/* What a FRAME's body has before the frame. */
#define FRAME_HEAD 8u

/* ---- letting go --------------------------------------------------------- */

static void note_delay(struct pairing *g, uint64_t came_ns)
{
    uint64_t us = (g->ops->now(g->env) - came_ns) / 1000;

    g->delays[g->delays_next] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    g->delays_next = (g->delays_next + 1) % PAIRING_DELAYS_MAX;
    if (g->delays_nr < PAIRING_DELAYS_MAX)
        g->delays_nr++;
}

/* What can't be put is lost, as in any network. */
static void emit(struct pairing *g, const struct net_frame *f)
{
    struct err e = { 0 };

    if (g->net_ops->put(g->net, f, &e))
        log_info(g->link->log, "event=frame-lost text=\"%s\"", e.msg);
}

static void on_release(void *ctx, const uint8_t *data, size_t n,
                       uint64_t came_ns)
{
    struct pairing_port *port = ctx;
    struct pairing *g = port->of;
    struct net_frame f = { .vif = port->vif, .data = data, .size = n };

    note_delay(g, came_ns);
    emit(g, &f);
}

/* ---- opening ------------------------------------------------------------ */

static int open_net(struct pairing *g, const struct pairing_conf *c,
                    struct err *e)
{
    struct net *net;
    int rc;

    if (!c->net_ops->tap)
        return err_set(e, ERR_UNSUPPORTED, "the network backend %s can't "
                       "compare the output of two copies", c->net_ops->name);
    rc = c->net_ops->attach(c->info, c->log, &net, e);
    if (rc)
        return rc;
    g->net = net;
    return c->net_ops->tap(net, e);
}

static int open_ports(struct pairing *g, const struct pairing_conf *c,
                      struct err *e)
{
    struct rewrite_conf rewrite = { .seed = c->seed,
                                    .flows_max = c->flows_max };
    int rc = 0;

    g->ports_nr = c->info->vifs_nr ? c->info->vifs_nr : 1;
    for (unsigned int i = 0; !rc && i < g->ports_nr; i++) {
        struct pairing_port *port = &g->ports[i];
        struct compare_conf compare = {
            .timeout_ns = c->timeout_ns, .seed = c->seed, .ctx = port,
            .flows_max = c->flows_max, .release = on_release,
        };

        port->of = g;
        port->vif = i;
        rc = c->timeout_ns ? compare_new(&compare, &port->compare, e)
                           : rewrite_new(&rewrite, &port->rewrite, e);
    }
    return rc;
}

int pairing_open(struct pairing *g, const struct pairing_conf *c,
                 struct err *e)
{
    int rc;

    memset(g, 0, sizeof(*g));
    g->ops = c->ops;
    g->env = c->env;
    g->net_ops = c->net_ops;
    g->link = c->link;
    rc = open_ports(g, c, e);
    return rc ? rc : open_net(g, c, e);
}

static void dispose(struct pairing *g)
{
    for (unsigned int i = 0; i < g->ports_nr; i++) {
        compare_free(g->ports[i].compare);
        rewrite_free(g->ports[i].rewrite);
    }
    if (g->ops)
        g->ops->timer(g->env, ENV_TIMER_COMPARE, ENV_NEVER);
    memset(g, 0, sizeof(*g));
}

int pairing_fd(struct pairing *g)
{
    return g->net && !g->still ? g->net_ops->fd(g->net) : -1;
}

/* ---- frames ------------------------------------------------------------- */

/* Nothing is equal any more, until the next checkpoint. */
static void hold(struct pairing *g)
{
    for (unsigned int i = 0; g->comparing && i < g->ports_nr; i++)
        compare_hold(g->ports[i].compare);
}

static void want(struct pairing *g, enum compare_why why)
{
    if (why == COMPARE_FINE || g->wanted)
        return;
    g->wanted = why;
    log_info(g->link->log, "event=checkpoint-wanted why=%s",
             compare_why_name(why));
}

/* Once the peer may have taken over, what it said before then doesn't count:
   it may say it to others by itself. If it hasn't, a checkpoint helps. */
static void doubt(struct pairing *g)
{
    if (link_is_heard(g->link))
        return;
    hold(g);
    want(g, COMPARE_LATE);
}

/* To the peer, in @port's numbers if it is the copy's. */
static int tell(struct pairing *g, struct pairing_port *port,
                const struct net_frame *f, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc;

    if (g->link->out.queued > PAIRING_QUEUE_MAX)
        return 0;
    rc = sr_put_frame(&b, f->vif, f->data, f->size, e);
    if (!rc && port->rewrite)
        rewrite_output(port->rewrite, b.data + WIRE_RECORD_HEADER_SIZE +
                       FRAME_HEAD, f->size, false);
    return rc ? rc : link_put(g->link, &b, e);
}

static int take(struct pairing *g, const struct net_frame *f, struct err *e)
{
    struct pairing_port *port;

    if (f->vif >= g->ports_nr || f->size < WIRE_FRAME_MIN ||
        f->size > WIRE_FRAME_MAX)
        return 0;    /* it goes nowhere */
    port = &g->ports[f->vif];
    if (port->rewrite)
        return f->to_domain ? 0 : tell(g, port, f, e);
    if (!g->comparing && !f->to_domain)
        emit(g, f);
    if (!g->comparing)
        return 0;
    if (f->to_domain)
        return tell(g, port, f, e);
    doubt(g);
    want(g, compare_primary(port->compare, f->data, f->size,
                            g->ops->now(g->env)));
    return 0;
}

int pairing_take(struct pairing *g, struct err *e)
{
    struct net_frame f;
    int rc = 0;

    while (!rc && g->net && !g->still &&
           g->net_ops->next(g->net, &f) == 0)
        rc = take(g, &f, e);
    return rc;
}

int pairing_peer(struct pairing *g, struct buf *body, struct err *e)
{
    struct net_frame f = { .to_domain = true };
    struct pairing_port *port;
    uint32_t vif;
    int rc = sr_get_frame(body->data, body->size, &vif, &f.data, &f.size, e);

    if (rc || !g->net)
        return rc;
    if (vif >= g->ports_nr)
        return err_set(e, ERR_PEER, "a frame of interface %u, and there are "
                       "%u", vif, g->ports_nr);
    f.vif = vif;
    port = &g->ports[vif];
    if (port->rewrite) {
        rewrite_input(port->rewrite, body->data + FRAME_HEAD, f.size, false);
        emit(g, &f);
    } else if (g->comparing) {
        doubt(g);
        want(g, compare_secondary(port->compare, f.data, f.size,
                                  g->ops->now(g->env)));
    }
    return 0;
}

void pairing_compare(struct pairing *g)
{
    g->comparing = g->net != NULL;
}

void pairing_tick(struct pairing *g)
{
    uint64_t now, next = UINT64_MAX;

    if (!g->comparing)
        return;
    now = g->ops->now(g->env);
    for (unsigned int i = 0; i < g->ports_nr; i++) {
        uint64_t at;

        want(g, compare_tick(g->ports[i].compare, now, &at));
        if (at < next)
            next = at;
    }
    /* Each frame moves what is looked for into the future: a look too early
       costs less than setting the clock for each. */
    if (next >= g->look_ns && now < g->look_ns)
        return;
    g->look_ns = next;
    g->ops->timer(g->env, ENV_TIMER_COMPARE,
                  next == UINT64_MAX ? ENV_NEVER :
                  next > now ? next - now : 0);
}

void pairing_stand(struct pairing *g)
{
    g->still = true;
    hold(g);
}

void pairing_checkpoint(struct pairing *g)
{
    g->wanted = COMPARE_FINE;
    for (unsigned int i = 0; i < g->ports_nr; i++) {
        if (g->ports[i].compare)
            compare_checkpoint(g->ports[i].compare);
        if (g->ports[i].rewrite)
            rewrite_checkpoint(g->ports[i].rewrite);
    }
}

void pairing_held(const struct pairing *g, uint64_t *frames_r,
                  uint64_t *octets_r)
{
    *frames_r = *octets_r = 0;
    for (unsigned int i = 0; i < g->ports_nr; i++) {
        const struct compare_stats *s = g->ports[i].compare ?
            compare_stats(g->ports[i].compare) : NULL;

        *frames_r += s ? s->packets : 0;
        *octets_r += s ? s->octets : 0;
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

void pairing_delay(const struct pairing *g, uint64_t *median_ns_r,
                   uint64_t *p99_ns_r)
{
    uint32_t sorted[PAIRING_DELAYS_MAX];
    size_t n = g->delays_nr;

    *median_ns_r = *p99_ns_r = 0;
    if (n == 0)
        return;
    memcpy(sorted, g->delays, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_size);
    /* What left at once was held, too: 1 us stands for less. */
    *median_ns_r = 1000 * (sorted[n / 2] ? (uint64_t)sorted[n / 2] : 1);
    *p99_ns_r = 1000 * (sorted[n * 99 / 100] ?
                        (uint64_t)sorted[n * 99 / 100] : 1);
}

/* ---- the end ------------------------------------------------------------ */

int pairing_alone(struct pairing *g, struct err *e)
{
    struct net_frame f;
    int rc;

    if (!g->net) {
        dispose(g);
        return 0;
    }
    g->still = false;
    for (unsigned int i = 0; i < g->ports_nr; i++)
        if (g->ports[i].compare)
            compare_alone(g->ports[i].compare);
    while (g->net_ops->next(g->net, &f) == 0)
        if (!f.to_domain && !g->ports[0].rewrite)
            emit(g, &f);
    rc = g->net_ops->release_all(g->net, e);
    g->net_ops->detach(g->net);
    dispose(g);
    return rc;
}

void pairing_drop(struct pairing *g)
{
    if (g->net)
        g->net_ops->drop(g->net);
    dispose(g);
}

void pairing_abandon(struct pairing *g)
{
    if (g->net)
        g->net_ops->abandon(g->net);
    dispose(g);
}
