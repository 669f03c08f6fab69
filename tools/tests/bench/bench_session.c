/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What two sessions cost over TCP on loopback, with embedded domains: the
 * acknowledgement of an idle guest's epoch against a bare ping-pong, the
 * first copy against sendfile(), octets on the wire against dirty memory,
 * and the time from the end of the stream to the guest's first step.
 */
#include <poll.h>

#include "bare_tcp.h"
#include "bench_domain.h"
#include "bench_sides.h"
#include "io.h"

#define IDLE_EPOCHS 2000
#define BUSY_EPOCHS 100
#define TAKEOVERS 9
#define COPY_PAGES ((size_t)262144)    /* 1 GiB */
#define COPY_ROUNDS 3
#define SMALL_PAGES ((size_t)16384)

/* One primary's run. */
struct run {
    size_t pages, work_pages, want;    /* epochs, then it ends */
    unsigned int interval_ms;
    bool full;                 /* no page of the guest is zero */
    double *ready_us, *pages_us, *bytes;
    size_t epochs;
    double began_us, copied_us, first_us, last_us;
    uint64_t began_at, sent;
};

/* ---- sessions ----------------------------------------------------------- */

static void secondary(int fd, int tell)
{
    static char who[] = "secondary";
    struct logger log = { log_nothing, who, LOG_WARN };
    struct colo_params params = { .peer = "a",
                                  .takeover = COLO_TAKEOVER_AUTO };
    struct dom_open o = { .name = "", .log = &log };
    struct dom *d = NULL;
    struct colo_secondary_conf c = {
        .params = &params, .dom_ops = &dom_embedded_ops, .dom_open = &o,
        .net_ops = &net_embedded_ops, .log = &log,
        .dom_r = &d,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = fd,
                          .run_dir = side_dir[1],
                          .state_dir = side_dir[1] };
    struct colo_result r;
    struct err e;

    bench_must(colo_secondary_run(&c, &io, &r, &e), &e);
    if (r.end == COLO_END_TAKEN_OVER && tell >= 0) {
        /* Its timer ticks from the moment that it was started. */
        uint64_t clock = d->guest.clock;
        struct dom_event ev;
        double now;

        while (d->guest.clock == clock) {
            struct pollfd p = { .fd = dom_embedded_ops.fd(d),
                                .events = POLLIN };

            poll(&p, 1, 1000);
            dom_embedded_ops.next_event(d, &ev);
        }
        now = bench_us();
        if (write(tell, &now, sizeof(now)) != sizeof(now))
            _exit(1);
    }
    _exit(0);
}

static void on_epoch(void *ctx, const struct colo_epoch *ep)
{
    struct run *r = ctx;

    if (r->epochs < r->want) {
        r->ready_us[r->epochs] = (double)ep->ready_ns / 1e3;
        r->pages_us[r->epochs] = (double)ep->pages;
        r->bytes[r->epochs] = (double)ep->bytes;
    }
    r->last_us = bench_us();
    if (r->epochs == 0)
        r->first_us = r->last_us;
    if (++r->epochs == r->want + 1)
        raise(SIGTERM);
}

static void on_progress(void *ctx, unsigned int round, uint64_t pages,
                        uint64_t total, uint64_t bytes)
{
    struct run *r = ctx;

    if (r->began_us == 0 && (round > 1 || pages >= total / 4)) {
        r->began_us = bench_us();
        r->began_at = bytes;
    }
    r->sent = bytes;
}

static void on_state(void *ctx, const char *from, const char *to,
                     const char *why)
{
    struct run *r = ctx;

    (void)from;
    (void)why;
    if (!strcmp(to, "arming"))
        r->copied_us = bench_us();
}

static struct dom *make_domain(const struct run *r, const struct logger *log)
{
    struct dom *d = bench_domain(r->pages, r->work_pages, log);

    for (size_t i = 0; r->full && i < r->pages; i++)
        memset(d->guest.ram + i * GUEST_PAGE + GUEST_PAGE / 2, (int)i | 1,
               64);
    return d;
}

/* Until as many epochs as it wants. */
static void primary(struct run *r, int fd)
{
    static char who[] = "primary";
    struct logger log = { log_nothing, who, LOG_WARN };
    struct colo_report report = { .ctx = r, .epoch = on_epoch,
                                  .progress = on_progress,
                                  .state = on_state };
    struct colo_params params = { .interval_ms = r->interval_ms,
                                  .hold_output = true, .peer = "b" };
    struct dom *d = make_domain(r, &log);
    struct colo_primary_conf c = {
        .params = &params, .dom_ops = &dom_embedded_ops, .dom = d,
        .net_ops = &net_embedded_ops, .host = "b", .log = &log,
        .report = &report,
    };
    struct colo_io io = { .in_fd = fd, .out_fd = fd,
                          .run_dir = side_dir[0] };
    struct colo_result result;
    struct err e;

    r->ready_us = calloc(3 * r->want, sizeof(double));
    if (!r->ready_us)
        exit(1);
    r->pages_us = r->ready_us + r->want;
    r->bytes = r->pages_us + r->want;
    bench_must(colo_primary_run(&c, &io, &result, &e), &e);
    dom_embedded_ops.close(d);
}

