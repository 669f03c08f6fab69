/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Octets from one QEMU to the other. Each direction has one buffer that is
 * read into, looked at and written out before it is read into again: so what
 * came is known to the watch before the other side can answer it.
 *
 * QEMU leaves Nagle's algorithm on. What it writes in small pieces waits for
 * our acknowledgement, which would come late, so we ask for it each time.
 */
#include "trace_proxy.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "buf.h"
#include "clock.h"
#include "trace_record.h"

#define ROOM      ((size_t)256 << 10)    /* stays in the processor's cache */
#define UNIX_ROOM (1 << 20)      /* that a unix socket keeps for its reader */
#define ROUNDS    16             /* reads before the other way is looked at */
#define LINGER_S  1.0            /* for what is still on its way at the end */
#define CUT_S     10.0           /* for what a side says after a cut */
#define HUNG_S    0.05           /* how often a hung connection is looked at */

enum side { PRIMARY, SECONDARY };

struct proxy;

struct way {
    struct proxy *p;
    enum qf_direction direction;
    ev_io in, out;
    uint8_t *data;
    size_t at, n;    /* what of @data still has to go */
    bool eof;        /* while it lingers */
};

struct proxy {
    const struct proxy_conf *conf;
    struct ev_loop *loop;
    struct watch *watch;
    struct way ways[2];
    int fds[2];                  /* enum side */
    int record;
    struct err error;            /* of the record */
    ev_timer silence, hung, linger;
    ev_signal interrupt, terminate;
    bool ended, clean;
};

static void record(struct proxy *p, uint64_t now, enum record_kind kind,
                   const void *body, size_t n)
{
    if (p->record < 0)
        return;
    if (!record_put(p->record, now, kind, body, n, &p->error))
        return;
    close(p->record);
    p->record = -1;
}

