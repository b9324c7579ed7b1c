#!/usr/bin/env bash
# timeout: 600
# fanbench explain: every check, defect and decision has its page, whole and within 100 columns,
# from any folder, with nothing beside the program; what it says of the code and of the tests
# that hold a cure is there; names that do not exist are refused.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/tmp" "$dir/empty"
cp "$BUILDDIR/fanbench" "$dir/bin/"
fanbench=$dir/bin/fanbench
export TMPDIR=$dir/tmp
bad=0

fail() {
    echo "explain: $1" >&2
    bad=1
}

# page NAME TITLE...: it has these titles with text below each, in JSON too.
page() {
    local name=$1 title rc=0
    shift
    (cd "$dir/empty" && "$fanbench" explain "$name") >"$dir/page" 2>"$dir/err" || rc=$?
    [ "$rc" -eq 0 ] || fail "$name: exit $rc: $(cat "$dir/err")"
    [ -s "$dir/err" ] && fail "$name: says $(cat "$dir/err")"
    awk -v name="$name" 'length($0) > 100 { print name ": over 100 columns: " $0; found = 1 }
        END { exit found }' "$dir/page" >&2 || bad=1
    ! grep -nE 'not said|no such|\(null\)' "$dir/page" || fail "$name: lacks something"
    for title in "$@"; do
        awk -v title="$title" 'index($0, title) == 1 { getline; if (/^  ./) found = 1 }
            END { exit !found }' "$dir/page" || fail "$name: nothing below \"$title\""
    done
}

list() {
    "$fanbench" list "$1" --json | sed -E 's/^\{"name":"([^"]*)".*/\1/'
}

n=0
for name in $(list --checks); do
    page "$name" "Check $name (" 'What it looks at' 'Where it looks from' 'What it excuses' \
        'Where the rule comes from' 'Known bugs it convicts' 'Mutations' 'See it at work' 'The code'
    [ -f "$SRCDIR/$(tail -1 "$dir/page" | tr -d ' ')" ] || fail "$name: its code is elsewhere"
    n=$((n + 1))
done
[ "$n" -ge 32 ] || fail "expected 32 checks or more, found $n"

n=0
for name in $(list --defects); do
    n=$((n + 1))
    page "$name" "Defect $n: $name" 'What a person saw' 'What is wrong' 'How it is caught' \
        'The packets, with the bug' 'The same place without it' 'What prevents it now' \
        'See it yourself'
    convicted=$(sed -nE 's/^  must tell: ([a-z-]+) .*/\1/p' "$dir/page")
    grep -qE "^  $convicted: fails, [1-9][0-9]* findings" "$dir/page" || fail "$name: no finding"
    grep -qE "^  $convicted: passes, [1-9][0-9]* items" "$dir/page" || fail "$name: no pass without"
    for word in expected actual because; do
        grep -qE "^    $word +." "$dir/page" || fail "$name: a finding without \"$word\""
    done
    # The places of the switch are in the code, on these lines.
    places=0
    while read -r place code; do
        sed -n "${place##*:}p" "$SRCDIR/${place%:*}" | grep -qF -- "$code" || fail "$name: $place"
        places=$((places + 1))
    done < <(sed -nE 's/^    ((bpf|relay)\/[a-z_\/]+\.[ch]:[0-9]+) (.*)/\1 \3/p' "$dir/page")
    # Whatever else tells has its reason in the scenario; "not said" is refused above.
    ! grep -q '^  tell too:' "$dir/page" || grep -q '^  # Told too: ' "$SRCDIR"/scenarios/defects/*-"$name".yaml ||
        fail "$name: no word why other checks tell too"
    # The test that holds its cure exists, and is run: it is in a table or a main().
    held=$(sed -nE 's/^  held by:   (.*)/\1/p' "$dir/page")
    [ -f "$SRCDIR/${held%%: *}" ] || fail "$name: expected a test file, found \"$held\""
    grep -qE "^static .*[ *]${held##*: }\(" "$SRCDIR/${held%%: *}" || fail "$name: no test \"$held\""
    [ "$(grep -cw -- "${held##*: }" "$SRCDIR/${held%%: *}")" -ge 2 ] || fail "$name: \"$held\" is not run"
    [ "$places" -gt 0 ] || fail "$name: the switch stands nowhere"
done
[ "$n" -eq 30 ] || fail "expected 30 defects, found $n"
"$fanbench" explain 10 | grep -q '^Defect 10: racy-pn' || fail 'a defect is not known by its number'
"$fanbench" explain 10-racy-pn | grep -q '^Defect 10: racy-pn' || fail 'nor by its scenario'

n=0
while read -r name; do
    page "$name" "Decision $name (" 'Who sends it then' 'Where it shows' 'See it' 'The code'
    n=$((n + 1))
done < <(sed -nE 's/^  X\([A-Z_]+, "([a-z-]+)".*/\1/p' "$SRCDIR/bpf/abi/decision.h")
[ "$n" -ge 40 ] || fail "expected 40 decisions or more, found $n"

for name in racy-pn latency held; do
    "$fanbench" explain "$name" --json >"$dir/json"
    grep -qE '^\{"kind":"(check|defect|decision)","name":"'"$name"'","sections":\[\{"title":.*\]\}$' \
        "$dir/json" || fail "$name: JSON"
    [ "$(grep -o '"title":"[^"]*","text":\["[^"]' "$dir/json" | wc -l)" -ge 4 ] || fail "$name: sections"
done

# refused ARGUMENT...: exit 2, and the word behind -- is said.
refused() {
    local said=$1 rc=0
    shift
    "$fanbench" explain "$@" >"$dir/out" 2>"$dir/err" || rc=$?
    [ "$rc" -eq 2 ] || fail "expected exit 2 of explain $*, found $rc"
    grep -q -- "$said" "$dir/err" || fail "expected \"$said\", found $(cat "$dir/err")"
    [ -s "$dir/out" ] && fail "explain $*: stdout is not empty"
    return 0
}
refused 'near it: racy-pn' racy-np
refused 'near it: .*pn-unique' unique
refused 'what to do' nothing-like-that-anywhere
refused 'expected one name, found 0'
refused 'expected one name, found 2' racy-pn held
refused 'no option --quick' racy-pn --quick
rc=0
TMPDIR=$dir/none "$fanbench" explain racy-pn >/dev/null 2>"$dir/err" || rc=$?
[ "$rc" -eq 3 ] || fail "expected exit 3 without room for files, found $rc"
grep -q 'set TMPDIR' "$dir/err" || fail "expected what to do, found $(cat "$dir/err")"

[ -z "$(ls -A "$dir/tmp")$(ls -A "$dir/empty")" ] || fail "leaves files: $(ls -A "$dir/tmp" "$dir/empty")"
exit "$bad"
