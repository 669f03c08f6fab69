# SPDX-License-Identifier: LGPL-2.1-only
"""libxc's layer: headers, the place of each record, and all bodies.

It keeps what an epoch had so far, and never page data or the vCPUs' state;
PAGE_DATA itself is in `pages`. The end of a stream and what the libxl layer
does between two epochs are none of its business. `verify` calls it.
"""

from __future__ import annotations

import struct
from typing import Any, Callable, Dict, Set

from xen.migration import pages
from xen.migration.layer import (
    COLO, LIBXC_FRAMES, PLAIN, REMUS, Details, Layer, State,
)
from xen.migration.public import (
    CHECKPOINT, CHECKPOINT_DIRTY_PFN_LIST, GUEST_HVM, GUEST_PV, HVM_CONTEXT,
    HVM_PARAM_LIMIT, HVM_PARAMS, LIBXC, LIBXC_END, LIBXC_HEADERS_SIZE,
    LIBXC_IDENT, LIBXC_MARKER, LIBXC_OPTION_BIG_ENDIAN, LIBXC_VERSIONS,
    PAGE_DATA, PAGE_SHIFT, PAGE_SIZE, PFN_LIMIT, SHARED_INFO,
    STATIC_DATA_END, TOOLSTACK, VCPU_LIMIT, VERIFY, X86_CPUID_POLICY,
    X86_MSR_POLICY, X86_PV_INFO, X86_PV_P2M_FRAMES, X86_PV_VCPU_BASIC,
    X86_PV_VCPU_EXTENDED, X86_PV_VCPU_MSRS, X86_PV_VCPU_XSAVE, X86_TSC_INFO,
    Reader,
)

_IMAGE_HEADER = struct.Struct(">8sIIH6s")
_DOMAIN_HEADER = struct.Struct("<IHHII")
_WORDS = struct.Struct("<II")
_PARAM = struct.Struct("<QQ")
_MSR = struct.Struct("<IIQ")
_TSC_INFO = struct.Struct("<IIQII")

# The ranks don't fall within an epoch.
(_RANK_STATIC, _RANK_STATIC_END, _RANK_P2M, _RANK_PAGES, _RANK_TSC,
 _RANK_PLATFORM, _RANK_VCPU, _RANK_END) = range(1, 9)

_RANKS_BOTH = {
    X86_CPUID_POLICY: _RANK_STATIC,
    X86_MSR_POLICY: _RANK_STATIC,
    STATIC_DATA_END: _RANK_STATIC_END,
    PAGE_DATA: _RANK_PAGES,
    VERIFY: _RANK_PAGES,
    X86_TSC_INFO: _RANK_TSC,
    LIBXC_END: _RANK_END,
    CHECKPOINT: _RANK_END,
}
_RANKS_HVM = {
    **_RANKS_BOTH,
    HVM_CONTEXT: _RANK_PLATFORM,
    HVM_PARAMS: _RANK_PLATFORM,
}
_RANKS_PV = {
    **_RANKS_BOTH,
    X86_PV_INFO: _RANK_STATIC,
    X86_PV_P2M_FRAMES: _RANK_P2M,
    SHARED_INFO: _RANK_PLATFORM,
    X86_PV_VCPU_BASIC: _RANK_VCPU,
    X86_PV_VCPU_EXTENDED: _RANK_VCPU,
    X86_PV_VCPU_XSAVE: _RANK_VCPU,
    X86_PV_VCPU_MSRS: _RANK_VCPU,
}

_ONCE_IN_STREAM = frozenset((
    X86_CPUID_POLICY, X86_MSR_POLICY, X86_PV_INFO, X86_PV_P2M_FRAMES))
_ONCE_IN_EPOCH = frozenset((
    SHARED_INFO, X86_TSC_INFO, HVM_CONTEXT, HVM_PARAMS))

# The order of a vCPU's records.
_VCPU_ORDER = {
    X86_PV_VCPU_BASIC: 0,
    X86_PV_VCPU_EXTENDED: 1,
    X86_PV_VCPU_XSAVE: 2,
    X86_PV_VCPU_MSRS: 3,
}


def read_header(reader: Reader, state: State) -> Dict[str, Any]:
    """Read and check both headers; return their fields."""
    header = reader.header(LIBXC, LIBXC_HEADERS_SIZE)
    marker, ident, version, options, zeros = _IMAGE_HEADER.unpack_from(header)
    guest, shift, zero, major, minor = _DOMAIN_HEADER.unpack_from(header, 24)
    for broken, rule in (
            (marker != LIBXC_MARKER, "libxc-marker"),
            (ident != LIBXC_IDENT, "libxc-ident"),
            (version not in LIBXC_VERSIONS, "libxc-version"),
            (options & ~LIBXC_OPTION_BIG_ENDIAN, "libxc-options"),
            (options & LIBXC_OPTION_BIG_ENDIAN, "libxc-big-endian"),
            (any(zeros), "libxc-image-reserved"),
            (guest not in (GUEST_PV, GUEST_HVM), "libxc-guest-type"),
            (shift != PAGE_SHIFT, "libxc-page-shift"),
            (zero, "libxc-domain-reserved"),
            (state.told == COLO and guest == GUEST_PV, "colo-hvm-only")):
        if broken:
            reader.fail(rule)
    reader.accept(LIBXC_HEADERS_SIZE)
    state.guest = guest
    return {"version": version, "options": options, "type": guest,
            "page_shift": shift, "xen_major": major, "xen_minor": minor}


