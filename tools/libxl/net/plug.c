/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Output commit by sch_plug: every interface of a domain gets a path of its
 * own (path.h), and the calls of struct net_ops go to all of them in turn.
 * Never lets held output go by itself: only release_epoch(), release_all()
 * and net_plug_release_stale() do. Called through net_plug_ops.
 */
#include "plug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "announce.h"
#include "net.h"
#include "path.h"

/* A HVM guest's emulated card is a second interface beside the first. */
#define EMULATED_SUFFIX "-emu"
#define PATHS_MAX (2 * DOM_VIFS_MAX)

enum phase {
    ATTACHED,    /* packets take the direct way */
    HOLDING,     /* nothing is marked */
    MARKED,      /* an epoch waits for its release */
    FAILED,      /* held, not known how far: release_all() or abandon() */
    RELEASED,    /* the plug is open */
};

struct net {
    const struct logger *log;
    struct nl_sock *sock;
    enum phase phase;
    unsigned int paths_nr;
    struct path paths[PATHS_MAX];
    struct path_counts at_hold[PATHS_MAX];
    uint64_t sent_packets, dropped_packets;
};

static void plug_abandon(struct net *n)
{
    unsigned int i;

    if (!n)
        return;
    for (i = 0; i < n->paths_nr; i++)
        path_dispose(&n->paths[i]);
    if (n->sock)
        nl_socket_free(n->sock);
    free(n);
}

/* @built_only: leave alone what has no ifb (yet). */
static int remove_paths(struct net *n, bool built_only, struct err *e)
{
    unsigned int i;
    int r, rc = 0;

    for (i = n->paths_nr; i-- > 0;) {
        if (built_only && n->paths[i].ifb_index == 0)
            continue;
        r = path_remove(&n->paths[i], n->sock, rc ? NULL : e);
        rc = rc ? rc : r;
    }
    return rc;
}

static void plug_detach(struct net *n)
{
    struct err e = { 0, "" };

    if (!n)
        return;
    if (n->phase != ATTACHED && n->phase != RELEASED)
        log_error(n->log, "net=plug detach=refused output=held");
    else if (remove_paths(n, true, &e))
        log_error(n->log, "net=plug detach=failed reason=\"%s\"", e.msg);
    plug_abandon(n);
}

static void plug_drop(struct net *n)
{
    struct err e = { 0, "" };

    for (unsigned int i = n->paths_nr; i-- > 0;)
        if (n->paths[i].ifb_index && path_drop(&n->paths[i], n->sock, &e))
            log_error(n->log, "net=plug drop=failed reason=\"%s\"", e.msg);
    plug_abandon(n);
}

/* ---- finding the interfaces -------------------------------------------- */

static int find_path(struct net *n, const char *vif, struct err *e)
{
    unsigned int i;
    int rc;

    for (i = 0; i < n->paths_nr; i++)
        if (strcmp(n->paths[i].vif, vif) == 0)
            return 0;
    if (n->paths_nr == PATHS_MAX)
        return err_set(e, ERR_LIMIT, "%s: more than %d interfaces", vif,
                       PATHS_MAX);
    rc = path_find(&n->paths[n->paths_nr], n->sock, vif, e);
    if (rc == 0)
        n->paths_nr++;
    return rc;
}

/* The emulated card's interface counts when it, or our ifb of it, exists. */
static int find_emulated(struct net *n, const char *vif, struct err *e)
{
    char name[IFNAMSIZ + sizeof(EMULATED_SUFFIX)], ifb[IFNAMSIZ];

    snprintf(name, sizeof(name), "%s" EMULATED_SUFFIX, vif);
    if (strlen(name) >= IFNAMSIZ)
        return 0;
    path_ifb_name(name, ifb);
    if (if_nametoindex(name) == 0 && if_nametoindex(ifb) == 0)
        return 0;
    return find_path(n, name, e);
}

/* All interfaces of @info, looked at and not touched. */
static int find_paths(const struct dom_info *info, const struct logger *log,
                      struct net **n_r, struct err *e)
{
    struct net *n = calloc(1, sizeof(*n));
    unsigned int i;
    int rc = 0;

    *n_r = NULL;
    if (!n)
        return err_set(e, ERR_NOMEM, "no memory for the network's state");
    n->log = log;
    if (info->vifs_nr > DOM_VIFS_MAX)
        rc = err_set(e, ERR_LIMIT, "%u interfaces are more than %d",
                     info->vifs_nr, DOM_VIFS_MAX);
    if (rc == 0 && info->vifs_nr > 0)
        rc = path_socket(&n->sock, e);
    for (i = 0; rc == 0 && i < info->vifs_nr; i++) {
        rc = find_path(n, info->vifs[i].ifname, e);
        if (rc == 0)
            rc = find_emulated(n, info->vifs[i].ifname, e);
    }
    if (rc)
        plug_abandon(n);
    else
        *n_r = n;
    return rc;
}

/* ---- struct net_ops ----------------------------------------------------- */

static int check_free(struct net *n, const char *name, struct err *e)
{
    unsigned int i;
    bool left;
    int rc;

    for (i = 0; i < n->paths_nr; i++) {
        struct path *p = &n->paths[i];

        rc = path_check(p, n->sock, &left, e);
        if (rc)
            return rc;
        if (left)
            return err_set(e, ERR_BUSY, "output of %s is held by an ended "
                           "session; release it with: xl colo-stop "
                           "--release %s", p->vif, name);
        if (p->vif_index == 0)
            return err_set(e, ERR_NOTFOUND, "%s: no such interface on this "
                           "host", p->vif);
    }
    return 0;
}

