"""Files that pin host keys: what they know, and what is refused. Real connections: tests/integration."""

from __future__ import annotations

import re
from pathlib import Path

import paramiko
import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HostKeyError
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import HostKeyFiles, keys_of, pin, pinned_name

OLD, NEW = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
OTHER_TYPE = paramiko.RSAKey.generate(2048)
HOST = "192.0.2.10"


def line(key: paramiko.PKey, name: str = HOST) -> str:
    return f"{name} {key.get_name()} {key.get_base64()}\n"


def known(folder: Path, *texts: str, strict: bool = False) -> HostKeyFiles:
    """Files with these contents."""
    paths = [folder / f"file{number}" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return HostKeyFiles(paths, strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        line(OLD),
        f"# x\n\n{line(NEW, 'other')}{line(OLD)}",
        line(OLD, f"name,{HOST}"),
        line(OLD, paramiko.HostKeys.hash_host(HOST)),
        f"@cert-authority * {line(NEW)}{line(OLD)}",
        f"other garbage\n{HOST} unknown-type AAAA\n{line(OLD)}",
        line(OLD) + line(NEW),
    ],
)
def test_a_known_key_is_accepted(tmp_path: Path, text: str, strict: bool) -> None:
    files = known(tmp_path, text, strict=strict)
    files.check(HOST, 22, OLD)
    assert files.newly_pinned is None
    assert files.files[0].read_text() == text


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("shown", [NEW, OTHER_TYPE], ids=["same type", "other type"])
def test_a_changed_key_is_refused(tmp_path: Path, shown: paramiko.PKey, strict: bool) -> None:
    files = known(tmp_path, "", f"# x\n{line(OLD)}", strict=strict)
    with pytest.raises(HostKeyError) as caught:
        files.check(HOST, 22, shown)
    assert str(caught.value) == (
        f"Cannot reach {HOST} port 22: it shows the host key {shown.fingerprint}, but {OLD.fingerprint} is pinned in "
        f"{tmp_path}/file1 line 2. If the host was installed anew, remove that line; if not, somebody may be between "
        "you and the host."
    )
    assert files.files[0].read_text() == ""


def test_a_revoked_key_is_refused(tmp_path: Path) -> None:
    files = known(tmp_path, f"@revoked {line(OLD)}", line(OLD))
    with pytest.raises(HostKeyError, match="is revoked"):
        files.check(HOST, 22, OLD)


def test_a_new_host_is_pinned_once(tmp_path: Path) -> None:
    files = HostKeyFiles([tmp_path / "new" / "pins", tmp_path / "missing"], strict=False)
    for _ in range(2):
        files.check(HOST, 2222, OLD)
    assert files.newly_pinned == OLD.fingerprint
    assert files.files[0].read_text() == line(OLD, f"[{HOST}]:2222")


def test_an_unknown_host_is_refused_when_strict(tmp_path: Path) -> None:
    files = known(tmp_path, line(OLD, "other"), strict=True)
    with pytest.raises(HostKeyError, match=re.escape(f"its host key {OLD.fingerprint} is unknown")):
        files.check(HOST, 22, OLD)
    assert files.files[0].read_text() == line(OLD, "other")


def test_a_damaged_line_about_the_host_is_shown(tmp_path: Path) -> None:
    files = known(tmp_path, f"{HOST} ssh-ed25519 AAAA!\n")
    with pytest.raises(ConfigError) as caught:
        files.check(HOST, 22, OLD)
    assert str(caught.value) == f"{tmp_path}/file0:1: this is no host key: '{HOST} ssh-ed25519 AAAA!'"


def test_a_file_of_the_system_may_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    HostKeyFiles([tmp_path / "pins", tmp_path / "link", tmp_path], strict=False).check(HOST, 22, OLD)


def test_keys_kept_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text(f"{line(NEW)}\n{line(OLD, 'father')}\n")
    files = HostKeyFiles([tmp_path / "pins"], strict=True, alias="father")
    files.check(HOST, 2222, OLD)
    with pytest.raises(HostKeyError):
        files.check(HOST, 22, NEW)


def test_a_pin_starts_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text("# no line feed")
    pin(tmp_path / "pins", HOST, OLD)
    assert (tmp_path / "pins").read_text() == f"# no line feed\n{line(OLD)}"


def test_nothing_to_take_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(line(OLD))
    with pytest.raises(ConfigError) as caught:
        keys_of(tmp_path / "file", HOST, 2222)
    assert str(caught.value) == (
        f"{tmp_path}/file: no host key of [{HOST}]:2222 in it. 'ssh-keyscan -p 2222 {HOST}' shows one."
    )
    assert pinned_name(HOST, 22) == HOST
