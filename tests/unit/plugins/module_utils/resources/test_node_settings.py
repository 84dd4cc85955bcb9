"""The settings of a node, part by part. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Step, decoded, diff, parsed
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_settings import (
    CONFIG,
    DNS,
    HOSTS,
    PARTS,
    SUBSCRIPTION,
    TIME,
    Part,
    checking,
    names_node,
    shown,
)
from hypothesis import given
from hypothesis import strategies as st

OWN = "192.0.2.10 a.example.com a"


def steps(part: Part, wish: dict[str, Any], have: dict[str, Any]) -> tuple[Step, ...]:
    changes = diff(part.fields, parsed(part.fields, wish), decoded(part.fields, have))
    return part.steps("a", have, changes) if changes else ()


@pytest.mark.parametrize(
    ("part", "wish", "have", "expected"),
    [
        (DNS, {"dns1": "192.0.2.1"}, {"search": "x", "dns1": "192.0.2.1"}, []),
        (
            DNS,
            {"dns1": "192.0.2.2"},
            {"search": "x", "dns1": "192.0.2.1", "dns2": "192.0.2.3"},
            [("PUT", {"search": "x", "dns1": "192.0.2.2", "dns2": "192.0.2.3"})],
        ),
        (DNS, {"dns1": ""}, {"search": "x", "dns1": "192.0.2.1"}, [("PUT", {"search": "x"})]),
        (DNS, {"dns2": "2001:DB8:0::1"}, {"search": "x", "dns1": "192.0.2.1", "dns2": "2001:db8::1"}, []),
        (HOSTS, {"hosts": OWN}, {"data": f"{OWN}\n", "digest": "d"}, []),
        (HOSTS, {"hosts": OWN}, {"data": "", "digest": "d"}, [("POST", {"data": f"{OWN}\n", "digest": "d"})]),
        (TIME, {"timezone": "UTC"}, {"timezone": "UTC", "time": 1}, []),
        (TIME, {"timezone": "Europe/Vienna"}, {"timezone": "UTC"}, [("PUT", {"timezone": "Europe/Vienna"})]),
        (CONFIG, {"description": "x"}, {"description": "x\n"}, []),
        (
            CONFIG,
            {"description": ""},
            {"description": "x\n", "digest": "d"},
            [("PUT", {"delete": "description", "digest": "d"})],
        ),
        (CONFIG, {"ballooning_target": 80, "startall_onboot_delay": 0}, {}, []),
        (CONFIG, {"ballooning_target": 70}, {}, [("PUT", {"ballooning-target": 70})]),
        (CONFIG, {"acmedomain0": {"domain": "A.x", "plugin": "standalone"}}, {"acmedomain0": "a.x"}, []),
        (CONFIG, {"acme": {"domains": ["b", "a"]}}, {"acme": "account=default,domains=a;b"}, []),
        (
            CONFIG,
            {"acme": {"domains": ""}},
            {"acme": "domains=a;b", "digest": "d"},
            [("PUT", {"delete": "acme", "digest": "d"})],
        ),
        (SUBSCRIPTION, {"subscription_key": ""}, {"status": "notfound", "serverid": "x"}, []),
        (SUBSCRIPTION, {"subscription_key": "pve2c-0123456789"}, {"key": "pve2c-0123456789", "serverid": "x"}, []),
        (SUBSCRIPTION, {"subscription_key": ""}, {"key": "pve2c-0123456789", "serverid": "x"}, [("DELETE", {})]),
        (
            SUBSCRIPTION,
            {"subscription_key": " pve2c-0123456789"},
            {"serverid": "x"},
            [("PUT", {"key": "pve2c-0123456789"})],
        ),
    ],
)
def test_steps(part: Part, wish: dict[str, Any], have: dict[str, Any], expected: list[Any]) -> None:
    assert [(step.verb, dict(step.params)) for step in steps(part, wish, have)] == expected
    assert {step.path for step in steps(part, wish, have)} <= {part.at("a")}


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="dns3 is set and dns2 is not"):
        steps(DNS, {"dns3": "192.0.2.3"}, {"search": "x", "dns1": "192.0.2.1"})
    with pytest.raises(ConfigError, match="needs a search domain"):
        steps(DNS, {"dns1": "192.0.2.3"}, {})
    with pytest.raises(RefusedError, match="no line gives a an address"):
        steps(HOSTS, {"hosts": ""}, {"data": OWN})
    with pytest.raises(RefusedError, match=r"Grant Sys\.Audit on /nodes/a"):
        steps(SUBSCRIPTION, {"subscription_key": "pve2c-0123456789"}, {"status": "active"})
    with pytest.raises(ConfigError, match="node a always has a time zone"):
        steps(TIME, {"timezone": ""}, {"timezone": "UTC"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (OWN, True),
        ("2001:db8::1 a", True),
        ("127.0.1.1 a", False),
        ("::1 a", False),
        ("# 192.0.2.10 a", False),
        ("192.0.2.10 ab", False),
        ("192.0.2.10 x # a", False),
        ("\n\n", False),
    ],
)
def test_whether_a_node_is_named(text: str, named: bool) -> None:
    assert names_node(text, "a") is named


@given(st.text())
def test_any_text_is_looked_through(text: str) -> None:
    assert not names_node(text.replace("own", ""), "own")


def test_what_is_shown_has_no_key() -> None:
    told = shown(
        {"subscription": {"key": "pve2c-0123456789", "status": "active", "serverid": "x"}, "time": {"timezone": "UTC"}}
    )
    assert told == {"timezone": "UTC", "subscription": {"status": "active"}}


def test_each_part_is_read_for_its_own_options() -> None:
    assert [part.path for part in PARTS if part.wanted({"dns1": "", "acme": None})] == ["dns"]


@pytest.mark.parametrize(
    ("have", "steps"),
    [
        ({}, 0),
        ({"key": "x", "checktime": 1000}, 0),
        ({"key": "x", "checktime": 999}, 1),
        ({"key": "x"}, 1),
        ({"checktime": 1}, 0),
    ],
    ids=str,
)
def test_an_old_check_is_made_again(have: dict[str, Any], steps: int) -> None:
    assert len(checking("a", have, 100, 1100.0)) == steps
