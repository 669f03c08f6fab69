#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The front end's command line: what it hands on, what it says and with which
# exit code it leaves. Needs no Xen: domains are embedded ones, and the
# system's xl is a script that writes its arguments down.
#
# Usage: test_cli.sh [NAME…]    only the tests whose name contains a NAME
set -eu

# shellcheck source=tools/tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- handing on -------------------------------------------------------------

t_unknown_command_goes_on_unchanged() {
    # shellcheck disable=SC2016
    run create -q 'a b' '' "it's" '$HOME' '*' $'new\nline' --colo -- -r
    is stdout "$out" "<create><-q><a b><><it's><\$HOME><*><new
line><--colo><--><-r>" && has stderr "$err" "system's words" &&
        is "exit code" "$rc" 0
}
t_global_options_go_on_too() {
    run -vv -t -T -f -N list web
    is stdout "$out" "<-vv><-t><-T><-f><-N><list><web>"
}
t_exit_code_is_carried() {
    SYSTEM_EXIT=93 run destroy web
    is "exit code" "$rc" 93
}
t_plain_migrate_goes_on() {
    run migrate -s '' web hostb
    is stdout "$out" "<migrate><-s><><web><hostb>"
}
t_plain_migrate_receive_goes_on() {
    run migrate-receive -e -d
    is stdout "$out" "<migrate-receive><-e><-d>"
}
t_missing_system_xl_is_said() {
    XL_COLO_SYSTEM_XL=$tmp/none run list
    fails 1 "there is no system xl at $tmp/none"
}
t_it_never_runs_itself() {
    XL_COLO_SYSTEM_XL=$xl run list
    fails 1 "is this program" || return 1
    ln -sf "$xl" "$tmp/link"
    XL_COLO_SYSTEM_XL=$tmp/link run list
    fails 1 "is this program"
}

# ---- help -------------------------------------------------------------------

t_help_shows_ours_then_the_systems() {
    run help
    has stdout "$out" "colo-failover" && has stdout "$out" "<help>" &&
        is "exit code" "$rc" 0
}
t_help_works_without_system_xl() {
    XL_COLO_SYSTEM_XL=$tmp/none run help
    has stdout "$out" "colo-status" && is "exit code" "$rc" 0
}
t_no_command_shows_help_and_fails() {
    XL_COLO_SYSTEM_XL=$tmp/none run
    has stdout "$out" "colo-status" && is "exit code" "$rc" 1
}
t_help_of_a_command() {
    run help remus
    has stdout "$out" "--fence CMD" && is "exit code" "$rc" 0 || return 1
    local page=$out

    run remus --help
    is stdout "$out" "$page" && is "exit code" "$rc" 0 || return 1
    run remus -h
    is stdout "$out" "$page" && is "exit code" "$rc" 0
}
t_help_of_a_system_command_goes_on() {
    run help list
    is stdout "$out" "<help><list>"
}

# ---- usage ------------------------------------------------------------------

