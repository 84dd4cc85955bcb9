"""The shipped state documents against the lab's API: planned, applied, and then there is nothing left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Modules, Result

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "state"
ALONE = ("small-server.yml", "web-and-database.yml")
CLUSTERED = ("cluster.yml",)
ELSEWHERE = {
    "web-base.yml": "included by web-and-database.yml",
    "disaster-recovery.yml": "lost and rebuilt by the scenario dr-roundtrip: tests/integration/test_dr.py",
    "seed.json": "names hosts of its own: tests/module/test_state_seed.py",
}


def given(name: str) -> dict[str, Any]:
    """The options with which an example is applied."""
    return {"files": [str(EXAMPLES / name)]}


def acted(result: Result) -> set[tuple[str, str, str]]:
    """What a result does: kind, id and action of all that is not left alone."""
    return {(row["kind"], row["id"], row["action"]) for row in result["actions"] if row["action"] != "no-op"}


def converged(modules: Modules, **options: Any) -> Result:
    """Plan, apply, and plan again: the first two agree, the last is empty. What was applied."""
    planned = modules.ok("state", check=True, **options)
    assert modules.lab.writes() == []
    applied = modules.ok("state", **options)
    assert acted(planned) == acted(applied)
    assert {row["status"] for row in applied["actions"]} <= {"done", "skipped", "planned"}
    for check in (True, False):
        again = modules.ok("state", check=check, **options)
        assert (acted(again), again["changed"], modules.lab.writes()) == (set(), False, [])
    return applied


@pytest.mark.parametrize("name", ALONE)
def test_of_a_node(modules: Modules, name: str) -> None:
    created = {kind for kind, _id, action in acted(converged(modules, **given(name))) if action == "create"}
    assert {"storage", "pools", "vms", "backups"} <= created


@pytest.mark.parametrize("name", CLUSTERED)
def test_of_a_cluster(cluster: Modules, name: str) -> None:
    applied = converged(cluster, **given(name))
    assert {("vms", "330", "create"), ("vms", "331", "create")} <= acted(applied)
    guests = {row["vmid"]: row["node"] for row in cluster.ok("vm_info", vmid=[330, 331])["vms"]}
    assert guests == {330: "father", 331: "mother"}


def test_the_document_above_holds(modules: Modules) -> None:
    modules.ok("state", **given("web-and-database.yml"))
    config = modules.ok("vm_info", vmid=[321], gather=["config"])["vms"][0]["config"]
    assert (int(config["memory"]), config["cores"], config["protection"]) == (8192, 4, 1)


def test_every_example_is_tried() -> None:
    names = {path.name for path in EXAMPLES.iterdir()}
    assert names - set(ELSEWHERE) == {*ALONE, *CLUSTERED}
