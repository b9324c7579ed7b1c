#!/usr/bin/env bash
# Many seeds: what is said of each failure and of all, what stays on the disk, Ctrl-C.
# timeout: 300
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
scenario=scenarios/network/interleaved.yaml
fanbench=$BUILDDIR/fanbench

fail() {
    echo "FAIL: $*"
    [ ! -s "$dir/err" ] || tail -30 "$dir/err"
    exit 1
}
expect() { # CODE ARGUMENT...
    local code=$1 rc=0
    shift
    "$fanbench" run "$@" >"$dir/tap" 2>"$dir/err" || rc=$?
    [ "$rc" -eq "$code" ] || fail "fanbench run $*: exit $rc, expected $code"
}

# Seeds that fail: their directories stay, whole, and each names its replay.
expect 1 "$scenario" --mode sim --defect racy-pn --interleave 300 --seeds 1..40 -j 3 --keep failing --out "$dir/out"
bad=$(grep -c '^not ok' "$dir/tap")
if [ "$bad" -lt 5 ] || [ "$bad" -gt 39 ]; then
    fail "expected some of 40 seeds to fail, found $bad"
fi
[ "$(find "$dir/out" -name scenario.yaml | wc -l)" -eq "$bad" ] || fail 'not the failing directories stay'
sed -n 's/^not ok [0-9]* - //p' "$dir/tap" | while read -r name; do
    [ -s "$dir/out/$name/report.json" ] || fail "$name failed and has no report"
done
[ "$(grep -c '^ *replay: "*fanbench run ' "$dir/tap")" -eq "$bad" ] || fail 'a failure on stdout names no replay'
[ "$(grep -c '^ *replay: fanbench run ' "$dir/err")" -eq "$bad" ] || fail 'a failure on stderr names no replay'
[ "$(grep -c '^FAIL  interleaved  (sim' "$dir/err")" -eq 3 ] || fail 'expected three tables'
grep -q "^interleaved: $bad of 40 seeds not as expected: [0-9]" "$dir/err" || fail 'no summary of the seeds'
grep -q "^  by .*pn-unique [0-9]" "$dir/err" || fail 'no summary of the checks'
first=$(sed -n 's/^  first: fanbench run //p' "$dir/err")
# shellcheck disable=SC2086 # it is made of words
expect 1 $first --out "$dir/first"
if grep -q $'\r' "$dir/err"; then fail 'progress though stderr is no terminal'; fi

# Nothing of those that pass, nor of twins that are both as expected; a stranger stays.
mkdir -p "$dir/pass/interleaved/seed-2"
touch "$dir/pass/interleaved/seed-2/scenario.yaml" "$dir/pass/interleaved/seed-2/notes.txt"
expect 0 "$scenario" scenarios/defects/10-racy-pn.yaml --mode sim --seeds 10..11 -j 2 --keep failing --out "$dir/pass"
expect 0 "$scenario" --mode sim --seeds 1..3 --keep failing --out "$dir/pass"
left=$(cd "$dir/pass" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
[ "$left" = './interleaved/seed-2/notes.txt ./junit.xml ' ] || fail "left: $left"

# A twin that fails keeps its other half: it replays from there.
expect 1 scenarios/defects/10-racy-pn.yaml --mode sim --set interleave=0 --keep failing --out "$dir/twin"
if [ ! -s "$dir/twin/on/scenario.yaml" ] || [ ! -s "$dir/twin/off/scenario.yaml" ]; then
    fail 'half of a twin is gone'
fi

expect 2 "$scenario" --keep none
grep -q 'expected all or failing, found "none"' "$dir/err" || fail 'a wrong --keep is not named'

# Ctrl-C: at once, said, and nothing runs on.
"$fanbench" run "$scenario" --mode sim --seeds 1..50000 -j 2 --keep failing --out "$dir/int" >"$dir/tap" 2>"$dir/err" &
pid=$!
for _ in $(seq 100); do
    ! grep -q '^ok 2 ' "$dir/tap" || break
    sleep 0.1
done
kill -TERM $pid # a shell without job control has its children ignore SIGINT
rc=0
wait $pid || rc=$?
[ "$rc" -eq 130 ] || fail "interrupted: exit $rc, expected 130"
grep -q '^Bail out! interrupted' "$dir/tap" || fail 'an interrupt is not told on stdout'
[ -z "$(find "$dir/int" -name scenario.yaml)" ] || fail 'an interrupted run stays'
! pgrep -P $pid >/dev/null || fail 'something runs on'

# Several runs end with what each check examined in all of them; one has its own table.
expect 0 scenarios/first/one-subscriber.yaml scenarios/first/ipv6.yaml --mode sim -j 2 --out "$dir/two"
sum=0
for run in one-subscriber ipv6; do
    n=$(grep -A4 '"name": *"pn-unique"' "$dir/two/$run/report.json" | sed -n 's/.*"examined": *\([0-9]*\).*/\1/p')
    [ "${n:-0}" -gt 0 ] || fail "pn-unique of $run examined nothing"
    sum=$((sum + n))
done
row=$(grep '^pn-unique ' "$dir/err" | tr -d , | tr -s ' ')
[ "$row" = "pn-unique 2 0 0 0 $sum" ] || fail "expected pn-unique 2 0 0 0 $sum, found $row"
grep -q '^2 runs judged, 0 of them inconclusive; tried again 0 times$' "$dir/err" || fail 'no totals'
[ "$(tail -n 1 "$dir/err")" = '2 passed, 0 failed, 0 inconclusive, 0 skipped' ] || fail 'the last line is another one'
[ "$(grep -cv '^TAP version 14$\|^ok [12] - \|^1\.\.2$' "$dir/tap")" -eq 0 ] || fail 'stdout is no plain TAP'
expect 0 scenarios/first/one-subscriber.yaml scenarios/first/ipv6.yaml --mode sim -j 2 --json --out "$dir/two"
[ "$(grep -c '^{"totals":{"runs":2,' "$dir/tap")" -eq 1 ] || fail 'no totals as JSON'
expect 0 scenarios/first/one-subscriber.yaml --mode sim --out "$dir/one"
if grep -q 'runs judged' "$dir/err"; then fail 'totals of one run'; fi
