/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Takes apart what QEMU sends: greeting, replies, errors, and the events of
 * the one job that is followed. All other events are dropped. Does no I/O.
 */
#include "qmp_reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *get_string(yajl_val v, const char *a, const char *b)
{
    const char *path[] = { a, b, NULL };
    yajl_val s = v ? yajl_tree_get(v, path, yajl_t_string) : NULL;

    return s ? YAJL_GET_STRING(s) : NULL;
}

static yajl_val get_any(yajl_val v, const char *key)
{
    const char *path[] = { key, NULL };

    return yajl_tree_get(v, path, yajl_t_any);
}

static void take_reply(struct qmp *q, const char *error)
{
    unsigned int i;

    q->replied++;
    i = q->replied % QMP_PENDING_MAX;
    q->failed[i] = error != NULL;
    snprintf(q->why[i], sizeof(q->why[i]), "%s", error ? error : "");
}

static void take_job_event(struct qmp *q, yajl_val v)
{
    const char *id = get_string(v, "data", "id");
    const char *status = get_string(v, "data", "status");

    if (!id || !status || strcmp(id, q->job))
        return;
    if (!strcmp(status, "aborting"))
        q->job_aborted = true;
    else if (!strcmp(status, "concluded"))
        q->job_concluded = true;
}

/* Takes over @v. */
static int take_message(struct qmp *q, yajl_val v, struct err *e)
{
    const char *event = get_string(v, "event", NULL);
    const char *desc;
    int rc = 0;

    if (event) {
        if (!strcmp(event, "JOB_STATUS_CHANGE"))
            take_job_event(q, v);
    } else if (get_any(v, "QMP")) {
        q->greeted = true;
    } else if (q->replied == q->sent) {
        rc = err_set(e, ERR_FORMAT, "the device model answers a question "
                     "that wasn't asked");
    } else if (get_any(v, "error")) {
        desc = get_string(v, "error", "desc");
        take_reply(q, desc ? desc : "an error without a reason");
    } else if (get_any(v, "return")) {
        take_reply(q, NULL);
        yajl_tree_free(q->last);
        q->last = v;
        return 0;
    } else {
        rc = err_set(e, ERR_FORMAT, "the device model's monitor doesn't "
                     "speak QMP");
    }
    yajl_tree_free(v);
    return rc;
}

int qmp_reply_parse(struct qmp *q, struct err *e)
{
    char why[128], *line;
    uint8_t *end;
    yajl_val v;
    size_t n;
    int rc;

    while (q->in.size && (end = memchr(q->in.data, '\n', q->in.size))) {
        line = (char *)q->in.data;
        n = (size_t)(end - q->in.data) + 1;
        *end = '\0';
        if (strspn(line, " \t\r") == strlen(line)) {
            buf_consume(&q->in, n);
            continue;
        }
        v = yajl_tree_parse(line, why, sizeof(why));
        buf_consume(&q->in, n);
        if (!v)
            return err_set(e, ERR_FORMAT, "the device model's monitor "
                           "doesn't speak JSON");
        rc = take_message(q, v, e);
        if (rc)
            return rc;
    }
    return 0;
}

int qmp_reply_result(struct qmp *q, unsigned int ticket, struct err *e)
{
    unsigned int i = ticket % QMP_PENDING_MAX;

    /* Older results are overwritten: a bug of the caller's. */
    assert(q->replied >= ticket && q->replied - ticket < QMP_PENDING_MAX);
    if (!q->failed[i])
        return 0;
    return err_set(e, ERR_DOMAIN, "device model: %.200s", q->why[i]);
}

int qmp_reply_job_error(struct qmp *q, struct err *e)
{
    yajl_val jobs = q->last ? get_any(q->last, "return") : NULL;
    const char *id, *why = NULL;
    size_t i;

    for (i = 0; YAJL_IS_ARRAY(jobs) && i < jobs->u.array.len; i++) {
        id = get_string(jobs->u.array.values[i], "id", NULL);
        if (id && !strcmp(id, q->job))
            why = get_string(jobs->u.array.values[i], "error", NULL);
    }
    return err_set(e, ERR_DOMAIN, "device model: %.200s",
                   why ? why : "the job failed without a reason");
}
