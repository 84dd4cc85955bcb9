"""Commands and files of a booted guest, through its agent: what the modules report is what the guest then has."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import connect
from ansible_collections.homelab.pve.plugins.module_utils.errors import FileError
from ansible_collections.homelab.pve.plugins.plugin_utils.agent_shell import SPOOL, AgentShell, pieces

from lab import father
from tests.integration.conftest import Stand
from tests.integration.test_modules import play
from tests.integration.test_transports import connections

pytestmark = pytest.mark.lab
VMID = 99650
PLAIN_TEMPLATE = 9001
NAMES = ("two words", "-n", 'it\'s "$HOME" `id` \\ * ?', "a\nline\t", "größe — 漢", "%s&a=b+c%20")
LARGE = 17_000_001


@pytest.fixture(scope="module")
def guest(stand: Stand) -> Iterator[str]:
    """The address of a running guest."""
    with stand.booted(PLAIN_TEMPLATE, VMID, "agent-one") as address:
        yield address


def test_commands_and_files(stand: Stand, guest: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_text("".join(f"line {number}\n" for number in range(20_000)))

    keys = father.ssh_key(stand.status.state_dir).parent
    given = {"large_file": large, "ssh_key": keys / "id_ed25519", "known_hosts": keys / "known_hosts"}

    changed, _ = play("guest-agent", **given)
    assert changed == 5
    assert stand.ssh(guest, "cat /etc/agent.copy") == "gr\u00f6\u00dfe = 1\n"
    assert stand.ssh(guest, "stat -c '%a %U %G' /etc/agent.conf '/srv/large file' /srv/empty").splitlines() == [
        "640 root daemon",
        "600 root root",
        "666 root root",
    ]
    digest = hashlib.sha256(large.read_bytes()).hexdigest()
    sums = stand.ssh(guest, "sha256sum '/srv/large file' '/srv/large too'").splitlines()
    assert [line.split()[0] for line in sums] == [digest, digest]
    assert stand.ssh(guest, "ls -A /srv") == "empty\nlarge file\nlarge too\n"

    again, output = play("guest-agent", **given)
    assert again == 0, output


def test_a_play_by_the_connection(stand: Stand, guest: str, tmp_path: Path) -> None:
    binary, template, script = (tmp_path / name for name in ("binary", "template", "script"))
    binary.write_bytes(random.Random(1).randbytes(1_000_000))
    template.write_text("{{ ansible_facts.hostname }} has {{ ansible_facts.env.HOME }}\n")
    script.write_text('#!/bin/sh\necho "$1"\nid -un\n')
    keys = father.ssh_key(stand.status.state_dir).parent
    given = {"binary": binary, "template": template, "script": script, "fetched": tmp_path / "fetched"}
    play("agent-connection", **given, ssh_key=keys / "id_ed25519", known_hosts=keys / "known_hosts")
    assert (tmp_path / "fetched").read_bytes() == binary.read_bytes()
    assert stand.ssh(
        guest, "cat /srv/filled; stat -c '%a %U' /srv/*binary*; ls -A /root/.ansible/tmp"
    ).splitlines() == [
        "agent-one has /root",
        "640 nobody",
    ]


def test_content_by_the_agents_shell(stand: Stand, guest: str) -> None:
    def talk() -> None:
        with closing(connect(connections(stand)["https"])) as client:
            work(AgentShell(client, {"vmid": VMID}))

    stand.in_lab(talk)
    assert stand.ssh(guest, f"ls -A {SPOOL} /srv/odd /srv/tiny; stat -c '%a %U' {SPOOL} /srv/tiny/old") == (
        f"{SPOOL}:\n\n/srv/odd:\nfolder\n\n/srv/tiny:\nold\n700 root\n600 root\n"
    )


def work(inside: AgentShell) -> None:
    """Send and get content of every size, under names with every character; what fails leaves nothing."""
    for size in (0, 1, 100_000, 1_400_000):
        content = random.Random(size).randbytes(size)
        ended = inside.run("sha256sum; kill -9 $$", content)
        assert (ended.rc, ended.stdout.split()[0].decode()) == (137, hashlib.sha256(content).hexdigest())
    inside.run("mkdir -p /srv/odd/folder /srv/tiny && mount -t tmpfs -o size=64k none /srv/tiny")
    for name in NAMES:
        path, content = f"/srv/odd/{name}", f"{name}\0\xff".encode("latin-1", "replace") * 10_000
        inside.write_file(pieces(content), path)
        assert b"".join(inside.fetch_file(path)) == content
    assert inside.run("cd /srv/odd && printf '%s/' * && find . -type f -delete", b"").stdout.decode() == (
        "".join(f"{name}/" for name in sorted((*NAMES, "folder"), key=str.encode))
    )
    inside.write_file([b"old"], "/srv/tiny/old")
    refused(lambda: inside.write_file(pieces(bytes(100_000)), "/srv/tiny/old"), "No space left on device")
    refused(lambda: inside.write_file([b"x"], "/srv/none/file"), "cannot create")
    refused(lambda: inside.write_file([b"x"], "/srv/odd/folder"), "it is a folder")
    assert list(inside.fetch_file("/srv/tiny/old")) == [b"old"]
    told = inside.run(f"seq 3000000 | head -c {LARGE} > /srv/large; sha256sum < /srv/large").stdout
    digest = hashlib.sha256()
    for piece in inside.fetch_file("/srv/large"):
        digest.update(piece)
    assert told.decode().split()[0] == digest.hexdigest()


def refused(work: Callable[[], None], said: str) -> None:
    """A file that can't be written, and why."""
    with pytest.raises(FileError, match=said):
        work()
