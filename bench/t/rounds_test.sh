#!/usr/bin/env bash
# Every scenario of network, reconnect, priority and found is as expected: on virtual time; with
# FANBENCH_TEST_FULL also live: as they stand (datapath kernel, most of them), then with every
# relay on datapath user, then on stock.
# timeout: 3600
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"
fanbench=$BUILDDIR/fanbench
folders=(scenarios/network scenarios/reconnect scenarios/priority scenarios/found)

code=0
"$fanbench" run "${folders[@]}" --mode sim -j 2 --keep failing --out "$dir/sim" >"$dir/tap" 2>"$dir/err" || code=$?
if [ "$code" -ne 0 ]; then
    grep -A 30 '^not ok' "$dir/tap"
    echo "FAIL: on virtual time: exit $code"
    exit 1
fi
for check in pn-unique ack-split copy-count copy-exact isolated flow-limits congestion-bounded priority-drop; do
    items=$(sed -n "s/^$check  *\([0-9]*\) .* \([0-9,]*\)\$/\2/p" "$dir/err" | tr -d ,)
    [ "${items:-0}" -ge 1000 ] || { echo "FAIL: $check examined ${items:-nothing} in all scenarios"; exit 1; }
done

[ -n "${FANBENCH_TEST_FULL:-}" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo 'needs root for the live rounds'
    exit 77
fi
if "$fanbench" doctor >"$dir/doctor" 2>&1; then :; else
    grep -i -m 1 'missing\|lacks' "$dir/doctor" || echo 'this machine cannot run live'
    exit 77
fi

# What means nothing on a datapath. Stock makes no copies to look at, drops nothing by a
# strategy before it is written, and writes streams in the order of ngtcp2, not of MoQT.
not_for() { # DATAPATH
    case $1 in
        stock)
            grep -lE 'examined:.*(copy-exact|priority-drop)' scenarios/{network,reconnect,priority,found}/*.yaml
            printf '%s\n' scenarios/reconnect/stall-relay.yaml \
                scenarios/priority/{filter-backlog,order-two-tracks}.yaml
            ;;
    esac
}

# The arguments that put every relay of a scenario on a datapath; kernel: as it stands.
relays_on() { # DATAPATH FILE
    [ "$1" = kernel ] || sed -n "s/^  \([A-Za-z][A-Za-z0-9_-]*\): *{.*role: relay[, }].*/--set nodes.\1.datapath=$1/p" "$2"
}

# "CODE FILE" a line. A busy machine may leave a run open; it is asked once more.
play() { # DATAPATH FILE...
    local datapath=$1 file rc sets
    shift
    for file in "$@"; do
        sets=$(relays_on "$datapath" "$file")
        [ -n "$sets" ] || [ "$datapath" = kernel ] || { echo "FAIL: no relay found in $file"; exit 1; }
        for _ in 1 2; do
            rc=0
            # shellcheck disable=SC2086 # two words a relay
            "$fanbench" run "$file" --mode live $sets --out "$dir/run" >"$dir/tap" 2>"$dir/err" || rc=$?
            [ "$rc" -eq 4 ] || break
        done
        echo "$rc $file"
        [ "$rc" -eq 0 ] || [ "$rc" -eq 4 ] || sed 's/^/    /' "$dir/tap" >>"$dir/failures"
        rm -rf "$dir/run"
    done
}

open=0 failed=0
for datapath in kernel user stock; do
    mapfile -t files < <(LC_ALL=C comm -23 \
        <(printf '%s\n' scenarios/{network,reconnect,priority,found}/*.yaml | LC_ALL=C sort) \
        <(not_for "$datapath" | LC_ALL=C sort -u))
    play "$datapath" "${files[@]}" >"$dir/$datapath"
    echo "$datapath: $(grep -c '^0 ' "$dir/$datapath") of ${#files[@]} as expected"
    grep -v '^[04] ' "$dir/$datapath" && failed=1
    open=$((open + $(grep -c '^4 ' "$dir/$datapath" || true)))
done
if [ "$failed" -ne 0 ]; then
    cat "$dir/failures"
    exit 1
fi
if [ "$open" -ne 0 ]; then
    echo "this machine is too busy: $open live runs are inconclusive"
    exit 77
fi
