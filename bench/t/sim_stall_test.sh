#!/usr/bin/env bash
# timeout: 120
# The relay's user space stands still for 200 ms, on virtual time. The publisher resends no more
# for the fast path than for plain ngtcp2, nothing of it is copied (no-needless-retransmit), and the
# subscribers of the fast path do not notice.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"

fail() {
    echo "FAIL: $*"
    exit 1
}

for name in stall-relay-quiet stall-relay-quiet-stock; do
    "$BUILDDIR/fanbench" run "scenarios/reconnect/$name.yaml" --mode sim --out "$dir/$name" \
        >"$dir/$name.tap" 2>&1 || {
        cat "$dir/$name.tap"
        fail "$name"
    }
    "$BUILDDIR/quicpcap" summary "$dir/$name/capture/relay-pub.pcapng" |
        sed -n 's/.*sent again client \([0-9]*\).*/\1/p' >"$dir/$name.resent"
    # the worst p99 of a subscriber
    awk -F, 'NR > 1 && $13 > most { most = $13 } END { print most + 0 }' \
        "$dir/$name/metrics.csv" >"$dir/$name.p99"
    echo "$name: publisher resends $(cat "$dir/$name.resent") bytes, p99 $(cat "$dir/$name.p99") ns"
done

kernel=$(cat "$dir/stall-relay-quiet.resent") stock=$(cat "$dir/stall-relay-quiet-stock.resent")
[ "$stock" -gt 0 ] || fail "nothing was resent: the stall did not meet the burst"
[ "$kernel" -le "$stock" ] || fail "the publisher resends $kernel bytes, with stock $stock"
[ "$(cat "$dir/stall-relay-quiet.p99")" -lt 5000000 ] || fail "the fast path waited for user space"
[ "$(cat "$dir/stall-relay-quiet-stock.p99")" -gt 100000000 ] || fail "stock did not wait: no baseline"
