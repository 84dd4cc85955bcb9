"""What a host's commands say, read as checks; the whole way there is in tests/integration/test_hosts.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import (
    FAILED,
    OK,
    PRIVILEGES,
    PROBES,
    SKIPPED,
    Check,
    found,
    look,
    probed,
)

BY_NAME = {probe.name: probe for probe in PROBES}
HELD = json.dumps({"/": dict.fromkeys(PRIVILEGES, 1)})


@pytest.mark.parametrize(
    ("name", "command", "script", "status", "message"),
    [
        ("pveversion", "pveversion", "echo pve-manager/9.1.1/abc", OK, "pve-manager/9.1.1/abc"),
        ("pveversion", "pveversion", "echo Debian", FAILED, "it said: Debian"),
        ("pveversion", "pveversion", "", FAILED, "it said: nothing"),
        ("API", "pvesh", 'echo \'{"version": "9.1.1"}\'', OK, "Proxmox VE 9.1.1"),
        ("API", "pvesh", "echo '{}'", FAILED, "'version'"),
        ("API", "pvesh", "echo ipcc_send_rec failed >&2; exit 111", FAILED,
         "'pvesh' on this machine ended with exit status 111: ipcc_send_rec failed"),
        ("privileges", "pvesh", f"echo '{HELD}'", OK, "all of 6 needed on /"),
        ("privileges", "pvesh", 'echo \'{"/": {"Sys.Audit": 1, "Sys.Modify": 1, "VM.Allocate": 1}}\'', FAILED,
         "missing on /: VM.Config.Options, VM.PowerMgmt, Datastore.AllocateSpace"),
        ("privileges", "pvesh", "echo no JSON", FAILED, "Expecting value: line 1 column 1 (char 0)"),
    ],
)  # fmt: skip
def test_what_a_command_says(  # noqa: PLR0917 - a row of the table
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: str, script: str, status: str, message: str
) -> None:
    (tmp_path / command).write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    check = probed(LocalExecutor(), BY_NAME[name])
    assert (check.name, check.status, check.found) == (name, status, message)
    assert bool(check.remedy) is (status == FAILED)


def test_a_host_without_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = probed(LocalExecutor(), BY_NAME["pveversion"])
    assert check.shown() == {
        "name": "pveversion",
        "status": "failed",
        "message": "'pveversion' was not found on this machine. Check that Proxmox VE is installed there.",
        "remedy": "Install Proxmox VE there, or add another host.",
    }


def test_nothing_is_asked_of_a_host_that_is_not_there() -> None:
    checks = look(SSHExecutor("127.0.0.1", port=9))
    assert [each.status for each in checks] == [FAILED, *[SKIPPED] * len(PROBES)]
    assert checks[0].found.startswith("Cannot reach 127.0.0.1 port 9: Connection refused.")


def test_findings_are_looked_up_by_name() -> None:
    checks = [Check("SSH", OK, "a"), Check("API", FAILED, "b")]
    assert [found(checks, name) for name in ("SSH", "API", "other")] == ["a", None, None]
