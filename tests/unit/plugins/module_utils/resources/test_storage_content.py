"""Planning what is on a storage. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import LocalFile
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_content import (
    Stored,
    describe,
    plan,
    result,
)

from .reading import Table, row

WISH: dict[str, Any] = {"state": "present", "storage": "local", "force": False}
BASE = "/nodes/father/storage/local"
ISO = {"volid": "local:iso/d_e.iso", "content": "iso", "size": 3, "format": "iso"}
PLACE = {"storage": "local", "node": "father", "content": "iso,vztmpl,import,snippets,backup", "plugintype": "dir"}
URL = {"url": "https://x.invalid/a/d%20e.iso?v=1"}
ARCHIVE = "local:backup/vzdump-qemu-100-2026_01_31-02_30_00.vma.zst"


def table(rows: list[dict[str, Any]], *places: dict[str, Any], **answers: Any) -> Table:
    """A reader of one storage, on one node unless ``places`` say otherwise."""
    found = places or (PLACE,)
    return Table({"/cluster/resources": list(found), f"{BASE}/content": rows, **answers})


def steps(wish: dict[str, Any], have: Stored) -> list[tuple[str, str, dict[str, Any]]]:
    made = plan({**WISH, **wish}, have)
    return [(s.verb, s.path, {k: v for k, v in s.params.items() if v is not None}) for s in made.steps]


ABSENT = Stored("father", "local:iso/d_e.iso")
THERE = replace(ABSENT, row=ISO)
BACKUP = Stored("father", ARCHIVE, {"size": 3, "notes": "old", "protected": 0})
SNIPPET = Stored("father", "local:snippets/u", {"size": 3}, file="/srv/snippets/u", text="old")


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (URL, THERE, []),
        ({"state": "absent", "filename": "d_e.iso"}, ABSENT, []),
        (
            {"state": "absent", "filename": "d_e.iso"},
            THERE,
            [("DELETE", f"{BASE}/content/local%3Aiso%2Fd_e.iso", {})],
        ),
        (
            {**URL, "checksum": "md5:AB"},
            ABSENT,
            [
                (
                    "POST",
                    f"{BASE}/download-url",
                    {
                        "content": "iso",
                        "filename": "d_e.iso",
                        **URL,
                        "checksum": "ab",
                        "checksum-algorithm": "md5",
                    },
                )
            ],
        ),
        (
            {**URL, "verify_certificates": False, "compression": "gz"},
            ABSENT,
            [
                (
                    "POST",
                    f"{BASE}/download-url",
                    {"content": "iso", "filename": "d_e.iso", **URL, "verify-certificates": False, "compression": "gz"},
                )
            ],
        ),
        (
            {"template": "debian-13-standard"},
            Stored("father", "local:vztmpl/x", template="debian-13-standard_13.1-2_amd64.tar.zst"),
            [
                (
                    "POST",
                    "/nodes/father/aplinfo",
                    {"storage": "local", "template": "debian-13-standard_13.1-2_amd64.tar.zst"},
                )
            ],
        ),
        (
            {"reference": "docker.io/library/alpine:3.22"},
            Stored("father", "local:vztmpl/alpine_3.22.tar"),
            [("POST", f"{BASE}/oci-registry-pull", {"reference": "docker.io/library/alpine:3.22"})],
        ),
        (
            {"reference": "alpine:3.22", "filename": "small.tar"},
            Stored("father", "local:vztmpl/small.tar"),
            [("POST", f"{BASE}/oci-registry-pull", {"reference": "alpine:3.22", "filename": "small"})],
        ),
        (
            {"size": "1.5M", "vmid": 100, "filename": "vm-100-x", "format": "qcow2"},
            Stored("father", "local:100/vm-100-x.qcow2"),
            [
                (
                    "POST",
                    f"{BASE}/content",
                    {"filename": "vm-100-x.qcow2", "vmid": 100, "size": "1536", "format": "qcow2"},
                )
            ],
        ),
        ({"volid": ARCHIVE, "notes": "old\n", "protected": False}, BACKUP, []),
        (
            {"volid": ARCHIVE, "notes": "new", "protected": True},
            BACKUP,
            [
                (
                    "PUT",
                    f"{BASE}/content/local%3Abackup%2Fvzdump-qemu-100-2026_01_31-02_30_00.vma.zst",
                    {"notes": "new", "protected": 1},
                )
            ],
        ),
        (
            {"volid": ARCHIVE, "notes": ""},
            BACKUP,
            [("PUT", f"{BASE}/content/local%3Abackup%2Fvzdump-qemu-100-2026_01_31-02_30_00.vma.zst", {"notes": ""})],
        ),
        ({"content": "snippets", "text": "old"}, SNIPPET, []),
        ({"content": "snippets", "text": "new"}, SNIPPET, [("WRITE", "/srv/snippets/u", {"text": "new"})]),
        (
            {"content": "snippets", "text": ""},
            replace(SNIPPET, row=None, text=None),
            [("WRITE", "/srv/snippets/u", {"text": ""})],
        ),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: Stored, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_a_file_is_sent_where_its_size_differs(tmp_path: Path) -> None:
    source = tmp_path / "d e.iso"
    source.write_bytes(b"four")
    wish = {"src": str(source)}
    sent = [("POST", f"{BASE}/upload", {"content": "iso", "filename": LocalFile(str(source), "d_e.iso")})]
    assert steps(wish, ABSENT) == steps(wish, THERE) == sent
    source.write_bytes(b"iso")
    assert steps(wish, THERE) == []


def test_what_is_found() -> None:
    assert describe(table([ISO]), {**WISH, **URL}).row == ISO
    assert describe(table([ISO]), {**WISH, "filename": "other.iso"}).row is None
    assert describe(
        table([ISO]), {**WISH, "storage": None, "volid": "local:iso/d_e.iso", "state": "absent", "force": True}
    ).row


def test_two_requests_are_enough() -> None:
    reader = table([ISO])
    describe(reader, {**WISH, **URL})
    assert reader.asked == ["/cluster/resources", f"{BASE}/content"]


@pytest.mark.parametrize(
    ("places", "wish", "node"),
    [
        ([PLACE, {**PLACE, "node": "son"}], {"node": "father"}, "father"),
        ([{**PLACE, "node": "son", "shared": 1}, {**PLACE, "shared": 1}], {}, "father"),
        (
            [{**PLACE, "shared": 1, "status": "available"}, {**PLACE, "node": "a", "shared": 1, "status": "unknown"}],
            {},
            "father",
        ),
    ],
)
def test_the_node(places: list[dict[str, Any]], wish: dict[str, Any], node: str) -> None:
    assert describe(table([], *places), {**WISH, **URL, **wish}).node == node


@pytest.mark.parametrize(
    ("places", "wish", "message"),
    [
        ([], {}, "Storage 'local' does not exist, or the login may not see it."),
        (
            [PLACE],
            {"node": "son"},
            "Storage 'local' does not exist on node son, or the login may not see it. It is on father.",
        ),
        (
            [PLACE, {**PLACE, "node": "son"}],
            {},
            "Option 'node' is needed: storage 'local' is another one on each of the nodes father, son.",
        ),
        (
            [{**PLACE, "content": "isos"}],
            {},
            "Storage 'local' does not take iso: its content is isos. Add iso with the option content of the module "
            "storage, or use another storage.",
        ),
        (
            [{**PLACE, "content": "none"}],
            {},
            "Storage 'local' does not take iso: its content is none. Add iso with the option content of the module "
            "storage, or use another storage.",
        ),
    ],
)
def test_storages_that_do_not_do(places: list[dict[str, Any]], wish: dict[str, Any], message: str) -> None:
    reader = Table({"/cluster/resources": places})
    with pytest.raises((RefusedError, ConfigError)) as caught:
        describe(reader, {**WISH, **URL, **wish})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("plugintype", "rows", "wish", "volid"),
    [
        ("lvmthin", [], {}, "local:vm-100-x"),
        ("dir", [], {}, "local:100/vm-100-x.raw"),
        ("dir", [], {"format": "qcow2"}, "local:100/vm-100-x.qcow2"),
        ("dir", [{"volid": "local:100/vm-100-x.vmdk"}], {}, "local:100/vm-100-x.vmdk"),
        ("dir", [], {"filename": "vm-100-x.qcow2"}, "local:100/vm-100-x.qcow2"),
    ],
)
def test_names_of_volumes(plugintype: str, rows: list[dict[str, Any]], wish: dict[str, Any], volid: str) -> None:
    place = {**PLACE, "plugintype": plugintype, "content": "images"}
    wished = {**WISH, "size": "1G", "vmid": 100, "filename": "vm-100-x", **wish}
    found = describe(table(rows, place), wished)
    assert (found.volid, bool(found.row)) == (volid, bool(rows))


def test_the_newest_template_that_is_there_will_do() -> None:
    rows = [{"volid": f"local:vztmpl/debian-13-standard_13.{number}-1_amd64.tar.zst"} for number in (1, 0)]
    found = describe(table(rows), {**WISH, "template": "debian-13-standard"})
    assert found.row == rows[0]


def test_a_template_of_the_index() -> None:
    index = [{"template": f"debian-13-standard_13.{number}-1_amd64.tar.zst"} for number in (1, 0)]
    reader = table([], **{"/nodes/father/aplinfo": index})
    found = describe(reader, {**WISH, "template": "debian-13-standard"})
    assert (found.template, found.volid) == (index[0]["template"], f"local:vztmpl/{index[0]['template']}")
    with pytest.raises(RefusedError, match=r"^Template 'windows' is not in the index of node father, which has 2 "):
        describe(reader, {**WISH, "template": "windows"})


def test_attributes_are_read_from_the_volume_itself() -> None:
    path = f"{BASE}/content/local%3Abackup%2Fvzdump-qemu-100-2026_01_31-02_30_00.vma.zst"
    wish = {**WISH, "storage": None, "volid": ARCHIVE, "notes": "x"}
    reader = table([], **{path: {"size": 3}})
    assert describe(reader, wish).row == {"size": 3}
    assert reader.asked == ["/cluster/resources", path]
    with pytest.raises(ConfigError, match="is not there, and can't be made from its name"):
        plan(wish, describe(table([]), wish))
    with pytest.raises(PveError):
        describe(table([{"volid": ARCHIVE}]), wish)


def test_only_backups_have_attributes() -> None:
    with pytest.raises(ConfigError, match=r"^Options 'notes' and 'protected' are for backups, and local"):
        plan({**WISH, "volid": "local:iso/d_e.iso", "notes": "x"}, THERE)


def test_what_guests_use_stays() -> None:
    guests = {"/cluster/resources": [{**PLACE, **row(100, "web")}]}
    config = {"/nodes/father/qemu/100/config": {"ide2": "local:iso/d_e.iso,media=cdrom"}}
    reader = table([ISO], **guests, **config)
    wish = {**WISH, "filename": "d_e.iso", "state": "absent"}
    found = describe(reader, wish)
    assert found.users == ("100 (web): ide2",)
    with pytest.raises(RefusedError) as caught:
        plan(wish, found)
    assert str(caught.value) == (
        "Cannot remove local:iso/d_e.iso on father: guests use it: 100 (web): ide2. Take it from them first, or set "
        "force: true."
    )
    assert describe(reader, {**wish, "force": True}).users == ()


def test_what_is_protected_stays() -> None:
    with pytest.raises(RefusedError, match=r"it is protected\. Set protected: false first\.$"):
        plan({**WISH, "state": "absent"}, replace(BACKUP, row={"size": 3, "protected": 1}))


class OnTheNode(Table):
    """A reader that comes to the node's own files, too."""

    def node_file(self, path: str) -> str | None:
        """The one that is there."""
        return {"/srv/one/user-data/u.yaml": "text"}.get(path)


