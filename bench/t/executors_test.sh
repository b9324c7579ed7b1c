#!/usr/bin/env bash
# The same packets and state in three executors: a run, the datapath compiled natively, and the
# kernel's program by BPF_PROG_TEST_RUN. A few scenarios on virtual time and live; with
# FANBENCH_TEST_FULL on virtual time all but load/, defects as their files switch them on.
# timeout: 3000
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
    echo 'needs root'
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
files=(scenarios/first/quickstart.yaml scenarios/first/tls.yaml scenarios/network/faults.yaml
    scenarios/priority/deadline.yaml scenarios/priority/skip-groups.yaml scenarios/defects/02-stale-dcid.yaml
    scenarios/network/interleaved.yaml)
if [ -n "${FANBENCH_TEST_FULL:-}" ]; then
    mapfile -t files < <(find scenarios/first scenarios/network scenarios/reconnect scenarios/priority \
        scenarios/found scenarios/defects -name '*.yaml' | LC_ALL=C sort)
fi

bad=0 journals=0 packets=0 copies=0

# play MODE FILE [OPTION]...: run it, replay what it kept. One at a time: a journal of packet
# protection has every keystream.
play() {
    local mode=$1 file=$2 rc=0 n p c
    shift 2
    rm -rf "$dir/run"
    "$BUILDDIR/fanbench" run "$file" --mode "$mode" --journal --out "$dir/run" "$@" >"$dir/out" 2>&1 || rc=$?
    n=$(find "$dir/run" -name '*.journal' 2>/dev/null | wc -l)
    if [ "$n" -eq 0 ]; then
        # every relay is stock, or the scenario is for the other mode
        echo "$mode $file: no journal (run: exit $rc)"
        return
    fi
    rc=0
    "$BUILDDIR/fanbench" replay "$dir/run" >"$dir/replay" 2>"$dir/err" || rc=$?
    echo "$mode $file $*: $(tail -1 "$dir/replay")"
    journals=$((journals + n))
    read -r p c < <(sed -n '$s/.*: \([0-9]*\) packets, \([0-9]*\) copies.*/\1 \2/p' "$dir/replay") || true
    packets=$((packets + ${p:-0})) copies=$((copies + ${c:-0}))
    if [ "$rc" -eq 3 ]; then
        tail -1 "$dir/err"
        exit 77
    elif [ "$rc" -ne 0 ]; then
        cat "$dir/replay" "$dir/err"
        bad=1
    fi
}

for file in "${files[@]}"; do
    # what needs interleavings is played without: there is no journal of them
    set --
    ! grep '^interleave:' "$file" >/dev/null || set -- --set interleave=0
    play sim "$file" "$@"
done
echo "$journals journals of ${#files[@]} scenarios: $packets packets, $copies copies"
[ "$journals" -gt 0 ] || bad=1

if ! "$BUILDDIR/fanbench" doctor >"$dir/doctor" 2>&1; then
    echo "no live part: $(tail -1 "$dir/doctor")"
    exit "$bad"
fi
# live MODE_OF_RELAY FILE...: each with all relays on that datapath
live() {
    local datapath=$1 file relay before=$journals
    shift
    for file in "$@"; do
        set --
        while read -r relay; do
            set -- "$@" --set "nodes.$relay.datapath=$datapath"
        done < <(sed -nE 's/^  ([a-z0-9-]+): *\{ *role: relay\b.*/\1/p' "$file")
        play live "$file" "$@"
    done
    [ "$journals" -gt "$before" ] || bad=1
}

files=(scenarios/first/tls.yaml scenarios/network/faults.yaml scenarios/reconnect/relay-restarts.yaml)
if [ -n "${FANBENCH_TEST_FULL:-}" ]; then
    # what is there twice is stock for comparison
    mapfile -t files < <(find scenarios/first scenarios/network scenarios/reconnect scenarios/priority \
        -name '*.yaml' ! -name '*-stock*' ! -name '*-user*' | LC_ALL=C sort)
fi
sim=$journals
live kernel "${files[@]}"
live user "${files[@]}"
# What was cut is refused, and is not taken for what a killed relay leaves.
head -c -1 "$dir/run/relay-1.journal" >"$dir/relay-7.journal"
rc=0
"$BUILDDIR/fanbench" replay "$dir/relay-7.journal" >"$dir/replay" 2>"$dir/err" || rc=$?
if [ "$rc" -ne 2 ] || ! grep 'it is cut short' "$dir/err" >/dev/null; then
    echo "a cut journal: expected exit 2 and why, found $rc:"
    cat "$dir/replay" "$dir/err"
    bad=1
fi
echo "$((journals - sim)) journals of ${#files[@]} scenarios, live on kernel and user; all: $packets packets, $copies copies"
exit "$bad"
