"""Planning an ACME plugin. Pure."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_plugin import ACME_PLUGIN, DATA, info
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

PATH = "/cluster/acme/plugins/cf1"
SECRET = {"CF_Token": "topsecret", "CF_Zone_ID": "a=b"}
WRITTEN = "Q0ZfVG9rZW49dG9wc2VjcmV0CkNGX1pvbmVfSUQ9YT1i"
HAVE = {"type": "dns", "api": "cf", "data": "CF_Zone_ID=a=b\nCF_Token=topsecret\n", "digest": "d1"}
DIGEST = {"digest": "d1"}


def plan(wish: dict[str, Any], have: dict[str, Any] | None) -> Any:
    return ACME_PLUGIN.plan({"state": "present", "id": "cf1", **wish}, have)


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            {"type": "dns", "api": "cf", "data": SECRET},
            None,
            [("POST", "/cluster/acme/plugins", {"id": "cf1", "type": "dns", "api": "cf", "data": WRITTEN})],
        ),
        (
            {"type": "standalone", "nodes": ["b", "a"]},
            None,
            [("POST", "/cluster/acme/plugins", {"id": "cf1", "type": "standalone", "nodes": "a,b"})],
        ),
        ({"type": "dns", "data": SECRET, "validation_delay": 30, "disable": False}, HAVE, []),
        ({"data": SECRET}, {**HAVE, "data": "CF_Token=x"}, [("PUT", PATH, {"data": WRITTEN, **DIGEST})]),
        ({"data": {}}, HAVE, [("PUT", PATH, {"delete": "data", **DIGEST})]),
        ({"validation_delay": 0}, HAVE, [("PUT", PATH, {"validation-delay": 0, **DIGEST})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert [(step.verb, step.path, dict(step.params)) for step in plan(wish, have).steps] == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        ({}, None, "Option 'type' is needed: acme_plugin cf1 does not exist yet."),
        ({"type": "dns"}, None, "Option 'api' is needed: acme_plugin cf1 does not exist yet."),
        ({"api": ""}, HAVE, "Option 'api' can't be empty: a plugin of type dns needs its provider."),
        (
            {"type": "standalone", "data": {}},
            None,
            "Option 'data' is for type dns only, and this is of type standalone.",
        ),
        ({"data": {"a": "b\nc=d"}}, HAVE, "Option 'data': 'a' is not a name with a value on one line"),
        ({"validation_delay": -1}, HAVE, "Option 'validation_delay': -1 is not from 0 to 172800"),
        (
            {"id": "standalone", "state": "absent"},
            {"type": "standalone"},
            "Cannot remove acme_plugin standalone: Proxmox VE always has it. Set disable: true to keep it from being "
            "used.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        plan(wish, have)
    assert str(error.value) == message


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"), exclude_characters="\x85"))


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read(wish: dict[str, str]) -> None:
    assert DATA.decode(b64decode(DATA.encode(DATA.parse(wish))).decode()) == wish


def test_secrets_are_not_shown() -> None:
    made = plan({"data": {"CF_Token": "another secret"}}, HAVE)
    assert (made.before, made.after) == ({"data": "********"}, {"data": "********"})
    assert ACME_PLUGIN.result(HAVE) == {"acme_plugin": {"type": "dns", "api": "cf"}}
    found = info(Table({"/cluster/acme/plugins": [{**HAVE, "plugin": "cf1"}]}), {})["plugins"]
    assert found == [{"type": "dns", "api": "cf", "id": "cf1"}]


def test_absence_is_what_proxmox_says() -> None:
    gone = PveError("GET", PATH, 500, "ACME plugin 'cf1' not defined")
    assert ACME_PLUGIN.describe(Table({PATH: gone}), {"id": "cf1"}) is None
