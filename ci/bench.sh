#!/usr/bin/env bash
# Figures of virtual time: how much faster than the clock a simulation runs on one
# core, what limits it, and how time and memory grow with the number of subscribers.
# Writes tables to stdout and $BUILDDIR/bench/sim.txt, with the machine they were
# measured on.
#
#   ci/bench.sh [NAME...]      chat-3 video-8 chat-1000 growth tree; all but tree if none is given
#
# "virtual" is the time inside the run, from the first process to the last packet. "sim"
# is the processor time of the simulation; "judge" that of everything else: captures put
# together, judged, reported. The speed is virtual / sim. Parts are sampled by the
# simulation itself (bench/sim/parts.h); what the judge does needs perf, and is left out
# without it. Nothing is deleted before the end: some file systems make files slowly
# while they remember many deleted ones.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
out=$BUILDDIR/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

scenario() { # NAME SUBSCRIBERS DURATION TRACK
    cat >"$work/$1.yaml" <<YAML
scenario: $1
seed: 1
duration: $3
nodes:
  pub:   { role: publisher }
  relay: { role: relay, datapath: kernel, protection: none }
  sub:   { role: subscriber, count: $2 }
links:
  - { between: [pub, relay], delay: 5ms }
  - { between: [relay, sub], delay: 10ms }
tracks:
  track: { from: pub, $4 }
subscriptions:
  - { who: sub, tracks: [track] }
YAML
}

chat='as: datagrams, every: 20ms, size: 200, group: 50'
scenario chat-3 3 60s "$chat"
scenario video-8 8 20s 'as: subgroups, subgroup: object, every: 40ms, size: 50000, group: 50'
for n in 10 30 100 300 1000; do
    scenario "chat-$n" "$n" 5s "$chat"
done
tree=scenarios/load/tree-10000.yaml

number() { # FILE KEY: the integer behind the key
    sed -n "s/^ *\"$2\": \([0-9]*\),\{0,1\}\$/\1/p" "$1" | head -1
}

# Runs it once and sets: virtual, sim and judge in ms, peak of the simulation and of the
# whole command in KiB, verdict, manifest.
measure() { # NAME FILE
    local dir=$work/runs/$1 end_ns
    manifest=$dir/manifest.json verdict=pass
    mkdir -p "$work/runs"
    if [ ! -e "$work/$1.cost" ]; then
        taskset -c 0 /usr/bin/time -f '%U %S %M' -o "$work/$1.cost" "$BUILDDIR/fanbench" run --mode sim "$2" --out "$dir" \
            >"$work/$1.tap" 2>"$work/err" || true
    fi
    verdict=$(sed -n 's/^  verdict: //p' "$work/$1.tap" | head -1)
    verdict=${verdict:-pass}
    end_ns=$(number "$manifest" end_ns)
    virtual=$(((end_ns - 1000000000) / 1000000)) # virtual time begins at 1 s
    sim=$(($(number "$manifest" cpu_ns) / 1000000))
    peak=$(($(number "$manifest" peak_bytes) >> 10))
    read -r judge peak_all < <(tail -1 "$work/$1.cost" | awk -v sim="$sim" '{printf "%d %d\n", ($1 + $2) * 1000 - sim, $3}')
}

figure() { # NAME AIM
    local x100 met=no
    measure "$1" "$work/$1.yaml"
    x100=$((virtual * 100 / (sim ? sim : 1)))
    [ "$x100" -lt $((${2%x} * 100)) ] || met=yes
    printf '%-10s %8d ms %7d ms %5d.%02dx  %-4s  %-3s  %6d ms  %5d MiB  %s\n' "$1" "$virtual" "$sim" $((x100 / 100)) $((x100 % 100)) \
        "$2" "$met" "$judge" $((peak >> 10)) "$verdict"
}

# What limits it: the parts of the simulation, and the judge's hottest functions.
profile() { # NAME
    [ -e "$work/runs/$1/manifest.json" ] || return 0
    printf '\n%s: shares of the processor time of the simulation\n ' "$1"
    sed -n '/"parts_ns"/,/}/s/^ *"\([a-z]*\)": \([0-9]*\),\{0,1\}$/\1 \2/p' "$work/runs/$1/manifest.json" |
        awk '{ name[NR] = $1; ns[NR] = $2; all += $2 }
            END { for (i = 1; i <= NR; i++) printf " %s %.0f %%%s", name[i], all ? 100 * ns[i] / all : 0, i < NR ? "," : "\n" }'
    command -v perf >/dev/null || return 0
    perf record -q -F 500 -o "$work/perf" "$BUILDDIR/fanbench" verify "$work/runs/$1" >/dev/null 2>&1 || return 0
    echo '  the judge:'
    perf report -i "$work/perf" --no-children --sort symbol 2>/dev/null |
        awk '!/^#/ && /%/ && n++ < 8 {printf "    %7s  %s\n", $1, $3}'
}

row() { # SUBSCRIBERS NAME FILE
    measure "$2" "$3"
    awk -v n="$1" -v v="$virtual" -v s="$sim" -v j="$judge" -v p="$peak" -v a="$peak_all" -v w="$verdict" 'BEGIN {
        printf "%11d  %7.1f s  %6.2f s  %6.2f ms  %6.2f s  %6.2f ms  %5d MiB  %5d KiB  %5d MiB  %s\n", n, v / 1000, s / 1000,
            s / n, j / 1000, j / n, p / 1024, p / n, a / 1024, w }'
}

growth_head() {
    printf '\n%s\n' "$1"
    echo 'subscribers    virtual       sim       each     judge       each       peak       each  with judge  verdict'
}

wanted() {
    [ "${#names[@]}" -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]
}

names=("$@")
{
    echo "$(date -u +%Y-%m-%d), $(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    "$BUILDDIR/fanbench" --version
    echo 'protection none, one core; load of the machine before it began:' "$(cut -d' ' -f1 /proc/loadavg)"
    echo 'scenario       virtual         sim      speed  aim   met      judge  peak of the simulation, verdict'
    for pair in chat-3:500x video-8:20x chat-1000:2x; do
        ! wanted "${pair%:*}" || figure "${pair%:*}" "${pair#*:}"
    done
    for name in chat-3 video-8 chat-1000; do
        ! wanted "$name" || profile "$name"
    done
    if wanted growth; then
        growth_head 'growth: chat, one relay, 5 s of publishing'
        for n in 10 30 100 300 1000; do
            row "$n" "chat-$n" "$work/chat-$n.yaml"
        done
    fi
    if [[ " ${names[*]} " == *" tree "* ]]; then
        growth_head "growth: $tree, two levels of relays"
        row 10000 tree "$SRCDIR/$tree"
    fi
} | tee "$out/sim.txt"
