/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Building and removing the output path of one interface. Loads no module
 * itself: the kernel does that when a kind it lacks is asked for, with the
 * same modprobe. Called by plug.c.
 */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/route/act/gact.h>
#include <netlink/route/act/mirred.h>
#include <netlink/route/action.h>
#include <netlink/route/classifier.h>
#include <netlink/route/cls/matchall.h>
#include <netlink/route/qdisc/plug.h>
#include <netlink/route/tc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "path_rt.h"

#define DRAIN_LOOK_MS 1
/* Empty this often in a row: what passed the filter has reached the queue. */
#define DRAIN_LOOKS 2

/* A kind that the kernel doesn't know: say what to do about it. */
static int build_error(struct err *e, int nlerr, const struct path *p,
                       const char *step)
{
    int code = path_nl_error(e, nlerr, p, step);

    if (nlerr != -NLE_OPNOTSUPP && nlerr != -NLE_OBJ_NOTFOUND)
        return code;
    return err_set(e, ERR_UNSUPPORTED, "%s: can't %s %s: the kernel lacks "
                   "it; try: modprobe -a ifb sch_plug sch_ingress "
                   "cls_matchall act_mirred act_gact", p->vif, step, p->ifb);
}

/*
 * IPv6 would send its own (router solicitations, group reports) through the
 * ifb, and they would be counted as the guest's. Best effort: without IPv6
 * there is no such file.
 */
static void keep_ipv6_off(const char *ifb)
{
    char name[64 + IFNAMSIZ];
    CLEANUP_CLOSE int fd = -1;
    ssize_t r;

    snprintf(name, sizeof(name), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
             ifb);
    fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        r = write(fd, "1", 1);
        (void)r;
    }
}

static int make_ifb(struct path *p, struct nl_sock *sock, struct err *e)
{
    struct rtnl_link *link = rtnl_link_alloc();
    struct rtnl_link *up = rtnl_link_alloc();
    int r = -NLE_NOMEM;

    if (!link || !up)
        goto out;
    rtnl_link_set_name(link, p->ifb);
    r = rtnl_link_set_type(link, "ifb");
    if (r == 0)
        r = rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL);
    if (r < 0)
        goto out;
    p->ifb_index = (int)if_nametoindex(p->ifb);
    keep_ipv6_off(p->ifb);
    rtnl_link_set_ifindex(up, p->ifb_index);
    rtnl_link_set_flags(up, IFF_UP);
    r = rtnl_link_change(sock, up, up, 0);
out:
    if (link)
        rtnl_link_put(link);
    if (up)
        rtnl_link_put(up);
    return r < 0 ? build_error(e, r, p, "make the ifb") : 0;
}

static struct rtnl_qdisc *alloc_qdisc(int ifindex, uint32_t parent,
                                      uint32_t handle, const char *kind)
{
    struct rtnl_qdisc *q = rtnl_qdisc_alloc();

    if (!q)
        return NULL;
    rtnl_tc_set_ifindex(TC_CAST(q), ifindex);
    rtnl_tc_set_parent(TC_CAST(q), parent);
    rtnl_tc_set_handle(TC_CAST(q), handle);
    if (rtnl_tc_set_kind(TC_CAST(q), kind) < 0) {
        rtnl_qdisc_put(q);
        return NULL;
    }
    return q;
}

static int prepare_plug(struct path *p)
{
    if (!p->plug)
        p->plug = alloc_qdisc(p->ifb_index, TC_H_ROOT, PATH_PLUG_HANDLE,
                              "plug");
    return p->plug ? 0 : -NLE_NOMEM;
}

static int add_plug(struct path *p, struct nl_sock *sock, struct err *e)
{
    int r = prepare_plug(p);

    if (r == 0)
        r = rtnl_qdisc_plug_set_limit(p->plug, PATH_HELD_LIMIT_BYTES);
    if (r == 0)
        r = rtnl_qdisc_add(sock, p->plug, NLM_F_CREATE | NLM_F_EXCL);
    return r < 0 ? build_error(e, r, p, "put a plug (sch_plug) on") : 0;
}

