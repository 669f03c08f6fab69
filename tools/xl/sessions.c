/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Asking the sessions of this host what they do.
 */
#include "sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

int sessions_ready(const struct xl *x, struct err *e)
{
    int rc = xl_privilege(x, e);

    return rc ? rc : conf_make_dir(x->conf.run_dir, e);
}

void seen_dispose(struct seen *s)
{
    free(s->json);
    yajl_tree_free(s->tree);
    s->json = NULL;
    s->tree = NULL;
}

void sessions_dispose(struct seen_list *l)
{
    for (size_t i = 0; i < l->nr; i++)
        seen_dispose(&l->s[i]);
    free(l->s);
    l->s = NULL;
    l->nr = 0;
}

const char *seen_text(const struct seen *s, const char *key)
{
    const char *path[] = { key, NULL };
    yajl_val v = s->tree ? yajl_tree_get(s->tree, path, yajl_t_any) : NULL;

    if (v && YAJL_IS_STRING(v))
        return YAJL_GET_STRING(v);
    return v && YAJL_IS_NUMBER(v) ? YAJL_GET_NUMBER(v) : "";
}

static int ask(const struct xl *x, struct seen *s, struct err *e)
{
    char why[128];
    int rc = colo_control(x->conf.run_dir, s->name, "status", &s->json, e);

    if (rc)
        return rc;
    s->tree = yajl_tree_parse(s->json, why, sizeof(why));
    if (s->tree && YAJL_IS_OBJECT(s->tree))
        return 0;
    seen_dispose(s);
    return err_set(e, ERR_FORMAT, "its session's answer makes no sense");
}

struct collect {
    struct seen_list *l;
    int rc;
};

static void add(void *ctx, const char *name)
{
    struct collect *c = ctx;
    struct seen *more;

    if (c->rc || c->l->nr == SESSIONS_MAX || strlen(name) >= DOM_NAME_MAX)
        return;
    more = realloc(c->l->s, (c->l->nr + 1) * sizeof(*more));
    if (!more) {
        c->rc = ERR_NOMEM;
        return;
    }
    c->l->s = more;
    memset(&more[c->l->nr], 0, sizeof(*more));
    snprintf(more[c->l->nr++].name, DOM_NAME_MAX, "%s", name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->name,
                  ((const struct seen *)b)->name);
}

int sessions_all(const struct xl *x, struct seen_list *l, struct err *e)
{
    struct collect c = { .l = l };
    size_t kept = 0;
    int rc;

    memset(l, 0, sizeof(*l));
    rc = colo_sessions(x->conf.run_dir, add, &c, e);
    if (rc == ERR_NOTFOUND)
        rc = 0;    /* no folder, no session */
    if (!rc && c.rc)
        rc = err_set(e, c.rc, "no memory for %zu sessions", l->nr + 1);
    if (rc) {
        sessions_dispose(l);
        return rc;
    }
    for (size_t i = 0; i < l->nr; i++) {
        struct err gone = { 0 };

        /* One that ended meanwhile is left out, a stuck one is listed. */
        if (ask(x, &l->s[i], &gone) != ERR_NOTFOUND)
            l->s[kept++] = l->s[i];
    }
    l->nr = kept;
    if (kept > 1)
        qsort(l->s, kept, sizeof(*l->s), by_name);
    return 0;
}

static int find_number(const struct xl *x, const char *who, struct seen *s_r,
                       struct err *e)
{
    struct seen_list l;
    int rc = sessions_all(x, &l, e);

    if (rc)
        return rc;
    rc = ERR_NOTFOUND;
    for (size_t i = 0; rc && i < l.nr; i++) {
        if (strcmp(seen_text(&l.s[i], "domid"), who))
            continue;
        *s_r = l.s[i];
        memset(&l.s[i], 0, sizeof(l.s[i]));
        rc = 0;
    }
    sessions_dispose(&l);
    return rc;
}

int sessions_find(const struct xl *x, const char *who, struct seen *s_r,
                  struct err *e)
{
    int rc;

    memset(s_r, 0, sizeof(*s_r));
    if (who[0] && strlen(who) < sizeof(s_r->name) && !strchr(who, '/')) {
        snprintf(s_r->name, sizeof(s_r->name), "%s", who);
        rc = ask(x, s_r, e);
        if (rc != ERR_NOTFOUND)
            return rc;
    }
    rc = ERR_NOTFOUND;
    if (who[0] && strspn(who, "0123456789") == strlen(who))
        rc = find_number(x, who, s_r, e);
    if (rc == ERR_NOTFOUND)
        err_set(e, rc, "no session protects it on this host");
    return rc;
}
