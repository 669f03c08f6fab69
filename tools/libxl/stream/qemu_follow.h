/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Follows a QEMU COLO connection, octets in and events out: the migration
 * stream (precopy, then checkpoints) and what comes back on the same socket.
 * Each direction is held against its own grammar; how the two take turns is
 * for the protocol's tables. Device state isn't looked into, pages aren't
 * kept: who wants either is handed it as it comes. No I/O, no clock; below
 * QF_MEMORY_MAX, whatever the stream says.
 * Called by a proxy between two QEMUs, by checkers of captures, by tests.
 *
 * The format is that of QEMU 7.2 and of what later ones add on this socket
 * (SWITCHOVER_START, no ENABLE_COLO); qemu_format.h says where each fact
 * comes from. Not followed, with a fault that says so: the return path's
 * framing, postcopy, RDMA, sections other than RAM that come in parts, device
 * state before RAM. TLS looks like a wrong magic; multifd's pages are on
 * other sockets, and RAM is as good as empty here.
 */
#ifndef XC_STREAM_QEMU_FOLLOW_H
#define XC_STREAM_QEMU_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "qemu_format.h"

#define QF_MEMORY_MAX ((size_t)1 << 20)    /* octets a follower allocates */

enum qf_direction {
    QF_FORWARD,    /* primary to secondary */
    QF_BACK,
};

/* ---- rules: X(NAME, "id", code, "what holds in a good stream"). */
#define QF_RULES(X)                                                         \
X(MAGIC, "qemu-magic", ERR_FORMAT, "the stream begins with QEVM")           \
X(VERSION, "qemu-version", ERR_FORMAT, "the stream's version is 3")         \
X(SECTION, "qemu-section-type", ERR_FORMAT,                                 \
  "a section is of a type that may come here")                              \
X(MACHINE, "qemu-machine-name", ERR_LIMIT,                                  \
  "the machine's name has 1 to 255 octets")                                 \
X(SUBSECTION, "qemu-subsection", ERR_UNSUPPORTED,                           \
  "the configuration's subsections are version 1 of target-page-bits, "     \
  "capabilities or uuid")                                                   \
X(PAGE_BITS, "qemu-page-bits", ERR_UNSUPPORTED, "a page has 4096 octets")   \
X(CAPABILITIES, "qemu-capabilities", ERR_LIMIT,                             \
  "there are at most 64 capabilities")                                      \
X(COMMAND, "qemu-command", ERR_FORMAT, "a command is one of 1 to 11")       \
X(COMMAND_LENGTH, "qemu-command-length", ERR_FORMAT,                        \
  "a command's body is as long as that command's is")                       \
X(COMMAND_PLACE, "qemu-command-place", ERR_FORMAT,                          \
  "the only command in a checkpoint is SWITCHOVER_START")                   \
X(POSTCOPY, "qemu-postcopy", ERR_UNSUPPORTED, "there is no postcopy")       \
X(PARTS, "qemu-section-name", ERR_UNSUPPORTED,                              \
  "only RAM, instance 0 and version 4, comes in parts")                     \
X(SECTION_ID, "qemu-section-id", ERR_FORMAT,                                \
  "parts of RAM have the id of its START")                                  \
X(FOOTER, "qemu-footer", ERR_FORMAT,                                        \
  "behind a section's body comes its footer")                               \
X(EARLY, "qemu-early-device", ERR_UNSUPPORTED,                              \
  "device state comes after the END of RAM")                                \
X(FLAGS, "qemu-ram-flags", ERR_FORMAT,                                      \
  "a RAM record is of one kind, and CONTINUE goes with pages")              \
X(HOOK, "qemu-ram-hook", ERR_UNSUPPORTED, "there is no RDMA")               \
X(CONTINUE, "qemu-ram-continue", ERR_FORMAT,                                \
  "CONTINUE comes after a page that names its block")                       \
X(BLOCK, "qemu-ram-block", ERR_FORMAT, "a page's block is in the list")     \
X(OFFSET, "qemu-ram-offset", ERR_FORMAT, "a page lies in its block")        \
X(ZERO, "qemu-ram-zero", ERR_FORMAT, "the octet of a zero page is 0")       \
X(XBZRLE, "qemu-ram-xbzrle", ERR_FORMAT,                                    \
  "an XBZRLE page is marked 1 and has at most 4096 octets")                 \
X(COMPRESS, "qemu-ram-compress", ERR_FORMAT,                                \
  "a compressed page has 1 to 4110 octets")                                 \
X(LIST, "qemu-block-list", ERR_FORMAT,                                      \
  "the list of blocks comes once, in the START of RAM")                     \
