#!/usr/bin/env bash
# The relay's qlog names each 1-RTT packet that left it, under the number on the wire, once:
# held against the ledger (what the relay believes) and the captures (what the judge opens).
set -euo pipefail
cd "$SRCDIR"
build=$BUILDDIR
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tests=0 failed=0

result() { # RC NAME
    tests=$((tests + 1))
    [[ $1 == 0 ]] && echo "ok $tests - $2" && return
    failed=$((failed + 1))
    echo "not ok $tests - $2"
}

# "conn number" of the packets that left, sorted.
of_qlog() {
    grep -a '"name":"quic:packet_sent"' "$1/qlog/relay.sqlog" |
        sed -E 's/.*"group_id":"([0-9a-f]+)".*"packet_number":([0-9]+).*/\1 \2/' | sort
}
of_captures() {
    local capture
    for capture in "$1"/capture/relay-*.pcapng; do
        "$build/quicpcap" packets --json "$capture"
    done | grep '"from":"server","type":"1-RTT"' |
        sed -E 's/.*"number":([0-9]+).*"odcid":"([0-9a-f]+)".*/\2 \1/' | sort
}
of_ledger() {
    grep '"ev":"number"' "$1/relay-ledger.jsonl" | grep -v '"origin":"burned"' |
        grep -v '"fate":"never-sent"' |
        sed -E 's/.*"conn":"([0-9a-f]+)","pn":([0-9]+).*/\1 \2/' | sort
}

play() { # NAME FILE ARGUMENT...
    local name=$1 file=$2
    shift 2
    "$build/fanbench" run "$file" --mode sim --out "$dir/$name" "$@" >/dev/null 2>"$dir/$name.err" ||
        { cat "$dir/$name.err" && return 1; }
    of_qlog "$dir/$name" >"$dir/$name.qlog"
    of_captures "$dir/$name" >"$dir/$name.wire"
    [[ -s $dir/$name.qlog && -s $dir/$name.wire ]]
}

same() { # NAME WHAT: the files differ in nothing
    diff "$dir/$1.qlog" "$dir/$1.$2" | head -5
    cmp -s "$dir/$1.qlog" "$dir/$1.$2"
}

for datapath in kernel user stock; do
    play "$datapath" scenarios/network/loss.yaml --set "nodes.relay.datapath=$datapath"
    same "$datapath" wire && rc=0 || rc=1
    result $rc "$datapath: the qlog and the captures name the same packets"
done

of_ledger "$dir/kernel" >"$dir/kernel.ledger"
# the ledger has the subscribers' connections alone
cut -d' ' -f1 "$dir/kernel.ledger" | sort -u >"$dir/subscribers"
grep -F -f "$dir/subscribers" "$dir/kernel.qlog" >"$dir/kernel.copies.qlog"
cmp -s "$dir/kernel.ledger" "$dir/kernel.copies.qlog" && rc=0 || rc=1
result $rc "the qlog and the ledger name the same numbers"

# what the comparison must notice
sed '5d' "$dir/kernel.qlog" >"$dir/hurt.qlog"
cp "$dir/kernel.wire" "$dir/hurt.wire"
same hurt wire >/dev/null && rc=1 || rc=0
result $rc "a packet left out of the qlog is noticed"

# every event of a kind, and each record is one whole line
for event in connection_started packet_received packets_acked packet_lost \
    recovery_metrics_updated connection_closed; do
    grep -aq "\"name\":\"quic:$event\"" "$dir/kernel/qlog/relay.sqlog" && rc=0 || rc=1
    result $rc "event $event"
done
grep -avc $'^\x1e{.*}$' "$dir/kernel/qlog/relay.sqlog" >/dev/null && rc=1 || rc=0
result $rc "each record begins with RS and is one object"
echo "1..$tests"
exit $((failed > 0))
