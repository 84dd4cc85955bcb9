"""The engine: from a wish and a state to changes, parameters and views. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    INTEGER,
    MEMORY,
    TAGS,
    TEXT,
    Properties,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    decoded,
    diff,
    encoded,
    parsed,
    refuse_fixed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from hypothesis import given
from hypothesis import strategies as st

FIELDS = (
    Field("comment"),
    Field("cores", INTEGER, default=1),
    Field("memory", MEMORY),
    Field("on_boot", BOOLEAN, wire="onboot", default=False),
    Field("tags", TAGS),
    Field("path", create_only=True),
    Field("password", secret=True),
    Field("key", secret=True, readable=True),
    Field("keep", Properties(kinds={"last": "int", "all": "bool"}, defaults={"all": False}).codec()),
)


def changes(wish: dict[str, Any], wire: dict[str, Any], **options: bool) -> dict[str, tuple[Any, Any]]:
    found = diff(FIELDS, parsed(FIELDS, wish), decoded(FIELDS, wire), **options)
    return {change.key: (change.before, change.after) for change in found}


@pytest.mark.parametrize(
    ("wish", "wire", "expected"),
    [
        ({}, {"comment": "x", "cores": 4}, {}),
        ({"comment": None}, {"comment": "x"}, {}),
        ({"comment": ""}, {"comment": "x"}, {"comment": ("x", None)}),
        ({"comment": ""}, {}, {}),
        ({"comment": "y"}, {"comment": "x"}, {"comment": ("x", "y")}),
        ({"comment": "y"}, {}, {"comment": (None, "y")}),
        ({"cores": 1}, {}, {}),
        ({"cores": 2}, {}, {"cores": (None, 2)}),
        ({"cores": 1}, {"cores": "2"}, {"cores": (2, 1)}),
        ({"memory": "2G"}, {"memory": "2048"}, {}),
        ({"on_boot": False}, {}, {}),
        ({"on_boot": False}, {"onboot": 1}, {"on_boot": (True, False)}),
        ({"tags": ["b", "A"]}, {"tags": "a;b"}, {}),
        ({"tags": []}, {"tags": "a"}, {"tags": (["a"], None)}),
        ({"password": "x"}, {"password": "**********"}, {}),
        ({"password": "x"}, {}, {"password": (None, "x")}),
        ({"key": "x"}, {"key": "x"}, {}),
        ({"key": "x"}, {"key": "y"}, {"key": ("y", "x")}),
        ({"keep": {"last": ""}}, {"keep": "last=3,all=1"}, {"keep": ({"last": 3, "all": True}, {"all": True})}),
        ({"keep": {"last": ""}}, {"keep": "last=3"}, {"keep": ({"last": 3}, None)}),
        ({"keep": "last="}, {}, {}),
        ({"keep": ""}, {"keep": "last=3"}, {"keep": ({"last": 3}, None)}),
    ],
    ids=str,
)
def test_diff(wish: dict[str, Any], wire: dict[str, Any], expected: dict[str, Any]) -> None:
    assert changes(wish, wire) == expected


def test_a_secret_is_renewed_only_when_told() -> None:
    assert changes({"password": "x"}, {"password": "*"}, renew_secrets=True) == {"password": ("*", "x")}


def test_parameters() -> None:
    wish = {"comment": "", "cores": 2, "keep": {"last": ""}, "on_boot": True, "tags": []}
    found = diff(FIELDS, parsed(FIELDS, wish), decoded(FIELDS, {"comment": "x", "keep": "last=3", "tags": "a"}))
    assert encoded(found) == {"cores": 2, "onboot": 1, "delete": "comment,keep,tags"}


def test_views_hide_secrets() -> None:
    found = diff(FIELDS, {"password": "x", "memory": 512, "key": "x"}, {"memory": 256, "key": "y"})
    hidden = {"key": "********"}
    assert views(found) == ({"memory": 256, **hidden}, {"memory": 512, "password": "********", **hidden})


def test_what_is_fixed_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        refuse_fixed("storage", "a", diff(FIELDS, {"path": "/b"}, {}))
    assert str(caught.value).startswith("Cannot change path of storage a from unset to /b: ")


def test_wrong_values_name_their_option() -> None:
    with pytest.raises(ConfigError, match=r"^Option 'memory': 'x' is not a size"):
        parsed(FIELDS, {"memory": "x"})


def test_url_quotes() -> None:
    assert url("/storage/{}/content/{}", "a b", "local:iso/x.iso") == "/storage/a%20b/content/local%3Aiso%2Fx.iso"
    assert url("/nodes/{}/qemu/{{vmid}}", "father{x}").format(vmid=100) == "/nodes/father%7Bx%7D/qemu/100"


_WIRE = st.fixed_dictionaries(
    {},
    optional={
        "comment": st.text(min_size=1),
        "cores": st.integers(1, 9).map(str),
        "memory": st.integers(1, 2**20).map(str),
        "onboot": st.sampled_from([0, 1]),
        "tags": st.lists(st.from_regex(r"[a-z]+", fullmatch=True), min_size=1).map(";".join),
    },
)


@given(_WIRE)
def test_what_is_there_needs_no_change(wire: dict[str, Any]) -> None:
    wish = {("on_boot" if key == "onboot" else key): value for key, value in wire.items()}
    assert changes(wish, wire) == {}


@given(_WIRE, _WIRE)
def test_a_plan_carried_out_leaves_nothing_to_do(wish_wire: dict[str, Any], wire: dict[str, Any]) -> None:
    wish = {("on_boot" if key == "onboot" else key): value for key, value in wish_wire.items()}
    params = encoded(diff(FIELDS, parsed(FIELDS, wish), decoded(FIELDS, wire)))
    gone = str(params.pop("delete", "")).split(",")
    after = {key: value for key, value in {**wire, **params}.items() if key not in gone}
    assert changes(wish, after) == {}


def test_arguments() -> None:
    assert Field("x", TAGS).argument() == {"type": "list", "elements": "str"}
    assert Field("x", TEXT, secret=True).argument() == {"type": "str", "no_log": True}
