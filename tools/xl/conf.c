/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Settings: xl.conf through libxlutil, the environment over it, and the
 * checks that numbers from anywhere pass. Called before each command of
 * ours, never for one that is handed on.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libxlutil.h>

#include "buf.h"
#include "lease.h"
#include "xl.h"

#define CONF_FILE "/etc/xen/xl.conf"

int conf_number(const char *text, const char *what, unsigned int min,
                unsigned int max, unsigned int *value_r, struct err *e)
{
    unsigned long v;
    char *end;

    errno = 0;
    v = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || v < min || v > max)
        return err_set(e, ERR_USAGE, "%s wants a number from %u to %u, not "
                       "`%s'", what, min, max, text);
    *value_r = (unsigned int)v;
    return 0;
}

int conf_ms(const char *text, const char *what, enum conf_time t,
            unsigned int *ms_r, struct err *e)
{
    static const struct { unsigned int min, max; } range[] = {
        [CONF_INTERVAL] = { 1, 3600000 },
        [CONF_HEARTBEAT] = { 5, 60000 },
        [CONF_SILENCE] = { 10, 600000 },
    };

    return conf_number(text, what, range[t].min, range[t].max, ms_r, e);
}

int conf_lease(const char **fence, const char *what, unsigned int *lease_s_r,
               struct err *e)
{
    static const char word[] = "watchdog";
    const char *rest = *fence ? *fence + sizeof(word) - 1 : NULL;

    *lease_s_r = 0;
    if (!*fence || strncmp(*fence, word, sizeof(word) - 1) ||
        (*rest && *rest != ':'))
        return 0;
    *fence = NULL;
    *lease_s_r = LEASE_S_DEFAULT;
    if (!*rest)
        return 0;
    if (!conf_number(rest + 1, what, LEASE_S_MIN, LEASE_S_MAX, lease_s_r, e))
        return 0;
    return err_set(e, ERR_USAGE, "%s watchdog:SECONDS wants a number from %u "
                   "to %u, not `%s'", what, LEASE_S_MIN, LEASE_S_MAX,
                   rest + 1);
}

const char *conf_fence_text(const struct colo_params *p,
                            char text[CONF_FENCE_SIZE])
{
    if (!p->lease_s)
        return p->fence ? p->fence : "";
    snprintf(text, CONF_FENCE_SIZE, "watchdog:%u", p->lease_s);
    return text;
}

int conf_takeover(const char *text, enum colo_takeover *t_r, struct err *e)
{
    if (!strcmp(text, "auto"))
        *t_r = COLO_TAKEOVER_AUTO;
    else if (!strcmp(text, "manual"))
        *t_r = COLO_TAKEOVER_MANUAL;
    else
        return err_set(e, ERR_USAGE, "takeover is `auto' or `manual', not "
                       "`%s'", text);
    return 0;
}

int conf_dialect(const char *text, enum colo_dialect *d_r, struct err *e)
{
    if (!strcmp(text, "xen"))
        *d_r = COLO_DIALECT_XEN;
    else if (!strcmp(text, "qemu"))
        *d_r = COLO_DIALECT_QEMU;
    else
        return err_set(e, ERR_USAGE, "dialect is `xen' or `qemu', not `%s'",
                       text);
    return 0;
}

int conf_check_params(const struct colo_params *p, struct err *e)
{
    unsigned int beat = p->heartbeat_ms ? p->heartbeat_ms
                                        : COLO_HEARTBEAT_MS_DEFAULT;
    unsigned int silence = p->silence_ms ? p->silence_ms
                                         : COLO_SILENCE_MS_DEFAULT;

    if (p->colo && p->dialect == COLO_DIALECT_QEMU)
        return err_set(e, ERR_USAGE, "COLO with --dialect=qemu: that stream "
                       "has no place for what the copies say, so both can't "
                       "run (protect it with `xl remus --dialect=qemu')");
    /* One late sign of life isn't a death; one dialect has none. */
    if (p->dialect != COLO_DIALECT_QEMU && silence < 2 * beat)
        return err_set(e, ERR_USAGE, "a silence limit of %u ms is less than "
                       "two heartbeats of %u ms", silence, beat);
    if (p->verify && p->dialect == COLO_DIALECT_QEMU)
        return err_set(e, ERR_USAGE, "--debug-verify with --dialect=qemu: "
                       "that stream has no place for it");
    if (p->lease_s && p->dialect == COLO_DIALECT_QEMU)
        return err_set(e, ERR_USAGE, "--fence=watchdog with --dialect=qemu: "
                       "in that stream nobody says how far it has read, so "
                       "no lease is kept (give a fence command)");
    if (p->lease_s && beat > LEASE_HEARTBEAT_MS_MAX)
        return err_set(e, ERR_USAGE, "--fence=watchdog wants a heartbeat each "
                       "%u ms or more often, not each %u ms",
                       LEASE_HEARTBEAT_MS_MAX, beat);
    return 0;
}

