"""Planning which notifications go where. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_matcher import (
    NOTIFICATION_MATCHER,
    info,
)

from .reading import Table

BASE = "/cluster/notifications"
PATH = f"{BASE}/matchers/backups"
HAVE = {
    "name": "backups", "mode": "any", "match-severity": ["warning,error"], "match-field": ["exact:type=vzdump,gc"],
    "target": ["phone"], "digest": "d",
}  # fmt: skip


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = NOTIFICATION_MATCHER.plan({"state": "present", "name": "backups", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"match_severity": ["error", "warning"], "match_field": ["exact:type=vzdump,gc"]}, HAVE, []),
        ({"invert_match": False, "disable": False, "comment": ""}, HAVE, []),
        # Two conditions are something else than one with two severities.
        (
            {"match_severity": ["error", "warning"]},
            {**HAVE, "match-severity": ["warning", "error"]},
            [("PUT", PATH, {"match-severity": ["error,warning"], "digest": "d"})],
        ),
        (
            {"target": ["room", "phone"], "match_severity": []},
            HAVE,
            [("PUT", PATH, {"target": ["phone", "room"], "delete": ["match-severity"], "digest": "d"})],
        ),
        (
            {"target": ["phone"], "match_calendar": ["mon..fri 8-17"], "invert_match": True},
            None,
            [
                (
                    "POST",
                    f"{BASE}/matchers",
                    {"name": "backups", "target": ["phone"], "match-calendar": ["mon..fri 8-17"], "invert-match": 1},
                )
            ],
        ),
        ({"state": "absent"}, {**HAVE, "origin": "user-created"}, [("DELETE", PATH, {})]),
        ({"state": "absent"}, {**HAVE, "origin": "modified-builtin"}, [("DELETE", PATH, {})]),
        ({"state": "absent"}, {**HAVE, "origin": "builtin"}, []),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_a_severity_there_is_not() -> None:
    with pytest.raises(ConfigError) as error:
        steps({"match_severity": ["fatal"]}, HAVE)
    assert str(error.value) == ("Option 'match_severity': 'fatal' is none of info, notice, warning, error, unknown")


def test_reading() -> None:
    wish = {"name": "backups", "state": "absent"}
    gone = Table({PATH: PveError("GET", PATH, 404, "matcher 'backups' not found")})
    assert NOTIFICATION_MATCHER.describe(gone, wish) is None
    there = Table({PATH: HAVE, f"{BASE}/matchers": [{"name": "backups", "origin": "builtin"}]})
    assert NOTIFICATION_MATCHER.describe(there, wish) == {**HAVE, "origin": "builtin"}


def test_listing() -> None:
    answers = {
        f"{BASE}/endpoints/sendmail": [{"name": "mail", "mailto-user": ["root@pam"], "origin": "builtin"}],
        f"{BASE}/endpoints/smtp": [],
        f"{BASE}/endpoints/gotify": [{"name": "a", "server": "https://x"}],
        f"{BASE}/endpoints/webhook": [],
        f"{BASE}/matchers": [HAVE],
    }
    found = info(Table(answers), {})
    assert [item["name"] for item in found["endpoints"]] == ["a", "mail"]
    assert found["endpoints"][1] == {"name": "mail", "type": "sendmail", "mailto_user": ["root@pam"]}
    assert found["matchers"][0]["match_severity"] == ["error,warning"]
    one = Table(answers)
    assert info(one, {"type": "gotify"})["matchers"] == []
    assert one.asked == [f"{BASE}/endpoints/gotify"]
    assert [item["name"] for item in info(Table(answers), {"name": "mail"})["endpoints"]] == ["mail"]
