/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A session's news in words and in key=value lines.
 */
#include "news.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS(ns) ((double)(ns) / 1e6)
#define MIB(bytes) ((double)(bytes) / (1 << 20))
#define PAGE_BYTES 4096u
#define BAR_EVERY_NS 100000000u
#define BAR_WIDTH 30

/* The sessions' phases; the other host's name stands between the texts. */
static const struct phase {
    const char *name, *before, *copy_before, *after;
} phases[] = {
    { "connecting", "connecting to ", "waiting for ", "" },
    { "copying", "copying memory to ", "receiving memory from ", "" },
    { "creating", "", "building the copy from ", "" },
    { "arming", "first checkpoints to ", "first checkpoints from ", "" },
    { "protected", "protected by ", "", "" },
    { "protecting", "", "holds a complete copy for ", "" },
    { "fencing", "lost and being fenced: ", "lost and being fenced: ", "" },
    { "held", "output stays held: ", "", " is lost and not proven off" },
    { "waiting-for-user", "", "waiting for a decision: ",
      " is lost and not proven off" },
    { "taking-over", "", "taking over from ", "" },
    { "ending", "ending, and telling ", "", "" },
};

/* What the other host's user is to see without -v. For a decision that is
   waited for, the session's own message says more. */
static bool is_trouble(const char *phase)
{
    return !strcmp(phase, "fencing") || !strcmp(phase, "taking-over");
}

void news_init(struct news *n, const struct xl *x, struct voice *voice,
               bool primary)
{
    memset(n, 0, sizeof(*n));
    out_init(&n->out, primary ? STDOUT_FILENO : -1, x->timestamps);
    n->voice = voice;
    n->domain = "";
    n->log_dir = x->conf.log_dir;
    n->host = "the other host";
    n->primary = primary;
    n->pretty = n->out.tty || x->use_cr;
    n->epochs = x->verbose > 0;
    n->json_fd = -1;
    n->started_ns = clock_ns();
    if (n->out.tty)
        voice->wipe = &n->out;
}

void news_dispose(struct news *n)
{
    out_bar_end(&n->out);
    n->voice->wipe = NULL;
    if (n->json_fd >= 0)
        close(n->json_fd);
    n->json_fd = -1;
}

int news_open_json(struct news *n, const char *path, struct err *e)
{
    n->json_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
                      O_NONBLOCK, 0644);
    if (n->json_fd < 0)
        return err_sys(e, ERR_IO, errno, "can't open %s", path);
    return 0;
}

/* Inside double quotes of a key=value line. */
static const char *quotable(const char *text, char *room, size_t size)
{
    size_t i;

    for (i = 0; text[i] && i + 1 < size; i++)
        room[i] = text[i] == '"' ? '\'' : text[i];
    room[i] = '\0';
    return room;
}

/* False for "ended": the summary says more. */
static bool sentence(const struct news *n, const char *to, const char *why,
                     char *text, size_t size)
{
    const struct phase *p = NULL;
    char tail[48] = "";

    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
        if (!strcmp(phases[i].name, to))
            p = &phases[i];
    if (!p)
        return false;
    if (n->primary && !strcmp(to, "protected"))
        snprintf(tail, sizeof(tail), ", a checkpoint every %u ms",
                 n->interval_ms);
    snprintf(text, size, "%s%s%s%s%s%s%s",
             n->primary ? p->before : p->copy_before, n->host, p->after,
             tail, why[0] ? " (" : "", why, why[0] ? ")" : "");
    return true;
}

static void on_state(void *ctx, const char *from, const char *to,
                     const char *why)
{
    struct news *n = ctx;
    char room[ERR_MSG_SIZE], text[OUT_LINE_MAX / 2];
    char line[OUT_LINE_MAX / 2];
    bool worded;

    why = why ? why : "";
    n->copying = !strcmp(to, "copying");
    worded = sentence(n, to, why, text, sizeof(text));
    if (!n->primary) {
        if (worded)
            voice_say(n->voice, is_trouble(to) ? LOG_WARN : LOG_NOTE, NULL,
                      text);
        return;
    }
    snprintf(line, sizeof(line), "state domain=%s from=%s to=%s why=\"%s\"",
             n->domain, from, to, quotable(why, room, sizeof(room)));
    out_line(&n->voice->file, "pid=%d %s", (int)getpid(), line);
    if (!n->pretty) {
        out_line(&n->out, "%s", line);
    } else if (worded) {
        out_bar_end(&n->out);
        out_line(&n->out, "%s: %s", n->domain, text);
    }
}

