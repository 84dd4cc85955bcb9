#!/bin/sh
# Starts the scenario driver: ./run.sh --help
# The first start makes .venv from requirements/runtime.lock and installs the lab's Debian packages.
set -eu
root=$(dirname -- "$(readlink -f -- "$0")")
. "$root/requirements/setup.sh"

# Help and listings touch no host, so they need no lab.
needs_lab() {
    for argument in "$@"; do
        case $argument in --help | --version | --list-* | --dry-run | audit | schema) return 1 ;; esac
    done
    [ $# -gt 0 ]
}

setup_venv runtime
if needs_lab "$@"; then setup_packages lab/packages.txt "The embedded lab"; fi
# -P: a folder named lab or scenarios where the user happens to be must not be imported.
exec "$venv/bin/python" -P -m scenarios "$@"
