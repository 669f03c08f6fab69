/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A small client of QEMU's machine protocol (QMP) on a unix socket. It knows
 * framing, order of replies, and events of one job; nothing of Xen or of a
 * session. Used by the domain backends.
 *
 * QEMU reads its monitor one byte per turn of its main loop, so a command's
 * length costs time at the wrong moment. A command may therefore be sent
 * early but for its last octet: QEMU parses and waits, and qmp_fire() sends
 * the closing brace at the right moment. If the connection ends before, the
 * half command dies with it.
 *
 * Replies come in the order of commands. Each command has a ticket, counted
 * from 1, which qmp_wait() takes.
 */
#ifndef XC_DOMAIN_QMP_H
#define XC_DOMAIN_QMP_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define QMP_LINE_MAX     ((size_t)4 << 20)    /* one message from QEMU */
#define QMP_COMMAND_MAX  ((size_t)2048)
#define QMP_PENDING_MAX  8u                   /* replies not yet read */

struct qmp;

/*
 * Connect to @path and negotiate. The socket serves one client at a time, so
 * a connection may have to wait: ERR_TIMEOUT after @timeout_ms; ERR_NOTFOUND
 * when nobody listens there.
 */
int qmp_open(const char *path, int timeout_ms, struct qmp **q_r,
             struct err *e);
/* The same over a connected stream socket, which the qmp then owns, also on
   failure. For tests. */
int qmp_open_fd(int fd, int timeout_ms, struct qmp **q_r, struct err *e);
/* Idempotent on NULL. */
void qmp_close(struct qmp *q);

/* Send the JSON object @json whole; *ticket_r may be NULL. */
int qmp_send(struct qmp *q, const char *json, unsigned int *ticket_r,
             struct err *e);
/* Send all of @json but its last octet, which has to be '}'. Nothing else
   may be sent before qmp_fire(). */
int qmp_send_early(struct qmp *q, const char *json, unsigned int *ticket_r,
                   struct err *e);
/*
 * Send the held back octet, and in the same write the whole of @then (or
 * NULL) and @early without its last octet (or NULL), with their tickets.
 */
int qmp_fire(struct qmp *q, const char *then, unsigned int *then_r,
             const char *early, unsigned int *early_r, struct err *e);
/* True while a command is half sent. */
bool qmp_half_sent(const struct qmp *q);

/* Wait for the reply to @ticket. ERR_DOMAIN with QEMU's words when it is an
   error, ERR_TIMEOUT, ERR_EOF when QEMU closed. */
int qmp_wait(struct qmp *q, unsigned int ticket, int timeout_ms,
             struct err *e);
/* qmp_send() and qmp_wait(). */
int qmp_run(struct qmp *q, const char *json, int timeout_ms, struct err *e);

/* From now on follow the job @id (at most 15 characters). */
void qmp_job_follow(struct qmp *q, const char *id);
/* Wait until it is concluded; ERR_DOMAIN with the reason if it failed. */
int qmp_job_wait(struct qmp *q, int timeout_ms, struct err *e);

#endif
