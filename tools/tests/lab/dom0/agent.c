/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Remote execution in the lab's dom0: one TCP connection is one command.
 * Carries any argument list, environment, stdin, stdout, stderr, signals and
 * the exit status; a lost connection ends the command.  It never asks who is
 * calling: the network is the lab's own.  Started by dom0's init as
 * `lab-agent ADDRESS`; its client is labkit/agent.py.
 *
 * Request: "XLA1", argc, envc (be32), then the strings, each length + octets.
 * Frames afterwards: type (1 octet), length (be32), octets.
 *   to the agent:  i stdin   e end of stdin   s signal number (be32)
 *   from it:       o stdout  r stderr         x exit status (be32)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lab.h"

#define CHUNK 65536
#define FRAME_HEAD 5
#define GRACE_MS 500

struct command {
    int sock;
    pid_t pid;
    int pidfd;
    int in;  /* write end of its stdin, -1 when closed */
    int out; /* read ends, -1 when closed */
    int err;
    char pending[CHUNK]; /* stdin not yet taken by the command */
    size_t pending_off;
    size_t pending_len;
    bool eof_wanted;
};

static int send_frame(int sock, char type, const void *data, uint32_t length)
{
    char head[FRAME_HEAD];

    head[0] = type;
    lab_put_be32(head + 1, length);
    if (send(sock, head, sizeof(head), MSG_MORE | MSG_NOSIGNAL) !=
        (ssize_t)sizeof(head))
        return -1;
    return lab_write_all(sock, data, length);
}

static int send_exit(int sock, uint32_t status)
{
    char frame[FRAME_HEAD + 4];

    frame[0] = 'x';
    lab_put_be32(frame + 1, 4);
    lab_put_be32(frame + FRAME_HEAD, status);
    return lab_write_all(sock, frame, sizeof(frame));
}

static void refuse(int sock, const char *what, int error, int status)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "lab: %.300s: %s\n", what,
                     strerror(error));

    send_frame(sock, 'r', text, n);
    send_exit(sock, status);
    _exit(0);
}

/* In the child: becomes the command, or reports errno through `report`. */
static void become(char **argv, char **envp, const int fds[3], int report)
{
    int error;

    setsid();
    lab_default_signals();
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    for (char **e = envp; *e; e++)
        putenv(*e);
    execvp(argv[0], argv);
    error = errno;
    lab_write_all(report, &error, sizeof(error));
    _exit(127);
}

static void start(struct command *c, char **argv, char **envp)
{
    int in[2], out[2], err[2], report[2], error;

    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
        pipe2(err, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
        refuse(c->sock, "pipe", errno, 126);
    c->pid = fork();
    if (c->pid < 0)
        refuse(c->sock, "fork", errno, 126);
    if (c->pid == 0)
        become(argv, envp, (int[3]){in[0], out[1], err[1]}, report[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    close(report[1]);
    if (lab_read_all(report[0], &error, sizeof(error)) == 0)
        refuse(c->sock, argv[0], error, error == ENOENT ? 127 : 126);
    close(report[0]);
    c->in = in[1];
    c->out = out[0];
    c->err = err[0];
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    fcntl(c->err, F_SETFL, O_NONBLOCK);
    c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
    if (c->pidfd < 0)
        refuse(c->sock, "pidfd_open", errno, 126);
}

/* The caller is gone: end the command's whole session, politely first. */
static void hang_up(struct command *c)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

    kill(-c->pid, SIGHUP);
    kill(-c->pid, SIGTERM);
    poll(&p, 1, GRACE_MS);
    kill(-c->pid, SIGKILL);
    _exit(1);
}

static void close_stdin(struct command *c)
{
    if (c->in >= 0)
        close(c->in);
    c->in = -1;
    c->pending_len = 0;
}

static void flush_stdin(struct command *c)
{
    ssize_t r = write(c->in, c->pending + c->pending_off, c->pending_len);

    if (r < 0) {
        if (errno != EAGAIN && errno != EINTR)
            close_stdin(c);
        return;
    }
    c->pending_off += r;
    c->pending_len -= r;
    if (c->pending_len == 0 && c->eof_wanted)
        close_stdin(c);
}

/* One frame from the caller; only called with no stdin pending. */
static void take_frame(struct command *c)
{
    char head[FRAME_HEAD];
    uint32_t length;

    if (lab_read_all(c->sock, head, sizeof(head)))
        hang_up(c);
    length = lab_get_be32(head + 1);
    if (length > CHUNK || lab_read_all(c->sock, c->pending, length))
        hang_up(c);
    switch (head[0]) {
    case 'i':
        if (c->in >= 0) {
            c->pending_off = 0;
            c->pending_len = length;
            flush_stdin(c);
        }
        break;
    case 'e':
        c->eof_wanted = true;
        close_stdin(c);
        break;
    case 's':
        if (length == 4)
            kill(-c->pid, (int)lab_get_be32(c->pending));
        break;
    default:
        hang_up(c);
    }
}

/* Passes on what the pipe holds now; true while it may hold more. */
static bool pass_output(struct command *c, int *fd, char type)
{
    static char data[CHUNK];
    ssize_t r = read(*fd, data, sizeof(data));

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (r <= 0) {
        close(*fd);
        *fd = -1;
        return false;
    }
    if (send_frame(c->sock, type, data, r))
        hang_up(c);
    return true;
}

static void finish(struct command *c)
{
    int status;

    waitpid(c->pid, &status, 0);
    while (c->out >= 0 && pass_output(c, &c->out, 'o'))
        ;
    while (c->err >= 0 && pass_output(c, &c->err, 'r'))
        ;
    send_exit(c->sock, WIFEXITED(status) ? WEXITSTATUS(status)
                                         : 128 + WTERMSIG(status));
    _exit(0);
}

static void relay(struct command *c)
{
    for (;;) {
        bool room = c->pending_len == 0;
        struct pollfd p[5] = {
            {.fd = c->sock, .events = POLLRDHUP | (room ? POLLIN : 0)},
            {.fd = c->pidfd, .events = POLLIN},
            {.fd = c->out, .events = POLLIN},
            {.fd = c->err, .events = POLLIN},
            {.fd = room ? -1 : c->in, .events = POLLOUT},
        };

        if (poll(p, 5, -1) < 0)
            continue;
        if (p[2].revents)
            pass_output(c, &c->out, 'o');
        if (p[3].revents)
            pass_output(c, &c->err, 'r');
        if (p[1].revents)
            finish(c);
        if (p[4].revents)
            flush_stdin(c);
        if (p[0].revents & POLLIN && room)
            take_frame(c);
        else if (p[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
            hang_up(c);
    }
}

static void serve(int sock)
{
    static struct command c;
    unsigned char head[12];
    char **argv, **envp;

    signal(SIGCHLD, SIG_DFL);
    lab_nodelay(sock);
    if (lab_read_all(sock, head, sizeof(head)) || memcmp(head, "XLA1", 4))
        _exit(1);
    argv = lab_read_strings(sock, lab_get_be32(head + 4));
    envp = argv ? lab_read_strings(sock, lab_get_be32(head + 8)) : NULL;
    if (!envp || !argv[0])
        refuse(sock, "request", EINVAL, 125);
    c.sock = sock;
    start(&c, argv, envp);
    relay(&c);
}

int main(int argc, char **argv)
{
    int listener;

    if (argc != 2) {
        fprintf(stderr, "usage: lab-agent ADDRESS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    listener = lab_listen(argv[1], LAB_AGENT_PORT);
    for (;;) {
        int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (sock < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            serve(sock);
        }
        close(sock);
    }
}
