#!/usr/bin/env bash
# timeout: 600
# The conviction matrix: on virtual time every defect is convicted by its check, by no other
# than its scenario allows, and passes without the switch. What every check said is kept in
# scenarios/defects/matrix.txt, so that one that grows blind or trigger-happy is noticed
# (UPDATE=1 writes it anew). FANBENCH_TEST_FULL: 20 seeds each.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
fanbench=$BUILDDIR/fanbench
kept=scenarios/defects/matrix.txt

"$fanbench" run scenarios/defects --mode sim -j 2 --out "$dir/runs" >"$dir/tap" 2>"$dir/err" || {
    grep '^not ok' "$dir/tap" || true
    grep -E 'FAILED|expected|actual|because' "$dir/err" | head -40
    exit 1
}
"$fanbench" matrix "$dir/runs" >"$dir/matrix" || {
    cat "$dir/matrix"
    exit 1
}
[ "${UPDATE:-0}" = 0 ] || cp "$dir/matrix" "$kept"
diff "$kept" "$dir/matrix"
[ "$(grep -c '^[0-9][0-9]-' "$dir/matrix")" -eq 30 ]

# It must see a check that convicts nobody, and a run that fails without its defect.
report=$(find "$dir/runs" -path '*05-one-address/on/report.json')
sed -i '/"name": *"isolated"/,/"result"/s/"result": *"fail"/"result": "pass"/' "$report"
sed -i '/"name": *"isolated"/,/"as_expected"/s/"as_expected": *true/"as_expected": false/' "$report"
if "$fanbench" matrix "$dir/runs" >"$dir/blind"; then
    echo 'a blind check goes unnoticed'
    exit 1
fi
grep -q '^05-one-address .*!' "$dir/blind"

# What is none of its business.
rc=0
"$fanbench" matrix "$SRCDIR/ci" >/dev/null 2>&1 || rc=$?
[ "$rc" -eq 2 ]
echo '{' >"$dir/report.json"
rc=0
"$fanbench" matrix "$dir/report.json" >/dev/null 2>&1 || rc=$?
[ "$rc" -eq 2 ]

if [ -n "${FANBENCH_TEST_FULL:-}" ]; then
    rm -rf "$dir/runs"
    "$fanbench" run scenarios/defects --mode sim --seeds 1..20 -j 2 --out "$dir/runs" >"$dir/tap" 2>/dev/null || {
        grep '^not ok' "$dir/tap"
        exit 1
    }
    "$fanbench" matrix "$dir/runs"
fi
