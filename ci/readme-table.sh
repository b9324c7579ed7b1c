#!/usr/bin/env bash
# Puts a table that a command has made into README.md: the fenced block behind the line
# `<!-- table: NAME -->`.
#
#   ci/readme-table.sh NAME FILE
set -euo pipefail

readme=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/README.md
grep -qxF "<!-- table: $1 -->" "$readme" || {
    echo "readme-table: README.md has no line <!-- table: $1 -->" >&2
    exit 2
}
awk -v mark="<!-- table: $1 -->" -v file="$2" '
    $0 == mark { found = 1 }
    found == 2 && /^```$/ { found = 0 }
    found != 2 { print }
    found == 1 && /^```text$/ { found = 2; while ((getline line < file) > 0) print line }
' "$readme" >"$readme.new"
mv "$readme.new" "$readme"
