#!/usr/bin/env bash
# Figures of a copy in live runs: the processor time that it costs the relay, and its latency,
# on datapaths kernel, user and stock beside each other. Needs root. Writes tables to stdout and
# $BUILDDIR/bench/copies.txt, with the machine they were measured on.
#
#   ci/bench-copies.sh [NAME...]      cost latency; both if none is given
#
# One publisher sends datagrams of 1,100 bytes, a copy each to every subscriber (one host, one
# link). A figure is the median of BENCH_REPEATS [3] runs, whose order rotates; latencies are of
# 2 runs together (BENCH_POOLED). Two wrappers stand in for the runner's programs, so
# that no figure holds what only a test bench does or asks for:
#   - the relay writes no trace (`--out`, `--keylog`); captures go on, for every datapath alike
#   - for latency, publisher and subscribers run at real-time priority, the relay at normal
#     priority as a daemon does ("relay rt": at real-time priority, as in all other runs)
#
# What is counted, between 0.2 s after publishing began and its end:
#   program   run_time_ns of the relay's BPF programs: open, copy, seal; transmission of the copies
#             (clone, veth, captures) lies inside; so do packets that it only looks at, such as ACKs
#   feeder    processor time of the thread that makes keystreams ahead
#   process   processor time of the relay's other threads, in user space and system calls: sending
#             the copies on `user` and `stock`, ACKs, ledger
#   alone     the copies without the ACKs and the ledger around them: of kernel, program and feeder; of
#             `user`, its datapath a copy (the same code compiled natively, wolfSSL seals) and sendmmsg a
#             datagram, both processor time from the relay's log, of the whole run; `stock` cannot tell
# The kernel accounts softirqs to whoever they interrupt, so delivery into the subscribers' sockets
# is partly in `process` of `user` and `stock`, and a little program time in `process` of `kernel`,
# then counted twice. Publisher and subscribers are not counted.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
REPEATS=${BENCH_REPEATS:-3}
POOLED=${BENCH_POOLED:-2}
LIMIT=300 # seconds; a busy machine gets fewer repeats
SETUPS=(kernel:none kernel:chacha20 kernel:aes128gcm user:none user:chacha20 user:aes128gcm
    stock:none stock:chacha20 stock:aes128gcm)
LATENCIES=(kernel:none kernel:chacha20 kernel:aes128gcm user:chacha20 stock:chacha20)
WARM_NS=200000000
out=$BUILDDIR/bench

[ "$(id -u)" -eq 0 ] || {
    echo 'bench-copies: skipped: live runs and figures of BPF programs need root'
    exit 0
}
for tool in chrt ps timeout; do
    command -v "$tool" >/dev/null || {
        echo "bench-copies: skipped: there is no $tool (Debian packages util-linux, procps, coreutils)"
        exit 0
    }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/fanbench-bench.XXXXXX")
stats_before=$(cat /proc/sys/kernel/bpf_stats_enabled)
loops=()
stop_loops() {
    [ "${#loops[@]}" -eq 0 ] || kill "${loops[@]}" 2>/dev/null || true
    loops=()
}
restore() {
    stop_loops
    echo "$stats_before" >/proc/sys/kernel/bpf_stats_enabled
    rm -rf "$work"
}
trap restore EXIT
mkdir -p "$out"

# ---- programs and scenarios ---------------------------------------------------------------------

# The runner looks for its programs beside itself.
programs() { # DIRECTORY RELAY-PREFIX PEER-PREFIX
    local dir=$work/$1 name
    mkdir "$dir"
    for name in fanbench fanbench-wire; do cp "$BUILDDIR/$name" "$dir"; done
    cat >"$dir/fanbench-relay" <<SH
#!/usr/bin/env bash
args=()
while [ \$# -gt 0 ]; do
    case \$1 in
    --out) shift 2 ;;
    --keylog) shift ;;
    *) args+=("\$1") && shift ;;
    esac
done
exec $2 "$BUILDDIR/fanbench-relay" "\${args[@]}"
SH
    printf '#!/usr/bin/env bash\nexec %s "%s" "$@"\n' "$3" "$BUILDDIR/fanbench-peer" >"$dir/fanbench-peer"
    chmod +x "$dir/fanbench-relay" "$dir/fanbench-peer"
}
programs cost '' ''
programs normal 'chrt -o 0' 'chrt -r 3'
programs rt 'chrt -r 1' 'chrt -r 3'

