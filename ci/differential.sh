#!/usr/bin/env bash
# The judge against tshark, on our `tls` captures and on those of other people's programs:
# every packet's type, number and frames, with stream ranges and ACK ranges, read by both
# and compared (pcap-tools/bench/second_opinion.c). Differences are listed; one that no
# rule explains is a failure. At last the comparison itself is tested: a difference planted
# into tshark's reading must be told each time.
#
#   ci/differential.sh [--readme] [NAME...]   names of the table; all if none is given
#
# --readme puts the table into README.md. Captures of others are made here and now: client
# and server of ngtcp2 with GnuTLS, and caddy with quic-go, unpacked from Debian's packages
# (ci/deps.sh --foreign), in a network namespace of their own, 20 s each at most. Keys come
# from a key log or stand in the file (`embedded`). Needs root for the namespace, tshark,
# openssl and a network for the first time; without one of them only our own are compared,
# and the exit code is 77.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
opinion=$BUILDDIR/t/pcap-tools/bench/second_opinion
mkdir -p "$BUILDDIR/bench"
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-differential.XXXXXX")
netns=fb-differential-$$
bad=0 reason=''
export LC_ALL=C TSHARK_RUN_AS_ROOT=1

# Whatever still runs in the namespace is ours.
leave() {
    if [ -n "${libs:-}" ]; then ip netns pids "$netns" 2>/dev/null | xargs -r kill -9 2>/dev/null || true; fi
    ip netns del "$netns" 2>/dev/null || true
    rm -rf "$work"
}
trap leave EXIT

readme=false
if [ "${1:-}" = --readme ]; then
    readme=true
    shift
fi
names=("$@")

wanted() { [ "${#names[@]}" -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]; }

# --- comparing ---------------------------------------------------------------

tshark_reads() { # CAPTURE KEYS|''
    tshark -n -r "$1" ${2:+-o "tls.keylog_file:$2"} -d udp.port==4433,quic \
        -T json --no-duplicate-keys -J 'frame quic' 2>"$work/tshark.err"
}

row() { # NAME PACKETS OPENED FRAMES STREAMS ACKS EXPLAINED UNEXPLAINED
    printf '%-22s %8s %8s %8s %8s %8s %10s %12s\n' "$@"
}

# Adds the counts of several captures of one name.
compare() { # NAME KEYS|'' CAPTURE...
    local name=$1 keys=$2 file said sum=(0 0 0 0 0 0 0) found i
    shift 2
    for file in "$@"; do
        said=0
        tshark_reads "$file" "$keys" >"$work/json" || true
        "$opinion" "$file" ${keys:+"$keys"} <"$work/json" >"$work/said" || said=$?
        if [ "$said" -ne 0 ]; then
            bad=1
            echo "$name: tshark and the judge differ on $(basename "$file")"
        fi
        sed '$d' "$work/said"
        read -r -a found < <(tail -n 1 "$work/said" | tr -dc '0-9 \n')
        [ "${#found[@]}" -eq 7 ] || found=(0 0 0 0 0 0 1)
        for i in "${!sum[@]}"; do sum[i]=$((sum[i] + found[i])); done
    done
    if [ "${sum[3]}" -lt 100 ] && [ "${sum[5]}" -lt 100 ]; then
        bad=1
        echo "$name: expected 100 stream ranges or more, found ${sum[3]}; what was compared proves nothing"
    fi
    row "$name" "${sum[@]}" >>"$work/table"
}

# --- our own -----------------------------------------------------------------

ours() { # NAME SCENARIO ARGUMENT...
    local name=$1 scenario=$SRCDIR/$2 files
    shift 2
    wanted "$name" || return 0
    "$BUILDDIR/fanbench" run "$scenario" --mode sim --out "$work/$name" "$@" >"$work/said" 2>&1 || {
        cat "$work/said"
        echo "differential: the run $name did not pass" >&2
        exit 1
    }
    mapfile -t files < <(find "$work/$name" -name '*.pcapng' | sort)
    compare "$name" '' "${files[@]}"
}

# --- of others ---------------------------------------------------------------

ready() { # COMMAND...: within 5 s
    local i
    for ((i = 0; i < 100; i++)); do
        if "$@"; then return 0; fi
        sleep 0.05
    done
    return 1
}

in_netns() { ip netns exec "$netns" env LD_LIBRARY_PATH="$libs" HOME="$work" XDG_DATA_HOME="$work" XDG_CONFIG_HOME="$work" "$@"; }
# The same in place of this shell: what runs in the background is the program itself.
become() { exec ip netns exec "$netns" env LD_LIBRARY_PATH="$libs" HOME="$work" XDG_DATA_HOME="$work" XDG_CONFIG_HOME="$work" "$@"; }
hears() { in_netns ss -Hlun 'sport = :4433' | grep -q .; }
captures() { grep -q '^File:' "$work/dumpcap.err"; }
# What a server sent last has to reach the file.
is_over() { ! kill -0 "$1" 2>/dev/null; }

