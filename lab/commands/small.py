# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vzdump, pveam, pvesubscription and pve-firewall: commands of a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.commands import client
from lab.commands.command import Answered, Command, Own, Tree, by_task, lines, own, refusing
from lab.commands.options import Values
from lab.commands.pvesm import storage_of

MIB = 1024**2
NODE = "/nodes/{node}"
SUBSCRIPTION = NODE + "/subscription"
# Sections of Proxmox's index of templates, which the API calls by other names.
SECTIONS = ("system", "mail", "turnkeylinux")

# The guests are one list of words, and a backup of guests that are all elsewhere answers ``OK``.
VZDUMP = Command("POST", NODE + "/vzdump", "vmid", by_task)


def available(values: Values) -> str:
    """``pveam available``: what can be downloaded."""
    index: list[Mapping[str, Any]] = client.call("GET", f"/nodes/{client.node()}/aplinfo")
    rows = sorted((row["section"], row["template"], row.get("architecture", "unknown")) for row in index)
    wanted = values.get("section")
    return lines([f"{row[0]:<15} {row[1]:<60} {row[2]}" for row in rows if wanted in (None, row[0])])


def templates(answered: Answered) -> str:
    """``pveam list``."""
    head = f"{'NAME':<60} {'SIZE':<6}"
    return lines([head, *(f"{row['volid']:<60} {int(row['size']) / MIB:<4.2f}MB" for row in answered.data)])


def remove(values: Values) -> None:
    """``pveam remove``."""
    volume = str(values["template_path"])
    client.call("DELETE", f"/nodes/{client.node()}/storage/{storage_of(volume)}/content/{volume}")


PVEAM: Tree = {
    "update": own(lambda _values: "update successful\n"),
    "available": own(available, section={"type": "string", "enum": list(SECTIONS), "optional": 1}),
    "download": Command("POST", NODE + "/aplinfo", ("storage", "template"), section="PVE::API2::Nodes::Nodeinfo"),
    "list": Command(
        "GET",
        NODE + "/storage/{storage}/content",
        ("storage",),
        templates,
        fixed={"content": "vztmpl", "vmid": None},
        section="PVE::CLI",
    ),
    "remove": Command(
        words=("template_path",),
        own=remove,
        properties={"template_path": {"type": "string", "maxLength": 255}},
        section="PVE::CLI",
    ),
}


def subscription(answered: Answered) -> str:
    """``pvesubscription get``."""
    return lines([f"{key}: {answered.data[key]}" for key in sorted(answered.data)])


PVESUBSCRIPTION: Tree = {
    "get": Command("GET", SUBSCRIPTION, (), subscription),
    "update": Command("POST", SUBSCRIPTION),
    "set": Command("PUT", SUBSCRIPTION, ("key",)),
    "delete": Command("DELETE", SUBSCRIPTION),
    "set-offline-key": own(refusing("not in the lab, which asks no server"), ("data",), data={"type": "string"}),
}


def firewall_status(_values: Values) -> str:
    """``pve-firewall status``: as the cluster's options say; the lab enforces no rule."""
    enabled = client.call("GET", "/cluster/firewall/options").get("enable")
    return f"Status: {'enabled' if enabled else 'disabled'}/running\n"


def firewall_compile(_values: Values) -> str:
    """``pve-firewall compile``: the lab makes no tables of its rules."""
    enabled = client.call("GET", "/cluster/firewall/options").get("enable")
    return "" if enabled else "firewall disabled\n"


def daemon(name: str) -> Own:
    """Starting and stopping the daemon, as the API does."""

    def run(_values: Values) -> None:
        client.call("POST", f"/nodes/{client.node()}/services/pve-firewall/{name}")

    return run


def localnet(_values: Values) -> str:
    """``pve-firewall localnet``: the node and its network."""
    entries = client.call("GET", "/cluster/status")
    here = next((entry.get("ip", "") for entry in entries if entry.get("local")), "")
    return lines([f"local hostname: {client.node()}", f"local IP address: {here}"])


PVE_FIREWALL: Tree = {
    **{name: own(daemon(name)) for name in ("start", "restart", "stop")},
    "status": own(firewall_status),
    "compile": own(firewall_compile),
    "localnet": own(localnet),
}
