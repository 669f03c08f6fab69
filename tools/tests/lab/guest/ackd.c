/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The service in the lab's guests: acknowledges numbered writes and keeps
 * them in RAM only, so that a write lost by a failover is provable.  Never
 * writes to a disk.  Started by the guest's init; its clients are
 * labkit/client.py and curl.
 *
 * Port 7101 and 80, one line each:
 *   W <n> <payload>  ->  A <n> <hash> <boot>   stored, or stored before
 *                        E <n> <reason>
 *   R                ->  R <contiguous> <count> <hash> <boot> <duplicates>
 *   L <from> <to>    ->  one line "<n> <hash>" for each stored, then "."
 *   GET ...          ->  a page by HTTP/1.0
 * Port 7103: poweroff | reboot | crash | id
 * <hash> is the running FNV-1a over all writes in the order of arrival, as it
 * was just after write n; <boot> is random at start.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "line.h"

#define PORT 7101
#define HTTP_PORT 80
#define CONTROL_PORT 7103
#define MAX_WRITES (1u << 20)
#define MAX_LISTED 65536
#define REPLY_DELAY_US 200000

struct write_entry {
    uint64_t running_hash; /* 0: not stored */
    uint64_t payload_hash;
};

static struct write_entry entries[MAX_WRITES + 1]; /* by number, from 1 */
static uint32_t count, contiguous, duplicates;
static uint64_t running = 14695981039346656037u;
static uint32_t boot_id;

static uint64_t fnv(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *p = data;

    while (length-- > 0)
        hash = (hash ^ *p++) * 1099511628211u;
    return hash;
}

static void take_write(struct line_client *c, const char *args)
{
    char *payload;
    unsigned long n = strtoul(args, &payload, 10);
    uint64_t payload_hash;

    if (n < 1 || n > MAX_WRITES || payload == args) {
        line_reply(c, "E %lu range\n", n);
        return;
    }
    payload_hash = fnv(14695981039346656037u, payload, strlen(payload));
    if (entries[n].running_hash) {
        duplicates++;
        if (entries[n].payload_hash != payload_hash) {
            line_reply(c, "E %lu conflict\n", n);
            return;
        }
    } else {
        running = fnv(running, args, strlen(args));
        entries[n].running_hash = running ? running : 1;
        entries[n].payload_hash = payload_hash;
        count++;
        while (contiguous < MAX_WRITES &&
               entries[contiguous + 1].running_hash)
            contiguous++;
    }
    line_reply(c, "A %lu %016" PRIx64 " %08" PRIx32 "\n", n,
               entries[n].running_hash, boot_id);
}

static void list(struct line_client *c, const char *args)
{
    unsigned long from, to;

    if (sscanf(args, "%lu %lu", &from, &to) != 2 || from < 1 ||
        to > MAX_WRITES || to < from || to - from >= MAX_LISTED) {
        line_reply(c, "E 0 range\n");
        return;
    }
    for (unsigned long n = from; n <= to; n++)
        if (entries[n].running_hash)
            line_reply(c, "%lu %016" PRIx64 "\n", n,
                       entries[n].running_hash);
    line_reply(c, ".\n");
}

static void http(struct line_client *c)
{
    line_reply(c,
               "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
               "Connection: close\r\n\r\n"
               "boot %08" PRIx32 "\nwrites %" PRIu32 "\ncontiguous %" PRIu32
               "\nhash %016" PRIx64 "\n",
               boot_id, count, contiguous, running);
    c->closing = true;
}

static void crash(void)
{
    int fd = open("/proc/sysrq-trigger", O_WRONLY);

    if (fd < 0 || write(fd, "c", 1) != 1)
        perror("/proc/sysrq-trigger");
}

/* Answers first, acts a moment later in a child so that the answer leaves. */
static void control(struct line_client *c, const char *line)
{
    static const char *const known[] = {"poweroff", "reboot", "crash"};
    int what;

    if (!strcmp(line, "id")) {
        line_reply(c, "ok %08" PRIx32 "\n", boot_id);
        return;
    }
    for (what = 0; what < 3 && strcmp(line, known[what]); what++)
        ;
    if (what == 3) {
        line_reply(c, "E unknown command\n");
        return;
    }
    line_reply(c, "ok %08" PRIx32 "\n", boot_id);
    if (fork() != 0)
        return;
    usleep(REPLY_DELAY_US);
    if (what == 2)
        crash();
    else
        reboot(what == 0 ? RB_POWER_OFF : RB_AUTOBOOT);
    _exit(0);
}

static void handle(struct line_client *c, char *line)
{
    if (c->service == CONTROL_PORT)
        control(c, line);
    else if (!strncmp(line, "W ", 2))
        take_write(c, line + 2);
    else if (!strcmp(line, "R"))
        line_reply(c, "R %" PRIu32 " %" PRIu32 " %016" PRIx64 " %08" PRIx32
                   " %" PRIu32 "\n", contiguous, count, running, boot_id,
                   duplicates);
    else if (!strncmp(line, "L ", 2))
        list(c, line + 2);
    else if (!strncmp(line, "GET ", 4))
        http(c);
    else if (c->service == PORT && *line)
        line_reply(c, "E 0 unknown command\n");
}

int main(void)
{
    static const int ports[] = {PORT, HTTP_PORT, CONTROL_PORT, 0};

    if (getrandom(&boot_id, sizeof(boot_id), GRND_INSECURE) < 0)
        boot_id = (uint32_t)__builtin_ia32_rdtsc();
    line_serve(ports, handle);
}
