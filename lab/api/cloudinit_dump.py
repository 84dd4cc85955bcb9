# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents PVE writes for cloud-init (PVE/QemuServer/Cloudinit.pm): ``.../cloudinit/dump``."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from lab.api.cloudinit import cards, mac_of, options, ssh_keys

Config = Mapping[str, Any]


def user_document(config: Config) -> str:
    """What cloud-init is told about the user."""
    name = config.get("name", "")
    domain = f".{config['searchdomain']}" if "searchdomain" in config else ""
    lines = ["#cloud-config", f"hostname: {name}", "manage_etc_hosts: true", f"fqdn: {name}{domain}"]
    lines += [f"user: {config['ciuser']}"] if "ciuser" in config else []
    lines += [f"password: {config['cipassword']}"] if "cipassword" in config else []
    keys = ssh_keys(config)
    lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)] if keys else []
    lines += ["chpasswd:", "  expire: False", "users:", "  - default"]
    lines += ["package_upgrade: true"] if config.get("ciupgrade", 1) else []
    return "\n".join(lines) + "\n"


def _subnet(settings: Mapping[str, str]) -> list[str]:
    address = settings.get("ip", "dhcp")
    if address == "dhcp":
        return ["      - type: dhcp4"]
    interface = ipaddress.ip_interface(address)
    lines = ["      - type: static", f"        address: '{interface.ip}'", f"        netmask: '{interface.netmask}'"]
    return lines + ([f"        gateway: '{settings['gw']}'"] if "gw" in settings else [])


def network_document(config: Config) -> str:
    """What cloud-init is told about the cards."""
    lines = ["version: 1", "config:"]
    for number, card in cards(config):
        lines += [
            "    - type: physical",
            f"      name: eth{number}",
            f"      mac_address: '{mac_of(card).lower()}'",
            "      subnets:",
            *_subnet(options(str(config.get(f"ipconfig{number}", "ip=dhcp")))),
        ]
    lines += ["    - type: nameserver", "      address:", *_list(config.get("nameserver", ""))]
    if "searchdomain" in config:
        lines += ["      search:", *_list(config["searchdomain"])]
    return "\n".join(lines) + "\n"


def _list(text: str) -> list[str]:
    return [f"      - '{item}'" for item in text.split()]


def with_resolver(config: Config, resolver: Mapping[str, str]) -> dict[str, Any]:
    """A configuration with the node's name servers and search domain, where it has none of its own."""
    servers = " ".join(resolver[name] for name in ("dns1", "dns2", "dns3") if name in resolver)
    own = {"nameserver": servers, "searchdomain": resolver.get("search", "")}
    return {**{name: value for name, value in own.items() if value}, **config}


def meta_document(config: Config) -> str:
    """The instance id: another one whenever what the guest is told has changed."""
    told = user_document(config) + network_document(config)
    return f"instance-id: {hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()}\n"


DOCUMENTS: Mapping[str, Callable[[Config], str]] = {
    "user": user_document,
    "network": network_document,
    "meta": meta_document,
}
