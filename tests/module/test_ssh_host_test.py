"""Module ssh_host_test against a host with the lab's commands: each thing that can be wrong, and what is said then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, Result
from .ssh_door import HERE, Place, opened

NAMES = ["SSH", "pveversion", "node name", "API", "privileges"]


@pytest.fixture
def door(lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Modules) -> Iterator[Place]:
    """The host pve1 of a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with opened(lab_api, tmp_path) as place:
        here.ok("ssh_host", name="pve1", hostname=HERE, port=place.port, key=str(place.key))
        yield place


def statuses(result: Result) -> list[str]:
    assert [check["name"] for check in result["checks"]] == NAMES
    return [check["status"] for check in result["checks"]]


def test_a_host_that_is_ready(here: Modules, door: Place, tmp_path: Path) -> None:
    pins = tmp_path / "state" / "homelab-pve" / "pins" / "pve1" / "known_hosts"
    for dry_run in (True, False):
        first = here.ok("ssh_host_test", check=dry_run, name="pve1")
        assert (statuses(first), first["changed"]) == (["ok"] * 5, True)
        assert first["pinned"] == [f"pve1 {door.host_key.fingerprint}"]
        assert pins.exists() is not dry_run
    again = here.unchanged("ssh_host_test", name="pve1")
    assert (again["connected"], again["node"], again["pinned"]) == (True, "father", [])
    assert again["pve_version"].startswith("pve-manager/9.")


@pytest.mark.parametrize(
    ("command", "script", "position", "message"),
    [
        (
            "pveversion",
            "echo Debian",
            1,
            "- pveversion: it said: Debian. Install Proxmox VE there, or add another host.",
        ),
        (
            "pvesh",
            "echo no cluster >&2; exit 2",
            3,
            "- API: 'pvesh' on pve1 ended with exit status 2: no cluster. "
            "Look at 'systemctl status pvedaemon pveproxy'.",
        ),
        (
            "pvesh",
            'echo \'{"version": "9", "/": {}}\'',
            4,
            "- privileges: missing on /: Sys.Audit, Sys.Modify, VM.Allocate, VM.Config.Options, VM.PowerMgmt, "
            "Datastore.AllocateSpace. Log in as root: pvesh works for root only.",
        ),
    ],
    ids=["no Proxmox VE", "no API", "no privileges"],
)
def test_what_is_wrong(  # noqa: PLR0917 - columns of the table
    here: Modules, door: Place, command: str, script: str, position: int, message: str
) -> None:
    (door.commands / command).write_text(f"#!/bin/sh\n{script}\n")
    result = here.run("ssh_host_test", name="pve1")
    assert result["msg"] == f"pve1 can't be worked on:\n{message}"
    assert statuses(result) == ["ok"] * position + ["failed"] + ["skipped"] * (4 - position)
    told = here.ok("ssh_host_test", name="pve1", must_pass=False)
    assert (told["checks"][1:], told["connected"]) == (result["checks"][1:], True)


def test_a_login_that_is_refused(here: Modules, door: Place) -> None:
    door.key.unlink()
    result = here.run("ssh_host_test", name="pve1")
    assert statuses(result) == ["failed", *["skipped"] * 4]
    assert "does not accept root" in result["msg"]
    assert result["msg"].endswith("Put your public key there: ssh-copy-id pve1")
    assert (result["connected"], result["pve_version"]) == (False, None)


@pytest.mark.usefixtures("door")
def test_a_host_nobody_knows(here: Modules) -> None:
    assert here.message("ssh_host_test", name="pve2") == "Host 'pve2' is not known. Known hosts: pve1."
