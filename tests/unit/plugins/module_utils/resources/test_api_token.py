"""Planning an API token. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_token import TOKEN, TRIED

WISH = {"state": "present", "userid": "root@pam", "tokenid": "ci"}
PATH = "/access/users/root%40pam/token/ci"
HAVE = {"comment": "kept", "privsep": 0, "expire": 0}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"privsep": False}, None, [("POST", {"privsep": 0})]),
        ({}, None, [("POST", {})]),
        ({}, HAVE, []),
        ({TRIED: True}, HAVE, []),
        ({"expire": 0, "privsep": False}, HAVE, []),
        ({"comment": "new", "privsep": True}, HAVE, [("PUT", {"comment": "new", "privsep": 1})]),
        ({TRIED: False}, HAVE, [("DELETE", {}), ("POST", {"comment": "kept", "privsep": 0, "expire": 0})]),
        (
            {TRIED: False, "comment": "new"},
            HAVE,
            [("DELETE", {}), ("POST", {"comment": "new", "privsep": 0, "expire": 0})],
        ),
        ({"renew": True, TRIED: True}, {}, [("DELETE", {}), ("POST", {})]),
        ({TRIED: False}, None, [("POST", {})]),
        ({"state": "absent", TRIED: False}, HAVE, [("DELETE", {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = TOKEN.plan({**WISH, **wish}, have)
    assert [(step.verb, dict(step.params)) for step in made.steps] == expected
    assert {step.path for step in made.steps} <= {PATH}
