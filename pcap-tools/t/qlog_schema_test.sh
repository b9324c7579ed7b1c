#!/usr/bin/env bash
# timeout: 300
# What quicpcap qlog writes is valid by the members that the drafts rule (ci/cddl/qlog.cddl), each
# event that is hurt is refused, and qvis would load hybrid and qvis traces. npm's cddl, pinned in
# ci/cddl/package-lock.json, parses the schema; it is fetched once into the cache.
set -euo pipefail

skip() { echo "skip: $*"; exit 77; }
for needed in fanbench quicpcap t/pcap-tools/t/cli_qlog_test; do
  [ -x "$BUILDDIR/$needed" ] || skip "$needed is not built"
done
command -v node >/dev/null || skip 'node is not installed; it runs ci/cddl/check.mjs'
command -v npm >/dev/null || skip 'npm is not installed; it fetches the CDDL parser'

cddl=$SRCDIR/ci/cddl
cache=${FANBENCH_CACHE:-$HOME/.cache/fanbench}
parser=$cache/cddl-$(sha256sum <"$cddl/package-lock.json" | cut -c1-16)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ! -d "$parser" ]; then
  mkdir -p "$cache" "$work/npm"
  cp "$cddl"/package*.json "$work/npm"
  (cd "$work/npm" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1) || {
    ! grep -qE 'EINTEGRITY|EUSAGE' "$work/npm.log" || { cat "$work/npm.log"; exit 1; }
    skip "npm cannot fetch the CDDL parser: $(grep -m1 'code E' "$work/npm.log" || true)"
  }
  mv "$work/npm" "$parser.$$"
  mv -T "$parser.$$" "$parser" 2>/dev/null || rm -rf "$parser.$$"
fi

# runs with loss, migration, key updates, with and without protection; and hand-made captures
nice "$BUILDDIR/fanbench" run "$SRCDIR/scenarios/first/tls.yaml" "$SRCDIR/scenarios/network/loss.yaml" \
  "$SRCDIR/scenarios/reconnect/migrate.yaml" "$SRCDIR/scenarios/reconnect/update-keys-tls.yaml" --mode sim --out "$work/runs" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mkdir "$work/made"
FANBENCH_QLOG_KEEP=$work/made "$BUILDDIR/t/pcap-tools/t/cli_qlog_test" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for dialect in draft hybrid qvis; do
  for run in "$work"/runs/*/; do
    name=$(basename "$run")
    "$BUILDDIR/quicpcap" qlog --qlog=$dialect --out "$work/$dialect-$name" "$run" 2>"$work/log" || { cat "$work/log"; exit 1; }
  done
done

# the relay's own traces follow the same drafts
node "$cddl/check.mjs" "$parser" "$cddl/qlog.cddl" "$work"/runs/*/qlog/relay.sqlog >"$work/relay" ||
  { cat "$work/relay"; exit 1; }
node "$cddl/check.mjs" "$parser" "$cddl/qlog.cddl" "$work"/draft-*/* "$work"/made/* >"$work/valid" ||
  { cat "$work/valid"; exit 1; }
node "$cddl/check.mjs" "$parser" "$cddl/qlog.cddl" --hurt "$work"/draft-*/* "$work"/made/* >"$work/hurt" ||
  { cat "$work/hurt"; exit 1; }
head -n 1 "$work/hurt"
# every event that quicpcap can write stands in one of these files
missing=
tail -n 1 "$work/valid" | tr ' ' '\n' >"$work/kinds"
while read -r event; do
  grep -qx -- "$event" "$work/kinds" || missing+=" $event"
done < <(grep -ohE '"(quic|moqt|moqt20|loglevel):[a-z_]+"' "$SRCDIR"/pcap-tools/qlog/*.c | tr -d '"' | sort -u)
[ -z "$missing" ] || { echo "no file has$missing"; exit 1; }
# the two other dialects are no drafts, and the check has to see that
if node "$cddl/check.mjs" "$parser" "$cddl/qlog.cddl" "$work"/hybrid-*/* >/dev/null; then
  echo 'hybrid traces: expected complaints about members that the drafts do not have'
  exit 1
fi
for dialect in hybrid qvis; do
  node "$cddl/qvis.mjs" "$work/$dialect"-*/* >"$work/qvis" || { cat "$work/qvis"; exit 1; }
done
if node "$cddl/qvis.mjs" "$work"/draft-*/* >/dev/null; then
  echo 'draft traces: expected that qvis does not load them'
  exit 1
fi
tail -n 1 "$work/qvis"
