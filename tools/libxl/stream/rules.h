/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Every rule that a stream can break: one list, expanded into the enum, the
 * fault's text, the specification's table and the tests (each rule has a
 * broken stream that makes it fire). Ids are stable. Holds no code but the
 * declaration of the look-up.
 *
 * X(NAME, "id", "section of docs/specs", "what holds in a good stream")
 */
#ifndef XC_STREAM_RULES_H
#define XC_STREAM_RULES_H

/* Found by the reader: framing. */
#define SR_READER_RULES(X)                                                  \
X(XL_MAGIC, "xl-magic", "xl: Header",                                       \
  "the stream begins with xl's magic")                                      \
X(XL_BYTEORDER, "xl-byteorder", "xl: Header",                               \
  "the byteorder word is 0x01020304, little-endian")                        \
X(XL_FLAGS, "xl-mandatory-flags", "xl: Header",                             \
  "no mandatory flags but JSON config and stream v2 are set")               \
X(XL_V1, "xl-stream-v2", "xl: Header",                                      \
  "the mandatory flag for stream v2 is set")                                \
X(XL_OPTIONAL_LIMIT, "xl-optional-limit", "xl: Header",                     \
  "optional data is at most 1 MiB")                                         \
X(LIBXL_IDENT, "libxl-ident", "libxl: Header",                              \
  "the ident is LibxlFmt, big-endian")                                      \
X(LIBXL_VERSION, "libxl-version", "libxl: Header", "the version is 2")      \
X(LIBXL_BIG, "libxl-big-endian", "libxl: Header",                           \
  "x86 streams are little-endian")                                          \
X(LIBXL_OPTIONS, "libxl-options", "libxl: Header",                          \
  "reserved option bits are zero")                                          \
X(LIBXL_TYPE, "libxl-type-unknown", "libxl: Records",                       \
  "mandatory records have one of the types 0 to 5")                         \
X(LIBXL_LENGTH, "libxl-length", "libxl: Records",                           \
  "body_length is one that the record may have")                            \
X(LIBXL_LIMIT, "libxl-length-limit", "libxl: Records",                      \
  "body_length is at most 128 MiB")                                         \
X(LIBXL_PADDING, "libxl-padding", "libxl: Records",                         \
  "padding is zero")                                                        \
X(LIBXC_MARKER, "libxc-marker", "libxc: Image header",                      \
  "the marker is all ones")                                                 \
X(LIBXC_IDENT, "libxc-ident", "libxc: Image header",                        \
  "the id is XENF, big-endian")                                             \
X(LIBXC_VERSION, "libxc-version", "libxc: Image header",                    \
  "the version is 2 or 3")                                                  \
X(LIBXC_BIG, "libxc-big-endian", "libxc: Image header",                     \
  "x86 streams are little-endian")                                          \
X(LIBXC_OPTIONS, "libxc-options", "libxc: Image header",                    \
  "reserved option bits are zero")                                          \
X(LIBXC_IMAGE_RESERVED, "libxc-image-reserved", "libxc: Image header",      \
  "reserved fields are zero")                                               \
X(LIBXC_GUEST, "libxc-guest-type", "libxc: Domain header",                  \
  "the type is 1 (x86 PV) or 2 (x86 HVM)")                                  \
X(LIBXC_SHIFT, "libxc-page-shift", "libxc: Domain header",                  \
  "the page shift is 12")                                                   \
X(LIBXC_DOMAIN_RESERVED, "libxc-domain-reserved", "libxc: Domain header",   \
  "the reserved field is zero")                                             \
X(LIBXC_TYPE, "libxc-type-unknown", "libxc: Records",                       \
  "mandatory records have one of the types 0 to 0x12")                      \
X(LIBXC_LENGTH, "libxc-length", "libxc: Records",                           \
  "body_length is one that the record may have")                            \
X(LIBXC_LIMIT, "libxc-length-limit", "libxc: Records",                      \
  "body_length is at most 128 MiB")                                         \
X(LIBXC_PADDING, "libxc-padding", "libxc: Records",                         \
  "padding is zero")                                                        \
X(OPTIONAL_LENGTH, "optional-length", "libxl: Optional records",            \
  "body_length is the known optional record's own")                         \
X(DIRECTION, "stream-direction", "libxl: Which direction",                  \
  "a stream goes the way that the checker was told")                        \
X(TRAILING, "stream-trailing", "libxl: Legal sequences",                    \
  "nothing follows the outermost END")

/* Found by the page decoder: the list in a PAGE_DATA record. */
#define SR_PAGES_RULES(X)                                                   \
X(PAGES_EMPTY, "libxc-page-data-empty", "libxc: PAGE_DATA",                 \
  "count is at least 1")                                                    \
