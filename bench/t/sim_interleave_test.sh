#!/usr/bin/env bash
# Interleavings by command: a racy counter is found within 100 seeds and its replay line
# finds it again; the real one survives; a list of what happened replays to the byte.
# FANBENCH_TEST_FULL plays 10,000 seeds of the real one.
# timeout: 900
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
scenario=scenarios/network/interleaved.yaml
fanbench=$BUILDDIR/fanbench

fail() {
    echo "FAIL: $*"
    exit 1
}

expect() { # CODE ARGUMENT...
    local code=$1 rc=0
    shift
    "$fanbench" run --mode sim "$@" >"$dir/out" 2>"$dir/err" || rc=$?
    [ "$rc" -eq "$code" ] || {
        tail -40 "$dir/out" "$dir/err"
        fail "fanbench run --mode sim $*: exit $rc, expected $code"
    }
}

expect 1 "$scenario" --defect racy-pn --seeds 1..100 -j 2 --out "$dir/racy"
grep -q 'name: "pn-unique"' "$dir/out" || fail 'the racy counter is not found by pn-unique'
replay=$(sed -n 's/^  replay: "fanbench run \(.*\)"$/\1/;T;p;q' "$dir/out")
[ -n "$replay" ] || fail 'a failure names no replay'
# shellcheck disable=SC2086 # it is made of words
expect 1 ${replay/--mode sim/} --out "$dir/found"
rm -rf "$dir/racy"

# Nothing comes in between: it is the interleavings that find it.
expect 0 "$scenario" --defect racy-pn --interleave 0 --seeds 1..20 -j 2 --out "$dir/plain"
[ ! -e "$dir/plain/interleaved/seed-1/interleavings.jsonl" ] || fail 'interleavings without any'

# The list of a run instead of chance, from outside and from inside.
list=$dir/found/interleavings.jsonl
[ "$(wc -l <"$list")" -gt 100 ] || fail 'interleavings.jsonl is short'
# shellcheck disable=SC2086
expect 1 ${replay/--mode sim/} --interleave "$list" --out "$dir/listed"
for f in interleavings.jsonl relay-copies.jsonl relay-ledger.jsonl sub.0-objects.jsonl \
    capture/relay-pub.pcapng capture/relay-sub.1.pcapng; do
    cmp "$dir/found/$f" "$dir/listed/$f" || fail "$f of the replayed list differs"
done
head -n 50 "$list" >"$dir/half"
# shellcheck disable=SC2086
"$fanbench" run $replay --interleave "$dir/half" --out "$dir/other" >"$dir/out" 2>&1 || true
[ "$(wc -l <"$dir/other/interleavings.jsonl")" -eq 50 ] || fail 'half of a list is not half of the runs'
cmp -s "$dir/found/relay-copies.jsonl" "$dir/other/relay-copies.jsonl" && fail 'half of a list changes nothing'

# What cannot be replayed is named.
refused() { # TEXT ARGUMENT...
    local text=$1
    shift
    expect 2 "$@" --out "$dir/refused"
    grep -qF "$text" "$dir/err" || {
        cat "$dir/err"
        fail "not said: $text"
    }
}
refused 'expected a number or the interleavings.jsonl of a run, found nothing-here:' "$scenario" --interleave nothing-here
refused 'is for one run, found 3' "$scenario" --interleave "$list" --seeds 1..3
refused 'expected a size such as 64MiB, found "much"' "$scenario" --journal=much
refused 'expected a size such as 64MiB, found "0"' "$scenario" --journal=0
refused 'expected at most 1000000' "$scenario" --interleave 1000001
sed '7s/"relay"/"sub[0]"/' "$list" >"$dir/bad"
refused "$dir/bad:7: expected a relay of the scenario" "$scenario" --interleave "$dir/bad"
sed '9s/"ran":"[a-z]*"/"ran":"pub"/' "$list" >"$dir/bad"
refused "$dir/bad:9: expected \"datapath\" or \"relay\"" "$scenario" --interleave "$dir/bad"
echo '{' >"$dir/bad"
refused "$dir/bad:1: expected a JSON object" "$scenario" --interleave "$dir/bad"

seeds=1..100
[ -z "${FANBENCH_TEST_FULL:-}" ] || seeds=1..10000
expect 0 "$scenario" --seeds $seeds -j 2 --keep failing --out "$dir/real"
