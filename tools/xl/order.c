/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Telling a session, and waiting for what comes of it.
 */
#include "order.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "io.h"

#define WAIT_LIMIT_MS 60000
#define WAIT_POLL_MS 100

int order_tell(const struct order *o, const char *word, struct err *e)
{
    CLEANUP_FREE char *reply = NULL;
    int rc = colo_control(o->x->conf.run_dir, o->before.name, word, &reply,
                          e);
    const char *text = reply;

    if (rc)
        return rc;
    if (!strncmp(text, "ok", 2))
        return 0;
    if (!strncmp(text, "error ", 6))
        text += 6;
    return err_set(e, ERR_PEER, "%s", text);
}

int order_await(const struct order *o, order_done_fn *done, struct err *e)
{
    const struct timespec gap = { .tv_nsec = WAIT_POLL_MS * 1000000 };
    uint64_t limit = clock_ms() + WAIT_LIMIT_MS;
    char state[64] = "?", wish[ERR_MSG_SIZE / 2] = "";

    while (clock_ms() < limit) {
        struct err gone = { 0 };
        struct seen s;
        int rc = sessions_find(o->x, o->before.name, &s, &gone);

        if (rc == ERR_NOTFOUND)
            return done(NULL, e);
        if (!rc) {
            snprintf(state, sizeof(state), "%s", seen_text(&s, "state"));
            snprintf(wish, sizeof(wish), "%s", seen_text(&s, "needs_user"));
            rc = done(&s, e);
            seen_dispose(&s);
            if (rc != ERR_AGAIN)
                return rc;
        }
        nanosleep(&gap, NULL);
    }
    return err_set(e, ERR_TIMEOUT, "it isn't done after %d s, its state is "
                   "%s%s%s", WAIT_LIMIT_MS / 1000, state,
                   wish[0] ? ": " : "", wish);
}
