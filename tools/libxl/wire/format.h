/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The migration stream formats as data: constants, limits and one list for
 * each set of records. Names, reader, writer, validator and tests all expand
 * these lists. Holds no code and touches no bytes. Included by names.h and by
 * everything in stream/; the text behind it is docs/specs/.
 */
#ifndef XC_WIRE_FORMAT_H
#define XC_WIRE_FORMAT_H

#include <stdint.h>

/* Which of the nested formats something belongs to. */
enum wire_layer { WIRE_XL, WIRE_LIBXL, WIRE_LIBXC };

/* ---- xl: 48 octets in the host's byte order, then optional data. */
#define WIRE_XL_MAGIC         "Xen saved domain, xl format\n \0 \r"
#define WIRE_XL_MAGIC_SIZE    32u            /* without the final NUL */
#define WIRE_XL_HEADER_SIZE   48u
#define WIRE_XL_BYTEORDER     0x01020304u
#define WIRE_XL_FLAG_JSON     (1u << 0)
#define WIRE_XL_FLAG_V2       (1u << 1)
#define WIRE_XL_FLAGS_KNOWN   (WIRE_XL_FLAG_JSON | WIRE_XL_FLAG_V2)
#define WIRE_XL_OPTIONAL_MAX  (1u << 20)     /* u32 length and the config */

/* ---- libxl: header of 16 octets, big-endian; records little-endian. */
#define WIRE_LIBXL_HEADER_SIZE  16u
#define WIRE_LIBXL_IDENT        0x4c6962786c466d74ull    /* "LibxlFmt" */
#define WIRE_LIBXL_VERSION      2u
#define WIRE_LIBXL_OPT_BIG      (1u << 0)
#define WIRE_LIBXL_OPT_LEGACY   (1u << 1)    /* converted; accepted */
#define WIRE_LIBXL_OPT_KNOWN    (WIRE_LIBXL_OPT_BIG | WIRE_LIBXL_OPT_LEGACY)

/* ---- libxc: image header 24 octets big-endian, domain header 16 little. */
#define WIRE_LIBXC_IMAGE_SIZE   24u
#define WIRE_LIBXC_DOMAIN_SIZE  16u
#define WIRE_LIBXC_HEADER_SIZE  40u            /* both */
#define WIRE_LIBXC_MARKER       0xffffffffffffffffull
#define WIRE_LIBXC_IDENT        0x58454e46u    /* "XENF" */
#define WIRE_LIBXC_V2           2u
#define WIRE_LIBXC_V3           3u
#define WIRE_LIBXC_OPT_BIG      (1u << 0)
#define WIRE_GUEST_PV           1u
#define WIRE_GUEST_HVM          2u             /* PVH guests, too */

/* ---- records of either layer. */
#define WIRE_RECORD_HEADER_SIZE 8u             /* u32 type, u32 body_length */
#define WIRE_ALIGN              8u
#define WIRE_OPTIONAL_BIT       0x80000000u
#define WIRE_BODY_MAX           (128u << 20)   /* of any record */
#define WIRE_HVM_CONTEXT_MAX    (16u << 20)
#define WIRE_VCPU_MAX           (1u << 20)     /* X86_PV_VCPU_* */
#define WIRE_POLICY_MAX         (1u << 20)     /* X86_CPUID/MSR_POLICY */

/* Octets of padding after a body of @n octets. */
#define WIRE_PADDING(n)         ((WIRE_ALIGN - ((n) & 7u)) & 7u)

/*
 * The records: X(NAME, type, min, max, unit). A body is legal for the reader
 * when min <= length <= max and (length - min) is a multiple of unit; what is
 * in it is the validator's business.
 */
#define WIRE_LIBXL_RECORDS(X)                                               \
    X(END,                    0, 0, 0, 1)                                   \
    X(LIBXC_CONTEXT,          1, 0, 0, 1)                                   \
    X(EMULATOR_XENSTORE_DATA, 2, 8, WIRE_BODY_MAX, 1)                       \
    X(EMULATOR_CONTEXT,       3, 8, WIRE_BODY_MAX, 1)                       \
    X(CHECKPOINT_END,         4, 0, 0, 1)                                   \
    X(CHECKPOINT_STATE,       5, 4, 8, 4)

