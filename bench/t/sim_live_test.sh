#!/usr/bin/env bash
# timeout: 600
# Live and on virtual time the same scenario gets the same verdict. A few scenarios;
# with FANBENCH_TEST_FULL all of scenarios/first.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
    echo 'needs root'
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
if "$BUILDDIR/fanbench" doctor >"$dir/doctor" 2>&1; then :; else
    grep -i -m 1 'missing\|lacks' "$dir/doctor" || echo 'this machine cannot run live'
    exit 77
fi

files=(scenarios/first/quickstart.yaml scenarios/first/quickstart-stock.yaml scenarios/first/quickstart-user.yaml scenarios/first/tls.yaml)
[ -z "${FANBENCH_TEST_FULL:-}" ] || files=(scenarios/first/*.yaml)

for mode in live sim; do
    "$BUILDDIR/fanbench" run --mode "$mode" "${files[@]}" --out "$dir/$mode" >"$dir/$mode.tap" 2>"$dir/$mode.err" || true
    grep -E '^(not )?ok' "$dir/$mode.tap" | sed 's/ # .*//' | LC_ALL=C sort >"$dir/$mode.verdicts"
done
[ "$(wc -l <"$dir/sim.verdicts")" -eq "${#files[@]}" ]
diff "$dir/live.verdicts" "$dir/sim.verdicts" || {
    tail -40 "$dir/live.err"
    exit 1
}
