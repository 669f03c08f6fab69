/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The device model on the sink: loads state by snapshot-load from a tiny
 * synthetic image, because QEMU's own command aborts at its second use; see
 * qmp_vmstate.h. The image stays open on both sides, only the state's bytes
 * are written anew. No guest disk is named, so none is reverted.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ckpt.h"
#include "qmp_vmstate.h"
#include "xen_dm.h"

#define NODE "xcvms"
#define JOB  "xcload"
#define CAPACITY CKPT_DEVICE_MAX    /* sparse: costs what is written */

#define CONT "{\"execute\":\"cont\"}"
#define LOAD "{\"execute\":\"snapshot-load\",\"arguments\":{\"job-id\":\""  \
             JOB "\",\"tag\":\"s\",\"vmstate\":\"" NODE                     \
             "\",\"devices\":[\"" NODE "\"]}}"
#define DISMISS "{\"execute\":\"job-dismiss\",\"arguments\":{\"id\":\""     \
                JOB "\"}}"
#define FORGET "{\"execute\":\"blockdev-del\",\"arguments\":"               \
               "{\"node-name\":\"" NODE "\"}}"

static int write_at(int fd, const void *data, size_t n, off_t at,
                    struct err *e)
{
    const uint8_t *p = data;
    ssize_t r;

    while (n) {
        r = pwrite(fd, p, n, at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return err_sys(e, ERR_IO, r ? errno : ENOSPC,
                           "writing device state");
        p += r;
        at += r;
        n -= (size_t)r;
    }
    return 0;
}

static void image_path(char *path, const struct xen_dm *m,
                       const char *state_dir)
{
    snprintf(path, PATH_MAX, "%.3900s/device-%u.qcow2", state_dir, m->domid);
}

static int make_image(struct xen_dm *m, const char *path, struct err *e)
{
    CLEANUP_FREE uint8_t *meta = malloc(VMSTATE_META);

    if (!meta)
        return err_set(e, ERR_NOMEM, "no memory for the device image");
    m->image_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (m->image_fd < 0)
        return err_sys(e, ERR_IO, errno, "%s", path);
    vmstate_image(meta, CAPACITY);
    if (ftruncate(m->image_fd, (off_t)(VMSTATE_META + CAPACITY)))
        return err_sys(e, ERR_IO, errno, "%s", path);
    return write_at(m->image_fd, meta, VMSTATE_META, 0, e);
}

static int add_node(struct xen_dm *m, const char *path, struct err *e)
{
    char cmd[QMP_COMMAND_MAX];
    int n;

    n = snprintf(cmd, sizeof(cmd), "{\"execute\":\"blockdev-add\","
                 "\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"%s\","
                 "\"cache\":{\"no-flush\":true},\"file\":{\"driver\":"
                 "\"file\",\"filename\":\"%s\",\"locking\":\"off\"}}}",
                 NODE, path);
    if (n < 0 || (size_t)n >= sizeof(cmd))
        return err_set(e, ERR_LIMIT, "path too long: %s", path);
    return qmp_run(m->qmp, cmd, XEN_DM_LIMIT_MS, e);
}

static int put_state(struct xen_dm *m, const struct buf *state,
                     struct err *e)
{
    if (state->size > CAPACITY)
        return err_set(e, ERR_LIMIT, "device state of %zu octets is beyond "
                       "%zu", state->size, (size_t)CAPACITY);
    return write_at(m->image_fd, state->data, state->size,
                    VMSTATE_DATA_OFFSET, e);
}

static int try_load(struct xen_dm *m, const char *path, struct err *e)
{
    CLEANUP_BUF struct buf state = { .limit = CAPACITY };
    int rc = xen_dm_save_now(m, &state, e);

    if (!rc)
        rc = make_image(m, path, e);
    if (!rc)
        rc = put_state(m, &state, e);
    if (!rc)
        rc = add_node(m, path, e);
    if (!rc) {
        qmp_job_follow(m->qmp, JOB);
        rc = qmp_run(m->qmp, LOAD, XEN_DM_LIMIT_MS, e);
    }
    if (!rc)
        rc = qmp_job_wait(m->qmp, XEN_DM_LIMIT_MS, e);
    if (!rc)
        rc = qmp_run(m->qmp, DISMISS, XEN_DM_LIMIT_MS, e);
    return rc;
}

int xen_dm_warm_up(struct xen_dm *m, const char *state_dir, struct err *e)
{
    char path[PATH_MAX];
    int rc;

    image_path(path, m, state_dir);
    rc = try_load(m, path, e);
    if (!rc)
        return 0;
    unlink(path);
    return err_wrap(e, "this QEMU can't load device state again");
}

int xen_dm_adopt(struct xen_dm *m, const char *state_dir, struct err *e)
{
    char path[PATH_MAX];

    image_path(path, m, state_dir);
    m->image_fd = open(path, O_RDWR | O_CLOEXEC);
    if (m->image_fd < 0)
        return err_sys(e, ERR_IO, errno, "%s", path);
    /* Both sides have it open; nothing stays behind. */
    unlink(path);
    return 0;
}

int xen_dm_state(struct xen_dm *m, const struct buf *state, struct err *e)
{
    int rc;

    if (!m->qmp || m->image_fd < 0)
        return err_set(e, ERR_DOMAIN, "no connection to the device model");
    rc = put_state(m, state, e);
    /* In the middle of the takeover only its last octet is missing. */
    if (!rc && !qmp_half_sent(m->qmp)) {
        rc = qmp_send_early(m->qmp, LOAD, &m->load_ticket, e);
        m->load_half = !rc;
    }
    return rc;
}

int xen_dm_load(struct xen_dm *m, struct err *e)
{
    int rc;

    if (!m->qmp || !m->load_half)
        return err_set(e, ERR_DOMAIN, "there is no device state to load");
    m->load_half = false;
    qmp_job_follow(m->qmp, JOB);
    rc = qmp_fire(m->qmp, NULL, NULL, CONT, &m->cont_ticket, e);
    if (!rc)
        rc = qmp_wait(m->qmp, m->load_ticket, XEN_DM_LIMIT_MS, e);
    if (!rc)
        rc = qmp_job_wait(m->qmp, XEN_DM_LIMIT_MS, e);
    return rc ? err_wrap(e, "loading the device model's state") : 0;
}

int xen_dm_run(struct xen_dm *m, struct err *e)
{
    int rc;

    if (!m->qmp)
        return err_set(e, ERR_DOMAIN, "no connection to the device model");
    /* A half sent load must not be completed. */
    assert(!m->load_half);
    if (qmp_half_sent(m->qmp)) {
        rc = qmp_fire(m->qmp, NULL, NULL, NULL, NULL, e);
        if (!rc)
            rc = qmp_wait(m->qmp, m->cont_ticket, XEN_DM_LIMIT_MS, e);
    } else {
        rc = qmp_run(m->qmp, CONT, XEN_DM_LIMIT_MS, e);
    }
    return rc ? err_wrap(e, "starting the device model") : 0;
}

void xen_dm_forget(struct xen_dm *m)
{
    struct err e;

    if (!m->qmp || m->image_fd < 0 || qmp_half_sent(m->qmp))
        return;
    if (qmp_send(m->qmp, DISMISS, NULL, &e) ||
        qmp_send(m->qmp, FORGET, &m->forget_ticket, &e))
        log_info(m->log, "event=device-image-stays domid=%u why=\"%s\"",
                 m->domid, e.msg);
}
