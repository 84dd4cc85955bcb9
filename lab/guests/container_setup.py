# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Proxmox VE writes into a container before every start, inside the container.

Source: pve-container, PVE/LXC/Setup/Base.pm (pre_start_hook) and Debian.pm: names, DNS and the network follow the
configuration each time, whatever the container made of them; users, keys and passwords are written once, at creation.
"""

from __future__ import annotations

import re
from pathlib import Path

from lab.guests import firstboot, interfaces
from lab.guests.bootdoc import BootDocument

HOSTS = Path("/etc/hosts")
RESOLV_CONF = Path("/etc/resolv.conf")
INTERFACES = Path("/etc/network/interfaces")
BEGIN, END = "# --- BEGIN PVE ---\n", "# --- END PVE ---\n"
_SECTION = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)


def apply(document: BootDocument) -> None:
    """Bring the container's files in line with its configuration."""
    firstboot.ensure_identity()
    write_network(document)
    hostname = document["hostname"]
    firstboot.write(Path("/etc/hostname"), f"{hostname.partition('.')[0]}\n", 0o644)
    hosts = HOSTS.read_text(encoding="utf-8") if HOSTS.exists() else ""
    firstboot.write(HOSTS, with_section(hosts, f"{host_address(document)} {names(document)}\n"), 0o644)
    firstboot.write(RESOLV_CONF, f"{BEGIN}{dns_lines(document)}{END}", 0o644)


def write_network(document: BootDocument) -> None:
    """Write interfaces(5) for the cards of the configuration."""
    nics = [(nic["name"], nic["address"], nic["gateway"]) for nic in document["nics"]]
    nics6 = [(nic["name"], nic["address6"], nic["gateway6"]) for nic in document["nics"] if nic["address6"]]
    firstboot.write(INTERFACES, interfaces.render(nics, nics6), 0o644)


def with_section(text: str, lines: str) -> str:
    """A file's text with PVE's own section, which takes the place of an older one or goes to the end."""
    section = f"{BEGIN}{lines}{END}"
    return _SECTION.sub(lambda _: section, text, count=1) if _SECTION.search(text) else text + section


def host_address(document: BootDocument) -> str:
    """The address that /etc/hosts has for the container's own name: its first static one, else one of loopback."""
    found = [nic[key] for key in ("address", "address6") for nic in document["nics"] if "/" in (nic[key] or "")]
    return found[0].partition("/")[0] if found and found[0] else "127.0.1.1"


def names(document: BootDocument) -> str:
    """The container's names, the longest first."""
    hostname = document["hostname"]
    if "." in hostname:
        return f"{hostname} {hostname.partition('.')[0]}"
    domains = (document["searchdomain"] or "").replace(",", " ").split()
    return " ".join([*(f"{hostname}.{domain}" for domain in domains), hostname])


def dns_lines(document: BootDocument) -> str:
    """resolv.conf(5) for the configuration."""
    domains = (document["searchdomain"] or "").replace(",", " ").split()
    servers = (document["nameserver"] or "").replace(",", " ").split()
    lines = [f"search {' '.join(domains)}"] if domains else []
    return "".join(f"{line}\n" for line in [*lines, *(f"nameserver {server}" for server in servers)])
