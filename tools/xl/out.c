/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writing lines without ever waiting. Called by the news of a session, by
 * the receiver and by the monitor.
 */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void out_init(struct out *o, int fd, bool timestamps)
{
    memset(o, 0, sizeof(*o));
    o->fd = fd;
    o->timestamps = timestamps;
    o->tty = fd >= 0 && isatty(fd);
}

/* All or nothing, at once. A pipe or terminal that polls writable takes
   PIPE_BUF octets; a socket is asked not to wait. */
static bool put(struct out *o, const char *text, size_t n)
{
    struct pollfd p = { .fd = o->fd, .events = POLLOUT };
    ssize_t r = send(o->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (r < 0 && errno == ENOTSOCK) {
        if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
            return false;
        r = write(o->fd, text, n);
    }
    return r == (ssize_t)n;
}

static size_t clamp(int r, size_t size)
{
    return r < 0 ? 0 : (size_t)r < size ? (size_t)r : size - 1;
}

static size_t stamp(char *at, size_t size)
{
    char day[32], zone[64];
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%Z", &tm);
    return clamp(snprintf(at, size, "%s.%03ld %s: ", day,
                          now.tv_nsec / 1000000, zone), size);
}

static size_t wipe(const struct out *o, char *at, size_t size)
{
    return o->bar ? clamp(snprintf(at, size, "\r%*s\r", (int)o->bar, ""),
                          size) : 0;
}

void out_line(struct out *o, const char *fmt, ...)
{
    char text[OUT_LINE_MAX];
    size_t n, room = sizeof(text) - 1;    /* for the newline */
    va_list ap;

    if (o->fd < 0)
        return;
    n = wipe(o, text, room);
    if (o->dropped)
        n += clamp(snprintf(text + n, room - n, "(%lu lines dropped)\n",
                            o->dropped), room - n);
    if (o->timestamps)
        n += stamp(text + n, room - n);
    va_start(ap, fmt);
    n += clamp(vsnprintf(text + n, room - n, fmt, ap), room - n);
    va_end(ap);
    text[n++] = '\n';
    if (put(o, text, n)) {
        o->dropped = 0;
        o->bar = 0;
    } else {
        o->dropped++;
    }
}

void out_bar(struct out *o, const char *text)
{
    char line[OUT_LINE_MAX];
    size_t width = strlen(text);
    size_t pad = o->bar > width ? o->bar - width : 0;
    int r = snprintf(line, sizeof(line), "\r%s%*s", text, (int)pad, "");

    if (o->fd >= 0 && put(o, line, clamp(r, sizeof(line))))
        o->bar = width;
}

void out_bar_end(struct out *o)
{
    if (o->bar && put(o, "\n", 1))
        o->bar = 0;
}

static void sink(void *ctx, enum log_level level, const char *line)
{
    voice_say(ctx, level, NULL, line);
}

void voice_init(struct voice *v, const char *command, unsigned int verbose,
                bool timestamps)
{
    static const enum log_level levels[] = { LOG_WARN, LOG_NOTE, LOG_INFO,
                                             LOG_TRACE };

    memset(v, 0, sizeof(*v));
    v->command = command;
    v->max = levels[verbose < 3 ? verbose : 3];
    out_init(&v->err, STDERR_FILENO, timestamps);
    v->file.fd = -1;
    v->logger.sink = sink;
    v->logger.ctx = v;
    v->logger.max = v->max > LOG_NOTE ? v->max : LOG_NOTE;
}

void voice_dispose(struct voice *v)
{
    if (v->file.fd >= 0)
        close(v->file.fd);
    v->file.fd = -1;
}

void voice_file(struct voice *v, const char *dir, const char *name)
{
    char path[PATH_MAX];
    int fd;

    /* A domain's name may hold anything; a file's name may not. */
    if (strchr(name, '/') ||
        snprintf(path, sizeof(path), "%s/colo-%s.log", dir, name) >=
        (int)sizeof(path))
        return;
    mkdir(dir, 0755);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
              O_NONBLOCK, 0644);
    if (fd < 0)
        return;
    voice_dispose(v);
    out_init(&v->file, fd, true);
}

void voice_say(struct voice *v, enum log_level level, const char *subject,
               const char *text)
{
    static const char *const kinds[] = { [LOG_ERROR] = "error: ",
                                         [LOG_WARN] = "warning: ",
                                         [LOG_NOTE] = "", [LOG_INFO] = "",
                                         [LOG_TRACE] = "" };
    const char *gap = subject ? ": " : "";

    if (!subject)
        subject = "";
    if (level <= v->max) {
        if (v->wipe)
            out_bar_end(v->wipe);
        out_line(&v->err, "xl %s: %s%s%s%s", v->command, subject, gap,
                 level == LOG_ERROR ? "" : kinds[level], text);
    }
    if (level <= LOG_NOTE || level <= v->max)
        out_line(&v->file, "pid=%d %s%s%s%s", (int)getpid(), subject, gap,
                 kinds[level], text);
}