static int get_string(XLU_Config *cfg, const char *key, char **value_r,
                      struct err *e)
{
    const char *text;
    int r = xlu_cfg_get_string(cfg, key, &text, 1);

    if (r == ESRCH)
        return 0;
    if (r)
        return err_set(e, ERR_USAGE, "%s wants one string", key);
    *value_r = strdup(text);
    return *value_r ? 0 : err_set(e, ERR_NOMEM, "no memory for settings");
}

static int get_ms(XLU_Config *cfg, const char *key, enum conf_time t,
                  unsigned int *value_r, struct err *e)
{
    CLEANUP_FREE char *text = NULL;
    int rc = get_string(cfg, key, &text, e);

    if (rc || !text)
        return rc;
    return conf_ms(text, key, t, value_r, e);
}

static int take_keys(struct xl_conf *c, XLU_Config *cfg, struct err *e)
{
    CLEANUP_FREE char *takeover = NULL;
    int rc = get_string(cfg, "colo.fence", &c->fence, e);
    const char *command = c->fence;

    if (!rc)
        rc = conf_lease(&command, "colo.fence", &c->lease_s, e);
    if (c->lease_s) {
        free(c->fence);
        c->fence = NULL;
    }
    if (!rc)
        rc = get_ms(cfg, "colo.heartbeat_ms", CONF_HEARTBEAT,
                    &c->heartbeat_ms, e);
    if (!rc)
        rc = get_ms(cfg, "colo.silence_ms", CONF_SILENCE, &c->silence_ms, e);
    if (!rc)
        rc = get_ms(cfg, "colo.interval_ms", CONF_INTERVAL, &c->interval_ms,
                    e);
    if (!rc)
        rc = get_string(cfg, "colo.run_dir", &c->run_dir, e);
    if (!rc)
        rc = get_string(cfg, "colo.takeover", &takeover, e);
    if (!rc && takeover)
        rc = conf_takeover(takeover, &c->takeover, e);
    return rc;
}

/* libxlutil writes what is wrong to a stream: its first line is kept. */
static int read_file(struct xl_conf *c, const char *path, struct err *e)
{
    CLEANUP_FREE char *text = NULL;
    XLU_Config *cfg = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    int rc = 0;

    if (words)
        cfg = xlu_cfg_init(words, path);
    if (!cfg) {
        rc = err_set(e, ERR_NOMEM, "no memory for settings");
    } else if (xlu_cfg_readfile(cfg, path)) {
        fflush(words);
        text[strcspn(text, "\n")] = '\0';
        rc = err_set(e, ERR_FORMAT, "%s", text[0] ? text : "can't be read");
    } else {
        rc = take_keys(c, cfg, e);
        if (rc)
            err_wrap(e, "%s", path);
    }
    if (cfg)
        xlu_cfg_destroy(cfg);
    if (words)
        fclose(words);
    return rc;
}

static int from_env(const char *name, const char *fallback, char **value,
                    struct err *e)
{
    const char *text = getenv(name);

    if (!text || !text[0]) {
        if (*value)
            return 0;
        text = fallback;
    }
    free(*value);
    *value = strdup(text);
    return *value ? 0 : err_set(e, ERR_NOMEM, "no memory for settings");
}

int conf_load(struct xl_conf *c, struct err *e)
{
    const char *path = getenv("XL_COLO_CONF");
    bool named = path && path[0];
    int rc = 0;

    memset(c, 0, sizeof(*c));
    if (!named)
        path = CONF_FILE;
    /* Without the usual file every setting has its default, as in stock. */
    if (named || !access(path, F_OK))
        rc = read_file(c, path, e);
    if (!rc)
        rc = from_env("XL_COLO_RUN_DIR", "/run/xen-colo", &c->run_dir, e);
    if (!rc)
        rc = from_env("XL_COLO_STATE_DIR", "/var/lib/xen-colo",
                      &c->state_dir, e);
    if (!rc)
        rc = from_env("XL_COLO_LOG_DIR", "/var/log/xen", &c->log_dir, e);
    return rc;
}

void conf_dispose(struct xl_conf *c)
{
    free(c->fence);
    free(c->run_dir);
    free(c->state_dir);
    free(c->log_dir);
    memset(c, 0, sizeof(*c));
}

int conf_make_dir(const char *path, struct err *e)
{
    char part[PATH_MAX];
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(part))
        return err_set(e, ERR_USAGE, "`%s' is no name for a directory", path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, i == n ? 0700 : 0755) && errno != EEXIST)
            return err_sys(e, ERR_IO, errno, "can't make %s", part);
        part[i] = path[i];
    }
    return 0;
}
