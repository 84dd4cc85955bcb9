"""Module storage against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

EXTRA: dict[str, Any] = {"storage": "extra", "type": "dir", "path": "/srv/extra", "content": ["iso", "snippets"]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("storage", **EXTRA)
    assert made["storage"]["content"] == ["iso", "snippets"]
    changed = modules.converge("storage", **{**EXTRA, "content": ["snippets", "backup"]}, prune_backups="keep-last=3")
    assert (changed["storage"]["content"], changed["storage"]["prune_backups"]) == (
        ["backup", "snippets"], {"keep-last": 3},
    )  # fmt: skip
    modules.converge("storage", storage="extra", state="absent")


def test_order_of_content_means_nothing(modules: Modules) -> None:
    modules.ok("storage", **EXTRA)
    modules.unchanged("storage", storage="extra", content=["snippets", "iso", "iso"])


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("storage", **EXTRA, nodes=["father"], prune_backups={"keep-last": 2})
    changed = modules.converge("storage", storage="extra", nodes=[], prune_backups="")
    assert {"nodes", "prune_backups"}.isdisjoint(changed["storage"])


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"storage": "extra", "path": "/elsewhere"},
            "Cannot change path of storage extra from /srv/extra to /elsewhere: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the storage first (state: absent) and create it anew.",
        ),
        (
            {"storage": "extra", "type": "nfs"},
            "Cannot change type of storage extra from dir to nfs: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the storage first (state: absent) and create it anew.",
        ),
        (
            {"storage": "new", "content": ["iso"]},
            "Option 'type' is needed: storage new does not exist yet.",
        ),
        (
            {"storage": "extra", "prune_backups": {"keep-most": 1}},
            "Option 'prune_backups': unknown property 'keep-most'; known are keep-all, keep-daily, keep-hourly, "
            "keep-last, keep-monthly, keep-weekly, keep-yearly",
        ),
        (
            {"storage": "extra", "disable": "perhaps"},
            "argument 'disable' is of type str and we were unable to convert to bool: The value 'perhaps' is not a "
            "valid boolean.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("storage", **EXTRA)
    assert modules.message("storage", **wish).startswith(message)


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("storage", storage="new", type="dir", path="/x", content=["bogus"])
    assert result["msg"] == (
        "Cannot create storage new: POST /storage: 400 Parameter verification failed "
        "(content: invalid format - invalid content type 'bogus')."
    )
    assert result["error"]["errors"] == {"content": "invalid format - invalid content type 'bogus'"}


def test_least_privileges(modules: Modules) -> None:
    needed = {"/storage": ["Datastore.Allocate"]}
    assert modules.refusals(needed, "storage", **EXTRA) == {
        "Datastore.Allocate on /storage": f"GET /storage/extra: {denied('Datastore.Allocate', '/storage/extra')}"
    }
    limited = modules.limited(needed)
    for wish in (EXTRA, {"storage": "extra", "content": ["iso"]}, {"storage": "extra", "state": "absent"}):
        limited.converge("storage", **wish)
