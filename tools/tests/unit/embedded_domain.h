/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * An embedded domain with a clock and sockets, and clients of its service.
 * For test programs; part of each.
 */
#ifndef XC_TESTS_EMBEDDED_DOMAIN_H
#define XC_TESTS_EMBEDDED_DOMAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "embedded_int.h"
#include "embedded_tcp.h"

#define WAIT_MS 60000u
#define NEVER_MS 3600000u

static const struct dom_ops *const ops = &dom_embedded_ops;
static const struct net_ops *const nops = &net_embedded_ops;
static struct dom *d;

static inline void opens(unsigned int suspend_ms)
{
    char path[] = "/tmp/test-embedded-XXXXXX";
    struct dom_open o = { .name = "emb", .backend_arg = path };
    struct err e = { 0 };
    FILE *f = fdopen(mkstemp(path), "w");

    assert_non_null(f);
    fprintf(f, "{\"name\": \"emb\", \"uuid\": \"00112233-4455-6677-8899-"
            "aabbccddeeff\", \"pages\": 64, \"listen\": \"127.0.0.1:0\", "
            "\"work_pages\": 1, \"suspend_ms\": %u}\n", suspend_ms);
    fclose(f);
    if (ops->open(&o, &d, &e))
        fail_msg("%s", e.msg);
    unlink(path);
}

static inline uint64_t uncut(void *ctx, enum guest_outside what)
{
    (void)ctx;
    (void)what;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    ops->close(d);
    d = NULL;
    return 0;
}

static inline void ok(int rc, const struct err *e)
{
    if (rc)
        fail_msg("%d: %s", rc, e->msg);
}

/* One look at what is there, and true; not for ever. */
static inline bool turns(uint64_t until)
{
    struct pollfd p = { .fd = ops->fd(d), .events = POLLIN };
    struct dom_event ev;

    assert_true(clock_ms() < until);
    poll(&p, 1, 10);
    assert_int_equal(ops->next_event(d, &ev), ERR_AGAIN);
    return true;
}

#define UNTIL(condition) \
    for (uint64_t until_ = clock_ms() + WAIT_MS; \
         !(condition) && turns(until_); )

static inline int connects(void)
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(getsockname(d->listener, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void sends(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     strlen(text));
}

/* Of the client's socket: -1 while there is nothing. */
static inline ssize_t got(int fd, char *text, size_t room)
{
    ssize_t n = recv(fd, text, room, MSG_DONTWAIT);

    return n;
}

static inline void hears(int fd, const char *wanted)
{
    char text[256] = "";
    size_t used = 0;
    ssize_t n;

    UNTIL(used >= strlen(wanted)) {
        n = got(fd, text + used, sizeof(text) - 1 - used);
        assert_int_not_equal(n, 0);
        used += n > 0 ? (size_t)n : 0;
    }
    assert_string_equal(text, wanted);
}

static inline void hears_the_end(int fd)
{
    char text[256];
    ssize_t n = -1;

    UNTIL(n == 0 || (n < 0 && errno == ECONNRESET)) {
        n = got(fd, text, sizeof(text));
        assert_true(n <= 0);
    }
}

static inline struct net_stats stats(struct net *n)
{
    struct net_stats s;

    nops->stats(n, &s, NULL);
    return s;
}

/* Whether @fd, if it has something, calls whoever waits for the domain. */
static inline bool calls(int fd)
{
    struct epoll_event ready[EMB_CLIENTS_MAX];
    int n = epoll_wait(d->live, ready, EMB_CLIENTS_MAX, 0);

    while (n > 0)
        if (ready[--n].data.fd == fd)
            return true;
    return false;
}

static inline void expect_event(enum dom_ev_kind kind, struct dom_event *ev)
{
    uint64_t until = clock_ms() + WAIT_MS;

    while (ops->next_event(d, ev)) {
        struct pollfd p = { .fd = ops->fd(d), .events = POLLIN };

        assert_true(clock_ms() < until);
        poll(&p, 1, 100);
    }
    assert_int_equal(ev->kind, kind);
}

static inline void stands_still(void)
{
    struct dom_event ev;
    struct err e = { 0 };

    ok(ops->suspend(d, WAIT_MS, &e), &e);
    expect_event(DOM_EV_SUSPENDED, &ev);
    assert_int_equal(ops->next_event(d, &ev), ERR_AGAIN);
}

#endif