scenario() { # NAME SUBSCRIBERS EVERY DURATION
    cat >"$work/$1.yaml" <<YAML
scenario: $1
seed: 1
duration: $4
nodes:
  pub:   { role: publisher }
  relay: { role: relay }
  sub:   { role: subscriber, count: $2, per_host: $2 }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub] }
tracks:
  load: { from: pub, as: datagrams, every: $3, size: 1100, group: 100 }
subscriptions:
  - { who: sub, tracks: [load] }
expect:
  load-honest: { skip: figures are taken of what was sent }
YAML
}
scenario copies-1 1 250us 1s
scenario copies-8 8 1ms 1s
scenario copies-64 64 5ms 1s
scenario latency 8 2ms 2s

# ---- one run ------------------------------------------------------------------------------------

below() { # PID WORD: processes below it whose command line contains the word as a program
    ps -eo pid=,ppid=,args= | awk -v top="$1" -v word="/$2" '
        { parent[$1] = $2; args[$1] = $0 }
        END {
            for (p in parent) {
                for (q = p; (q in parent) && q != top; q = parent[q]) if (q <= 1) break
                if (q == top && index(args[p], word " ")) print p
            }
        }'
}

# A line a sample: time (CLOCK_REALTIME), ns of programs, main thread, other threads.
sample_relay() { # PID-OF-RUNNER FILE
    local relay='' i task line prog main other files=() now t=() stat
    for ((i = 0; i < 200 && ${#relay} == 0; i++)); do
        relay=$(below "$1" fanbench-relay | head -1)
        sleep 0.05
    done
    while [ -n "$relay" ] && [ -d "/proc/$relay/task" ]; do
        prog=0 main=0 other=0
        # The programs are loaded some time after the start.
        [ "${#files[@]}" -gt 0 ] || mapfile -t files < <(grep -l '^prog_type' "/proc/$relay/fdinfo/"* 2>/dev/null)
        now=$EPOCHREALTIME
        for line in "${files[@]}"; do
            while read -r -a t; do
                [ "${t[0]:-}" != run_time_ns: ] || prog=$((prog + t[1]))
            done <"$line" || true
        done 2>/dev/null
        for task in "/proc/$relay/task/"*; do
            read -r -a stat <"$task/schedstat" || continue
            if [ "${task##*/}" = "$relay" ]; then main=${stat[0]}; else other=$((other + stat[0])); fi
        done 2>/dev/null
        echo "${now/./}000 $prog $main $other"
        sleep 0.1
    done >"$2"
}

busy() { # PID-OF-RUNNER PEERS: 1.5 loops a processor once all endpoints are there
    local i
    for ((i = 0; i < 100; i++)); do
        [ "$(below "$1" fanbench-peer | wc -l)" -lt "$2" ] || break
        sleep 0.05
    done
    for ((i = 0; i < ($(nproc) * 3 + 1) / 2; i++)); do
        timeout 6 bash -c 'while :; do :; done' &
        loops+=($!)
    done
}

# Sets dir, start_ns (monotonic), end_ns of publishing and offset to CLOCK_REALTIME.
run() { # PROGRAMS SCENARIO DATAPATH CIPHER LOAD PEERS
    local protection=tls cipher=$4 pid
    [ "$4" != none ] || { protection=none && cipher=chacha20; }
    dir=$work/run
    rm -rf "$dir"
    "$work/$1/fanbench" run --mode live "$work/$2.yaml" --out "$dir" --set "nodes.relay.datapath=$3" \
        --set "nodes.relay.protection=$protection" --set "nodes.relay.cipher=$cipher" >"$work/said" 2>&1 &
    pid=$!
    case $5 in
    # In time on a busy machine, too: 64 subscribers and their relay leave no processor idle.
    sample) (chrt -r -p 4 "$BASHPID" && sample_relay "$pid" "$work/samples") ;;
    busy) busy "$pid" "$6" ;;
    esac
    wait "$pid" || true
    stop_loops
    start_ns=0 end_ns=0 offset=0
    if [ -e "$dir/manifest.json" ]; then
        start_ns=$(number start_ns)
        end_ns=$((start_ns + $(number duration_ns)))
        offset=$(number realtime_minus_monotonic_ns)
    fi
    [ "$end_ns" -gt 0 ] || { echo "bench-copies: $2 $3 $4 did not run:" && tail -5 "$work/said"; } >&2
}

number() { # KEY of the manifest
    sed -n "s/^ *\"$1\": \(-\{0,1\}[0-9]*\),\{0,1\}\$/\1/p" "$dir/manifest.json" | head -1
}

# ---- cost ---------------------------------------------------------------------------------------

# ns a copy: program, process, feeder; share of the copies delivered.
cost() { # SUBSCRIBERS DATAPATH CIPHER
    run cost "copies-$1" "$2" "$3" sample
    awk -v from=$((start_ns + offset + WARM_NS)) -v to=$((end_ns + offset)) '
        $1 >= from && $1 <= to { if (!a) { a = $1; p = $2; m = $3; o = $4 } b = $1; q = $2; n = $3; r = $4 }
        END { if (b > a) printf "%.0f %.0f %.0f %.0f %.0f\n", a, b, q - p, n - m, r - o }' "$work/samples" >"$work/window"
    [ -s "$work/window" ] || {
        echo "bench-copies: $2 $3 to $1: left out, no samples while it published; the run said:" && head -5 "$work/said"
        return 0
    } >&2
    read -r from to prog main other <"$work/window"
    awk -F'"t":' -v from=$((from - offset)) -v to=$((to - offset)) -v n="$1" -v prog="$prog" -v main="$main" -v other="$other" \
        -v planned="$(grep -c '"ev":"published"' "$dir/pub-objects.jsonl")" '
        /"ev":"delivered"/ { t = $2 + 0; all++; if (t >= from && t <= to) copies++ }
        END { if (copies) printf "%.0f %.0f %.0f %.4f ", prog / copies, main / copies, other / copies, all / planned / n }
    ' "$dir"/sub*-objects.jsonl >"$work/costs.one"
    sed -n 's/^decisions: send \([0-9]*\).*/copies \1/p
        s/^sent: \([0-9]*\) datagrams.*/sent \1/p
        s/^of that: \([0-9]*\) us in datapath user, \([0-9]*\) us.*/ns \1000 \2000/p' "$dir/log/relay.txt" |
        awk '{ v[$1] = $2; if ($1 == "ns") sending = $3 }
            END { printf "%.0f\n", v["ns"] && v["copies"] && v["sent"] ? v["ns"] / v["copies"] + sending / v["sent"] : 0 }' >>"$work/costs.one"
    sed "s/^/$1 $2:$3 /" "$work/costs.one" >>"$work/costs"
    [ "$1" -ne 64 ] || spread "$2:$3"
}

# From the first to the last copy of a packet at the relay's interface: the Nth large packet of
# each connection is a copy of the Nth packet, if all have as many.
spread() { # SETUP
    "$BUILDDIR/quicpcap" packets --from server "$dir/capture/relay-sub.0.pcapng" 2>/dev/null |
        awk -v setup="$1" '
            $5 == "1-RTT" && $7 > 1100 { i = ++n[$3]; t = $2 + 0
                if (!(i in first) || t < first[i]) first[i] = t
                if (t > last[i]) last[i] = t
                copies[i]++ }
            END { for (c in n) { conns++; if (n[c] > most) most = n[c] }
                for (i = 20; i <= most; i++) if (copies[i] == 64) print setup, (last[i] - first[i]) * 1e6 }' >>"$work/spreads"
}

median() { # FILE COLUMN KEY...: of the lines that begin with the keys
    local file=$1 column=$2
    shift 2
    awk -v keys="$*" -v column="$column" 'index($0, keys " ") == 1 { print $column }' "$file" | sort -n |
        awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "-" }'
}

