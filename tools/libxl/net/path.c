/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Looking at, and commanding, the output path of one interface: names, what
 * exists, counts, the plug's commands. Never creates or removes anything
 * (path_build.c does). Called by plug.c.
 */
#include "path.h"

#include <ctype.h>
#include <errno.h>
#include <netlink/route/classifier.h>
#include <netlink/route/link.h>
#include <netlink/route/qdisc/plug.h>
#include <netlink/route/tc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "path_rt.h"

int path_nl_error(struct err *e, int nlerr, const struct path *p,
                  const char *step)
{
    int code = ERR_IO;

    switch (-nlerr) {
    case NLE_PERM: code = ERR_PERM; break;
    case NLE_NOMEM: code = ERR_NOMEM; break;
    case NLE_EXIST:
    case NLE_BUSY: code = ERR_BUSY; break;
    case NLE_AGAIN: code = ERR_TIMEOUT; break;
    default: break;
    }
    return err_set(e, code, "%s: can't %s %s: %s", p->vif, step, p->ifb,
                   nl_geterror(nlerr));
}

int path_socket(struct nl_sock **sock_r, struct err *e)
{
    struct timeval limit = { .tv_sec = PATH_ANSWER_LIMIT_MS / 1000 };
    struct nl_sock *sock = nl_socket_alloc();
    int r;

    *sock_r = NULL;
    if (!sock)
        return err_set(e, ERR_NOMEM, "no memory for a netlink socket");
    r = nl_connect(sock, NETLINK_ROUTE);
    if (r < 0) {
        nl_socket_free(sock);
        return err_set(e, ERR_IO, "can't open a netlink socket: %s",
                       nl_geterror(r));
    }
    if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &limit,
                   sizeof(limit)) < 0) {
        r = err_sys(e, ERR_IO, errno, "can't bound a netlink socket's wait");
        nl_socket_free(sock);
        return r;
    }
    *sock_r = sock;
    return 0;
}

void path_ifb_name(const char *vif, char ifb_r[IFNAMSIZ])
{
    uint32_t hash = 2166136261u;    /* FNV-1a */
    const char *p;

    /* "colo" + "5.0-emu" can't meet "colo-" + name. */
    if (strncmp(vif, "vif", 3) == 0 && isdigit((unsigned char)vif[3]) &&
        snprintf(ifb_r, IFNAMSIZ, "colo%s", vif + 3) < IFNAMSIZ)
        return;
    if (snprintf(ifb_r, IFNAMSIZ, "colo-%s", vif) < IFNAMSIZ)
        return;
    for (p = vif; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    snprintf(ifb_r, IFNAMSIZ, "colo=%08x", (unsigned int)hash);
}

int path_link_get(struct path *p, struct nl_sock *sock, const char *name,
                  struct rtnl_link **link_r, struct err *e)
{
    int r = rtnl_link_get_kernel(sock, 0, name, link_r);

    if (r == 0)
        return 0;
    *link_r = NULL;
    if (r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND)
        return 0;
    return path_nl_error(e, r, p, "look for");
}

int path_find(struct path *p, struct nl_sock *sock, const char *vif,
              struct err *e)
{
    struct rtnl_link *link;
    const char *kind;
    int rc;

    memset(p, 0, sizeof(*p));
    if (snprintf(p->vif, sizeof(p->vif), "%s", vif) >= IFNAMSIZ ||
        vif[0] == '\0')
        return err_set(e, ERR_BUG, "'%.20s' can't be an interface", vif);
    path_ifb_name(vif, p->ifb);
    p->vif_index = (int)if_nametoindex(vif);
    rc = path_link_get(p, sock, p->ifb, &link, e);
    if (rc || !link)
        return rc;
    kind = rtnl_link_get_type(link);
    if (kind && strcmp(kind, "ifb") == 0)
        p->ifb_index = rtnl_link_get_ifindex(link);
    else
        rc = err_set(e, ERR_BUSY, "%s: interface %s is in the way and isn't "
                     "ours", p->vif, p->ifb);
    rtnl_link_put(link);
    return rc;
}

void path_dispose(struct path *p)
{
    if (p->plug)
        rtnl_qdisc_put(p->plug);
    p->plug = NULL;
}

/* ---- one qdisc, asked for by itself ----------------------------------- */

struct answer {
    struct rtnl_qdisc *qdisc;
    bool done;
};

static void take_object(struct nl_object *obj, void *arg)
{
    struct answer *a = arg;

    if (a->qdisc)
        return;
    nl_object_get(obj);
    a->qdisc = (struct rtnl_qdisc *)obj;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
    if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWQDISC)
        nl_msg_parse(msg, take_object, arg);
    return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
    (void)msg;
    ((struct answer *)arg)->done = true;
    return NL_STOP;
}

