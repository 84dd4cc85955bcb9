# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storages with real files: download, upload, listing, removal, import."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.api import images

from .conftest import Client

LOCAL = "/nodes/father/storage/local"
IMAGE = "debian-12-genericcloud-amd64.qcow2"
Files = list[tuple[str, tuple[str | None, bytes]]]
ISO = b"not really an ISO image"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def image_url(tmp_path: Path) -> Iterator[str]:
    """A server of the lab's image stand-ins."""
    images.write_stand_ins(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def download(client: Client, url: str, **values: str) -> str:
    return client.run("POST", f"{LOCAL}/download-url", content="import", filename=IMAGE, url=url, **values)


def volumes(client: Client, content: str) -> list[str]:
    return [item["volid"] for item in client.get(f"{LOCAL}/content", content=content)]


def test_a_download_is_a_file_and_can_be_imported(client: Client, image_url: str) -> None:
    assert download(client, f"{image_url}/{IMAGE}") == "OK"
    assert volumes(client, "import") == [f"local:import/{IMAGE}"]
    disk = f"local-lvm:0,import-from=local:import/{IMAGE}"
    assert client.run("POST", "/nodes/father/qemu", vmid=100, name="imported", scsi0=disk, agent=1) == "OK"
    assert client.get("/nodes/father/qemu/100/config")["scsi0"] == "local-lvm:vm-100-disk-0,size=2G"
    assert client.lab.api.is_bootable("local-lvm:vm-100-disk-0")


def test_a_wrong_checksum_leaves_no_file(client: Client, image_url: str) -> None:
    found = hashlib.sha256(images.header(images.STAND_INS[IMAGE]) + images.NOTICE).hexdigest()
    wrong = "0" * 64
    status = download(client, f"{image_url}/{IMAGE}", checksum=wrong, **{"checksum-algorithm": "sha256"})
    assert status == f"checksum mismatch: got '{found}' != expect '{wrong}'"
    assert volumes(client, "import") == []


def test_a_right_checksum_downloads_once(client: Client, image_url: str) -> None:
    found = hashlib.sha256(images.header(images.STAND_INS[IMAGE]) + images.NOTICE).hexdigest()
    values = {"checksum": found, "checksum-algorithm": "sha256"}
    assert download(client, f"{image_url}/{IMAGE}", **values) == "OK"
    assert download(client, "http://127.0.0.1:9/gone", **values) == "OK"


def test_a_download_that_is_not_there_fails_in_its_task(client: Client, image_url: str) -> None:
    assert download(client, f"{image_url}/nope") == "download failed: ERROR 404: File not found."


def test_a_download_from_a_closed_port_fails_in_its_task(client: Client) -> None:
    status = download(client, "http://127.0.0.1:9/x")
    assert status == "download failed: Connecting to 127.0.0.1:9... failed: Connection refused."


def test_an_upload_is_listed_and_removed(client: Client) -> None:
    files: Files = [("content", (None, b"iso")), ("filename", ("up.iso", ISO))]
    url = f"{client.lab.url}/api2/json{LOCAL}/upload"
    assert client.wait(client.session.post(url, files=files, timeout=10).json()["data"]) == "OK"
    (item,) = client.get(f"{LOCAL}/content", content="iso")
    assert (item["volid"], item["size"], item["format"]) == ("local:iso/up.iso", len(ISO), "iso")
    info = client.get(f"{LOCAL}/content/local:iso/up.iso")
    assert info == {"path": "/var/lib/vz/template/iso/up.iso", "size": len(ISO), "used": len(ISO), "format": "raw"}
    assert client.run("DELETE", f"{LOCAL}/content/local:iso/up.iso") == "OK"
    assert volumes(client, "iso") == []


@pytest.mark.parametrize(
    ("files", "status", "errors"),
    [
        ({"content": (None, "iso"), "filename": ("up.txt", ISO)}, 400, {"filename": "wrong file extension"}),
        (
            {"content": (None, "images"), "filename": ("up.iso", ISO)},
            400,
            {"content": "value 'images' does not have a value in the enumeration 'iso, vztmpl, import'"},
        ),
    ],
)
def test_uploads_that_are_refused(
    client: Client, files: dict[str, tuple[str, bytes]], status: int, errors: dict[str, str]
) -> None:
    answer = client.session.post(f"{client.lab.url}/api2/json{LOCAL}/upload", files=files, timeout=10)
    assert (answer.status_code, answer.json()["errors"]) == (status, errors)


def test_an_upload_in_the_wrong_order_is_an_empty_400(client: Client) -> None:
    files: Files = [("filename", ("up.iso", ISO)), ("content", (None, b"iso"))]
    answer = client.session.post(f"{client.lab.url}/api2/json{LOCAL}/upload", files=files, timeout=10)
    assert (answer.status_code, answer.content) == (400, b"")


def test_a_definition_reads_back_as_it_was_written(client: Client) -> None:
    client.put("/storage/local", content="iso,snippets,images")
    assert set(client.get("/storage/local")["content"].split(",")) == {"iso", "snippets", "images"}


def test_an_iso_in_the_drive_outlives_its_guest(client: Client) -> None:
    target = client.lab.api.file_path("local", "iso/cd.iso")
    target.parent.mkdir(parents=True)
    target.write_bytes(ISO)
    assert client.run("POST", "/nodes/father/qemu", vmid=100, ide2="local:iso/cd.iso,media=cdrom") == "OK"
    assert client.run("DELETE", "/nodes/father/qemu/100") == "OK"
    assert volumes(client, "iso") == ["local:iso/cd.iso"]


def test_an_image_is_pulled_once(client: Client) -> None:
    pull = {"reference": "docker.io/library/alpine:3.22"}
    assert client.run("POST", f"{LOCAL}/oci-registry-pull", **pull) == "OK"
    (item,) = client.get(f"{LOCAL}/content", content="vztmpl")
    assert (item["volid"], item["format"]) == ("local:vztmpl/alpine_3.22.tar", "tar")
    again = client.ask("POST", f"{LOCAL}/oci-registry-pull", **pull)
    assert again.json()["message"] == "refusing to override existing file 'alpine_3.22.tar'\n"
    assert client.run("DELETE", f"{LOCAL}/content/local:vztmpl/alpine_3.22.tar") == "OK"


def test_an_image_that_no_registry_has_fails_in_its_task(client: Client) -> None:
    status = client.run("POST", f"{LOCAL}/oci-registry-pull", reference="docker.io/library/none:1")
    assert status.startswith("command 'skopeo copy docker://docker.io/library/none:1 oci-archive:")


def test_a_storage_may_be_for_nothing(client: Client) -> None:
    client.put("/storage/local", content="none")
    assert client.get("/storage/local")["content"] == "none"
    assert client.ask("PUT", "/storage/local-lvm", content="none").status_code == 500
