#!/usr/bin/env bash
# timeout: 900
# tshark and the judge read the same in our `tls` captures and in those of other people's
# programs; what they differ in is explained by a rule, and a planted difference is told.
set -euo pipefail

[ -x "$BUILDDIR/fanbench" ] || { echo 'skip: fanbench is not built'; exit 77; }
said=0
table=$(nice "$SRCDIR/ci/differential.sh" 2>&1) || said=$?
case $said in
  0) grep -q '^planted into .* 12 differences, told 12$' <<<"$table" || { echo "$table"; exit 1; } ;;
  77) tail -n 1 <<<"$table"; exit 77 ;;
  *) echo "$table"; exit 1 ;;
esac
