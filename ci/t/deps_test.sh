#!/usr/bin/env bash
# ci/deps.sh without a network: cache, generations, checksums, interruption.
# apt and the library build are stand-ins that write down how they were called.
# timeout: 60
# shellcheck disable=SC2015,SC2016 # fail() never fails; the stand-ins expand their own text
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
export FANBENCH_CACHE=$dir/cache CALLS=$dir/calls PATH=$dir/bin:$PATH

fail() {
    printf '%s\n' "$*"
    if [ -f "$dir/log" ]; then sed 's/^/    /' "$dir/log"; fi
    bad=1
}
calls() { grep -c "^$1" "$CALLS" || true; }
key_dirs() { find "$FANBENCH_CACHE" -maxdepth 2 -name generation | wc -l; }
sha() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
deps() { rc=0; "$dir/tree/ci/deps.sh" "$dir/deps.mk" >"$dir/log" 2>&1 || rc=$?; }

fresh() { # a tree, an empty cache, tarballs "old" and "new" in the lock
    rm -rf "${dir:?}"/{tree,cache,bin,deps.mk}
    mkdir -p "$dir/tree/ci/patches" "$dir/cache/tarballs" "$dir/bin"
    : >"$CALLS"
    cp "$SRCDIR/ci/deps.sh" "$dir/tree/ci/"
    echo 'bash  # is always there' >"$dir/tree/ci/packages"
    echo '# one fix' >"$dir/tree/ci/patches/ngtcp2-2.0-fix.patch"
    cat >"$dir/tree/ci/deps.lock" <<X
1 wolfssl 2.0 newest wolfssl_2.tar $(sha wolfssl-new)
1 ngtcp2 2.0 newest ngtcp2_2.tar $(sha ngtcp2-new)
2 wolfssl 1.0 older wolfssl_1.tar $(sha wolfssl-old)
2 ngtcp2 1.0 older ngtcp2_1.tar $(sha ngtcp2-old)
X
    cat >"$dir/tree/ci/deps-build.sh" <<'X'
echo "build $*" >>"$CALLS"
mkdir -p "$3/stage$4/lib"
touch "$3/stage$4/lib/libngtcp2.a"
X
    local tool
    for tool in apt-get apt-cache; do
        printf '#!/bin/sh\necho "%s $*" >>"$CALLS"\nexit 100\n' "$tool" >"$dir/bin/$tool"
        chmod +x "$dir/bin/$tool"
    done
    # gcc names its version; the rest of the test needs no compiler.
    printf '#!/bin/sh\necho 12\n' >"$dir/bin/gcc"
    chmod +x "$dir/bin/gcc"
}
tarballs() { # NUMBER TEXT: both tarballs of a generation
    printf 'wolfssl-%s' "$2" >"$dir/cache/tarballs/wolfssl_$1.tar"
    printf 'ngtcp2-%s' "$2" >"$dir/cache/tarballs/ngtcp2_$1.tar"
}

# The first generation is taken when it is there; apt is not asked.
fresh
tarballs 2 new
tarballs 1 old
deps
[ "$rc" -eq 0 ] || fail "first run: expected exit 0, found $rc"
grep -q '^build .*wolfssl_2.tar .*ngtcp2_2.tar ' "$CALLS" || fail 'first run: generation 1 was not built'
[ "$(calls apt)" -eq 0 ] || fail 'first run: apt was called although nothing is missing'
grep -q "^DEPS_LIB := $FANBENCH_CACHE/" "$dir/deps.mk" || fail 'first run: no path in the make fragment'

# The second run builds nothing.
deps
[ "$rc" -eq 0 ] && [ "$(calls build)" -eq 1 ] || fail "second run: expected exit 0 and one build in all, found $rc and $(calls build)"

# Changed flags mean a new build; so do another compiler and another patch.
echo '# another flag' >>"$dir/tree/ci/deps-build.sh"
deps
[ "$(calls build)" -eq 2 ] || fail "changed flags: expected a second build, found $(calls build) in all"
printf '#!/bin/sh\necho 13\n' >"$dir/bin/gcc"
deps
[ "$(calls build)" -eq 3 ] || fail "changed compiler: expected a third build, found $(calls build) in all"
echo '# two fixes' >"$dir/tree/ci/patches/ngtcp2-2.0-fix.patch"
deps
[ "$(calls build)" -eq 4 ] || fail "changed patch: expected a fourth build, found $(calls build) in all"

