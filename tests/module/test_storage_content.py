"""Module storage_content against the lab's API, with a web server of the test's own."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api_upload import PIECE

from lab.commands.client import SOCKET_VARIABLE

from .conftest import UNNAMED, Modules, denied
from .ssh_door import opened

CONTENT = b"an image"
SUM = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line on stderr for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """URL of a server that has debian.qcow2."""
    (tmp_path / "debian.qcow2").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("checksum", [None, SUM, f"sha256:{SUM}", f"sha256:{SUM.upper()}"])
def test_twelve_steps(modules: Modules, mirror: str, checksum: str | None) -> None:
    wish: dict[str, Any] = {"storage": "local", "content": "import", "url": f"{mirror}/debian.qcow2"}
    wish["checksum"] = checksum
    made = modules.converge("storage_content", **wish)
    assert (made["volid"], made["node"], made["size"]) == ("local:import/debian.qcow2", "father", len(CONTENT))
    gone = modules.converge("storage_content", **{**wish, "url": None}, filename="debian.qcow2", state="absent")
    assert gone["plan"] == ["remove local:import/debian.qcow2 on father"]


@pytest.mark.parametrize(
    ("file", "checksum", "said"),
    [("nope.qcow2", None, "404"), ("debian.qcow2", "0" * 64, "checksum")],
    ids=["missing", "wrong checksum"],
)
def test_a_download_that_fails(modules: Modules, mirror: str, file: str, checksum: str | None, said: str) -> None:
    wish: dict[str, Any] = {"storage": "local", "content": "import", "url": f"{mirror}/{file}", "checksum": checksum}
    result = modules.run("storage_content", **wish)
    start = f"Cannot download {mirror}/{file} to local:import/{file} on father: The task failed: "
    assert result["msg"].startswith(start)
    assert said in result["msg"].removeprefix(start)
    assert result["error"]["kind"] == "TaskFailedError"
    modules.unchanged("storage_content", storage="local", content="import", filename=file, state="absent")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"storage": "nope", "url": "http://192.0.2.1/x.iso"},
            "Storage 'nope' does not exist, or the login may not see it.",
        ),
        (
            {"storage": "local-lvm", "url": "http://192.0.2.1/x.iso"},
            "Storage 'local-lvm' does not take iso: its content is images, rootdir. "
            "Add iso with the option content of the module storage, or use another storage.",
        ),
        (
            {"storage": "local", "node": "mother", "url": "http://192.0.2.1/x.iso"},
            "Storage 'local' does not exist on node mother, or the login may not see it. It is on father.",
        ),
        (
            {"storage": "local", "filename": "x.iso"},
            "One of the options url, src is needed: local:iso/x.iso is not there yet.",
        ),
        (
            {"storage": "local", "url": "http://192.0.2.1/x.qcow2"},
            "Option 'filename': 'x.qcow2' has no extension of iso, which are .iso or .img.",
        ),
        (
            {"storage": "local", "src": "/nowhere/x.iso"},
            "Option 'src': /nowhere/x.iso is not a file of the machine the module runs on.",
        ),
        (
            {"storage": "local", "template": "windows"},
            "Template 'windows' is not in the index of node father, which has 5 templates. Check the name with 'pveam "
            "available' on the node; 'pveam update' renews the index.",
        ),
        (
            {"storage": "local", "template": "debian-13-standard", "content": "iso"},
            "Option 'template' is for the content vztmpl, not iso.",
        ),
        (
            {"storage": "local", "url": "http://192.0.2.1/x.qcow2.gz", "content": "import", "compression": "gz"},
            "Option 'compression' is for the content iso, not import: Proxmox VE unpacks no other.",
        ),
        (
            {"storage": "local-lvm", "size": "1G", "filename": "vm-100-disk-0"},
            "Option 'vmid' is needed: a volume belongs to a guest.",
        ),
        (
            {"storage": "local-lvm", "size": "much", "vmid": 100, "filename": "vm-100-disk-0"},
            "Option 'size': 'much' is not a size such as 512M or 32G",
        ),
        (
            {"storage": "local", "filename": "x.iso", "notes": "x"},
            "Option 'notes' is for the content backup, not iso: nothing else has it.",
        ),
        (
            {"volid": "local:backup/vzdump-qemu-100-2026_01_31-02_30_00.vma.zst", "notes": "x"},
            "local:backup/vzdump-qemu-100-2026_01_31-02_30_00.vma.zst is not there, and can't be made from its name. "
            "Check it with the module storage_content_info.",
        ),
        (
            {"storage": "local", "content": "snippets", "filename": "user.yaml", "text": "#cloud-config"},
            "Proxmox VE's API takes no such file, so it is written by SSH. Use transport: ssh, or transport: local on "
            "the node itself.",
        ),
        (
            {"storage": "local", "url": "http://192.0.2.1/"},
            "Option 'filename' is needed: it can't be taken from the URL.",
        ),
        (
            {"storage": "local", "url": "http://192.0.2.1/x.iso", "checksum": "crc:1"},
            "Option 'checksum': 'crc:1' is none of md5, sha1, sha224, sha256, sha384, sha512.",
        ),
        ({"storage": "local"}, "Option 'filename' is needed: it can't be taken from the rest."),
        ({}, "one of the following is required: storage, volid"),
        (
            {"storage": "local", "url": "http://192.0.2.1/x.iso", "src": "/x.iso"},
            "parameters are mutually exclusive: url|src|text|template|reference|size",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_wrong_input(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("storage_content", **wish) == message


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file to send, larger than what is held of it at once."""
    path = tmp_path / "rescue.iso"
    path.write_bytes(b"\0" * PIECE * 2 + b"end\r\n")
    return path


