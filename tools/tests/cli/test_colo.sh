#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only
# COLO from the command line, over the embedded domain: what a user sees, and
# what becomes of the domain when either process dies at any step of a
# checkpoint.
#
# Usage: test_colo.sh [NAME…]    only the tests whose name contains a NAME
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

with_fault() {    # FAULT [OPTION…]: start to protect, with the fault set
    XL_COLO_FAULT=$1 launch -c "${@:2}"
}
says() {    # TEXT: either side; the embedded domain goes on in its process
    wait_for grep -qe "$1" "$tmp/p.err" && return
    why="nobody says: $1"
    return 1
}

t_both_sides_say_colo() {
    protect -c || return 1
    has argv "$(cat "$tmp/argv")" "<migrate-receive><--colo>" || return 1
    run "$embedded" colo-status -j web
    has stdout "$out" '"mode":"colo"' && has stdout "$out" '"compared"' ||
        return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-status -j web
    has stdout "$out" '"mode":"colo"' && has stdout "$out" '"protecting"' ||
        return 1
    run "$embedded" colo-stop web
    is "exit code" "$rc" 0 &&
        wait_for grep -q '^summary domain=web end=stopped' "$tmp/p.out" &&
        is "warnings" "$(grep -c warning "$tmp/p.err" || true)" 0
}
t_primary_dies_at_each_step() {
    local action

    for action in send-new:3 ask-suspend:4 note-list:2 capture:3 \
        hold-output:3 send-epoch:3 arm-answer:5 release-epoch:3 \
        obey-run-state:3 resume:3 arm-interval:3; do
        with_fault "die.colo-primary.$action"
        says "web: took over" || { why="$action: $why"; return 1; }
        unprotect
        end_ours
    done
}
t_primary_dies_before_the_copy_stands() {
    local action

    for action in start-dirty-log:1 send-head:1 send-round:1 ask-suspend:1 \
        capture:1 send-epoch:1; do
        with_fault "die.colo-primary.$action"
        says "the primary closed the stream" || return 1
        if grep -q "took over" "$tmp/p.err"; then
            why="$action: a copy took over"
            return 1
        fi
        unprotect
        end_ours
    done
}
t_secondary_dies_at_each_step() {
    local action

    for action in send-ready:2 run-copy:2 send-resumed:2 stop-copy:2 \
        send-suspended:2 apply:2; do
        with_fault "die.colo-secondary.$action"
        says "the receiver gave its copy up" ||
            { why="$action: $why"; return 1; }
        unprotect
        end_ours
    done
}
t_an_operation_fails() {
    local fault

    for fault in capture:3 dirty:9; do
        with_fault "fail.$fault"
        says "fail.${fault%:*}, as XL_COLO_FAULT says" || return 1
        unprotect
        end_ours
    done
    with_fault fail.apply:2
    says "the receiver gave its copy up" || return 1
    unprotect
    end_ours
    with_fault fail.tap:1
    says "fail.tap, as XL_COLO_FAULT says"
}

run_tests "$@"
