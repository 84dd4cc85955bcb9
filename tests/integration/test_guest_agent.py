"""Commands and files of a booted guest, through its agent: what the modules report is what the guest then has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import father
from tests.integration.conftest import Stand
from tests.integration.test_modules import play

pytestmark = pytest.mark.lab
VMID = 99650
PLAIN_TEMPLATE = 9001


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
