/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One protection seen from this host, from the checks to the domain's care
 * when it is over. Called by `xl remus` after its command line is read.
 */
#include "protect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "buf.h"
#include "io.h"
#include "lock.h"
#include "monitor.h"
#include "news.h"
#include "transport.h"
#include "words.h"

struct work {
    struct xl *x;
    const struct protect *p;
    struct voice voice;
    struct news news;
    struct dom *dom;
    char name[DOM_NAME_MAX];
    uint32_t domid;
    struct transport t;
    struct words words;
    int lock;                   /* no other session has this domain */
    bool watched;               /* somebody waited for the domain's end */
    struct colo_result result;
};

static struct rune rune_of(const struct xl *x, const struct protect *p)
{
    return (struct rune){ .ssh = p->ssh, .host = p->host, .peer = p->peer,
                          .verbose = x->verbose, .stay = p->stay,
                          .given = p->given, .params = &p->params };
}

int protect_show(struct xl *x, const struct protect *p)
{
    CLEANUP_FREE char *text = NULL;
    struct rune r = rune_of(x, p);
    struct err e = { 0 };
    char fence[CONF_FENCE_SIZE];

    if (transport_rune(&r, &text, &e))
        return xl_fail(p->command, p->domain, &e);
    printf("domain=%s\nhost=%s\ncommand=%s\ninterval_ms=%u\nfence=%s\n"
           "hold_output=%d\nshared_disks=%d\nmode=%s\n", p->domain, p->host,
           text, p->params.interval_ms,
           conf_fence_text(&p->params, fence), p->params.hold_output,
           p->params.shared_disks, colo_mode_name(&p->params));
    return EXIT_SUCCESS;
}

/* ---- checks ------------------------------------------------------------- */

/* In MiB; 0 when the kernel doesn't tell. */
static uint64_t memory_available(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    uint64_t kib = 0;
    char line[128];

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib / 1024;
}

static int check_memory(const struct work *w, const struct dom_info *info,
                        struct err *e)
{
    uint64_t pages = colo_staging_pages(&w->p->params, info->ram_pages);
    uint64_t need = (pages + 255) / 256, have = memory_available();

    if (!have || need <= have)
        return 0;
    return err_set(e, ERR_NOMEM, "staging a checkpoint needs %" PRIu64 " MiB "
                   "and this host has %" PRIu64 " MiB free (give dom0 more "
                   "memory, or set --staging-mb to what the domain changes "
                   "between two checkpoints)", need, have);
}

static int check_disks(const struct work *w, const struct dom_info *info,
                       struct err *e)
{
    if (!info->writable_disk[0] || w->p->params.shared_disks)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "disk %s is writable and disks aren't "
                   "replicated yet (if both hosts see this storage, say "
                   "--shared-disks)", info->writable_disk);
}

static int check_backend(const struct work *w, struct err *e)
{
    const struct backend *b = w->x->backend;

    if (w->p->params.dialect == COLO_DIALECT_QEMU && !b->dom->captures_paused)
        return err_set(e, ERR_UNSUPPORTED, "QEMU's dialect isn't there yet "
                       "for domains of the %s backend", b->name);
    if (!w->p->params.colo || (b->dom->runs_copies && b->net->tap))
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "COLO isn't there yet for domains of "
                   "the %s backend (protect it with `xl remus')", b->name);
}

/* Nobody else protects it, or has left it half protected. */
static int claim(struct work *w, struct err *e)
{
    CLEANUP_FREE char *reply = NULL;
    struct err ours = { 0 };
    int rc = colo_control(w->x->conf.run_dir, w->name, "status", &reply,
                          &ours);

    if (rc == ERR_USAGE)
        return err_set(e, rc, "%s", ours.msg);
    /* One that doesn't answer is there all the same. */
    if (rc != ERR_NOTFOUND)
        return err_set(e, ERR_BUSY, "it is protected already (see `xl "
                       "colo-status', end that with `xl colo-stop %s')",
                       w->name);
    rc = lock_domain(w->x, w->x->backend->dom->info(w->dom)->uuid, &w->lock,
                     e);
    if (rc || !w->x->backend->dom->is_left ||
        !w->x->backend->dom->is_left(w->dom))
        return rc;
    return err_set(e, ERR_BUSY, "a session that was killed has left it as it "
                   "was (if its copy took over: xl destroy %s; if that "
                   "certainly never ran: xl colo-stop --release %s)",
                   w->name, w->name);
}

static int prepare(struct work *w, struct err *e)
{
    const struct xl_conf *c = &w->x->conf;
    struct dom_open o = { .name = w->p->domain, .log = &w->voice.logger,
                          .state_dir = c->state_dir,
                          .backend_arg = w->x->backend_arg };
    const struct dom_info *info;
    int rc;

    rc = check_backend(w, e);
    if (!rc)
        rc = xl_privilege(w->x, e);
    if (!rc)
        rc = conf_make_dir(c->run_dir, e);
    if (!rc)
        rc = conf_make_dir(c->state_dir, e);
    if (!rc)
        rc = w->x->backend->dom->open(&o, &w->dom, e);
    if (rc)
        return rc;
    info = w->x->backend->dom->info(w->dom);
    memcpy(w->name, info->name, sizeof(w->name));
    w->domid = info->domid;
    rc = claim(w, e);
    if (!rc)
        rc = check_disks(w, info, e);
    return rc ? rc : check_memory(w, info, e);
}