ratio() { # A B
    awk -v a="$1" -v b="$2" 'BEGIN { if (a == "-" || b == "-" || b <= 0) print "-"; else printf "%.2f", a / b }'
}

met() { # A AIM most|least
    awk -v a="$1" -v aim="$2" -v kind="$3" 'BEGIN {
        print a == "-" ? "not measured" : (kind == "most" ? a <= aim : a >= aim) ? "met" : "not met" }'
}

sum_of() { # SUBSCRIBERS SETUP
    echo "${sums[$1 $2]:--}"
}

declare -A sums alone
costs() {
    local n setup i r k=0 program process feeder
    : >"$work/costs"
    : >"$work/spreads"
    for ((r = 0; r < REPEATS && (r == 0 || SECONDS * (r + 1) < LIMIT * r * 2 / 3); r++)); do
        for n in 1 8 64; do
            for ((i = 0; i < ${#SETUPS[@]}; i++)); do
                setup=${SETUPS[(i + k) % ${#SETUPS[@]}]}
                cost "$n" "${setup%:*}" "${setup#*:}"
            done
        done
        k=$((k + 4))
    done
    printf '\nus of processor time a copy; the median of %d runs\n' "$r"
    echo 'subscribers  datapath  cipher      program  process   feeder    total   alone  of user  delivered'
    for n in 1 8 64; do
        for setup in "${SETUPS[@]}"; do
            program=$(median "$work/costs" 3 "$n" "$setup")
            process=$(median "$work/costs" 4 "$n" "$setup")
            feeder=$(median "$work/costs" 5 "$n" "$setup")
            [ "$program" != - ] || continue
            sums[$n $setup]=$((program + process + feeder))
            case $setup in
            kernel:*) alone[$n $setup]=$((program + feeder)) ;;
            user:*) alone[$n $setup]=$(median "$work/costs" 7 "$n" "$setup") ;;
            esac
        done
        for setup in "${SETUPS[@]}"; do
            [ "$(sum_of "$n" "$setup")" != - ] || continue
            awk -v n="$n" -v setup="$setup" -v p="$(median "$work/costs" 3 "$n" "$setup")" -v c="$(median "$work/costs" 4 "$n" "$setup")" \
                -v f="$(median "$work/costs" 5 "$n" "$setup")" -v s="$(sum_of "$n" "$setup")" -v a="${alone[$n $setup]:-}" \
                -v u="$(ratio "$(sum_of "$n" "$setup")" "$(sum_of "$n" "user:${setup#*:}")")" -v d="$(median "$work/costs" 6 "$n" "$setup")" 'BEGIN {
                split(setup, w, ":")
                printf "%11d  %-8s  %-9s  %8.2f %8.2f %8.2f %8.2f %7s  %7s  %7.2f %%\n", n, w[1], w[2], p / 1e3, c / 1e3, f / 1e3, s / 1e3,
                    a == "" ? "-" : sprintf("%.2f", a / 1e3), u, 100 * d }'
        done
    done
    echo '"alone": the copies without ACKs and ledger: program and feeder; datapath and sendmmsg of user. "of user": of its total'
}

aim() { # TEXT FIGURE UNIT AIM most|least
    printf '%-52s %8s %-2s  aim at %s %s %-2s  %s\n' "$1" "$2" "$3" "$5" "$4" "$3" "$(met "$2" "$4" "$5")"
}

ratios() { # SUBSCRIBERS SETUP OTHER AIM
    local what figures=() by=''
    for what in total alone program; do
        figures+=("$(ratio "$(of "$what" "$1" "$2")" "$(of "$what" "$1" "$3")")")
        [ "$(met "${figures[-1]}" "$4" most)" != met ] || by+=" $what"
    done
    [ "${figures[*]}" != '- - -' ] || by=' not measured'
    printf '%11s  %-34s %8s %8s %8s  %11s %s\n' "$1" "${2/:/ } / ${3/:/ }" "${figures[@]}" "$4" "${by:- none}"
}

cost_aims() {
    local n setup
    printf '\naims of a copy: ratios of total, of alone, and of program without feeder (to alone of user)\n'
    printf '%11s  %-34s %8s %8s %8s  %11s  %s\n' subscribers '' total alone program 'aim at most' 'met by'
    for n in 1 8 64; do
        ratios "$n" kernel:chacha20 kernel:none 2.2
        ratios "$n" kernel:chacha20 user:chacha20 0.45
        ratios "$n" kernel:aes128gcm user:aes128gcm 1.0
    done
    for setup in kernel:none kernel:chacha20 kernel:aes128gcm; do
        aim "64 copies of a packet out, median: ${setup/:/ }" "$(spread_of "$setup")" us 80 most
    done
    for setup in user:chacha20 user:aes128gcm stock:chacha20; do
        printf '%-52s %8s us\n' "64 copies of a packet out, median: ${setup/:/ }" "$(spread_of "$setup")"
    done
}

spread_of() { # SETUP
    median "$work/spreads" 2 "$1" | cut -d. -f1
}

of() { # total|alone|program SUBSCRIBERS SETUP
    case $1:$3 in
    total:*) sum_of "$2" "$3" ;;
    program:kernel:*) median "$work/costs" 3 "$2" "$3" ;;
    *) echo "${alone[$2 $3]:--}" ;;
    esac
}

