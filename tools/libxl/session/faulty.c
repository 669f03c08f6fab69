/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The ops around the real ones. Which those are is the process's, as the
 * counts of the points are.
 */
#include "faulty.h"

#include "fault_point.h"

static const struct dom_ops *dom;
static const struct net_ops *net;
static struct dom_ops around_dom;
static struct net_ops around_net;

static bool fails(const char *name, struct err *e)
{
    if (!fault_point(name))
        return false;
    err_set(e, ERR_IO, "%s, as " FAULT_POINTS_ENV " says", name);
    return true;
}

/* The ops that can: X(set, op, its name, parameters, arguments). */
#define DOM_FAULTS(X) \
X(dom, static_data, "static-data", \
  (struct dom *d, struct dom_static *s_r, struct err *e), (d, s_r, e)) \
X(dom, log_start, "log-start", (struct dom *d, struct err *e), (d, e)) \
X(dom, dirty, "dirty", (struct dom *d, const uint64_t **pfns_r, size_t *n_r, \
                        struct err *e), (d, pfns_r, n_r, e)) \
X(dom, copy, "copy", (struct dom *d, const uint64_t *pfns, size_t n, \
                      uint8_t *to, struct err *e), (d, pfns, n, to, e)) \
X(dom, suspend, "suspend", \
  (struct dom *d, unsigned int timeout_ms, struct err *e), \
  (d, timeout_ms, e)) \
X(dom, resume, "resume", (struct dom *d, struct err *e), (d, e)) \
X(dom, capture, "capture", \
  (struct dom *d, struct ckpt *c, uint64_t epoch, struct err *e), \
  (d, c, epoch, e)) \
X(dom, create, "create", \
  (struct dom *d, const struct dom_create *c, int *fd_r, struct err *e), \
  (d, c, fd_r, e)) \
X(dom, apply, "apply", \
  (struct dom *d, const struct ckpt *c, struct err *e), (d, c, e)) \
X(dom, activate, "activate", (struct dom *d, bool run, struct err *e), \
  (d, run, e)) \
X(dom, destroy, "destroy", \
  (struct dom *d, unsigned int wait_ms, struct err *e), (d, wait_ms, e))
#define NET_FAULTS(X) \
X(net, attach, "attach", (const struct dom_info *info, \
                          const struct logger *log, struct net **n_r, \
                          struct err *e), (info, log, n_r, e)) \
X(net, hold, "hold", (struct net *n, struct err *e), (n, e)) \
X(net, tap, "tap", (struct net *n, struct err *e), (n, e)) \
X(net, mark, "mark", (struct net *n, struct err *e), (n, e)) \
X(net, release_epoch, "release-epoch", (struct net *n, struct err *e), (n, e))

#define DEFINE(set, op, name, parameters, arguments) \
    static int set##_##op parameters \
    { \
        return fails("fail." name, e) ? ERR_IO : set->op arguments; \
    }
#define PUT(set, op, name, parameters, arguments) around_##set.op = set##_##op;

DOM_FAULTS(DEFINE)
NET_FAULTS(DEFINE)

const struct dom_ops *faulty_dom_ops(const struct dom_ops *ops)
{
    if (!fault_points_on())
        return ops;
    dom = ops;
    around_dom = *ops;
    DOM_FAULTS(PUT)
    return &around_dom;
}

const struct net_ops *faulty_net_ops(const struct net_ops *ops)
{
    if (!fault_points_on() || !ops)
        return ops;
    net = ops;
    around_net = *ops;
    NET_FAULTS(PUT)
    return &around_net;
}