t_unknown_global_option() {
    run -Q list
    fails 1 "unknown global option"
}
t_unknown_option() {
    run remus -z web hostb
    fails 2 "xl remus: option -z is unknown" || return 1
    run colo-stop --bogus web
    fails 2 "xl colo-stop: option --bogus is unknown"
}
t_option_without_its_value() {
    run remus web hostb -i
    fails 2 "option -i wants a value"
}
t_too_few_arguments() {
    run remus web
    is "exit code" "$rc" 2 && is stdout "$out" "" &&
        has stderr "$err" "'xl remus' requires at least 2 arguments." &&
        has stderr "$err" "Usage: xl"
}
t_too_many_arguments() {
    run colo-status a b
    is "exit code" "$rc" 2 && has stderr "$err" "at most 1 argument"
}
t_numbers_are_checked() {
    local bad

    for bad in x 0 -5 1.5 '' 99999999999999999999; do
        run remus -i "$bad" web hostb
        fails 2 "-i wants a number from" || return 1
    done
    run remus --silence-ms 100 --heartbeat-ms 90 web hostb
    fails 2 "less than two heartbeats"
}
t_unsafe_needs_permission() {
    run -N remus -n web hostb
    fails 2 "-F -n" || return 1
    run -N remus -F -n -d web hostb
    is "exit code" "$rc" 0 && has stdout "$out" "hold_output=0" &&
        has stderr "$err" "warning: unsafe"
}
t_colo_is_asked_for_in_two_ways() {
    local c
    for c in "migrate --colo" "remus -c" "migrate --colo --live"; do
        # shellcheck disable=SC2086  # two words
        run -N $c web hostb
        is "exit code" "$rc" 0 && has stdout "$out" "mode=colo" &&
            has stdout "$out" "xl migrate-receive --colo" &&
            has stdout "$out" "interval_ms=10000" || return 1
    done
    run -N migrate --colo -i 500 web hostb
    has stdout "$out" "interval_ms=500" || return 1
    run -N remus -F -n -c web hostb
    fails 2 "COLO" || return 1
    run migrate --colo -D web hostb
    fails 2 "-D"
}
t_colo_is_refused_where_no_copy_can_run() {
    run migrate --colo web hostb
    fails 1 "xl remus" || return 1
    run migrate-receive --colo
    fails 1 "COLO"
}
t_help_of_either_protection() {
    run migrate --colo -h
    has stdout "$out" "-C, -D" && has_not stdout "$out" "Needs -F" || return 1
    run remus -h
    has stdout "$out" "Needs -F" && has_not stdout "$out" "-C, -D"
}
t_missing_values_are_named() {
    local c
    for c in "colo-sink --keep" "colo-replay --checkpoint" \
             "stream-verify -i"; do
        # shellcheck disable=SC2086  # two words
        run $c
        fails 2 "option ${c#* } wants a value" || return 1
    done
}
t_blackhole_is_refused() {
    run remus -F -b web hostb
    fails 2 "blackhole"
}
t_dryrun_where_it_has_no_meaning() {
    run -N colo-stop web
    fails 1 "command does not implement -N (dryrun) option"
}
t_unknown_backend() {
    run --backend=cloud colo-status
    fails 2 "unknown backend"
}

# ---- xl.conf ----------------------------------------------------------------

t_conf_is_read() {
    printf 'colo.fence="/sbin/fence"\ncolo.interval_ms=77\nlockfile="/x"\n' \
        > "$tmp/c"
    XL_COLO_CONF=$tmp/c run -N remus --peer-name us web hostb
    has stdout "$out" "interval_ms=77" && has stdout "$out" \
        "command=exec ssh hostb xl migrate-receive -r --peer us" || return 1
    XL_COLO_CONF=$tmp/c run -N remus -i 5 --fence '' web hostb
    has stdout "$out" "interval_ms=5" &&
        has stdout "$out" "migrate-receive -r
"
}
t_bad_conf_is_one_line() {
    printf 'colo.takeover="perhaps"\n' > "$tmp/c"
    XL_COLO_CONF=$tmp/c run colo-status
    fails 2 "$tmp/c: takeover is" || return 1
    printf 'colo.fence=[\n' > "$tmp/c"
    XL_COLO_CONF=$tmp/c run colo-status
    fails 1 "$tmp/c" || return 1
    XL_COLO_CONF=$tmp/none run colo-status
    fails 1 "$tmp/none"
}
t_conf_has_the_ranges_of_the_options() {
    for s in heartbeat_ms=4 silence_ms=9 interval_ms=3600001; do
        printf 'colo.%s\n' "$s" > "$tmp/c"
        XL_COLO_CONF=$tmp/c run -N remus web hostb
        fails 2 "colo.${s%=*} wants a number from" || return 1
    done
}
t_who_reads_files_needs_no_conf() {
    XL_COLO_CONF=$tmp/none run stream-verify "$tmp/no-stream"
    fails 2 "$tmp/no-stream" || return 1
    XL_COLO_CONF=$tmp/none run colo-trace --check "$tmp/no-trace"
    fails 2 "$tmp/no-trace"
}
t_broken_conf_hinders_no_handing_on() {
    XL_COLO_CONF=$tmp/none run list
    is stdout "$out" "<list>"
}

# ---- the command on the other host ------------------------------------------

