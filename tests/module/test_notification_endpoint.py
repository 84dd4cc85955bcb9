"""Module notification_endpoint against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import UNNAMED, Modules

KIND = "notification_endpoint"
ROOM: dict[str, Any] = {
    "name": "room", "type": "webhook", "url": "https://chat.example.org/{{ secrets.key }}", "method": "post",
    "header": {"X-Tag": "home"}, "body": "hi {{ title }}",
}  # fmt: skip
SECRET = {"key": "s3cr3t-of-the-room"}
SMTP: dict[str, Any] = {
    "name": "mail", "type": "smtp", "server": "mail.example.org", "from_address": "pve@example.org",
    "mailto": ["root@example.org"],
}  # fmt: skip
PHONE: dict[str, Any] = {"name": "phone", "type": "gotify", "server": "https://g.example.org", "token": "s3cr3t-token"}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge(KIND, **ROOM, secret=SECRET)
    assert made[KIND] == ROOM
    assert "s3cr3t" not in str(made)
    changed = modules.converge(KIND, name="room", type="webhook", body="", header={}, secret={**SECRET, "id": "7"})
    assert changed[KIND] == {name: value for name, value in ROOM.items() if name not in ("header", "body")}
    assert changed["diff"]["after"] == {"secret": "********"}
    modules.converge(KIND, name="room", type="webhook", state="absent")


def test_a_look_is_one_request(modules: Modules) -> None:
    modules.ok(KIND, **ROOM)
    modules.unchanged(KIND, **ROOM)
    assert len(modules.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "change"),
    [
        (SMTP | {"server_password": "s3cr3t"}, {"server_port": 2525, "mode": "starttls", "username": "pve"}),
        (PHONE, {"server": "https://other.example.org", "comment": "mine"}),
        ({"name": "local", "type": "sendmail", "mailto_user": ["root@pam"]}, {"author": "lab", "disable": True}),
    ],
    ids=lambda item: str(item.get("type", "")),
)
def test_every_kind(modules: Modules, wish: dict[str, Any], change: dict[str, Any]) -> None:
    key = {"name": wish["name"], "type": wish["type"]}
    made = modules.converge(KIND, **wish)
    assert "s3cr3t" not in str(made)
    modules.converge(KIND, **key, **change)
    modules.converge(KIND, **key, state="absent")


def test_a_secret_is_renewed_when_that_is_wished(modules: Modules) -> None:
    modules.ok(KIND, **PHONE)
    modules.unchanged(KIND, **{**PHONE, "token": "n3w"})
    renewed = modules.ok(KIND, **{**PHONE, "token": "n3w", "update_password": "always"})
    assert renewed["diff"]["after"] == {"token": "********"}


def test_what_proxmox_brings_is_set_back(modules: Modules) -> None:
    own: dict[str, Any] = {"name": "mail-to-root", "type": "sendmail"}
    modules.unchanged(KIND, **own, state="absent")
    modules.converge(KIND, **own, disable=True)
    back = modules.converge(KIND, **own, state="absent")
    assert back["plan"] == ["set back notification endpoint sendmail mail-to-root"]
    assert "disable" not in back[KIND]


def test_a_test_message(modules: Modules) -> None:
    made = modules.converge(KIND, **PHONE, test="on_change")
    assert made["plan"][1] == "send a test message to notification endpoint phone"
    assert modules.ok(KIND, **PHONE, test="always")["changed"]
    modules.lab.assert_requests(["POST /cluster/notifications/targets/phone/test"], writes=1)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"name": "phone", "type": "webhook", "url": "https://x", "method": "get"},
            "Cannot create notification endpoint webhook phone: POST /cluster/notifications/endpoints/webhook: 400 "
            "Cannot create 'phone', an entity with the same name already exists.\nA matcher, or an endpoint of another "
            "type, has this name: the module notification_info lists both.",
        ),
        (
            {"name": "mail", "type": "smtp", "server": "m", "from_address": "a@b.org"},
            "Cannot create notification endpoint smtp mail: POST /cluster/notifications/endpoints/smtp: 400 must at "
            "least provide one recipient, either in mailto or in mailto-user.",
        ),
        (
            {"name": "phone", "type": "gotify", "state": "absent"},
            "Cannot remove notification endpoint gotify phone: DELETE /cluster/notifications/endpoints/gotify/phone: "
            "400 cannot delete 'phone', referenced by: mine.\nTake the endpoint out of these matchers' target first, "
            "with the module notification_matcher.",
        ),
    ],
    ids=lambda value: str(value["type"]) if isinstance(value, dict) else "",
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok(KIND, **PHONE)
    modules.ok("notification_matcher", name="mine", target=["phone"])
    before = modules.ok("notification_info")
    assert modules.run(KIND, **wish)["msg"] == message
    assert modules.ok("notification_info") == before


def test_options_of_another_type(modules: Modules) -> None:
    assert modules.message(KIND, **PHONE, url="https://x") == (
        "Option 'url' is for endpoints of type webhook: phone is of gotify."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/mapping/notifications": ["Mapping.Modify"], "/": ["Sys.AccessNetwork"]}
    messages = modules.refusals(needed, KIND, **PHONE)
    assert messages == {
        "Mapping.Modify on /mapping/notifications": f"GET /cluster/notifications/endpoints/gotify/phone: {UNNAMED}",
        "Sys.AccessNetwork on /": "Cannot create notification endpoint gotify phone: POST "
        f"/cluster/notifications/endpoints/gotify: {UNNAMED}",
    }
    for privileges in (needed, {**needed, "/": ["Sys.Audit", "Sys.Modify"]}):
        limited = modules.limited(privileges)
        for wish in (PHONE, {**PHONE, "disable": True}):
            limited.converge(KIND, **wish, test="on_change")
        only = modules.limited({"/mapping/notifications": ["Mapping.Modify"]})
        only.converge(KIND, name="phone", type="gotify", state="absent")
