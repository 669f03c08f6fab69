/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What bare TCP on loopback costs, for benchmarks to be measured against: a
 * ping-pong, and a file sent by sendfile(). Between two processes.
 */
#ifndef XC_TESTS_BARE_TCP_H
#define XC_TESTS_BARE_TCP_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PINGS 20000

static inline void no_delay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static inline void tcp_pair(int fds[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&a, sizeof(a)) ||
        listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&a, &n) ||
        connect(fds[0], (struct sockaddr *)&a, sizeof(a)) ||
        (fds[1] = accept(listener, NULL, NULL)) < 0) {
        perror("bench_session: loopback");
        exit(1);
    }
    close(listener);
    no_delay(fds[0]);
    no_delay(fds[1]);
}

/* A child with one end; the parent keeps the other. */
static inline pid_t fork_with(int fds[2], bool *child_r)
{
    pid_t pid;

    fflush(NULL);
    tcp_pair(fds);
    pid = fork();
    *child_r = pid == 0;
    close(fds[pid == 0 ? 0 : 1]);
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

/* Of CHECKPOINT_STATE's size. */
static inline double ping_pong_us(void)
{
    static double took[PINGS];
    char octets[16] = { 0 };
    bool child;
    int fds[2];
    pid_t pid = fork_with(fds, &child);

    while (child) {
        if (read(fds[1], octets, sizeof(octets)) <= 0)
            _exit(0);
        if (write(fds[1], octets, sizeof(octets)) < 0)
            _exit(1);
    }
    for (int i = 0; i < PINGS; i++) {
        double t0 = bench_us();

        if (write(fds[0], octets, sizeof(octets)) < 0 ||
            read(fds[0], octets, sizeof(octets)) <= 0)
            exit(1);
        took[i] = bench_us() - t0;
    }
    close(fds[0]);
    waitpid(pid, NULL, 0);
    return bench_median(took, PINGS);
}

/* Into memory that was used before, as a guest's is when it was made. */
static inline void read_all(int fd, size_t size)
{
    char *to = malloc(size);
    ssize_t r = 1;

    if (!to)
        _exit(1);
    memset(to, 1, size);
    if (write(fd, "", 1) != 1)    /* ready */
        _exit(1);
    for (size_t at = 0; at < size && r > 0; at += (size_t)r)
        r = read(fd, to + at, size - at);
    _exit(r <= 0);
}

/* Seconds for @size octets of a file in memory, until the other end has
   them in its memory. */
static inline double sendfile_s(size_t size)
{
    static char in[1 << 20];
    int fd = memfd_create("bench", MFD_CLOEXEC), fds[2], status;
    off_t at = 0;
    double t0;
    bool child;
    pid_t pid;

    memset(in, 0x5a, sizeof(in));
    for (size_t i = 0; i < size; i += sizeof(in))
        if (write(fd, in, sizeof(in)) != (ssize_t)sizeof(in))
            exit(1);
    pid = fork_with(fds, &child);
    if (child)
        read_all(fds[1], size);
    if (read(fds[0], in, 1) != 1)
        exit(1);
    t0 = bench_us();
    while ((size_t)at < size)
        if (sendfile(fds[0], fd, &at, size - (size_t)at) <= 0)
            exit(1);
    shutdown(fds[0], SHUT_WR);
    if (read(fds[0], in, 1) != 0)    /* it has read all */
        exit(1);
    t0 = (bench_us() - t0) / 1e6;
    waitpid(pid, &status, 0);
    close(fds[0]);
    close(fd);
    return t0;
}

#endif