class Libxc(Layer):
    """libxc's records on the way from a primary to its secondary."""

    name = LIBXC
    frames = LIBXC_FRAMES

    def __init__(self, reader: Reader, state: State) -> None:
        super().__init__(reader, state)
        self._version = 0
        self._width = 0
        self._ranks: Dict[int, int] = {}
        self._rank = _RANK_STATIC
        # The last record that isn't optional in the epoch.
        self._last = -1
        # Types of records that came in the stream, and in the epoch.
        self._seen: Set[int] = set()
        self._epoch: Set[int] = set()
        # The last X86_PV_VCPU record in the epoch.
        self._vcpu = -1
        self._vcpu_order = 0

    def header(self) -> Dict[str, Any]:
        """Read and check both headers; return their fields."""
        fields = read_header(self.reader, self.state)
        self._version = fields["version"]
        self._ranks = _RANKS_PV if self.state.pv else _RANKS_HVM
        return fields

    def begin_epoch(self) -> None:
        """Forget what a complete epoch had."""
        self._rank = _RANK_PAGES
        self._last = -1
        self._epoch.clear()
        self._vcpu = -1

    @property
    def epoch_is_empty(self) -> bool:
        """Whether nothing but optional records came in this epoch."""
        return not self._epoch

    @property
    def takes_pages(self) -> bool:
        """Whether PAGE_DATA may come next, were this libxc's turn."""
        return self._rank <= _RANK_PAGES and (
            self._version < 3 or STATIC_DATA_END in self._seen)

    def place(self, record_type: int) -> None:
        """Check whether a record that isn't optional may stand here."""
        if record_type == PAGE_DATA == self._last:
            # Whatever holds for the one before holds for this one.
            return
        fail = self.reader.fail
        if self.state.gap:
            self._leave_gap()
        if record_type == TOOLSTACK:
            fail("libxc-toolstack")
        if record_type == CHECKPOINT_DIRTY_PFN_LIST:
            fail("libxc-dirty-list-forward")
        rank = self._ranks.get(record_type)
        if rank is None:
            fail("libxc-hvm-record-in-pv" if self.state.pv
                 else "libxc-pv-record-in-hvm")
        self._static_place(record_type, rank)
        if (record_type == PAGE_DATA and self.state.pv
                and X86_PV_P2M_FRAMES not in self._seen):
            fail("libxc-p2m-frames-missing")
        if (record_type in _ONCE_IN_STREAM and record_type in self._seen
                or record_type in _ONCE_IN_EPOCH
                and record_type in self._epoch):
            fail("libxc-record-twice")
        if rank < self._rank:
            fail("libxc-record-order")
        if record_type == VERIFY:
            self._verify_place()
        elif rank == _RANK_END:
            self._end_place(record_type)
        self._rank = rank
        self._last = record_type
        self._seen.add(record_type)
        self._epoch.add(record_type)

    def _leave_gap(self) -> None:
        state = self.state
        if state.mode is None:
            state.mode = REMUS
        if state.mode == COLO and not state.new:
            self.reader.fail("checkpoint-state-missing")
        state.gap = False

    def _static_place(self, record_type: int, rank: int) -> None:
        fail = self.reader.fail
        if record_type == STATIC_DATA_END:
            if self._version < 3:
                fail("libxc-static-data-end-v2")
            if STATIC_DATA_END in self._seen:
                fail("libxc-static-data-end-twice")
        if rank == _RANK_STATIC and self._rank > _RANK_STATIC:
            fail("libxc-static-data-late")
        if (rank > _RANK_STATIC_END and self._version >= 3
                and STATIC_DATA_END not in self._seen):
            fail("libxc-static-data-end-missing")
        if (rank > _RANK_STATIC and self.state.pv
                and X86_PV_INFO not in self._seen):
            fail("libxc-pv-info-missing")

    def _verify_place(self) -> None:
        if (PAGE_DATA not in self._seen or VERIFY in self._seen
                or self.state.checkpointed):
            self.reader.fail("libxc-verify-turn")

    def _end_place(self, record_type: int) -> None:
        fail, state, epoch = self.reader.fail, self.state, self._epoch
        if record_type == CHECKPOINT:
            if state.told == PLAIN:
                fail("libxc-checkpoint-plain")
            if VERIFY in self._seen:
                fail("libxc-verify-turn")
        elif state.checkpointed:
            fail("libxc-end-checkpointed")
        if PAGE_DATA not in self._seen:
            fail("libxc-page-data-missing")
        if state.pv:
            if SHARED_INFO not in epoch:
                fail("libxc-shared-info-missing")
            if self._vcpu < 0:
                fail("libxc-vcpu-missing")
            return
        if X86_TSC_INFO not in epoch:
            fail("libxc-tsc-info-missing")
        if HVM_CONTEXT not in epoch:
            fail("libxc-hvm-context-missing")
        if HVM_PARAMS not in epoch:
            fail("libxc-hvm-params-missing")

    def body(self, record_type: int, length: int) -> Details:
        """Read and check a body with its padding; return what it tells."""
        read = _BODIES.get(record_type)
        if read is not None:
            return read(self, length)
        self.reader.skip(length)
        self.reader.padding()
        return None

    def _page_data(self, length: int) -> Details:
        return {"count": pages.read_body(self.reader, self.state, length)}

    def _pv_info(self, length: int) -> Details:
        body = self.reader.collect(length)
        width, levels = body[0], body[1]
        if width not in (4, 8) or levels not in (3, 4) or any(body[2:]):
            self.reader.fail("libxc-pv-info-value")
        self._width = width
        return {"guest_width": width, "levels": levels}

    def _p2m_frames(self, length: int) -> Details:
        reader = self.reader
        start, end = _WORDS.unpack(reader.collect(8))
        highest = reader.highest(length - 8)
        if start > end:
            reader.fail("libxc-p2m-frames-range")
        per_frame = PAGE_SIZE // self._width
        if (length - 8) // 8 != end // per_frame - start // per_frame + 1:
            reader.fail("libxc-p2m-frames-count")
        if highest >= PFN_LIMIT:
            reader.fail("libxc-p2m-frames-pfn")
        return {"start": start, "end": end}

    def _vcpu_state(self, length: int) -> Details:
        reader = self.reader
        vcpu, zero = _WORDS.unpack(reader.collect(8))
        reader.skip(length - 8)
        reader.padding()
        if vcpu >= VCPU_LIMIT:
            reader.fail("libxc-vcpu-id")
        if zero:
            reader.fail("libxc-vcpu-reserved")
        assert reader.type is not None
        order = _VCPU_ORDER[reader.type]
        if vcpu < self._vcpu or (vcpu == self._vcpu
                                 and order <= self._vcpu_order):
            reader.fail("libxc-vcpu-order")
        if vcpu > self._vcpu and (order or (vcpu and self._vcpu < 0)):
            reader.fail("libxc-vcpu-missing")
        if length == 8:
            self.state.empty += 1
        self._vcpu, self._vcpu_order = vcpu, order
        return {"vcpu": vcpu}

    def _tsc_info(self, length: int) -> Details:
        body = self.reader.collect(length)
        mode, khz, nsec, incarnation, zero = _TSC_INFO.unpack(body)
        if zero:
            self.reader.fail("libxc-tsc-info-reserved")
        return {"mode": mode, "khz": khz, "nsec": nsec,
                "incarnation": incarnation}

    def _hvm_params(self, length: int) -> Details:
        fail = self.reader.fail
        body = self.reader.collect(length)
        count, zero = _WORDS.unpack_from(body)
        if count != (length - 8) // _PARAM.size:
            fail("libxc-hvm-params-count")
        if zero:
            fail("libxc-hvm-params-reserved")
        seen = set()
        for index, _value in _PARAM.iter_unpack(body[8:]):
            if index >= HVM_PARAM_LIMIT:
                fail("libxc-hvm-params-index")
            if index in seen:
                fail("libxc-hvm-params-twice")
            seen.add(index)
        if not count:
            self.state.empty += 1
        return {"count": count}

    def _msr_policy(self, length: int) -> Details:
        body = self.reader.collect(length)
        if any(flags for _index, flags, _value in _MSR.iter_unpack(body)):
            self.reader.fail("libxc-msr-policy-flags")
        return None


# What isn't here has a body that no rule is about.
_BODIES: Dict[int, Callable[[Libxc, int], Details]] = {
    PAGE_DATA: Libxc._page_data,
    X86_PV_INFO: Libxc._pv_info,
    X86_PV_P2M_FRAMES: Libxc._p2m_frames,
    X86_PV_VCPU_BASIC: Libxc._vcpu_state,
    X86_PV_VCPU_EXTENDED: Libxc._vcpu_state,
    X86_PV_VCPU_XSAVE: Libxc._vcpu_state,
    X86_PV_VCPU_MSRS: Libxc._vcpu_state,
    X86_TSC_INFO: Libxc._tsc_info,
    HVM_PARAMS: Libxc._hvm_params,
    X86_MSR_POLICY: Libxc._msr_policy,
}
