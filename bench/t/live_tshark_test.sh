#!/usr/bin/env bash
# A capture of a `tls` run opens in tshark without any setting: the secrets are in
# it, in front of the packets, and STREAM frames of both directions are decrypted.
# timeout: 200
set -euo pipefail

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

"$BUILDDIR/fanbench" run "$SRCDIR/scenarios/first/tls.yaml" --mode live --out "$out/run" \
  >"$out/tap" 2>"$out/talk" || {
  cat "$out/tap" "$out/talk"
  fail "the run did not pass"
}

files=0
for capture in "$out"/run/capture/*.pcapng; do
  tshark -n -r "$capture" -Y quic.stream.stream_id -T fields \
    -e udp.srcport -e quic.stream.stream_id >"$out/streams" 2>"$out/err" || fail "tshark: $(cat "$out/err")"
  grep -q '^4433' "$out/streams" || fail "$capture: no decrypted STREAM frame from the relay"
  grep -qv '^4433' "$out/streams" || fail "$capture: no decrypted STREAM frame to the relay"
  hidden=$(tshark -n -r "$capture" \
    -Y 'quic.decryption_failed' -T fields -e frame.number | wc -l)
  [ "$hidden" -eq 0 ] || fail "$capture: $hidden packets were not decrypted"
  files=$((files + 1))
done
[ "$files" -eq 4 ] || fail "expected 4 captures, found $files"
