# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package repositories that Proxmox provides, and those an installation has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

FOLDER = "/etc/apt/sources.list.d"
SUITE, CEPH = "trixie", "ceph-squid"
DOWNLOAD, ENTERPRISE = "http://download.proxmox.com/debian", "https://enterprise.proxmox.com/debian"
# Handle -> name, address, component and file of a repository that Proxmox provides.
STANDARD: Mapping[str, tuple[str, str, str, str]] = {
    "enterprise": ("Enterprise", f"{ENTERPRISE}/pve", "pve-enterprise", "pve-enterprise.sources"),
    "no-subscription": ("No-Subscription", f"{DOWNLOAD}/pve", "pve-no-subscription", "proxmox.sources"),
    "test": ("Test", f"{DOWNLOAD}/pve", "pve-test", "proxmox.sources"),
    "ceph-squid-enterprise": ("Ceph Squid Enterprise", f"{ENTERPRISE}/{CEPH}", "enterprise", "ceph.sources"),
    "ceph-squid-no-subscription": (
        "Ceph Squid No-Subscription",
        f"{DOWNLOAD}/{CEPH}",
        "no-subscription",
        "ceph.sources",
    ),
    "ceph-squid-test": ("Ceph Squid Test", f"{DOWNLOAD}/{CEPH}", "test", "ceph.sources"),
}


def repository(uri: str, component: str, suite: str = SUITE) -> Values:
    """A repository as the API tells of it."""
    return {
        "Types": ["deb"],
        "URIs": [uri],
        "Suites": [suite],
        "Components": [component],
        "FileType": "sources",
        "Enabled": 1,
    }


def standard(handle: str) -> Values:
    """One that Proxmox provides."""
    _, uri, component, _ = STANDARD[handle]
    return repository(uri, component)


# What an installation has.
AS_INSTALLED: Mapping[str, tuple[Values, ...]] = {
    f"{FOLDER}/ceph.sources": (standard("ceph-squid-enterprise"),),
    f"{FOLDER}/debian.sources": (
        repository("http://deb.debian.org/debian", "main"),
        repository("http://security.debian.org/debian-security", "main", f"{SUITE}-security"),
    ),
    f"{FOLDER}/pve-enterprise.sources": (standard("enterprise"),),
}