# ---- latency ------------------------------------------------------------------------------------

latency_modes='idle:normal busy:normal busy:rt'

latencies() {
    local r i k=0 setup mode
    for ((r = 0; r < POOLED && (r == 0 || SECONDS < LIMIT * 5 / 6); r++)); do
        for ((i = 0; i < ${#LATENCIES[@]}; i++)); do
            setup=${LATENCIES[(i + k) % ${#LATENCIES[@]}]}
            for mode in $latency_modes; do
                run "${mode#*:}" latency "${setup%:*}" "${setup#*:}" "${mode%:*}" 9
                awk -F, -v from=$((start_ns + WARM_NS)) 'NR > 1 && $5 >= from { print $6 }' "$dir/samples.csv" >>"$work/latency.$mode.$setup"
            done
        done
        k=$((k + 2))
    done
    printf '\nlatency, published to delivered, in us: 8 subscribers, 500 objects a second, endpoints at real-time priority\n'
    echo 'machine  relay   datapath  cipher           p50      p99    p99.9  objects'
    for mode in $latency_modes; do
        for setup in "${LATENCIES[@]}"; do
            [ -s "$work/latency.$mode.$setup" ] || continue
            sort -n "$work/latency.$mode.$setup" | awk -v mode="$mode" -v setup="$setup" '
                { v[NR] = $1 / 1e3 }
                function at(share, i) { i = int(NR * share) + 1; return v[i > NR ? NR : i] }
                END { split(setup, w, ":"); split(mode, m, ":")
                    printf "%-7s  %-6s  %-8s  %-9s  %8.0f %8.0f %8.0f %8d\n", m[1], m[2], w[1], w[2], at(0.5), at(0.99), at(0.999), NR }'
        done
    done | tee "$work/latency"
    printf '\naims of the latency with %d busy processes on %d processors\n' $((($(nproc) * 3 + 1) / 2)) "$(nproc)"
    for mode in normal rt; do
        for setup in kernel:none kernel:chacha20 kernel:aes128gcm; do
            aim "relay $mode, p99: user chacha20 / ${setup/:/ }" "$(ratio "$(p99 "$mode" user:chacha20)" "$(p99 "$mode" "$setup")")" x 30 least
        done
    done
}

p99() { # PRIORITY SETUP
    awk -v r="$1" -v setup="$2" '$1 == "busy" && $2 == r && $3 ":" $4 == setup { v = $6 } END { print v == "" ? "-" : v }' "$work/latency"
}

# ---- where user space wins ----------------------------------------------------------------------

user_wins() {
    local n cipher other a b found=no
    printf '\nwhere user space wins\n'
    for n in 1 8 64; do
        for cipher in none chacha20 aes128gcm; do
            a=$(sum_of "$n" "kernel:$cipher")
            for other in user stock; do
                b=$(sum_of "$n" "$other:$cipher")
                if [ "$a" != - ] && [ "$b" != - ] && [ "$b" -lt "$a" ]; then
                    echo "  a copy to $n, $cipher: $other costs $(ratio "$b" "$a") of kernel"
                    found=yes
                fi
            done
        done
    done
    if [ -e "$work/latency" ]; then
        awk '$4 == "chacha20" { for (i = 5; i <= 7; i++) v[$1 " machine, relay " $2, $3, i] = $i; seen[$1 " machine, relay " $2] }
            END { split("p50 p99 p99.9", name, " ")
                for (s in seen) for (i = 5; i <= 7; i++) for (k = 1; k <= 2; k++) { d = k == 1 ? "user" : "stock"
                    if (((s, d, i) in v) && v[s, d, i] < v[s, "kernel", i])
                        printf "  %s, %s, chacha20: %s %d us, kernel %d us\n", s, name[i - 4], d, v[s, d, i], v[s, "kernel", i] } }' \
            "$work/latency" | sort >"$work/wins"
        cat "$work/wins"
        [ ! -s "$work/wins" ] || found=yes
    fi
    [ "$found" = yes ] || echo '  nowhere in these figures'
}

wanted() {
    [ "${#names[@]}" -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]
}

names=("$@")
echo 1 >/proc/sys/kernel/bpf_stats_enabled
{
    echo "$(date -u +%Y-%m-%d), $(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    "$BUILDDIR/fanbench" --version
    echo 'load of the machine before it began:' "$(cut -d' ' -f1 /proc/loadavg)"
    if wanted cost; then
        costs
        cost_aims
    fi
    ! wanted latency || latencies
    user_wins
} | tee "$out/copies.txt"
