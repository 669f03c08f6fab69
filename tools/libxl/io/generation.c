/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Generation numbers, one small file for each domain.
 */
#include "generation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"

uint64_t generation_new(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t read_seen(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[32] = "";
    uint64_t seen = 0;

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return 0;
    return sscanf(text, "%" SCNu64, &seen) == 1 ? seen : 0;
}

static int write_seen(const char *path, uint64_t generation, struct err *e)
{
    char tmp[560], text[32];
    int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", generation);
    CLEANUP_CLOSE int fd = -1;

    snprintf(tmp, sizeof(tmp), "%s.new", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd) ||
        rename(tmp, path))
        return err_sys(e, ERR_IO, errno, "can't remember the session in %s",
                       path);
    return 0;
}

int generation_accept(const char *dir, const uint8_t uuid[16],
                      uint64_t generation, struct err *e)
{
    char path[512];
    uint64_t seen;
    int n;

    if (!dir)
        return 0;
    n = snprintf(path, sizeof(path), "%s/generation-", dir);
    if (n < 0 || (size_t)n + 33 > sizeof(path))
        return err_set(e, ERR_USAGE, "%s: path too long", dir);
    for (int i = 0; i < 16; i++)
        n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", uuid[i]);
    seen = read_seen(path);
    if (generation <= seen)
        return err_set(e, ERR_PEER, "a stale primary: session %" PRIu64
                       " isn't newer than %" PRIu64 ", seen before",
                       generation, seen);
    return write_seen(path, generation, e);
}
