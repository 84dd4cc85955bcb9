"""Module notification_info against the lab's API."""

from __future__ import annotations

from typing import Any

from .conftest import UNNAMED, Modules


def test_what_there_is(modules: Modules) -> None:
    wish: dict[str, Any] = {"name": "phone", "type": "gotify", "server": "https://g.example.org"}
    modules.ok("notification_endpoint", **wish, token="s3cr3t-token")
    found = modules.ok("notification_info")
    assert [item["name"] for item in found["endpoints"]] == ["mail-to-root", "phone"]
    assert found["endpoints"][1] == wish
    # What is listed can be declared again.
    for item in found["endpoints"]:
        modules.unchanged("notification_endpoint", **item)
    for item in found["matchers"]:
        modules.unchanged("notification_matcher", **item)


def test_filters(modules: Modules) -> None:
    only = modules.ok("notification_info", type="matcher")
    assert (only["endpoints"], len(only["matchers"])) == ([], 1)
    none = modules.ok("notification_info", name="nobody")
    assert (none["endpoints"], none["matchers"]) == ([], [])


def test_least_privileges(modules: Modules) -> None:
    path = "/mapping/notifications"
    needed = {path: ["Mapping.Audit"]}
    (message,) = modules.refusals(needed, "notification_info").values()
    assert message == f"GET /cluster/notifications/endpoints/sendmail: {UNNAMED}"
    assert modules.limited(needed).ok("notification_info")["matchers"]
