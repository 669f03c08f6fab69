#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# `xl stream-verify`: what it reads, what it says, and its exit codes. Which
# rule it names is compared with the Python verifier elsewhere
# (tools/tests/differential).
#
# Usage: test_stream_verify.sh [NAME…]
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

corpus=$here/../corpus
python=$here/../../python/verify-stream-v2
good=$corpus/good/colo-hvm.stream
bad=$corpus/bad/libxc-length-limit.stream

t_a_good_stream_is_named() {
    run stream-verify "$good"
    is "exit code" "$rc" 0 && has stdout "$out" "good: xl stream, x86 HVM, " &&
        has stdout "$out" "COLO, 3 epochs" &&
        is stderr "$err" "note: cut off right after a complete checkpoint"
}
t_it_says_what_the_python_verifier_says() {
    local file back

    for file in "$corpus"/good/*; do
        back=
        [[ $file == *.back ]] && back=--back-channel
        run stream-verify ${back:+"$back"} "$file"
        "$python" ${back:+"$back"} -i "$file" >"$tmp/said" 2>"$tmp/noted"
        is "stdout of $file" "$out" "$(<"$tmp/said")" &&
            is "stderr of $file" "$err" "$(<"$tmp/noted")" || return 1
    done
    run stream-verify -v "$good"
    is "the list" "$out" "$("$python" -v -i "$good" 2>/dev/null)"
}
t_a_fault_is_one_line_with_its_rule() {
    local line

    run stream-verify "$bad"
    line=$("$python" -i "$bad" 2>&1 >/dev/null) || true
    is "exit code" "$rc" 1 && is stdout "$out" "" &&
        is stderr "$err" "xl stream-verify: ${line#verify-stream-v2: }" &&
        has stderr "$err" "[libxc-length-limit, see libxc: Records]"
}
t_it_reads_stdin_and_descriptors() {
    input=$good run stream-verify -q
    is "exit code" "$rc" 0 && is stdout "$out" "" && is stderr "$err" "" ||
        return 1
    input=$bad run stream-verify -i 0
    is "exit code" "$rc" 1
}
t_a_pipe_of_any_length_is_read() {
    rc=0
    head -c 100000000 "$corpus/good/pvh-1024-pages.stream" | "$xl" stream-verify -q || rc=$?
    is "exit code" "$rc" 0
}
t_a_cut_stream_is_bad_only_when_asked() {
    run stream-verify --complete "$good"
    fails 1 "[stream-incomplete, see libxl: Legal sequences]"
}
t_a_stream_cut_in_a_record_is_bad() {
    head -c 1000 "$good" >"$tmp/cut"
    run stream-verify "$tmp/cut"
    fails 1 "[stream-truncated, "
}
t_the_back_channel_is_another_direction() {
    run stream-verify --back-channel "$corpus/good/colo.back"
    is "exit code" "$rc" 0 && has stdout "$out" "back channel, COLO" ||
        return 1
    run stream-verify "$corpus/good/colo.back"
    fails 1 "[stream-direction, see libxl: Which direction]" &&
        fails 1 "this looks like a back channel, not like a forward stream" ||
        return 1
    run stream-verify --back-channel "$good"
    fails 1 "this looks like a forward stream (xl), not like a back channel"
}
t_a_layer_or_mode_may_be_told() {
    run stream-verify -f libxc "$good"
    fails 1 "[libxc-marker, " || return 1
    run stream-verify --mode remus "$good"
    fails 1 "[checkpoint-state-turn, " || return 1
    run stream-verify --mode plain "$good"
    fails 1 "[libxc-checkpoint-plain, "
}
t_what_cannot_be_read_is_2() {
    run stream-verify "$tmp/none"
    fails 2 "$tmp/none: No such file" || return 1
    run stream-verify -i 77
    fails 2 "reading the stream"
}
t_a_bad_command_line_is_2() {
    run stream-verify -f nonsense "$good"
    fails 2 'one of auto, xl, libxl and libxc, not "nonsense"' || return 1
    run stream-verify a b
    is "exit code" "$rc" 2
}
t_a_full_disk_is_said() {
    [ -c /dev/full ] || return 77
    rc=0
    "$xl" stream-verify -v "$good" >/dev/full 2>"$tmp/err" || rc=$?
    is "exit code" "$rc" 1 && has stderr "$(cat "$tmp/err")" "No space left"
}

run_tests "$@"
