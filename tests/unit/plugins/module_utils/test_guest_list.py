"""Lists of guests: what they share, which entries are the same guest, and what the options look like."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.guest_list import (
    combined,
    label,
    list_options,
    merged,
    refuse_twice,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("under", "over", "both"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"tags": ["x"]}, {"tags": ["y"]}, {"tags": ["y"]}),
        ({"tags": ["x"]}, {"tags": []}, {"tags": []}),
        (
            {"net": {"net0": {"bridge": "vmbr0", "tag": 1}}},
            {"net": {"net0": {"tag": 2}, "net1": {"bridge": "vmbr1"}}},
            {"net": {"net0": {"bridge": "vmbr0", "tag": 2}, "net1": {"bridge": "vmbr1"}}},
        ),
        ({"net": {"net0": {"tag": 1}}}, {"net": {"net0": "virtio"}}, {"net": {"net0": "virtio"}}),
        ({"net": {"net0": {"tag": 1}}}, {"net": {"net0": ""}}, {"net": {"net0": ""}}),
    ],
)
def test_options_are_put_together(under: dict[str, Any], over: dict[str, Any], both: dict[str, Any]) -> None:
    assert combined(under, over) == both


def test_a_guests_own_options_win() -> None:
    shared = {"cores": 2, "state": "started", "memory": None, "vmid_range": [200, 299]}
    defaults = {"state": "present", "purge": True}
    wish = merged(defaults, shared, {"name": "web", "cores": 4, "memory": None})
    assert (wish["cores"], wish["state"], wish["vmid_range"]) == (4, "started", [200, 299])
    assert wish["purge"] is True
    assert "memory" not in wish
    assert "vmid_range" not in merged(defaults, shared, {"vmid": 100})
    assert merged(defaults, shared, {"vmid": 100, "vmid_range": [1, 2]})["vmid_range"] == [1, 2]


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ({"vmid": 100, "name": "a"}, {"vmid": 100, "name": "b"}, "have the same vmid 100. List each guest once."),
        *[
            (
                {"name": "a", **scope},
                {"name": "a", **scope, **more},
                "have the same name. List each guest once, or give each its vmid, or another pool or vmid_range.",
            )
            for scope in ({}, {"pool": "p"}, {"vmid_range": [200, 299]})
            for more in ({}, {"vmid": 100})
        ],
    ],
)
def test_one_guest_in_two_entries_is_refused(one: dict[str, Any], other: dict[str, Any], problem: str) -> None:
    wishes = [{"name": "first"}, one, {"vmid": 7}, other]
    with pytest.raises(ConfigError) as caught:
        refuse_twice(wishes)
    assert str(caught.value) == f"Option 'guests': {label(wishes, 1)} and {label(wishes, 3)} {problem}"


@given(st.lists(st.sampled_from([None, 100, 101]), min_size=1, max_size=6), st.data())
def test_the_first_clash_is_found_wherever_it_is(vmids: list[int | None], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("ab"), min_size=len(vmids), max_size=len(vmids)))
    wishes = [{"vmid": vmid, "name": name} for vmid, name in zip(vmids, names, strict=True)]
    clashes = [
        (one, other)
        for one, other in combinations(wishes, 2)
        if (one["vmid"] and one["vmid"] == other["vmid"])
        or (one["name"] == other["name"] and not (one["vmid"] and other["vmid"]))
    ]
    if clashes:
        with pytest.raises(ConfigError):
            refuse_twice(wishes)
    else:
        refuse_twice(wishes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "a"}, {"name": "b"}),
        ({"vmid": 100}, {"vmid": 101}),
        ({"vmid": 100, "name": "a"}, {"vmid": 101, "name": "a"}),
        ({"name": "a", "pool": "p"}, {"name": "a", "pool": "q"}),
        ({"name": "a", "vmid_range": [100, 199]}, {"name": "a", "vmid_range": [200, 299]}),
        ({"vmid": 100}, {"name": "a"}),
    ],
)
def test_two_guests_are_not(one: dict[str, Any], other: dict[str, Any]) -> None:
    refuse_twice([one, other])


def test_the_options_keep_types_and_secrets_but_no_defaults() -> None:
    options = list_options(VM)
    guests, shared = options["guests"]["options"], options["defaults"]["options"]
    assert set(guests) - set(shared) == {"name", "vmid"}
    assert guests["cipassword"]["no_log"] is shared["cipassword"]["no_log"] is True
    assert guests["cores"]["type"] == "int"
    assert not [name for name, spec in {**guests, **shared}.items() if "default" in spec]
    assert options["guests"]["required_one_of"] == [["vmid", "name"]]
