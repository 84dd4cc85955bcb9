"""A login that may only look: it plans, verifies and exports, and can't apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Modules

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "state" / "small-server.yml"
# The privileges of Proxmox VE's own role PVEAuditor.
AUDITOR = {
    "/": [
        "Datastore.Audit",
        "Mapping.Audit",
        "Pool.Audit",
        "SDN.Audit",
        "Sys.Audit",
        "VM.Audit",
        "VM.GuestAgent.Audit",
    ]
}


@pytest.fixture
def auditor(modules: Modules) -> Modules:
    """A token that may look at a server on which the example was applied."""
    modules.ok("state", files=[str(EXAMPLE)])
    return modules.limited(AUDITOR)


def failures(result: dict[str, Any]) -> list[str]:
    """What went wrong, in words."""
    return [*result.get("errors", []), *([result["msg"]] if result.get("failed") else [])]


def test_plans(auditor: Modules) -> None:
    planned = auditor.run("state", check=True, files=[str(EXAMPLE)])
    assert (failures(planned), planned["changed"], auditor.lab.writes()) == ([], False, [])


def test_exports_what_plans_to_nothing(auditor: Modules) -> None:
    document = auditor.ok("state_info")["document"]
    assert {"vms", "storage", "pools", "users", "backups"} <= set(document)
    # Proxmox VE shows the tokens of others in a list, but each by itself only to those who may change them.
    assert document.pop("tokens")
    planned = auditor.run("state", check=True, document=document)
    assert (failures(planned), planned["changed"]) == ([], False)


def test_can_not_apply(auditor: Modules) -> None:
    refused = auditor.run("state", document={"groups": [{"groupid": "new"}]})
    assert refused["failed"]
    assert "Group.Allocate" in refused["msg"]
    assert refused["summary"]["create"] == 1
