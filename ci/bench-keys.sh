#!/usr/bin/env bash
# What a key update costs the fast path: a datagram every 250 us to three subscribers, and
# updates by a subscriber, the publisher and the relay, twice each, with both ciphers. A row
# an update and subscriber it may touch:
#
#   gap        the longest time between two copies to that subscriber, from 20 ms before
#              the update to 20 ms after it
#   elsewhere  the same over the whole run, away from updates: what this machine does anyway
#   slow       decisions of the datapath in that time that were not `send`
#
#   ci/bench-keys.sh [--mode live|sim]     [live; needs root]
#
# In sim the user space of a relay takes no time: a gap is what the exchange of packets
# itself costs. Exit 1 in sim if more than two frames of an update went the slow way. Also in
# $BUILDDIR/bench/keys-MODE.txt.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
mode=live
if [ "${1:-}" = --mode ]; then mode=${2:-}; fi
case $mode in
    live | sim) ;;
    *)
        echo "bench-keys: expected --mode live or sim, found \"$mode\"" >&2
        exit 2
        ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-keys.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$BUILDDIR/bench"

cat >"$work/keys.yaml" <<'YAML'
scenario: keys
seed: 1
duration: 3500ms
nodes:
  pub:   { role: publisher }
  relay: { role: relay, datapath: kernel, protection: tls }
  sub:   { role: subscriber, count: 3 }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  ticks: { from: pub, as: datagrams, every: 250us, size: 200, group: 1000 }
subscriptions:
  - { who: sub, tracks: [ticks] }
timeline:
  - { at: 500ms, node: "sub[0]", do: update-key }
  - { at: 1s, node: pub, do: update-key }
  - { at: 1500ms, node: relay, do: update-key }
  - { at: 2s, node: "sub[0]", do: update-key }
  - { at: 2500ms, node: pub, do: update-key }
  - { at: 3s, node: relay, do: update-key }
YAML

# Prints "T SLOT DECISION" of each copy line, in order.
decisions() {
    sed -n 's/.*"ev":"copy","t":\([0-9]*\),.*"slot":\([0-9]*\),.*"decision":"\([a-z-]*\)".*/\1 \2 \3/p' "$1" | sort -n
}

bad=0
row() { # CIPHER
    local run=$work/$1 verdict=0
    "$BUILDDIR/fanbench" run "$work/keys.yaml" --mode "$mode" --set "nodes.relay.cipher=$1" --out "$run" \
        >"$work/tap" 2>"$work/said" || verdict=$?
    # 4: a loaded machine was late; its gaps are what they are, and `elsewhere` says so.
    if [ "$verdict" -ne 0 ] && [ "$verdict" -ne 4 ]; then
        cat "$work/tap" "$work/said"
        echo "bench-keys: the run with $1 did not pass" >&2
        exit 1
    fi
    sed -n 's/.*"t":\([0-9]*\),"node":"\([^"]*\)","kind":"update-key","ok":true.*/\1 \2/p' "$run/faults.jsonl" >"$work/updates"
    [ "$(wc -l <"$work/updates")" -eq 6 ] || {
        cat "$run/faults.jsonl"
        echo 'bench-keys: expected six key updates' >&2
        exit 1
    }
    decisions "$run/relay-copies.jsonl" >"$work/copies"
    awk -v cipher="$1" -v mode="$mode" '
        BEGIN { n = 0 }
        NR == FNR { at[n] = $1; who[n++] = $2; next }
        {
            near = -1
            for (i = 0; i < n; i++) if ($1 > at[i] - 20e6 && $1 < at[i] + 20e6) near = i
            if ($3 != "send") { if (near >= 0) slow[near]++; next }
            gap = ($2 in last) ? $1 - last[$2] : 0
            last[$2] = $1
            if (near < 0) { if (seen[$2]++ > 100 && gap > most) most = gap }
            else if (gap > widest[near]) widest[near] = gap
        }
        END {
            for (i = 0; i < n; i++) {
                printf "%-10s %-8s %10d us %10d us %6d\n", cipher, who[i], widest[i] / 1000, most / 1000, slow[i]
                if (slow[i] > 6) failed = 1 # two packets to three subscribers
            }
            exit mode == "sim" && failed
        }' "$work/updates" "$work/copies" || bad=1
}

{
    printf '%-10s %-8s %13s %13s %6s\n' cipher update gap elsewhere slow
    row chacha20
    row aes128gcm
} | tee "$BUILDDIR/bench/keys-$mode.txt"
exit "$bad"
