#!/usr/bin/env bash
# The judge judged: passing runs are made in sim, then hurt in one place at a time, and
# each time the check must tell whose business it is. Prints the table of operators.
#
#   ci/mutations.sh [PLACES [SEEDS [OPERATOR]]]      [20 3, all]
#
# PLACES is how many places an operator is tried at; SEEDS, how many runs are made of each
# scenario in pcap-tools/mutate/beds. Columns: operator, the check that must tell, places
# there are, places tried, how often the check told, which other checks told and how often.
# Exit 1: a check did not tell, or one told that the operator does not name.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
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
"$BUILDDIR/quicpcap" mutate --places "$places" ${operator:+--operator "$operator"} "${runs[@]}"
