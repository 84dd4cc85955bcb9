"""Module storage_info against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({}, ["local", "local-lvm"]),
        ({"storage": "local"}, ["local"]),
        ({"storage": "nope"}, []),
        ({"type": "lvmthin"}, ["local-lvm"]),
        ({"content": "snippets"}, ["local"]),
        ({"content": "images", "type": "dir"}, []),
    ],
    ids=str,
)
def test_criteria(modules: Modules, criteria: dict[str, str], names: list[str]) -> None:
    assert [row["storage"] for row in modules.unchanged("storage_info", **criteria)["storages"]] == names


def test_what_is_told_about_a_storage(modules: Modules) -> None:
    (found,) = modules.ok("storage_info", storage="local")["storages"]
    assert found["content"] == ["backup", "import", "iso", "snippets", "vztmpl"]
    assert (found["type"], found["path"]) == ("dir", "/var/lib/vz")


def test_the_space_on_a_node(modules: Modules) -> None:
    (found,) = modules.ok("storage_info", content="rootdir", node="father")["storages"]
    assert (found["storage"], found["avail"] + found["used"]) == ("local-lvm", found["total"])
    assert found["avail"] > 0


def test_least_privileges(modules: Modules) -> None:
    for privilege in ("Datastore.Audit", "Datastore.AllocateSpace"):
        found = modules.limited({"/storage/local": [privilege]}).ok("storage_info")["storages"]
        assert [row["storage"] for row in found] == ["local"]
    assert modules.limited({"/storage": ["Datastore.AllocateTemplate"]}).ok("storage_info")["storages"] == []