static int plug_attach(const struct dom_info *info, const struct logger *log,
                       struct net **n_r, struct err *e)
{
    struct err undo = { 0, "" };
    struct net *n;
    unsigned int i;
    int rc;

    *n_r = NULL;
    rc = find_paths(info, log, &n, e);
    if (rc)
        return rc;
    rc = check_free(n, info->name, e);
    if (rc) {
        plug_abandon(n);    /* what was found there isn't ours to undo */
        return rc;
    }
    for (i = 0; rc == 0 && i < n->paths_nr; i++)
        rc = path_build(&n->paths[i], n->sock, e);
    if (rc) {
        if (remove_paths(n, true, &undo))
            log_error(log, "net=plug undo=failed reason=\"%s\"", undo.msg);
        plug_abandon(n);
        return rc;
    }
    for (i = 0; i < n->paths_nr; i++)
        log_info(log, "net=plug vif=%s ifb=%s attached=yes",
                 n->paths[i].vif, n->paths[i].ifb);
    n->phase = ATTACHED;
    *n_r = n;
    return 0;
}

static int plug_release_all(struct net *n, struct err *e)
{
    unsigned int i;
    int r, rc = 0;

    if (n->phase == ATTACHED || n->phase == RELEASED)
        return 0;
    for (i = 0; i < n->paths_nr; i++) {
        struct path *p = &n->paths[i];
        struct err one = { 0, "" };

        r = path_command(p, n->sock, PATH_RELEASE_ALL, &one);
        if (r == 0)
            continue;
        /* No ifb, nothing held. */
        if (if_nametoindex(p->ifb) == 0) {
            log_warn(n->log, "net=plug ifb=%s gone=yes", p->ifb);
            continue;
        }
        if (rc == 0 && e)
            *e = one;
        rc = rc ? rc : r;
    }
    n->phase = rc ? FAILED : RELEASED;
    return rc;
}

static int plug_hold(struct net *n, struct err *e)
{
    unsigned int i;
    int rc = 0;

    if (n->phase != ATTACHED)
        return err_set(e, ERR_BUG, "hold() comes after attach(), once");
    for (i = 0; rc == 0 && i < n->paths_nr; i++) {
        rc = path_counts(&n->paths[i], n->sock, &n->at_hold[i], e);
        if (rc == 0)
            rc = path_redirect(&n->paths[i], n->sock, e);
    }
    n->phase = HOLDING;
    if (rc)
        plug_release_all(n, NULL);
    return rc;
}

static int command_all(struct net *n, enum path_command command,
                       enum phase next, struct err *e)
{
    unsigned int i;
    int rc = 0;

    for (i = 0; rc == 0 && i < n->paths_nr; i++)
        rc = path_command(&n->paths[i], n->sock, command, e);
    n->phase = rc ? FAILED : next;
    return rc;
}

static int plug_mark(struct net *n, struct err *e)
{
    if (n->phase != HOLDING)
        return err_set(e, ERR_BUG, "mark() comes after hold(), and once "
                       "before release_epoch()");
    return command_all(n, PATH_BUFFER, MARKED, e);
}

static int plug_release_epoch(struct net *n, struct err *e)
{
    if (n->phase != MARKED)
        return err_set(e, ERR_BUG, "release_epoch() comes after mark()");
    return command_all(n, PATH_RELEASE_ONE, HOLDING, e);
}

static int plug_stats(struct net *n, struct net_stats *s_r, struct err *e)
{
    struct path_counts now;
    unsigned int i;
    int rc;

    memset(s_r, 0, sizeof(*s_r));
    for (i = 0; i < n->paths_nr; i++) {
        struct path_counts *was = &n->at_hold[i];

        rc = path_counts(&n->paths[i], n->sock, &now, e);
        if (rc)
            return rc;
        s_r->held_packets += now.held_packets;
        s_r->held_bytes += now.held_bytes;
        if (n->phase == ATTACHED)
            continue;
        /* The kernel's counts wrap at 2^32: add up what was new. */
        n->sent_packets += now.sent_packets - was->sent_packets;
        n->dropped_packets += now.dropped_packets - was->dropped_packets;
        *was = now;
    }
    s_r->sent_packets = n->sent_packets;
    s_r->dropped_packets = n->dropped_packets;
    return 0;
}

const struct net_ops net_plug_ops = {
    .name = "plug",
    .attach = plug_attach,
    .hold = plug_hold,
    .mark = plug_mark,
    .release_epoch = plug_release_epoch,
    .release_all = plug_release_all,
    .stats = plug_stats,
    .detach = plug_detach,
    .drop = plug_drop,
    .abandon = plug_abandon,
    .announce = announce_send,
};

int net_plug_release_stale(const struct dom_info *info,
                           const struct logger *log, struct err *e)
{
    struct net *n;
    int rc = find_paths(info, log, &n, e);

    if (rc)
        return rc;
    rc = remove_paths(n, false, e);
    if (rc == 0)
        log_note(log, "net=plug domain=%s released=yes", info->name);
    plug_abandon(n);
    return rc;
}
