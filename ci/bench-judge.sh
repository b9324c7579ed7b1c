#!/usr/bin/env bash
# Figures of the judge: packets a second on one core, memory, start-up; beside each
# capture what plain tshark needs for the same file. Writes a table to stdout and
# $BUILDDIR/bench/judge.txt, with the machine it was measured on.
#
#   ci/bench-judge.sh [NAME...]      names of the table; all if none is given
#
# Captures come from pcap-tools/bench/traffic.c: a publisher, a relay, three
# subscribers, 1,200 bytes of UDP payload (null-300: 300). A second is one of processor time (user and
# system), the best of three runs. "pipe" is a capture of 10,000 connections that is
# never on disk; BENCH_PIPE_BYTES (10 GB) says how long it is, BENCH_PACKETS (1,000,000; a
# fifth of it with protection) how long the others are.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
PACKETS=${BENCH_PACKETS:-1000000}
PIPE_BYTES=${BENCH_PIPE_BYTES:-10000000000}
CONNECTIONS=10000
out=$BUILDDIR/bench
quicpcap=$BUILDDIR/quicpcap
traffic=$BUILDDIR/t/pcap-tools/bench/traffic
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# Runs the command on one core: processor time in ms and peak memory in KiB.
measured() {
    TIMEFORMAT='%U %S'
    local times
    times=$({ time taskset -c 0 /usr/bin/time -f %M -o "$work/peak" "$@" >"$work/said" 2>"$work/talk"; } 2>&1) || true
    awk '{printf "%d ", ($1 + $2) * 1000}' <<<"$times"
    tail -1 "$work/peak"
}

best() { # N COMMAND...
    local n=$1
    shift
    for ((i = 0; i < n; i++)); do measured "$@"; done | sort -n | head -1
}

rate() { # PACKETS MS
    echo $(($1 * 1000 / ($2 ? $2 : 1)))
}

speed() { # NAME PROTECTION SIZE AIM
    local file=$work/$1.pcapng ms peak n verdict
    local packets=$PACKETS
    [ "$2" = none ] || packets=$((PACKETS / 5)) # tshark gets slower and slower when it decrypts
    "$traffic" --protection "$2" --size "$3" --packets "$packets" >"$file"
    read -r ms peak < <(best 3 "$quicpcap" verify "$file")
    verdict=$(sed -n 's/^\(pass\|fail\|inconclusive\):.*/\1/p' "$work/said")
    n=$(sed -n 's/.* \([0-9]*\) opened$/\1/p' "$work/said")
    printf '%-10s %9d packets  %8d /s  aim %8d  %5d MiB  %s\n' "$1" "$n" "$(rate "$n" "$ms")" "$4" $((peak >> 10)) "$verdict"
    if command -v tshark >/dev/null; then
        read -r ms peak < <(best 1 tshark -r "$file")
        printf '%-10s %9s          %8d /s                %5d MiB\n' '  tshark' '' "$(rate "$n" "$ms")" $((peak >> 10))
    fi
    ! wanted profile || profile "$1" "$file"
    rm -f "$file"
}

profile() { # NAME FILE: what limits it
    command -v perf >/dev/null || return 0
    perf record -q -F 2000 -o "$work/perf" "$quicpcap" verify "$2" >/dev/null 2>&1 || return 0
    perf report -i "$work/perf" --no-children --sort symbol 2>/dev/null |
        awk '!/^#/ && /%/ && n++ < 12 {printf "  %7s  %s\n", $1, $3}' >"$work/$1.profile"
}

pipe() {
    local ms peak n verdict
    "$traffic" --connections "$CONNECTIONS" --bytes "$PIPE_BYTES" |
        { read -r ms peak < <(measured "$quicpcap" verify -) && echo "$ms $peak" >"$work/pipe"; }
    read -r ms peak <"$work/pipe"
    verdict=$(sed -n 's/^\(pass\|fail\|inconclusive\):.*/\1/p' "$work/said")
    n=$(sed -n 's/.* \([0-9]*\) opened$/\1/p' "$work/said")
    printf '%-10s %9d packets  %8d /s  %d connections, %d MB: %d MiB, aim %d MiB  %s\n' pipe "$n" "$(rate "$n" "$ms")" \
        "$CONNECTIONS" $((PIPE_BYTES / 1000000)) $((peak >> 10)) $((64 + CONNECTIONS * 16 / 1024)) "$verdict"
}

start_up() {
    local ms peak
    "$traffic" --packets 1 >"$work/one.pcapng"
    printf '#!/usr/bin/env bash\nfor i in {1..100}; do "%s" summary "%s" >/dev/null; done\n' "$quicpcap" "$work/one.pcapng" >"$work/hundred"
    read -r ms peak < <(best 3 bash "$work/hundred")
    printf '%-10s %d.%02d ms  aim 10 ms\n' start-up $((ms / 100)) $((ms % 100))
}

wanted() {
    [ "${#names[@]}" -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]
}

names=("$@")
{
    echo "$(date -u +%Y-%m-%d), $(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    "$BUILDDIR/fanbench" --version
    echo 'quicpcap verify, one core'
    for row in null:none:1200:1000000 null-300:none:300:1000000 aes128:aes128:1200:400000 \
        aes256:aes256:1200:400000 chacha20:chacha20:1200:0; do
        IFS=: read -r name protection size aim <<<"$row"
        ! wanted "$name" || speed "$name" "$protection" "$size" "$aim"
    done
    ! wanted pipe || pipe
    ! wanted start-up || start_up
    for file in "$work"/*.profile; do
        [ -e "$file" ] || continue
        printf '\n%s: where the time goes\n' "$(basename "${file%.profile}")"
        cat "$file"
    done
} | tee "$out/judge.txt"
