"""Hosts in the SSH configuration: what a plan says, and what is left of each file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import host_entries
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import Entry, Wish
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import SSHConfigParser

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
PRINT = "SHA256:"
BY_HAND = "# mine\nHost other\n\tPort 2200\n"
PVE1 = Entry("pve1", "192.0.2.10")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a state directory of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def config(home: Path) -> SSHConfigParser:
    path = home / ".ssh" / "config"
    path.parent.mkdir()
    path.write_text(BY_HAND)
    return SSHConfigParser()


def known(home: Path, *places: str) -> Path:
    """A file that knows hosts at these places by KEY."""
    path = home / "theirs"
    path.write_text("".join(f"{place} {KEY}\n" for place in places))
    return path


def declare(config: SSHConfigParser, wish: Wish) -> list[str]:
    """Plan and carry out; the reasons. A second plan has nothing left to do."""
    todo = host_entries.plan(config, wish)
    host_entries.carry_out(config, wish, todo)
    if not todo.greet:
        assert not host_entries.plan(config, wish).changed
    return todo.reasons(wish.entry.name)


def test_a_host_is_added_changed_and_removed(config: SSHConfigParser) -> None:
    assert declare(config, Wish(PVE1)) == ["add host pve1"]
    declare(config, Wish(Entry("pve2", "192.0.2.11")))
    changed = Entry("pve1", "192.0.2.10", "joe", 2222, "~/a key", "bastion", strict=True)
    assert declare(config, Wish(changed)) == [
        "change User, Port, IdentityFile, ProxyJump, StrictHostKeyChecking of host pve1"
    ]
    assert [host["name"] for host in config.list_hosts()] == ["pve1", "pve2"]  # it stays where it was
    assert declare(config, Wish(PVE1)) == [
        "change User, Port, IdentityFile, ProxyJump, StrictHostKeyChecking of host pve1"
    ]
    assert host_entries.remove(config, "pve1")
    assert host_entries.remove(config, "pve2")
    assert config.config_path.read_text() == BY_HAND
    assert not host_entries.remove(config, "pve1")


def test_windows_line_ends_stay(config: SSHConfigParser) -> None:
    before = BY_HAND.replace("\n", "\r\n").encode()
    config.config_path.write_bytes(before)
    declare(config, Wish(PVE1))
    declare(config, Wish(Entry("pve1", "192.0.2.11")))
    assert config.config_path.read_bytes().count(b"\r\n") == config.config_path.read_bytes().count(b"\n")
    host_entries.remove(config, "pve1")
    assert config.config_path.read_bytes() == before


def test_keys_are_taken_over_and_go_with_the_address(config: SSHConfigParser, home: Path) -> None:
    wish = Wish(PVE1, known(home, "192.0.2.10", "[192.0.2.10]:2222"))
    added, pinned = declare(config, wish)
    assert (added, pinned.startswith(f"pin {PRINT}")) == ("add host pve1", True)
    place = host_entries.pins("pve1")
    assert place.read_text() == f"192.0.2.10 {KEY}\n"
    assert place.stat().st_mode & 0o077 == 0
    moved = Wish(Entry("pve1", "192.0.2.10", port=2222), wish.known_hosts)
    assert len(declare(config, moved)) == 2
    assert place.read_text() == f"[192.0.2.10]:2222 {KEY}\n"
    host_entries.remove(config, "pve1")
    assert not place.exists()


@pytest.mark.parametrize(
    ("taken_over", "users_own", "greet"),
    [("", "", True), ("192.0.2.10", "", False), ("", "192.0.2.10", False), ("", "192.0.2.9", True)],
    ids=["unknown", "taken over", "the user knows it", "the user knows another"],
)
def test_a_host_is_greeted_only_while_it_is_unknown(
    config: SSHConfigParser, home: Path, taken_over: str, users_own: str, greet: bool
) -> None:
    theirs = known(home, taken_over or users_own)
    config.config_path.write_text(f"Host *\n  UserKnownHostsFile {theirs if users_own else '/dev/null'}\n")
    todo = host_entries.plan(config, Wish(PVE1, theirs if taken_over else None, pin=True))
    assert (todo.greet, todo.changed) == (greet, True)
    assert ("pin the key that host pve1 shows" in todo.reasons("pve1")) is greet


@pytest.mark.parametrize(
    ("text", "entry", "message"),
    [
        ("Host pve1\n  Port 22\n", PVE1, "{config}:1: 'pve1' was not added by 'host add'."),
        ("Host a\n  Potr 22\n", PVE1, "{config}:2: Bad configuration option: potr"),
        ("", Entry("a b", "x"), "A host's name cannot be 'a b'"),
        ("", Entry("-oProxyCommand=x", "x"), "A host's name cannot be '-oProxyCommand=x'"),
        ("", Entry("pve1", "x", port=0), "Port cannot be 0"),
        ("", Entry("pve1", "x y"), "HostName cannot be 'x y'"),
    ],
    ids=["not ours", "broken", "name", "option", "port", "address"],
)
def test_what_cannot_be_is_refused(config: SSHConfigParser, text: str, entry: Entry, message: str) -> None:
    config.config_path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        host_entries.plan(config, Wish(entry))
    assert str(caught.value).startswith(message.format(config=config.config_path))
    assert config.config_path.read_text() == text


def test_a_file_that_does_not_know_the_host(config: SSHConfigParser, home: Path) -> None:
    with pytest.raises(ConfigError, match=r"no host key of 192\.0\.2\.10 in it"):
        host_entries.plan(config, Wish(PVE1, known(home, "192.0.2.9")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/there", "/there/homelab-pve"),
        ("", "{home}/.local/state/homelab-pve"),
        (None, "{home}/.local/state/homelab-pve"),
    ],
)
def test_where_pins_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str) -> None:
    if value is None:
        monkeypatch.delenv("XDG_STATE_HOME")
    else:
        monkeypatch.setenv("XDG_STATE_HOME", value)
    assert host_entries.state_directory() == Path(expected.format(home=home))


def test_keys_below_home_are_written_with_a_tilde(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert host_entries.identity(home / ".ssh" / "id") == str(home / ".ssh" / "id")  # ssh's own home is another one
    monkeypatch.setattr(host_entries, "ssh_home", lambda: home)
    assert host_entries.identity(home / ".ssh" / "id") == "~/.ssh/id"
    assert host_entries.identity(Path("/keys/id")) == "/keys/id"
    assert host_entries.identity(None) is None
