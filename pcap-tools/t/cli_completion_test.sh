#!/usr/bin/env bash
# The bash completion offers what the program takes: each option it names for a
# command is accepted there, and each command exists.
set -euo pipefail

quicpcap=$BUILDDIR/quicpcap
[ -x "$quicpcap" ] || { echo "skip: $quicpcap is not built"; exit 77; }
# shellcheck source=/dev/null
. "$SRCDIR/pcap-tools/completion/quicpcap"

# complete WORD...: what is offered for the last one
offers() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _quicpcap
  printf '%s\n' "${COMPREPLY[@]}"
}

value_of() {
  case $1 in
  --from) echo client ;;
  --frame) echo STREAM ;;
  *) echo 1 ;;
  esac
}

tested=0
for command in $(offers quicpcap '' | grep -v '^--'); do
  "$quicpcap" "$command" --help | grep -q "^usage: quicpcap $command" ||
    { echo "$command is offered and has no help"; exit 1; }
  for option in $(offers quicpcap "$command" --); do
    case $option in --json | --help | --keys) continue ;; esac
    words=("$option")
    [ "$option" = --hex ] || words+=("$(value_of "$option")")
    said=$("$quicpcap" "$command" "${words[@]}" /nonexistent.pcap 2>&1) || true
    case $said in
    *'unknown option'* | *'changes nothing here'* | *' found "'*)
      echo "$command $option is offered and refused: $said"
      exit 1
      ;;
    esac
    tested=$((tested + 1))
  done
done
[ "$tested" -ge 20 ] || { echo "only $tested options were offered, expected 20 or more"; exit 1; }
[ "$(offers quicpcap packets --from s)" = server ] || { echo '--from s: expected server'; exit 1; }
echo "$tested options"