stop() { # PID
    kill "$1" 2>/dev/null || true
    ready is_over "$1" || {
        echo "differential: process $1 does not end" >&2
        kill -9 "$1" 2>/dev/null || true
    }
    wait "$1" 2>/dev/null || true
}

# A capture of what the client does with the server; keys of the client.
exchange() { # NAME SERVER-FUNCTION CLIENT-ARGUMENT...; $again: how often the client comes
    local name=$1 server=$2 capture=$work/$1.pcapng dumping serving i
    shift 2
    : >"$work/dumpcap.err"
    become dumpcap -q -i lo -f 'udp port 4433' -w "$capture" >/dev/null 2>"$work/dumpcap.err" &
    dumping=$!
    "$server" >"$work/server.log" 2>&1 &
    serving=$!
    if ! ready captures || ! ready hears; then
        cat "$work/dumpcap.err" "$work/server.log"
        echo "differential: $name: the server does not listen or nothing is captured" >&2
        exit 1
    fi
    : >"$work/$name.keys"
    for ((i = 0; i < ${again:-1}; i++)); do
        in_netns env SSLKEYLOGFILE="$work/$name.keys" timeout 20 "$foreign/usr/bin/gtlsclient" -q --no-quic-dump --no-http-dump \
            --exit-on-all-streams-close "$@" >"$work/client.log" 2>&1 || {
            tail -n 20 "$work/client.log" "$work/server.log"
            echo "differential: $name: the client failed" >&2
            exit 1
        }
    done
    sleep 0.3
    stop "$dumping"
    stop "$serving"
}

server_options=()
gnutls_server() {
    become "$foreign/usr/sbin/gtlsserver" -q -d "$work/htdocs" \
        --max-gso-dgrams=1 "${server_options[@]}" 127.0.0.1 4433 "$work/key.pem" "$work/cert.pem"
}

quic_go_server() {
    become "$foreign/usr/bin/caddy" run --config "$work/Caddyfile"
}

prepare_others() {
    local size
    foreign=$("$SRCDIR/ci/deps.sh" --foreign) || {
        reason='the packages of ci/packages.foreign cannot be had'
        return 1
    }
    libs=$(find "$foreign/usr/lib" -name 'libngtcp2.so*' -printf '%h\n' | head -n 1)
    ip netns add "$netns"
    # No packet larger than a path of the real world lets through.
    in_netns ip link set lo mtu 1500 up
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout "$work/key.pem" -out "$work/cert.pem" >/dev/null 2>&1
    mkdir -p "$work/htdocs"
    for size in 1000 40000 300000; do head -c "$size" /dev/zero | tr '\0' x >"$work/htdocs/$size"; done
    cat >"$work/Caddyfile" <<EOF
{
	admin off
	auto_https off
	skip_install_trust
}
localhost:4433 {
	bind 127.0.0.1
	tls $work/cert.pem $work/key.pem
	root * $work/htdocs
	file_server
}
EOF
}

url=https://localhost:4433
get=(127.0.0.1 4433 "$url/300000" "$url/1000" "$url/40000")
only() { echo "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+$1"; }

others() {
    local again name
    for name in gnutls-aes128 gnutls-aes256-retry gnutls-chacha20-embed gnutls-ccm gnutls-loss gnutls-key-update \
        gnutls-rebinding gnutls-migration gnutls-0rtt gnutls-empty-id quic-go quic-go-loss quic-go-embedded; do
        wanted "$name" || continue
        again=1 server_options=()
        case $name in
            gnutls-aes128) exchange "$name" gnutls_server "${get[@]}" ;;
            gnutls-aes256-retry)
                server_options=(-V)
                exchange "$name" gnutls_server --ciphers "$(only AES-256-GCM)" "${get[@]}"
                ;;
            gnutls-chacha20-embed) exchange "$name" gnutls_server --ciphers "$(only CHACHA20-POLY1305)" "${get[@]}" ;;
            gnutls-ccm) exchange "$name" gnutls_server --ciphers "$(only AES-128-CCM)" "${get[@]}" ;;
            gnutls-loss)
                server_options=(-t 0.05)
                exchange "$name" gnutls_server -t 0.05 -r 0.05 "${get[@]}" "$url/300000" "$url/300000"
                ;;
            gnutls-key-update) exchange "$name" gnutls_server --key-update=1ms --delay-stream=50ms "${get[@]}" ;;
            gnutls-rebinding) exchange "$name" gnutls_server --change-local-addr=1ms --nat-rebinding --delay-stream=50ms "${get[@]}" ;;
            gnutls-migration) exchange "$name" gnutls_server --change-local-addr=1ms --delay-stream=50ms "${get[@]}" ;;
            gnutls-0rtt)
                again=2
                exchange "$name" gnutls_server --session-file="$work/session" --tp-file="$work/parameters" "${get[@]}"
                ;;
            gnutls-empty-id) exchange "$name" gnutls_server --scid= "${get[@]}" ;;
            quic-go | quic-go-embedded) exchange "$name" quic_go_server "${get[@]}" ;;
            quic-go-loss) exchange "$name" quic_go_server -t 0.05 -r 0.05 "${get[@]}" "$url/300000" "$url/300000" ;;
        esac
        case $name in
            *-embed*)
                editcap --inject-secrets "tls,$work/$name.keys" "$work/$name.pcapng" "$work/$name-with.pcapng"
                compare "$name" '' "$work/$name-with.pcapng"
                ;;
            *) compare "$name" "$work/$name.keys" "$work/$name.pcapng" ;;
        esac
    done
}

