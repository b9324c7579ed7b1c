#!/usr/bin/env bash
# The endpoint's binary: its command line, and its way through a session with a
# relay on the loopback interface, without a runner.
set -euo pipefail

peer=$BUILDDIR/fanbench-peer
relay=$BUILDDIR/fanbench-relay
dir=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap finish EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    for file in out err relay.txt pub.txt sub.txt run/*.jsonl; do
        [ ! -s "$file" ] || sed "s|^|$file: |" "$file"
    done
    exit 1
}

# expect CODE ARG...: runs the endpoint, keeps out and err
expect() {
    local code=$1 got=0
    shift
    "$peer" "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$code" ] || fail "fanbench-peer $*: expected exit $code, found $got"
}
says() { grep -qF -- "$2" "$1" || fail "expected \"$2\" in $1"; }

cat >scenario.yaml <<'END'
scenario: loopback
duration: 1s
nodes:
  pub: { role: publisher }
  relay: { role: relay, datapath: stock, protection: tls }
  sub: { role: subscriber }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  chat: { from: pub, as: datagrams, every: 20ms, size: 100 }
  video: { from: pub, as: subgroups, every: 40ms, size: 1000 }
subscriptions:
  - { who: sub, tracks: [chat, video] }
END
mkdir run

# --- command line ---------------------------------------------------------------
all=(--scenario scenario.yaml --local 127.0.0.1:0 --remote 127.0.0.1:4433 --out run)
expect 0 --help
says out "usage: fanbench-peer"
expect 0 --version
says out "fanbench-peer "
expect 2
says err "expected --scenario, --node"
expect 2 "${all[@]}" --node pub more
says err "found more"
expect 2 "${all[@]}" --node pub --nosuch
expect 2 "${all[@]}" --node nobody
says err "found nobody"
expect 2 "${all[@]}" --node relay
says err "is a relay"
expect 2 "${all[@]}" --node pub --control x
says err "expected a file descriptor, found x"
expect 2 "${all[@]}" --node pub --local 127.0.0.1
says err "ADDR:PORT"
expect 2 "${all[@]}" --node pub --local 127.0.0.1:70000
says err "ADDR:PORT"
expect 2 "${all[@]}" --node pub --local "[::1]:0"
says err "one IP version"
expect 2 "${all[@]}" --node pub --scenario nosuch.yaml
says err "nosuch.yaml"
expect 1 "${all[@]}" --node pub --out nosuch
says err "cannot write the journal in nosuch"
expect 1 "${all[@]}" --node pub --local 192.0.2.1:0
says err "cannot open its UDP socket"

# --- a session ----------------------------------------------------------------------
wait_for() { # FILE TEXT
    for _ in $(seq 300); do
        ! grep -qF -- "$2" "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    fail "waited 30 s for \"$2\" in $1"
}
stop() { # PID
    local got=0
    kill -TERM "$1"
    wait "$1" || got=$?
    [ "$got" -eq 0 ] || fail "expected exit 0 after SIGTERM, found $got"
}

port=$((20000 + $$ % 20000))
"$relay" --port $port --datapath stock --protection tls --name relay >relay.txt 2>&1 &
relay_pid=$!
pids+=("$relay_pid")
wait_for relay.txt ready
at=(--scenario scenario.yaml --local 127.0.0.1:0 --remote "127.0.0.1:$port" --out run)
"$peer" "${at[@]}" --node pub >pub.txt 2>&1 &
pub=$!
pids+=("$pub")
wait_for run/pub-objects.jsonl '"ev":"connected"'
"$peer" "${at[@]}" --node sub >sub.txt 2>&1 &
sub=$!
pids+=("$sub")
wait_for run/sub-objects.jsonl '"ev":"subscribed"'
stop "$sub"
says run/sub-objects.jsonl '"track":"chat"'
says run/sub-objects.jsonl '"ev":"closed"'
says run/sub-objects.jsonl '"by":"self","space":"application","code":0'
stop "$pub"
stop "$relay_pid"
for secret in CLIENT_HANDSHAKE_TRAFFIC_SECRET CLIENT_TRAFFIC_SECRET_0 SERVER_TRAFFIC_SECRET_0; do
    [ "$(grep -c "^$secret " run/keys.log)" -eq 2 ] || fail "expected two lines $secret in run/keys.log"
done
[ "$(stat -c %a run/keys.log)" = 600 ] || fail "expected mode 600 of run/keys.log"
for node in pub sub; do
    [ -s "run/qlog/$node.sqlog" ] || fail "expected a trace of $node"
done