command_is() {    # COMMAND ARGS…
    local want=$1

    shift
    run "$@"
    is command "$(sed -n 's/^command=//p' "$tmp/out")" "$want" &&
        is "exit code" "$rc" 0
}
t_remote_command_as_in_stock() {
    local tail="xl migrate-receive -r"

    command_is "exec ssh hostb $tail" -N remus web hostb &&
        command_is "exec ssh -p 7 u@hostb $tail -e" \
            -N remus -e -s 'ssh -p 7' web u@hostb &&
        command_is "exec ssh hostb xl -vv migrate-receive -r" \
            -vv -N remus web hostb &&
        command_is "nc hostb 99" -N remus -s '' web 'nc hostb 99' &&
        command_is "exec ssh hostb $tail" -N remus -u web hostb -i 100
}
t_our_options_only_when_given() {
    command_is "exec ssh hostb xl migrate-receive -r --fence /f --peer us \
--silence-ms 700 --takeover auto --heartbeat-ms 50" -N remus --fence /f \
        --peer-name us --silence-ms 700 --takeover=auto --heartbeat-ms=50 \
        web hostb
}
t_watchdog_is_no_command() {
    command_is "exec ssh hostb xl migrate-receive -r --fence watchdog:3" \
        -N remus --fence=watchdog --shared-disks web hostb &&
        has stderr "$err" "this whole host goes down" && one_line &&
        command_is "exec ssh hostb xl migrate-receive -r --fence watchdog:5" \
            -N remus --fence watchdog:5 web hostb &&
        command_is "exec ssh hostb xl migrate-receive -r --fence \
./watchdog --peer us" -N remus --fence ./watchdog --peer-name us web hostb ||
        return 1
    run -N remus --fence=watchdog:1 web hostb
    fails 2 "--fence watchdog:SECONDS wants a number from 2 to 60" || return 1
    run -N remus --fence=watchdog --heartbeat-ms 400 --silence-ms 900 web hostb
    fails 2 "wants a heartbeat each 300 ms or more often" || return 1
    run -N remus --fence=watchdog --dialect=qemu web hostb
    fails 2 "no lease is kept (give a fence command)" || return 1
    printf 'colo.fence="watchdog:4"\n' > "$tmp/c"
    XL_COLO_CONF=$tmp/c run -N remus web hostb
    has stdout "$out" "fence=watchdog:4" || return 1
    XL_COLO_CONF=$tmp/c run -N remus --fence '' web hostb
    has stdout "$out" "fence=
" || return 1
    printf 'colo.fence="watchdog:0"\n' > "$tmp/c"
    XL_COLO_CONF=$tmp/c run -N remus web hostb
    fails 2 "colo.fence watchdog:SECONDS wants"
}
t_verify_wants_a_receiver_of_ours() {
    run -N remus --debug-verify --dialect=qemu web hostb
    fails 2 "has no place for it" || return 1
    printf '%s\n' '#!/bin/sh' \
        "echo 'xl migration receiver ready, send binary domain data.'" \
        'cat > /dev/null' > "$tmp/stock"
    chmod +x "$tmp/stock"
    launch --debug-verify -s "$tmp/stock"
    wait_for grep -q "it compares nothing (--debug-verify)" "$tmp/p.err"
}
t_watchdog_wants_a_hypervisor() {
    run "$embedded" remus --fence=watchdog -s "$tmp/ssh" web nobody
    fails 1 "--fence=watchdog is a hypervisor's"
}
t_values_that_a_shell_would_take_apart() {
    # shellcheck disable=SC2016
    run -N remus --fence '/f $(reboot)' web hostb
    fails 2 "would not survive its shell"
}
t_transport_gets_these_words() {
    run "$embedded" -v remus -e -s "$tmp/ssh" --silence-ms 600 web nobody
    is "exit code" "$rc" 1 && is argv "$(cat "$tmp/argv")" \
        "<nobody><xl><-v><migrate-receive><-r><-e><--silence-ms><600>"
}
t_empty_ssh_runs_host_itself() {
    run "$embedded" remus -s '' web "exec $tmp/ssh nobody 'a  b'"
    is argv "$(cat "$tmp/argv")" "<nobody><a  b>"
}

# ---- one line when it goes wrong --------------------------------------------

