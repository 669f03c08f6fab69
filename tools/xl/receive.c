/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl migrate-receive -r|--colo`: the other end of a protection, started by
 * the primary's xl with the stream on standard input and output. Keeps those
 * for the stream alone, and never waits for whoever reads its messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends.h"
#include "buf.h"
#include "guard.h"
#include "io.h"
#include "monitor.h"
#include "news.h"
#include "xl.h"

#define CMD "migrate-receive"
#define GIVE_WAY_S 1
#define ANNOUNCE_AGAIN 3    /* times, each after twice as long as before */

enum receive_option { OPT_PEER = OPT_OWN, OPT_COLO, OPT_COLO_OTHER,
                      OPT_INTERVAL };

static const struct option longs[] = {
    XL_COMMON_OPTIONS,
    { "remus", no_argument, NULL, 'r' },
    { "peer", required_argument, NULL, OPT_PEER },
    { "colo", no_argument, NULL, OPT_COLO },
    { "interval-ms", required_argument, NULL, OPT_INTERVAL },
    { "coloft-script", required_argument, NULL, OPT_COLO_OTHER },
    { "userspace-colo-proxy", no_argument, NULL, OPT_COLO_OTHER },
    { NULL, 0, NULL, 0 },
};

struct receive {
    struct xl *x;
    struct guard guard;
    struct colo_params params;
    struct given given;
    bool stay;                    /* -e: nobody waits for the domain's end */
    const char *peer;
    char address[64];             /* the peer, as ssh names it */
    struct voice voice;
    struct news news;
    struct colo_report said;      /* the news' own */
    char domain[DOM_NAME_MAX];    /* without a copy's suffix */
    int in_fd, out_fd;
    struct dom *dom;
};

static int take(struct receive *r, int opt, const char *value, struct err *e)
{
    switch (opt) {
    case 'e': r->stay = true; return 0;
    case OPT_PEER: r->peer = value; return 0;
    case OPT_COLO: r->params.colo = true; return 0;
    case OPT_INTERVAL:
        return conf_ms(value, "--interval-ms", CONF_INTERVAL,
                       &r->params.interval_ms, e);
    case 'r': case 'F': case 'd': case 'p': case OPT_COLO_OTHER: return 0;
    default: return options_take(&r->params, &r->given, opt, value, e);
    }
}

/* Whom a fence command is to be run on. */
static void settle_peer(struct receive *r)
{
    const char *ssh = getenv("SSH_CONNECTION");

    if (!r->peer && ssh) {
        snprintf(r->address, sizeof(r->address), "%.*s",
                 (int)strcspn(ssh, " "), ssh);
        r->peer = r->address;
    }
    r->params.peer = r->peer && r->peer[0] ? r->peer : NULL;
    if (!r->params.fence || r->params.peer)
        return;
    /* A fence was meant: without it, nothing is to happen by itself. */
    r->params.fence = NULL;
    if (r->params.takeover == COLO_TAKEOVER_DEFAULT)
        r->params.takeover = COLO_TAKEOVER_MANUAL;
    xl_warn(CMD, NULL, "a fence command is set and the other host's name "
            "isn't known, so it can't be fenced (say --peer NAME)");
}

/* The stream gets descriptors of its own: nothing that prints reaches it. */
static int take_stream(struct receive *r, struct err *e)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    r->in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    r->out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (null < 0 || r->in_fd < 0 || r->out_fd < 0 ||
        dup2(null, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return err_sys(e, ERR_IO, errno, "can't take the stream over");
    return 0;
}

/* News go on, and the guard hears what it has to know. */
static void on_state(void *ctx, const char *from, const char *to,
                     const char *why)
{
    struct receive *r = ctx;

    if (!strcmp(to, "protecting"))
        guard_counts(&r->guard, r->domain);
    r->said.state(r->said.ctx, from, to, why);
}

static void on_named(void *ctx, const char *name)
{
    struct receive *r = ctx;

    snprintf(r->domain, sizeof(r->domain), "%s", name);
    r->said.named(r->said.ctx, name);
}

static void on_message(void *ctx, enum log_level level, const char *text)
{
    struct receive *r = ctx;

    r->said.message(r->said.ctx, level, text);
}

static void on_parts(void *ctx)
{
    struct receive *r = ctx;

    guard_parts(&r->guard);
}

static int session(struct receive *r, struct colo_result *result,
                   struct err *e)
{
    const struct xl_conf *c = &r->x->conf;
    const struct dom_open o = { .log = &r->voice.logger,
                                .state_dir = c->state_dir,
                                .backend_arg = r->x->backend_arg };
    const struct colo_report report = {
        .ctx = r, .named = on_named, .state = on_state,
        .message = on_message,
    };
    const struct colo_secondary_conf conf = {
        .params = &r->params,
        .dom_ops = r->x->backend->dom,
        .dom_open = &o,
        .net_ops = r->x->backend->net,
        .log = &r->voice.logger,
        .report = &report,
        .dom_r = &r->dom,
    };
    const struct colo_io io = {
        .in_fd = r->in_fd,
        .out_fd = r->out_fd,
        .run_dir = c->run_dir,
        .state_dir = c->state_dir,
        .parts = on_parts,
        .parts_ctx = r,
    };

    news_report(&r->news, &r->said);
    return colo_secondary_run(&conf, &io, result, e);
}

static void wait_s(unsigned int s)
{
    const struct timespec t = { .tv_sec = s };

    nanosleep(&t, NULL);
}

/*
 * The session has said it once. A frame may be lost, or a switch may have
 * heard the old host last; and a guest may never say anything by itself.
 */
static void announce_again(struct receive *r, const struct dom_info *info)
{
    struct err e = { 0 };
    int rc = 0;

    for (int i = 0; !rc && i < ANNOUNCE_AGAIN; i++) {
        wait_s(1u << i);
        rc = r->x->backend->net->announce(info, &e);
    }
    if (rc)
        voice_say(&r->voice, LOG_WARN, info->name, e.msg);
}

/* The domain is here now, under its own name. */
static void keep(struct receive *r, const struct colo_result *result)
{
    struct dom_info info = *r->x->backend->dom->info(r->dom);
    const char *name = info.name;
    struct err e = { 0 };

    info.config_json = NULL;
    r->news.domain = name;
    voice_file(&r->voice, r->x->conf.log_dir, name);
    news_end(&r->news, result);
    r->news.domain = "";
    if (r->x->backend->in_process) {
        monitor_here(r->x, name, &r->voice, r->dom);
        r->dom = NULL;
        return;
    }
    /* The guest connects to its devices now, and every step of that wants
       this host's xenstored and back ends; what is left to do may wait. */
    wait_s(GIVE_WAY_S);
    r->x->backend->dom->close(r->dom);
    r->dom = NULL;
    if (!r->stay && monitor_start(r->x, name, &e)) {
        err_wrap(&e, "nobody waits for the domain's end");
        voice_say(&r->voice, LOG_WARN, name, e.msg);
    }
    announce_again(r, &info);
}

static int finished(struct receive *r, const struct colo_result *result)
{
    if (result->end == COLO_END_TAKEN_OVER && r->dom)
        keep(r, result);
    else
        news_end(&r->news, result);
    if (news_end_is_good(result->end))
        return EXIT_SUCCESS;
    voice_say(&r->voice, LOG_ERROR, NULL, result->err.msg[0] ?
              result->err.msg : news_end_text(result));
    return EXIT_FAILURE;
}

static int receive(struct receive *r)
{
    struct colo_result result = { 0 };
    struct err e = { 0 };
    int ret, rc;

    rc = xl_privilege(r->x, &e);
    if (!rc)
        rc = conf_make_dir(r->x->conf.run_dir, &e);
    if (!rc)
        rc = conf_make_dir(r->x->conf.state_dir, &e);
    if (!rc)
        rc = take_stream(r, &e);
    if (rc)
        return xl_fail(CMD, NULL, &e);
    voice_init(&r->voice, CMD, r->x->verbose, r->x->timestamps);
    voice_file(&r->voice, r->x->conf.log_dir, "receive");
    r->guard.to = -1;
    /* In QEMU's dialect a guard would have nothing that it could say. */
    if (r->params.dialect != COLO_DIALECT_QEMU)
        rc = guard_fork(r->x, &r->voice, r->in_fd, r->out_fd, &r->guard, &e);
    if (rc)
        return xl_fail(CMD, NULL, &e);
    news_init(&r->news, r->x, &r->voice, false);
    if (r->params.peer)
        r->news.host = r->params.peer;
    rc = session(r, &result, &e);
    if (rc)
        voice_say(&r->voice, LOG_ERROR, NULL, e.msg);
    ret = rc ? EXIT_FAILURE : finished(r, &result);
    r->x->backend->dom->close(r->dom);
    news_dispose(&r->news);
    voice_dispose(&r->voice);
    return ret;
}

int cmd_receive(struct xl *x, int argc, char **argv)
{
    struct receive r = { .x = x };
    struct err e = { 0 };
    int opt;

    options_init(&r.params, &x->conf);
    while ((opt = command_getopt(argc, argv, ":Fedrph", longs, 0, 0)) != -1) {
        if (opt == 'h' || opt == '?')
            return command_exit(opt);
        if (take(&r, opt, optarg, &e))
            return xl_fail(CMD, NULL, &e);
    }
    if (conf_check_params(&r.params, &e))
        return xl_fail(CMD, NULL, &e);
    settle_peer(&r);
    return receive(&r);
}
