#!/usr/bin/env bash
# fanbench shrink: defects of the catalogue come down to a few lines that still convict by the same
# check, whatever -j; a run directory is shrunk where it lies, one of explore too; what does not fail
# is said to; wrong command lines are refused. FANBENCH_TEST_FULL: every defect of the catalogue.
# timeout: 1500
set -euo pipefail
fanbench=$BUILDDIR/fanbench
source=$(realpath "$SRCDIR")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir tmp
export TMPDIR=$dir/tmp

fail() {
    echo "FAIL: $*"
    exit 1
}
shrink() { # EXIT ARGUMENTS...
    local code=0 want=$1
    shift
    "$fanbench" shrink "$@" >out 2>err </dev/null || code=$?
    [ "$code" -eq "$want" ] || {
        cat out err
        fail "shrink $*: expected exit $want, found $code"
    }
}
number() { # KEY OF before|after: as the JSON of the last one says
    sed "s/.*\"$2\":{[^}]*\"$1\":\([0-9]*\).*/\1/" out
}
check_of() { sed 's/.*"check":"\([^"]*\)".*/\1/' out; }
runs_of() { sed 's/.*"runs":\([0-9]*\).*/\1/' out; }

# replays FILE CHECK: loads, and the command that it names shows a failure by that check
replays() {
    local line code=0
    "$fanbench" check "$1" >/dev/null || fail "$1 is no scenario: $(cat "$1")"
    line=$(tr '\n' ' ' <"$1" | tr -s ' ' | sed 's/.*Shows it: \(fanbench run .*\) (made smaller .*/\1/')
    (cd "$(dirname "$1")" && bash -c "${line/#fanbench/$fanbench} --out again" >/dev/null 2>&1) || code=$?
    [ "$code" -eq 1 ] || fail "$1: \"$line\" ends with $code"
    tr -d '\n' <"$(dirname "$1")/again/report.json" |
        grep -q "\"name\": *\"$2\", *\"result\": *\"fail\"" || fail "$1 does not fail by $2"
    rm -rf "$(dirname "$1")/again"
}

