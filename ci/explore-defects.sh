#!/usr/bin/env bash
# What fanbench explore finds without a hint: for each defect, the first seed whose scenario passes
# without it and fails with it, by which checks, and after how many seconds. A minute each.
#
#   ci/explore-defects.sh [--readme] [SEEDS]     the first SEEDS seeds [80]; BUILDDIR [build], JOBS [2]
#
# The table goes to BUILDDIR/bench/explore.txt, too, and with --readme into README.md.
# Exit 1 if fewer than 20 of the 30 are convicted.
set -euo pipefail
SRCDIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILDDIR=${BUILDDIR:-$SRCDIR/build}
fanbench=$BUILDDIR/fanbench
readme=false
if [ "${1:-}" = --readme ]; then
    readme=true
    shift
fi
seeds=${1:-80}
jobs=${JOBS:-2}
limit=60
chunk=8
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Lines of --json with a verdict: "SEED CHECKS"
with_verdict() { # VERDICT FILE
    sed -n "s/^{\"seed\":\([0-9]*\),\"verdict\":\"$1\",\"unmet\":\"*\([^\"]*\)\"*}$/\1 \2/p" "$2" | sort -n
}
first_words() { # N TEXT
    local words n
    read -ra words <<<"$2"
    n=$((${#words[@]} - $1))
    printf '%s' "${words[*]:0:$1}"
    [ "$n" -le 0 ] || printf ' and %d more' "$n"
}
explore() { # FILE ARGUMENTS...
    local to=$1
    shift
    "$fanbench" explore -j "$jobs" --json --out "$dir/found" "$@" >"$to" 2>/dev/null || [ $? -lt 2 ] || [ $? -eq 4 ]
    rm -rf "$dir/found"
}

mkdir -p "$BUILDDIR/bench"
exec > >(tee "$BUILDDIR/bench/explore.txt")
explore "$dir/plain" --seeds "1..$seeds"
with_verdict pass "$dir/plain" | cut -d' ' -f1 | sort >"$dir/passes"
echo "$(wc -l <"$dir/passes") of $seeds scenarios pass without a defect"
printf '\n%-20s %5s %5s  %s\n' defect s seed checks
convicted=0 all=0
for defect in $("$fanbench" list --defects | cut -d' ' -f1); do
    all=$((all + 1))
    value=$defect
    [ "$defect" != slow-agent ] || value=slow-agent=600ms
    [ "$defect" != late-handler ] || value=late-handler=50ms
    start=$(date +%s)
    found=
    for ((from = 1; from <= seeds; from += chunk)); do
        spent=$(($(date +%s) - start))
        [ "$spent" -lt "$limit" ] || break
        explore "$dir/with" --defect "$value" --seeds "$from..$((from + chunk - 1))"
        found=$(with_verdict fail "$dir/with" | sort | join - "$dir/passes" | sort -n | head -n 1)
        [ -z "$found" ] || break
    done
    spent=$(($(date +%s) - start))
    if [ -n "$found" ]; then
        convicted=$((convicted + 1))
        printf '%-20s %5d %5d  %s\n' "$defect" "$spent" "${found%% *}" "$(first_words 6 "${found#* }")"
    else
        printf '%-20s %5d %5s\n' "$defect" "$spent" -
    fi
done
printf '\n%d of %d convicted\n' "$convicted" "$all"
exec >&- # tee ends
wait
if $readme; then "$SRCDIR/ci/readme-table.sh" explore "$BUILDDIR/bench/explore.txt"; fi
[ "$convicted" -ge 20 ]
