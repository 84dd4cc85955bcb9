"""Module storage_content against the lab's API, with a web server of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from .conftest import UNNAMED, Modules, denied

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
            "Storage 'nope' does not exist on node father, or the login may not see it.",
        ),
        (
            {"storage": "local-lvm", "url": "http://192.0.2.1/x.iso"},
            "Storage 'local-lvm' does not take iso: its content is images, rootdir. "
            "Add iso with the option content of the module storage, or use another storage.",
        ),
        ({"storage": "local", "filename": "x.iso"}, "Option 'url' is needed: local:iso/x.iso is not there yet."),
        (
            {"storage": "local", "url": "http://192.0.2.1/"},
            "Option 'filename' is needed: it can't be taken from the URL.",
        ),
        (
            {"storage": "local", "url": "http://192.0.2.1/x.iso", "checksum": "crc:1"},
            "Option 'checksum': 'crc:1' is none of md5, sha1, sha224, sha256, sha384, sha512.",
        ),
        ({"storage": "local"}, "one of the following is required: url, filename"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_wrong_input(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("storage_content", **wish) == message


def test_least_privileges(modules: Modules, mirror: str) -> None:
    wish: dict[str, Any] = {"storage": "local", "content": "import", "url": f"{mirror}/debian.qcow2"}
    on_storage = {"/storage/local": ["Datastore.Audit", "Datastore.AllocateTemplate"]}
    needed = {**on_storage, "/nodes/father": ["Sys.AccessNetwork"]}
    download = (
        f"Cannot download {mirror}/debian.qcow2 to local:import/debian.qcow2 on father: "
        "POST /nodes/father/storage/local/download-url:"
    )
    assert modules.refusals(needed, "storage_content", **wish) == {
        "Datastore.Audit on /storage/local": (
            "Storage 'local' does not exist on node father, or the login may not see it."
        ),
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
