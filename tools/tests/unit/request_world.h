/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A real xenstored for tests of requests: what another tool, the guest and
 * the hypervisor do before each call of ours to it. Our calls are found by
 * the linker's --wrap.
 */
#ifndef XC_TEST_REQUEST_WORLD_H
#define XC_TEST_REQUEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "xen_priv.h"

#define ACTS_MAX 4
#define SENT_US  50000      /* until both requests are on their way */

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
static bool writing;         /* our transaction has written */
static bool stands;          /* the guest is seen to stand still */
static pid_t merge;          /* xenstored, to get a save's request with ours */
static struct xs_handle *others;
static struct dom d;          /* domain 0, with a node of its own */

/* The two names that --wrap gives a call of ours. */
#define WRAPPED(call) __typeof__(call) __real_##call, __wrap_##call
WRAPPED(xs_transaction_start);
WRAPPED(xs_transaction_end);
WRAPPED(xs_read);
WRAPPED(xs_write);
WRAPPED(xs_check_watch);
WRAPPED(xc_domain_getinfolist);

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
    if (done && !abort && writing)
        wrote = US;
    return done;
}

void *__wrap_xs_read(struct xs_handle *h, xs_transaction_t t,
                     const char *path, unsigned int *len)
{
    before_call();
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

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first,
                                 unsigned int max, xc_domaininfo_t *info)
{
    int n = __real_xc_domain_getinfolist(xch, first, max, info);

    if (n > 0 && stands) {
        info->flags &= ~(uint32_t)(XEN_DOMINF_shutdownmask <<
                                   XEN_DOMINF_shutdownshift);
        info->flags |= XEN_DOMINF_shutdown |
                       SHUTDOWN_suspend << XEN_DOMINF_shutdownshift;
    }
    return n;
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
    stands = false;
    done_nr = calls = 0;
    suspends = NOBODY;
}

#endif
