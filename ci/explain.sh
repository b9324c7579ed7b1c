#!/usr/bin/env bash
# What `fanbench explain` tells from the sources themselves, as one text that is linked in:
#
#   @scenario NAME   scenarios/defects/NAME.yaml
#   @switch NAME     a line each place where the defect's switch is asked: FILE:LINE CODE
#   @check NAME      the comment that opens pcap-tools/check/NAME.c
#   @matrix          scenarios/defects/matrix.txt
#
# A section ends where the next one begins. Usage: ci/explain.sh >FILE
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for file in scenarios/defects/*.yaml; do
    name=${file##*/}
    echo "@scenario ${name%.yaml}"
    cat "$file"
done

awk '
    FILENAME == "bpf/abi/defects.h" {
        if (match($0, /^  X\([a-z_]+, "[a-z-]+"/)) {
            split(substr($0, RSTART, RLENGTH), part, /[(", ]+/)
            name[++n] = part[4]
            field[n] = part[3]
        }
        next
    }
    /defect|ops\./ {
        for (i = 1; i <= n; i++)
            if ($0 ~ "(port_defect\\(p, |defects\\.|ops\\.)" field[i] "([^a-z_]|$)") {
                code = $0
                gsub(/^[ \t]+|[ \t]*\/\*.*\*\/$/, "", code)
                places[i] = places[i] FILENAME ":" FNR " " code "\n"
            }
    }
    END { for (i = 1; i <= n; i++) printf "@switch %s\n%s", name[i], places[i] }
' bpf/abi/defects.h bpf/dp/*.c relay/quic/*.c relay/fanout/*.c relay/host/*.c

for file in pcap-tools/check/*.c; do
    grep -q '^const struct qp_check qp_check_' "$file" || continue
    name=${file##*/}
    name=${name%.c}
    echo "@check ${name//_/-}"
    awk '{
        last = /\*\//
        sub(/^\/\* |^ \* ?/, "")
        sub(/ *\*\/.*/, "")
        print
        if (last) exit
    }' "$file"
done

echo '@matrix'
cat scenarios/defects/matrix.txt
