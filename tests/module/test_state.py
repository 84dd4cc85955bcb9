"""Modules state and state_info against the lab's API."""

from __future__ import annotations

from typing import Any

from .conftest import Modules

SMALL: dict[str, Any] = {
    "groups": [{"groupid": "operators", "comment": "on call"}],
    "users": [{"userid": "kim@pve", "groups": ["operators"]}],
    "pools": [{"poolid": "prod", "comment": "production"}],
}


def test_a_document_is_made_true_and_stays_so(modules: Modules) -> None:
    made = modules.converge("state", document=SMALL)
    assert [(row["kind"], row["id"], row["action"], row["status"]) for row in made["actions"]] == [
        ("groups", "operators", "create", "done"),
        ("users", "kim@pve", "create", "done"),
        ("pools", "prod", "create", "done"),
    ]
