#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ssh_host_test."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_host_test
short_description: Check that a Proxmox VE host of the SSH configuration can be worked on
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Looks at the login by SSH, Proxmox VE's tools, the node's name, the API behind C(pvesh) and the privileges there,
    as C(./run.sh host test) does. What comes after a failed check is skipped.
  - Fails at the end with every check that failed and what mends it. The checks are in the result then, too.
  - A host whose key is not known yet is connected to, and the key it shows is pinned, unless the SSH configuration says
    C(StrictHostKeyChecking yes). In check mode it is forgotten again.
  - Needs no privilege beside a login by SSH, but tells when those the playbooks of this collection need are missing.
extends_documentation_fragment:
  - homelab.pve.attributes.probes
options:
  name:
    description: Name of the host in the SSH configuration.
    type: str
    required: true
  must_pass:
    description: Whether the module fails when a check does.
    type: bool
    default: true
  connect_timeout:
    description: Seconds to wait for the connection.
    type: float
    default: 5
  ssh_config:
    description: The SSH configuration.
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
  - module: homelab.pve.ssh_host
"""

EXAMPLES = r"""
- name: Check a host before the work begins
  homelab.pve.ssh_host_test:
    name: pve1

- name: Ask only for its version
  homelab.pve.ssh_host_test:
    name: pve1
    must_pass: false
  register: pve1
"""

RETURN = r"""
connected:
  description: Whether the login was accepted.
  type: bool
  returned: always
pve_version:
  description: What C(pveversion) said there, if it was reached.
  type: str
  returned: always
  sample: pve-manager/9.1.1/42db4a6cf33dac83 (running kernel 6.17.2-1-pve)
node:
  description: Name of the node, if it was reached.
  type: str
  returned: always
  sample: father
pinned:
  description: Host and fingerprint of each key that was not known before and is pinned now (in check mode would be).
  type: list
  elements: str
  returned: always
checks:
  description: The checks in the order they were made.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: What was checked.
      type: str
    status:
      description: V(ok), V(failed), or V(skipped) because an earlier check failed.
      type: str
    message:
      description: What was found.
      type: str
    remedy:
      description: What to do about it.
      type: str
  sample:
    - {name: pveversion, status: ok, message: pve-manager/9.1.1, remedy: ""}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run_here
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_test import OPTIONS, examine


def main() -> None:
    """Entry point."""
    run_here(OPTIONS, examine)


if __name__ == "__main__":
    main()
