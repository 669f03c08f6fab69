/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * lab-cut WHERE CMD...: carries a migration stream from stdin to CMD and, at
 * a given place in it, runs $CUT_RUN by the shell, kills CMD and exits with
 * 1. CMD's stdout is ours. WHERE is copy:BYTES (so much of the first epoch),
 * epoch:N (within the first pages after N complete epochs) or between:N
 * (after the Nth CHECKPOINT). Used as `xl remus -s "lab-cut …"` by the lab's
 * tests; never by the product.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define XL_HEADER 48
#define XL_OPTIONAL_AT 44
#define LIBXL_HEADER 16
#define LIBXC_HEADERS 40
#define LIBXL_CONTEXT 1u
#define LIBXL_CHECKPOINT_END 4u
#define LIBXC_PAGES 1u
#define LIBXC_CHECKPOINT 0xeu

static pid_t child;
static int to;

static void leave(void)
{
    int status;

    close(to);
    waitpid(child, &status, 0);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 255);
}

static void cut(void)
{
    const char *run = getenv("CUT_RUN");

    if (run && system(run))
        fprintf(stderr, "lab-cut: %s failed\n", run);
    kill(child, SIGKILL);
    exit(1);
}

static size_t get(void *data, size_t n)
{
    ssize_t r;

    do
        r = read(0, data, n);
    while (r < 0 && errno == EINTR);
    if (r <= 0)
        leave();
    return (size_t)r;
}

static void put(const char *data, size_t n)
{
    while (n > 0) {
        ssize_t r = write(to, data, n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            leave();
        data += r;
        n -= (size_t)r;
    }
}

static void pass(uint64_t n)
{
    static char data[1 << 18];

    while (n > 0) {
        size_t r = get(data, n < sizeof(data) ? n : sizeof(data));

        put(data, r);
        n -= r;
    }
}

static void take(void *data, size_t n)
{
    size_t done = 0;

    while (done < n)
        done += get((char *)data + done, n - done);
    put(data, n);
}

static void walk(const char *where, uint64_t at)
{
    int in_libxc = 0, in_copy = !strcmp(where, "copy");
    uint64_t epochs = 0, checkpoints = 0, bytes = 0;
    uint32_t head[2], optional;
    char header[XL_HEADER];

    take(header, sizeof(header));
    memcpy(&optional, header + XL_OPTIONAL_AT, sizeof(optional));
    pass((uint64_t)optional + LIBXL_HEADER);
    for (;;) {
        uint64_t length;

        take(head, sizeof(head));
        length = ((uint64_t)head[1] + 7) / 8 * 8;
        bytes += length;
        if (in_libxc && head[0] == LIBXC_PAGES &&
            ((in_copy && bytes >= at) ||
             (!strcmp(where, "epoch") && epochs >= at))) {
            pass(length / 2);
            cut();
        }
        pass(length);
        if (in_libxc && head[0] == LIBXC_CHECKPOINT) {
            in_libxc = 0;
            if (!strcmp(where, "between") && ++checkpoints >= at)
                cut();
        } else if (!in_libxc && head[0] == LIBXL_CONTEXT) {
            pass(LIBXC_HEADERS);
            in_libxc = 1;
        } else if (!in_libxc && head[0] == LIBXL_CHECKPOINT_END) {
            in_libxc = 1;
            epochs++;
        }
    }
}

int main(int argc, char **argv)
{
    char *colon = argc > 2 ? strchr(argv[1], ':') : NULL;
    int fds[2];

    if (!colon || pipe(fds)) {
        fprintf(stderr, "usage: lab-cut WHERE:NUMBER CMD...\n");
        return 2;
    }
    *colon = '\0';
    signal(SIGPIPE, SIG_IGN);
    child = fork();
    if (child == 0) {
        dup2(fds[0], 0);
        close(fds[0]);
        close(fds[1]);
        signal(SIGPIPE, SIG_DFL);
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    close(fds[0]);
    to = fds[1];
    walk(argv[1], strtoull(colon + 1, NULL, 10));
    return 0;
}