# Defects: NAME CHECK, and at most so many nodes, tracks, events, lines, runs.
shrunk() {
    local file
    file=$(echo "$source"/scenarios/defects/*-"$1".yaml)
    shrink 0 "$file" --out "$1.yaml" --json --for 10min -j "${8:-2}"
    [ "$(check_of)" = "$2" ] || fail "$1 is shrunk by $(check_of), expected $2"
    grep -q '"minimal":true' out || fail "$1: not minimal: $(cat out)"
    [ "$(number nodes after)" -le "$3" ] || fail "$1: nodes: $(cat "$1.yaml")"
    [ "$(number tracks after)" -le "$4" ] || fail "$1: tracks: $(cat "$1.yaml")"
    [ "$(number events after)" -le "$5" ] || fail "$1: events: $(cat "$1.yaml")"
    [ "$(number lines after)" -le "$6" ] || fail "$1: lines: $(cat "$1.yaml")"
    [ "$(number lines after)" -lt "$(number lines before)" ] || fail "$1 is no shorter"
    [ "$(runs_of)" -le "$7" ] || fail "$1 took $(runs_of) runs"
    replays "$1.yaml" "$2"
}
shrunk two-counters pn-unique 3 1 0 16 40
shrunk one-address isolated 4 1 0 19 60
shrunk drop-by-index priority-drop 4 1 0 19 90
shrunk late-handler subscribe-answered 3 1 1 18 150

# One at a time it is the same file.
cp two-counters.yaml two.yaml
shrunk two-counters pn-unique 3 1 0 16 40 1
cmp two.yaml two-counters.yaml || fail "-j 1 and -j 2 differ"
cp late-handler.yaml late.yaml
shrunk late-handler subscribe-answered 3 1 1 18 150 1
cmp late.yaml late-handler.yaml || fail "-j 1 and -j 2 differ"

# What is minimal stays as it is, but for its names.
shrink 0 two-counters.yaml --json
[ "$(number lines before)" = "$(number lines after)" ] || fail "it got smaller: $(cat out)"
replays shrunk.yaml pn-unique
shrink 2 shrunk.yaml
grep -q 'shrunk.yaml would be overwritten' err || fail "overwritten: $(cat err)"

# A run directory of run, of the command line's defect; by another check; bounded.
quick=$source/scenarios/first/quickstart.yaml
"$fanbench" run "$quick" --mode sim --defect one-address --out quick >/dev/null 2>&1 && fail "it passed"
shrink 0 quick --check payload-identical
grep -q '^SHRINK  quick/scenario.yaml: fails by payload-identical' out || fail "table: $(cat out)"
grep -q '^replay: fanbench run quick/shrunk.yaml --mode sim --seed 7 --defect one-address$' out ||
    fail "replay: $(cat out)"
replays quick/shrunk.yaml payload-identical
shrink 0 quick --runs 6 --json --out few.yaml
[ "$(runs_of)" -eq 6 ] || fail "--runs 6 took $(runs_of)"
grep -q '"minimal":false' out || fail "minimal after 6 runs"
replays few.yaml isolated
shrink 0 quick --field --out field.yaml --json --runs 30
replays field.yaml isolated

# A failure of explore, by the command that it prints; with the defect of its replay.txt.
"$fanbench" explore --defect two-counters --failures 1 --out found >explored 2>/dev/null && fail "explore passed"
line=$(sed -n 's/^shrink: fanbench //p' explored)
[ -n "$line" ] || fail "explore names no command: $(cat explored)"
# shellcheck disable=SC2086 # words on purpose
"$fanbench" $line --json >out 2>err || fail "$line: $(cat err)"
[ "$(number nodes after)" -le 4 ] || fail "explored: $(cat out)"
replays "$(echo found/seed-*)/shrunk.yaml" "$(check_of)"

# What the check needs of `expect` stays: a budget, an error that must come; bursts go as one key.
cat >late.yaml <<'YAML'
scenario: late
duration: 1s
nodes:
  pub: { role: publisher }
  relay: { role: relay }
  sub: { role: subscriber, count: 4 }
links:
  - { between: [pub, relay], delay: 20ms, jitter: 5ms }
  - { between: [relay, sub], delay: 10ms, loss: 5%, burst: { enter: 1%, leave: 30%, loss: 100% } }
tracks:
  chat: { from: pub, as: subgroups, every: 20ms, size: 200 }
subscriptions:
  - { who: sub, tracks: [chat] }
expect:
  latency: { p99: 1ms, max: 20s }
  closes: { "sub[1]": PROTOCOL_VIOLATION }
YAML
shrink 0 late.yaml --check latency --out late-small.yaml --json
grep -q 'latency: { p99: 1ms, max: 20s }' late-small.yaml || fail "no budget: $(cat late-small.yaml)"
[ "$(number nodes after)" -eq 3 ] || fail "latency: $(cat late-small.yaml)"
replays late-small.yaml latency
shrink 0 late.yaml --check close-clean --out closes.yaml --json
grep -q 'closes: { sub-1: PROTOCOL_VIOLATION }' closes.yaml || fail "no error: $(cat closes.yaml)"
[ "$(number lines after)" -le 15 ] || fail "closes: $(cat closes.yaml)"
! grep -q '{ *}' closes.yaml || fail "empty keys: $(cat closes.yaml)"
replays closes.yaml close-clean

# Nothing to shrink.
shrink 1 "$quick"
grep -q 'does not fail on virtual time' err || fail "passes: $(cat err)"
[ ! -e shrunk-no.yaml ] || fail "written"
shrink 1 quick --check latency --out no.yaml
grep -q 'by latency' err || fail "by latency: $(cat err)"
[ ! -e no.yaml ] || fail "written for nothing"
shrink 4 quick --for 1ns
grep -q 'longer --for' err || fail "--for 1ns: $(cat err)"

mkdir empty
echo 'scenario: [' >bad.yaml
shrink 2 bad.yaml
for bad in '' 'empty' 'missing' 'quick two.yaml' 'quick --check nonsense' 'quick --runs 0' \
    'quick --for 10' 'quick --defect nonsense' 'quick --defect slow-agent' 'quick -j 0' 'quick --seed x' \
    'quick --out' 'quick --out nowhere/9-x.yaml' 'quick --out a.b.yaml'; do
    # shellcheck disable=SC2086 # words on purpose
    shrink 2 $bad
    grep -q 'fanbench' err || fail "shrink $bad: $(cat err)"
done
[ -z "$(ls tmp)" ] || fail "left in TMPDIR: $(find tmp)"

[ -n "${FANBENCH_TEST_FULL:-}" ] || exit 0
# All: as long as no bound ends it, a minimum. Seconds are said, not judged: runs are.
for file in "$source"/scenarios/defects/*.yaml; do
    name=$(basename "$file" .yaml)
    began=$(date +%s)
    shrink 0 "$file" --out "$name-small.yaml" --json --for 10min -j 2
    echo "$name: $(check_of), $(runs_of) runs, $(($(date +%s) - began)) s, $(number lines before) -> $(number lines after) lines"
    grep -q "convict: .*\b$(check_of)\b" "$file" || fail "$name: by $(check_of)"
    grep -q '"minimal":true' out || fail "$name: not minimal"
    [ "$(runs_of)" -le 400 ] || fail "$name: $(runs_of) runs"
    [ "$(number lines after)" -le "$(number lines before)" ] || fail "$name is longer"
    replays "$name-small.yaml" "$(check_of)"
done