static int change_ingress(struct nl_sock *sock, int ifindex, bool add)
{
    struct rtnl_qdisc *q = alloc_qdisc(ifindex, TC_H_INGRESS, PATH_INGRESS,
                                       "ingress");
    int r;

    if (!q)
        return -NLE_NOMEM;
    r = add ? rtnl_qdisc_add(sock, q, NLM_F_CREATE | NLM_F_EXCL)
            : rtnl_qdisc_delete(sock, q);
    rtnl_qdisc_put(q);
    return r;
}

static struct rtnl_cls *alloc_filter(int ifindex)
{
    struct rtnl_cls *cls = rtnl_cls_alloc();

    if (!cls)
        return NULL;
    rtnl_tc_set_ifindex(TC_CAST(cls), ifindex);
    rtnl_tc_set_parent(TC_CAST(cls), PATH_INGRESS);
    rtnl_tc_set_handle(TC_CAST(cls), PATH_FILTER_HANDLE);
    rtnl_cls_set_prio(cls, 1);
    rtnl_cls_set_protocol(cls, ETH_P_ALL);
    if (rtnl_tc_set_kind(TC_CAST(cls), "matchall") < 0) {
        rtnl_cls_put(cls);
        return NULL;
    }
    return cls;
}

static int append_redirect(struct rtnl_cls *cls, int to_ifindex)
{
    struct rtnl_act *redirect = rtnl_act_alloc();
    struct rtnl_act *drop = rtnl_act_alloc();
    int r = -NLE_NOMEM;

    if (redirect && drop &&
        (r = rtnl_tc_set_kind(TC_CAST(redirect), "mirred")) == 0 &&
        (r = rtnl_tc_set_kind(TC_CAST(drop), "gact")) == 0 &&
        (r = rtnl_mirred_set_action(redirect, TCA_EGRESS_REDIR)) == 0 &&
        (r = rtnl_mirred_set_policy(redirect, TC_ACT_PIPE)) == 0 &&
        (r = rtnl_mirred_set_ifindex(redirect, (uint32_t)to_ifindex)) == 0 &&
        (r = rtnl_gact_set_action(drop, TC_ACT_SHOT)) == 0 &&
        (r = rtnl_mall_append_action(cls, redirect)) == 0)
        r = rtnl_mall_append_action(cls, drop);
    if (redirect)
        rtnl_act_put(redirect);
    if (drop)
        rtnl_act_put(drop);
    return r;
}

static int add_filter(struct nl_sock *sock, int ifindex, int to_ifindex)
{
    struct rtnl_cls *cls = alloc_filter(ifindex);
    int r;

    if (!cls)
        return -NLE_NOMEM;
    r = append_redirect(cls, to_ifindex);
    if (r == 0)
        r = rtnl_cls_add(sock, cls, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_cls_put(cls);
    return r;
}

/* The redirect is added when output is to be held, but a kernel that can't
   do it shall say so now: try it on the ifb itself, which receives nothing. */
static int rehearse(struct path *p, struct nl_sock *sock, struct err *e)
{
    int r = change_ingress(sock, p->ifb_index, true);

    if (r < 0)
        return build_error(e, r, p, "put an ingress (sch_ingress) on");
    r = add_filter(sock, p->ifb_index, p->ifb_index);
    if (r < 0)
        return build_error(e, r, p, "redirect (cls_matchall, act_mirred, "
                           "act_gact) to");
    r = change_ingress(sock, p->ifb_index, false);
    return r < 0 ? path_nl_error(e, r, p, "remove the ingress of") : 0;
}

int path_build(struct path *p, struct nl_sock *sock, struct err *e)
{
    int vif_index = p->vif_index;
    int r, rc;

    /* Until its ingress is ours, path_remove() leaves the interface alone. */
    p->vif_index = 0;
    rc = make_ifb(p, sock, e);
    if (rc == 0)
        rc = add_plug(p, sock, e);
    if (rc == 0)
        rc = rehearse(p, sock, e);
    if (rc)
        return rc;
    r = change_ingress(sock, vif_index, true);
    if (r < 0)
        return path_nl_error(e, r, p, "add the ingress that leads to");
    p->vif_index = vif_index;
    return 0;
}

int path_redirect(struct path *p, struct nl_sock *sock, struct err *e)
{
    int r = add_filter(sock, p->vif_index, p->ifb_index);

    return r < 0 ? path_nl_error(e, r, p, "redirect to") : 0;
}

/* ---- removal ----------------------------------------------------------- */

/* Nothing in the plug, and what left it has been received again: the ifb
   counts packets as received when it takes them and as sent when it gives
   them back. True also when there is no ifb any more. */
static bool is_drained(struct path *p, struct nl_sock *sock)
{
    struct path_counts c;
    struct rtnl_link *link;
    bool drained;

    if (path_counts(p, sock, &c, NULL) == 0 && c.held_packets > 0)
        return false;
    if (path_link_get(p, sock, p->ifb, &link, NULL) || !link)
        return true;
    drained = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS) ==
              rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS);
    rtnl_link_put(link);
    return drained;
}

