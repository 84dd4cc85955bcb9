# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version a node of the lab says it is, and the packages it has: those of the recorded nodes (../golden)."""

from __future__ import annotations

VERSION = "9.2.11"
RELEASE = "9.2"
REPOSITORY_ID = "14a22df3b8d5e3a1"
KERNEL = "6.18.44-1-pve"

# Paths that a release brought; those before it do not know them (HA groups became rules with 9).
SINCE = {(9,): ("/cluster/ha/rules", "/cluster/bulk-action")}
# Methods that a release brought to a path (pve-manager, PVE/API2/Pool.pm: pools in pools).
METHODS_SINCE = {(8, 1): (("PUT", "/pools"), ("DELETE", "/pools"))}

# What ``pveversion -v`` lists, in its order: the most important first, then by name (PVE/API2/APT.pm).
PACKAGES = {
    "proxmox-ve": "9.2.0",
    "pve-manager": "9.2.11",
    "proxmox-kernel-6.18.44-1-pve-signed": "6.18.44-1",
    "proxmox-kernel-6.18": "6.18.44-1",
    "ceph-fuse": "19.2.3-pve2",
    "corosync": "3.1.9-pve2",
    "criu": "4.1.1-1",
    "frr-pythontools": "10.3.1-1+pve4",
    "ifupdown2": "3.3.0-1+pmx11",
    "ksm-control-daemon": "1.5-1",
    "libjs-extjs": "7.0.0-5",
    "libknet1": "1.31-pve1",
    "libproxmox-acme-perl": "1.7.0",
    "libproxmox-backup-qemu0": "2.0.1",
    "libproxmox-rs-perl": "0.4.1",
    "libpve-access-control": "9.1.1",
    "libpve-apiclient-perl": "3.4.2",
    "libpve-cluster-api-perl": "9.1.6",
    "libpve-cluster-perl": "9.1.6",
    "libpve-common-perl": "9.2.1",
    "libpve-guest-common-perl": "6.0.2",
    "libpve-http-server-perl": "6.0.5",
    "libpve-network-perl": "1.2.3",
    "libpve-notify-perl": "9.1.6",
    "libpve-rs-perl": "0.11.3",
    "libpve-storage-perl": "9.1.7",
    "libqb0": "2.0.8-2",
    "libspice-server1": "0.15.2-1+b1",
    "lvm2": "2.03.31-2+pmx1",
    "lxc-pve": "6.0.5-3",
    "lxcfs": "6.0.4-pve1",
    "novnc-pve": "1.6.0-3",
    "proxmox-backup-client": "4.0.20-1",
    "proxmox-backup-file-restore": "4.0.20-1",
    "proxmox-backup-restore-image": "1.0.0",
    "proxmox-firewall": "1.2.1",
    "proxmox-kernel-helper": "9.0.4",
    "proxmox-mail-forward": "1.0.2",
    "proxmox-mini-journalreader": "1.6",
    "proxmox-offline-mirror-helper": "0.7.3",
    "proxmox-widget-toolkit": "5.1.2",
    "pve-cluster": "9.1.6",
    "pve-container": "6.1.10",
    "pve-docs": "9.2.2",
    "pve-edk2-firmware": "4.2025.05-2",
    "pve-esxi-import-tools": "1.0.1",
    "pve-firewall": "6.0.4",
    "pve-firmware": "3.17-2",
    "pve-ha-manager": "5.2.0",
    "pve-i18n": "3.6.2",
    "pve-qemu-kvm": "10.1.2-4",
    "pve-xtermjs": "5.5.0-3",
    "qemu-server": "9.2.6",
    "smartmontools": "7.4-pve1",
    "spiceterm": "3.4.1",
    "swtpm": "0.8.0+pve3",
    "vncterm": "1.9.1",
    "zfsutils-linux": "2.3.4-pve1",
}


def number(release: str) -> tuple[int, ...]:
    """(9, 2) of ``9.2``."""
    return tuple(map(int, release.split(".")))


def is_known(template: str, release: str, method: str = "") -> bool:
    """Whether a release knows a path of the schema, which is that of the newest, and a method of it."""
    now = number(release)
    paths = (path for since, found in SINCE.items() if now < since for path in found)
    methods = (call for since, calls in METHODS_SINCE.items() if now < since for call in calls)
    return not template.startswith(tuple(paths)) and (method, template) not in methods
