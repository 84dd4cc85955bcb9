"""The live table, on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.integration.driver_process import PATIENCE, REPOSITORY, Driver


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


def on_terminal(driver: Driver, scenario: str, *options: str) -> pexpect.spawn:
    first, *rest = driver.command(scenario, *options)
    return pexpect.spawn(
        first,
        rest,
        cwd=str(REPOSITORY),
        env={**driver.environment, "TERM": "xterm", "NO_COLOR": "1"},
        dimensions=(30, 120),
        encoding="utf-8",
        timeout=PATIENCE,
    )


def rows(text: str) -> list[str]:
    """The lines that are left when the terminal's control sequences are taken out."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()]


def test_the_table_shows_the_running_task_and_the_end(driver: Driver) -> None:
    terminal = on_terminal(driver, "hang")
    terminal.expect(r"hang +running +\d+ +Wait for ever")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    final = rows(terminal.before or "")
    assert terminal.exitstatus == 130
    assert any(re.match(r"build +passed +1 +\d+\.\d +Build it", row) for row in final)
    assert any(re.match(r"hang +failed +0 +\d+\.\d +interrupted while task 'Wait for ever' ran", row) for row in final)
    assert any(row.startswith("hang on here FAILED in ") for row in final)


def test_a_destructor_asks_at_a_terminal(driver: Driver) -> None:
    terminal = on_terminal(driver, "destructive")
    terminal.expect(r"destructive removes guests from here\. Go on\? \[y/N\]: ")
    terminal.sendline("n")
    terminal.expect("Not confirmed; nothing was done.")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 2
    assert not (driver.state / "runs").exists()


def test_unless_told_not_to(driver: Driver) -> None:
    assert driver.run("good", "--only", "build").code == 0
    terminal = on_terminal(driver, "destructive", "--yes")
    terminal.expect(r"destructive on here passed in ")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
