#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# What the tests of the command line stand on: a folder of their own with the
# program, a system xl, a transport and an embedded domain in it, and the
# words in which a test says what it expects. Sourced, never run.
# shellcheck disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
xl=${XL:-$here/../../../build/xl}
tmp=$(mktemp -d)
passed=0 failed=0 skipped=0

# Whatever still runs this run's own copy of the program, and nothing else.
end_ours() {
    local exe

    for exe in /proc/[0-9]*/exe; do
        [ "$(readlink "$exe" 2>/dev/null)" != "$tmp/xl" ] ||
            kill -9 "$(basename "$(dirname "$exe")")" 2>/dev/null || true
    done
}
cleanup() {
    end_ours
    rm -rf "$tmp"
}
trap cleanup EXIT

chmod 755 "$tmp"
install -m 755 "$xl" "$tmp/xl"
xl=$tmp/xl

cat > "$tmp/system-xl" <<'END'
#!/bin/bash
printf '<%s>' "$@"
echo
echo "system's words" >&2
exit "${SYSTEM_EXIT:-0}"
END

# A transport in ssh's place: HOST xl ARGS…
cat > "$tmp/ssh" <<END
#!/bin/bash
printf '<%s>' "\$@" > "$tmp/argv"
[ "\$1" != nobody ] || exit 255
[ "\$1" != liar ] || { echo "xl: who is there?"; cat > "$tmp/got"; exit 0; }
shift 2
export XL_COLO_RUN_DIR="$tmp/run-b" XL_COLO_STATE_DIR="$tmp/state-b"
exec "$xl" --backend=embedded "\$@"
END
chmod 755 "$tmp/system-xl" "$tmp/ssh"

cat > "$tmp/dom" <<'END'
{"name": "web", "uuid": "6a0e8b04-7e6f-4a51-9f6f-2d8f0a1c2b3d",
 "pages": 4096, "listen": "127.0.0.1:0", "work_pages": 40}
END
embedded=--backend=embedded:$tmp/dom

export XL_COLO_SYSTEM_XL=$tmp/system-xl XL_COLO_RUN_DIR=$tmp/run-a
export XL_COLO_STATE_DIR=$tmp/state-a XL_COLO_LOG_DIR=$tmp/log
export XL_COLO_CONF=$tmp/xl.conf
# Nothing here is about silence: on a busy machine none may be heard.
echo 'colo.silence_ms=60000' > "$tmp/xl.conf"

# Run it: output in $out, $err; exit code in $rc.
run() {
    rc=0
    timeout -k 1 120 "$xl" "$@" > "$tmp/out" 2> "$tmp/err" \
        < "${input:-/dev/null}" || rc=$?
    out=$(tr -d '\0' < "$tmp/out") err=$(tr -d '\0' < "$tmp/err")
}

# ---- what a test may say ----------------------------------------------------

why=
is() {       # WHAT GOT WANTED
    [ "$2" = "$3" ] || { why="$1 is '$2', not '$3'"; return 1; }
}
has() {      # WHAT GOT PART
    [[ $2 == *"$3"* ]] || { why="$1 is '$2', without '$3'"; return 1; }
}
has_not() {  # WHAT GOT PART
    [[ $2 != *"$3"* ]] || { why="$1 is '$2', with '$3'"; return 1; }
}
one_line() { # of stderr
    [ "$(wc -l < "$tmp/err")" = 1 ] ||
        { why="not one line on stderr: '$err'"; return 1; }
}
fails() {    # EXIT TEXT: one line with TEXT, and nothing else
    is "exit code" "$rc" "$1" && one_line && has stderr "$err" "$2" &&
        is stdout "$out" ""
}

# What has to come true comes at once; a machine that does much else is given
# time.
wait_for() { # COMMAND…
    local end=$((SECONDS + 120))

    while [ "$SECONDS" -lt "$end" ]; do
        "$@" > "$tmp/wait.out" 2>&1 && return 0
        sleep 0.05
    done
    why="never came true: $*"
    return 1
}

status_is() {    # RUN_DIR STATE
    XL_COLO_RUN_DIR=$1 "$xl" "$embedded" colo-status -j web |
        grep -q "\"state\":\"$2\""
}

# Start protection in the background; its pid in $primary.
launch() {
    rm -f "$tmp/p.out" "$tmp/p.err"
    "$xl" ${verbose:+"$verbose"} "$embedded" remus -i 50 -s "$tmp/ssh" "$@" web hostb \
        > "$tmp/p.out" 2> "$tmp/p.err" < /dev/null &
    primary=$!
}

protect() {
    launch "$@"
    wait_for protected_or_gone && status_is "$tmp/run-a" protected
}
protected_or_gone() {
    ! kill -0 "$primary" || status_is "$tmp/run-a" protected
}

# End it, if it is still there: the embedded domain runs on in its process.
unprotect() {
    kill -9 "$primary" 2>/dev/null || true
    wait "$primary" 2>/dev/null || true
}

# ---- running them -----------------------------------------------------------

# Every function t_…, or those whose name contains one of the words.
run_tests() {
    local n=0 t name part wanted result

    for t in $(compgen -A function t_); do
        name=${t#t_}
        if [ $# -gt 0 ]; then
            wanted=
            for part in "$@"; do
                [[ $name != *"$part"* ]] || wanted=1
            done
            [ -n "$wanted" ] || continue
        fi
        n=$((n + 1)) why='' primary='' result=0
        "$t" || result=$?
        if [ -n "$primary" ]; then
            unprotect
            end_ours
        fi
        case $result in
        0) passed=$((passed + 1)); echo "ok $n - $name" ;;
        77) skipped=$((skipped + 1)); echo "ok $n - $name # SKIP" ;;
        *) failed=$((failed + 1)); echo "not ok $n - $name: $why" ;;
        esac
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}