X(LIST_NAME, "qemu-block-name", ERR_FORMAT,                                 \
  "a block in the list has a name, and one that no other has")              \
X(LIST_LENGTH, "qemu-block-length", ERR_FORMAT,                             \
  "blocks are whole pages that add up to the total")                        \
X(LIST_LIMIT, "qemu-block-limit", ERR_LIMIT,                                \
  "there are at most 1024 blocks, and 32 KiB of names")                     \
X(PRECOPY_END, "qemu-precopy-end", ERR_FORMAT,                              \
  "when READY comes back, precopy has ended: with EOF behind a footer or "  \
  "behind RAM, and perhaps a description")                                  \
X(MESSAGE, "colo-message", ERR_FORMAT, "a message is one of 0 to 6")        \
X(TURN, "colo-message-turn", ERR_FORMAT,                                    \
  "the messages of a direction have their order")                           \
X(VMSTATE, "colo-vmstate-limit", ERR_LIMIT,                                 \
  "the state's size is within the limit")                                   \
X(RETURN_PATH, "qemu-return-path", ERR_UNSUPPORTED,                         \
  "the capability return-path is off: its framing would share the way back")

#define QF_RULE_ENUM(n, id, code, sentence) QF_RULE_##n,
enum qf_rule { QF_RULE_NONE, QF_RULES(QF_RULE_ENUM) QF_RULES_NR };
#undef QF_RULE_ENUM

struct qf_fault {
    enum qf_rule rule;         /* QF_RULE_NONE: there is no fault */
    enum qf_direction direction;
    uint64_t offset;           /* in that direction, of the field that is
                                  wrong */
    const char *id;            /* e.g. "qemu-ram-flags"; stable */
    struct err e;              /* the line */
};

/* ---- events. */
enum qf_event_kind {
    QF_PRECOPY_BEGIN,    /* the header was read */
    QF_MACHINE,          /* the configuration: name */
    QF_COMMAND,          /* value: enum qemu_command */
    QF_BLOCK,            /* of the list: name, value: its length in octets */
    QF_RAM,              /* a RAM section of precopy, or all between
                            VMSTATE_SEND and VMSTATE_SIZE: pages */
    QF_PRECOPY_END,      /* READY came back: octets from the first device on,
                            value: how many of them are the description's */
    QF_MESSAGE,          /* message; value: the size, of VMSTATE_SIZE */
    QF_BLOB,             /* a checkpoint's device state is complete */
    QF_EVENTS_NR
};

/* How RAM's pages came. */
struct qf_pages {
    uint64_t zero, full, xbzrle, compressed;
};

struct qf_event {
    enum qf_event_kind kind;
    enum qf_direction direction;
    uint64_t offset;           /* in that direction, of its first octet */
    uint64_t octets;           /* that it is about */
    uint64_t checkpoint;       /* from 1; 0 in precopy, and for READY */
    uint64_t value;
    enum qemu_message message;
    struct qf_pages pages;
    const char *name;          /* NUL-terminated, valid in the call only, may
                                  hold any octet; NULL where there is none */
};

/* ---- content. */
struct qf_ram_block {
    const uint8_t *name;       /* valid as long as the follower is */
    uint8_t name_length;
    uint64_t length;           /* octets */
    uint64_t start;            /* the lengths of the blocks before it */
};

struct qf_page {
    uint32_t block;            /* for qf_block() */
    uint64_t offset;           /* in the block */
    uint32_t kind;             /* QEMU_RAM_ZERO, _PAGE, _XBZRLE, _COMPRESS */
    const uint8_t *data;       /* QEMU_PAGE_SIZE octets of a _PAGE, valid in
                                  the call only; else NULL */
};

struct qf_conf {
    uint64_t vmstate_max;      /* octets; 0: QEMU_VMSTATE_MAX */
    /* Told of each event as soon as its last octet was there; may be NULL. It
       must not feed the follower. */
    void (*event)(void *ctx, const struct qf_event *event);
    void *ctx;
    /* The same for content, in its order between the events; each may be
       NULL. A page is whole; a checkpoint's device state comes in pieces, as
       it is fed. */
    void (*page)(void *ctx, const struct qf_page *page);
    void (*state)(void *ctx, const uint8_t *data, size_t n);
    /* The same for precopy, from the first device on until READY. */
    void (*devices)(void *ctx, const uint8_t *data, size_t n);
};

struct qemu_follower;

/* @conf is copied, NULL is all default. NULL when memory is short. */
struct qemu_follower *qf_new(const struct qf_conf *conf);
/* NULL is fine. */
void qf_free(struct qemu_follower *f);