error_is() {    # TEXT: the only line on stderr; the news are on stdout
    is "exit code" "$rc" 1 && one_line && has stderr "$err" "$1"
}
t_no_receiver() {
    run "$embedded" remus -s "$tmp/ssh" web nobody
    error_is "xl remus: web: "
}
t_no_receiver_that_says_why() {
    run "$embedded" remus -s '' web "printf 'a\nno \\033route\n' >&2; exit 255"
    is "exit code" "$rc" 1 && is "lines" "$(wc -l < "$tmp/err")" 3 &&
        has "what is handed on" "$(sed -n 2p "$tmp/err")" "route" &&
        has "the last line" "$(sed -n 3p "$tmp/err")" \
            '; its last words: "no ?route"'
}
t_wrong_banner() {
    run "$embedded" remus -s "$tmp/ssh" web liar
    error_is "xl remus: web: " && is "octets sent to it" \
        "$(wc -c < "$tmp/got")" 0
}
t_unknown_domain() {
    run "$embedded" remus -s "$tmp/ssh" db hostb
    fails 1 "xl remus: db: no domain db"
}
t_staging_memory_is_named() {
    run "$embedded" remus -s "$tmp/ssh" --staging-mb 16000000 web hostb
    fails 1 "needs 16000000 MiB and this host has "
}
t_no_hypervisor_is_one_line() {
    [ ! -e /proc/xen/capabilities ] || return 77
    run remus -s "$tmp/ssh" web hostb
    fails 1 "xl remus: web: "
}
t_not_privileged() {
    local c

    [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null || return 77
    for c in "remus web hostb" "migrate-receive -r" colo-status \
        "colo-stop web" "colo-failover web"; do
        rc=0
        # shellcheck disable=SC2086
        setpriv --reuid=65534 --regid=65534 --clear-groups "$xl" $c \
            > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
        out=$(cat "$tmp/out") err=$(cat "$tmp/err")
        fails 1 "not privileged" && has stderr "$err" "xl ${c%% *}: " ||
            return 1
    done
}

# ---- the receiver -----------------------------------------------------------

receive() {    # INPUT TEXT
    input=$1 run --backend=embedded migrate-receive -r
    # Nothing but the banner and records of ours may follow on stdout.
    is banner "$(head -c 54 "$tmp/out" | tr '\0' '?')" \
        "xl migration receiver ready, send binary domain data." &&
        is "words on stdout" "$(tail -c +55 "$tmp/out" | grep -ac 'xl' ||
                                true)" 0 && error_is "$2"
}
xl_header() {    # FLAGS DATA_LENGTH, both little-endian in printf's octal
    printf 'Xen saved domain, xl format\n \000 \r'
    printf '\004\003\002\001%b\000\000\000\000%b' "$1" "$2"
}
t_receiver_end_of_stream() {
    receive /dev/null "xl migrate-receive: "
}
t_receiver_garbage() {
    head -c 4096 /dev/zero | tr '\0' 'x' > "$tmp/in"
    receive "$tmp/in" "xl migrate-receive: "
}
t_receiver_unknown_flags() {
    xl_header '\377\000\000\000' '\004\000\000\000' > "$tmp/in"
    receive "$tmp/in" "xl migrate-receive: "
}
t_receiver_absurd_length() {
    xl_header '\003\000\000\000' '\377\377\377\177' > "$tmp/in"
    receive "$tmp/in" "xl migrate-receive: "
}
t_receiver_takes_no_arguments() {
    run --backend=embedded migrate-receive -r web
    is "exit code" "$rc" 2 && is stdout "$out" ""
}

# A primary that was replaced, and comes back: its stream, once more.
t_a_returning_primary_is_refused() {
    printf '#!/bin/bash\ntee "%s" | "%s" "$@"\n' "$tmp/stream" "$tmp/ssh" \
        > "$tmp/tee"
    chmod 755 "$tmp/tee"
    protect -s "$tmp/tee" || return 1
    run "$embedded" colo-stop web
    is "exit code" "$rc" 0 || return 1
    XL_COLO_RUN_DIR=$tmp/run-b XL_COLO_STATE_DIR=$tmp/state-b \
        input=$tmp/stream run --backend=embedded migrate-receive -r
    is "exit code" "$rc" 1 && has stderr "$err" "isn't newer"
}

# ---- sessions ---------------------------------------------------------------

