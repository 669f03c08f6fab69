/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The session's end of its status socket: one line in, one line out, a few
 * clients at a time, none of which can hold the session up.
 */
#include "runtime_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

int control_address(const char *run_dir, const char *name,
                    struct sockaddr_un *a_r, struct err *e)
{
    int n;

    memset(a_r, 0, sizeof(*a_r));
    a_r->sun_family = AF_UNIX;
    n = snprintf(a_r->sun_path, sizeof(a_r->sun_path), "%s/%s.sock", run_dir,
                 name);
    if (strchr(name, '/') || !name[0])
        return err_set(e, ERR_USAGE, "\"%s\" is no domain's name", name);
    if (n < 0 || (size_t)n >= sizeof(a_r->sun_path))
        return err_set(e, ERR_USAGE, "%s/%s.sock is too long for a socket",
                       run_dir, name);
    return 0;
}

static void drop(struct client *c)
{
    ev_io_stop(c->rt->loop, &c->io);
    ev_timer_stop(c->rt->loop, &c->limit);
    close(c->fd);
    c->fd = -1;
}

static void answer(struct client *c, const char *line)
{
    char end = '\n';

    /* A reply is far below a socket's buffer; a client that doesn't read
       loses it. */
    if (send(c->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        send(c->fd, &end, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void obey(struct client *c)
{
    static const struct { const char *word; enum colo_command command; }
    words[] = {
        { "stop", COLO_CMD_STOP }, { "stop-release", COLO_CMD_STOP_RELEASE },
        { "failover", COLO_CMD_FAILOVER }, { "pause", COLO_CMD_PAUSE },
        { "unpause", COLO_CMD_UNPAUSE }, { "retry", COLO_CMD_RETRY },
        { "start", COLO_CMD_START }, { "start-force", COLO_CMD_START_FORCE },
    };
    struct runtime *rt = c->rt;
    const char *reply = "error unknown command";

    if (!strcmp(c->line, "status")) {
        struct colo_status st;
        CLEANUP_FREE char *json = NULL;

        rt->role->status(rt->session, &st);
        json = status_json(&st);
        answer(c, json ? json : "error no memory");
        return;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(c->line, words[i].word))
            rt->role->command(rt->session, words[i].command, &reply);
    answer(c, reply);
    /* It may take a while, and whoever asked has its answer. */
    shutdown(c->fd, SHUT_RDWR);
    rt->role->settle(rt->session);
}

static void on_client(struct ev_loop *loop, ev_io *w, int events)
{
    struct client *c = w->data;
    struct runtime *rt = c->rt;
    ssize_t r = read(c->fd, c->line + c->used, CLIENT_LINE - 1 - c->used);
    char *end;

    (void)loop;
    (void)events;
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r > 0) {
        c->used += (size_t)r;
        c->line[c->used] = '\0';
        end = strchr(c->line, '\n');
        if (!end && c->used < CLIENT_LINE - 1)
            return;
        if (end) {
            *end = '\0';
            obey(c);
        }
    }
    drop(c);
    runtime_after(rt);
}

static void on_slow(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    drop(w->data);
}

static void on_listener(struct ev_loop *loop, ev_io *w, int events)
{
    struct runtime *rt = w->data;
    int fd = accept4(rt->listen_fd, NULL, NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &rt->clients[i];

        if (c->fd >= 0)
            continue;
        c->fd = fd;
        c->rt = rt;
        c->used = 0;
        ev_io_init(&c->io, on_client, fd, EV_READ);
        ev_timer_init(&c->limit, on_slow, CLIENT_SECONDS, 0.);
        c->io.data = c->limit.data = c;
        ev_io_start(loop, &c->io);
        ev_timer_start(loop, &c->limit);
        return;
    }
    close(fd);
}

void control_serve(struct runtime *rt)
{
    struct sockaddr_un a;
    struct colo_status st;
    struct err e = { 0 };

    if (rt->listen_fd >= 0 || !rt->conf.run_dir || rt->socket_path)
        return;
    rt->role->status(rt->session, &st);
    if (!st.name[0])
        return;
    rt->socket_path = strdup("");    /* once, whatever comes of it */
    if (control_address(rt->conf.run_dir, st.name, &a, &e)) {
        log_warn(rt->conf.log, "event=no-status text=\"%s\"", e.msg);
        return;
    }
    mkdir(rt->conf.run_dir, 0700);
    unlink(a.sun_path);
    rt->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
                           SOCK_CLOEXEC, 0);
    if (rt->listen_fd < 0 ||
        bind(rt->listen_fd, (struct sockaddr *)&a, sizeof(a)) ||
        chmod(a.sun_path, 0600) || listen(rt->listen_fd, CLIENTS_MAX)) {
        log_warn(rt->conf.log, "event=no-status path=%s text=\"%s\"",
                 a.sun_path, strerror(errno));
        return;
    }
    free(rt->socket_path);
    rt->socket_path = strdup(a.sun_path);
    ev_io_init(&rt->listener, on_listener, rt->listen_fd, EV_READ);
    rt->listener.data = rt;
    ev_io_start(rt->loop, &rt->listener);
}

void control_stop(struct runtime *rt)
{
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (rt->clients[i].fd >= 0)
            drop(&rt->clients[i]);
    if (rt->listen_fd >= 0) {
        ev_io_stop(rt->loop, &rt->listener);
        close(rt->listen_fd);
        rt->listen_fd = -1;
    }
    if (rt->socket_path && rt->socket_path[0])
        unlink(rt->socket_path);
    free(rt->socket_path);
    rt->socket_path = NULL;
}
