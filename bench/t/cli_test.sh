#!/usr/bin/env bash
# The command line of fanbench: exit codes, where texts go, what is refused.
# Nothing here starts a run.
set -euo pipefail

fanbench=$BUILDDIR/fanbench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    [ ! -s out ] || sed 's/^/stdout: /' out
    [ ! -s err ] || sed 's/^/stderr: /' err
    exit 1
}

# expect CODE ARG...: runs fanbench, keeps out and err
expect() {
    local code=$1 got=0
    shift
    "$fanbench" "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$code" ] || fail "fanbench $*: expected exit $code, found $got"
}
says() { grep -qF -- "$2" "$1" || fail "expected \"$2\" in $1"; }
silent() { [ ! -s "$1" ] || fail "expected nothing in $1"; }

scenario() { # NAME [EXTRA LINES FOR THE LINK]
    cat >"$1.yaml" <<EOF
scenario: $1
about: For the command line.
duration: 1s
${3:-}
nodes:
  pub: { role: publisher }
  relay: { role: relay, datapath: ${4:-kernel} }
  sub: { role: subscriber }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub]${2:-} }
tracks:
  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }
subscriptions:
  - { who: sub, tracks: [chat] }
${5:-}
EOF
}
scenario plain
scenario lossy ', loss: 1%'
scenario simonly '' 'modes: [sim]'
printf 'scenario: broken\nnodes: 7\n' >broken.yaml

# help
expect 2
silent out
says err 'usage: fanbench'
for help in --help -h help; do
    expect 0 $help
    silent err
    says out 'examples:'
done
for command in run verify report check list doctor enter clean fate sweep matrix compare shrink; do
    expect 0 $command --help
    says out "usage: fanbench $command"
    says out example
    expect 2 $command --nonsense
    silent out
    says err "fanbench $command --help"
done
expect 2 nonsense
says err 'there is no command "nonsense"'
expect 0 --version
says out fanbench

# run: the command line
expect 2 run
for bad in '--seed x' '--seed -1' '--seeds 3..1' '--seeds 3' '--mode fast' '-j 0' '-j x' '--set x' \
    '--defect nonsense' '--seed' '--out'; do
    # shellcheck disable=SC2086 # two words on purpose
    expect 2 run plain.yaml $bad
    silent out
    says err '--help'
done
expect 2 run missing.yaml
says err missing.yaml
mkdir empty
expect 2 run empty
says err 'holds no scenario'
expect 2 run plain.yaml --set nodes.nonsense.datapath=user --mode sim

# check and list
expect 0 check plain.yaml lossy.yaml
says out 'plain.yaml: ok'
expect 2 check plain.yaml broken.yaml
says err 'broken.yaml:2:8: error:'
says out 'plain.yaml: ok'
expect 2 check
expect 0 list plain.yaml
says out 'For the command line.'
expect 0 list --checks
says out pn-unique
expect 0 list --checks --json
says out '"name":"pn-unique"'
expect 0 list --defects
says out two-counters
expect 0 list --policies
says out none
expect 0 list --deeds
says out optimistic-ack
expect 2 list --checks --defects
expect 2 list --checks plain.yaml

# run: what cannot be run, by name
expect 0 run plain.yaml --mode sim
says out 'ok 1 - plain'
mkdir both
cp plain.yaml both/
cp plain.yaml both/plain2.yaml
expect 2 run both --mode sim # two of one name, or a name that is not the file's
mkdir mixed
cp broken.yaml plain.yaml mixed/
expect 2 run mixed --mode sim
says out 'not ok 1 - broken'
says out 'ok 2 - plain'
says out '1..2'

# directories that are no run directories
expect 2 verify empty
says err 'no run directory'
expect 2 report empty
expect 2 verify
expect 0 clean
expect 2 enter relay -- true

if [ "$(id -u)" -eq 0 ]; then
    expect 0 run simonly.yaml --mode live
    says out '# SKIP'
    [ ! -e runs/simonly ] || fail 'a skipped scenario has a run directory'
    mkdir foreign
    touch foreign/precious
    expect 2 run plain.yaml --mode live --out foreign
    says err precious
    [ -e foreign/precious ] || fail 'a foreign file was removed'
    expect 0 doctor
    says out tcx
    expect 0 doctor --json
    says out '"name":"tcx"'
    # as somebody else, with a copy that everybody may execute
    chmod 755 "$dir"
    cp "$fanbench" "$dir/copy"
    code=0
    setpriv --reuid=65534 --regid=65534 --clear-groups ./copy run plain.yaml --mode live >out 2>err || code=$?
    [ "$code" -eq 3 ] || fail "expected exit 3 without root, found $code"
    says err 'this machine lacks root'
    code=0
    setpriv --reuid=65534 --regid=65534 --clear-groups ./copy doctor >out 2>err || code=$?
    [ "$code" -eq 3 ] || fail "expected doctor to exit 3 without root, found $code"
    says out 'MISSING  root'
fi
echo passed