X(PAGES_LIMIT, "libxc-page-data-limit", "libxc: PAGE_DATA",                 \
  "count is at most 32768")                                                 \
X(PAGES_RESERVED, "libxc-page-data-reserved", "libxc: PAGE_DATA",           \
  "the second word is zero")                                                \
X(PAGES_BITS, "libxc-page-data-bits", "libxc: PAGE_DATA",                   \
  "bits 59 to 52 of an entry are zero")                                     \
X(PAGES_TYPE, "libxc-page-data-type", "libxc: PAGE_DATA",                   \
  "page types 5 to 8 don't exist")                                          \
X(PAGES_HVM, "libxc-page-data-hvm", "libxc: PAGE_DATA",                     \
  "an HVM stream has no page tables")                                       \
X(PAGES_PFN, "libxc-page-data-pfn", "libxc: PAGE_DATA",                     \
  "a pfn is below 2^40")                                                    \
X(PAGES_TWICE, "libxc-page-data-twice", "libxc: PAGE_DATA",                 \
  "a pfn is in a record once")                                              \
X(PAGES_LENGTH, "libxc-page-data-length", "libxc: PAGE_DATA",               \
  "the body is as long as its list asks for")

/* Found by the validator: xl and libxl. */
#define SR_LIBXL_RULES(X)                                                   \
X(XL_CONFIG_LENGTH, "xl-config-length", "xl: Optional data",                \
  "config_len fits in the optional data")                                   \
X(XL_CONFIG_NUL, "xl-config-nul", "xl: Optional data",                      \
  "a JSON config ends with its only NUL, which is counted")                 \
X(CONTEXT_FIRST, "libxl-context-first", "libxl: Legal sequences",           \
  "LIBXC_CONTEXT is the first record")                                      \
X(CONTEXT_TWICE, "libxl-context-twice", "libxl: Legal sequences",           \
  "LIBXC_CONTEXT comes once")                                               \
X(EMULATOR_PV, "libxl-emulator-pv", "libxl: EMULATOR records",              \
  "a PV stream has no emulator records")                                    \
X(EMULATOR_TWICE, "libxl-emulator-twice", "libxl: EMULATOR records",        \
  "an emulator record comes at most once in an epoch")                      \
X(EMULATOR_ORDER, "libxl-emulator-order", "libxl: EMULATOR records",        \
  "EMULATOR_XENSTORE_DATA comes before EMULATOR_CONTEXT")                   \
X(EMULATOR_ID, "libxl-emulator-id", "libxl: EMULATOR records",              \
  "the emulator id is 0, 1 or 2")                                           \
X(XENSTORE_NUL, "libxl-xenstore-nul", "libxl: EMULATOR_XENSTORE_DATA",      \
  "every key and value ends with a NUL")                                    \
X(XENSTORE_PAIR, "libxl-xenstore-pair", "libxl: EMULATOR_XENSTORE_DATA",    \
  "every key has a value")                                                  \
X(XENSTORE_KEY, "libxl-xenstore-key", "libxl: EMULATOR_XENSTORE_DATA",      \
  "a key is relative and not empty")                                        \
X(CHECKPOINT_END_TURN, "libxl-checkpoint-end-turn",                         \
  "libxl: CHECKPOINT_END", "CHECKPOINT_END follows a libxc CHECKPOINT")     \
X(LIBXL_END_TURN, "libxl-end-turn", "libxl: END",                           \
  "END follows a libxc END; checkpointed streams have none")                \
X(STATE_WORD, "checkpoint-state-word", "libxl: CHECKPOINT_STATE",           \
  "the second word of a body of 8 octets is zero")                          \
X(STATE_ID, "checkpoint-state-id", "libxl: CHECKPOINT_STATE",               \
  "control_id is 0 to 3")                                                   \
X(STATE_DIRECTION, "checkpoint-state-direction",                            \
  "libxl: CHECKPOINT_STATE",                                                \
  "the primary sends NEW, the secondary the others")                        \
X(STATE_TURN, "checkpoint-state-turn", "libxl: CHECKPOINT_STATE",           \
  "CHECKPOINT_STATE comes where its id has its turn")                       \
X(STATE_MISSING, "checkpoint-state-missing", "libxl: Legal sequences",      \
  "in COLO each epoch after the first begins with NEW")                     \
X(COLO_HVM, "colo-hvm-only", "libxl: Legal sequences",                      \
  "only an HVM (or PVH) guest runs in COLO")                                \