static bool drain(struct path *p, struct nl_sock *sock, int limit_ms)
{
    struct timespec pause = { .tv_nsec = DRAIN_LOOK_MS * 1000000L };
    int waited_ms, empty = 0;

    for (waited_ms = 0; waited_ms < limit_ms; waited_ms += DRAIN_LOOK_MS) {
        empty = is_drained(p, sock) ? empty + 1 : 0;
        if (empty == DRAIN_LOOKS)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static int remove_redirect(struct path *p, struct nl_sock *sock,
                           struct err *e)
{
    struct path_ingress ingress;
    struct rtnl_cls *cls;
    int rc, r = 0;

    rc = path_ingress_look(p, sock, &ingress, e);
    if (rc)
        return rc;
    if (ingress.kind[0] == '\0' || (p->ifb_index == 0 && !ingress.ours))
        return 0;
    /* What others put beside ours stays. */
    if (ingress.foreign == 0 && strcmp(ingress.kind, "ingress") == 0) {
        r = change_ingress(sock, p->vif_index, false);
    } else if (ingress.ours) {
        cls = alloc_filter(p->vif_index);
        r = cls ? rtnl_cls_delete(sock, cls, 0) : -NLE_NOMEM;
        if (cls)
            rtnl_cls_put(cls);
    }
    if (r < 0 && r != -NLE_NODEV && r != -NLE_OBJ_NOTFOUND)
        return path_nl_error(e, r, p, "remove the redirect to");
    return 0;
}

/* The ifb, and with it what its plug still holds. */
static int delete_ifb(struct path *p, struct nl_sock *sock, struct err *e)
{
    struct rtnl_link *link = rtnl_link_alloc();
    int r = link ? 0 : -NLE_NOMEM;

    if (link) {
        rtnl_link_set_ifindex(link, p->ifb_index);
        r = rtnl_link_delete(sock, link);
        rtnl_link_put(link);
    }
    if (r < 0 && r != -NLE_NODEV && r != -NLE_OBJ_NOTFOUND)
        return path_nl_error(e, r, p, "remove the ifb");
    p->ifb_index = 0;
    return 0;
}

/* The interface may have gone, with its domain, and its number with it. */
static bool vif_is_there(const struct path *p)
{
    return p->vif_index != 0 &&
           if_nametoindex(p->vif) == (unsigned int)p->vif_index;
}

int path_drop(struct path *p, struct nl_sock *sock, struct err *e)
{
    int r, rc = p->ifb_index ? delete_ifb(p, sock, e) : 0;

    if (!vif_is_there(p))
        return rc;
    r = remove_redirect(p, sock, rc ? NULL : e);
    return rc ? rc : r;
}

int path_remove(struct path *p, struct nl_sock *sock, struct err *e)
{
    bool drained;
    int rc = 0;

    if (p->ifb_index != 0) {
        /* Also what died before its first command, or never had a plug. */
        if (prepare_plug(p) == 0)
            path_command(p, sock, PATH_RELEASE_ALL, NULL);
        drain(p, sock, PATH_DRAIN_FIRST_LIMIT_MS);
    }
    /* What has gone took its ingress along. */
    if (vif_is_there(p))
        rc = remove_redirect(p, sock, e);
    if (rc || p->ifb_index == 0)
        return rc;
    drained = drain(p, sock, PATH_DRAIN_LIMIT_MS);
    rc = delete_ifb(p, sock, e);
    if (!rc && !drained)
        return err_set(e, ERR_TIMEOUT, "%s: released output hadn't left %s "
                       "within %d ms, the rest was dropped", p->vif, p->ifb,
                       PATH_DRAIN_LIMIT_MS);
    return rc;
}
