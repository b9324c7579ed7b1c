#!/usr/bin/env bash
# The judge judged: passing runs are made in sim, then hurt in one place at a time, and
# each time the check must tell whose business it is. Prints the table of operators.
#
#   ci/mutations.sh [--readme] [PLACES [SEEDS [OPERATOR]]]      [20 3, all]
#
# PLACES is how many places an operator is tried at; SEEDS, how many runs are made of each
# scenario in pcap-tools/mutate/beds. Columns: operator, the check that must tell, places
# there are, places tried, how often the check told, which other checks told and how often.
# At the end the same by check, also in $BUILDDIR/bench/mutations.txt; --readme puts that
# into README.md.
# Exit 1: a check did not tell, or one told that the operator does not name.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
readme=false
if [ "${1:-}" = --readme ]; then
    readme=true
    shift
fi
places=${1:-20} seeds=${2:-3} operator=${3:-}
first=101
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-mutations.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! "$BUILDDIR/fanbench" run "$SRCDIR/pcap-tools/mutate/beds" --mode sim \
    --seeds "$first..$((first + seeds - 1))" --out "$work/beds" >"$work/said" 2>&1; then
    cat "$work/said"
    echo 'mutations: a run to be hurt does not pass by itself' >&2
    exit 1
fi
# One seed has no folder of its own.
mapfile -t runs < <(find "$work/beds" -name manifest.json -printf '%h\n' | LC_ALL=C sort)
told=0
"$BUILDDIR/quicpcap" mutate --places "$places" ${operator:+--operator "$operator"} "${runs[@]}" >"$work/said" || told=$?
cat "$work/said"
[ "$told" -le 1 ] || exit "$told"

# Two checks a line. Rows of operators have numbers in columns 3 to 5.
mkdir -p "$BUILDDIR/bench"
awk -v places="$places" -v seeds="$seeds" '
    $3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ && $5 ~ /^[0-9]+$/ {
        if (!($2 in operators)) order[n++] = $2
        operators[$2]++; hurt[$2] += $4; told[$2] += $5
        all++; all_hurt += $4; all_told += $5
    }
    function cell(c) { return sprintf("%-24s %4d %6d %6d", c, operators[c], hurt[c], told[c]) }
    END {
        head = sprintf("%-24s %4s %6s %6s", "check", "ops", "hurt", "told")
        print head "   " head
        half = int((n + 1) / 2)
        for (i = 0; i < half; i++) print cell(order[i]) (half + i < n ? "   " cell(order[half + i]) : "")
        printf "%d operators at up to %d places of %d runs of each scenario: %d hurt runs, %d told by the check named\n", \
            all, places, seeds, all_hurt, all_told
    }' "$work/said" | tee "$BUILDDIR/bench/mutations.txt"
if $readme; then "$SRCDIR/ci/readme-table.sh" mutations "$BUILDDIR/bench/mutations.txt"; fi
exit "$told"
