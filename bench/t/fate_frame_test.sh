#!/usr/bin/env bash
# Faults chosen by frame hit the packet that they name, in sim and, as root, live: the nth
# packet with the frame as the judge's own dissector counts them in the capture of the
# sender is the one that links.jsonl tells of. The faults are those of the scenario.
# timeout: 200
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$SRCDIR"

# Lines "FROM TO FRAME NTH" of every fault of scenario.yaml, for the first of count.
faults() { # SCENARIO
    awk '
        /^  - between:/ { split($0, names, "\""); a = names[2]; b = names[4]; sub(/\[.*/, "", a); sub(/\[.*/, "", b) }
        /^    (forward|backward):/ {
            way = $1; rest = $0
            while (match(rest, /frame: [A-Z_]+, nth: [0-9]+/)) {
                split(substr(rest, RSTART, RLENGTH), part, /[ ,]+/)
                print (way == "forward:" ? a " " b : b " " a), part[2], part[4]
                rest = substr(rest, RSTART + RLENGTH)
            }
        }' "$1"
}

# Index of the NTHth datagram of one end with such a frame in a 1-RTT packet; nothing if there are fewer.
index_of() { # CAPTURE client|server FRAME NTH
    "$BUILDDIR/quicpcap" packets --json "$1" | awk -v end="\"from\":\"$2\"" -v frame="$3" -v nth="$4" '
        BEGIN { at = -1 }
        index($0, end) {
            match($0, /"frame":[0-9]+/)
            if (substr($0, RSTART, RLENGTH) != last) { at++; counted = 0; last = substr($0, RSTART, RLENGTH) }
            if (counted || !index($0, "\"type\":\"1-RTT\"")) next
            match($0, /"frames":"[^"]*"/)
            n = split(substr($0, RSTART + 10, RLENGTH - 11), frames, ", ")
            for (i = 1; i <= n; i++) {
                split(frames[i], words, " ")
                if (words[1] == frame) { counted = 1; if (++seen == nth) print at; break }
            }
        }'
}

check() { # MODE
    local mode=$1 run=$dir/$1 from to frame nth found end way hits=0 told
    "$BUILDDIR/fanbench" run --mode "$mode" scenarios/network/faults.yaml --out "$run" >"$run.tap" 2>"$run.err" || {
        cat "$run.tap" "$run.err"
        exit 1
    }
    while read -r from to frame nth; do
        local a=$from b=$to
        [ "$a" = sub ] && a=sub.0
        [ "$b" = sub ] && b=sub.0
        end=client
        [ "$from" = relay ] && end=server
        found=$(index_of "$run/capture/$a-$b.pcapng" $end "$frame" "$nth")
        [ -n "$found" ] || continue # a starved machine sends fewer packets
        way="${a/.0/[0]}>${b/.0/[0]}"
        told=$(grep -F "\"link\":\"$way\"" "$run/links.jsonl" | grep -c "\"packet\".*\"index\":$found," || true)
        if [ "$told" -ne 1 ]; then
            echo "$mode: $way packet $found has $frame number $nth, and links.jsonl tells:"
            grep -F "\"link\":\"$way\"" "$run/links.jsonl"
            exit 1
        fi
        hits=$((hits + 1))
    done < <(faults "$run/scenario.yaml")
    if [ "$hits" -lt 8 ]; then
        echo "$mode: of the faults of the scenario only $hits were met"
        exit 1
    fi
}

mkdir "$dir/sim" "$dir/live"
check sim
if [ "$(id -u)" -eq 0 ] && "$BUILDDIR/fanbench" doctor >/dev/null 2>&1; then
    check live
else
    echo 'sim agrees; this machine cannot run live'
    exit 77
fi
