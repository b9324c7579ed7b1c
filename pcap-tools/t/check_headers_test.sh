#!/usr/bin/env bash
# Each check of the catalogue has a file of its own, whose header says where it looks and
# what it excuses, and hand-made packets that it passes and that it refuses.
set -euo pipefail

cd "$SRCDIR/pcap-tools"
n=0
while read -r id; do
  name=${id//_/-} file=check/$id.c
  [ -f "$file" ] || { echo "$name: expected a file of its own, $file"; exit 1; }
  header=$(awk '/^\/\*/ { p = 1 } p { print } /\*\// { exit }' "$file")
  grep -q "^/\* $name: " <<<"$header" || { echo "$file: expected a header that begins with its name"; exit 1; }
  grep -qE 'Vantage: |[Jj]udged at ' <<<"$header" || { echo "$file: the header does not say where it looks"; exit 1; }
  grep -qi 'excuse' <<<"$header" || { echo "$file: the header does not say what it excuses"; exit 1; }
  grep -qE "\"$name\"" t/*_test.c || { echo "$name: no test has packets for it"; exit 1; }
  n=$((n + 1))
done < <(grep -ohE 'qp_check_[a-z_]+' check/catalogue.c | sed 's/^qp_check_//' | sort -u)
[ "$n" -eq 32 ] || { echo "expected the 32 checks of DESIGN section 8, found $n"; exit 1; }
