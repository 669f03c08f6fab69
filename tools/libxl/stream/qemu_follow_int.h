/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to qemu_follow*.c: the follower's state, and its steps. A step is a
 * field that is collected whole, or a span that is skipped; when its last
 * octet was there its function is called and says what the next step is.
 */
#ifndef XC_STREAM_QEMU_FOLLOW_INT_H
#define XC_STREAM_QEMU_FOLLOW_INT_H

#include "qemu_follow.h"

/* X(NAME, function's name, where its octets count, place). */
#define QF_STEPS(X)                                                         \
    X(HEADER,         header,         HEADER,        HEADER)                \
    X(SECTION,        section,        SECTIONS,      SECTION)               \
    X(MACHINE_LENGTH, machine_length, CONFIGURATION, CONFIGURATION)         \
    X(MACHINE,        machine,        CONFIGURATION, CONFIGURATION)         \
    X(SUB_LENGTH,     sub_length,     CONFIGURATION, CONFIGURATION)         \
    X(SUB_NAME,       sub_name,       CONFIGURATION, CONFIGURATION)         \
    X(SUB_UUID,       sub_end,        CONFIGURATION, CONFIGURATION)         \
    X(SUB_PAGE_BITS,  page_bits,      CONFIGURATION, CONFIGURATION)         \
    X(CAPABILITIES,   capabilities,   CONFIGURATION, CONFIGURATION)         \
    X(CAP_LENGTH,     cap_length,     CONFIGURATION, CONFIGURATION)         \
    X(CAP_NAME,       cap_name,       CONFIGURATION, CONFIGURATION)         \
    X(COMMAND,        command,        COMMANDS,      COMMAND)               \
    X(COMMAND_BODY,   command_body,   COMMANDS,      COMMAND)               \
    X(START,          start,          SECTIONS,      SECTION)               \
    X(START_NAME,     start_name,     SECTIONS,      SECTION)               \
    X(PART,           part,           SECTIONS,      SECTION)               \
    X(FOOTER,         footer,         SECTIONS,      SECTION)               \
    X(RECORD,         record,         RAM,           RAM)                   \
    X(LIST_LENGTH,    list_length,    RAM,           RAM)                   \
    X(LIST_BLOCK,     list_block,     RAM,           RAM)                   \
    X(BLOCK_LENGTH,   block_length,   RAM,           RAM)                   \
    X(BLOCK_NAME,     block_name,     RAM,           RAM)                   \
    X(ZERO,           zero,           RAM,           RAM)                   \
    X(XBZRLE,         xbzrle,         RAM,           RAM)                   \
    X(COMPRESS,       compress,       RAM,           RAM)                   \
    X(PAGE,           page,           RAM,           RAM)                   \
    X(DEVICES,        devices,        DEVICES,       DEVICES)               \
    X(MESSAGE,        message,        MESSAGES,      MESSAGE)               \
    X(SIZE,           size,           MESSAGES,      MESSAGE)               \
    X(BLOB,           blob,           BLOBS,         BLOB)                  \
    X(BACK,           back,           BACK,          MESSAGE)
#define QF_STEP_ENUM(n, f, o, p) QF_STEP_##n,
enum qf_step { QF_STEPS(QF_STEP_ENUM) };
#undef QF_STEP_ENUM

/* The largest field: name, be64 length, be64 address of a block. */
#define QF_SCRATCH (QEMU_NAME_MAX + 16u)

struct qf_way {
    enum qf_step step;
    bool keep;                 /* the field is collected in scratch */
    uint64_t offset;           /* octets read */
    uint64_t at;               /* of the step's first octet */
    uint64_t left;             /* octets of the step */
    uint8_t scratch[QF_SCRATCH];
    enum qemu_message turn;
    uint64_t checkpoint;       /* that what comes next belongs to */
};

/* What is known of the end of precopy: see qemu_follow_tail.c. */
struct qf_tail {
    uint64_t size;             /* octets from the first device on */
    uint64_t last;             /* the last eight of them */
    uint64_t json;             /* where the description's JSON would begin and
                                  end; end 0: there is none */
    uint64_t end;
};

