/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Lines out of a running session, to a terminal, a pipe or a file. A session
 * must go on when nobody reads (a stopped terminal, a full ssh channel), so
 * nothing here waits: a line that can't go now is dropped and counted.
 */
#ifndef XL_OUT_H
#define XL_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "log.h"

#define OUT_LINE_MAX 2048    /* below PIPE_BUF: a line is written whole */

struct out {
    int fd;
    bool tty;
    bool timestamps;
    size_t bar;              /* width of the bar that stands there now */
    unsigned long dropped;   /* lines, since the last one that went */
};

void out_init(struct out *o, int fd, bool timestamps);
/* One line; a bar that stands there is wiped first. */
void out_line(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Put @text where the bar is, without ending the line. */
void out_bar(struct out *o, const char *text);
/* End the bar's line, so that what follows starts a new one. */
void out_bar_end(struct out *o);

/*
 * Where warnings, errors and the log of one command go: stderr and, once it
 * is known, a file of the domain's own.
 */
struct voice {
    const char *command;
    struct out err;
    struct out *wipe;        /* an out with a bar on the same terminal */
    struct out file;         /* fd < 0: none */
    enum log_level max;      /* shown on stderr; the file gets LOG_NOTE too */
    struct logger logger;    /* for libraries */
};

void voice_init(struct voice *v, const char *command, unsigned int verbose,
                bool timestamps);
void voice_dispose(struct voice *v);
/* From now on write to DIR/colo-NAME.log as well, if that can be opened. */
void voice_file(struct voice *v, const char *dir, const char *name);
void voice_say(struct voice *v, enum log_level level, const char *subject,
               const char *text);

#endif
