"""Module notification_matcher against the lab's API."""

from __future__ import annotations

from typing import Any

from .conftest import UNNAMED, Modules

KIND = "notification_matcher"
BACKUPS: dict[str, Any] = {
    "name": "backups", "match_field": ["exact:type=vzdump"], "match_severity": ["warning", "error"],
    "target": ["mail-to-root"],
}  # fmt: skip


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge(KIND, **BACKUPS)
    assert made[KIND] == {**BACKUPS, "match_severity": ["error,warning"]}
    modules.unchanged(KIND, **made[KIND])
    assert len(modules.lab.requests()) == 1
    changed = modules.converge(
        KIND, name="backups", match_field=[], mode="any", match_calendar=["mon..fri 8-17"], comment="at work"
    )
    assert "match_field" not in changed[KIND]
    modules.converge(KIND, name="backups", state="absent")


def test_what_proxmox_brings_is_set_back(modules: Modules) -> None:
    modules.unchanged(KIND, name="default-matcher", state="absent")
    modules.converge(KIND, name="default-matcher", disable=True)
    back = modules.converge(KIND, name="default-matcher", state="absent")
    assert back["plan"] == ["set back notification matcher default-matcher"]


def test_refusals(modules: Modules) -> None:
    assert modules.message(KIND, name="new", match_severity=["fatal"]) == (
        "Option 'match_severity': 'fatal' is none of info, notice, warning, error, unknown"
    )
    assert modules.run(KIND, name="new", target=["nobody"])["msg"] == (
        "Cannot create notification matcher new: POST /cluster/notifications/matchers: 404 endpoint 'nobody' does not "
        "exist.\nMake it first, with the module notification_endpoint."
    )
    assert modules.ok("notification_info", name="new")["matchers"] == []


def test_least_privileges(modules: Modules) -> None:
    path = "/mapping/notifications"
    needed = {path: ["Mapping.Modify"]}
    messages = modules.refusals(needed, KIND, **BACKUPS)
    assert messages == {f"Mapping.Modify on {path}": f"GET /cluster/notifications/matchers/backups: {UNNAMED}"}
    limited = modules.limited(needed)
    for wish in (BACKUPS, {"name": "backups", "disable": True}, {"name": "backups", "state": "absent"}):
        limited.converge(KIND, **wish)
