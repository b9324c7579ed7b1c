#!/usr/bin/env bash
# timeout: 300
# A minute at a bottleneck that takes a tenth of the load, under NewReno and CUBIC: the line is full
# of what arrives whole, equals get equal shares, memory keeps its bound, every drop has a
# reason. And beside plain ngtcp2 on one line, with five seeds, each gets its share.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"

fail() {
    echo "FAIL: $*"
    exit 1
}

run() { # SCENARIO OUT ARGUMENT...
    local scenario=$1 out=$2
    shift 2
    "$BUILDDIR/fanbench" run "scenarios/load/$scenario.yaml" --mode sim --out "$out" "$@" \
        >"$out.tap" 2>&1 || {
        cat "$out.tap"
        fail "$scenario $*"
    }
}

# DIR KEY: a number of the manifest
manifest() {
    sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$1/manifest.json" | head -1
}

# DIR NODE-FILE...: bytes of whole objects that each got while the publisher published
shares() {
    local run=$1 from to
    shift
    from=$(manifest "$run" start_ns)
    to=$((from + $(manifest "$run" duration_ns)))
    for node in "$@"; do
        awk -v from="$from" -v to="$to" '
            function number(key) {
                match($0, "\"" key "\":[0-9]+")
                return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
            }
            /"ev":"delivered"/ && number("t") >= from && number("t") <= to { sum += number("size") }
            END { printf "%d\n", sum }' "$run/$node-objects.jsonl"
    done
}

for congestion in newreno cubic; do
    run bottleneck-minute "$dir/$congestion" --set nodes.relay.congestion=$congestion
    shares "$dir/$congestion" sub.0 sub.1 sub.2 sub.3 >"$dir/bytes"
    awk -v name=$congestion -v line=$((1600000 * 60 / 8)) '
        { sum += $1; squares += $1 * $1; n++ }
        END {
            jain = sum * sum / (n * squares)
            printf "%s: %.1f %% of the line, Jain index %.3f\n", name, 100 * sum / line, jain
            exit !(n == 4 && sum >= 0.85 * line && sum <= line && jain >= 0.9)
        }' "$dir/bytes" || fail "$congestion: less than 85 % of the line, or unequal shares"
    # cache: 2MiB, and what comes in between two looks
    kept=$(sed -n 's/.*kept at most \([0-9]*\) bytes.*/\1/p' "$dir/$congestion/log/relay.txt")
    echo "$congestion: kept at most $kept bytes"
    if [ "$kept" -le 1000000 ] || [ "$kept" -gt $((2097152 + 65536)) ]; then fail "the bound is 2 MiB"; fi
    # of 3,000 objects each is delivered whole or dropped with a reason
    awk -F, 'NR > 1 { n++; bad += $6 + $10 < 3000 } END { exit !(n == 4 && !bad) }' \
        "$dir/$congestion/metrics.csv" || fail "drops without a reason"
done

for seed in 1 2 3 4 5; do
    run beside-stock "$dir/beside$seed" --seed $seed
    shares "$dir/beside$seed" a b >"$dir/bytes"
    awk -v seed=$seed -v line=$((4000000 * 20 / 8)) '
        { got[NR] = $1 }
        END {
            share = got[2] / (got[1] + got[2])
            printf "seed %d: plain ngtcp2 keeps %.1f %%, %.1f %% of the line is used\n", seed,
                   100 * share, 100 * (got[1] + got[2]) / line
            exit !(share >= 0.4 && share <= 0.6 && got[1] + got[2] >= 0.85 * line)
        }' "$dir/bytes" || fail "seed $seed: not an equal share"
done
