/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The plug backend on the running kernel: what it leaves behind, frees and
 * refuses. Where the kernel has no sch_plug most are skipped; the lab runs
 * them in a dom0.
 */
#include "net_world.h"

#include <netlink/msg.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <sys/wait.h>

#include "plug.h"

/* ---- endings ---------------------------------------------------------- */

static void death_keeps_output_held_until_released(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    ATTACH();
    ops->detach(w.net);
    pid = fork();
    if (pid == 0) {
        struct net *n;

        _exit(ops->attach(&w.info, NULL, &n, NULL) || ops->hold(n, NULL));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    send_frames(6);
    expect_silence();
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY, "output of "
            "vif7.0 is held by an ended session; release it with: xl "
            "colo-stop --release web");
    expect_silence();            /* the refusal freed nothing */
    OK(net_plug_release_stale(&w.info, NULL, &e));
    expect_frames(6);
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    OK(net_plug_release_stale(&w.info, NULL, &e));
    ATTACH();
    ops->detach(w.net);
    send_frames(1);
    expect_frames(1);
}

static void abandon_and_refused_detach_keep_output_held(void **state)
{
    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    OK(ops->mark(w.net, &e));
    send_frames(2);
    ops->detach(w.net);          /* a caller's mistake; must not leak */
    expect_silence();
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY, "vif7.0");
    OK(net_plug_release_stale(&w.info, NULL, &e));
    expect_frames(2);
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(2);
    ops->abandon(w.net);
    expect_silence();
    OK(net_plug_release_stale(&w.info, NULL, &e));
    expect_frames(2);
}

static void interface_that_went_leaves_nothing(void **state)
{
    struct rtnl_link *link;

    (void)state;
    ATTACH();
    OK(ops->hold(w.net, &e));
    send_frames(2);
    link = rtnl_link_alloc();
    rtnl_link_set_name(link, "vif7.0");
    assert_int_equal(rtnl_link_delete(w.rt, link), 0);
    rtnl_link_put(link);
    OK(ops->mark(w.net, &e));
    OK(ops->release_epoch(w.net, &e));
    OK(ops->release_all(w.net, &e));
    ops->detach(w.net);
    assert_int_equal(if_nametoindex("colo7.0"), 0);
}

/* ---- refusals ---------------------------------------------------------- */

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    ATTACH();
    REFUSED(ops->mark(w.net, &e), ERR_BUG, "mark");
    REFUSED(ops->release_epoch(w.net, &e), ERR_BUG, "release_epoch");
    OK(ops->hold(w.net, &e));
    REFUSED(ops->hold(w.net, &e), ERR_BUG, "hold");
    OK(ops->mark(w.net, &e));
    REFUSED(ops->mark(w.net, &e), ERR_BUG, "mark");
    OK(ops->release_all(w.net, &e));
    REFUSED(ops->hold(w.net, &e), ERR_BUG, "hold");
    ops->detach(w.net);
    ops->detach(NULL);
    ops->abandon(NULL);
}

static void foreign_ingress_is_refused_and_kept(void **state)
{
    struct rtnl_qdisc *q;

    (void)state;
    ATTACH();
    ops->detach(w.net);
    q = rtnl_qdisc_alloc();
    rtnl_tc_set_ifindex(TC_CAST(q), (int)if_nametoindex("vif7.0"));
    rtnl_tc_set_parent(TC_CAST(q), 0xfffffff1);
    rtnl_tc_set_handle(TC_CAST(q), 0xffff0000);
    rtnl_tc_set_kind(TC_CAST(q), "clsact");
    assert_int_equal(rtnl_qdisc_add(w.rt, q, NLM_F_CREATE), 0);
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY,
            "vif7.0: its ingress has a clsact qdisc");
    OK(net_plug_release_stale(&w.info, NULL, &e));
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY, "clsact");
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    assert_int_equal(rtnl_qdisc_delete(w.rt, q), 0);
    rtnl_qdisc_put(q);
    ATTACH();
    ops->detach(w.net);
}

static void missing_interface_undoes_the_others(void **state)
{
    (void)state;
    NEED_WORLD();
    add_vif("vif7.1");
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_NOTFOUND, "vif7.1");
    assert_null(w.net);
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    send_frames(2);
    expect_frames(2);
}

static void name_in_the_way_is_refused(void **state)
{
    (void)state;
    NEED_WORLD();
    add_wire("gst1", "web", "br0");
    add_wire("colo-web", "other", NULL);
    add_vif("web");
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY, "colo-web");
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    assert_int_not_equal(if_nametoindex("colo-web"), 0);
}

/* A second name for the same interface: its path fails at the last step of
   its building, when the first one's stands. */
static void failure_half_way_is_undone(void **state)
{
    struct ifinfomsg ifi = { .ifi_index = (int)if_nametoindex("vif7.0") };
    struct nl_msg *msg;
    struct nlattr *props;

    (void)state;
    ATTACH();
    ops->detach(w.net);
    msg = nlmsg_alloc_simple(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL |
                                              NLM_F_APPEND);
    nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
    props = nla_nest_start(msg, IFLA_PROP_LIST | NLA_F_NESTED);
    nla_put_string(msg, IFLA_ALT_IFNAME, "same");
    nla_nest_end(msg, props);
    assert_int_equal(nl_send_sync(w.rt, msg), 0);
    add_vif("same");
    REFUSED(ops->attach(&w.info, NULL, &w.net, &e), ERR_BUSY, "colo-same");
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    assert_int_equal(if_nametoindex("colo-same"), 0);
    send_frames(2);
    expect_frames(2);
    w.info.vifs_nr = 1;
    ATTACH();
    ops->detach(w.net);
}

static void kernel_without_plug_is_named(void **state)
{
    struct err e;
    int rc;

    (void)state;
    NEED_WORLD();
    rc = ops->attach(&w.info, NULL, &w.net, &e);
    if (rc == 0) {
        ops->detach(w.net);
        print_message("this kernel has sch_plug\n");
        skip();
    }
    assert_int_equal(rc, ERR_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "modprobe -a ifb sch_plug"));
    assert_int_equal(if_nametoindex("colo7.0"), 0);
    send_frames(2);
    expect_frames(2);
}

static void no_privilege_is_said(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    NEED_WORLD();
    pid = fork();
    if (pid == 0) {
        struct err e = { 0, "" };
        struct net *n;

        if (setresuid(65534, 65534, 65534))
            _exit(100);
        _exit(ops->attach(&w.info, NULL, &n, &e));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), ERR_PERM);
}

static void domain_without_interfaces_is_fine(void **state)
{
    struct net_stats s;

    (void)state;
    w.info.vifs_nr = 0;
    OK(ops->attach(&w.info, NULL, &w.net, &e));
    OK(ops->hold(w.net, &e));
    OK(ops->mark(w.net, &e));
    OK(ops->release_epoch(w.net, &e));
    OK(ops->stats(w.net, &s, &e));
    OK(ops->release_all(w.net, &e));
    ops->detach(w.net);
    OK(net_plug_release_stale(&w.info, NULL, &e));
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(death_keeps_output_held_until_released),
        T(abandon_and_refused_detach_keep_output_held),
        T(interface_that_went_leaves_nothing),
        T(calls_out_of_order_are_refused),
        T(foreign_ingress_is_refused_and_kept),
        T(missing_interface_undoes_the_others),
        T(name_in_the_way_is_refused),
        T(failure_half_way_is_undone),
        T(kernel_without_plug_is_named),
        T(no_privilege_is_said),
        T(domain_without_interfaces_is_fine),
    };

    return cmocka_run_group_tests_name("net_refuse", tests, NULL, NULL);
}
