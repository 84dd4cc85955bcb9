#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ssh_host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_host
short_description: Declare a Proxmox VE host in the SSH configuration
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Keeps a block for a Proxmox VE host in the SSH configuration, as C(./run.sh host add) does, so that C(ssh),
    Ansible, the inventory plugin P(homelab.pve.ssh_hosts#inventory) and C(./run.sh) reach the host by its name.
  - Nothing else in the file changes. A block of that name that this collection did not write is refused.
  - The host's key is pinned in a file of its own below C($XDG_STATE_HOME/homelab-pve/pins) (C(~/.local/state)).
  - Needs no privilege of Proxmox VE. With O(pin) the host has to be reachable.
extends_documentation_fragment:
  - homelab.pve.attributes
options:
  name:
    description: Name of the host in the SSH configuration.
    type: str
    required: true
  state:
    description:
      - V(present) adds the host, or changes the block to what is given here.
      - V(absent) removes the block and what was pinned of the host.
    type: str
    choices: [present, absent]
    default: present
  hostname:
    description: DNS name or address of the host. Required for O(state=present).
    type: str
  user:
    description: User to log in as. Only root may use C(pvesh).
    type: str
    default: root
  port:
    description: Port of its sshd.
    type: int
    default: 22
  key:
    description: Private key. Without it the SSH agent and the user's default keys are tried.
    type: path
  jump:
    description: Host to go through, as C([user@]host[:port]); several with commas between.
    type: str
  strict:
    description: Whether SSH never connects before the host's key is pinned. O(pin) still does, once.
    type: bool
    default: false
  known_hosts:
    description: File that knows the host's keys. They are pinned.
    type: path
  pin:
    description:
      - Whether the host is connected to when none of its keys is known yet, and the key it shows is pinned. Compare it
        with what C(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) prints on the host.
      - Whether the login is accepted does not matter. M(homelab.pve.ssh_host_test) tells that.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for the connection that O(pin) makes.
    type: float
    default: 5
  ssh_config:
    description: The SSH configuration. It is made if it does not exist.
    type: path
    default: ~/.ssh/config
requirements:
  - python >= 3.11
  - paramiko
  - OpenSSH's client
notes:
  - Runs on the machine whose SSH configuration is meant. Delegate it to localhost, or use C(connection=local) with
    C(ansible_python_interpreter) set to C({{ ansible_playbook_python }}).
  - Not in the action group C(homelab.pve.all), for it takes no options of an API's connection.
seealso:
  - module: homelab.pve.ssh_host_test
  - plugin: homelab.pve.ssh_hosts
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Add a host that is reached through another one
  homelab.pve.ssh_host:
    name: pve1
    hostname: 192.0.2.10
    key: ~/.ssh/id_ed25519
    jump: bastion.example.org

- name: Add a host, and pin the key it shows now
  homelab.pve.ssh_host:
    name: pve2
    hostname: "{{ pve_host }}"
    port: "{{ ansible_port }}"
    key: "{{ ansible_ssh_private_key_file }}"
    pin: true

- name: Remove a host
  homelab.pve.ssh_host:
    name: pve1
    state: absent
"""

RETURN = r"""
plan:
  description: What was done, or in check mode would be.
  type: list
  elements: str
  returned: success
  sample: [add host pve1]
pinned:
  description: Fingerprints of the keys the host is known by. Empty in check mode.
  type: list
  elements: str
  returned: success
  sample: ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run_here
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host import OPTIONS, RULES, declare


def main() -> None:
    """Entry point."""
    run_here(OPTIONS, declare, RULES)


if __name__ == "__main__":
    main()
