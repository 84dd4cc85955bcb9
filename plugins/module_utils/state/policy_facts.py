# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policies look at: each answer is read once, whichever policies and things it is needed for. Reads only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, kept, url
from ansible_collections.homelab.pve.plugins.module_utils.resources import backups, container_config, vm_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import EMPTY_DRIVE
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import UNMANAGED, Guest, read_guests

T = TypeVar("T")

DAY = 24 * 3600
VOLUME = re.compile(r"(?:ide|sata|scsi|virtio|efidisk|tpmstate|mp)\d+|rootfs")
"""Keys of a guest's configuration that hold a volume, those apart that are unused."""

CERTIFICATES = ("pveproxy-ssl.pem", "pve-ssl.pem")
"""What a node serves, the first of them that there is (PVE::CertHelpers)."""

ONLINE = "online"


@dataclass(frozen=True)
class Volume:
    """A volume of a guest: its key, its storage, and its options as Proxmox VE writes them."""

    key: str
    storage: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """Reads, and when it is now, in seconds since 1970. ``says`` runs a command on the node that is asked."""

    read: Reader
    now: float
    says: Callable[[Sequence[str]], str]

    # ------------------------------------------------------------ guests

    def guests(self) -> tuple[Guest, ...]:
        """All guests the login may see."""
        return read_guests(self.read)

    def config(self, guest: Guest) -> Values:
        """A guest's configuration."""
        found: Values = self.read.get(guest.path("config")) or {}
        return found

    def cards(self, guest: Guest) -> dict[str, dict[str, Json]]:
        """A guest's network cards, by key."""
        shown = vm_config.shown_nics if guest.type == "qemu" else container_config.shown_nics
        return shown(self.config(guest))

    def volumes(self, guest: Guest) -> list[Volume]:
        """What a guest has on storages."""
        return list(_volumes(self.config(guest)))

    def snapshots(self, guest: Guest) -> list[Values]:
        """A guest's snapshots; what it is now is none."""
        return [row for row in self.read.get(guest.path("snapshot")) or () if row.get("snaptime")]

    def newest_backups(self) -> dict[int, float]:
        """By vmid: when its newest backup was made."""
        return kept(self.read, "newest backups", self._newest_backups)

    def _newest_backups(self) -> dict[int, float]:
        rows = backups.info(self.read, {})["backups"]
        return {row["vmid"]: row["ctime"] for row in reversed(rows) if row["vmid"] is not None}

    def jobs(self) -> list[Values]:
        """The jobs that make backups, those apart that are switched off."""
        rows = self.read.get("/cluster/backup") or ()
        return [row for row in rows if truth(row.get("enabled", 1))]

    def managed(self) -> frozenset[int]:
        """Guests that high availability looks after."""
        rows = self.read.get("/cluster/ha/resources") or ()
        kept_running = (row for row in rows if row.get("state", "started") not in UNMANAGED)
        return frozenset(int(str(row["sid"]).rpartition(":")[2]) for row in kept_running)

    def replicated(self) -> frozenset[int]:
        """Guests that are replicated to another node."""
        rows = self.read.get("/cluster/replication") or ()
        return frozenset(int(row["guest"]) for row in rows if not truth(row.get("disable") or 0))

    def may(self, privileges: Sequence[str], path: str) -> bool:
        """Whether the login has one of the privileges on a path."""
        found = self.read.get("/access/permissions", {"path": path}) or {}
        return any(truth(found.get(path, {}).get(name) or 0) for name in privileges)

    # ------------------------------------------------------------ nodes and storages

    def nodes(self) -> list[Values]:
        """The cluster's nodes, by name."""
        return sorted(self.read.get("/nodes") or (), key=lambda row: str(row["node"]))

    def here(self) -> str:
        """The node that is asked."""
        rows = (row for row in self.cluster() if row.get("type") == "node")
        return next((str(row["name"]) for row in rows if truth(row.get("local") or 0)), "")

    def cluster(self) -> list[Values]:
        """The rows of the cluster and its nodes."""
        found: list[Values] = self.read.get("/cluster/status") or []
        return found

    def certificate(self, node: str) -> Values | None:
        """The certificate a node serves."""
        rows = {row.get("filename"): row for row in self.read.get(url("/nodes/{}/certificates/info", node)) or ()}
        return next((rows[name] for name in CERTIFICATES if name in rows), None)

    def subscription(self, node: str) -> Values:
        """What a node's subscription is."""
        found: Values = self.read.get(url("/nodes/{}/subscription", node)) or {}
        return found

    def version(self, node: str) -> str:
        """The release of Proxmox VE a node runs."""
        return str(self.read.get(url("/nodes/{}/version", node))["version"])

    def storages(self) -> dict[str, Values]:
        """The storages' configuration, by name."""
        return {str(row["storage"]): row for row in self.read.get("/storage") or ()}

    def spaces(self, storage: str) -> list[Values]:
        """How full a storage is on each node that says so."""
        rows = self.read.get("/cluster/resources", {"type": "storage"}) or ()
        return [row for row in rows if row.get("storage") == storage and row.get("maxdisk")]

    # ------------------------------------------------------------ who may do what

    def users(self) -> list[Values]:
        """The users with their tokens."""
        return sorted(self.read.get("/access/users", {"full": True}) or (), key=lambda row: str(row["userid"]))

    def with_second_factor(self) -> frozenset[str]:
        """Users that have one, as far as the login may see them."""
        rows = self.read.get("/access/tfa") or ()
        return frozenset(
            str(row["userid"]) for row in rows if any(truth(item.get("enable", 1)) for item in row.get("entries") or ())
        )

    def sshd(self) -> dict[str, str]:
        """How the node's sshd is set, by option. Raises ConfigError over HTTPS, CommandError where it doesn't tell."""
        pairs = (line.partition(" ") for line in self.says(["/usr/sbin/sshd", "-T"]).splitlines())
        return {name.lower(): value.strip().lower() for name, _space, value in pairs}


def _volumes(config: Values) -> Iterator[Volume]:
    for key, value in sorted(config.items()):
        place, *options = str(value).split(",")
        place = place.removeprefix("file=").removeprefix("volume=")
        if VOLUME.fullmatch(key) and place not in EMPTY_DRIVE and ":" in place:
            pairs = (option.partition("=") for option in options)
            yield Volume(key, place.partition(":")[0], {name: text for name, _equals, text in pairs})
