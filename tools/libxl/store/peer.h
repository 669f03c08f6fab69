/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A socket to a QEMU: octets each way with a bounded wait.
 * Knows nothing of what they mean. Called by the sink and the replay.
 */
#ifndef XC_STORE_PEER_H
#define XC_STORE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct peer {
    int fd;
    bool tcp;
    const char *who;           /* for messages: "the primary" */
};

/* As address.h's, and octets leave at once. */
int peer_accept(const char *address, int listener, struct peer *p,
                struct err *e);
int peer_connect(const char *address, unsigned int wait_ms, struct peer *p,
                 struct err *e);
void peer_close(struct peer *p);    /* idempotent */

/*
 * Receive 1 to @n octets, at most @wait_ms later (0: whenever they come).
 * ERR_TIMEOUT; ERR_EOF when the connection has ended, in whatever way.
 */
int peer_receive(struct peer *p, void *data, size_t n, unsigned int wait_ms,
                 size_t *n_r, struct err *e);
/* Send all; ERR_TIMEOUT when none is taken for @wait_ms. ERR_EOF as above. */
int peer_send(struct peer *p, const void *data, size_t n,
              unsigned int wait_ms, struct err *e);

#endif
