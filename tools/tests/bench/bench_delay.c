/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How long a client waits for an answer of an embedded domain, on loopback:
 * unprotected; with Remus, asking at random moments, against half an epoch,
 * its pause and its way there and back; and with COLO, where both copies give
 * the same answer.
 */
#include <fcntl.h>
#include <poll.h>

#include "bare_tcp.h"
#include "bench_domain.h"
#include "bench_sides.h"
#include "io.h"

#define PAGES ((size_t)16384)
#define WORK_PAGES 50
#define INTERVAL_MS 25
#define EQUAL_ANSWERS 5000
#define CLIENTS 48
#define ASKED 6000
/* Of the median of so many samples of what is spread evenly over an epoch. */
#define SAMPLING 1.05

enum how { ALONE, REMUS, COLO };

struct epoch {
    double at_us, pause_us, way_us;
};

static int to_parent;

/* ---- both sides --------------------------------------------------------- */

static void secondary(enum how how, int fd)
{
    static char who[] = "secondary";
    struct logger log = { log_nothing, who, LOG_WARN };
    struct colo_params params = { .peer = "a", .colo = how == COLO };
    struct dom_open o = { .name = "", .log = &log };
    struct dom *d = NULL;
    struct colo_secondary_conf c = {
        .params = &params, .dom_ops = &dom_embedded_ops, .dom_open = &o,
        .net_ops = &net_embedded_ops, .log = &log, .dom_r = &d,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = fd, .run_dir = side_dir[1],
                          .state_dir = side_dir[1] };
    struct colo_result r;
    struct err e;

    bench_must(colo_secondary_run(&c, &io, &r, &e), &e);
    _exit(0);
}

static void tell(const void *data, size_t n)
{
    if (write(to_parent, data, n) != (ssize_t)n)
        _exit(1);
}

static void on_epoch(void *ctx, const struct colo_epoch *ep)
{
    struct epoch at = {
        .at_us = bench_us(), .pause_us = (double)ep->pause_ns / 1e3,
        .way_us = (double)(ep->send_ns + ep->ready_ns) / 1e3,
    };

    (void)ctx;
    tell(&at, sizeof(at));
}

static void serve(struct dom *d)
{
    for (;;) {
        struct pollfd p = { .fd = dom_embedded_ops.fd(d), .events = POLLIN };
        struct dom_event ev;

        poll(&p, 1, -1);
        dom_embedded_ops.next_event(d, &ev);
    }
}

/* Says its port, and then each epoch. */
static void primary(enum how how, int fd)
{
    static char who[] = "primary";
    struct logger log = { log_nothing, who, LOG_WARN };
    struct colo_report report = { .epoch = on_epoch };
    struct colo_params params = {
        .interval_ms = how == REMUS ? INTERVAL_MS : 60000,
        .hold_output = true, .peer = "b", .colo = how == COLO };
    struct dom *d = bench_domain(PAGES, WORK_PAGES, &log);
    struct colo_primary_conf c = {
        .params = &params, .dom_ops = &dom_embedded_ops, .dom = d,
        .net_ops = &net_embedded_ops, .host = "b", .log = &log,
        .report = &report,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = fd,
                          .run_dir = side_dir[0] };
    struct colo_result result;
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    struct err e;

    if (getsockname(d->listener, (struct sockaddr *)&a, &n))
        _exit(1);
    tell(&a, sizeof(a));
    if (how == ALONE)
        serve(d);
    bench_must(colo_primary_run(&c, &io, &result, &e), &e);
    _exit(0);
}

struct pair {
    pid_t a, b;
    int news;
    struct sockaddr_in at;
};

static void start(struct pair *p, enum how how)
{
    int fds[2], news[2];
    bool child;

    fflush(NULL);
    if (pipe(news))
        exit(1);
    p->b = fork_with(fds, &child);
    if (child)
        secondary(how, fds[1]);
    p->a = fork();
    if (p->a == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        to_parent = news[1];
        primary(how, fds[0]);
    }
    close(fds[0]);
    close(news[1]);
    p->news = news[0];
    if (read(p->news, &p->at, sizeof(p->at)) != sizeof(p->at))
        exit(1);
}

static void stop(struct pair *p)
{
    kill(p->a, SIGKILL);
    kill(p->b, SIGKILL);
    waitpid(p->a, NULL, 0);
    waitpid(p->b, NULL, 0);
    close(p->news);
}

/* Of the next @n epochs. */
static void await_epochs(struct pair *p, int n)
{
    struct epoch ep;

    while (n--)
        if (read(p->news, &ep, sizeof(ep)) != sizeof(ep))
            exit(1);
}

