/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Building and starting the command that carries the stream.
 */
#include "transport.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"

#define STREAM_BYTES (1 << 20)

static int add(struct buf *b, const char *text, struct err *e)
{
    return buf_append(b, text, strlen(text), e);
}

/* The words go through a shell here and perhaps one there, unquoted. */
static int add_value(struct buf *b, const char *option, const char *value,
                     struct err *e)
{
    int rc;

    for (const char *c = value; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_@%+=:,./-", *c))
            return err_set(e, ERR_USAGE, "%s `%s' can't be passed on to the "
                           "other host: `%c' would not survive its shell "
                           "(put the command into a script)", option, value,
                           *c);
    rc = add(b, " ", e);
    if (!rc)
        rc = add(b, option, e);
    if (!rc)
        rc = add(b, " ", e);
    return rc ? rc : add(b, value, e);
}

static int add_ms(struct buf *b, const char *option, unsigned int ms,
                  struct err *e)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", ms);
    return add_value(b, option, text, e);
}

/* What the dialect has no word for. */
static int add_dialect(struct buf *b, const struct rune *r, struct err *e)
{
    const struct colo_params *p = r->params;
    int rc;

    if (p->dialect != COLO_DIALECT_QEMU)
        return 0;
    rc = add(b, " --dialect=qemu", e);
    if (!rc)
        rc = add_ms(b, "--interval-ms", p->interval_ms, e);
    if (!rc && !r->given.silence)
        rc = add_ms(b, "--silence-ms", p->silence_ms ? p->silence_ms :
                    COLO_SILENCE_MS_DEFAULT, e);
    if (!rc && !r->given.takeover && colo_needs_proof(p))
        rc = add(b, " --takeover manual", e);
    return rc;
}

static int add_ours(struct buf *b, const struct rune *r, struct err *e)
{
    const struct colo_params *p = r->params;
    char fence[CONF_FENCE_SIZE];
    int rc = 0;

    if (r->given.fence)
        rc = add_value(b, "--fence", conf_fence_text(p, fence), e);
    /* A fence command, be it in both hosts' xl.conf, needs to know whom. */
    if (!rc && p->fence && r->peer[0])
        rc = add_value(b, "--peer", r->peer, e);
    if (!rc && r->given.silence)
        rc = add_ms(b, "--silence-ms", p->silence_ms, e);
    if (!rc && r->given.takeover)
        rc = add_value(b, "--takeover", p->takeover == COLO_TAKEOVER_AUTO ?
                       "auto" : "manual", e);
    if (!rc && r->given.heartbeat)
        rc = add_ms(b, "--heartbeat-ms", p->heartbeat_ms, e);
    return rc ? rc : add_dialect(b, r, e);
}

static int add_words(struct buf *b, const struct rune *r, struct err *e)
{
    char verbose[XL_VERBOSE_MAX + 3] = "";
    int rc;

    if (r->verbose) {
        memcpy(verbose, " -", 2);
        memset(verbose + 2, 'v', r->verbose);
    }
    rc = add(b, "exec ", e);
    if (!rc)
        rc = add(b, r->ssh, e);
    if (!rc)
        rc = add(b, " ", e);
    if (!rc)
        rc = add(b, r->host, e);
    if (!rc)
        rc = add(b, " xl", e);
    if (!rc)
        rc = add(b, verbose, e);
    if (!rc)
        rc = add(b, r->params->colo ? " migrate-receive --colo" :
                 " migrate-receive -r", e);
    if (!rc && r->stay)
        rc = add(b, " -e", e);
    return rc ? rc : add_ours(b, r, e);
}

int transport_rune(const struct rune *r, char **text_r, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, 0);
    rc = r->ssh[0] ? add_words(&b, r, e) : add(&b, r->host, e);
    if (!rc)
        rc = buf_append(&b, "", 1, e);
    if (rc)
        buf_dispose(&b);
    *text_r = (char *)b.data;
    return rc;
}

bool transport_drops_options(const struct rune *r)
{
    const struct given *g = &r->given;

    return !r->ssh[0] &&
           (g->fence || g->heartbeat || g->silence || g->takeover ||
            r->params->dialect == COLO_DIALECT_QEMU);
}

/*
 * ssh may have to ask for a password, which only the terminal's foreground
 * group may; it leaves signals ignored that it found ignored. Any other
 * command gets a group of its own, out of Ctrl-C's reach whatever it does.
 */
static bool is_ssh(const char *text)
{
    const char *word = text, *base;
    size_t n;

    if (!strncmp(word, "exec ", 5))
        word += 5;
    word += strspn(word, " ");
    n = strcspn(word, " ");
    for (base = word + n; base > word && base[-1] != '/'; base--)
        ;
    return (size_t)(word + n - base) == 3 && !memcmp(base, "ssh", 3);
}

static void child(const char *text, int in, int out, int words)
{
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (!is_ssh(text))
        setpgid(0, 0);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        (words < 0 || dup2(words, STDERR_FILENO) >= 0))
        execlp("sh", "sh", "-c", text, (char *)NULL);
    _exit(127);
}

/*
 * A socket pair and not a pipe: a command that moves data by a blocking
 * splice() holds a pipe's lock while it waits for the network, and we would
 * wait with it, non-blocking or not.
 */
static int make_stream(int sender, int fds[2], struct err *e)
{
    int bytes = STREAM_BYTES;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        return err_sys(e, ERR_IO, errno, "no stream to the other host");
    /* Fewer turns of the loop for an epoch; a smaller one works as well. */
    if (setsockopt(fds[sender], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
                   sizeof(bytes)))
        (void)setsockopt(fds[sender], SOL_SOCKET, SO_SNDBUF, &bytes,
                         sizeof(bytes));
    return 0;
}

int transport_start(const char *text, int words, struct transport *t_r,
                    struct err *e)
{
    CLEANUP_CLOSE int to_r = -1;
    CLEANUP_CLOSE int to_w = -1;
    CLEANUP_CLOSE int from_r = -1;
    CLEANUP_CLOSE int from_w = -1;
    int to[2], from[2];
    pid_t pid;

    if (make_stream(1, to, e))
        return e->code;
    to_r = to[0];
    to_w = to[1];
    if (make_stream(1, from, e))
        return e->code;
    from_r = from[0];
    from_w = from[1];
    pid = fork();
    if (pid < 0)
        return err_sys(e, ERR_IO, errno, "can't start the transport");
    if (pid == 0)
        child(text, to_r, from_w, words);
    t_r->pid = pid;
    t_r->out_fd = to_w;
    t_r->in_fd = from_r;
    to_w = from_r = -1;
    return 0;
}
