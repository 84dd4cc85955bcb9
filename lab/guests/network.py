# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings up a guest's network from /etc/network/interfaces, inside the guest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.guests import commands, interfaces

INTERFACES = Path("/etc/network/interfaces")
_IP = "/usr/sbin/ip"


def bring_up(only: Sequence[str] | None = None) -> None:
    """Configure the ``auto`` interfaces, all or ``only`` some; DHCP clients go on in the background.

    Raises CommandFailedError.
    """
    text = INTERFACES.read_text(encoding="utf-8")
    plan = interfaces.plan(text, _card_addresses(), only) if _self_contained() else None
    if plan is None:
        commands.run(["/usr/sbin/ifup", *(["-a"] if only is None else only)])
        return
    commands.run([_IP, "-batch", "-"], "\n".join(plan.batch) + "\n")
    for name in plan.dhcp:
        commands.start(dhcp_command(name), output="/var/log/dhclient.log")


def dhcp_command(name: str) -> list[str]:
    """The DHCP client with the files ifupdown2 expects, so that a later ifreload finds and ends it."""
    return [
        "/usr/sbin/dhclient",
        "-pf",
        f"/run/dhclient.{name}.pid",
        "-lf",
        f"/var/lib/dhcp/dhclient.{name}.leases",
        name,
    ]


def _self_contained() -> bool:
    """Whether nothing is configured by files beside the main one."""
    return not any(Path("/etc/network/interfaces.d").glob("*"))


def _card_addresses() -> dict[str, str]:
    return {card.name: (card / "address").read_text(encoding="utf-8").strip() for card in _cards()}


def _cards() -> list[Path]:
    """Entries of /sys/class/net that are interfaces (bonding_masters is a plain file)."""
    return [entry for entry in Path("/sys/class/net").iterdir() if (entry / "address").is_file()]
