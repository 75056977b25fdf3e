#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   ./autogen.sh          generates configure, and nothing else
#   ./autogen.sh demo     installs what is missing, builds in ./build, and
#                         sends a campaign to a sink on this machine
#   ./autogen.sh check    the same set-up, then every test; the last line says
#                         how many passed, failed and were skipped
#
# Packages (packages.txt) are installed by the two words alone, and only those
# that are missing; docs/building.md says how to take them away again.
set -eu
cd "$(dirname "$0")"

say()
{
    printf 'autogen.sh: %s\n' "$*"
}

die()
{
    printf 'autogen.sh: %s\n' "$*" >&2
    exit 1
}

generate()
{
    command -v autoreconf >/dev/null ||
        die 'autoreconf is missing: install autoconf, automake and libtool'
    command -v aclocal >/dev/null || die 'aclocal is missing: install automake'
    command -v libtoolize >/dev/null ||
        die 'libtoolize is missing: install libtool'
    [ -e /usr/share/aclocal/pkg.m4 ] || command -v pkg-config >/dev/null ||
        die 'pkg-config is missing: install pkg-config'
    autoreconf -fi
}

# The packages of the groups named that are not installed, on one line.
missing()
{
    for group in "$@"; do
        sed -n "s/^$group //p" packages.txt
    done | while read -r package program; do
        [ -z "$program" ] || ! command -v "$program" >/dev/null || continue
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || :
        [ "$status" = 'install ok installed' ] || printf ' %s' "$package"
    done
}

# No service may start because its package was installed: while policy-rc.d
# answers 101, invoke-rc.d starts none.
policy=/usr/sbin/policy-rc.d
hold_services()
{
    [ ! -e "$policy" ] || return 0
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

release_services()
{
    trap - EXIT INT TERM
    rm -f "$policy"
}

# --no-remove: rather than take another mail server away, this stops.
apt_install()
{
    export DEBIAN_FRONTEND=noninteractive
    if command -v debconf-set-selections >/dev/null; then
        echo 'postfix postfix/main_mailer_type select No configuration' |
            debconf-set-selections || :
    fi
    apt-get -q update &&
        apt-get -q install -y --no-install-recommends --no-remove "$@"
}

install_missing()
{
    if ! command -v dpkg-query >/dev/null; then
        say 'this is not a Debian machine: nothing is installed.'
        say 'What is needed stands in packages.txt.'
        return 0
    fi
    wanted=$(missing "$@")
    if [ -z "$wanted" ]; then
        say 'every package that is needed is installed'
        return 0
    fi
    if [ "$(id -u)" != 0 ]; then
        die "packages are missing. Install them and run this again:
    sudo apt-get install --no-install-recommends$wanted"
    fi
    say "installing:$wanted"
    done=0
    [ -e "$policy" ] || { hold_services; done=1; }
    # shellcheck disable=SC2086 # one word a package
    apt_install $wanted </dev/null || die "could not install:$wanted"
    [ "$done" = 0 ] || release_services
}

# Configures in folder $1, with the options that follow. A tree that was
# configured in place cannot be built elsewhere, so that is undone first.
configure()
{
    folder=$1
    shift
    if [ -e config.status ]; then
        say 'this tree was configured in place: make distclean'
        make -s distclean || return
    fi
    mkdir -p "$folder"
    (cd "$folder" && ../configure --quiet "$@")
}

# Configures and builds in folder $1, with the options that follow.
build()
{
    configure "$@" && make -s -C "$1" -j"$jobs"
}

# Runs a target in a folder and keeps its exit status for the count.
step()
{
    folder=$1
    target=$2
    status=0
    say "make $target, in $folder"
    make -k -C "$folder" -j"$jobs" VERBOSE=1 "$target" </dev/null || status=$?
    steps="$steps --step $folder:$target=$status"
}

# What an earlier run left is not to be counted.
forget_results()
{
    [ ! -d "$1" ] || find "$1" -name '*.trs' -exec rm -f {} +
}

# Configures, builds and runs the targets that follow the folder and option.
build_and_test()
{
    folder=$1
    option=$2
    shift 2
    forget_results "$folder"
    status=0
    say "building in $folder"
    build "$folder" ${option:+"$option"} </dev/null || status=$?
    steps="$steps --step $folder:all=$status"
    [ "$status" = 0 ] || return 0
    for target in "$@"; do
        step "$folder" "$target"
    done
}

# What has threads, watched by ThreadSanitizer; nothing else is built for it.
test_threads()
{
    forget_results "$1"
    status=0
    configure "$1" --enable-sanitizers=thread </dev/null || status=$?
    steps="$steps --step $1:configure=$status"
    [ "$status" = 0 ] || return 0
    step "$1" check-threads
}

demo()
{
    install_missing build
    generate
    build build
    exec examples/demo/run build
}

check()
{
    install_missing build check
    generate
    steps=
    build_and_test build '' check check-servers
    build_and_test build-sanitizers --enable-sanitizers check
    test_threads build-threads
    # shellcheck disable=SC2086 # one word an argument
    exec python3 -B tests/support/count.py --skips tests/skips $steps \
        build build-sanitizers build-threads
}

jobs=$(nproc 2>/dev/null || echo 2)
case $#:${1-} in
0:) generate ;;
1:demo) demo ;;
1:check) check ;;
*) die 'usage: ./autogen.sh [demo|check]' ;;
esac
