"""Planning a declaration of any path, and comparing values without knowing what they mean. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PermissionDeniedError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_declaration import (
    call,
    checked_path,
    describe,
    encode,
    plan,
    same,
)

from .reading import Table

ITEM = {"path": "/pools/", "key": "poolid", "id": "a/b"}
AT = "/pools/a%2Fb"
HAVE = {"poolid": "a/b", "comment": "x", "digest": "d1"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, HAVE, []),
        ({"values": {"comment": "x"}}, HAVE, []),
        ({"values": {"comment": "y"}}, HAVE, [("PUT", AT, {"comment": "y", "digest": "d1"})]),
        ({"values": {"comment": None}}, HAVE, [("PUT", AT, {"delete": ["comment"], "digest": "d1"})]),
        (
            {"values": {"a": 1, "comment": "x"}, "send_always": ["comment", "none"]},
            HAVE,
            [("PUT", AT, {"comment": "x", "a": 1, "digest": "d1"})],
        ),
        ({"secret_values": {"s": "1"}}, HAVE, []),
        ({"secret_values": {"s": "1"}, "update_password": "always"}, HAVE, [("PUT", AT, {"s": "1", "digest": "d1"})]),
        (
            {"values": {"a": None, "b": {"k": True}}, "secret_values": {"s": "1"}},
            None,
            [("POST", "/pools", {"poolid": "a/b", "b": "k=1", "s": "1"})],
        ),
        ({"values": {"a": 1}, "create_at": "item"}, None, [("POST", AT, {"a": 1})]),
        ({"state": "absent"}, HAVE, [("DELETE", AT, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = plan({**ITEM, **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


def test_a_configuration_is_set_at_its_path() -> None:
    made = plan({"path": "/cluster/options", "values": {"keyboard": "de"}}, {"keyboard": "fr"})
    assert [(step.verb, step.path, step.reason) for step in made.steps] == [
        ("PUT", "/cluster/options", "set keyboard of /cluster/options")
    ]
    assert (made.before, made.after) == ({"keyboard": "fr"}, {"keyboard": "de"})


def test_a_secret_is_not_shown() -> None:
    made = plan({**ITEM, "secret_values": {"token": "k3y"}}, None)
    assert made.after == {"poolid": "a/b", "token": "********"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (1, "1", True),
        ("1", 1, True),
        (True, 1, True),
        (True, "yes", True),
        (True, "text", False),
        (False, None, False),
        (None, None, True),
        (None, "", False),
        ("", None, True),
        ([], None, True),
        ("b,a", "a,b", False),
        (["b", "a"], "a,b", True),
        (["b", "a"], "a b", True),
        (["a"], ["a", "b"], False),
        ({"k": 1, "l": True}, "l=1,k=1", True),
        ({"type": "secure"}, {"type": "secure"}, True),
        ([{"id": "1:2", "node": "n"}], ["node=n,id=1:2"], True),
        (["node=n,id=1:2"], "id=1:2,node=n", True),
    ],
    ids=str,
)
def test_same(wish: Any, have: Any, expected: bool) -> None:
    assert same(wish, have) is expected


def test_encoding() -> None:
    assert encode([{"a": 1, "b": None}, "c"]) == ["a=1", "c"]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"/pools": []}, None),
        ({"/pools": [{"poolid": "other"}]}, None),
        ({"/pools": [{"poolid": "a/b", "n": 1}], AT: {"comment": "x"}}, {"poolid": "a/b", "n": 1, "comment": "x"}),
        ({"/pools": [{"poolid": "a/b"}], AT: [{"subdir": "x"}]}, {"poolid": "a/b"}),
        ({"/pools": [{"poolid": "a/b"}], AT: PveError("GET", AT, 501, "not implemented")}, {"poolid": "a/b"}),
    ],
    ids=["empty", "another", "item over row", "directory", "no item"],
)
def test_what_is_there(answers: dict[str, Any], expected: Any) -> None:
    assert describe(Table(answers), ITEM) == expected


def test_trouble_is_not_absence() -> None:
    table = Table({"/pools": [{"poolid": "a/b"}], AT: PermissionDeniedError("GET", AT, 403, "no")})
    with pytest.raises(PermissionDeniedError):
        describe(table, ITEM)


@pytest.mark.parametrize("path", ["pools", "", "/a b", "/a?b=1", "/{a}", "/api2/json/pools"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ConfigError):
        checked_path({"path": path})


def test_a_request_is_sent_once() -> None:
    (step,) = call({"path": "/pools", "method": "POST", "params": {"members": [{"a": 1}]}}).steps
    assert (step.verb, step.path, step.params, step.once) == ("POST", "/pools", {"members": ["a=1"]}, True)
