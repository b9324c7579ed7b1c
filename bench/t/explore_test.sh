#!/usr/bin/env bash
# fanbench explore: what a range of seeds finds does not depend on how many run at a time, a
# failure stays with a scenario and the command that fails again in the same way, a run that passes
# leaves nothing, and wrong command lines are refused.
# timeout: 1800
set -euo pipefail
fanbench=$BUILDDIR/fanbench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAIL: $*"
    exit 1
}
explore() { # EXIT ARGUMENTS...
    local code=0 want=$1
    shift
    "$fanbench" explore "$@" >out 2>err </dev/null || code=$?
    [ "$code" -eq "$want" ] || {
        cat out err
        fail "explore $*: expected exit $want, found $code"
    }
}

# A defect that shows in nearly every scenario: the same seeds, the same findings.
explore 1 --defect one-address --seeds 1..6 -j 1 --json --out one
sort out >one.json
grep -q '^EXPLORE  6 scenarios from seed 1 on (sim, commit .*, defect one-address)$' err ||
    fail "no summary: $(cat err)"
explore 1 --defect one-address --seeds 1..6 -j 2 --json --out two
sort out >two.json
cmp one.json two.json || fail "-j 2 finds something else than -j 1"
[ "$(wc -l <one.json)" -eq 6 ] || fail "expected a line for each of 6 seeds"
failed=$(grep -c '"verdict":"fail"' one.json)
[ "$failed" -ge 3 ] || fail "one-address fails in $failed of 6 scenarios alone"
[ "$(find one -mindepth 1 -maxdepth 1 | wc -l)" -eq "$failed" ] ||
    fail "expected $failed directories, found $(ls one)"

# A failure: a scenario for people, and the command.
first=$(find one -mindepth 1 -maxdepth 1 | sort -V | head -n 1)
"$fanbench" check "$first/scenario.yaml" >/dev/null || fail "$first/scenario.yaml is none"
grep -q 'Made by chance: fanbench explore' "$first/scenario.yaml" || fail "who made it?"
line=$(cat "$first/replay.txt")
case $line in
"fanbench run $first/scenario.yaml --mode sim --seed "*" --defect one-address") ;;
*) fail "the command is \"$line\"" ;;
esac
code=0
bash -c "${line/#fanbench/$fanbench} --out again" >/dev/null 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "replayed, it ends with $code"
tr -d '\n' <"$first/report.json" | grep -o '"name": *"[a-z-]*", *"result": *"fail"' | sort >was
tr -d '\n' <again/report.json | grep -o '"name": *"[a-z-]*", *"result": *"fail"' | sort >is
[ -s was ] || fail "no failed check in $first/report.json"
cmp was is || fail "replayed, it fails otherwise: $(cat was is)"

# Bounds.
explore 1 --defect one-address --failures 1 --out few
[ "$(find few -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || fail "--failures 1 left $(ls few)"
grep -q "^first: fanbench run few/seed-" out || fail "no command in the table: $(cat out)"
explore 0 --seed 1 --count 2 --out none
grep -q '^EXPLORE  2 scenarios from seed 1 on' out || fail "--count 2: $(cat out)"
[ -z "$(ls none)" ] || fail "what passed left $(ls none)"
explore 0 --seed 1 --for 1ns --out none
grep -q '^EXPLORE  0 scenarios' out || fail "--for 1ns: $(cat out)"

# Many failures: a line for each way to fail, which together are all of them.
explore 1 --defect one-address --seeds 1..60 -j 2 --out many
failed=$(find many -mindepth 1 -maxdepth 1 | wc -l)
[ "$failed" -gt 20 ] || fail "one-address fails in $failed of 60 scenarios alone"
ways=$(awk '$1 ~ /^[0-9]+x$/ && $2 == "seed" { n += $1; lines++ } END { print lines, n }' out)
[ "${ways#* }" = "$failed" ] || fail "$failed failures, but ways and their sum are $ways"
[ "${ways% *}" -lt "$failed" ] || fail "nothing is put together: $ways"

for bad in '--seeds 3' '--seeds 3..1' '--seeds x' '--seed x' '--count 0' '--count x' '--for 10' \
    '--for x' '--failures 0' '--defect nonsense' '--defect slow-agent' '--defect slow-agent=x' \
    '-j 0' '-j 65' '--seeds 1..2 --count 3' 'file.yaml' '--out'; do
    # shellcheck disable=SC2086 # words on purpose
    explore 2 $bad
    grep -q 'fanbench explore --help' err || fail "explore $bad: $(cat err)"
done

# Nothing is hurt: no scenario fails. With FANBENCH_TEST_FULL 10,000 of them.
seeds=1..200
[ -z "${FANBENCH_TEST_FULL:-}" ] || seeds=1..10000
explore 0 --seeds "$seeds" -j 2 --out fixed
[ -z "$(ls fixed)" ] || fail "what passed left $(ls fixed)"