struct qf_block {
    uint64_t length;
    uint64_t start;            /* of all blocks' octets */
    uint16_t name;             /* in names[] */
    uint8_t name_length;
};

struct qemu_follower {
    struct qf_conf conf;
    struct qf_fault fault;
    struct qf_way ways[2];     /* by direction */
    struct qf_tally tally;
    /* Sections. */
    bool colo;                 /* precopy is over */
    bool in_configuration;     /* a subsection may come */
    uint32_t section;          /* type of the one being read */
    uint64_t section_at;
    uint32_t command, command_length;
    uint32_t capabilities;     /* to come */
    bool ram_started, ram_ended;
    /* RAM. */
    struct qf_pages pages;     /* of this section or checkpoint */
    uint64_t ram_at;           /* where that began */
    uint64_t record_at, record_offset;
    uint32_t record_kind;
    bool listed;
    uint64_t list_left;        /* octets of blocks that have to come */
    struct qf_block *block;    /* named last; NULL: none was */
    const uint8_t *whole;      /* a page that was fed in one piece */
    uint8_t page[QEMU_PAGE_SIZE];    /* else it is put together here */
    struct qf_block blocks[QEMU_BLOCKS_MAX];
    uint32_t names_used;
    uint8_t names[QEMU_BLOCK_NAMES];
    struct qf_tail tail;
};

_Static_assert(sizeof(struct qemu_follower) <= QF_MEMORY_MAX,
               "a follower keeps to its limit");
_Static_assert(QEMU_BLOCK_NAMES <= UINT16_MAX, "names are found by 16 bits");

/* Not for users of libxencolo.so, though the names begin like those. */
#pragma GCC visibility push(hidden)

/* The next step is to collect @n octets, at most QF_SCRATCH. */
void qf_read(struct qf_way *w, enum qf_step step, uint32_t n);
/* The next step is to let @n octets pass; they may be none. */
void qf_skip(struct qf_way *w, enum qf_step step, uint64_t n);
/* The last @n octets counted at @from belong to @to. */
void qf_move(struct qemu_follower *f, enum qf_octets from, enum qf_octets to,
             uint64_t n);
/* The follower fails; @fmt, NULL for nothing, says what is there instead. */
int qf_fail(struct qemu_follower *f, enum qf_direction direction,
            enum qf_rule rule, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Tell the caller; kind, direction, offset and the like are @event's. */
void qf_tell(struct qemu_follower *f, const struct qf_event *event);
/* A name from the stream for a line: at most 40 octets, printable. */
#define QF_NAME_SHOWN 44
const char *qf_show(char to[QF_NAME_SHOWN], const uint8_t *name, size_t n);

/* RAM and sections know each other's beginning. */
void qf_ram_begin(struct qemu_follower *f);
void qf_section_begin(struct qemu_follower *f);
/* The next @n octets, @left of a page's being missing, are its. */
void qf_page_piece(struct qemu_follower *f, const uint8_t *data, size_t n,
                   uint64_t left);
/* The next @n octets are of precopy, from the first device on. */
void qf_devices_piece(struct qemu_follower *f, const uint8_t *data, size_t n);
/* All pages since ram_at, up to @end: tell, and add them up. */
void qf_ram_told(struct qemu_follower *f, uint64_t end);

void qf_tail_feed(struct qf_tail *t, const uint8_t *data, size_t n);
/* Is it all there, if no more comes? *json_r: octets of 06, length, JSON. */
bool qf_tail_ends(const struct qf_tail *t, uint64_t *json_r);

/* Each step's function: its field is @p, if it was collected. */
#define QF_STEP_FUNCTION(n, f, o, p) \
    int qf_step_##f(struct qemu_follower *f_, const uint8_t *p_);
QF_STEPS(QF_STEP_FUNCTION)
#undef QF_STEP_FUNCTION

#pragma GCC visibility pop

#endif