# --- the comparison itself ---------------------------------------------------

# tshark's reading of the first `tls` capture with one thing changed: each must be told.
planted() {
    local file plants plant what n=0 told=0
    file=$(find "$work/tls" -name 'relay-sub.0.pcapng')
    tshark_reads "$file" '' >"$work/json"
    plants=(
        's/"quic.packet_number": "12"/"quic.packet_number": "13"/'
        's/"quic.stream.stream_id": "7"/"quic.stream.stream_id": "11"/'
        's/"quic.stream.offset": "\([0-9]*\)"/"quic.stream.offset": "1\1"/'
        's/"quic.stream.length": "\([0-9]*\)"/"quic.stream.length": "1\1"/'
        's/"quic.stream.fin": "0"/"quic.stream.fin": "1"/'
        's/"quic.ack.largest_acknowledged": "\([0-9]*\)"/"quic.ack.largest_acknowledged": "1\1"/'
        's/"quic.ack.first_ack_range": "\([1-9][0-9]*\)"/"quic.ack.first_ack_range": "0"/'
        's/"quic.frame_type": "30"/"quic.frame_type": "1"/'
        's/"quic.nci.sequence": "3"/"quic.nci.sequence": "4"/'
        's/"quic.long.packet_type": "2"/"quic.long.packet_type": "0"/'
        's/"quic": {/"gone": {/'
        's/"quic.frame": {/"gone": {/'
    )
    for plant in "${plants[@]}"; do
        n=$((n + 1))
        what=${plant#s/}
        # Only the first place is changed: all lines up to it, by the same expression.
        sed "0,/${what%%/*}/$plant" "$work/json" >"$work/planted"
        if cmp -s "$work/json" "$work/planted"; then
            echo "planted: nothing in the capture for $plant"
            bad=1
        elif "$opinion" "$file" <"$work/planted" >"$work/said"; then
            echo "planted: not told: $plant"
            bad=1
        elif ! grep -q ' 1 unexplained$' "$work/said"; then
            echo "planted: expected one difference for $plant, found $(tail -n 1 "$work/said")"
            bad=1
        else
            told=$((told + 1))
        fi
    done
    echo "planted into tshark's reading: $n differences, told $told" >>"$work/table"
}

# --- main --------------------------------------------------------------------

command -v tshark >/dev/null || {
    echo 'tshark is not installed'
    exit 77
}
[ -x "$opinion" ] || {
    echo "$opinion is not built: make build/t/pcap-tools/bench/second_opinion" >&2
    exit 2
}
{
    row capture packets opened frames streams ACKs explained unexplained
} >"$work/table"
ours tls scenarios/first/tls.yaml
ours tls-loss scenarios/first/tls.yaml --set links.1.loss=3%
ours tls-chacha20 scenarios/first/quickstart.yaml
ours tls-chacha20-stock scenarios/first/quickstart-stock.yaml
ours tls-moves pcap-tools/bench/tls-moves.yaml
if [ "$(id -u)" -ne 0 ]; then
    reason='needs root: a network namespace for other people'\''s programs'
elif ! command -v openssl >/dev/null || ! command -v dumpcap >/dev/null; then
    reason='openssl or dumpcap is not installed'
elif prepare_others; then
    others
fi
if wanted tls; then planted; fi
tee "$BUILDDIR/bench/differential.txt" <"$work/table"
if $readme; then "$SRCDIR/ci/readme-table.sh" differential "$BUILDDIR/bench/differential.txt"; fi
if [ "$bad" -ne 0 ]; then exit 1; fi
if [ -n "$reason" ]; then
    echo "$reason"
    exit 77
fi
