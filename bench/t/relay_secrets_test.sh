#!/usr/bin/env bash
# Secrets are written only where somebody asked for them, and nobody else may read them.
# timeout: 60
set -euo pipefail

dir=$(mktemp -d)
relay_pid=
finish() {
    [ -z "$relay_pid" ] || kill -KILL "$relay_pid" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
cd "$dir"
umask 022

fail() {
    echo "FAILED: $*"
    exit 1
}

# Exit 2, and why.
refused() { # TEXT ARGUMENT...
    local text=$1 got=0
    shift
    "$BUILDDIR/fanbench-relay" "$@" >said 2>&1 </dev/null || got=$?
    [ "$got" -eq 2 ] || fail "fanbench-relay $*: expected exit 2, found $got"
    grep -qF -- "$text" said || fail "fanbench-relay $*: expected \"$text\", found $(cat said)"
}
refused '--keylog needs --out' --keylog
refused '--journal-size needs --journal FILE' --journal-size 5
refused '--journal-size does not take "0"' --journal journal --journal-size 0
refused '--journal needs a datapath, kernel or user' --journal journal --datapath stock
for bad in h3 h3= h3=pub h3=pub/ h3=/video =pub/video h3,x=pub/video; do
    refused "--fan-out-to does not take \"$bad\"" --fan-out-to "$bad"
done

cat >scenario.yaml <<'END'
scenario: secrets
duration: 1s
nodes:
  pub: { role: publisher }
  relay: { role: relay, datapath: user, protection: tls }
  sub: { role: subscriber }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  chat: { from: pub, as: datagrams, every: 20ms, size: 100 }
subscriptions:
  - { who: sub, tracks: [chat] }
END

# A handshake with a relay that got these options besides; its files are in `out`.
handshake() { # OPTION...
    local port=$((20000 + ($$ + 7) % 20000)) pub i
    rm -rf out run
    mkdir out run
    "$BUILDDIR/fanbench-relay" --port "$port" --datapath user --protection tls --out out "$@" >relay.txt 2>&1 &
    relay_pid=$!
    for ((i = 0; i < 200; i++)); do ! grep -q ready relay.txt || break; sleep 0.05; done
    "$BUILDDIR/fanbench-peer" --scenario scenario.yaml --node pub --local 127.0.0.1:0 \
        --remote "127.0.0.1:$port" --out run >pub.txt 2>&1 &
    pub=$!
    for ((i = 0; i < 200; i++)); do ! grep -qs '"ev":"published"' run/pub-objects.jsonl || break; sleep 0.05; done
    kill -TERM "$pub"
    wait "$pub" || fail "the publisher failed: $(cat pub.txt)"
    kill -TERM "$relay_pid"
    wait "$relay_pid" || fail "the relay failed: $(cat relay.txt)"
    relay_pid=
    grep -q SERVER_TRAFFIC_SECRET_0 run/keys.log || fail 'there was no handshake'
}

# Each secret of the endpoint's log, in whatever the relay wrote or said.
told() {
    awk '{ print $3 }' run/keys.log | sort -u >secrets
    grep -rlF -f secrets out relay.txt || true
}

handshake
[ -z "$(told)" ] || fail "secrets that nobody asked for stand in $(told)"
[ ! -e out/keys.log ] || fail 'keys.log was written, and nobody asked for it'
handshake --keylog
[ "$(told)" = out/keys.log ] || fail "expected the secrets in out/keys.log alone, found them in: $(told)"
[ "$(stat -c %a out/keys.log)" = 600 ] || fail 'expected mode 600 of out/keys.log'

# A run asks for them: its captures are to be opened. Text of a key log is in no other file.
"$BUILDDIR/fanbench" run scenario.yaml --mode sim --out sim >tap 2>&1 || fail "the run failed: $(cat tap)"
files=0
while read -r file; do
    [ "$(stat -c %a "$file")" = 600 ] || fail "expected mode 600 of $file, found $(stat -c %a "$file")"
    files=$((files + 1))
done < <(grep -rl TRAFFIC_SECRET sim)
[ "$files" -eq 3 ] || fail "expected secrets in keys.log and two captures, found them in $files files"
