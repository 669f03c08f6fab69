/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Checks a stream against the specification: which record may come where in
 * each layer, guest type, mode and direction, and what bodies may hold. Fed
 * with every item of a reader, in order. Keeps no page data: below 512 KiB,
 * whatever the stream. No I/O. Called by the receiving loops for each item
 * before they act on it, by `xl stream-verify`, by tests.
 */
#ifndef XC_STREAM_VALIDATOR_H
#define XC_STREAM_VALIDATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "fault.h"
#include "reader.h"

enum sr_mode {
    SR_MODE_AUTO,     /* whatever the first CHECKPOINT and what follows say */
    SR_MODE_PLAIN,    /* migration, save file: ends with END */
    SR_MODE_REMUS,    /* checkpointed, no CHECKPOINT_STATE forward; READY for
                         each epoch back (between two ends of ours) */
    SR_MODE_COLO,     /* checkpointed with CHECKPOINT_STATE; HVM only */
};

struct sr_validator;

/*
 * @direction and @first as given to the reader. NULL when memory is short.
 * For more than one stream make more than one validator.
 */
struct sr_validator *sr_validator_new(enum sr_direction direction,
                                      enum wire_layer first,
                                      enum sr_mode mode);
/* NULL is fine. */
void sr_validator_free(struct sr_validator *v);

/*
 * Check the next item; SR_NEED_MORE is ignored. Of a record with a fixed
 * place the place is checked at SR_RECORD, before any of its body; what the
 * body holds at the latest at SR_RECORD_END: act on a record after that.
 * PAGE_DATA lists are checked as soon as they are complete, before the page
 * data passes. Returns 0, ERR_FORMAT or ERR_LIMIT (final: further calls
 * return it again); the cause is in sr_validator_fault().
 */
int sr_validator_item(struct sr_validator *v, const struct sr_item *item,
                      struct err *e);

/*
 * The stream ends where @r, its reader, is. 0 when that is legal: after the
 * outermost END; for a checkpointed stream also between two records, the way
 * a dead primary leaves it, which sets *note_r to a sentence (else NULL)
 * unless RELEASE or GONE was read; for a back channel, too, but that has no
 * end and gets no sentence. With @complete such a cut is the fault
 * stream-incomplete. A cut inside a record is always stream-truncated; who
 * receives from a peer asks sr_reader_eof() what is usable. After a fault of
 * reader or validator it is that fault again.
 */
int sr_validator_finish(struct sr_validator *v, const struct sr_reader *r,
                        bool complete, const char **note_r, struct err *e);

/* NULL while there is no fault. Valid until sr_validator_free(). */
const struct sr_fault *sr_validator_fault(const struct sr_validator *v);

/* What auto has found so far; else the mode given. */
enum sr_mode sr_validator_mode(const struct sr_validator *v);

#endif