X(BACK_RECORD, "back-channel-record", "libxl: Back channel",                \
  "the back channel has CHECKPOINT_STATE and optional records only")        \
X(BACK_DIRTY, "back-channel-dirty-list", "libxl: Back channel",             \
  "CHECKPOINT_DIRTY_PFN_LIST follows SVM_SUSPENDED, and only there")        \
X(RELEASE_KEEPER, "release-keeper", "libxl: RELEASE",                       \
  "the keeper is 0 or 1")                                                   \
X(RELEASE_ZERO, "release-zero", "libxl: RELEASE",                           \
  "the second word is zero")                                                \
X(RELEASE_FINAL, "release-final", "libxl: RELEASE",                         \
  "only optional records follow RELEASE or GONE")                           \
X(HELLO_VERSION, "hello-version", "libxl: HELLO",                           \
  "the version is 1")                                                       \
X(PAUSE_VALUE, "pause-reason-value", "libxl: PAUSE_REASON",                 \
  "the reason is 0 to 5")                                                   \
X(PAUSE_ZERO, "pause-reason-zero", "libxl: PAUSE_REASON",                   \
  "the second word is zero")                                                \
X(PEER_NAME, "peer-info-name", "libxl: PEER_INFO",                          \
  "the name ends with a NUL and is padded with NULs")                       \
X(ZERO_PLACE, "zero-pages-place", "libxl: ZERO_PAGES",                      \
  "ZERO_PAGES stands where PAGE_DATA may, in an HVM stream")                \
X(ZERO_COUNT, "zero-pages-count", "libxl: ZERO_PAGES",                      \
  "the count is the number of pfns")                                        \
X(ZERO_RESERVED, "zero-pages-reserved", "libxl: ZERO_PAGES",                \
  "the second word is zero")                                                \
X(ZERO_PFN, "zero-pages-pfn", "libxl: ZERO_PAGES",                          \
  "a pfn is below 2^40")                                                    \
X(FRAME_PLACE, "frame-place", "libxl: FRAME",                               \
  "FRAME comes in COLO only, and after the first epoch is complete")        \
X(FRAME_ZERO, "frame-zero", "libxl: FRAME",                                 \
  "the second word is zero")                                                \
X(TRUNCATED, "stream-truncated", "libxl: Legal sequences",                  \
  "a stream ends with END, a checkpointed one between two records")         \
X(INCOMPLETE, "stream-incomplete", "libxl: Legal sequences",                \
  "a complete checkpointed stream ends with RELEASE or GONE")

/* Found by the validator: libxc. */
#define SR_LIBXC_RULES(X)                                                   \
X(SDE_MISSING, "libxc-static-data-end-missing", "libxc: STATIC_DATA_END",   \
  "in version 3 STATIC_DATA_END comes before all but static data")          \
X(SDE_TWICE, "libxc-static-data-end-twice", "libxc: STATIC_DATA_END",       \
  "STATIC_DATA_END comes once")                                             \
X(SDE_V2, "libxc-static-data-end-v2", "libxc: STATIC_DATA_END",             \
  "version 2 has no STATIC_DATA_END")                                       \
X(STATIC_LATE, "libxc-static-data-late", "libxc: STATIC_DATA_END",          \
  "static data comes before STATIC_DATA_END and everything else")           \
X(TWICE, "libxc-record-twice", "libxc: Legal sequences",                    \
  "a record that exists once in a stream or epoch comes once")              \
X(ORDER, "libxc-record-order", "libxc: Legal sequences",                    \
  "records come in the order of the legal sequences")                       \
X(PV_IN_HVM, "libxc-pv-record-in-hvm", "libxc: Legal sequences",            \
  "an HVM stream has no PV records")                                        \
X(HVM_IN_PV, "libxc-hvm-record-in-pv", "libxc: Legal sequences",            \
  "a PV stream has no HVM records")                                         \
X(TOOLSTACK, "libxc-toolstack", "libxc: TOOLSTACK",                         \
  "TOOLSTACK is no longer used")                                            \
X(DIRTY_FORWARD, "libxc-dirty-list-forward",                                \
  "libxc: CHECKPOINT_DIRTY_PFN_LIST",                                       \
  "CHECKPOINT_DIRTY_PFN_LIST is sent by the secondary")                     \
X(DIRTY_PFN, "libxc-dirty-list-pfn", "libxc: CHECKPOINT_DIRTY_PFN_LIST",    \
  "a pfn is below 2^40")                                                    \
X(PV_INFO_MISSING, "libxc-pv-info-missing", "libxc: X86_PV_INFO",           \
  "a PV stream has X86_PV_INFO among its static data")                      \
