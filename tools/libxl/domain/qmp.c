/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The QMP client: connecting, sending whole and half commands, waiting. What
 * comes in is taken apart by qmp_reply.c.
 */
#include "qmp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "qmp_reply.h"

static int left_ms(uint64_t deadline)
{
    uint64_t now = clock_ms();

    return now >= deadline ? 0 : (int)(deadline - now);
}

/* One read from QEMU, taken apart. */
static int read_some(struct qmp *q, uint64_t deadline, struct err *e)
{
    struct pollfd p = { .fd = q->fd, .events = POLLIN };
    uint8_t *at;
    ssize_t n;
    int rc, r;

    do
        r = poll(&p, 1, left_ms(deadline));
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return err_set(e, ERR_TIMEOUT, "the device model doesn't answer");
    if (r < 0)
        return err_sys(e, ERR_IO, errno, "poll on QMP");
    rc = buf_reserve(&q->in, 4096, &at, e);
    if (rc)
        return rc;
    n = recv(q->fd, at, 4096, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0)
        return err_sys(e, ERR_IO, errno, "reading from the device model");
    if (n == 0)
        return err_set(e, ERR_EOF, "the device model closed its monitor");
    q->in.size += (size_t)n;
    return qmp_reply_parse(q, e);
}

static int write_all(struct qmp *q, const char *p, size_t n, struct err *e)
{
    uint64_t deadline = clock_ms() + QMP_WRITE_LIMIT_MS;
    struct pollfd pf = { .fd = q->fd, .events = POLLOUT };
    ssize_t r;

    while (n) {
        r = send(q->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r > 0) {
            p += r;
            n -= (size_t)r;
        } else if (r < 0 && errno == EAGAIN) {
            if (left_ms(deadline) == 0)
                return err_set(e, ERR_TIMEOUT, "the device model doesn't "
                               "read its monitor");
            poll(&pf, 1, left_ms(deadline));
        } else if (r < 0 && errno != EINTR) {
            return err_sys(e, ERR_IO, errno, "writing to the device model");
        }
    }
    return 0;
}

static int connect_unix(const char *path, uint64_t deadline, int *fd_r,
                        struct err *e)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int fd = -1;

    if (strlen(path) >= sizeof(sa.sun_path))
        return err_set(e, ERR_LIMIT, "socket path too long: %s", path);
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "socket");
    /* A full backlog (somebody else is connected) is EAGAIN on Linux. */
    while (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return err_set(e, ERR_NOTFOUND, "no device model listens on %s",
                           path);
        if (errno != EAGAIN && errno != EINTR)
            return err_sys(e, ERR_IO, errno, "connecting to %s", path);
        if (left_ms(deadline) == 0)
            return err_set(e, ERR_TIMEOUT, "%s is in use by somebody else",
                           path);
        poll(NULL, 0, 20);
    }
    *fd_r = fd;
    fd = -1;
    return 0;
}

int qmp_open(const char *path, int timeout_ms, struct qmp **q_r,
             struct err *e)
{
    uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    int fd = -1, rc;

    rc = connect_unix(path, deadline, &fd, e);
    if (rc)
        return rc;
    rc = qmp_open_fd(fd, left_ms(deadline), q_r, e);
    return rc ? err_wrap(e, "%s", path) : 0;
}

int qmp_open_fd(int fd, int timeout_ms, struct qmp **q_r, struct err *e)
{
    uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    struct qmp *q = calloc(1, sizeof(*q));
    int rc = 0;

    *q_r = NULL;
    if (!q) {
        close(fd);
        return err_set(e, ERR_NOMEM, "no memory for a QMP client");
    }
    q->fd = fd;
    buf_init(&q->in, QMP_LINE_MAX);
    while (!rc && !q->greeted)
        rc = read_some(q, deadline, e);
    if (!rc)
        rc = qmp_run(q, "{\"execute\":\"qmp_capabilities\"}",
                     left_ms(deadline), e);
    if (rc) {
        qmp_close(q);
        return rc;
    }
    *q_r = q;
    return 0;
}

void qmp_close(struct qmp *q)
{
    if (!q)
        return;
    close(q->fd);
    buf_dispose(&q->in);
    yajl_tree_free(q->last);
    free(q);
}

/* Append @json, @n octets of it, to @out and give it a ticket. */
static void put(struct qmp *q, char *out, size_t *at, const char *json,
                size_t n, unsigned int *ticket_r)
{
    assert(*at + n <= 2 * QMP_COMMAND_MAX + 1);
    assert(q->sent - q->replied < QMP_PENDING_MAX);
    memcpy(out + *at, json, n);
    *at += n;
    q->sent++;
    if (ticket_r)
        *ticket_r = q->sent;
}

int qmp_send(struct qmp *q, const char *json, unsigned int *ticket_r,
             struct err *e)
{
    char out[2 * QMP_COMMAND_MAX + 1];
    size_t n = 0;

    assert(!q->half);
    put(q, out, &n, json, strlen(json), ticket_r);
    return write_all(q, out, n, e);
}

int qmp_send_early(struct qmp *q, const char *json, unsigned int *ticket_r,
                   struct err *e)
{
    char out[2 * QMP_COMMAND_MAX + 1];
    size_t n = 0, len = strlen(json);

    assert(!q->half && len && json[len - 1] == '}');
    put(q, out, &n, json, len - 1, ticket_r);
    q->half = true;
    return write_all(q, out, n, e);
}

int qmp_fire(struct qmp *q, const char *then, unsigned int *then_r,
             const char *early, unsigned int *early_r, struct err *e)
{
    char out[2 * QMP_COMMAND_MAX + 1];
    size_t n = 0;

    assert(q->half);
    out[n++] = '}';
    q->half = false;
    if (then)
        put(q, out, &n, then, strlen(then), then_r);
    if (early) {
        assert(early[strlen(early) - 1] == '}');
        put(q, out, &n, early, strlen(early) - 1, early_r);
        q->half = true;
    }
    return write_all(q, out, n, e);
}

bool qmp_half_sent(const struct qmp *q)
{
    return q->half;
}

int qmp_wait(struct qmp *q, unsigned int ticket, int timeout_ms,
             struct err *e)
{
    uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    int rc;

    assert(ticket && ticket <= q->sent);
    while (q->replied < ticket) {
        rc = read_some(q, deadline, e);
        if (rc)
            return rc;
    }
    return qmp_reply_result(q, ticket, e);
}

int qmp_run(struct qmp *q, const char *json, int timeout_ms, struct err *e)
{
    unsigned int ticket;
    int rc = qmp_send(q, json, &ticket, e);

    return rc ? rc : qmp_wait(q, ticket, timeout_ms, e);
}

void qmp_job_follow(struct qmp *q, const char *id)
{
    assert(strlen(id) < sizeof(q->job));
    strcpy(q->job, id);
    q->job_concluded = q->job_aborted = false;
}

int qmp_job_wait(struct qmp *q, int timeout_ms, struct err *e)
{
    uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    int rc;

    while (!q->job_concluded) {
        rc = read_some(q, deadline, e);
        if (rc)
            return rc;
    }
    if (!q->job_aborted)
        return 0;
    if (!q->half && !qmp_run(q, "{\"execute\":\"query-jobs\"}",
                             left_ms(deadline), e))
        return qmp_reply_job_error(q, e);
    return err_set(e, ERR_DOMAIN, "the device model's job %s failed",
                   q->job);
}
