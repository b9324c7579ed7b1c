#!/usr/bin/env bash
# Makes what fanbench builds on available, and writes where it lies.
#
#   ci/deps.sh [OUTPUT]          OUTPUT: the make fragment [build/deps.mk]
#   ci/deps.sh --foreign         unpacks the packages of ci/packages.foreign into the cache,
#                                installs nothing, and prints the folder that is their root
#
# 1. Debian packages of ci/packages. No apt at all when none is missing.
# 2. wolfSSL and ngtcp2 of ci/deps.lock, built static and kept outside build/ in
#    ${FANBENCH_CACHE:-~/.cache/fanbench}/KEY, where KEY stands for the lock,
#    the build flags, ci/patches and the compiler.
#
# apt's own configuration stays as it is: a private source list in the cache
# holds the machine's entries and what this script adds to them.
# A machine without a network works when the tarballs lie in CACHE/tarballs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
output=${1:-build/deps.mk}
cache=${FANBENCH_CACHE:-${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/fanbench}
lock=$root/ci/deps.lock
export LC_ALL=C

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 3; }

# --- packages ----------------------------------------------------------------

# Prints "NAME SUITE VERSION" for each line of ci/packages, "-" for nothing.
wanted_packages() {
    sed -e 's/#.*//' "$root/ci/packages" | while read -r name operator version; do
        [ -n "$name" ] || continue
        [ -z "$operator" ] || [ "$operator" = '>=' ] || die "ci/packages: expected '>=', found '$operator'"
        case $name in
            */*) printf '%s %s %s\n' "${name%%/*}" "${name#*/}" "${version:--}" ;;
            *) printf '%s - %s\n' "$name" "${version:--}" ;;
        esac
    done
}

# Prints the lines of $wanted that are not installed, or too old.
missing_packages() {
    local installed name suite version have
    # shellcheck disable=SC2016 # dpkg-query's own fields
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version} ${Provides}\n' 2>/dev/null | grep '^ii' || true)
    while read -r name suite version; do
        have=$(awk -v n="$name" '$2 == n { print $3; exit }' <<<"$installed")
        if [ -z "$have" ] && [ "$version" = - ]; then
            # pkg-config, for one, is provided by pkgconf in newer releases.
            have=$(awk -v n="$name" '{ for (i = 4; i <= NF; i++) { p = $i; sub(/,$/, "", p); if (p == n) { print "provided"; exit } } }' <<<"$installed")
        fi
        if [ -z "$have" ]; then
            printf '%s %s %s\n' "$name" "$suite" "$version"
        elif [ "$version" != - ]; then
            # Without epoch, so that ci/packages can say what upstream says.
            dpkg --compare-versions "${have#*:}" ge "$version" || printf '%s %s %s\n' "$name" "$suite" "$version"
        fi
    done <<<"$wanted"
}

# --- apt, in private ---------------------------------------------------------

# Options for every apt call. $1 names the state directory under CACHE/apt.
apt_options() {
    local dir=$cache/apt/$1
    printf '%s\n' -q \
        -o "Dir::Etc::sourcelist=$dir/sources.list" \
        -o "Dir::Etc::sourceparts=$dir/sources.list.d" \
        -o "Dir::State::lists=$dir/lists" \
        -o "Dir::Cache=$dir/cache" \
        -o "APT::Sandbox::User=" \
        -o "APT::Update::Post-Invoke-Success::=" \
        -o "DPkg::Lock::Timeout=600"
}

apt_state() { # NAME: an empty private state directory
    rm -rf "${cache:?}/apt/$1"
    mkdir -p "$cache/apt/$1/lists/partial" "$cache/apt/$1/cache/archives/partial" "$cache/apt/$1/sources.list.d"
}

# Prints the URI under which apt knows SUITE, empty if it does not.
archive_of() { # SUITE
    # shellcheck disable=SC2016 # apt's own fields
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 'Created-By: Packages' |
        awk -F'|' -v r="$1" '$2 == r && $3 == "main" { print $1; exit }'
}

