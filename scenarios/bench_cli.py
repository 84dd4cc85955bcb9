"""``./run.sh bench``: the benchmarks live with the tests."""

from __future__ import annotations

import os
import sys

import click

from scenarios import paths


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Measure the scenarios and the lab; what follows goes to the benchmark."""
    os.chdir(paths.repository())
    os.execv(sys.executable, [sys.executable, "-m", "tests.benchmark", *arguments])  # noqa: S606 - no shell wanted
