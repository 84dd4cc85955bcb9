"""Module ssh_host: the block it keeps, and the keys it pins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules
from .ssh_door import HERE, Place, opened

BY_HAND = "# mine\nHost *\n  ServerAliveInterval 7\n"


@pytest.fixture
def door(lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A host that lets us in, and a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(BY_HAND)
    with opened(lab_api, tmp_path) as place:
        yield place


@pytest.fixture
def wish(door: Place) -> dict[str, Any]:
    return {"name": "pve1", "hostname": HERE, "port": door.port, "key": str(door.key)}


def test_the_life_of_a_host(here: Modules, door: Place, wish: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / ".ssh" / "config"
    added = here.converge("ssh_host", **wish)
    assert added["plan"] == ["add host pve1"]
    assert added["diff"]["after"]["Port"] == str(door.port)
    assert (added["diff"]["before"], added["pinned"]) == ({}, [])
    pinned = here.converge("ssh_host", **wish, pin=True)
    assert pinned["plan"] == ["pin the key that host pve1 shows"]
    assert pinned["pinned"] == [door.host_key.fingerprint]
    changed = here.converge("ssh_host", **wish, user="joe", strict=True)
    assert changed["plan"] == ["change User, StrictHostKeyChecking of host pve1"]
    assert changed["pinned"] == [door.host_key.fingerprint]
    assert here.converge("ssh_host", name="pve1", state="absent")["diff"]["after"] == {}
    assert config.read_text() == BY_HAND
    assert config.stat().st_mode & 0o077 == 0
    assert not list((tmp_path / "state").rglob("known_hosts"))


def test_a_key_that_is_known_is_taken_over(here: Modules, door: Place, wish: dict[str, Any], tmp_path: Path) -> None:
    known = str(door.known_hosts(tmp_path))
    added = here.converge("ssh_host", **wish, known_hosts=known, pin=True, strict=True)
    assert added["plan"] == ["add host pve1", f"pin {door.host_key.fingerprint} of host pve1"]
    assert added["pinned"] == [door.host_key.fingerprint]


def test_a_key_is_pinned_also_when_we_are_not_let_in(here: Modules, door: Place, wish: dict[str, Any]) -> None:
    door.key.unlink()
    assert here.converge("ssh_host", **wish, pin=True, strict=True)["pinned"] == [door.host_key.fingerprint]


def test_nobody_is_there(here: Modules) -> None:
    result = here.run("ssh_host", name="pve1", hostname=HERE, port=9, pin=True)
    assert result["msg"].startswith(f"Cannot reach {HERE} port 9: Connection refused.")
    assert result["error"]["kind"] == "ConnectionError"


@pytest.mark.usefixtures("door")
@pytest.mark.parametrize(
    ("text", "wrong", "message"),
    [
        ("Host pve1\n", {}, "{config}:1: 'pve1' was not added by 'host add'."),
        ("Host pve1\n", {"state": "absent"}, "{config}:1: 'pve1' was not added by 'host add'."),
        ("Potr 22\n", {}, "{config}:1: Bad configuration option: potr: Potr 22"),
        ("", {"name": "-x"}, "A host's name cannot be '-x'"),
        ("", {"name": "-x", "state": "absent"}, "A host's name cannot be '-x'"),
        ("", {"known_hosts": "/dev/null"}, "/dev/null: no host key of [127.0.0.1]:"),
        ("", {"hostname": None}, "state is present but all of the following are missing: hostname"),
    ],
    ids=["change not ours", "remove not ours", "broken", "name", "name to remove", "no key", "no address"],
)
def test_what_is_refused(  # noqa: PLR0917 - columns of the table
    here: Modules, wish: dict[str, Any], tmp_path: Path, text: str, wrong: dict[str, Any], message: str
) -> None:
    config = tmp_path / ".ssh" / "config"
    config.write_text(text)
    assert here.message("ssh_host", **{**wish, **wrong}).startswith(message.format(config=config))
    assert config.read_text() == text
