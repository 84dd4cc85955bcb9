"""Files on their way to a node."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.api_pvesh import PveshSession
from ansible_collections.homelab.pve.plugins.module_utils.api_upload import PIECE, Form, sent_file, with_checksum
from ansible_collections.homelab.pve.plugins.module_utils.engine import LocalFile
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, FileError, OutcomeUnknownError
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandResult, LocalExecutor

from lab.api.certificates import Pair
from lab.api.files import form_parts

CONTENT = b"\r\n--" + bytes(range(256)) * 9


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    """A file with all kinds of bytes."""
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return LocalFile(str(path), "x.iso")


def test_the_form_is_one(file: LocalFile) -> None:
    form = Form({"checksum": "ab", "content": "iso", "checksum-algorithm": "md5", "filename": file}, file)
    body = b"".join(form)
    parts = form_parts(form.content_type, body)
    assert [(part.name, part.content, part.filename) for part in parts] == [
        ("content", b"iso", None), ("checksum-algorithm", b"md5", None), ("checksum", b"ab", None),
        ("filename", CONTENT, "x.iso"),
    ]  # fmt: skip
    assert len(form) == len(body) == form.sent


def test_never_more_than_a_piece_is_held(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(8 * PIECE + 1)
    form = Form({"content": "iso"}, LocalFile(str(large), "x.iso"))
    assert max(len(piece) for piece in form) == PIECE
    form = Form({"content": "iso"}, LocalFile(str(large), "x.iso"))
    assert max(map(len, iter(lambda: form.read(1000), b""))) == 1000


def test_progress(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(3 * PIECE)
    form = Form({}, LocalFile(str(large), "x.iso"))
    form.read()
    form.read()
    form.close()
    assert form.progress() == "1.0 of 3.0 MiB were sent"
    assert form.read() == b""


@pytest.mark.parametrize("name", ['a"b', "a\r\nb", "a\\b"])
def test_a_name_stays_in_its_place(file: LocalFile, name: str) -> None:
    form = Form({}, LocalFile(file.path, name))
    (part,) = form_parts(form.content_type, b"".join(form))
    assert set(str(part.filename)) <= set("a_b")


def test_the_checksum(file: LocalFile) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert with_checksum({"content": "iso"}, file) == {
        "content": "iso", "checksum": digest, "checksum-algorithm": "sha256",
    }  # fmt: skip
    other = {"checksum": hashlib.md5(CONTENT).hexdigest().upper(), "checksum-algorithm": "md5"}
    assert with_checksum(other, file)["checksum"] == other["checksum"].lower()
    with pytest.raises(ConfigError) as caught:
        with_checksum({"checksum": "ab", "checksum-algorithm": "sha256"}, file)
    assert str(caught.value) == f"{file.path} has the sha256 checksum {digest}, and not ab. It was not sent."


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        Form({}, LocalFile(str(tmp_path / "none"), "x"))


def test_only_files_are_files(file: LocalFile) -> None:
    assert sent_file({"content": "iso", "filename": file}) is file
    assert sent_file({"content": "iso", "filename": "x"}) is None


@contextmanager
def hanging_up(pair: Pair, after: int) -> Iterator[int]:
    """The port of a server that reads so many bytes, and then closes the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            left = after
            while left > 0 and (piece := connection.recv(left)):
                left -= len(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_connection_that_breaks_on_the_way(tmp_path: Path, lab_certificate: Pair) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(64 * PIECE)
    with hanging_up(lab_certificate, PIECE) as port:
        login: dict[str, Any] = {"token_id": "root@pam!x", "token_secret": "x"}
        client = connect(Connection("127.0.0.1", port, validate_certs=False, retries=0, **login))
        with pytest.raises(OutcomeUnknownError, match=r" \(\d+\.\d of 64\.0 MiB were sent\)"):
            client.post("/nodes/father/storage/local/upload", {"filename": LocalFile(str(large), "x.iso")})
        client.close()


class Node(LocalExecutor):
    """A node whose pvesh answers what it is told to; ``ran`` are the commands."""

    def __init__(self, code: int) -> None:
        self.code, self.ran, self.pushed = code, list[list[str]](), list[tuple[Path, Path, int | None]]()

    def run(self, cmd: list[str], *_args: object, **_options: object) -> CommandResult:
        """Note the command."""
        self.ran.append(cmd)
        return CommandResult(self.code, '"UPID:x"', "400 Parameter verification failed.\nfilename: no\n")

    def push_file(self, local_path: Path, remote_path: Path, mode: int | None = None, owner: str | None = None) -> bool:
        """Note the file."""
        self.pushed.append((local_path, remote_path, mode))
        return True


def words(command: Sequence[str]) -> dict[str, str]:
    return dict(zip(command[3::2], command[4::2], strict=True))


def test_pvesh_is_handed_the_file(file: LocalFile) -> None:
    node = Node(0)
    params = {"content": "iso", "filename": file}
    answer = PveshSession(node, 30).send("POST", "/nodes/father/storage/local/upload", params)
    assert (answer.status, answer.data) == (200, "UPID:x")
    ((source, there, mode),) = node.pushed
    assert (str(source), mode) == (file.path, 0o600)
    (command,) = node.ran
    assert command[:3] == ["pvesh", "create", "/nodes/father/storage/local/upload"]
    assert words(command) == {
        "--content": "iso", "--filename": "x.iso", "--tmpfilename": str(there), "--output-format": "json",
        "--checksum": hashlib.sha256(CONTENT).hexdigest(), "--checksum-algorithm": "sha256",
    }  # fmt: skip


def test_what_pvesh_refuses_leaves_no_file(file: LocalFile) -> None:
    node = Node(255)
    answer = PveshSession(node, 30).send("POST", "/nodes/father/storage/local/upload", {"filename": file})
    assert (answer.status, answer.errors) == (400, {"filename": "no"})
    assert node.ran[-1] == ["rm", "-f", "--", str(node.pushed[0][1])]
