"""Hosts and the command `host`, as far as nothing is connected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HostNotFoundError
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import pins
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.cli import main
from scenarios.hosts import ADVICE, HostManager


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def host(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Run a command of `host`: exit code, output, errors."""
    code = main(["host", *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_life_of_a_host(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "id").write_text("")
    added = host(
        capsys, "add", "pve1", "--hostname", "192.0.2.10", "--port", "2222", "--key", str(home / "id"), "--jump",
        "joe@bastion", "--strict", "--default",
    )  # fmt: skip
    assert added == (0, f"Added pve1 to {home}/.ssh/config. Next: ./run.sh host test pve1\n", "")
    assert json.loads(host(capsys, "list", "--json")[1]) == [
        {"name": "pve1", "hostname": "192.0.2.10", "user": "root", "port": 2222, "default": True}
    ]
    shown = json.loads(host(capsys, "show", "pve1", "--json")[1])
    assert shown["jump"] == ["joe@bastion"]
    assert shown["strict"] is True
    assert shown["pinned"] == []
    assert "pve1  192.0.2.10  root  2222  yes" in host(capsys, "list")[1]
    assert host(capsys, "remove", "pve1") == (0, f"Removed pve1 from {home}/.ssh/config.\n", "")
    assert (home / ".ssh" / "config").read_text() == ""
    assert host(capsys, "list") == (0, "No hosts yet. Add one: ./run.sh host add NAME --hostname ADDRESS\n", "")
    assert HostManager().default() is None


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["add", "pve1"], "Missing option '--hostname'."),
        (["add", "pve1", "--hostname", "192.0.2.11"], "{config}:2: there is a host 'pve1' already"),
        (["add", "a b", "--hostname", "x"], "A host's name cannot be 'a b': it has letters, digits,"),
        (["add", "b", "--hostname", "x", "--port", "many"], "'--port': 'many' is not a valid integer."),
        (["add", "b", "--hostname", "x", "--port", "0"], "Port cannot be 0: it is a number from 1 to 65535."),
        (["add", "b", "--hostname", "x", "--key", "/no/key"], "'--key': File '/no/key' does not exist."),
        (["add", "b", "--hostname", "x", "--known-hosts", "/dev/null"],
         "/dev/null: no host key of x in it. 'ssh-keyscan -p 22 x' shows one."),
        (["remove", "pve9"], "Host 'pve9' is not known. Known hosts: pve1."),
        (["show", "pve9"], "Host 'pve9' is not known. Known hosts: pve1."),
        (["test", "pve9"], "Host 'pve9' is not known. Known hosts: pve1."),
        (["set-default", "pve9"], "Host 'pve9' is not known. Known hosts: pve1."),
        (["test"], "Which host? Known: pve1. None of them is the default."),
    ],
)  # fmt: skip
def test_wrong_usage(capsys: pytest.CaptureFixture[str], home: Path, argv: list[str], message: str) -> None:
    HostManager().add("pve1", "192.0.2.10")
    config = home / ".ssh" / "config"
    before = config.read_text()
    code, out, err = host(capsys, *(word.format(config=config) for word in argv))
    assert (code, out) == (2, "")
    assert message.format(config=config) in " ".join(err.split())
    assert config.read_text() == before


def test_a_broken_configuration_is_shown_and_kept(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    config = home / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text("Host a\n  Potr 22\n")
    code, _out, err = host(capsys, "add", "pve1", "--hostname", "192.0.2.10")
    assert (code, err) == (2, f"Error: {config}:2: Bad configuration option: potr:   Potr 22\n")
    assert config.read_text() == "Host a\n  Potr 22\n"


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"


def test_a_known_key_is_pinned_and_forgotten_with_the_host(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    known = home / "theirs"
    known.write_text(f"other {KEY}\n[192.0.2.10]:2222 {KEY} comment\n")
    words = ("add", "pve1", "--hostname", "192.0.2.10", "--port", "2222", "--known-hosts", str(known))
    assert host(capsys, *words)[0] == 0
    pinned = pins("pve1")
    assert pinned.read_text() == f"[192.0.2.10]:2222 {KEY}\n"
    (line,) = json.loads(host(capsys, "show", "pve1", "--json")[1])["pinned"]
    assert line.endswith(f"is pinned in {pinned} line 1")
    host(capsys, "remove", "pve1")
    assert not pinned.exists()


def test_a_scenario_finds_the_host(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    words = ["--scenario", "vm-roundtrip", "--dry-run", "--json-output"]
    HostManager().add("pve1", "192.0.2.10")
    HostManager().set_default("pve1")
    assert main(words) == 0
    captured = capsys.readouterr()
    assert (json.loads(captured.out)["host"], captured.err) == ("pve1", "")
    (home / ".ssh" / "config").write_text("Host\n")
    assert main(words) == 2
    assert f"{home}/.ssh/config:1: Host has no value: Host" in capsys.readouterr().err


def test_which_executor_is_meant(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = HostManager()
    monkeypatch.setenv("PATH", str(home), prepend=":")
    with pytest.raises(ConfigError) as caught:
        manager.get_executor()
    assert str(caught.value) == ADVICE
    (home / "pveversion").write_text("#!/bin/sh\n")
    (home / "pveversion").chmod(0o755)
    assert isinstance(manager.get_executor(), LocalExecutor)
    manager.add("only", "192.0.2.10")
    assert manager.get_executor().name == "only"
    manager.add("second", "192.0.2.11")
    assert isinstance(manager.get_executor(), LocalExecutor)
    manager.set_default("second")
    executor = manager.get_executor()
    assert isinstance(executor, SSHExecutor)
    assert (executor.host, manager.get_executor("only").name) == ("192.0.2.11", "only")
    assert manager.get_executor() is executor
    with pytest.raises(HostNotFoundError, match=r"^Host 'third' is not known\. Known hosts: only, second\.$"):
        manager.get_executor("third")


@pytest.mark.usefixtures("home")
def test_a_host_that_does_not_answer() -> None:
    manager = HostManager()
    manager.add("gone", "127.0.0.1", port=9)
    found = manager.test("gone")
    assert (found["connected"], found["pve_version"]) == (False, None)
    assert [each.status for each in found["checks"]] == ["failed", *["skipped"] * 4]


@settings(max_examples=15)  # each writes files and asks ssh
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "default"]), st.sampled_from("abc")), max_size=8))
def test_list_and_default_follow_every_edit(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        names: list[str] = []
        default = None
        for verb, name in edits:
            manager = HostManager()
            if verb == "add" and name not in names:
                manager.add(name, "192.0.2.10")
                names.append(name)
            elif verb == "remove" and name in names:
                manager.remove(name)
                names.remove(name)
                default = None if default == name else default
            elif verb == "default" and name in names:
                manager.set_default(name)
                default = name
            assert (HostManager().names(), HostManager().default()) == (names, default)