codename() { # of the release this machine runs
    # shellcheck source=/dev/null
    (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
}

# A one-line source entry for SUITE in the archive the machine itself uses.
archive_entry() { # deb|deb-src SUITE
    local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    uri=$(archive_of "$(codename)")
    [ -n "$uri" ] || die "apt knows no archive for $(codename) main"
    printf '%s %s%s %s main\n' "$1" "$([ ! -f "$keyring" ] || echo "[signed-by=$keyring] ")" "$uri" "$2"
}

install_packages() { # lines of missing_packages on stdin
    local become=() names=() name suite version options try
    local dir=$cache/apt/packages backports
    backports=$(codename)-backports
    while read -r name suite version; do
        if [ "$suite" = backports ] && [ "$backports" = bookworm-backports ]; then
            names+=("$name/$backports")
        else
            names+=("$name")
        fi
    done
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "packages are missing and this is not root: ${names[*]}"
        become=(sudo)
    fi
    say "installing ${names[*]}"

    apt_state packages
    if [ -f /etc/apt/sources.list ]; then cp /etc/apt/sources.list "$dir/sources.list"; fi
    if [ -d /etc/apt/sources.list.d ]; then
        find /etc/apt/sources.list.d -maxdepth 1 \( -name '*.list' -o -name '*.sources' \) -exec cp -t "$dir/sources.list.d" {} +
    fi
    if [[ " ${names[*]}" == *-backports* ]] && [ -z "$(archive_of "$backports")" ]; then
        archive_entry deb "$backports" >>"$dir/sources.list"
    fi

    mapfile -t options < <(apt_options packages)
    for try in 1 2; do
        if "${become[@]}" apt-get "${options[@]}" update >"$dir/log" 2>&1 &&
            "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" \
                install -y --no-install-recommends "${names[@]}" >>"$dir/log" 2>&1; then
            "${become[@]}" rm -rf "$dir"
            return
        fi
        say "apt failed (try $try of 2)"
        sleep 2
    done
    tail -n 40 "$dir/log" >&2
    "${become[@]}" rm -rf "$dir"
    die "cannot install packages; the end of apt's log stands above"
}

# --- packages that are only unpacked -------------------------------------------

# Prints the root folder. Neither root nor a change of the machine is needed.
unpack_foreign() {
    local list=$root/ci/packages.foreign names options target work archive
    mapfile -t names < <(sed -e 's/#.*//' "$list" | awk 'NF { print $1 }')
    target=$cache/foreign-$(sha256sum <"$list" | cut -c1-16)
    if [ ! -d "$target" ]; then
        work=$cache/apt/foreign
        apt_state foreign
        if [ -f /etc/apt/sources.list ]; then cp /etc/apt/sources.list "$work/sources.list"; fi
        if [ -d /etc/apt/sources.list.d ]; then
            find /etc/apt/sources.list.d -maxdepth 1 \( -name '*.list' -o -name '*.sources' \) -exec cp -t "$work/sources.list.d" {} +
        fi
        mapfile -t options < <(apt_options foreign)
        mkdir -p "$work/root" "$work/archives"
        say "unpacking ${names[*]}"
        if ! apt-get "${options[@]}" update >"$work/log" 2>&1 ||
            ! (cd "$work/archives" && apt-get "${options[@]}" download "${names[@]}" >>"$work/log" 2>&1); then
            tail -n 10 "$work/log" >&2
            rm -rf "$work"
            die "cannot fetch ${names[*]}; the end of apt's log stands above"
        fi
        for archive in "$work"/archives/*.deb; do dpkg -x "$archive" "$work/root"; done
        mv "$work/root" "$target"
        rm -rf "$work"
    fi
    printf '%s\n' "$target"
}

# --- tarballs ----------------------------------------------------------------

lock_lines() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$lock"; }

checked() { # FILE SHA256
    [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]
}

# Where the archive keeps the tarball, from the source index of SUITE.
# A Debian revision may change under the same upstream version.
tarball_uri() { # NAME VERSION SUITE FILE
    local name=$1 version=$2 suite=$3 file=$4 options full
    mapfile -t options < <(apt_options "src-$suite")
    # What is fetched is judged by the lock; the age of the index does not matter.
    options+=(-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false)
    if [ ! -f "$cache/apt/src-$suite/fresh" ]; then
        apt_state "src-$suite"
        archive_entry deb-src "$suite" >"$cache/apt/src-$suite/sources.list"
        if ! apt-get "${options[@]}" update >"$cache/apt/src-$suite/log" 2>&1; then
            say "no source index of $suite: $(grep '^E:' "$cache/apt/src-$suite/log" | head -n 1 || true)"
            return 1
        fi
        touch "$cache/apt/src-$suite/fresh"
    fi
    full=$(apt-cache "${options[@]}" showsrc "$name" 2>/dev/null |
        awk -v u="$version" '/^Version:/ { v = $2; sub(/^[0-9]+:/, "", v); sub(/-[^-]*$/, "", v); if (v == u) { print $2; exit } }')
    [ -n "$full" ] || return 1
    apt-get "${options[@]}" --print-uris source "$name=$full" 2>/dev/null |
        awk -v f="$file" -F"'" '{ split($3, rest, " "); if (rest[1] == f) { print $2; exit } }'
}

fetch_tarball() { # NAME VERSION SUITES FILE SHA256
    local name=$1 version=$2 suites=$3 file=$4 sha=$5 suite uri
    local target=$cache/tarballs/$file
    if checked "$target" "$sha"; then return; fi
    mkdir -p "$cache/tarballs"
    for suite in ${suites//,/ }; do
        uri=$(tarball_uri "$name" "$version" "$suite" "$file") || continue
        [ -n "$uri" ] || continue
        say "fetching $file ($suite)"
        rm -f "$target.part"
        /usr/lib/apt/apt-helper -o APT::Sandbox::User= download-file "$uri" "$target.part" "SHA256:$sha" >/dev/null 2>&1 || continue
        if checked "$target.part" "$sha"; then
            mv "$target.part" "$target"
            return
        fi
        say "$file: SHA-256 is not the locked one; not used"
        rm -f "$target.part"
    done
    return 1
}

fetch_generation() { # GENERATION
    local generation name version suites file sha
    while read -r generation name version suites file sha; do
        [ "$generation" = "$1" ] || continue
        fetch_tarball "$name" "$version" "$suites" "$file" "$sha" || {
            say "$name $version cannot be had from $suites"
            return 1
        }
    done < <(lock_lines)
}

# --- libraries ---------------------------------------------------------------

cache_key() {
    { cat "$lock" "$root/ci/deps-build.sh" "$root"/ci/patches/*.patch; gcc -dumpfullversion; gcc -dumpmachine; } | sha256sum | cut -c1-16
}

build_libraries() { # PREFIX
    local prefix=$1 generation wolfssl ngtcp2 work
    for generation in 1 2; do
        if fetch_generation "$generation"; then break; fi
        [ "$generation" = 1 ] || die "no generation of ci/deps.lock can be fetched; put the tarballs into CACHE/tarballs"
        say "falling back to generation 2"
    done
    wolfssl=$(lock_lines | awk -v g="$generation" '$1 == g && $2 == "wolfssl" { print $5 }')
    ngtcp2=$(lock_lines | awk -v g="$generation" '$1 == g && $2 == "ngtcp2" { print $5 }')

    # A build that is cut short leaves only its own temporary directory.
    find "$cache" -maxdepth 1 -name 'tmp.*' -exec rm -rf {} +
    work=$(mktemp -d "$cache/tmp.XXXXXX")
    say "building ${wolfssl%.orig*} and ${ngtcp2%.orig*} (about a minute)"
    if ! nice bash "$root/ci/deps-build.sh" "$cache/tarballs/$wolfssl" "$cache/tarballs/$ngtcp2" "$work" "$prefix" >"$work/log" 2>&1 </dev/null; then
        tail -n 40 "$work/log" >&2
        rm -rf "$work"
        die "the build failed; the end of its log stands above"
    fi
    printf '%s\n' "$generation" >"$work/stage$prefix/generation"
    mv "$work/stage$prefix" "$prefix"
    rm -rf "$work" "$cache/apt"
}

# The fragment names a library file as prerequisite, so that make comes back
# here when the cache is gone.
write_output() { # PREFIX
    local text
    text=$(cat <<EOF
DEPS_INCLUDE := $1/include
DEPS_LIB := $1/lib
DEPS_GENERATION := $(cat "$1/generation")
$output: $1/lib/libngtcp2.a
$1/lib/libngtcp2.a:
EOF
)
    mkdir -p "$(dirname "$output")"
    printf '%s\n' "$text" >"$output.tmp.$$"
    mv "$output.tmp.$$" "$output"
}

# --- main --------------------------------------------------------------------

ready() { [ -z "$(missing_packages)" ] && [ -f "$cache/$(cache_key)/generation" ]; }

mkdir -p "$cache"
if [ "$output" = --foreign ]; then
    exec 9>"$cache/lock"
    flock 9
    unpack_foreign
    exit
fi

wanted=$(wanted_packages)
if ! ready; then
    # One at a time; whoever waited finds the work done.
    exec 9>"$cache/lock"
    if ! flock -n 9; then
        say "waiting for another run of this script"
        flock 9
    fi
    missing=$(missing_packages)
    if [ -n "$missing" ]; then install_packages <<<"$missing"; fi
    prefix=$cache/$(cache_key)
    if [ ! -f "$prefix/generation" ]; then build_libraries "$prefix"; fi
fi
write_output "$cache/$(cache_key)"
