# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root's SSH key and authorized keys as a PVE node has them.

A node makes a key for root when it starts for the first time, and keeps authorized_keys in the cluster file system
with a link to it where sshd looks (pve-cluster, PVE/Cluster/Setup.pm: ssh_merge_keys, setup_rootsshconfig).
"""

from __future__ import annotations

import subprocess
from pathlib import Path


def ensure(home: Path, etc: Path) -> None:
    """Make the key pair and move ``home``'s authorized_keys into ``etc`` (/etc/pve), unless that is done."""
    _make_key(home / ".ssh" / "id_rsa")
    _link_authorized_keys(home / ".ssh" / "authorized_keys", etc / "priv" / "authorized_keys")


def _make_key(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _link_authorized_keys(link: Path, target: Path) -> None:
    if link.is_symlink():
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.touch(mode=0o600)
    if link.exists():
        with target.open("a", encoding="utf-8") as keys:
            keys.write(link.read_text(encoding="utf-8"))
    fresh = link.with_name(".authorized_keys.new")
    fresh.symlink_to(target)
    # In one step: somebody may be logging in.
    fresh.replace(link)