# A tarball with another checksum is not used; the second generation is.
fresh
tarballs 2 tampered
tarballs 1 old
deps
[ "$rc" -eq 0 ] || fail "fallback: expected exit 0, found $rc"
grep -q '^build .*wolfssl_1.tar .*ngtcp2_1.tar ' "$CALLS" || fail 'fallback: generation 2 was not built'
grep -q '^DEPS_GENERATION := 2$' "$dir/deps.mk" || fail 'fallback: the make fragment does not say generation 2'

# Generations are not mixed.
fresh
tarballs 1 old
printf 'wolfssl-new' >"$dir/cache/tarballs/wolfssl_2.tar"
deps
grep -q '^build .*wolfssl_1.tar .*ngtcp2_1.tar ' "$CALLS" || fail 'mixed: expected generation 2 whole'

# Without any tarball it says what to do.
fresh
deps
[ "$rc" -eq 3 ] || fail "no tarball: expected exit 3, found $rc"
grep -q 'CACHE/tarballs' "$dir/log" || fail 'no tarball: the message does not say where to put them'

# A build that fails, and one that is killed, leave nothing that counts as built.
fresh
tarballs 2 new
sed -i '$a echo no compiler here; exit 1' "$dir/tree/ci/deps-build.sh"
deps
[ "$rc" -eq 3 ] && [ "$(key_dirs)" -eq 0 ] || fail "failed build: expected exit 3 and no cache entry, found $rc and $(key_dirs)"
grep -q 'no compiler here' "$dir/log" || fail 'failed build: its log is not shown'
[ ! -e "$dir/deps.mk" ] || fail 'failed build: a make fragment was written'

fresh
tarballs 2 new
cp "$dir/tree/ci/deps-build.sh" "$dir/whole"
echo 'kill -KILL $PPID; sleep 1' >>"$dir/tree/ci/deps-build.sh"
deps
[ "$rc" -ne 0 ] && [ "$(key_dirs)" -eq 0 ] || fail "killed build: expected a failure and no cache entry, found exit $rc and $(key_dirs)"
cp "$dir/whole" "$dir/tree/ci/deps-build.sh"
deps
[ "$rc" -eq 0 ] && [ "$(key_dirs)" -eq 1 ] || fail "after a killed build: expected exit 0 and one cache entry, found $rc and $(key_dirs)"
[ -z "$(find "$FANBENCH_CACHE" -maxdepth 1 -name 'tmp.*')" ] || fail 'after a killed build: its temporary directory is still there'

# Two at a time build once.
fresh
tarballs 2 new
sed -i '1i sleep 1' "$dir/tree/ci/deps-build.sh"
"$dir/tree/ci/deps.sh" "$dir/deps.mk" >/dev/null 2>&1 &
deps
wait $! || fail 'concurrent: the other run failed'
[ "$rc" -eq 0 ] && [ "$(calls build)" -eq 1 ] || fail "concurrent: expected one build, found $(calls build)"

# A package that cannot be installed is named, after a second try.
fresh
tarballs 2 new
echo 'no-such-package-anywhere >= 7  # why' >>"$dir/tree/ci/packages"
printf '#!/bin/sh\nexec "$@"\n' >"$dir/bin/sudo"
chmod +x "$dir/bin/sudo"
deps
[ "$rc" -eq 3 ] || fail "missing package: expected exit 3, found $rc"
grep -q 'installing no-such-package-anywhere' "$dir/log" || fail 'missing package: it is not named'
[ "$(calls 'apt-get .* update')" -eq 2 ] || fail "missing package: expected two tries, found $(calls 'apt-get .* update')"
[ "$(calls build)" -eq 0 ] || fail 'missing package: something was built'

# A line of ci/packages that cannot be read is refused, not passed over.
fresh
tarballs 2 new
echo 'bash => 7' >>"$dir/tree/ci/packages"
deps
[ "$rc" -eq 3 ] && [ "$(calls build)" -eq 0 ] || fail "bad line in ci/packages: expected exit 3 and no build, found $rc and $(calls build)"
exit $bad
