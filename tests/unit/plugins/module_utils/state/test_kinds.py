"""Kinds: what one is called, what stands on what, what may be pruned, what an export leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, TEXT, Codec, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.group import GROUP
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import FIRST, KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kept, Kind, Remark, secret
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared, login_of, nodes
from ansible_collections.homelab.pve.plugins.module_utils.state.ordering import ordered, waves
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Table:
    """A reader with an answer for each path."""

    answers: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, _params: Any = None) -> Any:
        """See engine.Reader."""
        return self.answers[path]


def of(*items: Entry | Remark) -> Kind:
    """A kind of which there are these."""

    def lister(_read: Reader) -> Iterator[Entry | Remark]:
        yield from items

    return Kind("groups", GROUP, ("groupid",), lister, removable=lambda entry: entry["groupid"] != "needed")


@pytest.mark.parametrize(
    ("kind", "entry", "name"),
    [
        ("users", {"userid": "joe@pve"}, "joe@pve"),
        ("tokens", {"userid": "joe@pve", "tokenid": "ci"}, "joe@pve!ci"),
        ("network", {"node": "father", "iface": "vmbr0"}, "father/vmbr0"),
        ("options", {"keyboard": "de"}, "options"),
        ("mappings", {"type": "usb", "id": "key"}, "usb/key"),
        ("acl", {"path": "/vms/", "roles": ["A", "B"], "users": ["joe@pve"], "groups": None}, "/vms A,B joe@pve"),
    ],
)
def test_identity(kind: str, entry: dict[str, Any], name: str) -> None:
    assert KINDS[kind].identity(entry) == name


def test_an_entry_of_the_access_control_list_is_about_each_of_its_grants() -> None:
    entry = {"path": "/vms/", "roles": ["A", "B"], "users": ["joe@pve"], "groups": ["ops"]}
    assert KINDS["acl"].identities(entry) == {"/vms A joe@pve", "/vms A ops", "/vms B joe@pve", "/vms B ops"}


def test_what_is_needed_is_not_pruned() -> None:
    kind = of({"groupid": "needed"}, Kept({"groupid": "kept"}), {"groupid": "b"}, Remark("one is hidden"))
    assert [entry["groupid"] for entry in kind.prunable(Table())] == ["b"]
    entries, remarks = kind.listed(Table())
    assert [entry["groupid"] for entry in entries] == ["b", "kept", "needed"]
    assert remarks == ["one is hidden"]


def test_numbers_are_listed_as_numbers() -> None:
    kind = Kind("vms", GROUP, ("vmid",), lambda _read: [{"vmid": 1000}, {"vmid": 999}])
    assert [entry["vmid"] for entry in kind.entries(Table())] == [999, 1000]


def in_order(kind: Kind, entries: Sequence[Entry]) -> list[list[str]]:
    """The names of what is made at once, one group after the other."""
    groups = waves(entries, kind.identity, lambda entry: list(kind.needs(entry)))
    return [[kind.identity(entry) for entry in group] for group in groups]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a/b/c", "a", "a/b"], [["a"], ["a/b"], ["a/b/c"]]),
        (["a/b"], [["a/b"]]),  # the one above is there, or is not
    ],
)
def test_pools_come_after_those_they_are_in(names: list[str], expected: list[list[str]]) -> None:
    assert in_order(KINDS["pools"], [{"poolid": name} for name in names]) == expected


def test_interfaces_come_after_what_they_stand_on() -> None:
    entries: list[Entry] = [
        {"iface": "vmbr1.5", "vlan_raw_device": None},
        {"iface": "vmbr1", "bridge_ports": ["bond0.100"]},
        {"iface": "bond0.100"},
        {"iface": "bond0", "slaves": ["eno2", "eno3"]},
        {"iface": "eno2"},
        {"iface": "ovs", "type": "OVSBridge", "ovs_ports": ["eno4"]},
        {"iface": "door", "type": "OVSIntPort", "ovs_bridge": "ovs"},
    ]
    found = in_order(KINDS["network"], [{"node": "father", **entry} for entry in entries])
    assert [[name.removeprefix("father/") for name in group] for group in found] == [
        ["eno2", "ovs"],
        ["bond0", "door"],
        ["bond0.100"],
        ["vmbr1"],
        ["vmbr1.5"],
    ]
    apart = [{"node": "father", **entries[1]}, {"node": "mother", **entries[2]}]
    assert len(in_order(KINDS["network"], apart)) == 1


def test_the_order_of_kinds_has_no_circle_and_no_unknown_name() -> None:
    layers = ordered(KINDS.values())
    assert sorted(kind.name for layer in layers for kind in layer) == sorted(KINDS)
    rank = {kind.name: index for index, layer in enumerate(layers) for kind in layer}
    for kind in KINDS.values():
        assert set(kind.after) <= set(KINDS), kind.name
        assert all(rank[name] < rank[kind.name] for name in kind.after)
    assert [kind.name for kind in layers[0]] == [FIRST]


def test_every_kind_is_exported() -> None:
    assert [kind.name for kind in KINDS.values() if kind.lister is None] == []


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("nodes", "subscription_max_age"),
        ("replication", "schedule_now"),
        ("notifications.endpoints", "test"),
        ("tokens", "renew"),
    ],
)
def test_a_document_says_what_is_there_and_not_what_is_done(kind: str, option: str) -> None:
    assert option not in KINDS[kind].resource.argument_spec()


# ------------------------------------------------------------------ listers

FIELDS = (
    Field("comment", DESCRIPTION),
    Field("enable", BOOLEAN, default=True),
    Field("nodes", set_of(",")),
    Field("server_password", wire="password", secret=True),
    Field("data", Codec(dict, dict, dict, ansible_type="dict"), secret=True, readable=True),
)


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        ({}, {}),
        ({"comment": "", "nodes": ""}, {}),
        ({"enable": 0, "nodes": "b,a", "digest": "x"}, {"enable": False, "nodes": ["a", "b"]}),
        ({"enable": 1}, {"enable": True}),
        ({"password": "x"}, {"server_password": "${secret:users.joe.server_password}"}),
        ({"data": {"KEY": "x"}}, {"data": {"KEY": "${secret:users.joe.data.KEY}"}}),
    ],
    ids=str,
)
def test_declared(have: dict[str, Any], expected: dict[str, Any]) -> None:
    assert declared(FIELDS, have, lambda option: secret("users", "joe", option)) == expected
    without = {name: value for name, value in expected.items() if name in ("comment", "enable", "nodes")}
    assert declared(FIELDS, have) == without


def test_an_answer_of_a_later_release_is_no_crash() -> None:
    with pytest.raises(ConfigError, match=r"answers as enable is not understood: 'maybe' is neither true nor false\."):
        declared(FIELDS, {"enable": "maybe"})


@given(st.dictionaries(st.sampled_from(["comment", "password"]), st.text(min_size=1)))
def test_no_secret_is_declared(have: dict[str, str]) -> None:
    found = declared(FIELDS, have, lambda option: f"${{secret:{option}}}")
    assert have.get("password") not in found.values() or have.get("password") == have.get("comment")
    assert found.get("comment") == (TEXT.decode(have.get("comment", "")).rstrip("\n") or None)


@dataclass
class Session:
    """What has a login."""

    login: str = "joe@pve!ci"


@dataclass
class Around:
    """A reader around another."""

    client: object


def test_who_is_logged_in_is_known_through_readers() -> None:
    assert login_of(Around(Around(Session()))) == "joe@pve!ci"
    assert login_of(Table()) == ""


def test_nodes() -> None:
    rows = [{"node": "son", "status": "offline"}, {"node": "father", "status": "online"}, {"node": "mother"}]
    assert nodes(Table({"/nodes": rows})) == [("father", True), ("mother", True), ("son", False)]
