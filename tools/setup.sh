#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only
# Installs what of Debian's packages is missing for a set, by tools/packages:
# build, check (build's too, the default) or lab (build's too). Asks nothing;
# does nothing, and needs no privilege, when nothing is missing. Waits while
# another apt is at work.
# usage: setup.sh [build|check|lab]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
set_name=${1:-check}
lock_wait_s=900

die() {
    echo "setup.sh: $*" >&2
    exit 1
}

case $set_name in
build|check|lab) ;;
*) echo "setup.sh: unknown set $set_name: build, check or lab" >&2; exit 2 ;;
esac

missing=()
while read -r package; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null ||
            true)
    [ "$state" = installed ] || missing+=("$package")
done < <(awk -v wanted="$set_name" \
             '$1 == "build" || $1 == wanted { print $2 }' "$here/packages" |
         sort -u)
[ "${#missing[@]}" -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] ||
    die "missing packages; as root run: apt-get install ${missing[*]}"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# apt itself can wait for dpkg's lock, not for those of its lists and archives.
apt() {
    local end=$((SECONDS + lock_wait_s))
    until apt-get -qq -o DPkg::Lock::Timeout="$lock_wait_s" "$@" \
            >"$log" 2>&1 </dev/null; do
        if ! grep -q 'Could not get lock' "$log" || [ "$SECONDS" -gt "$end" ]
        then
            tail -n 20 "$log" >&2
            die "apt-get $1 failed"
        fi
        sleep 2
    done
}

echo "installing: ${missing[*]}"
apt update
apt install -y --no-install-recommends "${missing[@]}"
