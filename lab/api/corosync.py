# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's corosync.conf as data (PVE/Corosync.pm; ../golden cluster-create-join). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

TOKEN_COEFFICIENT = 125
LINKS = 8


class CorosyncError(Exception):
    """A node that cannot be added or removed; the text is PVE's."""


@dataclass
class Member:
    """A node of the cluster; ``links`` are its addresses by the number of the network."""

    nodeid: int
    votes: int
    links: dict[int, str]

    def options(self, name: str) -> dict[str, str]:
        """Its options, all of them texts."""
        rings = {f"ring{number}_addr": address for number, address in sorted(self.links.items())}
        return {"name": name, "nodeid": str(self.nodeid), "quorum_votes": str(self.votes), **rings}


@dataclass
class Corosync:
    """The configuration; ``version`` counts its changes."""

    name: str
    version: int = 1
    token_coefficient: int = TOKEN_COEFFICIENT
    priorities: dict[int, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)

    # ------------------------------------------------------------ persistence

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Corosync:
        """What :meth:`document` gave; JSON has made texts of the numbers that were keys."""
        members = {
            name: Member(item["nodeid"], item["votes"], _numbered(item["links"]))
            for name, item in document["members"].items()
        }
        return cls(**{**document, "priorities": _numbered(document["priorities"]), "members": members})

    # ------------------------------------------------------------------ views

    def links(self) -> list[int]:
        """The numbers of the networks; every node is on all of them."""
        return sorted({number for member in self.members.values() for number in member.links})

    def _interface(self, number: int) -> dict[str, str]:
        priority = self.priorities.get(number)
        return {"linknumber": str(number)} | ({"knet_link_priority": str(priority)} if priority else {})

    def _settings(self) -> dict[str, str]:
        return {
            "cluster_name": self.name,
            "config_version": str(self.version),
            "ip_version": "ipv4-6",
            "link_mode": "passive",
            "secauth": "on",
            "token_coefficient": str(self.token_coefficient),
            "version": "2",
        }

    def totem(self) -> dict[str, Any]:
        """The section ``totem`` as the API tells it."""
        return {**self._settings(), "interface": {str(number): self._interface(number) for number in self.links()}}

    def text(self) -> str:
        """The file: sections and options in alphabetical order."""
        nodes = [("node", member.options(name)) for name, member in sorted(self.members.items())]
        interfaces = [("interface", self._interface(number)) for number in self.links()]
        totem = sorted([*self._settings().items(), *interfaces], key=lambda entry: entry[0])
        sections: dict[str, Any] = {
            "logging": {"debug": "off", "to_syslog": "yes"}.items(),
            "nodelist": nodes,
            "quorum": {"provider": "corosync_votequorum"}.items(),
            "totem": totem,
        }
        return "".join(f"{name} {{\n{_lines(entries)}}}\n\n" for name, entries in sections.items())

    def digest(self) -> str:
        """SHA-1 of the file."""
        return hashlib.sha1(self.text().encode(), usedforsecurity=False).hexdigest()

    # ---------------------------------------------------------------- changes

    def add(self, name: str, member: Member, *, force: bool = False) -> None:
        """Add a node. Raises CorosyncError."""
        self._check_addresses(name, member)
        self._check_links(member)
        if name in self.members and not force:
            raise CorosyncError(f"can't add existing node '{name}'")
        self.members[name] = member
        self.version += 1

    def _check_addresses(self, name: str, member: Member) -> None:
        for other, there in self.members.items():
            for number, address in there.links.items():
                if other != name and address in member.links.values():
                    raise CorosyncError(
                        f"corosync: address '{address}' already used on link ring{number}_addr by node '{other}'"
                    )

    def _check_links(self, member: Member) -> None:
        for number in range(LINKS):
            if number in self.links() and number not in member.links:
                raise CorosyncError(
                    f"corosync: link {number} exists in cluster config but wasn't specified for new node"
                )
            if number not in self.links() and number in member.links:
                raise CorosyncError(f"corosync: link {number} specified for new node doesn't exist in cluster config")

    def remove(self, named: str) -> str:
        """Remove a node by its name or an address; returns its name. Raises CorosyncError."""
        for name, member in self.members.items():
            if named == name or named in member.links.values():
                del self.members[name]
                self.version += 1
                return name
        raise CorosyncError(f"Node/IP: {named} is not a known host of the cluster.")

    def free_id(self) -> int:
        """The lowest number no node has."""
        used = {member.nodeid for member in self.members.values()}
        return next(number for number in count(1) if number not in used)


def _numbered(document: Mapping[Any, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in document.items()}


def _lines(entries: Any, indent: str = "  ") -> str:  # noqa: ANN401 - pairs of a name and a text or options
    return "".join(
        f"{indent}{name} {{\n{_lines(sorted(value.items()), indent * 2)}{indent}}}\n"
        if isinstance(value, dict)
        else f"{indent}{name}: {value}\n"
        for name, value in entries
    )
