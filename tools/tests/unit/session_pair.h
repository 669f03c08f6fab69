/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A pair of sessions over the embedded domain, as two processes on a socket
 * pair. For test programs.
 */
#ifndef XC_TESTS_SESSION_PAIR_H
#define XC_TESTS_SESSION_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "embedded.h"
#include "io.h"
#include "session_client.h"

/* No silence is heard but by who asks for less. */
#define SILENCE_NEVER_MS 60000

struct pair {
    char dir[64], config[96], run_a[96], run_b[96];
    uint16_t port;
    pid_t a, b;
};

struct side {
    const char *fence;
    unsigned int silence_ms;
    enum colo_takeover takeover;
    bool shared_disks, colo, verify;
    unsigned int interval_ms, max_dirty_pages;    /* 0: 20, none */
    enum colo_dialect dialect;
    unsigned int compare_ms;    /* 0: never too late */
    const struct dom_ops *dom_ops;    /* NULL: the embedded domain's */
    unsigned int calm_ms, lease_s;    /* for sign of life and step; 0: usual */
    unsigned int pages;         /* 0: 4096 */
};

static char side_a[] = "A", side_b[] = "B";

static void quiet(void *ctx, enum log_level level, const char *line)
{
    fprintf(stderr, "%s %d %s\n", (const char *)ctx, (int)level, line);
}

static void tell(void *ctx, enum log_level level, const char *text)
{
    quiet(ctx, level, text);
}

static unsigned int silence_of(const struct side *side)
{
    return side->silence_ms ? side->silence_ms : SILENCE_NEVER_MS;
}

static const struct dom_ops *dom_ops_of(const struct side *side)
{
    return side->dom_ops ? side->dom_ops : &dom_embedded_ops;
}

/* Exit status of a side: how it ended. */
static void run_primary(const struct pair *p, const struct side *side, int fd)
{
    struct logger log = { quiet, side_a, LOG_WARN };
    struct colo_report report = { .ctx = side_a, .message = tell };
    struct colo_params params = {
        .interval_ms = side->interval_ms ?: 20, .verify = side->verify,
        .max_dirty_pages = side->max_dirty_pages, .hold_output = true,
        .compare_timeout_ms = side->compare_ms ?: SILENCE_NEVER_MS,
        .fence = side->fence, .peer = "b", .lease_s = side->lease_s,
        .colo = side->colo, .shared_disks = side->shared_disks,
        .silence_ms = silence_of(side), .dialect = side->dialect,
        .heartbeat_ms = side->calm_ms, .step_ms = side->calm_ms };
    struct dom_open o = { .name = "emb", .log = &log,
                          .backend_arg = p->config };
    struct colo_primary_conf c = {
        .params = &params, .dom_ops = dom_ops_of(side), .report = &report,
        .net_ops = &net_embedded_ops, .host = "b", .log = &log,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = dup(fd),
                          .run_dir = p->run_a };
    struct colo_result r = { 0 };
    struct err e = { 0 };

    if (dom_embedded_ops.open(&o, &c.dom, &e) ||
        colo_primary_run(&c, &io, &r, &e)) {
        fprintf(stderr, "primary: %s\n", e.msg);
        _exit(99);
    }
    fprintf(stderr, "primary ended %d %s\n", (int)r.end, r.err.msg);
    _exit((int)r.end);
}

static volatile sig_atomic_t unpause_it;

static void on_usr1(int number)
{
    (void)number;
    unpause_it = 1;
}

/* What a front end does after take-over: let the domain run on. SIGUSR1
   unpauses it. */
static void serve_on(struct dom *d)
{
    signal(SIGUSR1, on_usr1);
    for (;;) {
        struct pollfd f = { .fd = dom_embedded_ops.fd(d), .events = POLLIN };
        struct dom_event ev;
        struct err e;

        if (unpause_it)
            dom_embedded_ops.unpause(d, &e);
        poll(&f, 1, 1000);
        dom_embedded_ops.next_event(d, &ev);
    }
}

