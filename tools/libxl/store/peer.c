/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sockets to a QEMU.
 *
 * QEMU leaves Nagle's algorithm on for this connection, so what it sends next
 * waits for our acknowledgement: with TCP that is asked for after each
 * receive, and our own answers aren't held back.
 */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "address.h"
#include "buf.h"
#include "clock.h"

static void set_up(struct peer *p, const char *address)
{
    p->tcp = address_is_tcp(address);
    if (p->tcp)
        address_no_delay(p->fd);
}

int peer_accept(const char *address, int listener, struct peer *p,
                struct err *e)
{
    int rc = address_accept(address, listener, &p->fd, e);

    if (!rc)
        set_up(p, address);
    return rc;
}

int peer_connect(const char *address, unsigned int wait_ms, struct peer *p,
                 struct err *e)
{
    int rc = address_connect(address, wait_ms, &p->fd, e);

    if (!rc)
        set_up(p, address);
    return rc;
}

/* Until @events or the deadline; a signal doesn't make it longer. */
static int wait_for(const struct peer *p, short events, unsigned int wait_ms,
                    struct err *e)
{
    struct pollfd fd = { .fd = p->fd, .events = events };
    uint64_t end = clock_ms() + wait_ms, now;
    int r;

    do {
        now = clock_ms();
        r = poll(&fd, 1, !wait_ms ? -1 : now < end ? (int)(end - now) : 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_sys(e, ERR_IO, errno, "waiting for %s", p->who);
    return r ? 0 : err_set(e, ERR_TIMEOUT, "%s: nothing for %u ms", p->who,
                           wait_ms);
}

void peer_close(struct peer *p)
{
    cleanup_close(&p->fd);
}

static int ended(const struct peer *p, int errnum, struct err *e)
{
    return errnum && errnum != ECONNRESET && errnum != EPIPE ?
           err_sys(e, ERR_IO, errnum, "%s", p->who) :
           err_set(e, ERR_EOF, "%s closed the connection", p->who);
}

int peer_receive(struct peer *p, void *data, size_t n, unsigned int wait_ms,
                 size_t *n_r, struct err *e)
{
    ssize_t r;
    int rc;

    for (;;) {
        rc = wait_for(p, POLLIN, wait_ms, e);
        if (rc)
            return rc;
        r = recv(p->fd, data, n, MSG_DONTWAIT);
        if (r >= 0 || (errno != EINTR && errno != EAGAIN))
            break;
    }
    if (r <= 0)
        return ended(p, r ? errno : 0, e);
    if (p->tcp)
        address_acknowledge(p->fd);
    *n_r = (size_t)r;
    return 0;
}

int peer_send(struct peer *p, const void *data, size_t n,
              unsigned int wait_ms, struct err *e)
{
    const uint8_t *at = data;
    ssize_t r;
    int rc;

    while (n) {
        r = send(p->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r >= 0) {
            at += r;
            n -= (size_t)r;
        } else if (errno == EAGAIN) {
            rc = wait_for(p, POLLOUT, wait_ms, e);
            if (rc)
                return rc;
        } else if (errno != EINTR) {
            return ended(p, errno, e);
        }
    }
    return 0;
}
