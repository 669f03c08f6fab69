/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The device model: connection, and the source's side. The sink's side is in
 * xen_dm_load.c.
 */
#include "xen_dm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP "{\"execute\":\"stop\"}"
#define CONT "{\"execute\":\"cont\"}"

void xen_dm_init(struct xen_dm *m, const struct logger *log)
{
    memset(m, 0, sizeof(*m));
    m->log = log;
    m->image_fd = -1;
}

void xen_dm_dispose(struct xen_dm *m)
{
    struct err e;

    if (m->qmp && m->forget_ticket &&
        qmp_wait(m->qmp, m->forget_ticket, XEN_DM_LIMIT_MS, &e))
        log_info(m->log, "event=device-image-stays domid=%u why=\"%s\"",
                 m->domid, e.msg);
    m->forget_ticket = 0;
    qmp_close(m->qmp);
    m->qmp = NULL;
    if (m->image_fd >= 0)
        close(m->image_fd);
    m->image_fd = -1;
    if (m->save_path[0])
        unlink(m->save_path);
    m->save_path[0] = '\0';
}

static int find_socket(struct xen_dm *m, struct err *e)
{
    static const char *const dirs[] = { "/run/xen", "/var/run/xen" };
    size_t i;

    for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        snprintf(m->socket, sizeof(m->socket), "%s/qmp-libxenstat-%u",
                 dirs[i], m->domid);
        if (access(m->socket, F_OK) == 0)
            return 0;
    }
    return err_set(e, ERR_UNSUPPORTED, "the guest's device model has no "
                   "socket %s: only QEMU as libxl starts it can be driven",
                   m->socket);
}

int xen_dm_open(struct xen_dm *m, uint32_t domid, const char *state_dir,
                struct err *e)
{
    int rc;

    if (m->qmp)
        return 0;
    if (strpbrk(state_dir, "\"\\"))
        return err_set(e, ERR_UNSUPPORTED, "a quote or backslash in %s",
                       state_dir);
    m->domid = domid;
    rc = find_socket(m, e);
    if (rc)
        return rc;
    snprintf(m->save_path, sizeof(m->save_path), "%.3900s/device-%u.state",
             state_dir, domid);
    return qmp_open(m->socket, XEN_DM_LIMIT_MS, &m->qmp, e);
}

/* A connection without a half sent command. */
static int fresh(struct xen_dm *m, struct err *e)
{
    if (m->qmp && !qmp_half_sent(m->qmp))
        return 0;
    qmp_close(m->qmp);
    m->qmp = NULL;
    return qmp_open(m->socket, XEN_DM_LIMIT_MS, &m->qmp, e);
}

int xen_dm_log(struct xen_dm *m, bool on, struct err *e)
{
    char cmd[128];
    int rc;

    if (m->logging == on)
        return 0;
    rc = fresh(m, e);
    if (rc)
        return rc;
    snprintf(cmd, sizeof(cmd), "{\"execute\":\"xen-set-global-dirty-log\","
             "\"arguments\":{\"enable\":%s}}", on ? "true" : "false");
    rc = qmp_run(m->qmp, cmd, XEN_DM_LIMIT_MS, e);
    if (!rc)
        m->logging = on;
    return rc;
}

void xen_dm_prepare(struct xen_dm *m)
{
    struct err e;

    if (!m->qmp || qmp_half_sent(m->qmp))
        return;
    /* If this fails, xen_dm_stop() will find out. */
    if (qmp_send_early(m->qmp, STOP, &m->stop_ticket, &e)) {
        qmp_close(m->qmp);
        m->qmp = NULL;
    }
}

static int save_command(const struct xen_dm *m, char *cmd, struct err *e)
{
    int n = snprintf(cmd, QMP_COMMAND_MAX, "{\"execute\":"
                     "\"xen-save-devices-state\",\"arguments\":"
                     "{\"filename\":\"%s\",\"live\":false}}",
                     m->save_path);

    if (n < 0 || (size_t)n >= QMP_COMMAND_MAX)
        return err_set(e, ERR_LIMIT, "path too long: %s", m->save_path);
    return 0;
}

int xen_dm_stop(struct xen_dm *m, struct err *e)
{
    char save[QMP_COMMAND_MAX];
    int rc = save_command(m, save, e);

    if (rc)
        return rc;
    if (!m->qmp || !qmp_half_sent(m->qmp)) {
        rc = fresh(m, e);
        if (!rc)
            rc = qmp_send_early(m->qmp, STOP, &m->stop_ticket, e);
        if (rc)
            return rc;
    }
    rc = qmp_fire(m->qmp, save, &m->save_ticket, CONT, &m->cont_ticket, e);
    if (!rc)
        m->stopped = true;
    return rc;
}

int xen_dm_stopped(struct xen_dm *m, struct err *e)
{
    int rc;

    if (!m->stopped || !m->qmp)
        return err_set(e, ERR_DOMAIN, "the device model isn't stopped");
    rc = qmp_wait(m->qmp, m->stop_ticket, XEN_DM_LIMIT_MS, e);
    return rc ? err_wrap(e, "stopping the device model") : 0;
}

static int read_file(const char *path, struct buf *to, struct err *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *at;
    ssize_t n = 0;
    int rc;

    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, ERR_IO, errno, "%s", path);
    rc = buf_reserve(to, (size_t)st.st_size, &at, e);
    if (rc)
        return rc;
    while (st.st_size > 0 && (n = read(fd, at, (size_t)st.st_size)) > 0) {
        at += n;
        to->size += (size_t)n;
        st.st_size -= n;
    }
    if (st.st_size > 0)
        return err_sys(e, ERR_IO, n < 0 ? errno : EIO, "reading %s", path);
    return 0;
}

int xen_dm_saved(struct xen_dm *m, struct buf *to, struct err *e)
{
    int rc = qmp_wait(m->qmp, m->save_ticket, XEN_DM_LIMIT_MS, e);

    if (rc)
        return err_wrap(e, "saving the device model's state");
    rc = read_file(m->save_path, to, e);
    if (!rc && to->size == 0)
        rc = err_set(e, ERR_DOMAIN, "the device model's state is empty");
    return rc;
}

int xen_dm_save_now(struct xen_dm *m, struct buf *to, struct err *e)
{
    char save[QMP_COMMAND_MAX];
    int rc = save_command(m, save, e);

    if (!rc)
        rc = qmp_run(m->qmp, STOP, XEN_DM_LIMIT_MS, e);
    if (!rc)
        rc = qmp_run(m->qmp, save, XEN_DM_LIMIT_MS, e);
    return rc ? rc : read_file(m->save_path, to, e);
}

int xen_dm_cont(struct xen_dm *m, struct err *e)
{
    int rc;

    if (!m->stopped)
        return 0;
    if (m->qmp && qmp_half_sent(m->qmp)) {
        rc = qmp_fire(m->qmp, NULL, NULL, NULL, NULL, e);
        if (!rc)
            rc = qmp_wait(m->qmp, m->cont_ticket, XEN_DM_LIMIT_MS, e);
    } else {
        rc = ERR_EOF;
    }
    /* The guest mustn't stay with a stopped device model: once more. */
    if (rc) {
        log_warn(m->log, "event=device-model-reconnect domid=%u",
                 m->domid);
        qmp_close(m->qmp);
        m->qmp = NULL;
        rc = fresh(m, e);
        if (!rc)
            rc = qmp_run(m->qmp, CONT, XEN_DM_LIMIT_MS, e);
    }
    if (!rc)
        m->stopped = false;
    return rc ? err_wrap(e, "continuing the device model") : 0;
}
