#!/usr/bin/env bash
# fanbench sweep: what it writes, that a killed one goes on, and what is refused.
set -euo pipefail

fanbench=$BUILDDIR/fanbench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    [ ! -s out ] || sed 's/^/stdout: /' out
    [ ! -s err ] || sed 's/^/stderr: /' err
    exit 1
}
expect() { # CODE ARG...
    local code=$1 got=0
    shift
    "$fanbench" "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$code" ] || fail "fanbench $*: expected exit $code, found $got"
}
says() { grep -qF -- "$2" "$1" || fail "expected \"$2\" in $1"; }
lines() { [ "$(wc -l <"$1")" -eq "$2" ] || fail "expected $2 lines in $1, found $(wc -l <"$1")"; }

cat >base.yaml <<'EOF'
scenario: base
duration: 500ms
nodes:
  pub: { role: publisher }
  relay: { role: relay }
  sub: { role: subscriber, count: 2 }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub], delay: 2ms, rate: 500kbit, queue: 8KiB, loss: 1% }
tracks:
  chat: { from: pub, as: subgroups, subgroup: object, every: 10ms, size: 500..1500, priority: 3 }
subscriptions:
  - { who: sub, tracks: [chat], delivery_timeout: 150ms }
EOF
cat >study.yaml <<'EOF'
scenario: base.yaml
seeds: 1..4
vary:
  nodes.relay.policy: [none, deadline]
  links.1.rate: [500kbit, 2mbit]
EOF

# a whole one
expect 0 sweep study.yaml --mode sim --out whole
says out 'SWEEP  study  (sim, 4 settings of nodes.relay.policy, links.1.rate; seeds 1..4'
says out '16 runs, 0 not passed and left out'
says out 'nodes.relay.policy against none'
says err 'report: whole/sweep.html'
lines whole/sweep.csv 17
lines whole/differences.csv 29
lines whole/journal.jsonl 16
[ ! -e whole/runs ] || fail "run directories of runs that passed are still there"
if grep -q $'\033' out; then fail "colours although stdout is no terminal"; fi
if grep -q 'left' err; then fail "progress although stderr is no terminal"; fi
grep -q '^none,500kbit,1,pass,0\.[0-9]*,' whole/sweep.csv || fail "expected a row of a run"

# at a time, in any order: the same bytes
expect 0 sweep study.yaml --mode sim --out two -j 3
diff -r whole two || fail "-j 3 gives other bytes"

# killed three times, with half a line at the end: goes on, the same bytes
for after in 3 7 11; do
    "$fanbench" sweep study.yaml --mode sim --out killed >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 2000); do
        n=$(grep -c . killed/journal.jsonl 2>/dev/null || true)
        [ "${n:-0}" -lt "$after" ] || break
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    printf '{"run":"0123456789abcdef","verd' >>killed/journal.jsonl
done
expect 0 sweep study.yaml --mode sim --out killed
says err 'of 16 runs are there already'
diff -r whole killed || fail "a killed sweep ends with other bytes"

# once more: nothing is run; more seeds: only those; another scenario: all of it
expect 0 sweep study.yaml --mode sim --out whole
says err '16 of 16 runs are there already'
expect 0 sweep study.yaml --mode sim --out whole --seeds 1..5
says err '16 of 20 runs are there already'
lines whole/sweep.csv 21
sed -i 's/500\.\.1500/500..1400/' base.yaml
expect 0 sweep study.yaml --mode sim --out whole --seeds 1..2
if grep -q 'there already' err; then fail "figures of another scenario were taken"; fi

# JSON, an object a line
expect 0 sweep study.yaml --mode sim --out whole --seeds 1..2 --json
lines out 8
says out '{"kind":"difference","path":"links.1.rate","base":"500kbit",'

# kept run directories; one that does not pass stays without being asked
expect 0 sweep study.yaml --mode sim --out kept --seeds 1 --keep all
[ -e kept/runs/3/seed-1/report.html ] || fail "expected the directory of a kept run"
sed 's/^subscriptions/expect: { examined: { copy-count: 100000 } }\nsubscriptions/' base.yaml >new.yaml
sed 's/^scenario: base/scenario: new/' -i new.yaml
sed 's/base.yaml/new.yaml/' study.yaml >failing.yaml
expect 1 sweep failing.yaml --mode sim --out failing --seeds 1
says err 'copy-count: expected at least 100000 examined'
says err 'replay: fanbench run new.yaml --mode sim --seed 1 --set nodes.relay.policy=none --set links.1.rate=500kbit'
says out '4 runs, 4 not passed and left out'
[ -e failing/runs/0/seed-1/report.html ] || fail "expected the directory of a run that did not pass"

# refused: places in the sweep file, or in the scenario
printf 'scenario: base.yaml\nseeds: 1..2\nvary: { nodes.relay.policy: [none, random] }\n' >wrong.yaml
expect 2 sweep wrong.yaml --mode sim
says err 'wrong.yaml:3:36: error: nodes.relay.policy: expected one of none, priority-limit'
printf 'scenario: base\nnodes: 7\n' >base.yaml
expect 2 sweep study.yaml --mode sim
says err 'base.yaml:2:8: error: '
expect 2 sweep
says err 'expected one sweep file, found 0'
expect 2 sweep study.yaml --seeds 3..1
says err '--seeds: expected A..B with A <= B'
expect 2 sweep study.yaml -j 0
expect 2 sweep study.yaml --keep some
expect 2 sweep none.yaml --mode sim
says err 'none.yaml: error: cannot read the file'

# the sweeps that come with it
for study in "$SRCDIR"/scenarios/sweeps/*.yaml; do
    grep -q '^vary:' "$study" || continue
    expect 0 sweep "$study" --mode sim --out "$(basename "$study" .yaml)" --seeds 1
    says out ' 0 not passed and left out'
done
echo "sweep: all as expected"
