#!/usr/bin/env bash
# The man page says it all: each command, each option, each exit code, an example of each command,
# and each member of each JSON line that the commands write about a run.
set -euo pipefail

skip() { echo "skip: $*"; exit 77; }
for needed in fanbench quicpcap; do
  [ -x "$BUILDDIR/$needed" ] || skip "$needed is not built"
done
quicpcap=$BUILDDIR/quicpcap
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# the page without roff's marks
sed -e 's/\\-/-/g' -e 's/\\f[RPBI]//g' "$SRCDIR/pcap-tools/man/quicpcap.1" >"$work/page"
bad=0
complain() { echo "quicpcap.1: $*"; bad=1; }

# Lines of a section, and of one item in it.
section() { sed -n "/^\.SH $1\$/,/^\.SH /p" "$work/page"; }
item() { section "$1" | awk -v name="$2" '/^\.TP$/ { on = 0; next_is = 1; next } next_is { next_is = 0; on = $2 == name } on'; }

commands=$("$quicpcap" --help | sed -n '/^usage/,/^FILE/p' | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 12 ] || complain "found only the commands $commands"
for command in $commands; do
  section COMMANDS | grep -E "^\.(B|BI|BR) \"?$command\b" >/dev/null || complain "has no command $command"
  section EXAMPLES | grep "quicpcap $command " >/dev/null || [ "$command" = completion ] || complain "has no example of $command"
  while read -r option; do
    grep -qw -- "$option" <(section OPTIONS; section FILTERS) || complain "has no option $option of $command"
  done < <("$quicpcap" "$command" --help 2>/dev/null | grep -oE '^  --[a-z]+' | tr -d ' ')
done
for code in 0 1 2 3 4; do
  section 'EXIT STATUS' | grep -w "$code" >/dev/null || complain "has no exit code $code"
done

"$BUILDDIR/fanbench" run "$SRCDIR/scenarios/first/tls.yaml" --mode sim --out "$work/run" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
run=$work/run
[ -f "$run/manifest.json" ] || run=$work/run/tls
members=0
lines() { # COMMAND: what it writes, in JSON
  case $1 in
  follow) "$quicpcap" follow --json --stream 2 "$run" ;;
  diff) "$quicpcap" diff --json "$run/capture/relay-pub.pcapng" "$run/capture/relay-sub.0.pcapng" ;;
  mutate) "$quicpcap" mutate --json --operator number-repeated --places 1 "$run" ;;
  *) "$quicpcap" "$1" --json "$run" ;;
  esac 2>/dev/null
}
for command in summary explain packets acks streams objects follow diff verify mutate; do
  item 'JSON LINES' "$command" >"$work/item"
  lines "$command" >"$work/lines" || true
  [ -s "$work/lines" ] || complain "$command --json wrote nothing"
  for member in $(grep -oE '[{,]"[a-z_]+":' "$work/lines" | tr -d '{,":' | sort -u); do
    plain=${member#client_}
    plain=${plain#server_}
    grep -qwE -- "$member|$plain" "$work/item" || complain "does not say $member in $command --json"
    members=$((members + 1))
  done
done
[ "$members" -ge 100 ] || complain "only $members members were looked for"
[ "$bad" = 0 ]
echo "$members members"
