#!/usr/bin/env bash
# Builds wolfSSL and ngtcp2, static, from source tarballs.
#
#   ci/deps-build.sh WOLFSSL_TARBALL NGTCP2_TARBALL WORK_DIR PREFIX
#
# The result lies in WORK_DIR/stage/PREFIX; the caller moves it to PREFIX in one
# step. The text of this file and of ci/patches is part of the cache key: a
# changed flag or patch means a new build.
set -euo pipefail

wolfssl_tarball=$1 ngtcp2_tarball=$2 work=$3 prefix=$4
patches=$(cd "$(dirname "${BASH_SOURCE[0]}")/patches" && pwd)
stage=$work/stage
jobs=$(nproc)

unpack() { # TARBALL DIR
    mkdir -p "$2"
    tar -xf "$1" -C "$2" --strip-components=1
}

build_wolfssl() {
    unpack "$wolfssl_tarball" "$work/wolfssl"
    cd "$work/wolfssl"
    local asm=()
    if [ "$(uname -m)" = x86_64 ]; then
        asm=(--enable-aesni --enable-intelasm --enable-sp-asm)
    fi
    ./autogen.sh
    # HAVE_AES_ECB: header protection; without it the last link fails.
    # WC_RNG_SEED_CB: a seeded generator for sim mode.
    # HAVE_SECRET_CALLBACK: the key log callback. --enable-keylog-export would
    # also append every secret to sslkeylog.log in the current directory.
    CPPFLAGS='-DHAVE_AES_ECB -DWC_RNG_SEED_CB -DHAVE_SECRET_CALLBACK' CFLAGS='-O2 -g' ./configure \
        --prefix="$prefix" --enable-quic "${asm[@]}" \
        --enable-aesctr --enable-session-ticket \
        --enable-static --disable-shared --disable-examples --enable-crypttests=no
    make -j"$jobs"
    make install DESTDIR="$stage"
}

# ci/patches/NAME-WHAT.patch, for every generation; one that does not fit ends the build.
apply_patches() { # NAME DIR
    local patch
    for patch in "$patches/$1"-*.patch; do
        patch -d "$2" -p1 --forward --fuzz=0 <"$patch"
    done
}

build_ngtcp2() {
    unpack "$ngtcp2_tarball" "$work/ngtcp2"
    apply_patches ngtcp2 "$work/ngtcp2"
    cmake -S "$work/ngtcp2" -B "$work/ngtcp2-build" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
        -DENABLE_LIB_ONLY=ON -DENABLE_WOLFSSL=ON -DENABLE_OPENSSL=OFF \
        -DENABLE_SHARED_LIB=OFF -DENABLE_STATIC_LIB=ON -DBUILD_TESTING=OFF \
        -DWOLFSSL_INCLUDE_DIR="$stage$prefix/include" \
        -DWOLFSSL_LIBRARY="$stage$prefix/lib/libwolfssl.a"
    cmake --build "$work/ngtcp2-build" -j"$jobs"
    DESTDIR=$stage cmake --install "$work/ngtcp2-build"
}

(build_wolfssl)
(build_ngtcp2)

for lib in libwolfssl.a libngtcp2.a libngtcp2_crypto_wolfssl.a; do
    [ -f "$stage$prefix/lib/$lib" ] || { echo "deps: the build made no $lib" >&2; exit 1; }
done
