# shellcheck shell=sh
# Sourced by run.sh and test.sh with $root set to the checkout. Sets the machine up once; when nothing
# is to be done it costs a few small processes.

venv="${root:?}/.venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# Bytecode goes into .venv as well: the checkout stays as git made it. Without any, each start would compile everything.
export PYTHONPYCACHEPREFIX="$venv/pycache"
unset PYTHONDONTWRITEBYTECODE

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 3; }

# apt_install REASON PACKAGE...
apt_install() {
    reason=$1; shift
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "$reason needs Debian packages that are not installed. As root, run:"
        say "    apt-get update && apt-get install --yes --no-install-recommends $*"
        return 1
    fi
    say "$reason needs Debian packages, installing them once: $*"
    apt_get update || say "going on with the package lists there are"
    apt_get install --yes --no-install-recommends "$@"
}

# A young machine has another apt at work (cloud-init, unattended-upgrades): its lock is waited for.
apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >&2 </dev/null ||
        { say "apt-get $* failed"; return 1; }
}

# The distribution's Python before others: it stays, and is an optimized build, which those of version managers seldom
# are (Ansible starts a quarter faster). And those that can make an environment before those that need a package for it.
find_python() {
    if [ -n "${HOMELAB_PVE_PYTHON:-}" ]; then set -- "$HOMELAB_PVE_PYTHON"
    else set -- /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; fi
    for needed in ensurepip sys; do
        for candidate in "$@"; do
            "$candidate" -c "import $needed, os, sys; sys.version_info >= (3, 11) or sys.exit(1); print(os.path.realpath(sys.executable))" 2>/dev/null && return
        done
    done
    die "Python 3.11 or newer is needed, found: $("${HOMELAB_PVE_PYTHON:-python3}" --version 2>&1 || echo none). Install one (Debian 12 and later: apt-get install python3) and start again."
}

make_venv() {
    [ ! -L "$venv" ] || die "$venv is a link, and making it anew would empty $(readlink -f -- "$venv"). Remove the link and start again."
    python=$(find_python) || exit
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "Making .venv" "${python##*/}-venv" || exit 3
    say "making .venv with $python"
    "$python" -m venv --clear "$venv" || die "$python could not make .venv"
    # The checkout becomes the collection homelab.pve wherever it lies; the .pth lets Python find scenarios and lab too.
    mkdir -p "$venv/collections/ansible_collections/homelab"
    ln -sfn ../../../.. "$venv/collections/ansible_collections/homelab/pve"
    for packages in "$venv"/lib/python*/site-packages; do
        printf '%s\n' "$root" "$venv/collections" >"$packages/homelab_pve.pth"
    done
}

# Where .venv was made and with which interpreter; written when it is complete, so an interrupted start begins anew.
place() { printf '%s %s\n' "$root" "$(readlink -f -- "$venv/bin/python")"; }
is_complete() { [ -f "$venv/place" ] && [ "$(place)" = "$(cat "$venv/place")" ]; }
has_packages() { is_complete && [ -f "$venv/$1.stamp" ] && [ "$(sha256sum <"$root/requirements/$1.lock")" = "$(cat "$venv/$1.stamp")" ]; }

# setup_venv NAME — .venv holding requirements/NAME.lock. Two first starts at once: the second waits
# for a lock on this very file and finds the work done.
setup_venv() {
    has_packages "$1" && return
    (
        flock 9
        has_packages "$1" && exit
        is_complete || make_venv
        rm -f "$venv/place"
        say "installing requirements/$1.lock into .venv (once, needs the network)"
        "$venv/bin/python" -m pip install --quiet --require-hashes --only-binary :all: --requirement "$root/requirements/$1.lock" >&2 ||
            die "pip could not install requirements/$1.lock. Check the network and proxy settings, then start again."
        sha256sum <"$root/requirements/$1.lock" >"$venv/$1.stamp"
        place >"$venv/place"
    ) 9<"$root/requirements/setup.sh" || exit
}

# setup_packages FILE WHAT — the Debian packages that WHAT needs; FILE has one a line: "name  # why".
setup_packages() {
    list="$root/$1"
    command -v dpkg-query >/dev/null || return 0
    wanted=$(sed -e 's/#.*//' "$list")
    # shellcheck disable=SC2086,SC2016 # one word a package; the format is dpkg's
    installed=$(dpkg-query --show --showformat '${db:Status-Status}:${Package} ' $wanted 2>/dev/null) || :
    missing=
    for package in $wanted; do
        case " $installed" in *" installed:$package "*) ;; *) missing="$missing $package" ;; esac
    done
    for package in $missing; do say "missing: $(grep "^${package}[^[:alnum:]-]" "$list")"; done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install "$2" $missing || say "going on without them; what cannot be done then says so"
}
