#!/usr/bin/env bash
# A key update costs the fast path nothing but the exchange itself: at most two packets go the
# slow way, whoever updates (ci/bench-keys.sh, which prints the gaps), and a table is made.
# timeout: 200
set -euo pipefail

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() {
    cat "$out/said"
    echo "FAIL: $*"
    exit 1
}

"$SRCDIR/ci/bench-keys.sh" --mode sim >"$out/said" 2>&1 || fail 'an update sent more than two packets the slow way'
[ "$(grep -cE '^(chacha20|aes128gcm) +(sub\[0\]|pub|relay) +2( +[1-9][0-9]* us){3} +[0-6] +[0-6]$' "$out/said")" -eq 6 ] ||
    fail 'expected two updates by each of three for each cipher, each with copies around it'
got=0
"$SRCDIR/ci/bench-keys.sh" --mode dream >"$out/said" 2>&1 || got=$?
[ "$got" -eq 2 ] || fail "expected exit 2 for a mode there is not, found $got"
