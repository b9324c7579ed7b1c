#!/usr/bin/env bash
# timeout: 1500
# Mode sim: every scenario passes without privilege, and the same seed gives the same
# bytes in every artefact but the manifest's section `machine`: run again, several at
# a time on a busy machine, as another user, from a build by clang; with
# FANBENCH_TEST_FULL also from one with sanitizers.
set -euo pipefail

dir=$(mktemp -d)
busy=()
idle() { [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}" 2>/dev/null || true; }
trap 'idle; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$SRCDIR"
bad=0

# DIR: one line a file; not the junit.xml of all runs, which is in the order they ended. The machine's section is the last one of the manifest.
digest() {
    (cd "$1" && find . -type f ! -path ./junit.xml -print0 | LC_ALL=C sort -z |
        while IFS= read -r -d '' f; do
            case $f in
                */manifest.json) printf '%s  %s\n' "$(sed '/^ "machine": {/,/^ }/d' "$f" | sha256sum)" "$f" ;;
                *) sha256sum "$f" ;;
            esac
        done)
}

run() { # PROGRAM OUT ARGUMENT...
    local program=$1 out=$2
    shift 2
    "$program" run --mode sim "${folders[@]}" --out "$out" "$@" >"$out.tap" 2>"$out.err" || {
        echo "$program: exit $?"
        grep '^not ok' "$out.tap" || true
        sed 's/^/stderr: /' "$out.err" | head -50
        exit 1
    }
}

same() { # NAME
    digest "$dir/$1" >"$dir/$1.sum"
    cmp -s "$dir/a.sum" "$dir/$1.sum" && return
    echo "$1 differs from the first run:"
    diff "$dir/a.sum" "$dir/$1.sum" | head -20 || true
    bad=1
}

# The long ones once, and the longest with FANBENCH_TEST_FULL; those with defects are bench/t/matrix_test.sh's.
mapfile -t folders < <(find scenarios/load -name '*.yaml' | LC_ALL=C sort)
[ -n "${FANBENCH_TEST_FULL:-}" ] || mapfile -t folders < <(printf '%s\n' "${folders[@]}" | grep -v -e '-10000\.yaml$')
run "$BUILDDIR/fanbench" "$dir/load" -j 2 --keep failing
[ "$(grep -c '^ok' "$dir/load.tap")" -eq ${#folders[@]} ]

folders=(scenarios/first scenarios/network scenarios/reconnect scenarios/priority scenarios/found)
run "$BUILDDIR/fanbench" "$dir/a"
digest "$dir/a" >"$dir/a.sum"
[ "$(grep -c '^ok' "$dir/a.tap")" -eq "$(find "${folders[@]}" -name '*.yaml' | wc -l)" ]
[ "$(wc -l <"$dir/a.sum")" -gt 100 ]

for _ in 1 2 3 4; do
    (trap 'exit 0' TERM; while :; do :; done) &
    busy+=($!)
done
run "$BUILDDIR/fanbench" "$dir/again" -j 4
idle
busy=()
same again

# The digest must see a difference where there is one.
"$BUILDDIR/fanbench" run --mode sim "${folders[@]}" --out "$dir/seed" --seed 8 >"$dir/seed.tap" 2>"$dir/seed.err" || true
digest "$dir/seed" >"$dir/seed.sum"
if cmp -s "$dir/a.sum" "$dir/seed.sum"; then
    echo 'another seed gives the same bytes'
    bad=1
fi

# Without root the mode is sim, and it is said.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    mkdir "$dir/user" && chown 65534:65534 "$dir/user"
    cp "$BUILDDIR/fanbench" "$dir/fanbench"
    if setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$SRCDIR/scenarios/first/quickstart.yaml"; then
        setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$dir/fanbench" run "${folders[@]}" \
            --out "$dir/user" >"$dir/user.tap" 2>"$dir/user.err" || {
            cat "$dir/user.err"
            exit 1
        }
        grep -q 'mode sim, since live needs root' "$dir/user.err" || {
            echo 'an ordinary user is not told that the mode is sim'
            bad=1
        }
        same user
    fi
fi

# The same commit by another compiler; what the command line of `make test` says does not count.
commit=$("$BUILDDIR/fanbench" --version | sed 's/.*(\(.*\))/\1/')
from=${BUILDDIR#"$SRCDIR"/} # as a person would type it: make compares names
other() { # NAME MAKE-ARGUMENT...
    local name=$1 build=$from-$1
    shift
    env -u MAKEFLAGS -u MAKELEVEL make COMMIT="$commit" BUILD="$build" GEN="$from/gen" BPF="$from/bpf" \
        "$@" "$build/fanbench" >"$dir/make.log" 2>&1 || {
        tail -20 "$dir/make.log"
        exit 1
    }
    run "$build/fanbench" "$dir/$name"
    same "$name"
}
other clang CC="${CLANG:-clang-19}"
[ -z "${FANBENCH_TEST_FULL:-}" ] || other asan SANITIZE=address,undefined

exit $bad
