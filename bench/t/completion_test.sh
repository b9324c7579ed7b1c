#!/usr/bin/env bash
# The completion of fanbench offers each command, the options of its --help, their values, and
# scenario files.
set -euo pipefail

fanbench=$BUILDDIR/fanbench
[ -x "$fanbench" ] || { echo "skip: $fanbench is not built"; exit 77; }
# shellcheck source=/dev/null
. "$SRCDIR/bench/completion/fanbench"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

offers() {
  COMP_WORDS=("$fanbench" "$@")
  COMP_CWORD=$#
  _fanbench
  printf '%s\n' "${COMPREPLY[@]}"
}
expect() { # OFFERED WORD...
  local want=$1
  shift
  [ "$(offers "$@" | sort | tr '\n' ' ')" = "$want " ] || { echo "$*: expected $want, found $(offers "$@")"; exit 1; }
}

n=0
for command in $(offers '' | grep -v '^--'); do
  "$fanbench" "$command" --help | grep "^usage: fanbench $command" >/dev/null || { echo "$command is offered and has no help"; exit 1; }
  n=$((n + 1))
done
built=$("$fanbench" --help | sed -n '/^usage/,/^fanbench COMMAND/p' | grep -cE '^  [a-z]+ .*' || true)
missing=$("$fanbench" --help | grep -c 'not built yet' || true)
[ "$n" = "$((built - missing))" ] || { echo "$n commands are offered, expected $((built - missing))"; exit 1; }
expect 'run' ru
expect 'live sim' run x.yaml --mode ''
expect 'all failing' run --keep ''
offers run --s | grep -x -- --seeds >/dev/null || { echo 'run --s: expected --seeds'; exit 1; }
offers fate --p | grep -x -- --payload >/dev/null || { echo 'fate --p: expected --payload'; exit 1; }
mkdir "$work/more"
touch "$work/a.yaml" "$work/b.txt"
expect "$work/a.yaml $work/more" run "$work/"
echo "$n commands"
