/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The far end of lab-connect: runs the command it is sent with the raw TCP
 * sockets as its stdin and stdout, so that bulk data is never copied by us.
 * It adds nothing to the connection: no keepalive, no heartbeat.  Started by
 * dom0's init as `lab-connectd ADDRESS`; its stderr and the commands' go to
 * /var/log/lab-connect.log and the console.
 *
 * First connection: "XLC1", argc (be32), strings; answered by a port (be32).
 * From then on it is the command's stdin, and its other direction carries
 * the exit status (be32) at the end.  The caller opens a second connection
 * to that port: the command's stdout.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "lab.h"

#define LOG_FILE "/var/log/lab-connect.log"
#define SECOND_MS 10000

/* The second connection, or -1. */
static int accept_second(int first)
{
    struct sockaddr_in sa;
    socklen_t length = sizeof(sa);
    char address[INET_ADDRSTRLEN];
    unsigned char port[4];
    struct pollfd p = {.events = POLLIN};

    if (getsockname(first, (struct sockaddr *)&sa, &length))
        return -1;
    inet_ntop(AF_INET, &sa.sin_addr, address, sizeof(address));
    p.fd = lab_listen(address, 0);
    length = sizeof(sa);
    if (getsockname(p.fd, (struct sockaddr *)&sa, &length))
        return -1;
    lab_put_be32(port, ntohs(sa.sin_port));
    if (lab_write_all(first, port, sizeof(port)))
        return -1;
    if (poll(&p, 1, SECOND_MS) != 1)
        return -1;
    return accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
}

/* stderr of the command: the log file and the console, through tee. */
static int open_log(void)
{
    int p[2];

    if (pipe(p))
        return -1;
    if (fork() == 0) {
        int console = open("/dev/console", O_WRONLY | O_NOCTTY);

        dup2(p[0], 0);
        dup2(console, 1);
        close(p[0]);
        close(p[1]);
        execlp("tee", "tee", "-a", LOG_FILE, NULL);
        _exit(127);
    }
    close(p[0]);
    return p[1];
}

static void serve(int first)
{
    unsigned char head[8], status_be[4];
    char **argv;
    int second, log_fd, status;
    pid_t pid;

    signal(SIGCHLD, SIG_DFL);
    lab_nodelay(first);
    if (lab_read_all(first, head, sizeof(head)) || memcmp(head, "XLC1", 4))
        _exit(1);
    argv = lab_read_strings(first, lab_get_be32(head + 4));
    if (!argv || !argv[0])
        _exit(1);
    second = accept_second(first);
    if (second < 0)
        _exit(1);
    lab_nodelay(second);
    log_fd = open_log();
    pid = fork();
    if (pid == 0) {
        setsid();
        lab_default_signals();
        dup2(first, 0);
        dup2(second, 1);
        dup2(log_fd, 2);
        close(log_fd);
        execvp(argv[0], argv);
        dprintf(2, "lab-connectd: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(second);
    close(log_fd);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        _exit(1);
    lab_put_be32(status_be, WIFEXITED(status) ? WEXITSTATUS(status)
                                              : 128 + WTERMSIG(status));
    lab_write_all(first, status_be, sizeof(status_be));
    _exit(0);
}

int main(int argc, char **argv)
{
    int listener;

    if (argc != 2) {
        fprintf(stderr, "usage: lab-connectd ADDRESS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    listener = lab_listen(argv[1], LAB_CONNECT_PORT);
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
