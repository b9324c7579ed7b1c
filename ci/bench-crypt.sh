#!/usr/bin/env bash
# Figures of packet protection: what sealing and opening one packet costs in the datapath,
# natively and in the kernel, the kernel's own AES and wolfSSL beside it, the memory of a
# subscriber, and a copy in the whole program to 1, 8 and 64 subscribers. Writes a table to stdout and $BUILDDIR/bench/crypt.txt, with the machine it was
# measured on.
#
#   ci/bench-crypt.sh [BYTES]      of the payload [1200]
set -euo pipefail

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=$(realpath -m "${BUILDDIR:-$SRCDIR/build}")
out=$BUILDDIR/bench
mkdir -p "$out"
{
    echo "$(date -u +%Y-%m-%d), $(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    "$BUILDDIR/fanbench" --version
    taskset -c 0 "$BUILDDIR/t/bpf/bench/crypt" "$@"
    taskset -c 0 "$BUILDDIR/t/bpf/bench/copies" "$@"
} | tee "$out/crypt.txt"
