#!/usr/bin/env bash
# What a key update costs the fast path: a datagram every 250 us to three subscribers, and
# updates by a subscriber, the publisher and the relay, twice each in sim and five times
# live, with both ciphers. A row for each that updates:
#
#   gap        the longest time between two copies to a subscriber, from 20 ms before the
#              update to 20 ms after it: median and largest of its updates
#   elsewhere  the largest over the whole run, away from updates: what this machine does anyway
#   slow       decisions of the datapath in that time that were not `send`: median and most
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
duration: DURATIONms
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
YAML
rounds=5
[ "$mode" = live ] || rounds=2
for ((i = 0; i < 3 * rounds; i++)); do
    who=('sub[0]' pub relay)
    echo "  - { at: $((500 * (i + 1)))ms, node: \"${who[i % 3]}\", do: update-key }"
done >>"$work/keys.yaml"
sed -i "s/DURATION/$((500 * (3 * rounds + 1)))/" "$work/keys.yaml"

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
    [ "$(wc -l <"$work/updates")" -eq $((3 * rounds)) ] || {
        cat "$run/faults.jsonl"
        echo "bench-keys: expected $((3 * rounds)) key updates" >&2
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
        function sorted(of, name, n_of,    i, k, v) {
            for (i = 0; i < n; i++) if (who[i] == name) {
                v = of[i] + 0
                for (k = n_of++; k > 0 && order[k - 1] > v; k--) order[k] = order[k - 1]
                order[k] = v
            }
            return n_of
        }
        END {
            for (i = 0; i < 3; i++) {
                m = sorted(widest, who[i], 0); gap = order[int(m / 2)] / 1000; largest = order[m - 1] / 1000
                m = sorted(slow, who[i], 0)
                printf "%-10s %-7s %7d %8d us %8d us %8d us %6d %6d\n", cipher, who[i], m, gap, largest, most / 1000, \
                    order[int(m / 2)], order[m - 1]
                if (order[m - 1] > 6) failed = 1 # two packets to three subscribers
            }
            exit mode == "sim" && failed
        }' "$work/updates" "$work/copies" || bad=1
}

{
    printf '%-10s %-7s %7s %11s %11s %11s %6s %6s\n' cipher who updates 'gap p50' largest elsewhere 'slow' most
    row chacha20
    row aes128gcm
} | tee "$BUILDDIR/bench/keys-$mode.txt"
exit "$bad"
