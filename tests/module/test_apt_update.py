"""Module apt_update against the lab's API."""

from __future__ import annotations

from typing import Any

from .conftest import Modules, denied

F: dict[str, Any] = {"node": "father"}


def test_a_young_index_is_not_fetched_again(modules: Modules) -> None:
    made = modules.converge("apt_update", **F, cache_valid_time=3600, quiet=True)
    assert made["plan"] == ["fetch the package index of node father"]
    assert made["last_update"] > 0
    assert len(modules.lab.requests()) == 2


def test_it_is_fetched_each_time_by_default(modules: Modules) -> None:
    for _ in range(2):
        assert modules.ok("apt_update", **F)["changed"]
    assert modules.ok("apt_update", **F, check=True)["changed"]
    assert modules.lab.writes() == []


def test_what_cannot_be(modules: Modules) -> None:
    assert modules.message("apt_update", **F, cache_valid_time=-1) == "Option 'cache_valid_time': -1 is not 0 or more"


def test_least_privileges(modules: Modules) -> None:
    needed = {"/nodes/father": ["Sys.Modify"]}
    assert modules.refusals(needed, "apt_update", **F) == {
        "Sys.Modify on /nodes/father": (
            "Cannot fetch the package index of node father: POST /nodes/father/apt/update: "
            + denied("Sys.Modify", "/nodes/father")
        )
    }
    modules.limited(needed).ok("apt_update", **F)
    both = {"/nodes/father": ["Sys.Modify", "Sys.Audit"]}
    modules.limited(both).unchanged("apt_update", **F, cache_valid_time=3600)
    modules.limited({"/nodes/father": ["Sys.Audit"]}).unchanged("apt_update", **F, cache_valid_time=3600)
