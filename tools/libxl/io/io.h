/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The real world around a session, for the front end: run one side over a
 * pair of descriptors, with libev's loop, timers, signals, the fence command,
 * a status socket, and generations remembered in files. The other end of the
 * status socket is here, too.
 *
 * A side owns one thread from the call until it has ended. SIGINT, SIGTERM
 * and SIGHUP end it as `colo-stop` does.
 */
#ifndef XC_IO_IO_H
#define XC_IO_IO_H

#include <sys/types.h>

#include "err.h"
#include "session.h"

struct colo_io {
    int in_fd, out_fd;         /* the stream; both are closed, whatever is
                                  returned; they may be the same */
    pid_t transport;           /* command that carries it, 0: none; ended,
                                  whatever is returned; primary only */
    const char *run_dir;       /* status sockets: RUN_DIR/NAME.sock; NULL:
                                  none */
    const char *state_dir;     /* generations seen: STATE_DIR/generation-UUID;
                                  NULL: none; secondary only */
    /* May be NULL. The session is about to close its end of the stream for
       good, or to end; a copy may become the domain only afterwards. */
    void (*parts)(void *ctx);
    void *parts_ctx;
};

/*
 * Run one side to its end. 0 when a session took place: *r says how it
 * ended. Otherwise an error before anything was sent or created.
 */
int colo_primary_run(const struct colo_primary_conf *conf,
                     const struct colo_io *io, struct colo_result *r,
                     struct err *e);
int colo_secondary_run(const struct colo_secondary_conf *conf,
                       const struct colo_io *io, struct colo_result *r,
                       struct err *e);

enum colo_word { COLO_SAY_ALIVE, COLO_SAY_GONE };

/*
 * To the primary, on the secondary's end of the stream @fd, for a session that
 * died: a sign of life, or that its copy is certainly destroyed.
 */
int colo_say(int fd, enum colo_word word, struct err *e);

/*
 * The other end of the status socket. @command: "status", "stop",
 * "stop-release", "failover", "pause", "unpause", "retry", "start",
 * "start-force". *reply_r is a malloc'ed line without newline:
 * for "status" one JSON object, otherwise "ok …" or "error …".
 * ERR_NOTFOUND when no session serves @name in @run_dir.
 */
int colo_control(const char *run_dir, const char *name, const char *command,
                 char **reply_r, struct err *e);
/* Names of the sessions in @run_dir: calls @each per name; stale sockets
   are removed. */
int colo_sessions(const char *run_dir,
                  void (*each)(void *ctx, const char *name), void *ctx,
                  struct err *e);

#endif
