/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * lab-connect HOST CMD...: like `ssh HOST CMD...` over the lab's link network,
 * without encryption and without keepalive: binary clean, either direction
 * can be closed first, the command's stderr and exit status are carried
 * through.  Used as `xl remus -s lab-connect DOM b`.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lab.h"

#define CHUNK (1u << 20)
#define STATUS_LOST 255
#define QUIET_MS 300    /* after the command's end: no more words */

static atomic_bool over;

static void die(const char *what)
{
    fprintf(stderr, "lab-connect: %s: %s\n", what, strerror(errno));
    exit(STATUS_LOST);
}

static struct sockaddr_in resolve(const char *host)
{
    struct addrinfo hints = {.ai_family = AF_INET,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    struct sockaddr_in sa;
    int r = getaddrinfo(host, NULL, &hints, &found);

    if (r) {
        fprintf(stderr, "lab-connect: %s: %s\n", host, gai_strerror(r));
        exit(STATUS_LOST);
    }
    memcpy(&sa, found->ai_addr, sizeof(sa));
    freeaddrinfo(found);
    return sa;
}

static int dial(struct sockaddr_in sa, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sa.sin_port = htons(port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
        die("connect");
    lab_nodelay(fd);
    return fd;
}

static void send_command(int fd, int argc, char **argv)
{
    const char *remote_xl = getenv("LAB_REMOTE_XL");
    unsigned char head[8] = "XLC1";

    if (remote_xl && !strcmp(argv[0], "xl"))
        argv[0] = (char *)remote_xl;
    lab_put_be32(head + 4, argc);
    if (lab_write_all(fd, head, sizeof(head)))
        die("send");
    for (int i = 0; i < argc; i++) {
        unsigned char length[4];

        lab_put_be32(length, strlen(argv[i]));
        if (lab_write_all(fd, length, sizeof(length)) ||
            lab_write_all(fd, argv[i], strlen(argv[i])))
            die("send");
    }
}

/*
 * By read and write: a blocking splice holds the pipe's lock while it waits,
 * and whoever has the other end waits with it, non-blocking or not.
 * Moves everything; 0 at the end of `from`, -1 when either side broke.
 */
static int pump(int from, int to)
{
    static __thread char data[CHUNK];
    ssize_t r;

    for (;;) {
        r = read(from, data, sizeof(data));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return (int)r;
        if (lab_write_all(to, data, r))
            return -1;
    }
}

/*
 * Our stdin to the command's.  A thread and not a process, so that nothing
 * keeps the connection open when we are killed.
 */
static void *feed(void *arg)
{
    int first = *(int *)arg;

    if (pump(0, first) == 0)
        shutdown(first, SHUT_WR);
    return NULL;
}

/* The command's stderr to ours; what it left running may keep it open. */
static void *hear(void *arg)
{
    struct pollfd p = {.fd = *(int *)arg, .events = POLLIN};
    char data[4096];
    ssize_t n;

    for (;;) {
        if (poll(&p, 1, QUIET_MS) == 0 && atomic_load(&over))
            return NULL;
        if (!p.revents)
            continue;
        n = read(p.fd, data, sizeof(data));
        if (n <= 0 || lab_write_all(2, data, n))
            return NULL;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa;
    unsigned char word[4];
    int first, second, third, r, lost;
    pthread_t feeder, listener;

    if (argc < 3) {
        fprintf(stderr, "usage: lab-connect HOST CMD...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sa = resolve(argv[1]);
    first = dial(sa, LAB_CONNECT_PORT);
    send_command(first, argc - 2, argv + 2);
    if (lab_read_all(first, word, sizeof(word)))
        die("no answer");
    second = dial(sa, lab_get_be32(word));
    third = dial(sa, lab_get_be32(word));
    errno = pthread_create(&feeder, NULL, feed, &first);
    if (!errno)
        errno = pthread_create(&listener, NULL, hear, &third);
    if (errno)
        die("pthread_create");
    r = pump(second, 1);
    close(1);
    close(second);
    if (r) /* our reader is gone: the command must see it too */
        shutdown(first, SHUT_WR);
    lost = lab_read_all(first, word, sizeof(word));
    atomic_store(&over, true);
    pthread_join(listener, NULL);
    if (lost) {
        fprintf(stderr, "lab-connect: connection lost\n");
        return STATUS_LOST;
    }
    return word[3];
}
