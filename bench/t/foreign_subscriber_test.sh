#!/usr/bin/env bash
# A stack that is not ours takes copies of the fast path: the client of ngtcp2 with GnuTLS,
# which knows HTTP/3 and no MoQT. `fanbench-relay --fan-out-to h3=pub/TRACK` fans a track out
# to it unasked; HTTP/3 ignores unidirectional streams of unknown types (RFC 9114 9), and its
# library answers STOP_SENDING to those that do not end with their first packet.
#
# Each row is one run, both ciphers: what the client was sent, by the judge, from a capture
# on the client's interface and the client's own key log; and how much of it the datapath sent.
# timeout: 300
set -euo pipefail

say_skip() {
    echo "$1"
    exit 77
}
[ "$(id -u)" -eq 0 ] || say_skip 'needs root: the datapath is loaded, and network namespaces are made'
command -v dumpcap >/dev/null || say_skip 'dumpcap is not installed'
foreign=$("$SRCDIR/ci/deps.sh" --foreign 2>/dev/null) ||
    say_skip 'the packages of ci/packages.foreign cannot be had'
libs=$(find "$foreign/usr/lib" -name 'libngtcp2.so*' -printf '%h\n' | head -n 1)

dir=$(mktemp -d)
net=fb-foreign-$$
running=()
finish() {
    [ "${#running[@]}" -eq 0 ] || kill -KILL "${running[@]}" 2>/dev/null || true
    for host in pub relay sub; do ip netns del "$net-$host" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap finish EXIT

fail() {
    echo "FAILED: $*"
    tail -n 5 "$dir"/*.txt || true
    exit 1
}

# --- network: publisher - relay - client ---------------------------------------------------

on() { # HOST COMMAND...: in place of this shell
    local host=$1
    shift
    exec ip netns exec "$net-$host" "$@"
}
join() { # HOST NUMBER: 10.9.NUMBER.1 is the relay, .2 the host
    ip -n "$net-relay" link add "to-$1" type veth peer name eth0 netns "$net-$1"
    ip -n "$net-relay" addr add "10.9.$2.1/24" dev "to-$1"
    ip -n "$net-$1" addr add "10.9.$2.2/24" dev eth0
    ip -n "$net-relay" link set "to-$1" up
    ip -n "$net-$1" link set eth0 up
    # A super-packet goes the slow path.
    ip netns exec "$net-$1" ethtool -K eth0 tx-udp-segmentation off gro off >/dev/null 2>&1 || true
}
for host in pub relay sub; do
    ip netns add "$net-$host"
    ip -n "$net-$host" link set lo up
done
join pub 1
join sub 2

# --- one run ---------------------------------------------------------------------------------

wait_for() { # FILE TEXT
    for _ in $(seq 200); do
        ! grep -qF -- "$2" "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "waited 10 s for \"$2\" in $(basename "$1")"
}
gone() { # PID SIGNAL
    kill "-$2" "$1" 2>/dev/null || true
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "process $1 does not end"
}

cat >"$dir/scenario.yaml" <<'END'
scenario: foreign-subscriber
duration: 4s
nodes:
  pub:   { role: publisher }
  relay: { role: relay, datapath: kernel, protection: tls }
  sub:   { role: subscriber }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  objects: { from: pub, as: subgroups, subgroup: object, every: 1ms, size: 900 }
  groups:  { from: pub, as: subgroups, subgroup: group, group: 10, every: 1ms, size: 900 }
subscriptions:
  - { who: sub, tracks: [objects, groups] }
END

# number of rows of packets that say all of the given
count() { # FILTER...
    "$BUILDDIR/quicpcap" packets --json --keys "$dir/keys" "$@" "$dir/client.pcapng" | wc -l
}

run() { # CIPHER TRACK COPIES STOPPED: the two at least
    local cipher=$1 track=$2 relay client capture pub stopped copies sent taken
    rm -rf "$dir/out" "$dir/run" "$dir/keys" "$dir"/*.txt "$dir/client.pcapng"
    mkdir "$dir/out" "$dir/run"
    sed "s/datapath: kernel/&, cipher: $cipher/" "$dir/scenario.yaml" >"$dir/run/scenario.yaml"
    (on relay "$BUILDDIR/fanbench-relay" --datapath kernel --protection tls --cipher "$cipher" --out "$dir/out" \
        --fan-out-to "h3=pub/$track") >"$dir/relay.txt" 2>&1 &
    relay=$!
    (on sub dumpcap -q -i eth0 -f 'udp port 4433' -w "$dir/client.pcapng") >"$dir/dumpcap.txt" 2>&1 &
    capture=$!
    running=("$relay" "$capture")
    wait_for "$dir/relay.txt" ready
    wait_for "$dir/dumpcap.txt" File:
    (on sub env LD_LIBRARY_PATH="$libs" SSLKEYLOGFILE="$dir/keys" "$foreign/usr/bin/gtlsclient" \
        --no-quic-dump --no-http-dump --max-streams-uni=100000 10.9.2.1 4433) >"$dir/client.txt" 2>&1 &
    client=$!
    running+=("$client")
    wait_for "$dir/client.txt" 'QUIC handshake has been confirmed'
    (on pub "$BUILDDIR/fanbench-peer" --scenario "$dir/run/scenario.yaml" --node pub --local 10.9.1.2:0 \
        --remote 10.9.1.1:4433 --out "$dir/run") >"$dir/pub.txt" 2>&1 &
    pub=$!
    running+=("$pub")
    sleep 5
    kill -0 "$client" 2>/dev/null || fail "$cipher: the client ended by itself: $(tail -n 3 "$dir/client.txt")"
    gone "$client" INT
    gone "$pub" TERM
    gone "$relay" TERM
    sleep 0.2
    gone "$capture" INT
    running=()

    sent=$(count --from server --frame STREAM)
    stopped=$(count --from client --frame STOP_SENDING)
    # One line a frame; a packet of copies may have several.
    copies=$(sed -n '/"decision":"send"/s/.*"pn":\([0-9]*\).*/\1/p' "$dir/out/relay-copies.jsonl" | sort -u | wc -l)
    taken=$(grep -c 'pkt rx .*type=1RTT' "$dir/client.txt" || true)
    [ "$sent" -gt 0 ] || fail "$cipher $track: no packet with STREAM frames opens with the client's keys"
    printf '%-10s %-8s %8s %8s %8s %9s%% %14s\n' "$cipher" "$track" "$sent" "$taken" "$copies" $((copies * 100 / sent)) "$stopped"
    [ "$copies" -ge "$3" ] || fail "$cipher $track: expected $3 copies at least, found $copies"
    [ "$taken" -ge "$copies" ] || fail "$cipher $track: the client opened $taken packets of $copies copies"
    [ "$stopped" -ge "$4" ] || fail "$cipher $track: expected $4 STOP_SENDING at least, found $stopped"
    # The end was ours to say, and no error was found until then by either side.
    grep 'frm tx .*CONNECTION_CLOSE' "$dir/client.txt" | grep -qv 'error_code=NO_ERROR' &&
        fail "$cipher $track: the client found an error: $(grep 'CONNECTION_CLOSE' "$dir/client.txt")"
    ! grep -q 'frm rx .*CONNECTION_CLOSE' "$dir/client.txt" || fail "$cipher $track: the relay closed the connection"
}

printf '%-10s %-8s %8s %8s %8s %10s %14s\n' cipher track packets taken copies 'fast path' STOP_SENDING
run chacha20 objects 2000 0
run aes128gcm objects 2000 0
# Streams of ten packets: each is stopped, and what is stopped is reset.
run chacha20 groups 100 50
