#!/usr/bin/env bash
# `fanbench fate`: what it says of a packet, and what it refuses.
set -euo pipefail

fanbench=$BUILDDIR/fanbench
[ -x "$fanbench" ] || {
    echo "$fanbench is not built"
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    [ ! -s out ] || sed 's/^/stdout: /' out
    [ ! -s err ] || sed 's/^/stderr: /' err
    exit 1
}
expect() { # CODE ARG...: runs fanbench fate, keeps out and err
    local code=$1 got=0
    shift
    "$fanbench" fate "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$code" ] || fail "fanbench fate $*: expected exit $code, found $got"
}
says() { grep -qF -- "$2" "$1" || fail "expected \"$2\" in $1"; }
is() { [ "$(cat "$1")" = "$2" ] || fail "expected $1 to be \"$2\""; }
silent() { [ ! -s "$1" ] || fail "expected nothing in $1"; }

cat >links.yaml <<'EOF'
scenario: links
seed: 7
duration: 3s
nodes:
  pub: { role: publisher }
  relay: { role: relay, protection: none }
  sub: { role: subscriber, count: 4, per_host: 2 }
links:
  - between: [pub, relay]
    delay: 5ms
    faults:
      - { do: delay, index: 40..60 }
      - { do: drop, index: 3 }
      - { do: drop, frame: ACK, nth: 3 }
  - between: [relay, sub]
    delay: 10ms
    forward: { loss: 1%, rate: 20mbit, queue: 64KiB }
    backward: { corrupt: 100%, duplicate: 100%, reorder: 100% }
tracks:
  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }
subscriptions:
  - { who: sub, tracks: [chat] }
timeline:
  - { at: 1s, link: [relay, "sub[0]"], set: { delay: 20ms, forward: { loss: 100% } } }
  - { at: 2s, link: [relay, "sub[0]"], do: down }
  - { at: 2500ms, link: [relay, "sub[0]"], do: up }
EOF

# The first losses of relay>sub[0] under seed 7, as bench/t/fate_link_test.c has them.
expect 0 links.yaml 'relay>sub[0]' 0..428
[ "$(wc -l <out)" -eq 429 ] || fail 'expected 429 lines'
lost=$(sed -n 's/^relay>sub\[0\] \([0-9]*\): dropped by loss$/\1/p' out | tr '\n' ' ')
[ "$lost" = '22 185 193 234 428 ' ] || fail "expected other losses than $lost"
says out 'relay>sub[0] 21: passes, delayed 10ms'
says err 'rate and queue depend'
says err 'changes the link at 1s'

# One packet alone is the same as among others.
expect 0 links.yaml 'relay>sub[0]' 22 --json
is out '{"link":"relay>sub[0]","index":22,"drop":"loss","copies":0,"delay_ns":[],"reordered":false,"corrupt_bit":null}'
expect 0 links.yaml 'relay>sub[0]' 23 --json
is out '{"link":"relay>sub[0]","index":23,"drop":null,"copies":1,"delay_ns":[10000000],"reordered":false,"corrupt_bit":null}'

# Any node of a host names its link; its fate has the first one's name.
expect 0 links.yaml 'relay>sub[1]' 22
is out 'relay>sub[0] 22: dropped by loss'
expect 0 links.yaml 'relay>sub[3]' 22
is out 'relay>sub[2] 22: passes, delayed 10ms'
if grep -q 'changes the link' err; then fail 'the timeline is about another link'; fi

# The other direction, all at once; the copy is not put back.
expect 0 links.yaml 'sub[0]>relay' 5 --payload 1
grep -qE '^sub\[0\]>relay 5: passes, delayed 13ms \(reordered\), duplicated, the copy delayed 10ms, bit [0-7] of byte 0 corrupted$' out ||
    fail 'expected all of it'

# Faults by index are told, those by frame cannot be.
expect 0 links.yaml 'pub>relay' 3
is out 'pub>relay 3: dropped by fault'
says err 'faults by frame depend'
expect 0 links.yaml 'pub>relay' 40
is out 'pub>relay 40: passes, delayed 8ms'
expect 0 links.yaml 'pub>relay' 61
is out 'pub>relay 61: passes, delayed 5ms'

# The timeline, the seed, a setting.
expect 0 links.yaml 'relay>sub[0]' 21 --at 999ms
is out 'relay>sub[0] 21: passes, delayed 10ms'
expect 0 links.yaml 'relay>sub[0]' 21 --at 1s
is out 'relay>sub[0] 21: dropped by loss'
says err 'changes the link at 2s'
expect 0 links.yaml 'sub[0]>relay' 21 --at 1s --set links.1.backward.reorder=0%
says out 'passes, delayed 20ms, duplicated'
expect 0 links.yaml 'relay>sub[0]' 21 --at 2s
is out 'relay>sub[0] 21: dropped by down'
expect 0 links.yaml 'relay>sub[2]' 21 --at 2s
is out 'relay>sub[2] 21: passes, delayed 10ms'
expect 0 links.yaml 'relay>sub[0]' 21 --at 3s
is out 'relay>sub[0] 21: dropped by loss'
expect 0 links.yaml 'relay>sub[0]' 22 --seed 8
is out 'relay>sub[0] 22: passes, delayed 10ms'
expect 0 links.yaml 'relay>sub[0]' 21 --set links.1.forward.loss=100%
is out 'relay>sub[0] 21: dropped by loss'
expect 0 links.yaml 'pub>relay' 18446744073709551614..18446744073709551615
[ "$(wc -l <out)" -eq 2 ] || fail 'expected 2 lines'

# refused
for link in 'relay>nobody' 'pub>sub[0]' 'relay>sub' 'relay' '>' 'relay>' 'relay>relay' "$(printf 'x%.0s' {1..200})>relay"; do
    expect 2 links.yaml "$link" 0
    silent out
    says err "found \"$link\"; it has"
    says err '  sub[2]>relay'
    [ "$(grep -c '^  ' err)" -eq 6 ] || fail 'expected the six directions'
done
for index in '' x -1 1.. ..1 2..1 1..2..3 18446744073709551616; do
    expect 2 links.yaml 'relay>sub[0]' -- "$index"
    silent out
    says err INDEX
done
for bad in '--at soon' '--seed x' '--payload 0' '--payload 65536' '--set x' '--nonsense' '--at'; do
    # shellcheck disable=SC2086 # two words on purpose
    expect 2 links.yaml 'relay>sub[0]' 0 $bad
    silent out
    says err '--help'
done
expect 2
expect 2 links.yaml 'relay>sub[0]'
expect 2 links.yaml 'relay>sub[0]' 0 1
expect 2 missing.yaml 'relay>sub[0]' 0
says err missing.yaml
expect 2 links.yaml 'relay>sub[0]' 0 --set nodes.nonsense.datapath=user
expect 0 --help
says out 'usage: fanbench fate'
