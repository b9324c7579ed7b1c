#!/usr/bin/env bash
# Figures of packet protection: what sealing and opening one packet costs in the datapath,
# natively and in the kernel, the kernel's own AES and wolfSSL beside it, and the memory of a
# subscriber. Writes a table to stdout and $BUILDDIR/bench/crypt.txt, with the machine it was
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
} | tee "$out/crypt.txt"
