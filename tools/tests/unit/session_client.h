/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A client of the embedded domain's service, whichever copy answers. For test
 * programs; session_pair.h includes it.
 */
#ifndef XC_TESTS_SESSION_CLIENT_H
#define XC_TESTS_SESSION_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* What has to come true does so at once; a busy machine is given time. */
#define PATIENCE_NS (120 * 1000000000ull)

/* The service's address on loopback: this process's own, so that whoever runs
   the same test holds no port of ours. */
static struct sockaddr_in service_at(uint16_t port)
{
    uint32_t host = 0x7f400000u + (uint32_t)getpid() % 0x3fffffu;

    return (struct sockaddr_in) { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(host) };
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = service_at(0);
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void tick(void)
{
    const struct timespec t = { .tv_nsec = 5000000 };

    nanosleep(&t, NULL);
}

static int dial(uint16_t port)
{
    struct sockaddr_in a = service_at(port);
    struct timeval limit = { .tv_sec = PATIENCE_NS / 1000000000u };

    for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end; tick()) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
            return fd;
        close(fd);
    }
    fail_msg("the service doesn't answer");
    return -1;
}

/* Nothing may come any more: what isn't seen to come for a while counts as
   nothing. */
static void be_impatient(int fd)
{
    struct timeval limit = { .tv_usec = 500000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static bool ask(int fd, const char *line, char answer[512])
{
    size_t used = 0;

    if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
        return false;
    while (used < 511) {
        ssize_t r = recv(fd, answer + used, 511 - used, 0);

        if (r <= 0)
            return false;
        used += (size_t)r;
        answer[used] = '\0';
        if (strchr(answer, '\n'))
            return true;
    }
    return false;
}

/* Writes from @from on until one isn't acknowledged, at most @n. */
static inline uint64_t write_numbers(int fd, uint64_t from, uint64_t n)
{
    char line[64], answer[512];

    for (uint64_t i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "W %" PRIu64 " text\n", from + i);
        if (!ask(fd, line, answer))
            return i;
        assert_int_equal(answer[0], 'A');
    }
    return n;
}

static inline void check_written(uint16_t port, uint64_t n)
{
    char line[64], answer[512];
    uint64_t end = clock_ns() + PATIENCE_NS;
    int fd = dial(port);

    /* A frozen server's kernel still takes connections. */
    be_impatient(fd);
    while (!ask(fd, "R\n", answer) && clock_ns() < end) {
        close(fd);
        fd = dial(port);
        be_impatient(fd);
    }
    close(fd);
    fd = dial(port);
    for (uint64_t i = 1; i <= n; i++) {
        snprintf(line, sizeof(line), "C %" PRIu64 "\n", i);
        assert_true(ask(fd, line, answer));
        if (answer[0] != 'Y')
            fail_msg("acknowledged write %" PRIu64 " of %" PRIu64 " is lost",
                     i, n);
    }
    close(fd);
}

#endif