#define WIRE_LIBXC_RECORDS(X)                                               \
    X(END,                       0x00, 0, 0, 1)                             \
    X(PAGE_DATA,                 0x01, 8, WIRE_BODY_MAX, 8)                 \
    X(X86_PV_INFO,               0x02, 8, 8, 1)                             \
    X(X86_PV_P2M_FRAMES,         0x03, 16, WIRE_BODY_MAX, 8)                \
    X(X86_PV_VCPU_BASIC,         0x04, 9, WIRE_VCPU_MAX, 1)                 \
    X(X86_PV_VCPU_EXTENDED,      0x05, 8, WIRE_VCPU_MAX, 1)                 \
    X(X86_PV_VCPU_XSAVE,         0x06, 8, WIRE_VCPU_MAX, 1)                 \
    X(SHARED_INFO,               0x07, 4096, 4096, 1)                       \
    X(X86_TSC_INFO,              0x08, 24, 24, 1)                           \
    X(HVM_CONTEXT,               0x09, 8, WIRE_HVM_CONTEXT_MAX, 1)          \
    X(HVM_PARAMS,                0x0a, 8, 8 + 16 * WIRE_HVM_PARAMS_NR, 16)  \
    X(TOOLSTACK,                 0x0b, 0, WIRE_BODY_MAX, 1)                 \
    X(X86_PV_VCPU_MSRS,          0x0c, 8, WIRE_VCPU_MAX, 1)                 \
    X(VERIFY,                    0x0d, 0, 0, 1)                             \
    X(CHECKPOINT,                0x0e, 0, 0, 1)                             \
    X(CHECKPOINT_DIRTY_PFN_LIST, 0x0f, 0, WIRE_BODY_MAX, 8)                 \
    X(STATIC_DATA_END,           0x10, 0, 0, 1)                             \
    X(X86_CPUID_POLICY,          0x11, 24, WIRE_POLICY_MAX, 24)             \
    X(X86_MSR_POLICY,            0x12, 16, WIRE_POLICY_MAX, 16)

/* Ours: legal at any record boundary of either layer and direction, but for
   ZERO_PAGES and FRAME. */
#define WIRE_OPTIONAL_RECORDS(X)                                            \
    X(HEARTBEAT,    0x80000001u, 0, 0, 1)                                   \
    X(RELEASE,      0x80000002u, 8, 8, 1)                                   \
    X(GONE,         0x80000003u, 0, 0, 1)                                   \
    X(HELLO,        0x80000004u, 16, 16, 1)                                 \
    X(PAUSE_REASON, 0x80000005u, 8, 8, 1)                                   \
    X(PEER_INFO,    0x80000006u, 72, 72, 1)                                 \
    X(ZERO_PAGES,   0x80000007u, 16, 8 + 8 * WIRE_ZERO_PAGES_MAX, 8)        \
    X(FRAME,        0x80000008u, 8 + WIRE_FRAME_MIN, 8 + WIRE_FRAME_MAX, 1) \
    X(RECEIVED,     0x80000009u, 8, 8, 1)                                   \
    X(PAGE_DIGESTS, 0x8000000au, 16, 16 * WIRE_DIGESTS_MAX, 16)

#define WIRE_XL_ENUM(n, v, lo, hi, u) WIRE_LIBXL_##n = (v),
#define WIRE_XC_ENUM(n, v, lo, hi, u) WIRE_LIBXC_##n = (v),
enum wire_libxl_type { WIRE_LIBXL_RECORDS(WIRE_XL_ENUM) };
enum wire_libxc_type { WIRE_LIBXC_RECORDS(WIRE_XC_ENUM) };
#undef WIRE_XL_ENUM
#undef WIRE_XC_ENUM
#define WIRE_OPT_HEARTBEAT    0x80000001u
#define WIRE_OPT_RELEASE      0x80000002u
#define WIRE_OPT_GONE         0x80000003u
#define WIRE_OPT_HELLO        0x80000004u
#define WIRE_OPT_PAUSE_REASON 0x80000005u
#define WIRE_OPT_PEER_INFO    0x80000006u
#define WIRE_OPT_ZERO_PAGES   0x80000007u
#define WIRE_OPT_FRAME        0x80000008u
#define WIRE_OPT_RECEIVED     0x80000009u
#define WIRE_OPT_PAGE_DIGESTS 0x8000000au

/* ---- CHECKPOINT_STATE: X(NAME, control_id, comes from the primary). */
#define WIRE_STATES(X)      \
    X(NEW,           0, 1)  \
    X(SVM_SUSPENDED, 1, 0)  \
    X(SVM_READY,     2, 0)  \
    X(SVM_RESUMED,   3, 0)
#define WIRE_STATE_ENUM(n, v, p) WIRE_STATE_##n = (v),
enum wire_state { WIRE_STATES(WIRE_STATE_ENUM) };
#undef WIRE_STATE_ENUM

/* ---- HELLO: features. */
#define WIRE_HELLO_PROOF (1u << 0)    /* no take-over without proof */
#define WIRE_HELLO_COLO  (1u << 1)    /* the session runs in COLO mode */
#define WIRE_HELLO_LEASE (1u << 2)    /* a receiver: it waits out a lease */
/* A primary's lease, in tenths of a second; 0: it keeps none. */
#define WIRE_HELLO_BOUND_SHIFT 8
#define WIRE_HELLO_BOUND (0xffffu << WIRE_HELLO_BOUND_SHIFT)
#define WIRE_HELLO_KNOWN (WIRE_HELLO_PROOF | WIRE_HELLO_COLO | \
                          WIRE_HELLO_LEASE | WIRE_HELLO_BOUND)

/* ---- RELEASE: who keeps the domain. */
enum wire_keeper { WIRE_KEEPER_PRIMARY, WIRE_KEEPER_SECONDARY,
                   WIRE_KEEPERS_NR };

