#!/usr/bin/env bash
# The same packets and state in three executors: a run, the datapath compiled natively, and the
# kernel's program by BPF_PROG_TEST_RUN. A few scenarios on virtual time, one with interleavings and a
# small tree of load/ among them, and live. With FANBENCH_TEST_FULL on virtual time all folders, defects
# as their files switch them on (load/tree-10000 takes 6 minutes and 6 GB of disk); live, on each
# datapath, first/, network/, reconnect/, priority/, found/ and load/sixteen-10k.
# timeout: 7200
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
    echo 'needs root'
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
sim_files=(scenarios/first/quickstart.yaml scenarios/first/tls.yaml scenarios/network/faults.yaml
    scenarios/priority/deadline.yaml scenarios/priority/skip-groups.yaml scenarios/defects/02-stale-dcid.yaml
    scenarios/network/interleaved.yaml)
live_files=(scenarios/first/tls.yaml scenarios/network/faults.yaml scenarios/reconnect/relay-restarts.yaml
    scenarios/found/restart-hears-the-past.yaml)
if [ -n "${FANBENCH_TEST_FULL:-}" ]; then
    mapfile -t sim_files < <(find scenarios -name '*.yaml' -regex \
        'scenarios/\(first\|network\|reconnect\|priority\|found\|defects\|load\|studies\|sweeps\)/.*' | LC_ALL=C sort)
    # what is there twice is the same on stock or user
    mapfile -t live_files < <(find scenarios -name '*.yaml' -regex \
        'scenarios/\(first\|network\|reconnect\|priority\|found\)/.*' \
        ! -name '*-stock*' ! -name '*-user*' | LC_ALL=C sort)
    live_files+=(scenarios/load/sixteen-10k.yaml) # the one of load/ that runs live
fi
bad=0 able=0 journals=0 packets=0 copies=0

# run MODE FILE [OPTION]...: run it, replay what it kept: $n journals, $rc of the replay. One at a
# time: a journal of packet protection has every keystream.
run() {
    local mode=$1 file=$2
    shift 2
    rm -rf "$dir/run"
    rc=0
    "$BUILDDIR/fanbench" run "$file" --mode "$mode" --journal --out "$dir/run" "$@" >"$dir/out" 2>&1 || rc=$?
    n=$({ find "$dir/run" -name '*.journal' 2>/dev/null || true; } | wc -l)
    [ "$n" -gt 0 ] || return 0
    rc=0
    "$BUILDDIR/fanbench" replay "$dir/run" >"$dir/replay" 2>"$dir/err" || rc=$?
}

# play MODE FILE [OPTION]...: count and judge it
play() {
    local p c rc
    run "$@"
    if [ "$n" -eq 0 ]; then
        # every relay is stock, or the scenario is for the other mode
        echo "$*: no journal (run: exit $rc)"
        return
    fi
    if [ "$rc" -eq 3 ] && [ "$able" -eq 0 ]; then
        tail -1 "$dir/err" # this machine cannot
        exit 77
    elif [ "$rc" -eq 3 ]; then
        echo "$*: once more: $(tail -1 "$dir/err")" # the order of its packets is not known
        run "$@"
    fi
    if [ "$rc" -ne 0 ]; then
        echo "$*: exit $rc"
        cat "$dir/replay" "$dir/err"
        bad=1
        return
    fi
    echo "$*: $(tail -1 "$dir/replay")"
    able=1 journals=$((journals + n))
    read -r p c < <(sed -n '$s/.*: \([0-9]*\) packets, \([0-9]*\) copies.*/\1 \2/p' "$dir/replay")
    packets=$((packets + p)) copies=$((copies + c))
}

# sum WHAT
sum() {
    echo "$1: $journals journals: $packets packets, $copies copies"
    [ "$journals" -gt 0 ] || bad=1
    journals=0 packets=0 copies=0
}

for file in "${sim_files[@]}"; do
    play sim "$file"
    # runs that others stop in their middle are played as they were, too
    if grep '^interleave:' "$file" >/dev/null && grep ' 0 interrupted, ' <(tail -1 "$dir/replay"); then
        echo "$file: expected interrupted runs"
        bad=1
    fi
done
if [ -z "${FANBENCH_TEST_FULL:-}" ]; then
    set --
    for i in {0..15}; do
        set -- "$@" --set "nodes.s$i.count=3"
    done
    play sim scenarios/load/tree-1000.yaml "$@"
    [ "$n" -eq 17 ] || { echo "expected 17 journals of a tree, found $n"; bad=1; }
fi
sum "scenarios on virtual time"

if ! "$BUILDDIR/fanbench" doctor >"$dir/doctor" 2>&1; then
    echo "no live part: $(tail -1 "$dir/doctor")"
    exit "$bad"
fi
for datapath in kernel user; do
    for file in "${live_files[@]}"; do
        set --
        while read -r relay; do
            set -- "$@" --set "nodes.$relay.datapath=$datapath"
        done < <(sed -nE 's/^  ([a-z0-9-]+): *\{ *role: relay\b.*/\1/p' "$file")
        play live "$file" "$@"
    done
    sum "${#live_files[@]} scenarios live, datapath $datapath"
done

# Of a journal that may be no larger the first part is played, the rest is counted: together they are
# all packets.
"$BUILDDIR/fanbench" run scenarios/first/no-protection.yaml --mode sim --journal --out "$dir/all" >"$dir/out" 2>&1
"$BUILDDIR/fanbench" run scenarios/first/no-protection.yaml --mode sim --journal=200KiB --out "$dir/part" >"$dir/out" 2>&1
"$BUILDDIR/fanbench" replay "$dir/all" >"$dir/replay"
all=$(sed -n '$s/.*: \([0-9]*\) packets,.* 0 left out, 0 differences$/\1/p' "$dir/replay")
"$BUILDDIR/fanbench" replay "$dir/part" >"$dir/replay"
read -r part rest < <(sed -n '$s/.*: \([0-9]*\) packets,.* \([0-9]*\) left out, 0 differences$/\1 \2/p' "$dir/replay")
echo "a part of a journal: $part packets of $all, $rest left out"
if [ "$part" -lt 50 ] || [ "$rest" -lt 50 ] || [ "$((part + rest))" -ne "$all" ]; then
    echo "expected $part and $rest packets to be some, and $all together"
    bad=1
fi
size=$(stat -c %s "$dir/part/relay-1.journal")
[ "$size" -lt 400000 ] || { echo "expected a journal of about 200 KiB, found $size"; bad=1; }

# What was cut is refused, and is not taken for what a killed relay leaves.
head -c -1 "$dir/run/relay-1.journal" >"$dir/relay-7.journal"
rc=0
"$BUILDDIR/fanbench" replay "$dir/relay-7.journal" >"$dir/replay" 2>"$dir/err" || rc=$?
if [ "$rc" -ne 2 ] || ! grep 'it is cut short' "$dir/err" >/dev/null; then
    echo "a cut journal: expected exit 2 and why, found $rc:"
    cat "$dir/replay" "$dir/err"
    bad=1
fi
exit "$bad"
