"""Files of a deployment: packed on the controller, unpacked and switched to in the container."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

FILES = Path(__file__).parents[3] / "roles" / "container_deploy" / "files"


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


deploy = program("deploy")


def packed(source: Path, target: Path, *there: str) -> dict[str, str | None]:
    command: list[str | Path] = [sys.executable, FILES / "pack.py", source, target, *there]
    answer: dict[str, str | None] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return answer


def refused(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, FILES / "pack.py", source, target]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory with everything that travels, and what does not."""
    top = tmp_path / "a source"
    (top / "empty").mkdir(parents=True)
    (top / ".git").mkdir()
    (top / ".git" / "config").write_text("left out")
    (top / "run").write_bytes(bytes(range(256)))
    (top / "run").chmod(0o750)
    (top / "same").hardlink_to(top / "run")
    (top / "ünï\nname").write_text("odd")
    (top / "absolute").symlink_to("/etc/hostname")
    (top / "empty" / "up").symlink_to("../run")
    (top / "folder").symlink_to("empty")
    return top


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An application's directory in a container."""
    top = tmp_path / "app"
    for name in ("releases", "env"):
        (top / name).mkdir(parents=True)
    return top


def arrived(source: Path, place: Path) -> str:
    """The id of a source that was carried over and is in use."""
    answer = packed(source, place)
    release = str(answer["release"])
    deploy.unpack(place, release)
    deploy.switch(place, release)
    return release


def test_a_directory_arrives_as_it_is(source: Path, place: Path) -> None:
    release = arrived(source, place)
    there = place / "current"
    assert there.readlink() == Path("releases") / release
    assert sorted(path.name for path in there.iterdir()) == ["absolute", "empty", "folder", "run", "same", "ünï\nname"]
    assert (there / "same").read_bytes() == (there / "run").read_bytes() == bytes(range(256))
    assert (there / "run").stat().st_mode & 0o777 == 0o750
    assert [(there / name).readlink() for name in ("absolute", "empty/up", "folder")] == [
        Path("/etc/hostname"),
        Path("../run"),
        Path("empty"),
    ]
    assert not (place / "release.tar").exists()


def test_the_same_content_is_the_same_release(source: Path, tmp_path: Path) -> None:
    first = packed(source, tmp_path)["release"]
    copy = tmp_path / "copy"
    shutil.copytree(source, copy, symlinks=True)
    os.utime(copy / "run", (0, 0))
    (copy / ".git" / "config").write_text("other")
    assert packed(copy, tmp_path, str(first)) == {"release": first, "archive": None}


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "run").write_text("x"),
        lambda top: (top / "run").chmod(0o700),
        lambda top: (top / "new").touch(),
        lambda top: (top / "empty").rename(top / "other"),
        lambda top: (top / "folder").unlink(),
    ],
    ids=["content", "mode", "new", "name", "gone"],
)
def test_other_content_is_another_release(source: Path, tmp_path: Path, change: object) -> None:
    before = packed(source, tmp_path)["release"]
    change(source)  # type: ignore[operator]
    assert packed(source, tmp_path)["release"] != before


def test_what_can_not_travel_is_named(tmp_path: Path, source: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.path.relpath(source / "door"))
        done = refused(source, tmp_path)
    assert done.returncode == 1
    said = f"Cannot deploy {source}/door: it is no file, directory or link. Move it out of the source.\n"
    assert done.stderr == said


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    done = refused(tmp_path / "no", tmp_path)
    assert "no: there is no such directory on the controller. Name a directory or a git URL." in done.stderr


