"""Module state_info against the lab's API. What it says of each kind is in test_state_export.py."""

from __future__ import annotations

from .conftest import Modules

AUDIT = ("VM.Audit", "Datastore.Audit", "Sys.Audit", "Pool.Audit")


def test_what_is_there_as_a_document(modules: Modules) -> None:
    modules.ok("group", groupid="operators", comment="on call")
    told = modules.ok("state_info", only=["groups"])
    assert told["document"] == {"version": 1, "groups": [{"groupid": "operators", "comment": "on call"}]}
    assert modules.lab.writes() == []


def test_capabilities_are_told(modules: Modules) -> None:
    assert modules.ok("state_info", only=["groups"])["capabilities"] == {
        "supports_rollback": True,
        "supports_checkpoints": True,
        "supports_verification": True,
        "atomic_operations": False,
    }


def test_a_kind_that_is_none(modules: Modules) -> None:
    refused = modules.message("state_info", only=["guests"])
    assert refused.startswith("Option 'only': there is no kind 'guests'. Known: all, ")


def test_least_privileges(modules: Modules) -> None:
    """What the login may not see is left out, and it is said that it may be."""
    modules.container(200)
    limited = modules.limited({"/": AUDIT})
    told = limited.ok("state_info", only=["containers", "pools", "storage"])
    assert [entry["vmid"] for entry in told["document"]["containers"]] == [200]
    assert not any("incomplete" in warning for warning in told["warnings"])
    blind = modules.limited({"/": [name for name in AUDIT if name != "VM.Audit"]}).ok("state_info", only=["containers"])
    assert "containers" not in blind["document"]
    assert blind["warnings"][:1] == ["The login has no VM.Audit on /vms, so these may be incomplete: containers."]
