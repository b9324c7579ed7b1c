#!/usr/bin/env bash
# A run directory needs nothing but itself: it holds no path of the machine outside the
# manifest's section `machine`, is judged as before when it and its inputs have gone from
# where they were, and replays to the byte. In sim, and, as root, live.
# timeout: 200
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fanbench=$BUILDDIR/fanbench

fail() {
    echo "FAIL: $*"
    exit 1
}

# Two inputs of one name, a trace of two tracks.
mkdir -p "$dir/here/a" "$dir/here/b"
head -n 40 "$SRCDIR/scenarios/traces/720p25.csv" >"$dir/here/a/clip"
head -c 50000 "$SRCDIR/scenarios/traces/clip.mp4" >"$dir/here/b/clip"
cat >"$dir/here/moved.yaml" <<'END'
scenario: moved
duration: 1s
nodes:
  pub:   { role: publisher }
  relay: { role: relay }
  sub:   { role: subscriber, count: 2 }
links:
  - { between: [pub, relay] }
  - { between: [relay, sub], delay: 2ms }
tracks:
  video: { from: pub, as: subgroups, subgroup: object, trace: a/clip }
  again: { from: pub, as: subgroups, trace: a/clip }
  data:  { from: pub, as: subgroups, every: 10ms, size: 1000, file: b/clip }
subscriptions:
  - { who: sub, tracks: [video, again, data] }
expect:
  examined: { payload-identical: 100 }
END

# Everything but the manifest's last section, where the machine is.
without_machine() { # FILE
    case $1 in
        */manifest.json) sed '/^ "machine": {/,/^ }/d' "$1" ;;
        *) cat "$1" ;;
    esac
}

digest() {
    (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z |
        while IFS= read -r -d '' f; do printf '%s  %s\n' "$(without_machine "$f" | sha256sum)" "$f"; done)
}

check() { # MODE
    local run=$dir/$1-run moved=$dir/$1-elsewhere f
    mkdir -p "$dir/$1/scenarios"
    cp -r "$dir/here/." "$dir/$1/scenarios"
    "$fanbench" run "$dir/$1/scenarios/moved.yaml" --mode "$1" --out "$run" >"$dir/$1.tap" 2>"$dir/$1.err" || {
        cat "$dir/$1.tap" "$dir/$1.err"
        exit 1
    }
    while IFS= read -r -d '' f; do
        if without_machine "$f" | grep -qaF -e "$dir" -e "$SRCDIR" -e "$BUILDDIR"; then
            fail "$1: ${f#"$run"/} holds a path of this machine"
        fi
    done < <(find "$run" -type f -print0)
    [ "$(find "$run/input" -type f | wc -l)" -eq 2 ] || fail "$1: expected 2 files in input/: $(ls "$run/input")"
    cmp -s "$run/input/clip" "$dir/here/a/clip" || fail "$1: input/clip is not the trace"
    cmp -s "$run/input/2-clip" "$dir/here/b/clip" || fail "$1: input/2-clip is not the file"
    mv "$run" "$moved"
    rm -rf "${dir:?}/$1"
    digest "$moved" >"$dir/before"
    (cd / && "$fanbench" verify "$moved" >"$dir/verify" 2>&1) || {
        cat "$dir/verify"
        fail "$1: the moved directory is not judged as before"
    }
    "$fanbench" report "$moved" >/dev/null
    digest "$moved" | diff "$dir/before" - || fail "$1: judging it again changes it"
}

check sim
# as its own report.json says
replay=$(sed -n 's/^.*"replay": *"fanbench run \(.*\)".*$/\1/p' "$dir/sim-elsewhere/report.json")
[ -n "$replay" ] || fail 'report.json has no replay'
# shellcheck disable=SC2086 # it is made of words
(cd "$dir/sim-elsewhere" && "$fanbench" run $replay --out "$dir/again" >"$dir/tap" 2>&1) || {
    cat "$dir/tap"
    fail "fanbench run $replay fails"
}
digest "$dir/again" | diff "$dir/before" - || fail 'the replay differs'
# into itself: the inputs are there, and stay
(cd "$dir/sim-elsewhere" && "$fanbench" run scenario.yaml --mode sim --out . >"$dir/tap" 2>&1) || {
    cat "$dir/tap"
    fail 'it cannot be run again in its place'
}
digest "$dir/sim-elsewhere" | diff "$dir/before" - || fail 'the run in its place differs'

if [ "$(id -u)" -eq 0 ] && "$fanbench" doctor >/dev/null 2>&1; then
    check live
else
    echo 'sim is right; this machine cannot run live'
    exit 77
fi
