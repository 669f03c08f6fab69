#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only
# `xl pause`, `unpause`, `colo-start`, `colo-retry` and `colo-trace` as a user
# meets them, over the embedded domain.
#
# Usage: test_pause.sh [NAME…]    only the tests whose name contains a NAME
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

t_pause_of_another_domain_goes_on() {
    run pause web
    is stdout "$out" "<pause><web>" || return 1
    run -v unpause web
    is stdout "$out" "<-v><unpause><web>" || return 1
    run pause -h
    is stdout "$out" "<pause><-h>" || return 1
    run colo-start web
    fails 1 "web: no session protects it" || return 1
    run colo-retry
    is "exit code" "$rc" 2
}
t_pause_and_unpause() {
    protect --takeover=manual || return 1
    run "$embedded" pause web
    is "exit code" "$rc" 0 && is stdout "$out" "" || return 1
    run "$embedded" colo-status web
    has stdout "$out" "paused" || return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" unpause web
    fails 1 "only a copy is here; the domain runs on " || return 1
    run "$embedded" unpause web
    is "exit code" "$rc" 0 || return 1
    run "$embedded" colo-status web
    has stdout "$out" "running" || return 1
    run "$embedded" pause web
    run "$embedded" colo-start -f web
    is "exit code" "$rc" 0 || return 1
    run "$embedded" colo-retry web
    is "exit code" "$rc" 0 && status_is "$tmp/run-a" protected || return 1
    run "$embedded" pause web
    unprotect
    wait_for status_is "$tmp/run-b" waiting-for-user || return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-failover web
    is "exit code" "$rc" 0 && wait_for grep -q \
        "took over; it is paused here, as it was there" "$tmp/p.err"
}
t_trace_is_by_the_tables() {
    verbose=-vvv protect || return 1
    run "$embedded" pause web
    run "$embedded" unpause web
    run "$embedded" colo-stop web
    wait_for grep -q "next=done" "$tmp/p.err" || return 1
    run colo-trace --check "$tmp/p.err"
    is "exit code" "$rc" 0 &&
        has stdout "$out" "transitions of the primary" || return 1
    sed 's/next=send /next=wait /' "$tmp/p.err" >"$tmp/trace"
    run colo-trace --check "$tmp/trace"
    fails 1 "leads to send, not to wait" || return 1
    run colo-trace --check /dev/null
    fails 2 "no line of a trace"
}

run_tests "$@"
