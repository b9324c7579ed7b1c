#!/usr/bin/env bash
# timeout: 3000
# Each operator of quicpcap mutate is convicted by the check it names: at two places of
# one run of each scenario, in the full test at twenty of three.
set -euo pipefail

[ -x "$BUILDDIR/fanbench" ] || { echo 'skip: fanbench is not built'; exit 77; }
if [ -n "${FANBENCH_TEST_FULL:-}" ]; then
  places=20 seeds=3
else
  places=2 seeds=1
fi
table=$(nice "$SRCDIR/ci/mutations.sh" "$places" "$seeds" 2>&1) || { echo "$table"; exit 1; }
operators=$(grep -cE '^[a-z][a-z-]+ +[a-z][a-z-]+ +[0-9]+ +[0-9]+ +[0-9]+' <<<"$table")
[ "$operators" -ge 60 ] || { echo "$table"; echo "expected 60 operators or more, found $operators"; exit 1; }
# every check of the catalogue is expected by some operator
for check in $("$BUILDDIR/fanbench" list --checks | sed -n "s/^\([a-z-]*[a-z]\) .*/\1/p"); do
  grep -qE "^[a-z-]+ +$check +" <<<"$table" || { echo "no operator is for $check"; exit 1; }
done
