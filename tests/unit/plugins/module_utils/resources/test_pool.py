"""Planning a pool and its members, and listing pools. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import advised
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import (
    ADVICE,
    Found,
    describe,
    info,
    members,
    plan,
)

from .reading import Table, row

VM = {"type": "qemu", "vmid": 100, "node": "father", "id": "qemu/100"}
CT = {"type": "lxc", "vmid": 200, "node": "father", "id": "lxc/200"}
STORE = {"type": "storage", "storage": "local", "node": "father", "id": "storage/father/local"}
DEV = {"poolid": "dev", "comment": "old", "members": [CT, VM, STORE]}
EMPTY = {"poolid": "dev", "members": []}


def steps(wish: dict[str, Any], found: Found) -> list[tuple[str, dict[str, Any]]]:
    made = plan({"state": "present", "poolid": "dev", **wish}, found)
    assert all(step.path == "/pools" and step.params["poolid"] == "dev" for step in made.steps)
    return [(step.verb, {k: v for k, v in step.params.items() if k != "poolid"}) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "found", "expected"),
    [
        ({}, Found(None), [("POST", {})]),
        ({"comment": "x"}, Found(None), [("POST", {"comment": "x"})]),
        (
            {"comment": "x", "vms": [200, 100], "storage": ["local"]},
            Found(None),
            [("POST", {"comment": "x"}), ("PUT", {"vms": "100,200", "storage": "local"})],
        ),
        ({}, Found(DEV), []),
        ({"vms": [200, 100, 100], "storage": ["local"], "comment": "old"}, Found(DEV), []),
        ({"comment": ""}, Found(DEV), [("PUT", {"comment": ""})]),
        ({"comment": ""}, Found(EMPTY), []),
        ({"vms": []}, Found(EMPTY), []),
        ({"vms": []}, Found(DEV), [("PUT", {"vms": "100,200", "delete": True})]),
        (
            {"vms": [100, 300], "storage": ["nas"], "comment": "new"},
            Found(DEV),
            [
                ("PUT", {"comment": "new", "vms": "300", "storage": "nas"}),
                ("PUT", {"vms": "200", "storage": "local", "delete": True}),
            ],
        ),
        (
            {"vms": [300], "allow_move": True},
            Found(EMPTY, homes={300: "other"}),
            [("PUT", {"vms": "300", "allow-move": True})],
        ),
        ({"vms": [300], "allow_move": True}, Found(EMPTY), [("PUT", {"vms": "300"})]),
        ({"state": "absent"}, Found(None), []),
        ({"state": "absent"}, Found(EMPTY), [("DELETE", {})]),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], found: Found, expected: list[Any]) -> None:
    assert steps(wish, found) == expected


@pytest.mark.parametrize(
    ("wish", "found", "message"),
    [
        (
            {"state": "absent"},
            Found(DEV, nested=("dev/web",)),
            "Cannot remove pool dev: it has members: VM 100, VM 200, storage local, pool dev/web. Take guests and "
            "storages out first (vms: [] and storage: []), and remove the pools in it.",
        ),
        (
            {"vms": [100, 300]},
            Found(DEV, homes={300: "other"}),
            "Cannot add guests to pool dev that are in another pool: VM 300 in pool other. A guest is in one pool "
            "only. Set allow_move to take them out of the other.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], found: Found, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        steps(wish, found)
    assert str(caught.value) == message


def table(pool: Any, **more: Any) -> Table:
    resources = [row(100), row(300, pool="other")]
    known = {"/pools": pool, "/cluster/resources": resources, "/storage": [{"storage": "local"}]}
    return Table({**known, **more})


def wish(**more: Any) -> dict[str, Any]:
    return {"state": "present", "poolid": "dev", **more}


def test_only_what_the_wish_needs_is_read() -> None:
    reader = table([DEV])
    assert describe(reader, wish(vms=[100, 200], storage=["local"])) == Found(DEV)
    assert reader.asked == ["/pools"]
    reader = table([EMPTY])
    assert describe(reader, wish(vms=[100, 300], storage=["local"])) == Found(EMPTY, homes={300: "other"})
    assert reader.asked == ["/pools", "/storage", "/cluster/resources"]


def test_only_proxmox_saying_so_is_absent() -> None:
    assert describe(table(PveError("GET", "/pools", 500, "pool 'dev' does not exist")), wish()) == Found(None)
    with pytest.raises(PveError):
        describe(table(PveError("GET", "/pools", 500, "no quorum")), wish())


@pytest.mark.parametrize("poolid", ["bad pool", "a//b", "/a", "a/b/c/d", "ü"])
def test_ids_that_cannot_be(poolid: str) -> None:
    with pytest.raises(ConfigError, match="is not the id of a pool"):
        describe(table([]), wish(poolid=poolid))


def test_members() -> None:
    assert members(DEV) == {"poolid": "dev", "comment": "old", "vms": [100, 200], "storage": ["local"]}


OLD = PveError(
    "GET",
    "/pools",
    400,
    "Parameter verification failed.",
    errors={"poolid": "property is not defined in schema and the schema does not allow additional properties"},
)
BY_PVESH = PveError("GET", "/pools", 400, "unable to parse option", errors={"poolid": "unknown option"})


@pytest.mark.parametrize("refusal", [OLD, BY_PVESH], ids=["API", "pvesh"])
def test_before_8_1_each_pool_is_at_a_path_of_its_own(refusal: PveError) -> None:
    by_path = {name: value for name, value in DEV.items() if name != "poolid"}
    old = table(refusal, **{"/pools/dev": by_path})
    found = describe(old, wish())
    assert found == Found(DEV, path="/pools/dev")
    made = plan(wish(comment="new", vms=[100, 300], storage=[]), found)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == [
        ("PUT", "/pools/dev", {"comment": "new", "vms": "300"}),
        ("PUT", "/pools/dev", {"vms": "200", "storage": "local", "delete": True}),
    ]
    made = plan(wish(state="absent"), Found(EMPTY, path="/pools/dev"))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == [("DELETE", "/pools/dev", {})]
    none = table(refusal, **{"/pools/dev": PveError("GET", "/pools/dev", 500, "pool 'dev' does not exist")})
    assert describe(none, wish()) == Found(None, path="/pools/dev")
    made = plan(wish(storage=["local"]), Found(None, path="/pools/dev"))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == [
        ("POST", "/pools", {"poolid": "dev"}),
        ("PUT", "/pools/dev", {"storage": "local"}),
    ]
    with pytest.raises(PveError, match="nothing at /pools/dev"):
        describe(table(refusal), wish())


def test_before_8_1_there_are_no_pools_in_pools() -> None:
    with pytest.raises(RefusedError) as caught:
        describe(table(OLD), wish(poolid="dev/web"))
    assert str(caught.value) == (
        "Cannot look for pool dev/web: this release of Proxmox VE has no pools in pools; they came with 8.1."
    )


@pytest.mark.parametrize("said", [*OLD.errors.values(), *BY_PVESH.errors.values()])
def test_a_release_that_moves_no_guests_is_explained(said: str) -> None:
    error = PveError("PUT", "/pools/dev", 400, "Parameter verification failed.", errors={"allow-move": said})
    assert advised(ADVICE, str(error)).startswith("This release of Proxmox VE moves no guest")
    assert advised(ADVICE, str(OLD)) == ""


def test_listing() -> None:
    assert info(table([DEV]), {}) == {"changed": False, "pools": [members(DEV)]}
    assert info(table([DEV]), {"poolid": "nope"})["pools"] == []
