# SPDX-License-Identifier: LGPL-2.1-only
# shellcheck shell=bash
# Counting what passed, failed and was skipped, for the scripts that run
# tests. Sourced.
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); echo "ok - $1"; }
fail() { failed=$((failed + 1)); echo "not ok - $1"; }
skip() { skipped=$((skipped + 1)); echo "ok - $1 # SKIP $2"; }

# add_counts FILE: take in the last line "N passed, N failed, N skipped".
add_counts() {
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1 || true)
    if [ -z "$line" ]; then
        fail "$2: it said no counts"
        return
    fi
    read -r p _ f _ s _ <<<"$line"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
}

# add_tap FILE: count TAP lines. cmocka says "not ok … # SKIP" of a skip.
add_tap() {
    local all bad skips
    all=$(grep -cE '^(not )?ok ' "$1" || true)
    skips=$(grep -cE '^(not )?ok .*# SKIP' "$1" || true)
    bad=$(grep -E '^not ok ' "$1" | grep -cv '# SKIP' || true)
    skipped=$((skipped + skips)) failed=$((failed + bad))
    passed=$((passed + all - skips - bad))
}

finish_counts() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}
