/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A whole stream checked, from octets in pieces to a verdict: reader and
 * validator together, for those who want no more than that. Finds out which
 * layer is the outermost, tells each item to the caller, counts. No I/O.
 * Called by `xl stream-verify`, tests, benchmarks.
 */
#ifndef XC_STREAM_CHECKER_H
#define XC_STREAM_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "reader.h"
#include "validator.h"

enum sr_outermost {
    SR_OUTER_AUTO,     /* by its first 8 octets; what is none of them is xl */
    SR_OUTER_XL, SR_OUTER_LIBXL, SR_OUTER_LIBXC,
};

struct sr_checker_conf {
    enum sr_direction direction;
    enum sr_outermost outermost;    /* SR_FORWARD only */
    enum sr_mode mode;
    /* Told of every item, after it was found good; may be NULL. */
    void (*item)(void *ctx, const struct sr_item *item);
    void *ctx;
};

/* What was read so far. */
struct sr_tally {
    enum wire_layer outermost;
    uint32_t guest_type;    /* 0 before libxc's headers */
    uint64_t epochs, pages, octets;
    uint64_t empty;         /* records without content, as Xen 4.6 to 4.8
                               could write them */
    bool checkpointed;
};

struct sr_checker;

/* NULL when memory is short; takes less than 512 KiB. */
struct sr_checker *sr_checker_new(const struct sr_checker_conf *conf);
/* NULL is fine. */
void sr_checker_free(struct sr_checker *c);

/*
 * Check the next @size octets. How a stream is cut into pieces makes no
 * difference. Returns 0, ERR_FORMAT, ERR_LIMIT or ERR_NOMEM; a failure is
 * final.
 */
int sr_checker_feed(struct sr_checker *c, const uint8_t *data, size_t size,
                    struct err *e);
/* The stream ends here; @complete and *note_r as in sr_validator_finish(). */
int sr_checker_finish(struct sr_checker *c, bool complete,
                      const char **note_r, struct err *e);

/* NULL while there is no fault. Valid until sr_checker_free(). */
const struct sr_fault *sr_checker_fault(const struct sr_checker *c);
struct sr_tally sr_checker_tally(const struct sr_checker *c);
/* As sr_validator_mode(). */
enum sr_mode sr_checker_mode(const struct sr_checker *c);

#endif
