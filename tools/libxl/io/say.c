/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A receiver's words to its primary when no session is left to say them. The
 * dead one's last record may be half there; then the primary reads garbage,
 * and takes its peer for lost, as it would have without a word.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "writer.h"

#define SAY_LIMIT_MS 2000

int colo_say(int fd, enum colo_word word, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = word == COLO_SAY_GONE ? sr_put_gone(&b, e)
                                   : sr_put_heartbeat(&b, e);
    size_t done = 0;

    while (!rc && done < b.size) {
        struct pollfd f = { .fd = fd, .events = POLLOUT };
        ssize_t n = write(fd, b.data + done, b.size - done);

        if (n > 0)
            done += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            rc = err_sys(e, ERR_PEER, errno, "the primary can't be told");
        else if (poll(&f, 1, SAY_LIMIT_MS) == 0)
            rc = err_set(e, ERR_TIMEOUT, "the primary takes no word");
    }
    return rc;
}
