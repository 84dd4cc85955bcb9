"""However a run ends - time-out, Ctrl-C, a kill - nothing outlives it, and the next one knows where things stand."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.driver_process import Driver, Result, alive, wait_until


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


@contextmanager
def hanging(driver: Driver, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A driver that hangs in its second phase; ended at the latest with the block."""
    process, module = driver.hanging(*options)
    try:
        yield process, module
    finally:
        process.kill()
        process.wait()


def nothing_is_left(driver: Driver, module: int) -> None:
    assert not alive(module)
    assert driver.leftovers() == []


def still_standing(result: Result) -> None:
    assert result.statuses() == {"build": "passed", "hang": "failed", "remove": "skipped"}
    assert "Remove it: ./run.sh --scenario remove --host here" in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run(driver: Driver, number: signal.Signals) -> None:
    with hanging(driver) as (process, module):
        result = driver.end(process, number)
    assert result.code == 130
    still_standing(result)
    assert result.phase("hang")["message"] == "interrupted while task 'Wait for ever' ran"
    assert result.document["error"] == f"Interrupted by {number.name}; what was done is in the context."
    nothing_is_left(driver, module)
    assert driver.context()["values"]["thing_id"] == 7
    assert json.loads((driver.state / "audit.jsonl").read_text().splitlines()[-1])["exit_code"] == 130
    assert driver.run("remove").code == 0
    assert not (driver.work / "thing").exists()


def test_a_killed_run(driver: Driver) -> None:
    with hanging(driver) as (process, module):
        process.kill()
        process.wait()
        wait_until(lambda: not alive(module), "the module of the killed driver ended")
        wait_until(lambda: driver.leftovers() == [], "its files are gone")
    result = driver.run("remove")
    assert result.code == 0
    assert "(hang) was killed; what it did last is not known." in result.err
    assert not (driver.work / "thing").exists()


def test_a_second_driver_is_refused(driver: Driver) -> None:
    with hanging(driver) as (process, _module):
        second = driver.run("good")
        elsewhere = driver.run("failing-silent", host="nowhere")
        holder = driver.context()["run_id"]
        driver.end(process, signal.SIGINT)
    assert second.code == 3
    assert f"Host 'here' is in use by run {holder} (hang, process {process.pid}, since " in second.document["error"]
    assert second.statuses() == {"build": "skipped", "use": "skipped"}
    assert elsewhere.code != 3, "another host is free"
    assert driver.run("good").code == 0


def test_a_phase_that_takes_too_long(driver: Driver) -> None:
    result = driver.run("short-hang")
    assert result.code == 1
    assert result.phase("hang")["message"].endswith("(limit of the phase: 8 s)")
    assert result.statuses() == {"build": "passed", "hang": "failed", "use": "skipped"}
    assert not alive(int((driver.work / "hang.pid").read_text()))
    assert driver.leftovers() == []


def test_a_run_that_takes_too_long_still_cleans_up(driver: Driver) -> None:
    assert driver.run("good", "--only", "build").code == 0
    result = driver.run("hang", "--timeout", "4", "--skip", "build")
    assert result.code == 1
    assert result.phase("hang")["message"].endswith("(--timeout 4)")
    assert result.statuses() == {"build": "skipped", "hang": "failed", "remove": "passed"}
    assert not (driver.work / "thing").exists()


def test_no_phase_starts_after_the_time_is_over(driver: Driver) -> None:
    result = driver.run("good", "--timeout", "0.001")
    assert result.code == 1
    assert result.phase("build")["message"] == "timed out (--timeout 0.001)"
    assert not (driver.work / "thing").exists()


def test_inputs_are_not_in_the_process_list(driver: Driver) -> None:
    with hanging(driver, "-e", "note=not-for-everyone") as (process, module):
        lines = {
            path.parent.name: path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if path.exists()
        }
        told = {pid for pid, line in lines.items() if "not-for-everyone" in line}
        mode = {path.stat().st_mode & 0o777 for path in driver.temporary.glob("homelab-pve-*")}
        driver.end(process, signal.SIGINT)
    assert told == {str(process.pid)}, "only what the user typed shows"
    assert mode == {0o700}
    assert not alive(module)