/*
 * The next @n octets of a direction. How a stream is cut into pieces makes no
 * difference. What came one way before something went the other way has to be
 * fed before it; the follower relies on that for READY, which says where
 * precopy ended: whatever the secondary has read is fed before its answer, and
 * the answer before the primary can read it. A proxy that feeds what it has
 * received before it sends it on does that.
 * Returns 0, ERR_FORMAT, ERR_LIMIT or ERR_UNSUPPORTED, with one line in @e:
 * direction, offset, rule. A failure is final, for both directions; READY, in
 * qf_back(), may find one of forward. Octets that are missing are no failure:
 * see qf_where().
 */
int qf_forward(struct qemu_follower *f, const uint8_t *data, size_t n,
               struct err *e);
int qf_back(struct qemu_follower *f, const uint8_t *data, size_t n,
            struct err *e);

/* NULL while there is no fault. Valid until qf_free(). */
const struct qf_fault *qf_fault(const struct qemu_follower *f);

/* ---- where a direction is; may be asked at any time, also in an event, and
   after a fault: then it is at the field that was read last. */
#define QF_PLACES(X)                                                        \
    X(HEADER,        "the header")                                          \
    X(CONFIGURATION, "the configuration")                                   \
    X(COMMAND,       "a command")                                           \
    X(SECTION,       "a section")                                           \
    X(RAM,           "RAM")                                                 \
    X(DEVICES,       "device state")                                        \
    X(PRECOPY_DONE,  "the end of precopy, before checkpoint-ready")         \
    X(MESSAGE,       "a message")                                           \
    X(BLOB,          "device state")
#define QF_PLACE_ENUM(n, words) QF_AT_##n,
enum qf_place { QF_PLACES(QF_PLACE_ENUM) };
#undef QF_PLACE_ENUM

struct qf_where {
    enum qf_direction direction;
    enum qf_place place;         /* what is being read, or comes next */
    uint64_t checkpoint;         /* from 1, that it belongs to; 0 in precopy,
                                    and for READY */
    uint64_t offset;             /* octets read of this direction */
    uint64_t left;               /* octets missing of what is being read; 0
                                    where nobody knows: DEVICES */
    bool inside;                 /* something is begun: an end here is a cut.
                                    Not so between two messages, and at
                                    PRECOPY_DONE: if no more comes, it is
                                    complete */
    enum qemu_message message;   /* the one that has its turn: MESSAGE */
    uint64_t description;        /* octets of it, at PRECOPY_DONE. 0: there is
                                    none, and more of a device may yet come */
};

struct qf_where qf_where(const struct qemu_follower *f,
                         enum qf_direction direction);

/*
 * The same in words, e.g. "inside RAM of checkpoint 3" or "before
 * vmstate-size of checkpoint 3"; always NUL-terminated.
 */
#define QF_WORDS_SIZE 96
void qf_words(const struct qf_where *w, char text[QF_WORDS_SIZE]);

/* ---- what was read so far. Every octet is counted in exactly one place. */
#define QF_OCTETS(X)                                                        \
    X(HEADER)           /* 8 */                                             \
    X(CONFIGURATION)                                                        \
    X(COMMANDS)                                                             \
    X(SECTIONS)         /* START, PART, END, footers, a checkpoint's EOF */ \
    X(RAM)              /* records, names, pages, the list of blocks */     \
    X(DEVICES)          /* of precopy, with its EOF, and until READY with   \
                           the description */                               \
    X(DESCRIPTION)                                                          \
    X(MESSAGES)         /* of the primary, with the size */                 \
    X(BLOBS)                                                                \
    X(BACK)             /* all that came back */
#define QF_OCTETS_ENUM(n) QF_OCTETS_##n,
enum qf_octets { QF_OCTETS(QF_OCTETS_ENUM) QF_OCTETS_NR };
#undef QF_OCTETS_ENUM

struct qf_tally {
    uint64_t octets[QF_OCTETS_NR];    /* BACK's are the way back's, the
                                         others add up to forward's */
    uint64_t checkpoints;             /* whose device state is complete */
    uint32_t blocks;
    struct qf_pages pages;            /* of precopy and all checkpoints */
    bool return_path;                 /* OPEN_RETURN_PATH was seen */
    bool ignore_shared;               /* x-ignore-shared: not all RAM comes */
    uint32_t ram_id;                  /* of RAM's sections; 0 before START */
};

struct qf_tally qf_tally(const struct qemu_follower *f);

/* Block @i of the list, below tally.blocks. */
struct qf_ram_block qf_block(const struct qemu_follower *f, uint32_t i);

/* Octets that a follower has allocated, all of them in qf_new(). */
size_t qf_memory(void);

#endif
