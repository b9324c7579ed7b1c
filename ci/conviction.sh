#!/usr/bin/env bash
# How surely each defect is convicted: runs of scenarios/defects, and of how many seeds the run
# with the switch was as expected (convicted by the check that must, by no other than the
# scenario allows) and the run without it passed.
#
#   ci/conviction.sh DIR [sim|kernel|user A..B]...
#
# Each pair measures seeds A..B: sim on virtual time, kernel and user live (root) on that
# datapath; what it says is kept in DIR/sim.tap and so on, so that each can be measured by
# itself. Then a table of all that DIR holds goes to stdout. Column "off": the runs without the
# switch that passed, of all kinds. JOBS [2] runs at a time; SCENARIOS, another folder.
# Exit 1: a defect is convicted in less than 99 of 100 runs of sim, or 9 of 10 live.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
scenarios=${SCENARIOS:-$SRCDIR/scenarios/defects}

usage() {
    echo "usage: ci/conviction.sh DIR [sim|kernel|user A..B]..." >&2
    exit 2
}
[ $(($# % 2)) -eq 1 ] || usage
dir=$1
shift
mkdir -p "$dir"

# Bugs that cannot live where the datapath is part of the process, or that need the kernel's.
# 08: the program dies with its process. 10, 13: one process, one CPU at a time, so that nobody
# races; 13 was convicted there in 2 of 10 runs only, by what its user space swallows.
cannot='^(08|10|13)-'

while [ $# -gt 0 ]; do
    case $1 in
    sim) options=(--mode sim) ;;
    kernel) options=(--mode live) ;;
    user) options=(--mode live --set nodes.relay.datapath=user) ;;
    *) usage ;;
    esac
    files=()
    for file in "$scenarios"/*.yaml; do
        [[ $1 == user && ${file##*/} =~ $cannot ]] || files+=("$file")
    done
    # Exit 1 and 4 say that runs were not as expected: that is what is counted.
    rc=0
    "$BUILDDIR/fanbench" run "${files[@]}" "${options[@]}" --seeds "$2" -j "${JOBS:-2}" \
        --keep failing --out "$dir/$1" >"$dir/$1.tap" 2>"$dir/$1.err" || rc=$?
    case $rc in
    0 | 1 | 4) ;;
    *)
        tail -5 "$dir/$1.err" >&2
        exit "$rc"
        ;;
    esac
    shift 2
done

kinds=()
for kind in sim kernel user; do
    if [ -f "$dir/$kind.tap" ]; then kinds+=("$kind"); fi
done
[ ${#kinds[@]} -gt 0 ] || { echo "conviction: nothing was measured in $dir" >&2; exit 2; }

cd "$dir"
awk '
    FNR == 1 { kind = FILENAME; sub(/\.tap$/, "", kind); kinds[++n_kinds] = kind }
    match($0, /^(not )?ok [0-9]+ - [0-9][0-9]-[a-z-]+\/seed-[0-9]+\/(on|off)/) {
        split(substr($0, RSTART, RLENGTH), part, /( - |\/)/)
        name = part[2]
        good = $1 == "ok"
        names[name] = 1
        if (part[4] == "on") {
            runs[name, kind]++
            convicted[name, kind] += good
        } else {
            off[name]++
            passed[name] += good
        }
    }
    END {
        printf "%-24s", "defect on, convicted"
        for (k = 1; k <= n_kinds; k++)
            printf "%11s", kinds[k]
        printf "  %9s\n", "off"
        count = 0
        for (name in names) order[++count] = name
        for (i = 2; i <= count; i++)
            for (j = i; j > 1 && order[j - 1] > order[j]; j--) {
                swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap
            }
        for (i = 1; i <= count; i++) {
            name = order[i]
            printf "%-24s", name
            for (k = 1; k <= n_kinds; k++) {
                r = runs[name, kinds[k]]
                c = convicted[name, kinds[k]]
                printf "%11s", r ? c "/" r : "-"
                if (r && c * 100 < r * (kinds[k] == "sim" ? 99 : 90)) weak = 1
            }
            printf "  %9s\n", passed[name] "/" off[name]
        }
        exit weak
    }
' "${kinds[@]/%/.tap}"