static void on_drain(struct ev_loop *loop, ev_io *io, int events)
{
    struct way *w = io->data;
    ssize_t r = recv(io->fd, w->data, ROOM, MSG_DONTWAIT);

    (void)events;
    if (r > 0 || (r < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    ev_io_stop(loop, io);
    w->eof = true;
    if (w->p->ways[0].eof && w->p->ways[1].eof)
        ev_break(loop, EVBREAK_ALL);
}

static void on_linger(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/*
 * Both sides see an end, and what was passed on before arrives: who closes a
 * socket that has unread octets takes back what it sent.
 */
static void end(struct proxy *p, enum trace_ender ender, uint64_t now)
{
    uint8_t body = (uint8_t)ender;

    if (p->ended)
        return;
    p->ended = true;
    record(p, now, RECORD_END, &body, 1);
    p->clean = watch_end(p->watch, ender, now);
    ev_timer_stop(p->loop, &p->silence);
    ev_timer_stop(p->loop, &p->hung);
    for (int i = 0; i < 2; i++) {
        struct way *w = &p->ways[i];

        shutdown(p->fds[i], SHUT_WR);
        ev_io_stop(p->loop, &w->out);
        ev_io_stop(p->loop, &w->in);
        ev_set_cb(&w->in, on_drain);
        ev_io_start(p->loop, &w->in);
    }
    ev_timer_set(&p->linger, ender == END_CUT ? CUT_S : LINGER_S, 0.);
    ev_timer_start(p->loop, &p->linger);
}

static void on_hung(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct proxy *p = timer->data;
    struct pollfd fds[2] = { { p->fds[PRIMARY], POLLRDHUP, 0 },
                             { p->fds[SECONDARY], POLLRDHUP, 0 } };

    (void)loop;
    (void)events;
    if (poll(fds, 2, 0) > 0)
        end(p, fds[0].revents ? END_PRIMARY : END_SECONDARY, clock_ns());
}

static void arm(struct proxy *p, uint64_t ns)
{
    ev_timer_stop(p->loop, &p->silence);
    ev_timer_set(&p->silence, (double)ns / 1e9, 0.);
    ev_now_update(p->loop);
    ev_timer_start(p->loop, &p->silence);
}

static void on_silence(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct proxy *p = timer->data;
    uint64_t now = clock_ns(), next = watch_tick(p->watch, now);

    (void)loop;
    (void)events;
    if (next)
        arm(p, next - now);
}

/* What is to be seen before the point was passed on. */
static void fail_here(struct proxy *p)
{
    const struct trace_point *point = &p->conf->point;
    char text[POINT_WORDS_SIZE];
    uint64_t now = clock_ns();

    trace_point_words(point, text);
    record(p, now, point->deed == DEED_CUT ? RECORD_CUT : RECORD_HANG, text,
           strlen(text));
    watch_point(p->watch, point);
    for (int i = 0; i < 2; i++) {
        ev_io_stop(p->loop, &p->ways[i].in);
        ev_io_stop(p->loop, &p->ways[i].out);
    }
    if (point->deed == DEED_CUT)
        end(p, END_CUT, now);
    else
        ev_timer_start(p->loop, &p->hung);
}

/* True once all of it went. */
static bool flush(struct way *w)
{
    struct proxy *p = w->p;
    ssize_t r;

    while (w->at < w->n) {
        r = send(w->out.fd, w->data + w->at, w->n - w->at,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            ev_io_stop(p->loop, &w->in);
            if (errno == EAGAIN)
                ev_io_start(p->loop, &w->out);
            else
                /* Who doesn't read any more may have said something first:
                   the other way comes to its end. */
                ev_io_stop(p->loop, &w->out);
            return false;
        }
        w->at += (size_t)r;
    }
    if (watch_hit(p->watch)) {
        fail_here(p);
        return false;
    }
    return true;
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    struct way *w = io->data;

    (void)events;
    if (!flush(w))
        return;
    ev_io_stop(loop, &w->out);
    ev_io_start(loop, &w->in);
}

/* False: there is nothing now, or no more is to be read. */
static bool pass(struct way *w)
{
    struct proxy *p = w->p;
    ssize_t r = recv(w->in.fd, w->data, ROOM, MSG_DONTWAIT);
    uint64_t now;

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    now = clock_ns();
    if (r <= 0) {
        end(p, w->direction == QF_FORWARD ? END_PRIMARY : END_SECONDARY, now);
        return false;
    }
    address_acknowledge(w->in.fd);
    w->at = 0;
    w->n = watch_feed(p->watch, w->direction, w->data, (size_t)r, now);
    record(p, now, w->direction == QF_FORWARD ? RECORD_FORWARD : RECORD_BACK,
           w->data, w->n);
    if (p->conf->silence_ns && !ev_is_active(&p->silence))
        arm(p, p->conf->silence_ns);
    if (watch_hit(p->watch))
        for (int i = 0; i < 2; i++)
            ev_io_stop(p->loop, &p->ways[i].in);
    return flush(w);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct way *w = io->data;

    (void)loop;
    (void)events;
    for (int i = 0; i < ROUNDS && pass(w); i++)
        ;
}

static void on_signal(struct ev_loop *loop, ev_signal *s, int events)
{
    (void)events;
    end(s->data, END_USER, clock_ns());
    ev_break(loop, EVBREAK_ALL);
}

static void watch_out(struct proxy *p)
{
    p->loop = ev_default_loop(0);
    for (int i = 0; i < 2; i++) {
        struct way *w = &p->ways[i];

        w->p = p;
        w->direction = i == PRIMARY ? QF_FORWARD : QF_BACK;
        ev_io_init(&w->in, on_readable, p->fds[i], EV_READ);
        ev_io_init(&w->out, on_writable, p->fds[!i], EV_WRITE);
        w->in.data = w->out.data = w;
        ev_io_start(p->loop, &w->in);
    }
    ev_timer_init(&p->silence, on_silence, 0., 0.);
    ev_timer_init(&p->hung, on_hung, HUNG_S, HUNG_S);
    ev_timer_init(&p->linger, on_linger, LINGER_S, 0.);
    ev_signal_init(&p->interrupt, on_signal, SIGINT);
    ev_signal_init(&p->terminate, on_signal, SIGTERM);
    p->silence.data = p->hung.data = p;
    p->interrupt.data = p->terminate.data = p;
    ev_signal_start(p->loop, &p->interrupt);
    ev_signal_start(p->loop, &p->terminate);
    if (p->conf->silence_ns)
        arm(p, p->conf->silence_ns);
}

static int prepare(struct proxy *p, struct err *e)
{
    struct watch_conf conf = {
        .silence_ns = p->conf->silence_ns, .point = p->conf->point,
        .report = p->conf->report,
    };

    p->watch = watch_new(&conf);
    for (int i = 0; i < 2; i++)
        p->ways[i].data = malloc(ROOM);
    if (!p->watch || !p->ways[0].data || !p->ways[1].data)
        return err_set(e, ERR_NOMEM, "no memory for %zu octets", 2 * ROOM);
    if (!p->conf->record)
        return 0;
    p->record = open(p->conf->record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                     0600);
    return p->record < 0 ? err_sys(e, ERR_IO, errno, "%s", p->conf->record)
                         : 0;
}

/* Both are connected; time is counted from now on. */
static int begin(struct proxy *p, struct err *e)
{
    uint64_t now = clock_ns();
    int rc = p->record < 0 ? 0 :
             record_begin(p->record, p->conf->silence_ns, now, e);

    watch_begin(p->watch, now);
    return rc ? err_wrap(e, "%s", p->conf->record) : 0;
}

static int connect_both(struct proxy *p, struct err *e)
{
    char shown[ADDRESS_SIZE];
    int fd, room = UNIX_ROOM;
    int rc = address_listen(p->conf->listen, &fd, shown, e);

    if (rc)
        return rc;
    report_listening(p->conf->report, shown);
    rc = address_accept(p->conf->listen, fd, &p->fds[PRIMARY], e);
    if (!rc)
        rc = address_connect(p->conf->connect, 0, &p->fds[SECONDARY], e);
    if (rc)
        return rc;
    report_connected(p->conf->report, p->conf->connect);
    for (int i = 0; i < 2; i++) {
        address_no_delay(p->fds[i]);
        address_acknowledge(p->fds[i]);
        /* TCP finds out by itself how much it needs. */
        if (!strncmp(i == PRIMARY ? p->conf->listen : p->conf->connect,
                     "unix:", 5))
            (void)setsockopt(p->fds[i], SOL_SOCKET, SO_SNDBUF, &room,
                             sizeof(room));
    }
    return 0;
}

int trace_proxy(const struct proxy_conf *conf, bool *clean_r, struct err *e)
{
    struct proxy p = { .conf = conf, .fds = { -1, -1 }, .record = -1 };
    int rc = prepare(&p, e);

    *clean_r = false;
    if (!rc)
        rc = connect_both(&p, e);
    if (!rc)
        rc = begin(&p, e);
    if (!rc) {
        signal(SIGPIPE, SIG_IGN);
        watch_out(&p);
        ev_run(p.loop, 0);
        *clean_r = p.clean;
        if (p.error.code) {
            *e = p.error;
            rc = err_wrap(e, "%s", conf->record);
        }
    }
    for (int i = 0; i < 2; i++) {
        cleanup_close(&p.fds[i]);
        free(p.ways[i].data);
    }
    cleanup_close(&p.record);
    watch_free(p.watch);
    return rc;
}
