#!/usr/bin/env bash
# timeout: 240
# kill -9 of the runner and of the relay, with the real programs, at several
# moments: nothing may stay behind, and a dead relay is a finding.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
    echo 'needs root'
    exit 77
fi
fanbench=$BUILDDIR/fanbench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    [ ! -s err ] || sed 's/^/stderr: /' err
    exit 1
}

cat >victim.yaml <<EOF
scenario: victim
duration: 3s
drain: 1s
nodes:
  pub: { role: publisher }
  relay: { role: relay, datapath: kernel }
  sub: { role: subscriber, count: 2 }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }
subscriptions:
  - { who: sub, tracks: [chat] }
EOF

# Processes of this run: their command lines hold this directory.
ours() { pgrep -f -- "$dir/out" || true; }

# gone WHAT: waits until none of our processes and none of the BPF programs in
# the file `programs` exists any more
gone() {
    local tries=0 left
    while :; do
        left=$(ours)
        while read -r id; do
            if bpftool prog show id "$id" >/dev/null 2>&1; then left="$left program $id"; fi
        done <programs
        [ -n "$left" ] || return 0
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "$1 left behind: $left"
        sleep 0.1
    done
}

# BPF programs that the relay holds now
note_programs() {
    local pid
    : >programs
    for pid in $(pgrep -f -- "fanbench-relay .*$dir/out" || true); do
        cat "/proc/$pid"/fdinfo/* 2>/dev/null | sed -n 's/^prog_id:[[:space:]]*//p' | sort -u >>programs || true
    done
}

start() {
    "$fanbench" run "$dir/victim.yaml" --mode live --out "$dir/out" >out.tap 2>err </dev/null &
    runner=$!
}

seen=0
for delay in 0 0.1 0.3 0.8 1.5 2.5; do
    start
    sleep "$delay"
    note_programs
    [ ! -s programs ] || seen=1
    kill -9 "$runner"
    wait "$runner" 2>/dev/null || true
    gone "kill -9 of the runner after $delay s"
done
[ "$seen" -eq 1 ] || fail 'no BPF program was ever seen: this test examined nothing'

for delay in 0.2 1 2; do
    start
    relay=''
    for _ in $(seq 600); do # until it exists
        relay=$(pgrep -f -- "fanbench-relay .*$dir/out" | head -n 1 || true)
        [ -z "$relay" ] || break
        sleep 0.05
    done
    [ -n "$relay" ] || fail 'the relay never started'
    sleep "$delay"
    note_programs
    kill -9 "$relay"
    code=0
    wait "$runner" || code=$?
    [ "$code" -eq 1 ] || fail "expected exit 1 after kill -9 of the relay, found $code"
    grep -q 'relay ended during .*signal 9' err || fail 'the finding does not name the relay and signal 9'
    gone "kill -9 of the relay after $delay s"
done
echo passed
