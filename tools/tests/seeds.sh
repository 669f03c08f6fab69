# SPDX-License-Identifier: LGPL-2.1-only
# shellcheck shell=bash
# Seeding a bug, for the scripts that show that something finds it. Sourced.

# seed SED FROM TO: write what sed makes of a file; fails if that's the same.
seed() {
    sed "$1" "$2" >"$3" && ! cmp -s "$2" "$3"
}