int path_qdisc_get(struct nl_sock *sock, int ifindex, uint32_t parent,
                   uint32_t handle, struct rtnl_qdisc **q_r)
{
    struct tcmsg tc = {
        .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex,
        .tcm_parent = parent, .tcm_handle = handle,
    };
    struct answer a = { NULL, false };
    struct nl_msg *msg;
    struct nl_cb *cb;
    int r;

    *q_r = NULL;
    /* Without ECHO the kernel tells listeners, and not who asked. */
    msg = nlmsg_alloc_simple(RTM_GETQDISC, NLM_F_REQUEST | NLM_F_ECHO);
    cb = nl_cb_alloc(NL_CB_DEFAULT);
    r = msg && cb ? nlmsg_append(msg, &tc, sizeof(tc), NLMSG_ALIGNTO)
                  : -NLE_NOMEM;
    if (r == 0) {
        nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &a);
        nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &a);
        r = nl_send_auto(sock, msg);
        while (r >= 0 && !a.done)
            r = nl_recvmsgs(sock, cb);
    }
    if (cb)
        nl_cb_put(cb);
    nlmsg_free(msg);
    /* No ingress ever: not found. One that was removed: invalid handle. */
    if (r == -NLE_OBJ_NOTFOUND || r == -NLE_INVAL)
        r = 0;
    if (r < 0 && a.qdisc)
        rtnl_qdisc_put(a.qdisc);
    else
        *q_r = a.qdisc;
    return r < 0 ? r : 0;
}

int path_counts(struct path *p, struct nl_sock *sock,
                struct path_counts *c_r, struct err *e)
{
    struct rtnl_qdisc *q;
    struct rtnl_tc *tc;
    int r = path_qdisc_get(sock, p->ifb_index, TC_H_ROOT, PATH_PLUG_HANDLE,
                           &q);

    memset(c_r, 0, sizeof(*c_r));
    if (r < 0)
        return path_nl_error(e, r, p, "read the plug of");
    if (!q)
        return err_set(e, ERR_IO, "%s: the plug of %s is gone", p->vif,
                       p->ifb);
    tc = TC_CAST(q);
    c_r->held_packets = rtnl_tc_get_stat(tc, RTNL_TC_QLEN);
    c_r->held_bytes = rtnl_tc_get_stat(tc, RTNL_TC_BACKLOG);
    c_r->sent_packets = (uint32_t)rtnl_tc_get_stat(tc, RTNL_TC_PACKETS);
    c_r->dropped_packets = (uint32_t)rtnl_tc_get_stat(tc, RTNL_TC_DROPS);
    rtnl_qdisc_put(q);
    return 0;
}

/* ---- the ingress, ours or not ----------------------------------------- */

int path_ingress_look(struct path *p, struct nl_sock *sock,
                      struct path_ingress *i_r, struct err *e)
{
    struct nl_cache *filters;
    struct nl_object *o;
    struct rtnl_qdisc *q;
    const char *kind;
    int r;

    memset(i_r, 0, sizeof(*i_r));
    r = path_qdisc_get(sock, p->vif_index, TC_H_INGRESS, PATH_INGRESS, &q);
    if (r < 0)
        return path_nl_error(e, r, p, "look at the ingress beside");
    if (!q)
        return 0;
    kind = rtnl_tc_get_kind(TC_CAST(q));
    snprintf(i_r->kind, sizeof(i_r->kind), "%s", kind ? kind : "unknown");
    rtnl_qdisc_put(q);
    r = rtnl_cls_alloc_cache(sock, p->vif_index, PATH_INGRESS, &filters);
    if (r < 0)
        return path_nl_error(e, r, p, "look at the filters beside");
    for (o = nl_cache_get_first(filters); o; o = nl_cache_get_next(o)) {
        struct rtnl_tc *tc = TC_CAST(o);

        kind = rtnl_tc_get_kind(tc);
        if (rtnl_tc_get_handle(tc) == 0)
            continue;    /* the heading of a list of filters */
        if (rtnl_tc_get_handle(tc) == PATH_FILTER_HANDLE && kind &&
            strcmp(kind, "matchall") == 0)
            i_r->ours = true;
        else
            i_r->foreign++;
    }
    nl_cache_free(filters);
    return 0;
}

int path_check(struct path *p, struct nl_sock *sock, bool *left_r,
               struct err *e)
{
    struct path_ingress ingress = { .foreign = 0 };
    int rc = 0;

    if (p->vif_index != 0)
        rc = path_ingress_look(p, sock, &ingress, e);
    *left_r = p->ifb_index != 0 || ingress.ours;
    if (rc || *left_r || ingress.kind[0] == '\0')
        return rc;
    return err_set(e, ERR_BUSY, "%s: its ingress has a %s qdisc of somebody "
                   "else (see: tc qdisc show dev %s)", p->vif, ingress.kind,
                   p->vif);
}

int path_command(struct path *p, struct nl_sock *sock,
                 enum path_command command, struct err *e)
{
    static const char *const step[] = {
        [PATH_BUFFER] = "end an epoch on",
        [PATH_RELEASE_ONE] = "release an epoch of",
        [PATH_RELEASE_ALL] = "release everything of",
    };
    int r = -NLE_INVAL;

    switch (command) {
    case PATH_BUFFER:
        r = rtnl_qdisc_plug_buffer(p->plug);
        break;
    case PATH_RELEASE_ONE:
        r = rtnl_qdisc_plug_release_one(p->plug);
        break;
    case PATH_RELEASE_ALL:
        r = rtnl_qdisc_plug_release_indefinite(p->plug);
        break;
    }
    if (r == 0)
        r = rtnl_qdisc_add(sock, p->plug, 0);
    return r < 0 ? path_nl_error(e, r, p, step[command]) : 0;
}
