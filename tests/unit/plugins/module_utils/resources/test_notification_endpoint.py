"""Planning where notifications go. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_endpoint import (
    NOTIFICATION_ENDPOINT,
    pair_texts,
    pairs,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

BASE = "/cluster/notifications"
HOOK = f"{BASE}/endpoints/webhook/room"
ROOM = {
    "name": "room", "type": "webhook", "url": "https://x", "method": "post", "body": "aGk=",
    "header": ["name=X-Tag,value=aG9tZQ=="], "secret": ["name=key"], "digest": "d",
}  # fmt: skip
MAIL: dict[str, Any] = {"name": "mail-to-root", "type": "sendmail", "mailto-user": ["root@pam"]}


def planned(wish: dict[str, Any], have: dict[str, Any] | None) -> Plan:
    known = {"state": "present", "name": "room", "type": "webhook", "test": "never", "update_password": "on_create"}
    return NOTIFICATION_ENDPOINT.plan({**known, **wish}, have)


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in planned(wish, have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"url": "https://x", "body": "hi", "header": {"X-Tag": "home"}, "disable": False}, ROOM, []),
        ({"secret": {"key": "other"}}, ROOM, []),
        (
            {"secret": {"key": "k"}, "update_password": "always"},
            ROOM,
            [("PUT", HOOK, {"secret": ["name=key,value=aw=="], "digest": "d"})],
        ),
        # What is there keeps its value.
        (
            {"secret": {"key": "x", "new": "k"}},
            ROOM,
            [("PUT", HOOK, {"secret": ["name=key", "name=new,value=aw=="], "digest": "d"})],
        ),
        ({"secret": {}}, ROOM, [("PUT", HOOK, {"delete": ["secret"], "digest": "d"})]),
        (
            {"body": "", "header": {"X-Tag": "shed"}},
            ROOM,
            [("PUT", HOOK, {"header": ["name=X-Tag,value=c2hlZA=="], "delete": ["body"], "digest": "d"})],
        ),
        (
            {"url": "https://x", "method": "post", "secret": {"key": "k"}},
            None,
            [
                (
                    "POST",
                    f"{BASE}/endpoints/webhook",
                    {"name": "room", "url": "https://x", "method": "post", "secret": ["name=key,value=aw=="]},
                )
            ],
        ),
        (
            {"type": "smtp", "server": "m", "from_address": "a@b", "server_port": 25, "mailto": ["c@d"]},
            None,
            [
                (
                    "POST",
                    f"{BASE}/endpoints/smtp",
                    {"name": "room", "mailto": ["c@d"], "from-address": "a@b", "server": "m", "port": 25},
                )
            ],
        ),
        ({"state": "absent"}, {**ROOM, "origin": "user-created"}, [("DELETE", HOOK, {})]),
        ({"state": "absent"}, None, []),
        ({"test": "on_change"}, ROOM, []),
        ({"test": "always"}, ROOM, [("POST", f"{BASE}/targets/room/test", {})]),
        (
            {"test": "on_change", "comment": "c"},
            ROOM,
            [("PUT", HOOK, {"comment": "c", "digest": "d"}), ("POST", f"{BASE}/targets/room/test", {})],
        ),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("builtin", ([], "notification endpoint sendmail mail-to-root is as Proxmox VE brings it")),
        ("modified-builtin", (["set back notification endpoint sendmail mail-to-root"], "")),
        ("user-created", (["remove notification endpoint sendmail mail-to-root"], "")),
    ],
)
def test_what_proxmox_brings_is_set_back(origin: str, said: tuple[list[str], str]) -> None:
    wish = {"state": "absent", "type": "sendmail", "name": "mail-to-root"}
    made = planned(wish, {**MAIL, "origin": origin})
    assert ([step.reason for step in made.steps], made.reason) == said


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"token": "x"}, "Option 'token' is for endpoints of type gotify: room is of webhook."),
        ({"server": "x"}, "Option 'server' is for endpoints of type smtp and gotify: room is of webhook."),
        ({"url": ""}, "Option 'url': an endpoint of type webhook can't do without."),
        (
            {"url": "https://x"},
            "Option 'method' is needed: notification endpoint webhook room does not exist yet.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        planned(wish, None)
    assert str(error.value) == message


def test_secrets_are_hidden() -> None:
    made = planned({"secret": {"key": "s3cr3t", "new": "s3cr3t"}}, ROOM)
    assert made.after == {"secret": "********"}
    assert NOTIFICATION_ENDPOINT.result(ROOM) == {
        "notification_endpoint": {
            "name": "room", "type": "webhook", "url": "https://x", "method": "post", "header": {"X-Tag": "home"},
            "body": "hi",
        }
    }  # fmt: skip


def test_reading() -> None:
    gone = Table({HOOK: PveError("GET", HOOK, 404, "endpoint 'room' not found")})
    wish = {"name": "room", "type": "webhook", "state": "present"}
    assert NOTIFICATION_ENDPOINT.describe(gone, wish) is None
    there = Table({HOOK: ROOM, f"{BASE}/targets": [{"name": "room", "origin": "user-created"}]})
    assert NOTIFICATION_ENDPOINT.describe(there, wish) == ROOM
    assert there.asked == [HOOK]
    assert NOTIFICATION_ENDPOINT.describe(there, {**wish, "state": "absent"}) == {**ROOM, "origin": "user-created"}


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9-]*", fullmatch=True), st.text()))
def test_headers_come_back_as_they_went(values: dict[str, str]) -> None:
    assert pairs(pair_texts(values)) == values
