/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Who asked the guest to suspend, when another tool writes to xenstore's
 * control/shutdown at the same time: each order in which the two and the
 * guest can follow one another, before each call that we make to xenstored.
 * That is a real one, so this is skipped where none runs; the lab runs it in
 * a dom0. Our calls are found by the linker's --wrap.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "xen_priv.h"

#define LONG_MS 60000
#define ROUNDS  4      /* of events, before the guest stands still */
#define ACTS_MAX 4
#define PID_FILE "/run/xenstored.pid"
#define SENT_US 50000      /* until both requests are on their way */

/*
 * What the others do, in order:
 *  p, s  another tool asks for a poweroff, for a suspend
 *  r     somebody changes the node's rights, of which an event tells, too
 *  g     the guest takes what stands there, by emptying it
 * A guest that took "suspend" takes nothing more until it stands still.
 */
static const char *acts;
static unsigned int when[ACTS_MAX];    /* before which of our calls */
static unsigned int done_nr, calls;

enum who { NOBODY, US, TOOL };
static enum who wrote;       /* what stands there */
static enum who suspends;    /* whose "suspend" the guest took */
static bool seen, unseen;    /* what we wrote, by us; when it was taken */
static bool writing;         /* our transaction has written */
static pid_t merge;          /* xenstored, to get a save's request with ours */
static struct xs_handle *others;
static struct dom d;          /* domain 0, with a node of its own */

xs_transaction_t __real_xs_transaction_start(struct xs_handle *h);
bool __real_xs_transaction_end(struct xs_handle *h, xs_transaction_t t,
                               bool abort);
void *__real_xs_read(struct xs_handle *h, xs_transaction_t t,
                     const char *path, unsigned int *len);
bool __real_xs_write(struct xs_handle *h, xs_transaction_t t,
                     const char *path, const void *data, unsigned int len);
char **__real_xs_check_watch(struct xs_handle *h);
xs_transaction_t __wrap_xs_transaction_start(struct xs_handle *h);
bool __wrap_xs_transaction_end(struct xs_handle *h, xs_transaction_t t,
                               bool abort);
void *__wrap_xs_read(struct xs_handle *h, xs_transaction_t t,
                     const char *path, unsigned int *len);
bool __wrap_xs_write(struct xs_handle *h, xs_transaction_t t,
                     const char *path, const void *data, unsigned int len);
char **__wrap_xs_check_watch(struct xs_handle *h);

static void put(const char *value, enum who who)
{
    assert_true(__real_xs_write(others, XBT_NULL, d.control_path, value,
                                (unsigned int)strlen(value)));
    wrote = who;
}

static void guest_takes(void)
{
    char *value = __real_xs_read(others, XBT_NULL, d.control_path, NULL);

    assert_non_null(value);
    if (*value && suspends == NOBODY) {
        if (!strcmp(value, "suspend"))
            suspends = wrote;
        unseen = !seen;
        put("", NOBODY);
    }
    free(value);
}

static void change_rights(void)
{
    struct xs_permissions p = { .id = 0, .perms = XS_PERM_NONE };

    assert_true(xs_set_permissions(others, XBT_NULL, d.control_path, &p, 1));
}

static void act(char what)
{
    if (what == 'p')
        put("poweroff", TOOL);
    else if (what == 's')
        put("suspend", TOOL);
    else if (what == 'r')
        change_rights();
    else
        guest_takes();
}

/* Whatever was written, its event is here when this returns. */
static void settle(void)
{
    free(__real_xs_read(d.xs, XBT_NULL, d.control_path, NULL));
}

static void before_call(void)
{
    bool some = false;

    for (; acts && acts[done_nr] && when[done_nr] <= calls; done_nr++) {
        act(acts[done_nr]);
        some = true;
    }
    if (some)
        settle();
    calls++;
}

xs_transaction_t __wrap_xs_transaction_start(struct xs_handle *h)
{
    before_call();
    writing = false;
    return __real_xs_transaction_start(h);
}

static void *save(void *arg)
{
    (void)arg;
    if (!__real_xs_write(others, XBT_NULL, d.control_path, "suspend", 7))
        abort();
    return NULL;
}

static void *go_on(void *arg)
{
    usleep(SENT_US);
    kill(merge, SIGCONT);
    return arg;
}

/* xenstored finds our request and a save's when it looks next. */
static bool end_with_a_save(struct xs_handle *h, xs_transaction_t t)
{
    pthread_t saver, waker;
    bool done;

    assert_int_equal(kill(merge, SIGSTOP), 0);
    assert_int_equal(pthread_create(&saver, NULL, save, NULL), 0);
    assert_int_equal(pthread_create(&waker, NULL, go_on, NULL), 0);
    done = __real_xs_transaction_end(h, t, false);
    pthread_join(saver, NULL);
    pthread_join(waker, NULL);
    merge = 0;
    wrote = TOOL;
    return done;
}

bool __wrap_xs_transaction_end(struct xs_handle *h, xs_transaction_t t,
                               bool abort)
{
    bool done;

    before_call();
    if (merge && !abort)
        return end_with_a_save(h, t);
    done = __real_xs_transaction_end(h, t, abort);
    if (done && !abort && writing) {
        wrote = US;
        seen = false;
    }
    return done;
}

void *__wrap_xs_read(struct xs_handle *h, xs_transaction_t t,
                     const char *path, unsigned int *len)
{
    before_call();
    seen |= t == XBT_NULL;
    return __real_xs_read(h, t, path, len);
}

bool __wrap_xs_write(struct xs_handle *h, xs_transaction_t t,
                     const char *path, const void *data, unsigned int len)
{
    before_call();
    writing = true;
    return __real_xs_write(h, t, path, data, len);
}

char **__wrap_xs_check_watch(struct xs_handle *h)
{
    before_call();
    return __real_xs_check_watch(h);
}

static void begin(void)
{
    char **w;

    acts = NULL;
    put("", NOBODY);
    settle();
    while ((w = __real_xs_check_watch(d.xs)))
        free(w);
    d.state = XEN_RUNNING;
    d.events_nr = 0;
    done_nr = calls = 0;
    suspends = NOBODY;
}

/* One order: is it told rightly for whom the guest stands still? */
static void try(const char *script)
{
    struct dom_event ev;
    struct err e = { 0 };
    bool ours;

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
    if (suspends == NOBODY)
        return;
    /* Taken before it was seen there, and who saves hasn't asked yet? */
    if (suspends == US && unseen && xen_rival_look(&d, NULL))
        return;
    ours = xen_request_is_ours(&d);
    if (ours != (suspends == US))
        fail_msg("%s at %u %u %u %u (state %d): \"%s\" is told", script,
                 when[0], when[1], when[2], when[3], d.state,
                 ours ? "ours" : "theirs");
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
    static const char *const scripts[] = { "sg", "gs", "sgg", "pgg" };
    unsigned int last = calls_alone() + 2;
    pid_t helper = start_helper();

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        try_all(scripts[i], 0, last);
    end_helper(helper);
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
        cmocka_unit_test(a_save_at_once_is_not_ours),
    };

    if (argc > 1 && !strcmp(argv[1], "--save-domain"))
        return pause();
    return cmocka_run_group_tests_name("xen_request", tests, open_store,
                                       close_store);
}
