/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain's configuration: a JSON object, checked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "embedded_int.h"

#define CONFIG_MAX 65536u
#define SUSPEND_MS_MAX 86400000

static const char *get_string(yajl_val v, const char *key)
{
    const char *path[] = { key, NULL };
    yajl_val s = yajl_tree_get(v, path, yajl_t_string);

    return s ? YAJL_GET_STRING(s) : "";
}

/* @absent when there is none, -1 when it is no whole number. */
static long long get_number(yajl_val v, const char *key, long long absent)
{
    const char *path[] = { key, NULL };
    yajl_val n = yajl_tree_get(v, path, yajl_t_any);

    if (!n)
        return absent;
    return YAJL_IS_INTEGER(n) ? YAJL_GET_INTEGER(n) : -1;
}

static int parse_uuid(const char *text, uint8_t uuid[16])
{
    size_t n = 0;

    for (; *text && n < 32; text++) {
        unsigned int digit;

        if (*text == '-')
            continue;
        if (sscanf(text, "%1x", &digit) != 1)
            return -1;
        uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | digit);
        n++;
    }
    return n == 32 && !*text ? 0 : -1;
}

static int parse_listen(const char *text, struct sockaddr_in *a)
{
    char host[32];
    unsigned int port;

    if (sscanf(text, "%31[0-9.]:%u", host, &port) != 2 || port > 65535)
        return -1;
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &a->sin_addr) == 1 ? 0 : -1;
}

static int fill(yajl_val v, struct emb_config *c, struct err *e)
{
    long long pages = get_number(v, "pages", -1);
    long long work = get_number(v, "work_pages", -1);
    long long suspend = get_number(v, "suspend_ms", 0);

    snprintf(c->name, sizeof(c->name), "%s", get_string(v, "name"));
    if (!c->name[0])
        return err_set(e, ERR_USAGE, "no name");
    if (parse_uuid(get_string(v, "uuid"), c->uuid))
        return err_set(e, ERR_USAGE, "uuid isn't one");
    if (pages < 64 || pages > 1048576)
        return err_set(e, ERR_USAGE, "pages has to be from 64 to 1048576");
    if (work < 0 || work > pages)
        return err_set(e, ERR_USAGE, "work_pages has to be from 0 to pages");
    if (suspend < 0 || suspend > SUSPEND_MS_MAX)
        return err_set(e, ERR_USAGE, "suspend_ms has to be from 0 to %d",
                       SUSPEND_MS_MAX);
    if (parse_listen(get_string(v, "listen"), &c->listen))
        return err_set(e, ERR_USAGE, "listen has to be A.B.C.D:PORT");
    c->pages = (size_t)pages;
    c->work_pages = (size_t)work;
    c->suspend_ms = (unsigned int)suspend;
    return 0;
}

int emb_config_parse(const char *json, size_t n, struct emb_config *c,
                     struct err *e)
{
    char why[160], *text = strndup(json, n);
    yajl_val v = text ? yajl_tree_parse(text, why, sizeof(why)) : NULL;
    int rc;

    memset(c, 0, sizeof(*c));
    if (v)
        rc = fill(v, c, e);
    else
        rc = err_set(e, ERR_USAGE, "not a JSON object");
    if (rc)
        err_wrap(e, "embedded domain's configuration");
    yajl_tree_free(v);
    free(text);
    return rc;
}

int emb_config_read(const char *path, char **json_r, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    char *text;
    ssize_t n;

    if (!path || !*path)
        return err_set(e, ERR_USAGE, "an embedded domain needs a file: "
                       "embedded:FILE");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_NOTFOUND, errno, "%s", path);
    text = calloc(1, CONFIG_MAX + 1);
    if (!text)
        return err_set(e, ERR_NOMEM, "no memory");
    n = read(fd, text, CONFIG_MAX);
    if (n <= 0) {
        free(text);
        return err_sys(e, ERR_IO, n ? errno : ENODATA, "%s", path);
    }
    *json_r = text;
    return 0;
}
