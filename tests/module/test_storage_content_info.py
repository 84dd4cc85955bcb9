"""Module storage_content_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

ARCHIVE = "vzdump-lxc-200-2026_01_31-02_30_00.tar.zst"


@pytest.fixture
def filled(modules: Modules) -> Modules:
    """Storages with something of each kind."""
    for name in ("iso/a.iso", "import/b.qcow2", f"backup/{ARCHIVE}", "snippets/user.yaml"):
        path = modules.lab.api.file_path("local", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"four")
    modules.ok("storage_content", volid=f"local:backup/{ARCHIVE}", notes="kept", protected=True)
    modules.container(200)
    return modules


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({"storage": "local", "content": "iso"}, ["a.iso"]),
        ({"content": "import"}, ["b.qcow2"]),
        ({"content": "snippets", "node": "father"}, ["user.yaml"]),
        ({"storage": "local-lvm", "vmid": 200}, ["vm-200-disk-0"]),
        ({"storage": "local", "vmid": 200}, [ARCHIVE]),
        ({"storage": "local-lvm", "content": "iso"}, []),
        ({"storage": "nope"}, []),
        ({"node": "nope"}, []),
    ],
    ids=str,
)
def test_criteria(filled: Modules, criteria: dict[str, Any], names: list[str]) -> None:
    assert [row["filename"] for row in filled.unchanged("storage_content_info", **criteria)["volumes"]] == names
    assert len(filled.lab.requests()) <= 2


def test_what_is_told(filled: Modules) -> None:
    (found,) = filled.ok("storage_content_info", storage="local", content="backup")["volumes"]
    created = found.pop("ctime")
    assert created > 0
    assert found == {
        "volid": f"local:backup/{ARCHIVE}", "storage": "local", "node": "father", "content": "backup",
        "filename": ARCHIVE, "format": "tar.zst", "size": 4, "vmid": 200, "notes": "kept", "protected": True,
    }  # fmt: skip
    again = {name: found[name] for name in ("storage", "node", "content", "filename", "notes", "protected")}
    filled.unchanged("storage_content", **again)


def test_a_storage_that_does_not_answer(filled: Modules) -> None:
    filled.lab.api.storages["local"]["active"] = 0
    found = filled.ok("storage_content_info")
    assert {row["storage"] for row in found["volumes"]} == {"local-lvm"}
    assert found["warnings"] == [
        "Storage local on node father could not be listed: storage 'local' is not online."
    ]  # fmt: skip
    assert filled.message("storage_content_info", storage="local") == (
        "GET /nodes/father/storage/local/content: 500 storage 'local' is not online."
    )


def test_a_storage_of_each_node(cluster: Modules) -> None:
    cluster.ok("storage_content", storage="local", node="mother", template="debian-13-standard")
    (found,) = cluster.ok("storage_content_info", storage="local", content="vztmpl")["volumes"]
    assert (found["node"], found["content"]) == ("mother", "vztmpl")
    assert cluster.message("storage_content", storage="local", template="debian-13-standard") == (
        "Option 'node' is needed: storage 'local' is another one on each of the nodes father, mother, son."
    )


def test_least_privileges(filled: Modules) -> None:
    def seen(**privileges: list[str]) -> set[str]:
        paths = {"storage": "/storage/local", "guest": "/vms/200"}
        limited = filled.limited({paths[name]: names for name, names in privileges.items()})
        return {row["filename"] for row in limited.ok("storage_content_info", storage="local")["volumes"]}

    assert seen(storage=["Datastore.AllocateSpace"]) == set()
    assert seen(storage=["Datastore.Audit"]) == {"a.iso", "b.qcow2", *TEMPLATE}
    archives = {"storage": ["Datastore.Audit", "Datastore.AllocateSpace"], "guest": ["VM.Backup"]}
    assert seen(**archives) == {"a.iso", "b.qcow2", ARCHIVE, *TEMPLATE}
    assert "user.yaml" in seen(storage=["Datastore.Audit", "Datastore.Allocate"])


TEMPLATE = {"debian-13-standard_13.1-2_amd64.tar.zst"}