static void run_secondary(const struct pair *p, const struct side *side,
                          int fd)
{
    struct logger log = { quiet, side_b, LOG_WARN };
    struct colo_report report = { .ctx = side_b, .message = tell };
    struct colo_params params = {
        .fence = side->fence, .peer = "a", .takeover = side->takeover,
        .colo = side->colo, .lease_s = side->lease_s, .interval_ms = 20,
        .dialect = side->dialect, .silence_ms = silence_of(side) };
    struct dom_open o = { .log = &log };
    struct dom *d = NULL;
    struct colo_secondary_conf c = {
        .params = &params, .dom_ops = dom_ops_of(side), .dom_open = &o,
        .net_ops = &net_embedded_ops, .log = &log, .report = &report,
        .dom_r = &d,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = dup(fd),
                          .run_dir = p->run_b, .state_dir = p->dir };
    struct colo_result r = { 0 };
    struct err e = { 0 };

    if (colo_secondary_run(&c, &io, &r, &e)) {
        fprintf(stderr, "secondary: %s\n", e.msg);
        _exit(99);
    }
    fprintf(stderr, "secondary ended %d %s\n", (int)r.end, r.err.msg);
    if (r.end == COLO_END_TAKEN_OVER)
        serve_on(d);
    _exit((int)r.end);
}

/* Of what a test has open a side has only its end of the stream. */
static void keep_only(int fd)
{
    for (int other = 3; other < 64; other++)
        if (other != fd)
            close(other);
}

/* Each side on its end of a stream, which stays the caller's, too. */
static void start_on(struct pair *p, const struct side *a,
                     const struct side *b, int fd_a, int fd_b)
{
    struct sockaddr_in at;
    FILE *f;

    snprintf(p->dir, sizeof(p->dir), "/tmp/xen-colo-test.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->config, sizeof(p->config), "%s/emb.json", p->dir);
    snprintf(p->run_a, sizeof(p->run_a), "%s/a", p->dir);
    snprintf(p->run_b, sizeof(p->run_b), "%s/b", p->dir);
    p->port = free_port();
    at = service_at(p->port);
    f = fopen(p->config, "w");
    assert_non_null(f);
    fprintf(f, "{\"name\":\"emb\",\"uuid\":\"00112233-4455-6677-8899-"
            "aabbccddeeff\",\"pages\":%u,\"work_pages\":20,"
            "\"listen\":\"%s:%u\"}", a->pages ?: 4096,
            inet_ntoa(at.sin_addr), p->port);
    fclose(f);
    p->a = fork();
    if (p->a == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        keep_only(fd_a);
        run_primary(p, a, fd_a);
    }
    p->b = fork();
    if (p->b == 0) {
        char pid[16];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(pid, sizeof(pid), "%d", (int)p->a);
        setenv("COLO_A", pid, 1);
        keep_only(fd_b);
        run_secondary(p, b, fd_b);
    }
}

static inline void start(struct pair *p, const struct side *a,
                         const struct side *b)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    start_on(p, a, b, fds[0], fds[1]);
    close(fds[0]);
    close(fds[1]);
}

/* It ends as by kill -9, if it is still there. */
static void kill_side(pid_t *pid)
{
    if (*pid <= 0)
        return;
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

static void stop(struct pair *p)
{
    char command[128];

    kill_side(&p->a);
    kill_side(&p->b);
    snprintf(command, sizeof(command), "rm -rf %s", p->dir);
    assert_int_equal(system(command), 0);
}

/* How the side ended. */
static inline int ended(pid_t *pid)
{
    for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end;) {
        int status;

        if (waitpid(*pid, &status, WNOHANG) == *pid) {
            *pid = 0;
            assert_true(WIFEXITED(status));
            return WEXITSTATUS(status);
        }
        tick();
    }
    fail_msg("the side didn't end");
    return -1;
}

/* Until the status of NAME in @dir has @text. */
static void await(const char *dir, const char *name, const char *text)
{
    char last[1024] = "nothing";

    for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end; tick()) {
        char *reply = NULL;
        struct err e;

        if (colo_control(dir, name, "status", &reply, &e))
            continue;
        snprintf(last, sizeof(last), "%s", reply);
        free(reply);
        if (strstr(last, text))
            return;
    }
    fail_msg("no %s in %s", text, last);
}

/* Both, until the domain is protected; a connection to it. */
static inline int begin(struct pair *p, const struct side *a,
                        const struct side *b)
{
    start(p, a, b);
    await(p->run_a, "emb", "\"protected\"");
    return dial(p->port);
}

/* What is behind @key in the status of NAME, a number that is there. */
static inline uint64_t status_number(const char *dir, const char *name,
                                     const char *key)
{
    char *reply = NULL, *at;
    struct err e = { 0 };
    uint64_t n;

    assert_int_equal(colo_control(dir, name, "status", &reply, &e), 0);
    at = strstr(reply, key);
    assert_non_null(at);
    n = strtoull(at + strlen(key), NULL, 10);
    free(reply);
    return n;
}

static inline void command(const char *dir, const char *name, const char *what)
{
    char *reply = NULL;
    struct err e = { 0 };

    if (colo_control(dir, name, what, &reply, &e))
        fail_msg("%s", e.msg);
    free(reply);
}

#endif
