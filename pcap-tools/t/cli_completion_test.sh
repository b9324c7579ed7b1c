#!/usr/bin/env bash
# The completions offer what the program takes, and all of it: each option they name for a
# command is accepted there, each option of its --help is offered, each command exists. bash is
# sourced; zsh reads its script if it is installed, else bash reads it, and each
# option has to stand in it.
set -euo pipefail

quicpcap=$BUILDDIR/quicpcap
[ -x "$quicpcap" ] || { echo "skip: $quicpcap is not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$quicpcap" completion bash >"$work/bash"
"$quicpcap" completion zsh >"$work/_quicpcap"
# shellcheck source=/dev/null
. "$work/bash"

# offers WORD...: what is offered for the last one
offers() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _quicpcap
  printf '%s\n' "${COMPREPLY[@]}"
}

value_of() {
  case $1 in
  --from | --vantage) echo client ;;
  --frame) echo STREAM ;;
  --qlog) echo hybrid ;;
  *) echo 1 ;;
  esac
}

takes_value() { # OPTION COMMAND
  "$quicpcap" "$2" --help | grep -E "^  $1 [A-Z]" >/dev/null
}

accepted() { # COMMAND OPTION
  local words=("$2") said
  ! takes_value "$2" "$1" || words+=("$(value_of "$2")")
  said=$(cd "$work" && "$quicpcap" "$1" "${words[@]}" /nonexistent.pcap 2>&1) || true
  case $said in
  *'unknown option'* | *'changes nothing here'* | *"$2: expected "*)
    echo "$1 $2 is offered and refused: $said"
    exit 1
    ;;
  esac
}

tested=0
for command in $(offers quicpcap '' | grep -v '^--'); do
  [ "$command" != completion ] || continue
  "$quicpcap" "$command" --help | grep "^usage: quicpcap $command" >/dev/null ||
    { echo "$command is offered and has no help"; exit 1; }
  "$quicpcap" --help | grep "^  $command " >/dev/null || { echo "$command is not in --help"; exit 1; }
  offered=$(offers quicpcap "$command" -- | grep -vx -- --help | sort)
  told=$("$quicpcap" "$command" --help | grep -oE '^  --[a-z]+' | tr -d ' ' | sort)
  [ "$offered" = "$told" ] ||
    { echo "$command: offered and in --help differ:"; diff <(echo "$offered") <(echo "$told"); exit 1; }
  # the part of the zsh script about this command
  zsh_part=$(sed -n "/^  $command)\$/,/^    ;;/p" "$work/_quicpcap")
  for option in $offered; do
    accepted "$command" "$option"
    grep -qE "^      '$option=?\[[^]]+\]" <<<"$zsh_part" ||
      { echo "zsh does not offer $command $option"; exit 1; }
    tested=$((tested + 1))
  done
  [ "$(grep -cE "^      '--" <<<"$zsh_part")" = "$(($(wc -l <<<"$offered") + 1))" ] ||
    { echo "zsh offers more for $command: $zsh_part"; exit 1; }
done
[ "$tested" -ge 40 ] || { echo "only $tested options were offered, expected 40 or more"; exit 1; }

expect() { # OFFERED WORD...
  local want=$1
  shift
  [ "$(offers "$@" | sort | tr '\n' ' ')" = "$want " ] || { echo "$*: expected $want, found $(offers "$@")"; exit 1; }
}
expect server quicpcap packets --from s
expect 'hybrid' quicpcap qlog --qlog = h
expect 'draft hybrid qvis' quicpcap qlog --qlog =
expect 'bash zsh' quicpcap completion ''
expect '' quicpcap packets --conn ''
mkdir -p "$work/in/run"
touch "$work/in/a.pcap" "$work/in/b.txt"
expect "$work/in/a.pcap $work/in/run" quicpcap packets "$work/in/"
expect "$work/in/a.pcap $work/in/b.txt $work/in/run" quicpcap packets --keys "$work/in/"

if command -v zsh >/dev/null; then
  zsh -n "$work/_quicpcap"
else
  # what it uses of quoting and compounds bash has too
  bash -n "$work/_quicpcap"
fi
if "$quicpcap" completion fish >/dev/null 2>"$work/said"; then
  echo 'completion fish: expected a refusal'
  exit 1
fi
grep -q 'expected bash or zsh, found "fish"' "$work/said"
echo "$tested options"