def test_a_file_is_sent(modules: Modules, image: Path) -> None:
    wish: dict[str, Any] = {"storage": "local", "src": str(image)}
    made = modules.converge("storage_content", **wish)
    assert (made["volid"], made["size"]) == ("local:iso/rescue.iso", image.stat().st_size)
    assert len(modules.lab.requests()) == 2
    there = modules.lab.api.file_path("local", "iso/rescue.iso")
    assert there.read_bytes() == image.read_bytes()
    image.write_bytes(b"shorter")
    assert modules.converge("storage_content", **wish)["diff"] == {
        "before": {"size": PIECE * 2 + 5}, "after": {"size": 7},
    }  # fmt: skip
    assert there.read_bytes() == b"shorter"
    modules.converge("storage_content", volid="local:iso/rescue.iso", state="absent")


def test_another_file_than_the_checksum_says_is_not_sent(modules: Modules, image: Path) -> None:
    image.write_bytes(CONTENT)
    wish: dict[str, Any] = {"storage": "local", "src": str(image), "checksum": "0" * 64}
    result = modules.run("storage_content", **wish)
    assert result["msg"] == (
        f"Cannot upload {image} to local:iso/rescue.iso on father: {image} has the sha256 checksum {SUM}, and not "
        f"{'0' * 64}. It was not sent."
    )
    assert modules.lab.writes() == []


def test_a_file_that_does_not_arrive(modules: Modules, image: Path) -> None:
    modules.lab.api.storages["local"]["active"] = 0
    result = modules.run("storage_content", storage="local", src=str(image))
    assert "storage 'local' is not online" in result["msg"]


def test_a_template_of_the_index(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "local", "template": "debian-12-standard"}
    made = modules.converge("storage_content", **wish)
    assert made["volid"] == "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
    assert len(modules.lab.requests()) == 2
    older: dict[str, Any] = {"storage": "local", "template": "debian-12-standard_12.7-1_amd64.tar.zst"}
    assert modules.converge("storage_content", **older)["plan"] == [
        "fetch template debian-12-standard_12.7-1_amd64.tar.zst to local"
    ]
    modules.converge("storage_content", **older, state="absent")
    assert modules.message("storage_content", **wish, state="absent") == (
        "Option 'template': give the whole name of what is to be removed, and not only 'debian-12-standard'."
    )


@pytest.mark.parametrize("filename", [None, "alpine_3.22", "alpine_3.22.tar"])
def test_an_image_of_a_registry(modules: Modules, filename: str | None) -> None:
    wish: dict[str, Any] = {"storage": "local", "reference": "docker.io/library/alpine:3.22", "filename": filename}
    assert modules.converge("storage_content", **wish)["volid"] == "local:vztmpl/alpine_3.22.tar"
    modules.converge("storage_content", **wish, state="absent")


def test_an_image_that_is_not_there(modules: Modules) -> None:
    result = modules.run("storage_content", storage="local", reference="docker.io/library/none:1")
    assert result["msg"].startswith(
        "Cannot pull docker.io/library/none:1 to local:vztmpl/none_1.tar on father: The task failed: "
    )


