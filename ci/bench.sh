#!/usr/bin/env bash
# Figures of virtual time: how much faster than the clock a simulation runs on one
# core, and what it costs. Writes a table to stdout and $BUILDDIR/bench/sim.txt, with the
# machine it was measured on.
#
#   ci/bench.sh [NAME...]      names of the table; all if none is given
#
# "virtual" is the time inside the run, from the first process to the last packet. "cpu"
# is the simulation's alone; "all" is the whole command: captures put together, judged
# and reported. The profile needs perf; without it that part is left out.
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
scenario chat-1000 1000 5s "$chat"

number() { # FILE KEY: the integer behind the key
    sed -n "s/^ *\"$2\": \([0-9]*\),\{0,1\}\$/\1/p" "$1" | head -1
}

measure() { # NAME AIM
    local name=$1 aim=$2 dir=$work/run manifest=$work/run/manifest.json begin end verdict=pass
    rm -rf "$dir"
    begin=$(date +%s%N)
    taskset -c 0 "$BUILDDIR/fanbench" run --mode sim "$work/$name.yaml" --out "$dir" >"$work/tap" 2>"$work/err" ||
        verdict=$(sed -n 's/^  verdict: //p' "$work/tap" | head -1)
    end=$(date +%s%N)
    local virtual cpu peak
    virtual=$(($(number "$manifest" end_ns) - 1000000000)) # virtual time begins at 1 s
    cpu=$(number "$manifest" cpu_ns)
    peak=$(number "$manifest" peak_bytes)
    printf '%-10s %9d ms %9d ms %8d.%02dx  %-8s %7d ms %6d MiB  %s\n' "$name" $((virtual / 1000000)) $((cpu / 1000000)) \
        $((virtual / cpu)) $((virtual * 100 / cpu % 100)) "$aim" $(((end - begin) / 1000000)) $((peak >> 20)) "$verdict"
}

profile() { # NAME: what limits it
    command -v perf >/dev/null || return 0
    perf record -q -F 500 -o "$work/perf" "$BUILDDIR/fanbench" run --mode sim "$work/$1.yaml" --out "$work/run" \
        >/dev/null 2>&1 || return 0
    # the simulation is the process that takes events; the other one judges
    perf report -i "$work/perf" --no-children --sort pid,symbol 2>/dev/null | grep -v '^#' | grep % >"$work/symbols"
    local pid
    pid=$(awk '/ events_take /{print $2; exit}' "$work/symbols")
    [ -n "$pid" ] || return 0
    printf '\n%s: what the simulation does, share of the whole command\n' "$1"
    awk -v pid="$pid" '$2 == pid {printf "  %7s  %s %s\n", $1, $3, $4}' "$work/symbols" | head -12
}

wanted() {
    [ "${#names[@]}" -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]
}

names=("$@")
{
    echo "$(date -u +%Y-%m-%d), $(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    "$BUILDDIR/fanbench" --version
    echo 'protection none, one core'
    echo 'scenario        virtual          cpu        speed  aim            all    peak of the simulation, verdict'
    for row in chat-3:500x video-8:20x chat-1000:2x; do
        ! wanted "${row%:*}" || measure "${row%:*}" "${row#*:}"
    done
    for name in chat-3 video-8 chat-1000; do
        ! wanted "$name" || profile "$name"
    done
} | tee "$out/sim.txt"