def test_a_transfer_that_broke_off_changes_nothing(source: Path, place: Path) -> None:
    before = arrived(source, place)
    (source / "new").touch()
    release = str(packed(source, place)["release"])
    archive = place / "release.tar"
    os.truncate(archive, archive.stat().st_size // 2)
    with pytest.raises(tarfile.ReadError):
        deploy.unpack(place, release)
    assert (deploy.current(place), (place / "current" / "new").exists()) == (before, False)
    assert arrived(source, place) == release
    assert (place / "current" / "new").exists()


def test_old_releases_go(source: Path, place: Path) -> None:
    releases = []
    for number in range(4):
        (source / "run").write_text(str(number))
        releases.append(arrived(source, place))
    (place / "releases" / ".partial").mkdir()
    deploy.prune(place, 2)
    assert sorted(path.name for path in (place / "releases").iterdir()) == sorted(releases[-2:])
    deploy.switch(place, releases[-2])
    deploy.prune(place, 1)
    assert [path.name for path in (place / "releases").iterdir()] == [releases[-2]]


def test_what_is_restarted_counts_as_never_started(place: Path) -> None:
    deploy.write(place / "env" / "started.json", '{"a": "1", "b": "2"}')
    deploy.forget(place, ["a"])
    assert deploy.started(place) == {"b": "2"}
    assert (place / "env" / "started.json").stat().st_mode & 0o777 == 0o600
    (place / "env" / "started.json").write_text("not whole")
    assert deploy.started(place) == {}


@pytest.fixture
def door() -> Iterator[str]:
    """The URL of a server that has a page `here`, and no other."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/here" else 404)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("command", "path", "said"),
    [
        ("", "/here", ""),
        ("test -d .", "", ""),
        ("echo no >&2; exit 3", "/here", "'echo no >&2; exit 3' ended with 3: no"),
        ("true", "/gone", "{url} answers: HTTP Error 404: Not Found"),
    ],
    ids=["page", "command", "refusal", "no page"],
)
def test_what_is_checked(place: Path, door: str, command: str, path: str, said: str) -> None:
    (place / "current").mkdir()
    url = door + path if path else ""
    answer = deploy.check("no-such-app", place, {"command": command, "url": url, "seconds": 0})
    assert answer == {"said": said.format(url=url), "logs": {}}


def test_what_becomes_right_in_time_is_right(place: Path) -> None:
    (place / "current").mkdir()
    command = "echo >> tries; [ $(wc -l < tries) -ge 3 ]"
    assert deploy.check("no-such-app", place, {"command": command, "url": "", "seconds": 60})["said"] == ""


def test_a_command_that_never_ends_is_ended(place: Path) -> None:
    (place / "current").mkdir()
    answer = deploy.check("no-such-app", place, {"command": "exec sleep 1000", "url": "", "seconds": 0})
    assert answer["said"] == "'exec sleep 1000' did not end"


# ------------------------------------------------------------- git


def git(where: Path, *argv: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(where), *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits, a tag and a branch."""
    where = tmp_path / "a repository"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", where], check=True)
    for text in ("one", "two"):
        (where / "file").write_text(text)
        git(where, "add", "--all")
        git(where, "commit", "--quiet", "--message", text)
    git(where, "tag", "first", "HEAD~1")
    git(where, "branch", "old", "HEAD~1")
    return where


def fetched(url: str, ref: str, into: Path) -> subprocess.CompletedProcess[str]:
    into.mkdir()
    command: list[str | Path] = ["sh", FILES / "fetch.sh", url, ref, into]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("ref", "text"), [("", "two"), ("main", "two"), ("first", "one"), ("old", "one"), ("HEAD~1", "one")]
)
def test_a_repository_is_fetched(repository: Path, tmp_path: Path, ref: str, text: str) -> None:
    # A commit is named by its id.
    wanted = git(repository, "rev-parse", ref) if "~" in ref else ref
    done = fetched(f"file://{repository}", wanted, tmp_path / "into")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "into" / "source" / "file").read_text() == text
    assert done.stdout.strip() == git(repository, "rev-parse", ref or "HEAD")


def test_a_ref_that_is_not_there(repository: Path, tmp_path: Path) -> None:
    done = fetched(f"file://{repository}", "nope", tmp_path / "into")
    said = f"Cannot deploy file://{repository}: 'nope' names no branch, tag or commit there.\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    done = fetched(f"file://{tmp_path}/nope", "", tmp_path / "into")
    assert done.returncode == 1
    assert "does not appear to be a git repository" in done.stderr
