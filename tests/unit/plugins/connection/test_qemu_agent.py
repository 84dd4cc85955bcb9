"""The connection qemu_agent: which VM is meant, files of this machine, and how errors become Ansible's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible_collections.homelab.pve.plugins.connection.qemu_agent import complete, meant, pieces_of, reported, write
from ansible_collections.homelab.pve.plugins.module_utils.agent import WRITE_LIMIT, Ended
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    ConnectionError,
    FileError,
    RefusedError,
)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"pve_vmid": 104}, {"vmid": 104}),
        ({"pve_vmid": "104", "pve_vm_name": ""}, {"vmid": 104}),
        ({"pve_vm_name": "web", "pve_vmid": None}, {"name": "web"}),
    ],
)
def test_which_vm_is_meant(variables: dict[str, Any], found: dict[str, Any]) -> None:
    assert meant(variables) == found


@pytest.mark.parametrize(
    ("variables", "said"), [({}, "Neither of the variables"), ({"pve_vmid": 1, "pve_vm_name": "a"}, "Both of the")]
)
def test_none_or_two_are_refused(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        meant(variables)


@pytest.mark.parametrize(
    "ended", [Ended(7, 3, stdout_truncated=True), Ended(7, 3, stderr_truncated=True)], ids=["output", "errors"]
)
def test_output_that_is_not_all_there_is_an_error(ended: Ended) -> None:
    with pytest.raises(AnsibleError, match="exit status 3 and said more than the 16777216 bytes"):
        complete(ended)
    assert complete(Ended(7, 3)) == Ended(7, 3)


@pytest.mark.parametrize("size", [0, 1, WRITE_LIMIT, 2 * WRITE_LIMIT + 1])
def test_a_file_in_pieces_and_written_again(tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(bytes(number % 251 for number in range(size)))
    found = list(pieces_of(source))
    assert max(map(len, found), default=0) <= WRITE_LIMIT
    write(target, iter(found))
    assert target.read_bytes() == source.read_bytes()


def test_a_file_that_was_there_stays_when_the_new_one_is_not_complete(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RefusedError("no more")

    (tmp_path / "a").write_text("old")
    with pytest.raises(RefusedError):
        write(tmp_path / "a", broken())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("There is no file /x"), AnsibleFileNotFound),
        (FileError("write", "/x", "vm 104", "no room"), AnsibleError),
        (ConfigError("pve_vmid"), AnsibleError),
        (RefusedError("no such VM"), AnsibleConnectionFailure),
        (ConnectionError("father", 8006, "refused"), AnsibleConnectionFailure),
        (ImportError("No module named 'proxmoxer'", name="proxmoxer.core"), AnsibleError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_errors_are_ansibles(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(AnsibleError) as caught, reported():
        raise error
    assert type(caught.value) is kind
    assert "proxmoxer" in str(caught.value) if isinstance(error, ImportError) else str(error) in str(caught.value)
