#!/usr/bin/env bash
# A capture of a `tls` run opens in tshark without any setting: the secrets are in
# it, in front of the packets, and every packet of both directions is decrypted: of plain
# ngtcp2 streams, and of datapath kernel with each cipher, key updates in the middle.
# timeout: 400
set -euo pipefail
export TSHARK_RUN_AS_ROOT=1

if [ "$(id -u)" -ne 0 ]; then
  echo "needs root: live runs make network namespaces"
  exit 77
fi
if ! command -v tshark >/dev/null; then
  echo "tshark is not installed"
  exit 77
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fail() {
  echo "FAIL: $*"
  exit 1
}

count() { # CAPTURE FILTER
  tshark -n -r "$1" -Y "$2" -T fields -e frame.number | wc -l
}
# An opened packet has frames; one that stays shut has none, or says why.
shut='quic.decryption_failed || (quic.short && !quic.frame_type)'

# Runs it live; of each capture tshark must open every packet.
decrypted() { # NAME SCENARIO FILES ARGUMENT...
  local name=$1 scenario=$SRCDIR/$2 expected=$3 files=0 capture hidden packets=0
  shift 3
  "$BUILDDIR/fanbench" run "$scenario" --mode live --out "$out/$name" "$@" >"$out/tap" 2>"$out/talk" || {
    local code=$?
    cat "$out/tap" "$out/talk"
    # Inconclusive: the machine was late. Its packets are as good as any.
    [ "$code" -eq 4 ] || fail "$name: the run did not pass"
  }
  for capture in "$out/$name"/capture/*.pcapng; do
    tshark -n -r "$capture" -Y quic.stream.stream_id -T fields \
      -e udp.srcport -e quic.stream.stream_id >"$out/streams" 2>"$out/err" || fail "tshark: $(cat "$out/err")"
    grep -q '^4433' "$out/streams" || fail "$capture: no decrypted STREAM frame from the relay"
    grep -qv '^4433' "$out/streams" || fail "$capture: no decrypted STREAM frame to the relay"
    hidden=$(count "$capture" "$shut")
    [ "$hidden" -eq 0 ] || fail "$capture: $hidden packets were not decrypted"
    packets=$((packets + $(count "$capture" quic.short)))
    files=$((files + 1))
  done
  [ "$files" -eq "$expected" ] || fail "$name: expected $expected captures, found $files"
  echo "$name: $packets 1-RTT packets, all decrypted"
}

# Both key phases are there, in either direction.
updated() { # NAME
  local capture phases
  for capture in "$out/$1"/capture/*.pcapng; do
    phases=$(tshark -n -r "$capture" -Y quic.short -T fields -e quic.key_phase | tr ',' '\n' | sort -u | grep -c .)
    [ "$phases" -eq 2 ] || fail "$capture: expected both key phases, found $phases"
  done
}

decrypted stock scenarios/first/tls.yaml 4
for cipher in chacha20 aes128gcm; do
  decrypted "$cipher" scenarios/reconnect/update-keys.yaml 4 --set "nodes.relay.protection=tls" --set "nodes.relay.cipher=$cipher"
  grep -q '"decision":"send"' "$out/$cipher/relay-copies.jsonl" || fail "$cipher: the datapath copied nothing"
  updated "$cipher"
done

# So the cases above can fail: without its secrets nothing opens.
editcap --discard-all-secrets "$out/chacha20/capture/relay-sub.0.pcapng" "$out/shut.pcapng"
[ "$(count "$out/shut.pcapng" "$shut")" -eq "$(count "$out/shut.pcapng" quic.short)" ] ||
  fail 'packets that nobody can open count as decrypted'
