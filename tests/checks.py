"""The table of checks behind ./test.sh, and the few functions that run it.

A group is a word on the command line; without one every group marked for CI runs. Each check is a command with a
name: a linter, `ansible-test`, or pytest on one folder. A check passes, fails, or is skipped with its reason.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from lab import rootless

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
COLLECTIONS = ROOT / ".venv" / "collections"
SHELL_SCRIPTS = ("run.sh", "test.sh", ".ci/run", "requirements/setup.sh")


@dataclass(frozen=True, eq=False)
class Check:
    """One command. `needs` returns why the check cannot run here, or an empty string.

    A check that only computes, and measures no times, runs `aside`: beside the others, in the time that they leave.
    """

    group: str
    name: str
    argv: tuple[str, ...]
    pytest: bool = False
    aside: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    needs: Callable[[], str] = lambda: ""


@dataclass(frozen=True)
class Outcome:
    """How a check ended: its status, its seconds, and how many tests it counted for."""

    check: Check
    status: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reason: str = ""


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """The argv of a program installed in .venv."""
    return (str(BIN / name), *arguments)


def python(*arguments: str) -> tuple[str, ...]:
    """The argv of .venv's Python."""
    return tool("python", "-P", *arguments)


# Told after each run, so that nobody has to look for what made it slow.
SLOWEST = ("--durations", "20", "--durations-min", "5")


def pytest_check(group: str, *paths: str, workers: int = 2, options: Sequence[str] = ()) -> Check:
    """Pytest on folders of tests, spread over `workers` processes (one: in this order, in one process).

    Two keep two cores busy; three where tests wait for something now and then.
    """
    spread = ("-n", str(workers)) if workers > 1 else ()
    argv = python("-m", "pytest", "-q", *SLOWEST, *spread, *options, *(f"tests/{path}" for path in paths))
    return Check(group, f"pytest {' '.join(paths)}", argv, pytest=True, needs=lambda: missing_tests(paths))


def missing_tests(paths: Sequence[str]) -> str:
    """Why there is nothing to collect, or an empty string."""
    folders = [ROOT / "tests" / path for path in paths]
    return "" if any(path.is_file() or next(path.rglob("test_*.py"), None) for path in folders) else "no tests there"


def no_guests() -> str:
    """Why no lab guest can boot here, or an empty string."""
    return rootless.obstacle() or ""


def no_molecule() -> str:
    """Why Molecule's scenarios can't run here, or an empty string: one of them builds a signed apt repository."""
    missing = [name for name in ("dpkg-deb", "gpg") if shutil.which(name) is None]
    return no_guests() or (f"not installed: {', '.join(missing)}" if missing else "")


MYPY_PACKAGES = ("ansible_collections.homelab.pve.plugins", "lab", "scenarios", "tests")

CHECKS: tuple[Check, ...] = (
    Check("lint", "ruff check", tool("ruff", "check", ".")),
    Check("lint", "ruff format", tool("ruff", "format", "--check", ".")),
    Check("lint", "shellcheck", tool("shellcheck", "--external-sources", *SHELL_SCRIPTS)),
    Check("lint", "changelog", tool("antsibull-changelog", "lint")),
    Check("lint", "mypy", tool("mypy", *(word for name in MYPY_PACKAGES for word in ("--package", name))), aside=True),
    Check("lint", "ansible-lint", tool("ansible-lint", "--profile", "production", "--strict", "--offline"), aside=True),
    Check("sanity", "ansible-test sanity", python("tests/sanity/run.py"), aside=True),
    # It keeps one core busy; meanwhile those that run aside have the other.
    Check("molecule", "molecule", python("tests/integration/molecule/run.py"), needs=no_molecule),
    # Many of the lab's tests serve its API in their process: not what one waits for after each edit of a module.
    pytest_check("unit", "unit", "architecture", "benchmark", options=("--ignore", "tests/unit/lab")),
    pytest_check("lab", "unit/lab"),
    pytest_check("module", "module", workers=3),
    # test_replay.py plays transcripts that somebody names: ./test.sh replay DIR.
    pytest_check("conformance", "conformance", options=("--ignore", "tests/conformance/test_replay.py")),
    # Files differ much in length, so single tests are spread, but for the files that tests/conftest.py names.
    pytest_check("integration", "integration", options=("--dist", "loadgroup")),
)
GROUPS = tuple(dict.fromkeys(check.group for check in CHECKS))
EXTRA = ("bench", "replay")