/* ---- a client ----------------------------------------------------------- */

static int dial(const struct pair *p)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&p->at, sizeof(p->at))) {
        perror("bench_delay: connect");
        exit(1);
    }
    no_delay(fd);
    return fd;
}

static void ask(int fd, unsigned int number)
{
    char line[32];
    int n = snprintf(line, sizeof(line), "W %u x\n", number);

    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
        exit(1);
}

/* True once the whole line is there. */
static bool hear(int fd)
{
    char answer[512];
    ssize_t r = recv(fd, answer, sizeof(answer), 0);

    if (r <= 0)
        exit(1);
    return answer[r - 1] == '\n';
}

/* One question after another. */
static double median_of_answers(const struct pair *p)
{
    static double took[EQUAL_ANSWERS];
    int fd = dial(p);

    for (unsigned int i = 0; i < EQUAL_ANSWERS; i++) {
        double t0 = bench_us();

        ask(fd, i + 1);
        while (!hear(fd))
            ;
        took[i] = bench_us() - t0;
    }
    close(fd);
    return bench_median(took, EQUAL_ANSWERS);
}

static double random_us(double most)
{
    return most * (double)rand() / RAND_MAX;
}

/* Many clients, each of which asks at moments of its own. */
static double median_at_random(const struct pair *p)
{
    static double took[ASKED];
    struct { double asks_us, asked_us; } c[CLIENTS];
    struct pollfd f[CLIENTS];
    unsigned int n = 0, number = 1;

    srand(1);
    for (int i = 0; i < CLIENTS; i++) {
        f[i] = (struct pollfd) { .fd = dial(p), .events = POLLIN };
        c[i].asks_us = bench_us() + random_us(4e3 * INTERVAL_MS);
        c[i].asked_us = 0;
    }
    while (n < ASKED) {
        poll(f, CLIENTS, 0);
        for (int i = 0; i < CLIENTS && n < ASKED; i++) {
            double now = bench_us();

            if (c[i].asked_us == 0 && now >= c[i].asks_us) {
                c[i].asked_us = now;
                ask(f[i].fd, number++);
            } else if (f[i].revents & POLLIN && hear(f[i].fd)) {
                /* Nobody is served before its connection is let go. */
                if (number > 2 * CLIENTS)
                    took[n++] = now - c[i].asked_us;
                c[i].asked_us = 0;
                c[i].asks_us = now + random_us(2e3 * INTERVAL_MS);
            }
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        close(f[i].fd);
    return bench_median(took, ASKED);
}

/* ---- figures ------------------------------------------------------------ */

/* Half an epoch, its pause, its way there and back: medians of what the
   primary has told. */
static double expected_us(const struct pair *p)
{
    static double length[4096], pause[4096], way[4096];
    double before = 0;
    struct epoch ep;
    size_t n = 0;

    fcntl(p->news, F_SETFL, O_NONBLOCK);
    while (n < 4096 && read(p->news, &ep, sizeof(ep)) == sizeof(ep)) {
        if (before > 0) {
            length[n] = ep.at_us - before;
            pause[n] = ep.pause_us;
            way[n++] = ep.way_us;
        }
        before = ep.at_us;
    }
    if (n == 0)
        exit(1);
    return bench_median(length, n) / 2 + bench_median(pause, n) +
           bench_median(way, n);
}

static void remus(double alone)
{
    struct pair p;
    double delay, most;

    start(&p, REMUS);
    await_epochs(&p, 4);
    delay = median_at_random(&p) - alone;
    most = expected_us(&p);
    stop(&p);
    bench_figure("Remus, an epoch each 25 ms: output waits", delay / 1e3,
                 "ms", NO_LIMIT, 0);
    bench_figure("  of half an epoch, its pause and its way", delay / most,
                 "times", AT_MOST, SAMPLING);
}

static void colo(double alone)
{
    struct pair p;
    double took;

    start(&p, COLO);
    await_epochs(&p, 1);
    took = median_of_answers(&p);
    stop(&p);
    bench_figure("COLO, equal answers: asked and answered", took, "us",
                 NO_LIMIT, 0);
    bench_figure("  longer than unprotected", (took - alone) / 1e3, "ms",
                 AT_MOST, 1);
}

int main(int argc, char **argv)
{
    double alone;
    struct pair p;

    bench_begin(argc, argv);
    sides_begin();
    start(&p, ALONE);
    alone = median_of_answers(&p);
    stop(&p);
    bench_figure("unprotected: asked and answered", alone, "us", NO_LIMIT,
                 0);
    remus(alone);
    colo(alone);
    sides_end();
    return bench_end();
}