@pytest.mark.parametrize(
    ("storage", "volid"), [("local-lvm", "local-lvm:vm-100-data"), ("disks", "disks:100/vm-100-data.qcow2")]
)
def test_a_volume(modules: Modules, storage: str, volid: str) -> None:
    modules.ok("storage", storage="disks", type="dir", path="/srv/disks", content=["images"])
    wish: dict[str, Any] = {"storage": storage, "vmid": 100, "filename": "vm-100-data", "size": "1G"}
    made = modules.converge("storage_content", **wish, **({"format": "qcow2"} if storage == "disks" else {}))
    assert (made["volid"], made["size"], made["vmid"]) == (volid, 2**30, 100)
    modules.unchanged("storage_content", **{**wish, "size": "512M"})
    assert modules.message("storage_content", **{**wish, "size": "2G"}) == (
        f"Cannot grow {volid} from 1073741824 to 2147483648 bytes: Proxmox VE only resizes the disks of a guest. Use "
        "the module vm or container, or remove the volume first."
    )
    modules.converge("storage_content", volid=volid, state="absent")


def test_what_guests_use(modules: Modules) -> None:
    modules.container(200)
    (volume,) = modules.ok("storage_content_info", storage="local-lvm", vmid=200)["volumes"]
    assert modules.message("storage_content", volid=volume["volid"], state="absent") == (
        f"Cannot remove {volume['volid']} on father: guests use it: 200 (ct): rootfs. Take it from them first, or set "
        "force: true."
    )
    iso = modules.lab.api.file_path("local", "iso/cd.iso")
    iso.parent.mkdir(parents=True, exist_ok=True)
    iso.write_bytes(CONTENT)
    modules.ok("vm", name="web", vmid=300, disks={"ide2": {"file": "local:iso/cd.iso", "media": "cdrom"}})
    assert modules.message("storage_content", volid="local:iso/cd.iso", state="absent") == (
        "Cannot remove local:iso/cd.iso on father: guests use it: 300 (web): ide2. Take it from them first, or set "
        "force: true."
    )
    modules.converge("storage_content", volid="local:iso/cd.iso", state="absent", force=True)