def environment(scratch: Path) -> dict[str, str]:
    """A check's environment: state, cache and configuration of its own, and the machine's lab image.

    The image takes half a minute to build and is only read, so every run shares it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kinds = ("STATE", "CONFIG", "CACHE", "DATA")
    return {
        **os.environ,
        "HOMELAB_PVE_LAB_IMAGES": os.environ.get("HOMELAB_PVE_LAB_IMAGES", str(cache / "homelab-pve" / "lab")),
        **{f"XDG_{kind}_HOME": str(scratch / kind.lower()) for kind in kinds},
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "MYPY_CACHE_DIR": str(ROOT / ".venv" / "cache" / "mypy"),
        "RUFF_CACHE_DIR": str(ROOT / ".venv" / "cache" / "ruff"),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        **({} if sys.stdout.isatty() else {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}),
    }


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A private folder that is removed on every path. Short: the lab keeps sockets below it (108 characters)."""
    folder = Path(tempfile.mkdtemp(prefix="pve-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def counts(report: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) of a JUnit report; no report counts as one failure."""
    if not report.is_file():
        return 0, 1, 0
    suites = ET.parse(report).getroot().iter("testsuite")
    rows = [[int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")] for suite in suites]
    total, failures, errors, skipped = (sum(column) for column in zip(*rows, strict=True))
    return total - failures - errors - skipped, failures + errors, skipped


def run(check: Check, scratch: Path, output: IO[str] | None = None) -> Outcome:
    """Run one check, its output going to a file, or where ours goes."""
    if reason := check.needs():
        return Outcome(check, "skipped", 0.0, skipped=1, reason=reason)
    report = scratch / "report.xml"
    report.unlink(missing_ok=True)
    argv = (*check.argv, f"--junitxml={report}") if check.pytest else check.argv
    started = time.monotonic()
    code = subprocess.run(
        argv,
        cwd=ROOT,
        env={**environment(scratch), **check.env},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        check=False,
    ).returncode
    return judge(check, code, time.monotonic() - started, report)


def announce(check: Check) -> None:
    """Say which check's output follows."""
    print(f"--- {check.group}: {check.name}", flush=True)


def run_aside(check: Check) -> tuple[Outcome, str]:
    """Run a check in a folder of its own whenever nothing else wants to compute: its outcome, and its output."""
    patient = replace(check, argv=("nice", "-n", "19", *check.argv))
    with scratch_folder() as scratch, tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        outcome = run(patient, scratch, output)
        output.seek(0)
        return replace(outcome, check=check), output.read()


def run_all(checks: Sequence[Check]) -> list[Outcome]:
    """Run checks one by one, and beside them, two at a time, those that run aside; outcomes in the given order.

    Their output comes in one piece, once the check that speaks meanwhile has ended.
    """
    outcomes: dict[Check, Outcome] = {}
    with ThreadPoolExecutor(2) as lanes:
        beside = {lanes.submit(run_aside, check): check for check in checks if check.aside}
        for check in checks:
            if not check.aside:
                announce(check)
                with scratch_folder() as scratch:
                    outcomes[check] = run(check, scratch)
                ended = [future for future in beside if future.done()]
                outcomes |= {beside.pop(future): told(future) for future in ended}
        outcomes |= {beside[future]: told(future) for future in as_completed(beside)}
    return [outcomes[check] for check in checks]


def told(aside: Future[tuple[Outcome, str]]) -> Outcome:
    """The outcome of a check that ran aside, whose output is printed."""
    outcome, said = aside.result()
    announce(outcome.check)
    print(said, end="", flush=True)
    return outcome


def judge(check: Check, code: int, seconds: float, report: Path) -> Outcome:
    """Turn an exit code, and pytest's report where there is one, into an outcome."""
    if not check.pytest:
        return Outcome(check, *(("passed", seconds, 1) if code == 0 else ("failed", seconds, 0, 1)))
    passed, failed, skipped = counts(report)
    # A pytest that could not even finish (a crash, a collection error) failed whatever its report counts.
    failed = max(failed, int(code != 0))
    return Outcome(check, "failed" if failed else "passed", seconds, passed, failed, skipped)


def table(outcomes: Sequence[Outcome]) -> str:
    """The summary: one line a check."""
    width = max(len(outcome.check.name) for outcome in outcomes)
    return "\n".join(
        f"{o.check.group:<12} {o.check.name:<{width}}  {o.status:<8}{o.seconds:8.1f} s  {detail(o)}" for o in outcomes
    )


def detail(outcome: Outcome) -> str:
    """What stands behind a status: the reason of a skip, or the number of tests."""
    if outcome.reason or not outcome.check.pytest:
        return outcome.reason
    return f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"


def closing_line(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The last line, worded as pytest words its own."""
    sums = {key: sum(getattr(o, key) for o in outcomes) for key in ("failed", "passed", "skipped")}
    words = ", ".join(f"{number} {key}" for key, number in sums.items() if number)
    return f" {words or 'no tests ran'} in {seconds:.2f}s ".center(100, "=")


def selected(groups: Sequence[str]) -> list[Check]:
    """The checks of these groups, in the table's order; of all groups when none is named."""
    return [check for check in CHECKS if check.group in (groups or GROUPS)]


def extra(word: str, folder: str | None) -> list[Check]:
    """Checks that CI does not run: the benchmark, and a replay of somebody's own transcripts."""
    if word == "bench":
        return [Check("bench", "benchmark", (str(ROOT / "run.sh"), "bench"))]
    options = ("-s", "--replay", str(Path(folder or ".").resolve()))
    return [pytest_check("replay", "conformance/test_replay.py", workers=1, options=options)]


def parse(arguments: Sequence[str]) -> list[Check]:
    """The checks that the command line names."""
    parser = argparse.ArgumentParser(
        prog="./test.sh", description="Runs the checks; without a group, all that CI runs."
    )
    parser.add_argument("group", nargs="*", help=f"{', '.join(GROUPS)}; or: bench, replay DIR")
    groups = parser.parse_args(arguments).group
    if groups and groups[0] in EXTRA:
        return extra(groups[0], groups[1] if len(groups) > 1 else None)
    if unknown := sorted(set(groups) - set(GROUPS)):
        parser.error(f"unknown group {', '.join(unknown)}; known: {', '.join((*GROUPS, *EXTRA))}")
    return selected(groups)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for, print the summary. Returns 0 if nothing failed."""
    checks, started = parse(arguments), time.monotonic()
    outcomes = run_all(checks)
    print(f"\n{table(outcomes)}\n{closing_line(outcomes, time.monotonic() - started)}", flush=True)
    return int(any(outcome.status == "failed" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
