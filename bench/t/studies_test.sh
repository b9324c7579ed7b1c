#!/usr/bin/env bash
# scenarios/studies in sim: every study passes, and shows what it says it shows: the same objects
# compared over two datapaths, a third sending of the same bytes, numbers of several lengths.
# With FANBENCH_TEST_FULL also 2^20 packets.
# timeout: 900
set -euo pipefail
cd "$SRCDIR"
fanbench=$BUILDDIR/fanbench
quicpcap=$BUILDDIR/quicpcap
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*"
    exit 1
}

files=()
for file in scenarios/studies/*.yaml; do
    [ "$file" = scenarios/studies/numbers-2-20.yaml ] && [ -z "${FANBENCH_TEST_FULL:-}" ] ||
        files+=("$file")
done
[ "${#files[@]}" -ge 10 ] || fail "expected at least 10 studies, found ${#files[@]}"
"$fanbench" run "${files[@]}" --mode sim -j 2 --out "$dir" >"$dir/tap" 2>"$dir/talk" || {
    cat "$dir/tap" "$dir/talk"
    fail "fanbench run ended with $?"
}

# Dual path: every object is at both, and the table, JSON and CSV agree.
run=$dir/dual-path
"$fanbench" compare "$run:a" :b --csv "$dir/pairs.csv" >"$dir/table"
grep -q '^1,050 objects at both, 0 at A alone, 0 at B alone$' "$dir/table" ||
    fail "dual-path: $(sed -n 3p "$dir/table")"
[ "$(wc -l <"$dir/pairs.csv")" -eq 1051 ] || fail "dual-path: not a row a pair"
sooner=$(awk -F, 'NR > 1 && $8 > 0' "$dir/pairs.csv" | wc -l)
"$fanbench" compare "$run:a" "$run:b" --json >"$dir/json"
grep -q "\"track\": null, \"objects\": 1050, .*\"a_sooner\": $sooner, " "$dir/json" ||
    fail "dual-path: the CSV has $sooner sooner at A, the JSON $(tail -n 1 "$dir/json")"
# Costs are constants in sim, so this is no timing of the machine.
[ "$sooner" -ge 1000 ] || fail "dual-path: the kernel path was sooner for $sooner of 1,050"
# The same run against itself: no difference. Two runs: paired by name of track.
"$fanbench" compare "$run" "$run" --json | grep -q '"track": null, .*"a_sooner": 0, "b_sooner": 0}' ||
    fail "a run differs from itself"
"$fanbench" compare "$dir/chat-streams:sub" "$dir/chat-datagrams:sub" >/dev/null ||
    fail "two runs are not compared"
refused() { # EXIT WORDS ARGUMENTS...
    local code=0 want=$1 words=$2
    shift 2
    "$fanbench" compare "$@" >"$dir/out" 2>"$dir/err" || code=$?
    [ "$code" -eq "$want" ] || fail "compare $*: expected exit $want, found $code"
    grep -qF -- "$words" "$dir/err" || fail "compare $*: expected \"$words\" in $(cat "$dir/err")"
}
refused 2 'expected two of DIR[:NODE], found 1' "$run"
refused 2 'expected a run directory in front of :b' :b "$run"
refused 2 'is no run directory' "$dir:a" :b
refused 2 'expected a subscriber of' "$run:nobody" :b
refused 2 'found top, a relay' "$run:top" :b
refused 2 'expected as many subscribers on both sides, found 4 and 1' "$dir/chat-streams:sub" ':sub[0]'
refused 2 'No such file or directory' "$run:a" :b --csv "$dir/none/pairs.csv"
refused 1 'expected objects that both got, found none' "$run:a" "$dir/chat-streams:sub[0]"

# A third sending of the same bytes, with new numbers each time.
capture=$dir/resend-of-resend/capture/relay-sub.0.pcapng
stream=$("$quicpcap" streams --from server --json "$capture" |
    sed -n 's/.*"stream":\([0-9]*\),.*"times":[3-9],.*/\1/p' | head -n 1)
[ -n "$stream" ] || fail "resend-of-resend: no stream was sent three times"
numbers=$("$quicpcap" packets --from server --json "$capture" |
    sed -n "s/.*\"number\":\([0-9]*\),.*\"frames\":\"[^\"]*STREAM $stream @0+907.*/\1/p" | sort -u | wc -l)
[ "$numbers" -ge 3 ] || fail "resend-of-resend: stream $stream has $numbers packet numbers"

# 2^20 packets: the publisher's numbers of one, two and three bytes, copies of four.
[ -n "${FANBENCH_TEST_FULL:-}" ] || exit 0
lengths() {
    "$quicpcap" packets --json "$dir/numbers-2-20/capture/$1" --from "$2" |
        sed -n 's/.*"type":"1-RTT".*"number_length":\([1-4]\).*/\1/p' | sort -u | tr -d '\n'
}
up=$(lengths relay-pub.pcapng client) down=$(lengths relay-sub.pcapng server)
[ "$up" = 123 ] || fail "numbers-2-20: expected numbers of 1, 2 and 3 bytes upstream, found $up"
[ "$down" = 4 ] || fail "numbers-2-20: expected copies with 4 bytes alone, found $down"