SNIPPETS: dict[str, Any] = {
    "/cluster/resources": [PLACE],
    f"{BASE}/content": [{"volid": "local:snippets/u.yaml", "size": 4}],
    "/cluster/status": [{"name": "lab"}, {"name": "father", "local": 1}],
    "/storage/local": {"path": "/srv/one", "content-dirs": "iso=a,snippets=user-data"},
}
SNIPPET_WISH = {**WISH, "content": "snippets", "filename": "u.yaml", "text": "x"}


def test_a_snippet_is_looked_at_on_the_node() -> None:
    found = describe(OnTheNode(SNIPPETS), SNIPPET_WISH)
    assert (found.file, found.text) == ("/srv/one/user-data/u.yaml", "text")
    other = describe(OnTheNode({**SNIPPETS, "/storage/local": {"path": "/srv/two"}}), SNIPPET_WISH)
    assert (other.file, other.text) == ("/srv/two/snippets/u.yaml", None)


def test_snippets_of_another_node() -> None:
    elsewhere = {**SNIPPETS, "/cluster/status": [{"name": "son", "local": 1}]}
    with pytest.raises(RefusedError) as caught:
        describe(OnTheNode(elsewhere), SNIPPET_WISH)
    assert str(caught.value) == (
        "Snippets are written by SSH to the host of the connection, which is node son. Use a host that is node father, "
        "or a shared storage."
    )
    shared = {**elsewhere, "/storage/local": {"path": "/srv/one", "shared": 1}}
    assert describe(OnTheNode(shared), SNIPPET_WISH).file


def test_the_api_alone_does_not_do_for_snippets() -> None:
    with pytest.raises(ConfigError, match="Use transport: ssh"):
        describe(Table(SNIPPETS), SNIPPET_WISH)


def test_the_result() -> None:
    assert result(replace(BACKUP, row={"size": 3, "format": "vma.zst", "vmid": 100, "notes": "", "protected": 0})) == {
        "volid": ARCHIVE, "node": "father", "size": 3, "format": "vma.zst", "vmid": 100, "protected": False,
    }  # fmt: skip
    assert result(ABSENT) == {"volid": "local:iso/d_e.iso", "node": "father"}
