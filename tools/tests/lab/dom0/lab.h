/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Ports, addresses and small I/O helpers shared by the programs that run in
 * the lab's dom0 (agent, lab-connect, lab-connectd, lab-fence).  Never used
 * by the product.  Everything is static: each program is one file.
 */
#ifndef LAB_H
#define LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAB_AGENT_PORT 7001
#define LAB_CONNECT_PORT 7002
#define LAB_POWER_PORT 7003
#define LAB_POWER_ADDR "192.0.2.1"

#define LAB_MAX_STRINGS 65536
#define LAB_MAX_COMMAND (16u << 20)

static inline uint32_t lab_get_be32(const void *p)
{
    const unsigned char *b = p;

    return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) |
           ((uint32_t)b[2] << 8) | b[3];
}

static inline void lab_put_be32(void *p, uint32_t v)
{
    unsigned char *b = p;

    b[0] = v >> 24;
    b[1] = v >> 16;
    b[2] = v >> 8;
    b[3] = v;
}

/* Returns 0, or -1 on error or early end of file. */
static inline int lab_read_all(int fd, void *buf, size_t length)
{
    char *p = buf;

    while (length > 0) {
        ssize_t r = read(fd, p, length);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        p += r;
        length -= r;
    }
    return 0;
}

/* Returns 0, or -1 on error. */
static inline int lab_write_all(int fd, const void *buf, size_t length)
{
    const char *p = buf;

    while (length > 0) {
        ssize_t r = write(fd, p, length);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        p += r;
        length -= r;
    }
    return 0;
}

/* In a child before exec: what init's shell ignores is not ignored there. */
static inline void lab_default_signals(void)
{
    for (int i = 1; i < 32; i++)
        signal(i, SIG_DFL);
}

static inline void lab_nodelay(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/*
 * Reads `count` strings, each a length (be32) and its octets, into a new
 * NULL-terminated array.  Returns NULL on a broken or oversized request.
 */
static inline char **lab_read_strings(int fd, uint32_t count)
{
    size_t total = 0;
    char **list;

    if (count > LAB_MAX_STRINGS)
        return NULL;
    list = calloc(count + 1, sizeof(*list));
    if (!list)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        unsigned char head[4];
        uint32_t length;

        if (lab_read_all(fd, head, sizeof(head)))
            return NULL;
        length = lab_get_be32(head);
        if (length > LAB_MAX_COMMAND - total)
            return NULL;
        total += length;
        list[i] = malloc(length + 1);
        if (!list[i] || lab_read_all(fd, list[i], length))
            return NULL;
        list[i][length] = '\0';
    }
    return list;
}

/* A listening TCP socket on `address`:`port`; exits on failure. */
static inline int lab_listen(const char *address, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64)) {
        fprintf(stderr, "listen on %s:%d: %s\n", address, port,
                strerror(errno));
        exit(1);
    }
    return fd;
}

#endif
