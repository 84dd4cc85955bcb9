"""`./run.sh host` with the lab's node as the host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import VERSION

from lab import control, father
from scenarios.cli import main
from scenarios.hosts import HostManager

from .conftest import Stand
from .tcp_tap import Tap
from .test_executor import FATHER

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Host = Callable[..., tuple[int, str, str]]


@pytest.fixture
def host(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Host:
    """Runs a command of `host` inside the lab's network, with a home directory of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*argv: str) -> tuple[int, str, str]:
        code = stand.in_lab(main, ["host", *argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def key(stand: Stand) -> Path:
    """The private key father knows."""
    return father.ssh_key(stand.status.state_dir)


def checks(host: Host, name: str) -> tuple[int, list[dict[str, str]]]:
    code, out, _err = host("test", name, "--json")
    return code, json.loads(out)["checks"]


def seen_by_python(name: str) -> tuple[bool, str | None]:
    """What Python is told of a host."""
    manager = HostManager()
    try:
        found = manager.test(name)
    finally:
        manager.close()
    return found["connected"], found["pve_version"]


def test_a_host_is_added_tested_listed_and_removed(host: Host, key: Path, stand: Stand) -> None:
    assert host("add", "pve1", "--hostname", FATHER, "--key", str(key))[0] == 0
    code, first = checks(host, "pve1")
    assert code == 0, first
    assert [(each["name"], each["status"]) for each in first] == [
        ("SSH", "ok"), ("pveversion", "ok"), ("node name", "ok"), ("API", "ok"), ("privileges", "ok"),
    ]  # fmt: skip
    assert "is pinned from now on" in first[0]["message"]
    assert "is pinned" not in checks(host, "pve1")[1][0]["message"]
    assert stand.in_lab(seen_by_python, "pve1") == (
        True,
        next(each["message"] for each in first if each["name"] == VERSION),
    )
    (listed,) = json.loads(host("list", "--verbose", "--json")[1])
    assert listed.pop("version").startswith("pve-manager/9.")
    assert listed == {
        "name": "pve1", "hostname": FATHER, "user": "root", "port": 22, "default": False, "reachable": True,
        "node": "father", "problem": "",
    }  # fmt: skip
    assert host("remove", "pve1")[0] == 0
    assert host("test", "pve1")[0] == 2


def test_a_changed_key_is_refused(host: Host, key: Path, stand: Stand) -> None:
    host("add", "pve1", "--hostname", FATHER, "--key", str(key))
    assert checks(host, "pve1")[0] == 0
    pinned = stand.status.state_dir.parent / "pins" / "pve1" / "known_hosts"
    kind, blob = pinned.read_text().split()[1:3]
    pinned.write_text(f"{FATHER} {kind} {blob[:-4]}AAAA\n")
    code, found = checks(host, "pve1")
    assert code == 3
    assert [each["status"] for each in found] == ["failed", "skipped", "skipped", "skipped", "skipped"]
    assert f"is pinned in {pinned} line 1. If the host was installed anew, remove that line" in found[0]["message"]


def test_a_strict_host_needs_its_key_first(host: Host, key: Path, stand: Stand) -> None:
    words = ("--hostname", FATHER, "--key", str(key), "--strict")
    host("add", "pve1", *words)
    code, found = checks(host, "pve1")
    assert (code, "its host key SHA256:" in found[0]["message"]) == (3, True)
    host("remove", "pve1")
    host("add", "pve1", *words, "--known-hosts", str(key.parent / "known_hosts"))
    assert checks(host, "pve1")[0] == 0


def test_hosts_that_cannot_be_reached(host: Host, key: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("no key")
    host("add", "gone", "--hostname", "127.0.0.1", "--port", "9")
    host("add", "locked", "--hostname", FATHER, "--key", str(tmp_path / "other"))
    host("add", "fine", "--hostname", FATHER, "--key", str(key))
    code, out, _err = host("list", "--verbose", "--json")
    by_name: dict[str, Any] = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert {name: row["reachable"] for name, row in by_name.items()} == {"gone": False, "locked": False, "fine": True}
    assert by_name["gone"]["problem"] == (
        "Cannot reach 127.0.0.1 port 9: Connection refused. Check that the host is up and that the address and port "
        "are right."
    )
    assert by_name["locked"]["problem"].startswith(f"{FATHER} port 22 does not accept root. Offered: the key ")
    table, errors = host("list", "--verbose")[1:]
    assert (table.splitlines()[-2], errors) == (f"gone: {by_name['gone']['problem']}", "")
    assert checks(host, "locked")[1][0]["remedy"] == "Put your public key there: ssh-copy-id locked"


def test_a_host_without_proxmox_ve(host: Host, key: Path, stand: Stand) -> None:
    place = stand.ssh("father", "command -v pveversion").strip()
    stand.ssh("father", f"mv {place} {place}.away")
    try:
        host("add", "pve1", "--hostname", FATHER, "--key", str(key))
        code, found = checks(host, "pve1")
        assert stand.in_lab(seen_by_python, "pve1") == (True, None)
    finally:
        stand.ssh("father", f"mv {place}.away {place}")
    assert code == 3
    assert [each["status"] for each in found] == ["ok", "failed", "skipped", "skipped", "skipped"]
    assert found[1]["message"] == "'pveversion' was not found on pve1. Check that Proxmox VE is installed there."
    assert found[1]["remedy"] == "Install Proxmox VE there, or add another host."


def test_through_a_jump_host(host: Host, key: Path) -> None:
    host("add", "door", "--hostname", FATHER, "--key", str(key))
    host("add", "inner", "--hostname", "127.0.0.1", "--key", str(key), "--jump", "door")
    assert checks(host, "inner")[0] == 0


def test_one_connection_for_all_checks(host: Host, key: Path, stand: Stand) -> None:
    tap = stand.in_lab(Tap, (FATHER, 22))
    host("add", "pve1", "--hostname", "127.0.0.1", "--port", str(tap.port), "--key", str(key))
    assert checks(host, "pve1")[0] == 0
    assert tap.connections == 1
    tap.close()


def test_ansible_reaches_the_same_hosts(host: Host, key: Path, tmp_path: Path) -> None:
    """With the key that `host test` pinned, and not before."""
    host("add", "pve1", "--hostname", FATHER, "--key", str(key))
    source = tmp_path / "ssh_hosts.yml"
    source.write_text(f"plugin: homelab.pve.ssh_hosts\nssh_config: {tmp_path}/.ssh/config\n")
    program = str(Path(sys.executable).with_name("ansible"))
    words = [program, "-i", str(source), "pve1", "-m", "ansible.builtin.command", "-a", "hostname"]
    # The home directory's path is too long for the socket of a shared connection.
    words += ["-e", "ansible_python_interpreter=/usr/bin/python3 ansible_ssh_args=-oControlMaster=no"]
    before = subprocess.run(control.inside(words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Host key verification failed" in before.stdout
    assert checks(host, "pve1")[0] == 0
    after = subprocess.run(control.inside(words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert after.returncode == 0, after.stdout + after.stderr
    assert after.stdout.endswith("father\n")


def test_the_driver_works_on_the_same_hosts(
    host: Host, key: Path, stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A playbook of the driver asks the host's API, which the inventory plugin knows by the host's address."""
    host("add", "pve1", "--hostname", FATHER, "--key", str(key), "--default")
    token = json.loads(father.token_file(stand.status.state_dir).read_text(encoding="utf-8"))
    for name, value in (("TOKEN_ID", token["id"]), ("TOKEN_SECRET", token["secret"])):
        monkeypatch.setenv(f"PVE_{name}", value)
    monkeypatch.setenv("PVE_CA", str(stand.status.state_dir / "ca.pem"))
    words = [sys.executable, "-P", "-m", "scenarios", "vm-discover", "--name-pattern", "nothing*", "--json-output"]
    done = subprocess.run(control.inside(words), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (json.loads(done.stdout)["host"], "WARNING" in done.stderr) == ("pve1", False)
