#!/usr/bin/env bash
# ci/layering.sh against small trees: allowed includes pass, forbidden ones are named.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

file() { # PATH INCLUDE...: a source file with these includes
    local path=$dir/$1 include
    shift
    mkdir -p "$(dirname "$path")"
    echo '/* first line */' >"$path"
    for include in "$@"; do echo "#include $include" >>"$path"; done
}

fresh() { # a tree in which everything is allowed
    rm -rf "${dir:?}"/*
    mkdir -p "$dir/ci"
    cp "$SRCDIR/ci/layering.rules" "$dir/ci/"
    file bpf/wire/varint.h '<stdint.h>'
    file bpf/dp/parse.c '"bpf/wire/varint.h"' '"bpf/abi/limits.h"' '"bpf/dp/parse.h"'
    file bpf/dp/policy/none.c '"bpf/dp/policy.h"'
    file bpf/relay.bpf.c '<bpf/bpf_helpers.h>' '"bpf/dp/parse.h"'
    file bpf/t/parse_test.c '"pcap-tools/judge.h"' '"relay.skel.h"'
    file relay/host/load.c '"relay.skel.h"' '"embed/key_pem.h"' '"relay/fanout/ledger.h"'
    file bench/peer/main.c '"relay/quic/conn.h"' '"relay/quic/conn_tls.h"' '"relay/moqt/session.h"'
    file bench/run/verdict.c '"pcap-tools/judge.h"' '"bench/net/netns.h"' '"version.h"'
    file bench/main.c '"bench/run/run.h"'
    file pcap-tools/read/pcap.c '"pcap-tools/read/pcap.h"' '"pcap-tools/judge.h"'
    file pcap-tools/t/read_test.c '"pcap-tools/read/pcap.h"'
}

expect() { # EXIT TEXT NAME
    local rc=0 out
    out=$("$SRCDIR/ci/layering.sh" "$dir" 2>&1) || rc=$?
    if [ "$rc" != "$1" ] || { [ -n "$2" ] && ! grep -qF -- "$2" <<<"$out"; }; then
        printf '%s: expected exit %s and "%s", found exit %s and:\n%s\n' "$3" "$1" "$2" "$rc" "$out"
        bad=1
    fi
}

refused() { # FILE INCLUDE TEXT: a tree with this include is refused, by name
    fresh
    file "$1" "$2"
    expect 1 "$1:2: #include \"$(tr -d '"<>' <<<"$2")\": $3" "$1 includes $2"
}

fresh
expect 0 '' 'an allowed tree'

refused bpf/wire/frame.c '"bpf/abi/limits.h"' 'rule "bpf/wire :'
refused bpf/abi/entry.h '"bpf/port/native.h"' 'rule "bpf/abi :'
refused bpf/dp/seal.c '"relay/quic/protect.h"' 'rule "bpf/dp :'
refused relay/moqt/session.c '"bpf/abi/limits.h"' 'rule "relay/moqt :'
refused relay/quic/shim.c '"bpf/dp/dp.h"' 'rule "relay/quic :'
refused relay/fanout/ledger.c '"relay/host/loop.h"' 'rule "relay/fanout :'
refused bench/fate/fate.c '"bench/scenario/plan.h"' 'rule "bench/fate :'
refused bench/net/veth.c '"bench/run/run.h"' 'rule "bench/net :'
refused bench/peer/pub.c '"relay/quic/shim.h"' 'rule "bench/peer :'
refused bench/peer/pub.c '"relay/fanout/ledger.h"' 'rule "bench/peer :'
refused bench/sim/sim.c '"relay/host/loop.h"' 'rule "bench/sim :'
refused bench/run/run.c '"bench/peer/peer.h"' 'rule "bench/run :'
refused bench/run/run.c '"pcap-tools/read/pcap.h"' 'rule "bench/run :'
refused bench/report/tap.c '"bench/run/run.h"' 'rule "bench/report :'
refused bench/main.c '"bench/peer/peer.h"' 'rule "bench :'
refused pcap-tools/read/pcap.c '"bpf/wire/varint.h"' 'rule "pcap-tools :'
refused pcap-tools/t/read_test.c '"bpf/wire/varint.h"' 'tests of pcap-tools may include only'
refused pcap-tools/dissect/t/frame_test.c '"relay/moqt/session.h"' 'tests of pcap-tools may include only'
refused pcap-tools/read/fuzz/pcap_fuzz.c '"bench/fate/fate.h"' 'tests of pcap-tools may include only'
refused bench/scenario/plan.c '"relay.skel.h"' 'no "generated" line'
refused bpf/dp/parse.c '"version.h"' 'no "generated" line'
refused relay/quic/conn.c '"conn.h"' 'includes are written from the root'
refused relay/quic/conn.c '"../moqt/session.h"' 'includes are written from the root'
refused relay/quic/conn.c '"bpf/t/pkt.h"' 'only tests include'
refused pcap-tools/read/pcap.c '<bpf/wire/varint.h>' 'own headers are included with quotes'
refused bpf/newfolder/x.c '"relay/host/loop.h"' 'rule "bpf :'

fresh
file relay/other/x.c '"bpf/wire/varint.h"'
expect 1 'no rule of ci/layering.rules covers relay/other' 'a folder without a rule'

fresh
echo 'a b c : d' >>"$dir/ci/layering.rules"
expect 2 'expected a folder' 'a rule that cannot be read'

fresh
rm -r "$dir"/{bpf,relay,bench,pcap-tools}
expect 2 'found none' 'an empty tree'

# The real tree keeps the rules.
"$SRCDIR/ci/layering.sh" "$SRCDIR" || bad=1
exit $bad
