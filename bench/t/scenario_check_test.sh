#!/usr/bin/env bash
# `fanbench check`: says of each bad file what it must, and nothing of a good one.
set -euo pipefail

bench=$BUILDDIR/fanbench
[ -x "$bench" ] || {
    echo "$bench is not built"
    exit 77
}
cd "$SRCDIR/scenarios/bad"
failed=0
checked=0

wrong() { # TEXT...
    printf '%s\n' "$@" >&2
    failed=1
}

expectation() { # FILE: what follows "# expect: " in it or in its .expect
    local line=''
    # A binary file is no text: its NUL bytes are not for the shell.
    line=$(head -n 1 "$1" | tr -d '\0')
    case $line in
        '# expect: '*) ;;
        *) line=$(head -n 1 "${1%.yaml}.expect") ;;
    esac
    printf '%s' "${line#\# expect: }"
}

for file in *.yaml; do
    expected=$(expectation "$file")
    # "LINE:COL: TEXT" is about the file itself, "FILE:LINE:COL: TEXT" about another.
    other=$(printf '%s' "$expected" | sed -n 's/^\([^:]*\.csv\):.*/\1/p')
    rest=${expected#"$other":}
    place=$(printf '%s' "$rest" | cut -d : -f 1-2)
    text=${rest#"$place": }
    want="${other:-$file}:$place: error: $text"
    rc=0
    said=$("$bench" check "$file" 2>&1) || rc=$?
    [ "$rc" -eq 2 ] || wrong "$file: expected exit 2, found $rc"
    printf '%s\n' "$said" | grep -qF -- "$want" || wrong "$file: expected $want" "found: $said"
    checked=$((checked + 1))
done
[ "$checked" -ge 40 ] || wrong "expected at least 40 bad files, found $checked"

good=("$SRCDIR"/scenarios/first/*.yaml "$SRCDIR"/scenarios/load/*.yaml)
"$bench" check "${good[@]}" || wrong "expected the good files to pass"

# One bad file among good ones is enough.
rc=0
"$bench" check "${good[0]}" tab.yaml "${good[1]}" >/dev/null 2>&1 || rc=$?
[ "$rc" -eq 2 ] || wrong "expected exit 2 for a bad file among good ones, found $rc"
exit "$failed"