static void pair(struct run *r)
{
    bool child;
    int fds[2];
    pid_t pid = fork_with(fds, &child);

    if (child)
        secondary(fds[1], -1);
    primary(r, fds[0]);
    waitpid(pid, NULL, 0);
    if (r->epochs < r->want) {
        fprintf(stderr, "bench_session: %zu epochs of %zu\n", r->epochs,
                r->want);
        exit(1);
    }
}

/* ---- figures ------------------------------------------------------------ */

static void idle(void)
{
    struct run r = { .pages = SMALL_PAGES, .want = IDLE_EPOCHS,
                     .interval_ms = 1 };
    double bare = ping_pong_us(), again, rate, ready;

    pair(&r);
    again = ping_pong_us();    /* a CPU that just woke up takes longer */
    bare = again < bare ? again : bare;
    rate = (double)(r.epochs - 1) * 1e6 / (r.last_us - r.first_us);
    ready = bench_median(r.ready_us, r.want);
    bench_figure("epochs of an idle guest, one each ms at most", rate, "1/s",
                 NO_LIMIT, 0);
    bench_figure("bare ping-pong of 16 octets", bare, "us", NO_LIMIT, 0);
    bench_figure("acknowledgement of an idle epoch", ready, "us", NO_LIMIT,
                 0);
    bench_figure("  of a ping-pong", ready / bare, "times", AT_MOST, 2);
    free(r.ready_us);
}

/* The last three quarters of it: the domain has been made by then. */
static void first_copy(void)
{
    double share[COPY_ROUNDS], speed[COPY_ROUNDS];

    for (int i = 0; i < COPY_ROUNDS; i++) {
        struct run r = { .pages = COPY_PAGES, .full = true, .want = 1,
                         .interval_ms = 10 };
        double s;

        pair(&r);
        s = (r.copied_us - r.began_us) / 1e6;
        speed[i] = (double)(r.sent - r.began_at) / 1e9 / s;
        share[i] = 100 * speed[i] * sendfile_s(COPY_PAGES * GUEST_PAGE) /
            ((double)(COPY_PAGES * GUEST_PAGE) / 1e9);
        free(r.ready_us);
    }
    bench_figure("first copy of 1 GiB", bench_median(speed, COPY_ROUNDS),
                 "GB/s", NO_LIMIT, 0);
    bench_figure("  of sendfile()", bench_median(share, COPY_ROUNDS), "%",
                 AT_LEAST, 70);
}

static void wire(void)
{
    struct run r = { .pages = SMALL_PAGES, .work_pages = 500,
                     .want = BUSY_EPOCHS, .interval_ms = 20 };
    double pages = 0, bytes = 0;

    pair(&r);
    for (size_t i = 1; i < r.want; i++) {    /* the first is the copy's end */
        pages += r.pages_us[i];
        bytes += r.bytes[i];
    }
    bench_figure("dirty pages of an epoch, 1 in 8 of them zero",
                 pages / (double)(r.want - 1), "pages", NO_LIMIT, 0);
    bench_figure("  on the wire, of their size",
                 100 * bytes / (pages * GUEST_PAGE), "%", AT_MOST, 90);
    free(r.ready_us);
}

static double one_takeover_us(void)
{
    double now = 0, killed;
    int fds[2], tell[2];
    bool child;
    pid_t a, b;

    if (pipe(tell))
        exit(1);
    b = fork_with(fds, &child);
    if (child)
        secondary(fds[1], tell[1]);
    close(tell[1]);
    a = fork();
    if (a == 0) {
        struct run r = { .pages = SMALL_PAGES, .work_pages = 20,
                         .want = 1000000, .interval_ms = 20 };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        primary(&r, fds[0]);
        _exit(1);
    }
    close(fds[0]);
    poll(NULL, 0, 1500);
    killed = bench_us();
    kill(a, SIGKILL);
    waitpid(a, NULL, 0);
    if (read(tell[0], &now, sizeof(now)) != sizeof(now))
        exit(1);
    waitpid(b, NULL, 0);
    close(tell[0]);
    return now - killed;
}

int main(int argc, char **argv)
{
    double took[TAKEOVERS];

    bench_begin(argc, argv);
    sides_begin();
    idle();
    first_copy();
    wire();
    for (int i = 0; i < TAKEOVERS; i++)
        took[i] = one_takeover_us() / 1e3;
    bench_figure("from the end of the stream to the guest's first step",
                 bench_median(took, TAKEOVERS), "ms", NO_LIMIT, 0);
    sides_end();
    return bench_end();
}
