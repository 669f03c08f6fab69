/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Who asked the guest to suspend, when another tool writes to xenstore's
 * control/shutdown at the same time: each order in which the two and the
 * guest can follow one another, before each call that we make to xenstored.
 * That is a real one (request_world.h), so this is skipped where none runs;
 * the lab runs it in a dom0.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "request_world.h"

#define LONG_MS 60000
#define ROUNDS  4      /* of events, before the guest stands still */
#define PID_FILE "/run/xenstored.pid"

/* For whom the guest stands still. Who saves and hasn't asked yet does so
   now; else it lets the guest run again. */
static enum who told(void)
{
    struct dom_event ev;

    stands = true;
    xen_suspend_on_release(&d);
    if (d.state == XEN_DOUBT) {
        assert_int_not_equal(xen_rival_look(&d, NULL), 0);
        assert_int_equal(xen_next_event(&d, &ev), ERR_AGAIN);
        stands = suspends == US;
        if (stands)
            put("suspend", TOOL);
        settle();
        xen_suspend_on_timer(&d);
    }
    assert_int_equal(xen_next_event(&d, &ev), 0);
    if (ev.kind == DOM_EV_SUSPENDED && d.state == XEN_SUSPENDED)
        return US;
    assert_true(ev.kind == DOM_EV_SHUTDOWN && d.state == XEN_ENDED);
    return TOOL;
}

static void ask_while(const char *script)
{
    struct dom_event ev;
    struct err e = { 0 };

    begin();
    acts = script;
    assert_int_equal(xen_suspend(&d, LONG_MS, &e), 0);
    for (int i = 0; i < ROUNDS; i++) {
        settle();
        assert_int_equal(xen_next_event(&d, &ev), ERR_AGAIN);
    }
    for (; script[done_nr]; done_nr++)
        act(script[done_nr]);
    settle();
    acts = NULL;
}

/* One order: is it told rightly for whom the guest stands still? */
static void try(const char *script)
{
    enum who whose;

    ask_while(script);
    if (suspends == NOBODY)
        return;
    whose = told();
    if (whose != suspends)
        fail_msg("%s at %u %u %u %u (state %d): \"%s\" is told", script,
                 when[0], when[1], when[2], when[3], d.state,
                 whose == US ? "ours" : "theirs");
}

/* How many calls are made when nobody else does anything. */
static unsigned int calls_alone(void)
{
    if (!d.xs)
        skip();    /* no xenstored here */
    memset(when, 0, sizeof(when));
    try("");
    return calls;
}

/* Each order of @script, its acts from @from on before any of our calls. */
static void try_all(const char *script, unsigned int from, unsigned int last)
{
    if (!script[from]) {
        try(script);
        return;
    }
    for (when[from] = from ? when[from - 1] : 0; when[from] <= last;
         when[from]++)
        try_all(script, from + 1, last);
}

static void a_shutdown_beside_it_takes_nothing(void **state)
{
    static const char *const scripts[] = {
        "g", "gp", "pg", "pgg", "gpg", "rg", "gr",
    };
    unsigned int last = calls_alone() + 2;

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        try_all(scripts[i], 0, last);
}

/* xl save's, which it starts before it asks the guest. */
static pid_t start_helper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/proc/self/exe", "libxl-save-helper", "--save-domain", "0",
              "-1", "0", (char *)NULL);
        _exit(1);
    }
    assert_true(pid > 0);
    while (!xen_rival_look(&d, NULL))
        usleep(1000);
    return pid;
}

static void end_helper(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_save_beside_it_takes_nothing(void **state)
{
    static const char *const scripts[] = { "g", "sg", "gs", "sgg", "pgg" };
    unsigned int last = calls_alone() + 2;
    pid_t helper = start_helper();

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        try_all(scripts[i], 0, last);
    end_helper(helper);
}

/* It might have asked: then it goes on, and so does whoever it works for. */
static void a_save_that_ends_has_asked(void **state)
{
    unsigned int last = calls_alone() + 2;
    pid_t helper = start_helper();

    (void)state;
    for (when[0] = 0; when[0] <= last && d.state != XEN_DOUBT; when[0]++) {
        ask_while("g");
        stands = true;
        xen_suspend_on_release(&d);
    }
    assert_int_equal(d.state, XEN_DOUBT);
    end_helper(helper);
    xen_suspend_on_timer(&d);
    assert_int_equal(d.state, XEN_ENDED);
}

/* The guest takes the save's request, of which no event tells. */
static void a_save_at_once_is_not_ours(void **state)
{
    unsigned int last = calls_alone() + 2;
    pid_t helper = start_helper();
    FILE *f = fopen(PID_FILE, "r");
    int pid = 0;

    (void)state;
    assert_true(f && fscanf(f, "%d", &pid) == 1);
    for (unsigned int i = 0; i <= last; i++) {
        when[0] = i;
        merge = pid;
        try("g");
    }
    fclose(f);
    end_helper(helper);
}

static int open_store(void **state)
{
    static char path[64];
    xc_domaininfo_t me;
    struct err e = { 0 };

    (void)state;
    d.xs = xs_open(0);
    if (!d.xs)
        return 0;
    others = xs_open(0);
    d.xch = xc_interface_open(NULL, NULL, 0);
    if (!others || !d.xch)
        return -1;
    snprintf(path, sizeof(path), "/tool/test-%d", (int)getpid());
    d.control_path = path;
    if (xc_domain_getinfolist(d.xch, 0, 1, &me) != 1)
        return -1;
    memcpy(d.info.uuid, me.handle, sizeof(d.info.uuid));
    put("", NOBODY);
    if (xen_event_init(&d, &e) || xen_event_watch(&d, &e)) {
        print_error("%s\n", e.msg);
        return -1;
    }
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    if (!d.xs)
        return 0;
    xs_rm(others, XBT_NULL, d.control_path);
    xs_close(others);
    xs_close(d.xs);
    xc_interface_close(d.xch);
    close(d.epoll_fd);
    close(d.timer_fd);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shutdown_beside_it_takes_nothing),
        cmocka_unit_test(a_save_beside_it_takes_nothing),
        cmocka_unit_test(a_save_that_ends_has_asked),
        cmocka_unit_test(a_save_at_once_is_not_ours),
    };

    if (argc > 1 && !strcmp(argv[1], "--save-domain"))
        return pause();
    return cmocka_run_group_tests_name("xen_request", tests, open_store,
                                       close_store);
}