/* ---- PAUSE_REASON: why the domain stands still. */
#define WIRE_PAUSE_REASON_MAX 5u     /* none, prelaunch, paused, watchdog,
                                        postmigrate, panicked */

/* ---- ZERO_PAGES: pfns in one record. */
#define WIRE_ZERO_PAGES_MAX 1024u

/* ---- PAGE_DIGESTS: pages in one record. */
#define WIRE_DIGESTS_MAX 1024u

/* ---- FRAME: octets of an Ethernet frame, without its FCS. */
#define WIRE_FRAME_MIN 14u      /* the Ethernet header */
#define WIRE_FRAME_MAX 65600u

#define WIRE_HELLO_VERSION  1u
#define WIRE_PEER_NAME_SIZE 64u    /* with at least one NUL */

/* ---- emulator ids. */
enum wire_emulator {
    WIRE_EMULATOR_UNKNOWN, WIRE_EMULATOR_QEMU_TRADITIONAL,
    WIRE_EMULATOR_QEMU_UPSTREAM, WIRE_EMULATORS_NR
};

/* ---- PAGE_DATA. */
#define WIRE_PAGE_SIZE       4096u
#define WIRE_PAGE_SHIFT      12u
#define WIRE_PAGES_MAX       32768u    /* entries in one record */
#define WIRE_DATA_PAGES_MAX  ((WIRE_BODY_MAX - 8) / (8 + WIRE_PAGE_SIZE))
#define WIRE_BATCH           1024u     /* what the stock writer uses */
#define WIRE_PFN_BITS        40u       /* 52-bit addresses of 4 KiB pages */
#define WIRE_PFN_END         (1ull << WIRE_PFN_BITS)
#define WIRE_ENTRY_PFN_MASK  ((1ull << 52) - 1)
#define WIRE_ENTRY_RESERVED  (0xffull << 52)
#define WIRE_ENTRY_SHIFT     60u

/* X(NAME, type, has data, legal in an HVM guest); others are invalid. */
#define WIRE_PAGE_TYPES(X)  \
    X(NOTAB,   0x0, 1, 1)   \
    X(L1,      0x1, 1, 0)   \
    X(L2,      0x2, 1, 0)   \
    X(L3,      0x3, 1, 0)   \
    X(L4,      0x4, 1, 0)   \
    X(L1_PIN,  0x9, 1, 0)   \
    X(L2_PIN,  0xa, 1, 0)   \
    X(L3_PIN,  0xb, 1, 0)   \
    X(L4_PIN,  0xc, 1, 0)   \
    X(BROKEN,  0xd, 0, 1)   \
    X(XALLOC,  0xe, 0, 1)   \
    X(XTAB,    0xf, 0, 1)
#define WIRE_PAGE_ENUM(n, v, d, h) WIRE_PAGE_##n = (v),
enum wire_page_type { WIRE_PAGE_TYPES(WIRE_PAGE_ENUM) };
#undef WIRE_PAGE_ENUM

/* ---- HVM params that are saved where non-zero: X(NAME, index). */
#define WIRE_HVM_PARAMS_NR 64u    /* indices are below; 4.17 has 39 */
#define WIRE_HVM_PARAMS(X)         \
    X(STORE_PFN,              1)   \
    X(IOREQ_PFN,              5)   \
    X(BUFIOREQ_PFN,           6)   \
    X(VIRIDIAN,               9)   \
    X(IDENT_PT,              12)   \
    X(CONSOLE_PFN,           17)   \
    X(ACPI_IOPORTS_LOCATION, 19)   \
    X(PAGING_RING_PFN,       27)   \
    X(MONITOR_RING_PFN,      28)   \
    X(SHARING_RING_PFN,      29)   \
    X(IOREQ_SERVER_PFN,      32)   \
    X(NR_IOREQ_SERVER_PAGES, 33)   \
    X(VM_GENERATION_ID_ADDR, 34)   \
    X(X87_FIP_WIDTH,         36)   \
    X(VM86_TSS_SIZED,        37)   \
    X(MCA_CAP,               38)
#define WIRE_HVM_PARAM_ENUM(n, v) WIRE_HVM_PARAM_##n = (v),
enum wire_hvm_param { WIRE_HVM_PARAMS(WIRE_HVM_PARAM_ENUM) };
#undef WIRE_HVM_PARAM_ENUM

/* ---- PV. */
#define WIRE_VCPUS_MAX       8192u     /* vcpu ids are below */

/* ---- xl's handshake; sizes without (ready) and with (others) the NUL. */
#define WIRE_XL_BANNER                                                      \
    "xl migration receiver ready, send binary domain data.\n"
#define WIRE_XL_BANNER_SIZE  54u
#define WIRE_XL_RECEIVED     "domain received, ready to unpause"
#define WIRE_XL_GO           "domain is yours, you are cleared to unpause"
#define WIRE_XL_RESULT       "my copy unpause results are as follows"

#endif
