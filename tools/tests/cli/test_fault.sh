#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only
# XL_COLO_FAULT in real runs over the embedded domain: a process dies between
# two given actions, or a given operation fails; what comes of it is as the
# tables say.
#
# Usage: test_fault.sh [NAME…]    only the tests whose name contains a NAME
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

with_fault() {    # FAULT [OPTION…]: start to protect, with the fault set
    XL_COLO_FAULT=$1 launch "${@:2}"
}
dies() {    # xl remus
    local status=0
    wait "$primary" || status=$?
    is "exit code" "$status" 137
}
over() {
    ! kill -0 "$primary" 2>/dev/null
}
says() {    # TEXT: either side; the embedded domain goes on in its process
    wait_for grep -qe "$1" "$tmp/p.err" && return
    why="nobody says: $1"
    return 1
}

t_primary_dies_before_it_sends_an_epoch() {
    with_fault die.primary.send-epoch:6
    dies || return 1
    says "web: took over"
}
t_primary_dies_before_the_copy_may_take_over() {
    with_fault die.primary.capture:2
    dies || return 1
    says "the primary closed the stream" &&
        ! grep -q "took over" "$tmp/p.err"
}
t_secondary_dies_before_it_applies() {
    with_fault die.secondary.apply:5
    says "the receiver gave its copy up" && says "its copy is destroyed"
}
# Whatever it was at, the primary says so in one line, and fails. No epoch was
# answered, so the domain ends with the command that made it.
t_receiver_dies_at_each_step_of_the_first_copy() {
    local action status

    for action in create-copy:1 feed-end:1 send-ready:1; do
        with_fault "die.secondary.$action"
        wait_for over || return 1
        status=0
        wait "$primary" || status=$?
        is "exit code after $action" "$status" 1 || return 1
        is "lines after $action" \
            "$(grep -c "^xl remus: web: .*closed the stream" "$tmp/p.err")" \
            1 || return 1
    done
}
t_capture_fails() {
    with_fault fail.capture:5
    says "fail.capture, as XL_COLO_FAULT says" &&
        says "the copy is discarded"
}
# The copy has all that was let go, so it goes on in its place.
t_resume_fails() {
    with_fault fail.resume:5
    says "the domain can't be resumed: fail.resume" &&
        says "destroyed on this host, so that its copy takes over" &&
        says "web: took over" && wait_for over
}
t_capture_and_resume_fail() {
    with_fault fail.capture:6,fail.resume:6
    says "the domain can't be resumed: fail.resume" &&
        says "web: took over" && wait_for over &&
        ! grep -q "event=bug" "$tmp/log/colo-web.log"
}
t_resume_fails_before_there_is_a_copy() {
    with_fault fail.resume:1
    says "protection failed: fail.resume, as XL_COLO_FAULT says" &&
        ! grep -q "took over" "$tmp/p.err"
}
# Nobody is told that it is gone; whoever hears nothing takes over as ever.
t_resume_and_destroy_fail() {
    with_fault fail.resume:5,fail.destroy:1
    says "the domain can't be destroyed" && says "xl destroy web" &&
        says "web: took over" || return 1
    ! grep -q "destroyed on this host" "$tmp/p.err"
}
t_apply_fails() {
    with_fault fail.apply:3
    says "the receiver gave its copy up; its last words: .*fail.apply, as"
}
t_a_copy_that_stays_isnt_said_to_be_gone() {
    with_fault fail.apply:3,fail.destroy:1
    wait_for status_is "$tmp/run-a" held || return 1
    says "the copy can't be destroyed" &&
        ! grep -q "gave its copy up" "$tmp/p.err" || return 1
    run "$embedded" colo-stop --release web
    is "exit code" "$rc" 0
}
t_release_fails() {
    with_fault fail.release-epoch:4
    says "fail.release-epoch, as XL_COLO_FAULT says"
}
t_unknown_points_do_nothing() {
    with_fault fail.lunch:1,nonsense
    wait_for status_is "$tmp/run-a" protected
}

t_the_demo_has_a_fence_that_cuts() {
    local fence=$here/../../demo/fence pid status=0

    setsid sleep 20 &
    pid=$!
    wait_for kill -0 -- "-$pid"
    echo "$pid" >"$tmp/a.pid"
    # Whoever started it hears of its end meanwhile, as the demo does.
    DEMO_DIR=$tmp "$fence" a & wait "$pid" || status=$?
    wait "$!" && is "how it ended" "$status" 137 &&
        ! DEMO_DIR=$tmp "$fence" b
}

run_tests "$@"
