/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The process that hands a command's words on. It outlives a protection that
 * was killed, so that writing to stderr never fails the receiver; it shares
 * nothing with its parent but the line that was said last.
 */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

#define AGE_MAX_MS 60000
#define LAST_TRIES 100
#define LAST_TICK_NS 10000000

struct said {
    uint64_t at_ms;
    char line[WORDS_LINE_MAX];
};

/* Shared. A reader takes the slot that isn't being written. */
struct words_said {
    atomic_uint n;            /* lines said; 0: none */
    struct said slot[2];      /* line n is in slot n % 2 */
};

/* ---- the process -------------------------------------------------------- */

struct scribe {
    struct words_said *said;
    char line[WORDS_LINE_MAX];
    size_t used;
};

static void line_ends(struct scribe *s)
{
    unsigned int n = atomic_load(&s->said->n) + 1;
    struct said *slot = &s->said->slot[n % 2];

    if (!s->used)
        return;
    memcpy(slot->line, s->line, s->used);
    slot->line[s->used] = '\0';
    slot->at_ms = clock_ms();
    atomic_store(&s->said->n, n);
    s->used = 0;
}

static void listen_to(struct scribe *s, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\n' || c == '\r')
            line_ends(s);
        else if (s->used < sizeof(s->line) - 1)
            s->line[s->used++] = c == '"' ? '\'' :
                                 isprint(c) ? (char)c : '?';
    }
}

static void hand_on(const char *data, size_t n)
{
    while (n) {
        ssize_t r = write(STDERR_FILENO, data, n);

        if (r > 0) {
            data += r;
            n -= (size_t)r;
        } else if (r < 0 && errno != EINTR) {
            return;    /* nobody hears it; it is listened to all the same */
        }
    }
}

/* Anything of the parent's that stays open here would seem to be alive. */
static void let_go_of_all_but(int fd)
{
    int null = open("/dev/null", O_RDWR);

    dup2(fd, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close_range(STDERR_FILENO + 1, ~0u, 0);
}

static void scribe(struct words_said *said, int fd)
{
    struct scribe s = { .said = said };
    char data[4096];
    ssize_t n;

    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    let_go_of_all_but(fd);
    while ((n = read(STDIN_FILENO, data, sizeof(data))) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0) {
            hand_on(data, (size_t)n);
            listen_to(&s, data, (size_t)n);
        }
    }
    line_ends(&s);
    _exit(0);
}

/* ---- the protection's end ----------------------------------------------- */

int words_open(struct words *w, struct err *e)
{
    CLEANUP_CLOSE int from = -1;
    int fds[2];
    void *m;

    *w = (struct words){ .fd = -1 };
    if (pipe2(fds, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "no pipe for the other host's words");
    from = fds[0];
    w->fd = fds[1];
    m = mmap(NULL, sizeof(*w->said), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED) {
        words_dispose(w);
        return err_set(e, ERR_NOMEM, "no memory for the other host's words");
    }
    w->said = m;
    w->pid = fork();
    if (w->pid == 0)
        scribe(w->said, from);
    if (w->pid > 0)
        return 0;
    w->pid = 0;
    words_dispose(w);
    return err_sys(e, ERR_IO, errno, "can't hand on the other host's words");
}

void words_given(struct words *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* Whoever else has the command's stderr may keep it open for longer. */
static void await_end(struct words *w)
{
    const struct timespec tick = { .tv_nsec = LAST_TICK_NS };

    for (int i = 0; w->pid && i < LAST_TRIES; i++) {
        if (waitpid(w->pid, NULL, WNOHANG) != 0)
            w->pid = 0;
        else
            nanosleep(&tick, NULL);
    }
}

void words_last(struct words *w, char text[WORDS_LINE_MAX])
{
    const struct said *s;
    unsigned int n;

    text[0] = '\0';
    if (!w->said)
        return;
    words_given(w);
    await_end(w);
    n = atomic_load(&w->said->n);
    s = &w->said->slot[n % 2];
    if (n && clock_ms() - s->at_ms <= AGE_MAX_MS)
        memcpy(text, s->line, WORDS_LINE_MAX);
}

void words_dispose(struct words *w)
{
    words_given(w);
    if (w->said)
        munmap(w->said, sizeof(*w->said));
    w->said = NULL;
}
