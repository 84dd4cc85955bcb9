"""`./run.sh bench`: measures what users wait for and prints medians beside their aims. It judges nothing else."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab import control
from tests.benchmark import modules
from tests.benchmark.cases import CASES, Case, measured, use_private_state
from tests.benchmark.figures import Figure, as_json, table


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run.sh bench", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--only", action="append", choices=names, help="measure just this; repeatable")
    parser.add_argument("--vms", type=int, help=f"how many VMs the case modules works on ({modules.VMS})")
    parser.add_argument("--runs", type=int, help="how often each is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON; - for stdout alone")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[Case]:
    """The cases that were named, or all."""
    sized = {"modules": partial(modules.measure, size=options.vms)} if options.vms else {}
    cases = [case for case in CASES if not options.only or case.name in options.only]
    return [replace(case, measure=sized.get(case.name, case.measure)) for case in cases]


def measure(options: argparse.Namespace) -> list[Figure]:
    """Run the chosen cases on a lab that is gone afterwards."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="pve-bench-", ignore_cleanup_errors=True) as folder:
        use_private_state(Path(folder))
        try:
            for case in chosen(options):
                print(f"measuring {case.name}", file=sys.stderr, flush=True)
                figures += measured(case, options.runs)
        finally:
            control.reset()
    return figures


def main(arguments: Sequence[str]) -> int:
    """Returns 0 if everything could be measured, whatever the figures are."""
    options = parse(arguments)
    figures = measure(options)
    document = json.dumps([as_json(figure) for figure in figures], indent=2)
    if options.json != Path("-"):
        print(table(figures))
    if options.json:
        print(document) if options.json == Path("-") else options.json.write_text(document + "\n")
    return int(any(figure.median is None for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
