#!/usr/bin/env bash
# timeout: 1200
# Live and on virtual time the same scenario gets the same verdict. A few scenarios;
# with FANBENCH_TEST_FULL all of first, network and reconnect.
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

files=(scenarios/first/quickstart.yaml scenarios/first/quickstart-stock.yaml scenarios/first/quickstart-user.yaml
    scenarios/first/tls.yaml scenarios/network/faults.yaml scenarios/reconnect/unsubscribe.yaml)
[ -z "${FANBENCH_TEST_FULL:-}" ] || files=(scenarios/first scenarios/network scenarios/reconnect)

# "VERDICT NAME" a line, from one object a run; a mode that a scenario is not for has no verdict.
verdicts() { # MODE FILE...
    local mode=$1 out
    shift
    out=$(mktemp -d "$dir/$mode-runs.XXXXXX")
    "$BUILDDIR/fanbench" run --mode "$mode" "$@" --json --out "$out" 2>>"$dir/$mode.err" >"$dir/$mode.json" || true
    sed -n 's/^{"name":"\([^"]*\)","verdict":"\([^"]*\)".*/\2 \1/p' "$dir/$mode.json" | grep -v '^skip ' | LC_ALL=C sort -k 2
}

verdicts sim "${files[@]}" >"$dir/sim"
verdicts live "${files[@]}" >"$dir/live"
if grep '^refused' "$dir/sim" "$dir/live"; then
    tail -40 "$dir/sim.err" "$dir/live.err"
    exit 1
fi
# What a busy machine left open is asked again.
for _ in 1 2; do
    mapfile -t open < <(sed -n 's/^inconclusive \([^/]*\).*/\1/p' "$dir/live" | sort -u |
        while read -r name; do find scenarios -name "$name.yaml" ! -path '*/bad/*'; done)
    [ ${#open[@]} -gt 0 ] || break
    verdicts live "${open[@]}" >"$dir/again"
    LC_ALL=C sort -k 2 <(grep -v '^inconclusive' "$dir/live") "$dir/again" >"$dir/live.new"
    mv "$dir/live.new" "$dir/live"
done

compared=0 left_open=0 differs=0
while read -r verdict name; do
    there=$(awk -v name="$name" '$2 == name { print $1 }' "$dir/live")
    case $there in
        '') # nothing but a scenario's own word keeps it from a mode
            find scenarios -name "$name.yaml" ! -path '*/bad/*' -exec grep -q '^modes: \[sim\]' {} + || {
                echo "$name: no verdict live, and nothing says that it is for sim only"
                differs=1
            }
            ;;
        inconclusive) left_open=$((left_open + 1)) ;;
        "$verdict") compared=$((compared + 1)) ;;
        *)
            echo "$name: sim says $verdict, live $there"
            differs=1
            ;;
    esac
done <"$dir/sim"
if [ "$differs" -ne 0 ]; then
    grep -A 12 FAILED "$dir/sim.err" "$dir/live.err" | sed "s|$dir/||" | head -80
    exit 1
fi
if [ "$left_open" -ge "$compared" ]; then
    echo "this machine is too busy: of $((compared + left_open)) live runs $left_open are inconclusive"
    exit 77
fi
[ "$compared" -ge 4 ]