def archive(modules: Modules) -> str:
    """A backup of a guest, by its volume id."""
    path = modules.lab.api.file_path("local", f"backup/{ARCHIVE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return f"local:backup/{ARCHIVE}"


ARCHIVE = "vzdump-lxc-200-2026_01_31-02_30_00.tar.zst"


def test_notes_and_protection(modules: Modules) -> None:
    volid = archive(modules)
    made = modules.converge("storage_content", volid=volid, notes="before\nthe upgrade", protected=True)
    assert (made["notes"], made["protected"]) == ("before\nthe upgrade", True)
    assert len(modules.lab.requests()) == 2
    assert modules.message("storage_content", volid=volid, state="absent") == (
        f"Cannot remove {volid} on father: it is protected. Set protected: false first."
    )
    named: dict[str, Any] = {"storage": "local", "content": "backup", "filename": ARCHIVE}
    changed = modules.converge("storage_content", **named, notes="", protected=False)
    assert ("notes" in changed, changed["protected"]) == (False, False)
    modules.converge("storage_content", **named, state="absent")


@pytest.fixture
def on_the_node(modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    """The modules on the node itself, with a storage `extra` whose folder is there."""
    kept = modules.lab.api.files_root / str(tmp_path).lstrip("/") / "extra"
    kept.mkdir(parents=True)
    (tmp_path / "extra").symlink_to(kept)
    modules.ok("storage", storage="extra", type="dir", path=str(tmp_path / "extra"), content=["snippets"])
    with opened(modules.lab, tmp_path) as place:
        monkeypatch.setenv("PATH", f"{place.commands}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        monkeypatch.setenv(SOCKET_VARIABLE, str(tmp_path / "node.sock"))
        monkeypatch.setenv("PVE_TRANSPORT", "local")
        yield replace(modules, connected=False)


def test_a_snippet(on_the_node: Modules, tmp_path: Path) -> None:
    wish: dict[str, Any] = {"storage": "extra", "content": "snippets", "filename": "user.yaml"}
    made = on_the_node.converge("storage_content", **wish, text="#cloud-config\npassword: s3cret\n")
    assert (made["volid"], made["plan"]) == (
        "extra:snippets/user.yaml", ["write extra:snippets/user.yaml on father"]
    )  # fmt: skip
    assert "s3cret" not in json.dumps(made)
    there = tmp_path / "extra" / "snippets" / "user.yaml"
    assert (there.read_text(), there.stat().st_mode & 0o777) == ("#cloud-config\npassword: s3cret\n", 0o644)
    other = tmp_path / "other.yaml"
    other.write_text("#cloud-config\npassword: secr3t\n")
    on_the_node.converge("storage_content", **wish, src=str(other))
    assert there.read_text() == other.read_text()
    on_the_node.converge("storage_content", volid="extra:snippets/user.yaml", state="absent")
    assert not there.exists()


def test_least_privileges(modules: Modules, mirror: str) -> None:
    wish: dict[str, Any] = {"storage": "local", "content": "import", "url": f"{mirror}/debian.qcow2"}
    on_storage = {"/storage/local": ["Datastore.Audit", "Datastore.AllocateTemplate"]}
    needed = {**on_storage, "/nodes/father": ["Sys.AccessNetwork"]}
    download = (
        f"Cannot download {mirror}/debian.qcow2 to local:import/debian.qcow2 on father: "
        "POST /nodes/father/storage/local/download-url:"
    )
    assert modules.refusals(needed, "storage_content", **wish) == {
        "Datastore.Audit on /storage/local": ("Storage 'local' does not exist, or the login may not see it."),
        "Datastore.AllocateTemplate on /storage/local": (
            f"{download} {denied('Datastore.AllocateTemplate', '/storage/local')}"
        ),
        "Sys.AccessNetwork on /nodes/father": f"{download} {UNNAMED}",
    }
    modules.limited(needed).converge("storage_content", **wish)
    gone: dict[str, Any] = {"storage": "local", "content": "import", "filename": "debian.qcow2", "state": "absent"}
    assert modules.limited(on_storage).run("storage_content", **gone)["msg"] == (
        "Cannot remove local:import/debian.qcow2 on father: "
        "DELETE /nodes/father/storage/local/content/local%3Aimport%2Fdebian.qcow2: "
        + denied("Datastore.Allocate", "/storage/local")
    )
    modules.limited({"/storage/local": ["Datastore.Audit", "Datastore.Allocate"]}).converge("storage_content", **gone)


def test_least_privileges_of_other_sources(modules: Modules, image: Path) -> None:
    on_storage = {"/storage/local": ["Datastore.Audit", "Datastore.AllocateTemplate"]}
    for source in ({"src": str(image)}, {"template": "debian-13-standard"}):
        wish: dict[str, Any] = {"storage": "local", **source}
        assert list(modules.refusals(on_storage, "storage_content", **wish)) == [
            "Datastore.Audit on /storage/local",
            "Datastore.AllocateTemplate on /storage/local",
        ]
        modules.limited(on_storage).converge("storage_content", **wish)
    pulled: dict[str, Any] = {"storage": "local", "reference": "docker.io/library/alpine:3.22"}
    needed = {**on_storage, "/nodes/father": ["Sys.AccessNetwork"]}
    assert len(modules.refusals(needed, "storage_content", **pulled)) == 3
    modules.limited(needed).converge("storage_content", **pulled)


def test_least_privileges_of_volumes_and_backups(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "local-lvm", "vmid": 100, "filename": "vm-100-data", "size": "1G"}
    needed = {
        "/storage/local-lvm": ["Datastore.Audit", "Datastore.AllocateSpace"],
        "/vms/100": ["VM.Config.Disk"],
    }
    # Without VM.Config.Disk on the guest its volume is made, but not seen.
    on_storage = {"/storage/local-lvm": needed["/storage/local-lvm"]}
    assert list(modules.refusals(on_storage, "storage_content", **wish)) == [
        "Datastore.Audit on /storage/local-lvm",
        "Datastore.AllocateSpace on /storage/local-lvm",
    ]
    modules.limited(needed).converge("storage_content", **wish)
    volid = archive(modules)
    noting = {"/storage/local": ["Datastore.Audit", "Datastore.AllocateSpace"], "/vms/200": ["VM.Backup"]}
    assert list(modules.refusals(noting, "storage_content", volid=volid, notes="x")) == [
        "Datastore.Audit on /storage/local",
        "Datastore.AllocateSpace on /storage/local",
        "VM.Backup on /vms/200",
    ]
    modules.limited(noting).converge("storage_content", volid=volid, notes="x")