t_status_without_sessions() {
    XL_COLO_RUN_DIR=$tmp/run-none run colo-status
    is "exit code" "$rc" 0 && is stdout "$out" \
        "No domain is protected by or on this host." || return 1
    is "mode of the run directory" "$(stat -c %a "$tmp/run-none")" 700 ||
        return 1
    run colo-status -j
    is "exit code" "$rc" 0 && is stdout "$out" "[]" || return 1
    run colo-status web
    fails 1 "web: no session protects it" || return 1
    run colo-stop ../web
    fails 1 "no session protects it" || return 1
    run colo-failover -f 7
    fails 1 "7: no session protects it"
}
delay_is_known() {
    run "$embedded" colo-status -j web
    [[ $out =~ \"output_delay_ms\":([0-9.]+).*\"output_delay_p99_ms\":([0-9.]+),\"output_delay_set_by\":\"[a-z]+\" ]] &&
        awk -v m="${BASH_REMATCH[1]}" -v p="${BASH_REMATCH[2]}" \
            'BEGIN { exit !(0 < m && m <= p) }'
}
# Output goes when its epoch is acknowledged, not before; each figure is
# rounded to a microsecond.
holding_is_told() { # FILE
    awk -F'[:,}]' '
        { sub(/^{/, ""); for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
          held = v["\"hold_ms\""]
          least = v["\"pause_ms\""] + v["\"send_ms\""] + v["\"ready_ms\""]
          if (held < least - 0.002 || v["\"run_ms\""] == 0 && NR > 1)
              bad = bad " " $0 }
        END { if (NR == 0) bad = "none"; print bad; exit bad != "" }' "$1" \
        > "$tmp/bad" || { why="epochs: $(cat "$tmp/bad")"; return 1; }
}
t_protect_and_stop() {
    protect --json-epochs "$tmp/epochs" || return 1
    run "$embedded" colo-status
    has stdout "$out" "protected" && has stdout "$out" "hostb" || return 1
    run "$embedded" colo-status 1
    has stdout "$out" "protected" || return 1
    wait_for delay_is_known || return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-status
    has stdout "$out" "secondary" || return 1
    run "$embedded" remus -s "$tmp/ssh" web hostb
    fails 1 "protected already" || return 1
    run "$embedded" colo-failover web
    fails 1 "web" || return 1
    run "$embedded" colo-stop web
    is "exit code" "$rc" 0 && has stdout "$out" "runs on this host" ||
        return 1
    run "$embedded" colo-status
    is stdout "$out" "No domain is protected by or on this host." || return 1
    wait_for grep -q '^summary domain=web end=stopped' "$tmp/p.out" &&
        has news "$(tail -n 1 "$tmp/p.out")" "output_delay_set_by=" &&
        has news "$(cat "$tmp/p.out")" "to=protected" &&
        has epochs "$(head -n 1 "$tmp/epochs")" '"ready_ms":' &&
        holding_is_told "$tmp/epochs" || return 1
        is "warnings" "$(grep -c warning "$tmp/p.err" || true)" 0
}
# The transport has become the receiver: a guard, and its child with the
# session.
receiver_guard() {
    pgrep -f -P "$primary" migrate-receive
}
receiver_session() {
    pgrep -P "$(receiver_guard)"
}
t_receiver_dies() {
    protect || return 1
    kill -9 "$(receiver_session)"
    wait_for grep -q "gave its copy up" "$tmp/p.err" || return 1
    has guard "$(cat "$tmp/p.err")" "its copy is destroyed" || return 1
    run "$embedded" colo-status
    is stdout "$out" "No domain is protected by or on this host."
}
t_receiver_dies_with_its_guard() {
    local session

    protect || return 1
    session=$(receiver_session)
    kill -9 "$(receiver_guard)"
    status_is "$tmp/run-a" protected || return 1
    kill -9 "$session"
    wait_for status_is "$tmp/run-a" held || return 1
    run "$embedded" colo-stop web
    fails 1 "colo-stop --release web" || return 1
    run "$embedded" colo-stop --release web
    is "exit code" "$rc" 0 && has stdout "$out" "runs on this host" &&
        wait_for grep -q "other host is lost" "$tmp/p.err"
}
t_receiver_is_told_to_end() {
    protect || return 1
    kill -TERM "$(receiver_guard)"
    wait_for grep -q "gave its copy up" "$tmp/p.err" || return 1
    ! grep -q "session died" "$tmp/p.err"
}
t_migrate_would_take_its_dirty_log() {
    protect || return 1
    run migrate --live web hostb
    fails 1 "colo-stop web" || return 1
    run migrate other web
    is stdout "$out" "<migrate><other><web>"
}
t_one_session_of_a_domain() {
    protect || return 1
    rm "$tmp/run-a/web.sock"
    run "$embedded" remus web hostb
    fails 1 "by process $primary" || return 1
    run "$embedded" colo-stop --release web
    fails 1 "by process $primary"
}
t_failover_by_hand() {
    protect --takeover=manual || return 1
    unprotect
    wait_for status_is "$tmp/run-b" waiting-for-user || return 1
    has receiver "$(cat "$tmp/p.err")" "xl colo-failover web" || return 1
    XL_COLO_RUN_DIR=$tmp/run-b run "$embedded" colo-failover web
    is "exit code" "$rc" 0 && has stdout "$out" "took over" &&
        wait_for grep -q "took over; it runs here now" "$tmp/p.err"
}

run_tests "$@"
