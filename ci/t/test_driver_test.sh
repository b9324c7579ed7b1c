#!/usr/bin/env bash
# ci/test.sh against tests that pass, fail, skip, crash, hang and run nothing.
# timeout: 60
set -euo pipefail

driver=$SRCDIR/ci/test.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/build/t/x/t" "$dir/x/t"

script() { # NAME, body on stdin
    { echo '#!/bin/sh'; cat; } >"$dir/x/t/$1_test.sh"
    chmod +x "$dir/x/t/$1_test.sh"
}
# Stands for a cmocka binary: prints what cmocka 1.1.5 prints.
binary() { # NAME, body on stdin
    { echo '#!/bin/sh'; cat; } >"$dir/build/t/x/t/$1_test"
    chmod +x "$dir/build/t/x/t/$1_test"
}

script pass <<'X'
test -d "$SRCDIR" && test "$BUILDDIR" = "$SRCDIR/build" && test "$PWD" = "$SRCDIR" && echo quiet
X
script fail <<'X'
echo the whole story; exit 3
X
script skip <<'X'
echo first; echo needs root; exit 77
X
script crash <<'X'
kill -SEGV $$
X
script hang <<'X'
# timeout: 1
sleep 30
X
script stubborn <<'X'
# timeout: 1
trap '' TERM; while :; do sleep 1; done
X
binary pass <<'X'
printf '1..2\nok 1 - a\nok 2 - b\n# ok - t\n1..1\nok 1 - c\n# ok - u\n'
X
binary fail <<'X'
printf '1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n# not ok - t\n'; exit 1
X
binary skip <<'X'
printf '1..2\nok 1 - a\nneeds a kernel\nnot ok 2 # SKIP b\n# ok - t\n'
X
binary bare_skip <<'X'
printf '1..1\nnot ok 1 # SKIP b\n# ok - t\n'
X
binary crash <<'X'
printf '1..2\nok 1 - a\n'; kill -ABRT $$
X
binary early_exit <<'X'
printf '1..2\nok 1 - a\n'; exit 0
X
binary zero <<'X'
exit 0
X
binary empty_group <<'X'
printf '1..0\n# ok - t\n'
X
binary leak <<'X'
printf '1..1\nok 1 - a\n# ok - t\n'; echo LeakSanitizer; exit 23
X
binary setup <<'X'
printf '1..4\nnot ok 0 - t [  FAILED  ] GROUP SETUP\n# ok - t\n'
X
binary hang <<'X'
printf '1..1\n'; exec sleep 30
X
echo '// timeout: 1' >"$dir/x/t/hang_test.c"
echo 'not executable' >"$dir/build/t/x/t/plain_test"

bad=0
# What the driver says about TEST...: its exit code, its last line, a text in its output.
expect() { # EXIT LAST_LINE TEXT TEST...
    local want_rc=$1 want_last=$2 text=$3 out rc=0 last
    shift 3
    out=$(SRCDIR=$dir BUILDDIR=build TEST_TIME_SCALE=1 "$driver" "$@" 2>&1) || rc=$?
    last=${out##*$'\n'}
    if [ "$rc" != "$want_rc" ] || [ "$last" != "$want_last" ] || { [ -n "$text" ] && ! grep -qF -- "$text" <<<"$out"; }; then
        printf 'driver on %s:\n  expected exit %s, "%s", text "%s"\n  found exit %s, "%s"\n%s\n' \
            "$*" "$want_rc" "$want_last" "$text" "$rc" "$last" "$out"
        bad=1
    fi
}

b=build/t/x/t
expect 0 '1 passed, 0 failed, 0 skipped' '' x/t/pass_test.sh
expect 1 '0 passed, 1 failed, 0 skipped' 'the whole story' x/t/fail_test.sh
expect 1 '0 passed, 1 failed, 0 skipped' 'exit code 3' x/t/fail_test.sh
expect 0 '0 passed, 0 failed, 1 skipped' 'SKIP x/t/skip_test.sh: needs root' x/t/skip_test.sh
expect 1 '0 passed, 1 failed, 0 skipped' 'died of signal SEGV' x/t/crash_test.sh
expect 1 '0 passed, 1 failed, 0 skipped' 'still running after 1 s' x/t/hang_test.sh
expect 1 '0 passed, 1 failed, 0 skipped' 'still running after 1 s' x/t/stubborn_test.sh
expect 0 '3 passed, 0 failed, 0 skipped' '' $b/pass_test
expect 0 '3 passed, 0 failed, 0 skipped' '' "$dir/$b/pass_test"
expect 1 '1 passed, 1 failed, 0 skipped' '# 1 != 2' $b/fail_test
expect 0 '1 passed, 0 failed, 1 skipped' "SKIP $b/skip_test: b: needs a kernel" $b/skip_test
expect 0 '0 passed, 0 failed, 1 skipped' 'b: no reason given' $b/bare_skip_test
expect 1 '1 passed, 1 failed, 0 skipped' 'died of signal ABRT' $b/crash_test
expect 1 '1 passed, 1 failed, 0 skipped' '2 cases planned, 1 results found' $b/early_exit_test
expect 1 '0 passed, 1 failed, 0 skipped' 'it ran no test case' $b/zero_test
expect 1 '0 passed, 1 failed, 0 skipped' 'it ran no test case' $b/empty_group_test
expect 1 '1 passed, 1 failed, 0 skipped' 'its exit code is 23' $b/leak_test
expect 1 '0 passed, 1 failed, 0 skipped' 'GROUP SETUP' $b/setup_test
expect 1 '0 passed, 1 failed, 0 skipped' 'still running after 1 s' $b/hang_test
expect 1 '0 passed, 1 failed, 0 skipped' 'not an executable file' $b/plain_test
expect 1 '0 passed, 1 failed, 0 skipped' 'there is no test to run'
expect 1 '5 passed, 2 failed, 2 skipped' '' x/t/pass_test.sh x/t/fail_test.sh x/t/skip_test.sh $b/pass_test $b/skip_test $b/zero_test

# What passes is not shown.
out=$(SRCDIR=$dir BUILDDIR=build "$driver" x/t/pass_test.sh $b/pass_test)
if [ "$out" != '4 passed, 0 failed, 0 skipped' ]; then
    printf 'passing tests are not quiet:\n%s\n' "$out"
    bad=1
fi
exit $bad
