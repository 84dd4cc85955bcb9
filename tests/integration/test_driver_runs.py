"""Whole runs of the driver through the real ansible-runner, on localhost."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.integration.driver_process import Driver


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


def private_files(directory: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}


def test_a_good_run(driver: Driver) -> None:
    first, second = driver.run("good"), driver.run("good")
    assert first.code == second.code == 0
    assert first.statuses() == {"build": "passed", "use": "passed"}
    assert [result.phase("build")["changed"] for result in (first, second)] == [1, 0]
    assert first.phase("build")["outputs"] == {
        "thing_id": 7,
        "thing_parts": ["thing"],
        "thing_template": "from-the-inventory",
        "thing_name": "thing",
    }
    assert driver.context()["values"] == first.phase("build")["outputs"]
    assert driver.context()["run_id"] == second.document["run_id"] != first.document["run_id"]


def test_what_it_keeps_is_private_and_nothing_else_is_left(driver: Driver) -> None:
    run_id = driver.run("good").document["run_id"]
    kept = {path.name for path in (driver.state / "runs" / run_id).iterdir()}
    assert kept == {"build.log", "use.log", "report.json", "report.md", "junit.xml", "report.html"}
    assert private_files(driver.state) == {0o600}
    assert driver.leftovers() == []


def test_plain_lines_when_stdout_is_no_terminal(driver: Driver) -> None:
    result = driver.result(driver.start("good"))
    lines = result.out.splitlines()
    assert lines[1] == "[1/2] build: Build it"
    assert lines[2].startswith("[1/2] build: passed changed=1 ")
    assert lines[-1].startswith("good on here passed in ")
    assert result.err == ""


def test_verbose_shows_what_ansible_says(driver: Driver) -> None:
    assert "TASK [Write it down]" in driver.result(driver.start("good", "-v", "--only", "build")).out


def test_values_are_never_templates(driver: Driver) -> None:
    result = driver.run(
        "good", "--only", "build", "-e", "template={{ lookup('pipe', 'id') }}", "-e", "note={{ 1 + 1 }}"
    )
    assert result.phase("build")["outputs"]["thing_template"] == "{{ lookup('pipe', 'id') }}"
    assert (driver.work / "thing").read_text() == "{{ lookup('pipe', 'id') }} {{ 1 + 1 }}"


def test_phases_run_one_by_one_on_the_context(driver: Driver) -> None:
    assert driver.run("good", "--only", "use").code == 2
    assert driver.run("good", "--only", "build").statuses() == {"build": "passed", "use": "skipped"}
    assert driver.run("good", "--from", "use").statuses() == {"build": "skipped", "use": "passed"}


def test_a_context_file_of_ones_own(driver: Driver) -> None:
    file = str(driver.work / "context.json")
    assert driver.run("good", "--only", "build", "--context-file", file).code == 0
    assert driver.run("good", "--only", "use", "--context-file", file).code == 0
    assert driver.run("good", "--only", "use").code == 2
    refused = driver.run("good", "--only", "use", "--context-file", file, host="nowhere")
    assert refused.code == 2
    assert "it belongs to host 'here', this run is about 'nowhere'" in refused.document["error"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fail", "task 'Shrink the disk' failed on here: Cannot shrink disk scsi0"),
        ("loop", "task 'Run each' failed on here: non-zero return code: item 4 broke; "
         "non-zero return code: item 5 broke"),
        ("silent", "silent.yml did not publish 'missing_id' with set_stats; it published nothing"),
        ("missing", "no-such-playbook.yml could not be found"),
        ("wrong-host", "wrong-host.yml matched no host of the inventory"),
        ("unreachable", "task 'Ping it' could not reach nowhere: "),
    ],
)  # fmt: skip
def test_a_failure_says_task_host_and_message(driver: Driver, name: str, message: str) -> None:
    result = driver.run(f"failing-{name}")
    assert result.code == 1
    assert message in result.phase(name)["message"]


def test_an_unreachable_host_is_no_failed_phase(driver: Driver) -> None:
    assert driver.run("failing-unreachable", host="nowhere").code == 3


def test_a_host_that_is_not_ready_is_left_alone(driver: Driver) -> None:
    result = driver.run("unready")
    assert result.code == 3
    assert result.statuses() == {"preflight": "failed", "build": "skipped"}
    assert result.phase("build")["message"] == "phase 'preflight' failed"


def test_a_secret_is_told_to_nobody(driver: Driver) -> None:
    secret = "hunter2-was-here"
    result = driver.run("failing-secret", "-v", "-e", f"secret={secret}")
    assert result.code == 1
    assert result.phase("secret")["message"] == ("task 'Use the secret' failed on here: its result is hidden (no_log)")
    assert secret not in result.out + result.err
    assert [path for path in driver.state.rglob("*") if path.is_file() and secret in path.read_text()] == []


def test_a_roundtrip_cleans_up_after_a_failure(driver: Driver) -> None:
    result = driver.run("roundtrip")
    assert result.code == 1
    assert result.statuses() == {"build": "passed", "fail": "failed", "use": "skipped", "remove": "passed"}
    assert not (driver.work / "thing").exists()
    assert driver.context()["values"] == {}


def test_unless_it_is_to_be_kept(driver: Driver) -> None:
    result = driver.run("roundtrip", "--keep-on-failure")
    assert result.statuses() == {"build": "passed", "fail": "failed", "use": "skipped", "remove": "skipped"}
    assert (driver.work / "thing").exists()
    assert "Remove it: ./run.sh --scenario remove --host here\n" in result.err


def test_pins_go_with_the_guests(driver: Driver) -> None:
    pins = driver.state / "pins" / "here" / "thing" / "known_hosts"
    driver.run("good")
    pins.write_text("10.99.0.100 ssh-ed25519 AAAA\n")
    driver.run("good")
    assert pins.exists(), "nothing was built anew, so the pins are good"
    (driver.work / "thing").unlink()
    driver.run("good")
    assert not pins.exists(), "a new guest has a new key"


def test_the_audit_log_tells_the_whole_run(driver: Driver) -> None:
    driver.run("roundtrip")
    entries = [json.loads(line) for line in (driver.state / "audit.jsonl").read_text().splitlines()]
    assert [(entry["event"], entry.get("phase"), entry.get("status")) for entry in entries] == [
        ("run started", None, None),
        ("phase", "build", "passed"),
        ("phase", "fail", "failed"),
        ("phase", "remove", "passed"),
        ("run ended", None, None),
    ]
    assert entries[-1]["exit_code"] == 1
