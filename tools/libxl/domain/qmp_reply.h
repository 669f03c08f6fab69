/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Inside of the QMP client: its state, and the functions that take apart
 * what QEMU sends. Included by qmp.c and qmp_reply.c only.
 */
#ifndef XC_DOMAIN_QMP_REPLY_H
#define XC_DOMAIN_QMP_REPLY_H

#include <stdbool.h>
#include <yajl/yajl_tree.h>

#include "buf.h"
#include "qmp.h"

#define QMP_WRITE_LIMIT_MS 2000

struct qmp {
    int fd;
    struct buf in;                /* not yet parsed */
    bool greeted;
    bool half;                    /* a command's last octet is held back */
    unsigned int sent, replied;   /* tickets */
    bool failed[QMP_PENDING_MAX];             /* by ticket, modulo */
    char why[QMP_PENDING_MAX][ERR_MSG_SIZE];
    yajl_val last;                /* newest message with "return" */
    char job[16];
    bool job_concluded, job_aborted;
};

/* Take all complete lines from q->in. ERR_FORMAT: it isn't QMP. */
int qmp_reply_parse(struct qmp *q, struct err *e);
/* The result of a ticket whose reply came. */
int qmp_reply_result(struct qmp *q, unsigned int ticket, struct err *e);
/* ERR_DOMAIN with the error of the followed job, from query-jobs. */
int qmp_reply_job_error(struct qmp *q, struct err *e);

#endif
