# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Proxmox VE hosts of the SSH configuration as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ssh_hosts
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Proxmox VE hosts of the SSH configuration
description:
  - "Lists the hosts that C(./run.sh host add) wrote to the SSH configuration, and those a comment
    C(# homelab.pve: Proxmox VE host) in or above their C(Host) line marks as Proxmox VE hosts."
  - A host keeps its name, so that ssh reads everything about it from its own configuration - keys, jump hosts, pinned
    host keys. Only what playbooks may want to know is set as a variable - C(pve_host) is its address,
    C(pve_ssh_host) its name for the modules' transport V(ssh), C(pve_ssh_key) and C(pve_ssh_jump) are the key and the
    jump hosts of its block, and there are C(ansible_user) and C(ansible_port).
  - No host is connected to.
options:
  plugin:
    description: Must be V(homelab.pve.ssh_hosts).
    type: str
    required: true
    choices: [homelab.pve.ssh_hosts]
  ssh_config:
    description:
      - The SSH configuration to read. Files it includes are read as well.
      - ssh is told to use it when it is not the user's own.
    type: path
    default: ~/.ssh/config
  group:
    description: The group the hosts are put into.
    type: str
    default: pve
extends_documentation_fragment:
  - ansible.builtin.constructed
"""

EXAMPLES = r"""
# inventory/ssh_hosts.yml: the hosts of ~/.ssh/config, in the group pve
plugin: homelab.pve.ssh_hosts
---
# Another file, and groups by the hosts' names
plugin: homelab.pve.ssh_hosts
ssh_config: ~/estate/ssh_config
groups:
  test: inventory_hostname.startswith("test-")
"""
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import (
    INVENTORY_NAMES,
    Host,
    SSHConfigParser,
    is_users_own,
)

VARIABLES = {
    # What ssh is told by Ansible anyway, so that a group's variable does not hide it.
    "user": "ansible_user",
    "port": "ansible_port",
    # What the playbook host-add takes over.
    "identityfile": "pve_ssh_key",
    "proxyjump": "pve_ssh_jump",
}
"""Keyword of a host's block -> variable."""


def variables(host: Host) -> dict[str, Any]:
    """Variables of a host."""
    known = {name: host[keyword] for keyword, name in VARIABLES.items() if keyword in host}
    return {"pve_host": host.get("hostname", host["name"]), "pve_ssh_host": host["name"], **known}


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]  # ansible publishes no types
    """Read by Ansible."""

    NAME = "homelab.pve.ssh_hosts"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(INVENTORY_NAMES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:  # noqa: ANN401 - Ansible's own
        """Add the hosts to the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        config, group = Path(self.get_option("ssh_config")), self.get_option("group")
        inventory.add_group(group)
        try:
            hosts = SSHConfigParser(config).list_hosts()
        except ConfigError as error:
            raise AnsibleParserError(str(error)) from error
        for host in hosts:
            self._add(host, group, variables(host) | _elsewhere(config))

    def _add(self, host: Host, group: str, known: dict[str, Any]) -> None:
        name, strict = host["name"], self.get_option("strict")
        self.inventory.add_host(name, group=group)
        for variable, value in known.items():
            self.inventory.set_variable(name, variable, value)
        self._set_composite_vars(self.get_option("compose"), known, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, name, strict=strict)


def _elsewhere(config: Path) -> dict[str, str]:
    """What makes ssh, and the modules, read a configuration that is not the user's own."""
    if is_users_own(config):
        return {}
    return {"ansible_ssh_common_args": f"-F '{config}'", "pve_ssh_config": str(config)}
