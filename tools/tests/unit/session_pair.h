/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A pair of sessions over the embedded domain, as two processes on a socket
 * pair, and a client of the domain's service. For test programs.
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

/* What has to come true does so at once; a busy machine is given time. */
#define PATIENCE_NS (120 * 1000000000ull)
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

/* The service's address on loopback: this process's own, so that whoever runs
   the same test holds no port of ours. */
static struct sockaddr_in service_at(uint16_t port)
{
    uint32_t host = 0x7f400000u + (uint32_t)getpid() % 0x3fffffu;

    return (struct sockaddr_in) { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(host) };
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = service_at(0);
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
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
            "aabbccddeeff\",\"pages\":4096,\"work_pages\":20,"
            "\"listen\":\"%s:%u\"}", inet_ntoa(at.sin_addr), p->port);
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

static void stop(struct pair *p)
{
    char command[128];

    if (p->a > 0) {
        kill(p->a, SIGKILL);
        waitpid(p->a, NULL, 0);
    }
    if (p->b > 0) {
        kill(p->b, SIGKILL);
        waitpid(p->b, NULL, 0);
    }
    snprintf(command, sizeof(command), "rm -rf %s", p->dir);
    assert_int_equal(system(command), 0);
}

static void tick(void)
{
    const struct timespec t = { .tv_nsec = 5000000 };

    nanosleep(&t, NULL);
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

static inline void command(const char *dir, const char *name, const char *what)
{
    char *reply = NULL;
    struct err e = { 0 };

    if (colo_control(dir, name, what, &reply, &e))
        fail_msg("%s", e.msg);
    free(reply);
}

static int dial(uint16_t port)
{
    struct sockaddr_in a = service_at(port);
    struct timeval limit = { .tv_sec = PATIENCE_NS / 1000000000u };

    for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end; tick()) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
            return fd;
        close(fd);
    }
    fail_msg("the service doesn't answer");
    return -1;
}

/* Nothing may come any more: what isn't seen to come for a while counts as
   nothing. */
static void be_impatient(int fd)
{
    struct timeval limit = { .tv_usec = 500000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static bool ask(int fd, const char *line, char answer[512])
{
    size_t used = 0;

    if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
        return false;
    while (used < 511) {
        ssize_t r = recv(fd, answer + used, 511 - used, 0);

        if (r <= 0)
            return false;
        used += (size_t)r;
        answer[used] = '\0';
        if (strchr(answer, '\n'))
            return true;
    }
    return false;
}

/* Writes from @from on until one isn't acknowledged, at most @n. */
static inline uint64_t write_numbers(int fd, uint64_t from, uint64_t n)
{
    char line[64], answer[512];

    for (uint64_t i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "W %" PRIu64 " text\n", from + i);
        if (!ask(fd, line, answer))
            return i;
        assert_int_equal(answer[0], 'A');
    }
    return n;
}

static inline void check_written(uint16_t port, uint64_t n)
{
    char line[64], answer[512];
    uint64_t end = clock_ns() + PATIENCE_NS;
    int fd = dial(port);

    /* A frozen server's kernel still takes connections. */
    be_impatient(fd);
    while (!ask(fd, "R\n", answer) && clock_ns() < end) {
        close(fd);
        fd = dial(port);
        be_impatient(fd);
    }
    close(fd);
    fd = dial(port);
    for (uint64_t i = 1; i <= n; i++) {
        snprintf(line, sizeof(line), "C %" PRIu64 "\n", i);
        assert_true(ask(fd, line, answer));
        if (answer[0] != 'Y')
            fail_msg("acknowledged write %" PRIu64 " of %" PRIu64 " is lost",
                     i, n);
    }
    close(fd);
}

#endif
