# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cloud-init does at the first boot of an instance, for the settings Proxmox VE passes to it.

Source: https://pve.proxmox.com/wiki/Cloud-Init_Support; the instance changes when a setting does, so a changed
configuration is applied at the next start, and a reboot of an unchanged one touches nothing.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from lab.guests import commands, interfaces
from lab.guests.bootdoc import BootDocument

INSTANCE = Path("/var/lib/homelab-pve-instance")
HOSTS = Path("/etc/hosts")
MACHINE_ID = Path("/etc/machine-id")
HOST_KEY = Path("/etc/ssh/ssh_host_ed25519_key")


def apply(document: BootDocument) -> None:
    """Configure the guest when this instance boots for the first time."""
    applied = _applied()
    if applied not in (None, document["instance"]):
        _forget_identity()
    ensure_identity()
    if applied == document["instance"]:
        return
    _write_names(document["hostname"], document["searchdomain"])
    _configure_user(document["user"], document["password"])
    if document["ssh_keys"]:
        _authorize(document["user"], document["ssh_keys"])
    _configure_network(document)
    write(INSTANCE, f"{document['instance']}\n", 0o600)


def _applied() -> str | None:
    return INSTANCE.read_text(encoding="utf-8").strip() if INSTANCE.exists() else None


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file, never leaving half of it and never following a link out of place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)


def _forget_identity() -> None:
    """Another instance on the same disk, as in a clone of a guest that has run: cloud-init gives it new host keys."""
    for path in (HOST_KEY, HOST_KEY.with_suffix(".pub"), MACHINE_ID):
        path.unlink(missing_ok=True)


def ensure_identity() -> None:
    """Give the guest a machine id and an SSH host key, where it has none."""
    if not MACHINE_ID.exists():
        write(MACHINE_ID, f"{os.urandom(16).hex()}\n", 0o444)
    if not HOST_KEY.exists():
        commands.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(HOST_KEY)])


def _write_names(hostname: str, domain: str | None) -> None:
    """Name the host as PVE's user-data asks with ``manage_etc_hosts: true``: on 127.0.1.1, unless it is known."""
    names = f"{hostname}.{domain} {hostname}" if domain else hostname
    write(Path("/etc/hostname"), f"{hostname}\n", 0o644)
    if hostname in HOSTS.read_text(encoding="utf-8").split():
        return
    hosts = f"127.0.1.1 {names}\n127.0.0.1 localhost\n\n::1 localhost ip6-localhost ip6-loopback\n"
    write(HOSTS, hosts, 0o644)


def _configure_user(user: str, password: str | None) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError:
        # "*" is no password; useradd's own default, "!", is a locked account, which sshd refuses without PAM.
        options = ["--create-home", "--shell", "/bin/bash", "--groups", "sudo", "--password", "*"]
        commands.run(["/usr/sbin/useradd", *options, user])
        write(Path("/etc/sudoers.d/90-cloud-init-users"), f"{user} ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    if password:
        # PVE hands over a crypt(3) hash; plain text is hashed here.
        how = ["--encrypted"] if password.startswith("$") else ["--crypt-method", "SHA256"]
        commands.run(["/usr/sbin/chpasswd", *how], f"{user}:{password}\n")
        write(Path("/etc/ssh/sshd_config.d/50-cloud-init.conf"), "PasswordAuthentication yes\n", 0o600)


def _authorize(user: str, keys: list[str]) -> None:
    """Write the user's authorized_keys."""
    entry = pwd.getpwnam(user)
    directory = Path(entry.pw_dir, ".ssh")
    directory.mkdir(mode=0o700, exist_ok=True)
    target = directory / "authorized_keys"
    write(target, "".join(f"{key.strip()}\n" for key in keys), 0o600)
    for path in (directory, target):
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _configure_network(document: BootDocument) -> None:
    """Write interfaces(5), unless no card has a configuration: then the image's own stays."""
    nics = [(nic["name"], nic["address"], nic["gateway"]) for nic in document["nics"]]
    if any(address for _, address, _ in nics):
        write(Path("/etc/network/interfaces"), interfaces.render(nics), 0o644)
    lines = [f"search {document['searchdomain']}"] if document["searchdomain"] else []
    lines += [f"nameserver {server}" for server in (document["nameserver"] or "").replace(",", " ").split()]
    if lines:
        write(Path("/etc/resolv.conf"), "\n".join(lines) + "\n", 0o644)
