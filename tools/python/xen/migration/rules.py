# SPDX-License-Identifier: LGPL-2.1-only
"""The rules of a stream: each rule's id, section and sentence.

The table is that of `stream-rules`; it says what holds in a good stream, and
never checks anything. `public` looks a broken rule up here; tests compare
the table with the document.
"""

from __future__ import annotations

from typing import Dict, NamedTuple


class Rule(NamedTuple):
    """Where a rule stands in the specifications, and what it says."""

    section: str
    sentence: str


_SECTIONS: Dict[str, Dict[str, str]] = {
    "xl: Header": {
        "xl-magic": "the stream begins with xl's magic",
        "xl-byteorder": "the byteorder word is 0x01020304, little-endian",
        "xl-mandatory-flags":
            "no mandatory flags but JSON config and stream v2 are set",
        "xl-stream-v2": "the mandatory flag for stream v2 is set",
        "xl-optional-limit": "optional data is at most 1 MiB",
    },
    "libxl: Header": {
        "libxl-ident": "the ident is LibxlFmt, big-endian",
        "libxl-version": "the version is 2",
        "libxl-big-endian": "x86 streams are little-endian",
        "libxl-options": "reserved option bits are zero",
    },
    "libxl: Records": {
        "libxl-type-unknown": "mandatory records have one of the types 0 to 5",
        "libxl-length": "body_length is one that the record may have",
        "libxl-length-limit": "body_length is at most 128 MiB",
        "libxl-padding": "padding is zero",
    },
    "libxc: Image header": {
        "libxc-marker": "the marker is all ones",
        "libxc-ident": "the id is XENF, big-endian",
        "libxc-version": "the version is 2 or 3",
        "libxc-big-endian": "x86 streams are little-endian",
        "libxc-options": "reserved option bits are zero",
        "libxc-image-reserved": "reserved fields are zero",
    },
    "libxc: Domain header": {
        "libxc-guest-type": "the type is 1 (x86 PV) or 2 (x86 HVM)",
        "libxc-page-shift": "the page shift is 12",
        "libxc-domain-reserved": "the reserved field is zero",
    },
    "libxc: Records": {
        "libxc-type-unknown":
            "mandatory records have one of the types 0 to 0x12",
        "libxc-length": "body_length is one that the record may have",
        "libxc-length-limit": "body_length is at most 128 MiB",
        "libxc-padding": "padding is zero",
    },
    "libxl: Optional records": {
        "optional-length": "body_length is the known optional record's own",
    },
    "libxl: Which direction": {
        "stream-direction":
            "a stream goes the way that the checker was told",
    },
    "libxl: Legal sequences": {
        "stream-trailing": "nothing follows the outermost END",
        "libxl-context-first": "LIBXC_CONTEXT is the first record",
        "libxl-context-twice": "LIBXC_CONTEXT comes once",
        "checkpoint-state-missing":
            "in COLO each epoch after the first begins with NEW",
        "colo-hvm-only": "only an HVM (or PVH) guest runs in COLO",
        "stream-truncated":
            "a stream ends with END, a checkpointed one between two records",
        "stream-incomplete":
            "a complete checkpointed stream ends with RELEASE or GONE",
    },
    "libxc: PAGE_DATA": {
        "libxc-page-data-empty": "count is at least 1",
        "libxc-page-data-limit": "count is at most 32768",
        "libxc-page-data-reserved": "the second word is zero",
        "libxc-page-data-bits": "bits 59 to 52 of an entry are zero",
        "libxc-page-data-type": "page types 5 to 8 don't exist",
        "libxc-page-data-hvm": "an HVM stream has no page tables",
        "libxc-page-data-pfn": "a pfn is below 2^40",
        "libxc-page-data-twice": "a pfn is in a record once",
        "libxc-page-data-length": "the body is as long as its list asks for",
    },
    "xl: Optional data": {
        "xl-config-length": "config_len fits in the optional data",
        "xl-config-nul":
            "a JSON config ends with its only NUL, which is counted",
    },
    "libxl: EMULATOR records": {
        "libxl-emulator-pv": "a PV stream has no emulator records",
        "libxl-emulator-twice":
            "an emulator record comes at most once in an epoch",
        "libxl-emulator-order":
            "EMULATOR_XENSTORE_DATA comes before EMULATOR_CONTEXT",
        "libxl-emulator-id": "the emulator id is 0, 1 or 2",
    },
    "libxl: EMULATOR_XENSTORE_DATA": {
        "libxl-xenstore-nul": "every key and value ends with a NUL",
        "libxl-xenstore-pair": "every key has a value",
        "libxl-xenstore-key": "a key is relative and not empty",
    },
    "libxl: CHECKPOINT_END": {
        "libxl-checkpoint-end-turn":
            "CHECKPOINT_END follows a libxc CHECKPOINT",
    },
    "libxl: END": {
        "libxl-end-turn":
            "END follows a libxc END; checkpointed streams have none",
    },
    "libxl: CHECKPOINT_STATE": {
        "checkpoint-state-word":
            "the second word of a body of 8 octets is zero",
        "checkpoint-state-id": "control_id is 0 to 3",
        "checkpoint-state-direction":
            "the primary sends NEW, the secondary the others",
        "checkpoint-state-turn":
            "CHECKPOINT_STATE comes where its id has its turn",
    },
    "libxl: Back channel": {
        "back-channel-record":
            "the back channel has CHECKPOINT_STATE and optional records only",
        "back-channel-dirty-list":
            "CHECKPOINT_DIRTY_PFN_LIST follows SVM_SUSPENDED, and only there",
    },
    "libxl: RELEASE": {
        "release-keeper": "the keeper is 0 or 1",
        "release-zero": "the second word is zero",
        "release-final": "only optional records follow RELEASE or GONE",
    },
    "libxl: HELLO": {
        "hello-version": "the version is 1",
    },
    "libxl: PAUSE_REASON": {
        "pause-reason-value": "the reason is 0 to 5",
        "pause-reason-zero": "the second word is zero",
    },
    "libxl: PEER_INFO": {
        "peer-info-name":
            "the name ends with a NUL and is padded with NULs",
    },
    "libxl: ZERO_PAGES": {
        "zero-pages-place":
            "ZERO_PAGES stands where PAGE_DATA may, in an HVM stream",
        "zero-pages-count": "the count is the number of pfns",
        "zero-pages-reserved": "the second word is zero",
        "zero-pages-pfn": "a pfn is below 2^40",
    },
    "libxl: FRAME": {
        "frame-place":
            "FRAME comes in COLO only, and after the first epoch is complete",
        "frame-zero": "the second word is zero",
    },
    "libxc: STATIC_DATA_END": {
        "libxc-static-data-end-missing":
            "in version 3 STATIC_DATA_END comes before all but static data",
        "libxc-static-data-end-twice": "STATIC_DATA_END comes once",
        "libxc-static-data-end-v2": "version 2 has no STATIC_DATA_END",
        "libxc-static-data-late":
            "static data comes before STATIC_DATA_END and everything else",
    },
    "libxc: Legal sequences": {
        "libxc-record-twice":
            "a record that exists once in a stream or epoch comes once",
        "libxc-record-order":
            "records come in the order of the legal sequences",
        "libxc-pv-record-in-hvm": "an HVM stream has no PV records",
        "libxc-hvm-record-in-pv": "a PV stream has no HVM records",
        "libxc-page-data-missing": "the first epoch has PAGE_DATA",
        "libxc-tsc-info-missing": "each epoch of an HVM stream has X86_TSC_INFO",
        "libxc-hvm-context-missing":
            "each epoch of an HVM stream has HVM_CONTEXT",
        "libxc-hvm-params-missing":
            "each epoch of an HVM stream has HVM_PARAMS",
        "libxc-shared-info-missing":
            "each epoch of a PV stream has SHARED_INFO",
        "libxc-vcpu-missing":
            "each epoch of a PV stream has vCPU 0, and each vCPU its BASIC",
    },
    "libxc: TOOLSTACK": {
        "libxc-toolstack": "TOOLSTACK is no longer used",
    },
    "libxc: CHECKPOINT_DIRTY_PFN_LIST": {
        "libxc-dirty-list-forward":
            "CHECKPOINT_DIRTY_PFN_LIST is sent by the secondary",
        "libxc-dirty-list-pfn": "a pfn is below 2^40",
    },
    "libxc: X86_PV_INFO": {
        "libxc-pv-info-missing":
            "a PV stream has X86_PV_INFO among its static data",
        "libxc-pv-info-value":
            "guest width is 4 or 8, levels are 3 or 4, the rest is zero",
    },
    "libxc: X86_PV_P2M_FRAMES": {
        "libxc-p2m-frames-missing":
            "a PV stream has X86_PV_P2M_FRAMES before its pages",
        "libxc-p2m-frames-range": "start is not above end",
        "libxc-p2m-frames-count":
            "there is one pfn for each frame of the p2m from start to end",
        "libxc-p2m-frames-pfn": "a pfn is below 2^40",
    },
    "libxc: X86_TSC_INFO": {
        "libxc-tsc-info-reserved": "the last word is zero",
    },
    "libxc: HVM_PARAMS": {
        "libxc-hvm-params-count": "count is the number of params in the body",
        "libxc-hvm-params-reserved": "the second word is zero",
        "libxc-hvm-params-index": "an index is below 64",
        "libxc-hvm-params-twice": "an index is in a record once",
    },
    "libxc: X86_PV_VCPU": {
        "libxc-vcpu-id": "a vCPU id is below 8192",
        "libxc-vcpu-reserved": "the second word is zero",
        "libxc-vcpu-order":
            "vCPUs ascend; each has BASIC, EXTENDED, XSAVE, MSRS, at most "
            "once",
    },
    "libxc: X86_MSR_POLICY": {
        "libxc-msr-policy-flags": "flags are zero",
    },
    "libxc: VERIFY": {
        "libxc-verify-turn":
            "VERIFY comes once, after pages, in a plain stream",
    },
    "libxc: CHECKPOINT": {
        "libxc-checkpoint-plain": "a plain stream has no CHECKPOINT",
    },
    "libxc: END": {
        "libxc-end-checkpointed": "a checkpointed stream has no END",
    },
}

RULES: Dict[str, Rule] = {
    rule: Rule(section, sentence)
    for section, sentences in _SECTIONS.items()
    for rule, sentence in sentences.items()
}

# Rules whose text goes on with the body_length that broke them.
LENGTH_RULES = frozenset((
    "libxl-length", "libxl-length-limit", "libxc-length",
    "libxc-length-limit", "optional-length", "libxc-page-data-length",
))