/* ---- the session -------------------------------------------------------- */

static int connect_host(struct work *w, struct err *e)
{
    CLEANUP_FREE char *text = NULL;
    struct rune r = rune_of(w->x, w->p);
    int rc;

    if (transport_drops_options(&r))
        voice_say(&w->voice, LOG_WARN, w->name, "with -s '' HOST is the whole "
                  "command: options for the other host aren't added to it");
    rc = transport_rune(&r, &text, e);
    if (!rc)
        rc = transport_start(text, w->words.fd, &w->t, e);
    words_given(&w->words);
    return rc;
}

static int session(struct work *w, struct err *e)
{
    struct colo_report report;
    struct colo_primary_conf conf = {
        .params = &w->p->params,
        .dom_ops = w->x->backend->dom,
        .dom = w->dom,
        .net_ops = w->x->backend->net,
        .host = w->p->host,
        .local_name = w->p->peer,
        .log = &w->voice.logger,
        .report = &report,
    };
    struct colo_io io = { .run_dir = w->x->conf.run_dir };
    int rc = connect_host(w, e);

    if (rc)
        return rc;
    io.in_fd = w->t.in_fd;
    io.out_fd = w->t.out_fd;
    io.transport = w->t.pid;
    news_report(&w->news, &report);
    news_start(&w->news);
    return colo_primary_run(&conf, &io, &w->result, e);
}

static void open_news(struct work *w)
{
    news_init(&w->news, w->x, &w->voice, true);
    w->news.domain = w->name;
    w->news.host = w->p->host;
    w->news.interval_ms = w->p->params.interval_ms;
    voice_file(&w->voice, w->x->conf.log_dir, w->name);
}

static int report_end(struct work *w)
{
    const struct colo_result *r = &w->result;
    char last[WORDS_LINE_MAX];
    struct err e = { 0 };

    news_end(&w->news, r);
    if (news_end_is_good(r->end))
        return EXIT_SUCCESS;
    words_last(&w->words, last);
    err_set(&e, r->err.code ? r->err.code : ERR_PEER, "%s%s%s%s%s%s",
            news_end_text(r), r->err.msg[0] ? ": " : "", r->err.msg,
            last[0] ? "; its last words: \"" : "", last, last[0] ? "\"" : "");
    xl_fail(w->p->command, w->name, &e);
    return EXIT_FAILURE;
}

/*
 * Whoever waited for the domain's end when we came may have gone meanwhile:
 * stock's watcher leaves at the first checkpoint, ours when asked.
 */
static void restore_watcher(struct work *w)
{
    const struct backend *b = w->x->backend;
    struct err e = { 0 };

    if (w->result.guest_ending &&
        monitor_finish(b->dom, w->dom, DOM_OTHER, &e))
        xl_warn(w->p->command, w->name, "%s", e.msg);
    /* One that was never protected ends with the command that made it. */
    if (b->in_process && !w->result.guest_ended && !w->result.destroyed &&
        w->result.epochs) {
        monitor_here(w->x, w->name, &w->voice, w->dom);
        w->dom = NULL;
    }
    b->dom->close(w->dom);
    w->dom = NULL;
    if (w->watched && !monitor_stock_lives(w->name) &&
        monitor_start(w->x, w->name, &e) && e.code != ERR_NOTFOUND)
        xl_warn(w->p->command, w->name, "nobody waits for the domain's end: "
                "%s", e.msg);
}

/* Protect a domain that passed the checks; returns the exit code. */
static int run_checked(struct work *w)
{
    struct err e = { 0 };
    bool ours = false;
    int ret, rc;

    open_news(w);
    rc = w->p->json_epochs ? news_open_json(&w->news, w->p->json_epochs, &e)
                           : 0;
    if (!rc)
        rc = monitor_dismiss(w->x, w->name, &ours, &e);
    w->watched = ours || monitor_stock_lives(w->name) ||
                 lock_was_watched(w->lock);
    lock_note_watched(w->lock, w->watched);
    if (!rc)
        rc = session(w, &e);
    ret = rc ? xl_fail(w->p->command, w->name, &e) : report_end(w);
    news_dispose(&w->news);
    lock_note_watched(w->lock, false);
    close(w->lock);
    w->lock = -1;
    restore_watcher(w);
    return ret;
}

int protect_run(struct xl *x, const struct protect *p)
{
    struct work w = { .x = x, .p = p, .lock = -1 };
    struct err e = { 0 };
    int ret;

    if (words_open(&w.words, &e))
        xl_warn(p->command, p->domain, "%s", e.msg);
    voice_init(&w.voice, p->command, x->verbose, x->timestamps);
    if (prepare(&w, &e))
        ret = xl_fail(p->command, p->domain, &e);
    else
        ret = run_checked(&w);
    if (w.lock >= 0)
        close(w.lock);
    x->backend->dom->close(w.dom);
    words_dispose(&w.words);
    voice_dispose(&w.voice);
    return ret;
}
