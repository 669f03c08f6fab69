/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * QEMU's COLO migration stream as data: constants, limits, the list of COLO's
 * messages. All numbers are big-endian. Holds no code and touches no bytes.
 * Included by qemu_message.h and qemu_follow*.c.
 *
 * Where each fact comes from: (capture) it is in the COLO streams of QEMU 7.2
 * in tools/tests/corpus/qemu; (7.2) in the other migrations there; (QEMU) of
 * the enumerations in QEMU's sources and not seen by us; (ours) a limit.
 */
#ifndef XC_WIRE_QEMU_FORMAT_H
#define XC_WIRE_QEMU_FORMAT_H

/* ---- header: be32 magic, be32 version (capture). */
#define QEMU_HEADER_SIZE    8u
#define QEMU_MAGIC          0x5145564du    /* "QEVM" */
#define QEMU_VERSION        3u

/*
 * ---- sections: one octet says which. X(NAME, type).
 * START: be32 id, u8 length and name, be32 instance, be32 version, body.
 * PART, END: be32 id, body. FULL: as START. (capture)
 * SUBSECTION: u8 length and name, be32 version, body. (7.2)
 * VMDESCRIPTION: be32 length, JSON; comes after EOF. (capture)
 * CONFIGURATION: be32 length and the machine's name. (capture)
 * COMMAND: be16 command, be16 length, body. (capture)
 * FOOTER: be32 id, behind the body of the first four. (capture)
 */
#define QEMU_SECTIONS(X)        \
    X(EOF,           0x00)      \
    X(START,         0x01)      \
    X(PART,          0x02)      \
    X(END,           0x03)      \
    X(FULL,          0x04)      \
    X(SUBSECTION,    0x05)      \
    X(VMDESCRIPTION, 0x06)      \
    X(CONFIGURATION, 0x07)      \
    X(COMMAND,       0x08)      \
    X(FOOTER,        0x7e)
#define QEMU_SECTION_ENUM(n, v) QEMU_SECTION_##n = (v),
enum qemu_section { QEMU_SECTIONS(QEMU_SECTION_ENUM) };
#undef QEMU_SECTION_ENUM

#define QEMU_NAME_MAX       255u           /* of a length of one octet */
#define QEMU_MACHINE_MAX    255u           /* of the machine's name (ours) */
#define QEMU_VMDESC_MAX     (4u << 20)     /* the JSON (ours); below 2^24,
                                              see qemu_follow_tail.c */

/* ---- the configuration's subsections, their bodies (7.2). */
#define QEMU_SUB_PAGE_BITS      "configuration/target-page-bits"   /* be32;
                                                                  (QEMU) */
#define QEMU_SUB_CAPABILITIES   "configuration/capabilities"
                                /* be32 count, each u8 length and name */
#define QEMU_SUB_UUID           "configuration/uuid"
#define QEMU_UUID_SIZE          16u
#define QEMU_CAPABILITIES_MAX   64u    /* (ours) */
#define QEMU_IGNORE_SHARED      "x-ignore-shared"    /* blocks have a be64
                                                        more: an address */

/*
 * ---- commands: X(NAME, number, octets of its body or -1, ours to follow).
 * OPEN_RETURN_PATH, PING (7.2); ENABLE_COLO (capture; gone in 2026's QEMU);
 * SWITCHOVER_START: QEMU 10 on; the others are postcopy's (QEMU).
 */
#define QEMU_COMMANDS(X)                     \
    X(OPEN_RETURN_PATH,     0x1, 0, 1)       \
    X(PING,                 0x2, 4, 1)       \
    X(POSTCOPY_ADVISE,      0x3, -1, 0)      \
    X(POSTCOPY_LISTEN,      0x4, 0, 0)       \
    X(POSTCOPY_RUN,         0x5, 0, 0)       \
    X(POSTCOPY_RAM_DISCARD, 0x6, -1, 0)      \
    X(PACKAGED,             0x7, -1, 0)      \
    X(ENABLE_COLO,          0x8, 0, 1)       \
    X(POSTCOPY_RESUME,      0x9, 0, 0)       \
    X(RECV_BITMAP,          0xa, -1, 0)      \
    X(SWITCHOVER_START,     0xb, 0, 1)