X(PV_INFO_VALUE, "libxc-pv-info-value", "libxc: X86_PV_INFO",               \
  "guest width is 4 or 8, levels are 3 or 4, the rest is zero")             \
X(P2M_MISSING, "libxc-p2m-frames-missing", "libxc: X86_PV_P2M_FRAMES",      \
  "a PV stream has X86_PV_P2M_FRAMES before its pages")                     \
X(P2M_RANGE, "libxc-p2m-frames-range", "libxc: X86_PV_P2M_FRAMES",          \
  "start is not above end")                                                 \
X(P2M_COUNT, "libxc-p2m-frames-count", "libxc: X86_PV_P2M_FRAMES",          \
  "there is one pfn for each frame of the p2m from start to end")           \
X(P2M_PFN, "libxc-p2m-frames-pfn", "libxc: X86_PV_P2M_FRAMES",              \
  "a pfn is below 2^40")                                                    \
X(PAGES_MISSING, "libxc-page-data-missing", "libxc: Legal sequences",       \
  "the first epoch has PAGE_DATA")                                          \
X(TSC_MISSING, "libxc-tsc-info-missing", "libxc: Legal sequences",          \
  "each epoch of an HVM stream has X86_TSC_INFO")                           \
X(TSC_RESERVED, "libxc-tsc-info-reserved", "libxc: X86_TSC_INFO",           \
  "the last word is zero")                                                  \
X(CONTEXT_MISSING, "libxc-hvm-context-missing", "libxc: Legal sequences",   \
  "each epoch of an HVM stream has HVM_CONTEXT")                            \
X(PARAMS_MISSING, "libxc-hvm-params-missing", "libxc: Legal sequences",     \
  "each epoch of an HVM stream has HVM_PARAMS")                             \
X(PARAMS_COUNT, "libxc-hvm-params-count", "libxc: HVM_PARAMS",              \
  "count is the number of params in the body")                              \
X(PARAMS_RESERVED, "libxc-hvm-params-reserved", "libxc: HVM_PARAMS",        \
  "the second word is zero")                                                \
X(PARAMS_INDEX, "libxc-hvm-params-index", "libxc: HVM_PARAMS",              \
  "an index is below 64")                                                   \
X(PARAMS_TWICE, "libxc-hvm-params-twice", "libxc: HVM_PARAMS",              \
  "an index is in a record once")                                           \
X(SHARED_MISSING, "libxc-shared-info-missing", "libxc: Legal sequences",    \
  "each epoch of a PV stream has SHARED_INFO")                              \
X(VCPU_MISSING, "libxc-vcpu-missing", "libxc: Legal sequences",             \
  "each epoch of a PV stream has vCPU 0, and each vCPU its BASIC")          \
X(VCPU_ID, "libxc-vcpu-id", "libxc: X86_PV_VCPU",                           \
  "a vCPU id is below 8192")                                                \
X(VCPU_RESERVED, "libxc-vcpu-reserved", "libxc: X86_PV_VCPU",               \
  "the second word is zero")                                                \
X(VCPU_ORDER, "libxc-vcpu-order", "libxc: X86_PV_VCPU",                     \
  "vCPUs ascend; each has BASIC, EXTENDED, XSAVE, MSRS, at most once")      \
X(MSR_FLAGS, "libxc-msr-policy-flags", "libxc: X86_MSR_POLICY",             \
  "flags are zero")                                                         \
X(VERIFY_TURN, "libxc-verify-turn", "libxc: VERIFY",                        \
  "VERIFY comes once, after pages, in a plain stream")                      \
X(CHECKPOINT_PLAIN, "libxc-checkpoint-plain", "libxc: CHECKPOINT",          \
  "a plain stream has no CHECKPOINT")                                       \
X(END_CHECKPOINTED, "libxc-end-checkpointed", "libxc: END",                 \
  "a checkpointed stream has no END")

#define SR_RULES(X)                                                         \
    SR_READER_RULES(X) SR_PAGES_RULES(X) SR_LIBXL_RULES(X) SR_LIBXC_RULES(X)

#define SR_RULE_ENUM(name, id, section, sentence) SR_RULE_##name,
enum sr_rule { SR_RULE_NONE, SR_RULES(SR_RULE_ENUM) SR_RULES_NR };
#undef SR_RULE_ENUM

struct sr_rule_info {
    const char *id;          /* stable, e.g. "xl-magic" */
    const char *section;
    const char *sentence;
};

/* The row of @rule, which must be a rule (not NONE). */
const struct sr_rule_info *sr_rule_info(enum sr_rule rule);

#endif
