#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only
# QEMU's dialect from the command line, over the embedded domain: what a user
# sees, and what becomes of the domain when either process dies at any step.
#
# Usage: test_dialect.sh [NAME…]    only the tests whose name contains a NAME
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

with_fault() {    # FAULT [OPTION…]: start to protect, with the fault set
    XL_COLO_FAULT=$1 launch --dialect=qemu "${@:2}"
}
says() {    # TEXT: either side; the embedded domain goes on in its process
    wait_for grep -qe "$1" "$tmp/p.err" && return
    why="nobody says: $1"
    return 1
}
shows() {    # OPTION…: the command for the other host, in $out
    run -N "$embedded" remus --dialect=qemu "$@" web hostb
    is "exit code" "$rc" 0
}

t_both_sides_say_qemu() {
    protect --dialect=qemu || return 1
    has argv "$(cat "$tmp/argv")" \
        "<-r><--dialect=qemu><--interval-ms><50>" || return 1
    run "$embedded" colo-status -j web
    has stdout "$out" '"mode":"qemu"' && has stdout "$out" '"output":"held"' ||
        return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-status -j web
    has stdout "$out" '"mode":"qemu"' &&
        has stdout "$out" '"state":"protecting"' || return 1
    kill -9 "$primary"
    says "web: took over"
}
t_the_tables_are_those_of_the_dialect() {
    verbose=-vvv protect --dialect=qemu || return 1
    kill -9 "$primary"
    says "web: took over" || return 1
    run colo-trace --check "$tmp/p.err"
    is "exit code" "$rc" 0 && has stdout "$out" "qemu-primary" &&
        has stdout "$out" "qemu-secondary"
}
t_an_end_needs_a_fence() {
    protect --dialect=qemu || return 1
    run "$embedded" colo-stop web
    fails 1 "no fence command is set" || return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-stop web
    is "exit code" "$rc" 0 && wait_for status_is "$tmp/run-a" held || return 1
    run "$embedded" colo-stop --release web
    is "exit code" "$rc" 0
}
t_the_other_host_is_told_what_the_stream_cant_say() {
    shows -i 70 && has stdout "$out" "--interval-ms 70 --silence-ms" &&
        has stdout "$out" "mode=qemu" || return 1
    shows --shared-disks && has stdout "$out" "--takeover manual" || return 1
    shows --shared-disks --takeover=manual &&
        is "times that it is told" "$(grep -o -- --takeover <<<"$out" |
                                      wc -l)" 1
}
t_what_the_dialect_hasnt_is_refused() {
    run "$embedded" remus --dialect=esperanto web hostb
    fails 2 "dialect is \`xen' or \`qemu'" || return 1
    run "$embedded" migrate --colo --dialect=qemu web hostb
    fails 2 "COLO with --dialect=qemu" || return 1
    run "$embedded" migrate-receive --colo --dialect=qemu
    fails 2 "COLO with --dialect=qemu" || return 1
    run --backend=xen remus --dialect=qemu web hostb
    fails 1 "isn't there yet for domains of the xen backend"
}
t_primary_dies_at_each_step() {
    local action

    for action in send-request:3 ask-suspend:4 save:3 send-vmstate-send:3 \
        send-ram:3 send-state:3 arm-answer:9 release-epoch:3 \
        obey-run-state:3 resume:3 arm-interval:3; do
        with_fault "die.qemu-primary.$action"
        says "web: took over" || { why="$action: $why"; return 1; }
        unprotect
        end_ours
    done
}
t_primary_dies_before_the_copy_stands() {
    local action

    for action in start-dirty-log:1 send-head:1 send-round:1 ask-suspend:1 \
        hold-output:1 send-rest:1; do
        with_fault "die.qemu-primary.$action"
        says "the primary closed the stream" || return 1
        if grep -q "took over" "$tmp/p.err"; then
            why="$action: a copy took over"
            return 1
        fi
        unprotect
        end_ours
    done
}
# Nobody says that the copy is gone.
t_secondary_dies_at_each_step() {
    local action

    for action in send-ready:1 stop-copy:2 send-reply:2 send-received:2 \
        apply:2 load-state:2 send-loaded:2; do
        with_fault "die.qemu-secondary.$action"
        wait_for status_is "$tmp/run-a" held ||
            { why="$action: $why"; return 1; }
        unprotect
        end_ours
    done
}
t_an_operation_fails() {
    with_fault fail.apply:2
    says "fail.apply, as XL_COLO_FAULT says" || return 1
    wait_for status_is "$tmp/run-a" held || return 1
    unprotect
    end_ours
    with_fault fail.capture:3 --fence true
    says "fail.capture, as XL_COLO_FAULT says"
}

run_tests "$@"