static void draw_bar(struct news *n, unsigned int round, uint64_t pages,
                     uint64_t total, uint64_t bytes)
{
    uint64_t now = clock_ns();
    int filled = total ? (int)(pages * BAR_WIDTH / total) : BAR_WIDTH;
    double seconds = (double)(now - n->started_ns) / 1e9;
    char bar[BAR_WIDTH + 1], text[OUT_LINE_MAX / 4];

    if (pages < total && now - n->bar_ns < BAR_EVERY_NS)
        return;
    n->bar_ns = now;
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', (size_t)filled);
    if (filled < BAR_WIDTH)
        bar[filled] = '>';
    bar[BAR_WIDTH] = '\0';
    snprintf(text, sizeof(text), "%s: [%s] %3u %%  round %u, %.0f of %.0f "
             "MiB, %.1f MiB/s", n->domain, bar,
             total ? (unsigned int)(pages * 100 / total) : 100u, round,
             MIB(pages * PAGE_BYTES), MIB(total * PAGE_BYTES),
             seconds > 0 ? MIB(bytes) / seconds : 0.0);
    out_bar(&n->out, text);
}

static void on_progress(void *ctx, unsigned int round, uint64_t pages,
                        uint64_t total, uint64_t bytes)
{
    struct news *n = ctx;
    unsigned int percent = total ? (unsigned int)(pages * 100 / total) : 100;
    bool say;

    if (n->pretty && !n->copying)
        return;        /* the line that says so comes first */
    if (n->pretty) {
        draw_bar(n, round, pages, total, bytes);
        return;
    }
    /* Later rounds are short: one line each, when they are out. */
    say = round > 1 ? pages >= total : percent / 10 > n->tenth;
    if (!say)
        return;
    n->tenth = percent / 10;
    out_line(&n->out, "progress domain=%s round=%u percent=%u pages=%" PRIu64
             " total=%" PRIu64 " bytes=%" PRIu64, n->domain, round, percent,
             pages, total, bytes);
}

/* An epoch's times, in the order in which the man page has them. */
static const struct span {
    const char *name;
    size_t at;    /* a uint64_t in ns */
} spans[] = {
    { "pause_ms", offsetof(struct colo_epoch, pause_ns) },
    { "ack_ms", offsetof(struct colo_epoch, times.ack_ns) },
    { "suspend_ms", offsetof(struct colo_epoch, times.suspend_ns) },
    { "bitmap_ms", offsetof(struct colo_epoch, times.bitmap_ns) },
    { "copy_ms", offsetof(struct colo_epoch, times.copy_ns) },
    { "context_ms", offsetof(struct colo_epoch, times.context_ns) },
    { "device_ms", offsetof(struct colo_epoch, times.device_ns) },
    { "resume_ms", offsetof(struct colo_epoch, times.resume_ns) },
    { "send_ms", offsetof(struct colo_epoch, send_ns) },
    { "ready_ms", offsetof(struct colo_epoch, ready_ns) },
    { "run_ms", offsetof(struct colo_epoch, run_ns) },
    { "hold_ms", offsetof(struct colo_epoch, hold_ns) },
};

/* The figures of an epoch, of a line or, @json, of an object's members. */
static void figures(const struct colo_epoch *ep, bool json, char *text,
                    size_t size)
{
    int n = snprintf(text, size, json ? "\"pages\":%" PRIu64
                     ",\"bytes\":%" PRIu64 : "pages=%" PRIu64
                     " bytes=%" PRIu64, ep->pages, ep->bytes);

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        uint64_t ns;

        memcpy(&ns, (const char *)ep + spans[i].at, sizeof(ns));
        if ((size_t)n < size)
            n += snprintf(text + n, size - (size_t)n, json ? ",\"%s\":%.3f" :
                          " %s=%.2f", spans[i].name, MS(ns));
    }
}

static void pretty_figures(struct news *n, const char *what,
                           const struct colo_epoch *ep)
{
    const struct dom_times *t = &ep->times;

    out_line(&n->out, "%s: %s  stood still %.1f ms (suspend %.1f, bitmap "
             "%.1f, copy %.1f, context %.1f, device %.1f, resume %.1f) after "
             "%.1f to agree; sent %.1f, acknowledged %.1f; %" PRIu64
             " pages, %.2f MiB", n->domain, what, MS(ep->pause_ns),
             MS(t->suspend_ns), MS(t->bitmap_ns), MS(t->copy_ns),
             MS(t->context_ns), MS(t->device_ns), MS(t->resume_ns),
             MS(t->ack_ns), MS(ep->send_ns), MS(ep->ready_ns), ep->pages,
             MIB(ep->bytes));
}

static void put_json(struct news *n, const struct colo_epoch *ep)
{
    char text[OUT_LINE_MAX], members[OUT_LINE_MAX / 2];
    struct timespec at;
    int r;

    clock_gettime(CLOCK_REALTIME, &at);
    figures(ep, true, members, sizeof(members));
    r = snprintf(text, sizeof(text), "{\"epoch\":%" PRIu64 ",\"time\":%lld."
                 "%03ld,%s}\n", ep->epoch, (long long)at.tv_sec,
                 at.tv_nsec / 1000000, members);
    if (write(n->json_fd, text, (size_t)r) != r) {
        voice_say(n->voice, LOG_WARN, n->domain, "the file of epochs can't "
                  "be written; no more goes into it");
        close(n->json_fd);
        n->json_fd = -1;
    }
}

