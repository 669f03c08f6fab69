/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The command that carries the stream to the other host: built as stock xl
 * builds it, run by sh, talked to through two pipes.
 */
#ifndef XL_TRANSPORT_H
#define XL_TRANSPORT_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "session.h"
#include "xl.h"

struct transport {
    int in_fd, out_fd;    /* its standard output and input */
    pid_t pid;
};

/* What of a protection the other host's xl is told. */
struct rune {
    const char *ssh;            /* "" : @host is the whole command */
    const char *host;
    const char *peer;           /* what its fence command calls us */
    unsigned int verbose;
    bool stay;                  /* -e */
    struct given given;
    const struct colo_params *params;
};

/*
 * *text_r: the command for sh, malloc'ed. As in stock nothing in @host and
 * @ssh is quoted. Our own receiver's options are there only when the user
 * gave one of them; ERR_USAGE for a value that a shell would take apart.
 */
int transport_rune(const struct rune *r, char **text_r, struct err *e);
/* True when options were given that @r has no way to pass on. */
bool transport_drops_options(const struct rune *r);

/*
 * Start it, its stderr being @words, or ours when that is negative. It is
 * shielded from the terminal's Ctrl-C: the session ends it, after saying
 * good-bye to the other side.
 */
int transport_start(const char *text, int words, struct transport *t_r,
                    struct err *e);

#endif
