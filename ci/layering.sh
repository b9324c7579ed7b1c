#!/usr/bin/env bash
# Checks who includes whom.
#
#   ci/layering.sh [TREE]          TREE: the source tree [this one]
#
# Reads TREE/ci/layering.rules. Looks at every #include "..." of every .c and .h
# below bpf/, relay/, bench/ and pcap-tools/. Includes are written from the root
# of the tree. Prints file:line, the include and the rule it breaks; exit 1 if
# there is any, 2 if the rules cannot be read.
set -euo pipefail

tree=${1:-$(dirname "${BASH_SOURCE[0]}")/..}
cd "$tree"
rules=ci/layering.rules
[ -f "$rules" ] || { echo "layering: $rules does not exist" >&2; exit 2; }

folders=()
for folder in bpf relay bench pcap-tools; do
    if [ -d "$folder" ]; then folders+=("$folder"); fi
done
[ ${#folders[@]} -gt 0 ] || { echo 'layering: found none of bpf, relay, bench, pcap-tools' >&2; exit 2; }

mapfile -d '' -t files < <(find "${folders[@]}" -type f \( -name '*.c' -o -name '*.h' \) -print0 | sort -z)
[ ${#files[@]} -gt 0 ] || { echo "layering: there is no source file in ${folders[*]}" >&2; exit 2; }

# shellcheck disable=SC2016 # the text is awk
awk -v rules="$rules" '
    # PATH lies in ENTRY: a folder, a file or a pattern with *.
    function lies_in(path, entry,    regex) {
        if (index(entry, "*")) {
            regex = entry
            gsub(/[.]/, "[.]", regex)
            gsub(/[*]/, "[^/]*", regex)
            return entry == "*" || path ~ ("^" regex "$")
        }
        return path == entry || index(path, entry "/") == 1
    }
    function in_any(path, entries,    list, n, i) {
        n = split(entries, list, " ")
        for (i = 1; i <= n; i++) if (lies_in(path, list[i])) return 1
        return 0
    }
    function refuse(why) { printf "%s:%d: #include \"%s\": %s\n", FILENAME, FNR, header, why; bad++ }
    function exists(path,    ignored, result) {
        result = (getline ignored < path) >= 0
        close(path)
        return result
    }
    # The rule with the longest WHERE that holds FILENAME.
    function rule_of(path,    i, best) {
        best = ""
        for (i in may) if (lies_in(path, i) && length(i) > length(best)) best = i
        return best
    }
    # A generated header is matched by its first line in the rules.
    function check_generated(    i) {
        for (i = 1; i <= generated; i++) if (lies_in(header, made[i])) {
            if (in_test || in_any(FILENAME, made_for[i])) return 1
        }
        return 0
    }
    BEGIN {
        while ((getline line < rules) > 0) {
            number++
            sub(/#.*/, "", line)
            if (line ~ /^[ \t]*$/) continue
            if (split(line, part, ":") != 2) { printf "%s:%d: expected WHERE : ENTRY...\n", rules, number > "/dev/stderr"; broken = 1; exit 2 }
            words = split(part[1], where, " ")
            if (words == 1) may[where[1]] = part[2]
            else if (words == 2 && where[1] == "generated") { made[++generated] = where[2]; made_for[generated] = part[2] }
            else if (words == 2 && where[1] == "tests") test_may[where[2]] = part[2]
            else { printf "%s:%d: expected a folder, \"generated NAME\" or \"tests FOLDER\"\n", rules, number > "/dev/stderr"; broken = 1; exit 2 }
        }
    }
    FNR == 1 {
        files++
        in_test = FILENAME ~ /\/(t|fuzz|bench)\//
        top = FILENAME; sub(/\/.*/, "", top)
        folder = FILENAME; sub(/\/[^\/]*$/, "", folder)
        rule = rule_of(FILENAME)
    }
    match($0, /^[ \t]*#[ \t]*include[ \t]*<(bpf|relay|bench|pcap-tools)\/[^>]*>/) {
        header = substr($0, RSTART, RLENGTH)
        sub(/^[^<]*</, "", header); sub(/>$/, "", header)
        if (exists(header)) refuse("own headers are included with quotes")
        next
    }
    match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) {
        header = substr($0, RSTART, RLENGTH)
        sub(/^[^"]*"/, "", header); sub(/"$/, "", header)
        if (header ~ /(^|\/)\.\.?\//) { refuse("includes are written from the root of the tree"); next }
        if (header ~ /^embed\// || header ~ /[.]skel[.]h$/ || header == "version.h") {
            if (!check_generated()) refuse("no \"generated\" line of " rules " lets " folder " include it")
            next
        }
        if (header !~ /\//) { refuse("includes are written from the root of the tree"); next }
        if (in_test) {
            if (!(top in test_may)) refuse(rules " has no line \"tests " top "\"")
            else if (!lies_in(header, top) && !in_any(header, test_may[top])) refuse("tests of " top " may include only" test_may[top])
            next
        }
        if (rule == "") { refuse("no rule of " rules " covers " folder); next }
        if (header ~ /\/t\//) { refuse("only tests include from a folder t/"); next }
        # A folder includes itself; its subfolders with a rule of their own are not itself.
        if (rule_of(header) == rule || in_any(header, may[rule])) next
        refuse("rule \"" rule " :" may[rule] "\" does not allow it")
    }
    END {
        if (broken) exit 2
        if (bad) { printf "layering: %d forbidden includes in %d files\n", bad, files; exit 1 }
    }' "${files[@]}"