static void on_epoch(void *ctx, const struct colo_epoch *ep)
{
    struct news *n = ctx;
    char text[OUT_LINE_MAX / 2], what[32];

    if (n->json_fd >= 0)
        put_json(n, ep);
    if (!n->epochs)
        return;
    if (n->pretty) {
        snprintf(what, sizeof(what), "epoch %" PRIu64, ep->epoch);
        pretty_figures(n, what, ep);
        return;
    }
    figures(ep, false, text, sizeof(text));
    out_line(&n->out, "epoch domain=%s epoch=%" PRIu64 " %s", n->domain,
             ep->epoch, text);
}

/* Ordinary news go where the news go, trouble to stderr. */
static void on_message(void *ctx, enum log_level level, const char *text)
{
    struct news *n = ctx;
    char room[OUT_LINE_MAX / 2];

    if (level < LOG_NOTE || !n->primary) {
        voice_say(n->voice, level, n->domain[0] ? n->domain : NULL, text);
        return;
    }
    if (n->pretty)
        out_line(&n->out, "%s: %s", n->domain, text);
    else
        out_line(&n->out, "message domain=%s text=\"%s\"", n->domain,
                 quotable(text, room, sizeof(room)));
}

static void on_named(void *ctx, const char *name)
{
    struct news *n = ctx;

    voice_file(n->voice, n->log_dir, name);
}

void news_report(struct news *n, struct colo_report *r)
{
    memset(r, 0, sizeof(*r));
    r->ctx = n;
    r->named = on_named;
    r->state = on_state;
    r->progress = on_progress;
    r->epoch = on_epoch;
    r->message = on_message;
}

void news_start(struct news *n)
{
    on_state(n, "none", "connecting", "");
}

const char *news_end_name(enum colo_end end)
{
    switch (end) {
    case COLO_END_STOPPED:    return "stopped";
    case COLO_END_GUEST:      return "guest";
    case COLO_END_ALONE:      return "alone";
    case COLO_END_PEER:       return "peer";
    case COLO_END_FAILED:     return "failed";
    case COLO_END_TAKEN_OVER: return "taken-over";
    case COLO_END_DISCARDED:  return "discarded";
    }
    return "unknown";
}

const char *news_end_text(const struct colo_result *r)
{
    switch (r->end) {
    case COLO_END_STOPPED:    return "protection ended; it runs here";
    case COLO_END_GUEST:      return "the domain ended; protection ended "
                                     "with it";
    case COLO_END_ALONE:      return "the other host is lost; it runs here, "
                                     "unprotected";
    case COLO_END_PEER:       return "it runs here, unprotected";
    case COLO_END_FAILED:     return "protection failed";
    case COLO_END_TAKEN_OVER: return r->paused ? "took over; it is paused "
                                     "here, as it was there" :
                                     "took over; it runs here now";
    case COLO_END_DISCARDED:  return "the copy is discarded; it runs on the "
                                     "other host";
    }
    return "ended";
}

static void pretty_end(struct news *n, const struct colo_result *r)
{
    const char *why = r->err.msg;

    out_bar_end(&n->out);
    if (news_end_is_good(r->end))
        out_line(&n->out, "%s: %s, after %" PRIu64 " checkpoints%s%s%s",
                 n->domain, news_end_text(r), r->epochs,
                 why[0] ? " (" : "", why, why[0] ? ")" : "");
    if (r->epochs)
        pretty_figures(n, "median", &r->median);
    if (r->delay.median_ns)
        out_line(&n->out, "%s: output waited %.1f ms (median; 99 of 100 at "
                 "most %.1f), mostly for the %s", n->domain,
                 MS(r->delay.median_ns), MS(r->delay.p99_ns),
                 r->delay.set_by);
}

void news_end(struct news *n, const struct colo_result *r)
{
    char text[OUT_LINE_MAX / 2] = "", room[ERR_MSG_SIZE];
    char line[OUT_LINE_MAX], delay[128] = "";

    if (n->primary && r->epochs)
        figures(&r->median, false, text, sizeof(text));
    if (r->delay.median_ns)
        snprintf(delay, sizeof(delay), " output_delay_ms=%.2f "
                 "output_delay_p99_ms=%.2f output_delay_set_by=%s",
                 MS(r->delay.median_ns), MS(r->delay.p99_ns),
                 r->delay.set_by);
    snprintf(line, sizeof(line), "summary domain=%s end=%s epochs=%" PRIu64
             "%s%s%s why=\"%s\"", n->domain, news_end_name(r->end),
             r->epochs, text[0] ? " " : "", text, delay,
             quotable(r->err.msg, room, sizeof(room)));
    out_line(&n->voice->file, "pid=%d %s", (int)getpid(), line);
    if (!n->primary && news_end_is_good(r->end))
        out_line(&n->voice->err, "xl %s: %s%s%s", n->voice->command,
                 n->domain, n->domain[0] ? ": " : "", news_end_text(r));
    else if (n->primary && n->pretty)
        pretty_end(n, r);
    else if (n->primary)
        out_line(&n->out, "%s", line);
}
