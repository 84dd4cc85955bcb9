"""Planning an API token. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_token import TOKEN, TRIED

from .reading import Table

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
        # Proxmox VE 8 knows no `delete` here.
        ({"comment": ""}, HAVE, [("PUT", {"comment": ""})]),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = TOKEN.plan({**WISH, **wish}, have)
    assert [(step.verb, dict(step.params)) for step in made.steps] == expected
    assert {step.path for step in made.steps} <= {PATH}


def test_what_was_granted_is_granted_again() -> None:
    other = {"path": "/", "roleid": "Mine", "type": "user", "ugid": "root@pam"}
    ours = {"path": "/vms", "roleid": "Mine", "type": "token", "ugid": "root@pam!ci", "propagate": 0}
    read = Table({PATH: HAVE, "/access/acl": [other, ours]})
    assert TOKEN.describe(read, WISH) == HAVE
    assert read.asked == [PATH]
    made = TOKEN.plan({**WISH, "renew": True}, TOKEN.describe(read, {**WISH, "renew": True}))
    assert [(step.verb, step.path) for step in made.steps] == [
        ("DELETE", PATH), ("POST", PATH), ("PUT", "/access/acl"),
    ]  # fmt: skip
    assert made.steps[2].params == {"path": "/vms", "roles": "Mine", "tokens": "root@pam!ci", "propagate": 0}
    assert made.steps[2].reason == "grant Mine on /vms to token root@pam!ci again"


def test_a_token_of_nobody() -> None:
    read = Table({PATH: PveError("GET", PATH, 500, "no such user ('root@pam')")})
    assert TOKEN.describe(read, {**WISH, "state": "absent"}) is None
    with pytest.raises(RefusedError) as error:
        TOKEN.describe(read, WISH)
    assert str(error.value) == (
        "There is no user 'root@pam', so it can't have a token. Check the name, or make the user first "
        "(homelab.pve.user)."
    )
    with pytest.raises(PveError):
        TOKEN.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), WISH)
