#!/usr/bin/env bash
# Runs tests and counts their cases.
#
#   ci/test.sh TEST...
#
# A name ending in .sh is a script: one case; exit 0 passes, 77 skips (the last
# line of its output is the reason), anything else fails. Everything else is a
# cmocka binary: its cases are read from TAP; the last line printed before
# skip() is the reason.
#
# A test has 120 s; "timeout: N" in the first 20 lines of its source asks for
# N seconds. TEST_TIME_SCALE multiplies limits, for slow (instrumented) builds.
# A binary that crashes, hangs, runs no case or fewer than planned has failed.
#
# Tests run in SRCDIR and see SRCDIR and BUILDDIR as absolute paths. What passes
# is not shown; a failure is shown whole. The last line is always
# "N passed, N failed, N skipped"; the exit code is 1 when anything failed.
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
cd "$SRCDIR"
BUILDDIR=$(realpath -m "${BUILDDIR:-build}")
export SRCDIR BUILDDIR
export CMOCKA_MESSAGE_OUTPUT=TAP
scale=${TEST_TIME_SCALE:-1}

passed=0 failed=0 skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/fanbench-test.XXXXXX")
child=''
# timeout leads a process group of its own: an interrupt here must end it too.
trap 'if [ -n "$child" ]; then kill "$child" 2>/dev/null || true; fi; rm -f "$log"' EXIT
trap 'exit 130' INT TERM

source_of() { # TEST: the file that may declare a time limit
    case $1 in
        *.sh) printf '%s' "$1" ;;
        *) printf '%s.c' "$SRCDIR/${1#"$BUILDDIR"/t/}" ;;
    esac
}

time_limit() { # TEST
    local declared=''
    declared=$(sed -n '1,20s/^[#/ *]*timeout: *\([0-9][0-9]*\).*/\1/p' "$(source_of "$1")" 2>/dev/null | head -n 1) || true
    echo $((${declared:-120} * scale))
}

# Runs TEST into $log; sets rc and, for a death that was not an exit, why.
run() { # TEST LIMIT
    rc=0 why=''
    timeout --kill-after=2 "$2" "$1" >"$log" 2>&1 </dev/null &
    child=$!
    wait "$child" 2>/dev/null || rc=$?
    child=''
    # timeout reports 124, or dies of the signal it had to send in the end.
    if [ "$rc" -eq 124 ] || { [ "$rc" -eq 137 ] && [ "$SECONDS" -ge $((started + $2)) ]; }; then
        why="still running after $2 s"
    elif [ "$rc" -gt 128 ] && [ "$rc" -le 192 ]; then
        why="died of signal $(kill -l $((rc - 128)))"
    fi
}

show_failure() { # TEST REASON
    printf 'FAIL %s: %s\n' "$1" "$2"
    sed 's/^/    /' "$log"
}

run_script() { # NAME
    case $rc in
        0) passed=$((passed + 1)) ;;
        77)
            skipped=$((skipped + 1))
            printf 'SKIP %s: %s\n' "$1" "$(grep . "$log" | tail -n 1 || true)"
            ;;
        *)
            failed=$((failed + 1))
            show_failure "$1" "${why:-exit code $rc}"
            ;;
    esac
}

# Prints "PASSED FAILED PLANNED RAN" and one "CASE: REASON" line a skip.
# cmocka 1.1.5 writes a skip as "not ok N # SKIP name".
read_tap() {
    awk '
        /^1\.\.[0-9]+/ { planned += substr($0, 4); next }
        /^(not )?ok [0-9]+.*# SKIP/ {
            ran++; name = $0; sub(/.*# SKIP */, "", name)
            skips = skips name ": " (said == "" ? "no reason given" : said) "\n"; said = ""; next
        }
        /^ok [0-9]+/ { ran++; passed++; said = ""; next }
        # A group that could not be set up stands for all its cases.
        /^not ok [0-9]+.*GROUP SETUP/ { ran = planned; failed++; said = ""; next }
        /^not ok [0-9]+/ { ran++; failed++; said = ""; next }
        /^#/ || /^$/ { next }
        { said = $0 }
        END { printf "%d %d %d %d\n%s", passed, failed, planned, ran, skips }' "$log"
}

run_binary() { # NAME
    local counts skips='' ok bad planned ran reason=''
    counts=$(read_tap)
    read -r ok bad planned ran <<<"$counts"
    case $counts in *$'\n'*) skips=${counts#*$'\n'} ;; esac

    if [ -n "$why" ]; then
        reason=$why
    elif [ "$planned" -eq 0 ]; then
        reason="it ran no test case (exit code $rc)"
    elif [ "$ran" -ne "$planned" ]; then
        reason="$planned cases planned, $ran results found (exit code $rc; own output without a newline at its end hides a result)"
    elif [ "$bad" -eq 0 ] && [ "$rc" -ne 0 ]; then
        reason="no case failed, but its exit code is $rc"
    fi

    passed=$((passed + ok))
    failed=$((failed + bad))
    [ -z "$reason" ] || failed=$((failed + 1))
    if [ -n "$reason" ]; then
        show_failure "$1" "$reason"
    elif [ "$bad" -gt 0 ]; then
        show_failure "$1" "$bad of $planned cases"
    fi
    if [ -n "$skips" ]; then
        local skip
        while read -r skip; do
            skipped=$((skipped + 1))
            printf 'SKIP %s: %s\n' "$1" "$skip"
        done <<<"$skips"
    fi
}

for test in "$@"; do
    name=${test#"$SRCDIR"/}
    case $test in /*) ;; *) test=$SRCDIR/$test ;; esac
    if [ ! -x "$test" ]; then
        failed=$((failed + 1))
        : >"$log"
        show_failure "$name" 'it is not an executable file'
        continue
    fi
    started=$SECONDS
    run "$test" "$(time_limit "$test")"
    case $name in
        *.sh) run_script "$name" ;;
        *) run_binary "$name" ;;
    esac
done

if [ $((passed + failed + skipped)) -eq 0 ]; then
    echo 'FAIL: there is no test to run'
    failed=1
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
