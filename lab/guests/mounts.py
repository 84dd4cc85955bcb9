# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assembles a guest's root inside its new mount namespace and moves into it."""

from __future__ import annotations

import os
from pathlib import Path

from lab.guests import node, volume
from lab.guests.bootdoc import BootDocument, LibraryDocument
from lab.guests.syscalls import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    bind,
    mount,
    pivot_root,
    remount,
)

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# Settings of the whole machine, which a guest may read; and what in them is the guest's own network's.
_MACHINES_OWN = {
    "/proc/sys": ["/proc/sys/net"],
    "/proc/sysrq-trigger": [],
    "/sys": ["/sys/devices/virtual/net"],
}
# What a distribution's tmpfiles.d would make below /run.
_RUN_DIRECTORIES = ("sshd", "network", "lock", "homelab-pve-lab")
_NO_PROGRAMS = MS_NOSUID | MS_NODEV | MS_NOEXEC


def enter_root(document: BootDocument) -> bool:
    """Mount everything and pivot into the guest's root; True when the guest is a node."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    root = str(Path(document["volume"]) / volume.MOUNTPOINT)
    _mount_overlay(document, root)
    _mount_kernel_files(root)
    _mount_devices(f"{root}/dev")
    _mount_temporary(root)
    _replace_boot_id(root, document["boot_id"])
    is_node = Path(root + node.API_CONFIG).exists()
    if is_node:
        _mount_library(root, document["library"])
        _mount_state(root, document["volume"])
        _claim_nested_virtualisation(root)
    pivot_root(root)
    return is_node


def _mount_overlay(document: BootDocument, root: str) -> None:
    parts = Path(document["volume"])
    options = [
        f"lowerdir={document['library']['base']}",
        f"upperdir={parts / volume.ROOT}",
        f"workdir={parts / volume.WORK}",
    ]
    # Trusted attributes are root's alone; a user namespace keeps the overlay's marks in user attributes.
    if document["rootless"]:
        options.append("userxattr")
    mount("overlay", root, "overlay", 0, ",".join(options))


def _mount_kernel_files(root: str) -> None:
    mount("proc", f"{root}/proc", "proc", _NO_PROGRAMS)
    mount("sysfs", f"{root}/sys", "sysfs", _NO_PROGRAMS)
    for path, writable in _MACHINES_OWN.items():
        _bind_over_itself(root + path, _NO_PROGRAMS | MS_RDONLY)
        for part in writable:
            _bind_over_itself(root + part, _NO_PROGRAMS)


def _bind_over_itself(path: str, flags: int) -> None:
    """Give a part of a mounted tree flags of its own, when this kernel has that part."""
    if Path(path).exists():
        bind(path, path)
        remount(path, flags)


def _mount_devices(dev: str) -> None:
    """A private /dev: device nodes are bound, as mknod(2) is refused in a user namespace."""
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in _DEVICES:
        Path(dev, name).touch()
        bind(f"/dev/{name}", f"{dev}/{name}")
    for name in ("pts", "shm"):
        Path(dev, name).mkdir()
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    mount("tmpfs", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for name, target in _DEVICE_LINKS.items():
        Path(dev, name).symlink_to(target)


def _mount_temporary(root: str) -> None:
    mount("tmpfs", f"{root}/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")  # noqa: S108 - the guest's own
    for name in _RUN_DIRECTORIES:
        Path(root, "run", name).mkdir()


def _replace_boot_id(root: str, boot_id: str) -> None:
    """Give the boot an identity of its own: Ansible's reboot module watches it."""
    source = Path(root, "run/homelab-pve-lab/boot_id")
    source.write_text(f"{boot_id}\n", encoding="utf-8")
    bind(str(source), f"{root}/proc/sys/kernel/random/boot_id", read_only=True)


def _mount_library(root: str, library: LibraryDocument) -> None:
    for source, target in (
        (library["base"], node.LIBRARY_BASE),
        (library["lab"], node.LIBRARY_LAB),
        (library["python"], node.LIBRARY_PYTHON),
    ):
        os.makedirs(root + target, exist_ok=True)  # noqa: PTH103 - root + absolute path
        bind(source, root + target, read_only=True)


def _mount_state(root: str, boot_volume: str) -> None:
    os.makedirs(root + node.STATE, mode=0o700, exist_ok=True)  # noqa: PTH103 - root + absolute path
    bind(str(Path(boot_volume) / volume.DATA), root + node.STATE)


def _claim_nested_virtualisation(root: str) -> None:
    """Namespaces nest, whatever the processor can do: say so where a check for nested KVM looks.

    Source: https://pve.proxmox.com/wiki/Nested_Virtualization reads /sys/module/kvm_intel/parameters/nested.
    """
    modules = f"{root}/sys/module"
    mount("tmpfs", modules, "tmpfs", _NO_PROGRAMS, "mode=755,size=64k")
    parameters = Path(modules, "kvm_intel", "parameters")
    parameters.mkdir(parents=True)
    (parameters / "nested").write_text("Y\n", encoding="utf-8")
