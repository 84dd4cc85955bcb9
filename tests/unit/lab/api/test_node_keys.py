"""Root's SSH files on a node are laid out as Proxmox VE does it."""

from __future__ import annotations

from pathlib import Path

from lab.api import node_keys


def test_key_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        node_keys.ensure(tmp_path / "root", tmp_path / "pve")
        keys = [(tmp_path / "root/.ssh" / name).read_bytes() for name in ("id_rsa", "id_rsa.pub")]
    node_keys.ensure(tmp_path / "root", tmp_path / "pve")
    assert [(tmp_path / "root/.ssh" / name).read_bytes() for name in ("id_rsa", "id_rsa.pub")] == keys
    assert (tmp_path / "root/.ssh/id_rsa").stat().st_mode & 0o777 == 0o600


def test_authorized_keys_become_a_link_that_is_kept(tmp_path: Path) -> None:
    link, target = tmp_path / "root/.ssh/authorized_keys", tmp_path / "pve/priv/authorized_keys"
    link.parent.mkdir(parents=True)
    link.write_text("ssh-ed25519 AAAA someone\n")
    node_keys.ensure(tmp_path / "root", tmp_path / "pve")
    with link.open("a") as keys:
        keys.write("ssh-rsa BBBB another\n")
    node_keys.ensure(tmp_path / "root", tmp_path / "pve")
    assert link.is_symlink()
    assert target.read_text() == "ssh-ed25519 AAAA someone\nssh-rsa BBBB another\n"
    assert target.stat().st_mode & 0o777 == 0o600