#define QEMU_COMMAND_ENUM(n, v, l, o) QEMU_COMMAND_##n = (v),
enum qemu_command { QEMU_COMMANDS(QEMU_COMMAND_ENUM) };
#undef QEMU_COMMAND_ENUM

/*
 * ---- RAM's section: be64 records, an offset in a block with flags in its
 * low 12 bits. Without CONTINUE a page's record is followed by u8 length and
 * name of its block; then comes what the flag says. (capture), unless told.
 */
#define QEMU_RAM_NAME       "ram"
#define QEMU_RAM_INSTANCE   0u
#define QEMU_RAM_VERSION    4u
#define QEMU_PAGE_SIZE      4096u
#define QEMU_RAM_FLAGS      0xfffull
#define QEMU_RAM_ZERO       0x002u    /* one octet: 0 */
#define QEMU_RAM_MEM_SIZE   0x004u    /* blocks (u8 length, name, be64 length)
                                         whose lengths add up to the offset */
#define QEMU_RAM_PAGE       0x008u    /* 4096 octets */
#define QEMU_RAM_EOS        0x010u    /* nothing: the section's end */
#define QEMU_RAM_CONTINUE   0x020u    /* the block that was named last, on
                                         this connection */
#define QEMU_RAM_XBZRLE     0x040u    /* u8 1, be16 length, body (QEMU) */
#define QEMU_RAM_HOOK       0x080u    /* RDMA's; not on a socket (QEMU) */
#define QEMU_RAM_COMPRESS   0x100u    /* be32 length, zlib's output (7.2) */
#define QEMU_RAM_FLUSH      0x200u    /* multifd's; nothing (QEMU) */
#define QEMU_XBZRLE_MARK    1u
#define QEMU_COMPRESS_MAX   4110u     /* zlib's bound for a page */
#define QEMU_BLOCKS_MAX     1024u             /* in the list (ours) */
#define QEMU_BLOCK_NAMES    (32u << 10)       /* octets of names (ours) */

/*
 * ---- COLO's messages: X(NAME, number, its name in QEMU's schema, comes from
 * the primary). Each is a be32; VMSTATE_SIZE is followed by a be64, the size
 * of the state that follows. (capture)
 */
#define QEMU_MESSAGES(X)                                       \
    X(CHECKPOINT_READY,   0, "checkpoint-ready",   0)          \
    X(CHECKPOINT_REQUEST, 1, "checkpoint-request", 1)          \
    X(CHECKPOINT_REPLY,   2, "checkpoint-reply",   0)          \
    X(VMSTATE_SEND,       3, "vmstate-send",       1)          \
    X(VMSTATE_SIZE,       4, "vmstate-size",       1)          \
    X(VMSTATE_RECEIVED,   5, "vmstate-received",   0)          \
    X(VMSTATE_LOADED,     6, "vmstate-loaded",     0)
#define QEMU_MESSAGE_ENUM(n, v, s, p) QEMU_##n = (v),
enum qemu_message {
    QEMU_MESSAGES(QEMU_MESSAGE_ENUM)
    QEMU_MESSAGES_NR
};
#undef QEMU_MESSAGE_ENUM
#define QEMU_MESSAGE_SIZE   4u     /* octets; of VMSTATE_SIZE also a value: */
#define QEMU_VALUE_SIZE     8u
#define QEMU_VMSTATE_MAX    (512ull << 20)    /* default limit (ours) */

/*
 * ---- the return path: be16 type, be16 length, body; from the secondary, on
 * the same socket, when the capability return-path is on. Types are 1 to 7
 * (QEMU), so a message of it never looks like one of COLO's.
 */
#define QEMU_RETURN_PATH_TYPES  7u

#endif
