/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The far end of lab-connect: runs the command it is sent with the raw TCP
 * sockets as its stdin and stdout, so that bulk data is never copied by us.
 * It adds nothing to the connection: no keepalive, no heartbeat.  Started by
 * dom0's init as `lab-connectd ADDRESS`; the commands' stderr goes to
 * /var/log/lab-connect.log and the console, too.
 *
 * First connection: "XLC1", argc (be32), strings; answered by a port (be32).
 * From then on it is the command's stdin, and its other direction carries
 * the exit status (be32) at the end.  The caller opens a second connection
 * to that port, the command's stdout, and a third, its stderr.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "lab.h"

#define LOG_FILE "/var/log/lab-connect.log"
#define SECOND_MS 10000

/* The second and the third connection; false: they don't come. */
static bool accept_others(int first, int others[2])
{
    struct sockaddr_in sa;
    socklen_t length = sizeof(sa);
    char address[INET_ADDRSTRLEN];
    unsigned char port[4];
    struct pollfd p = {.events = POLLIN};

    if (getsockname(first, (struct sockaddr *)&sa, &length))
        return false;
    inet_ntop(AF_INET, &sa.sin_addr, address, sizeof(address));
    p.fd = lab_listen(address, 0);
    length = sizeof(sa);
    if (getsockname(p.fd, (struct sockaddr *)&sa, &length))
        return false;
    lab_put_be32(port, ntohs(sa.sin_port));
    if (lab_write_all(first, port, sizeof(port)))
        return false;
    for (int i = 0; i < 2; i++) {
        if (poll(&p, 1, SECOND_MS) != 1)
            return false;
        others[i] = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
        if (others[i] < 0)
            return false;
    }
    close(p.fd);
    return true;
}

/* The caller may be gone, or frozen: the log is kept all the same. */
static void keep_words(int from, int caller)
{
    int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK);
    int log_fd = open(LOG_FILE, O_WRONLY | O_CREAT | O_APPEND, 0644);
    char data[4096];
    ssize_t n;

    while ((n = read(from, data, sizeof(data))) > 0) {
        lab_write_all(log_fd, data, n);
        if (write(console, data, n) < 0 && errno == EBADF)
            console = -1;    /* a host without one */
        send(caller, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    _exit(0);
}

/* Where the command's stderr goes. */
static int open_log(int first, int second, int third)
{
    int p[2];

    if (pipe(p))
        return -1;
    if (fork() == 0) {
        close(first);
        close(second);
        close(p[1]);
        keep_words(p[0], third);
    }
    close(p[0]);
    return p[1];
}

static void serve(int first)
{
    unsigned char head[8], status_be[4];
    char **argv;
    int others[2], second, log_fd, status;
    pid_t pid;

    signal(SIGCHLD, SIG_DFL);
    lab_nodelay(first);
    if (lab_read_all(first, head, sizeof(head)) || memcmp(head, "XLC1", 4))
        _exit(1);
    argv = lab_read_strings(first, lab_get_be32(head + 4));
    if (!argv || !argv[0])
        _exit(1);
    if (!accept_others(first, others))
        _exit(1);
    second = others[0];
    lab_nodelay(second);
    lab_nodelay(others[1]);
    log_fd = open_log(first, second, others[1]);
    close(others[1]);
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
