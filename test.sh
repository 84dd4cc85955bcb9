#!/bin/sh
# Runs the checks: ./test.sh (all that CI runs), ./test.sh unit, ./test.sh --help
set -eu
root=$(dirname -- "$(readlink -f -- "$0")")
. "$root/requirements/setup.sh"

setup_venv runtime
setup_venv test
setup_packages lab/packages.txt "The embedded lab"
setup_packages tests/packages.txt "Testing"
exec "$venv/bin/python" -P "$root/tests/checks.py" "$@"
