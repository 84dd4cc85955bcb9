#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module api."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api
short_description: Declare, read or call any path of the Proxmox VE API
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Without O(method) it declares. With O(key) and O(id) that is one item of the list at O(path), made by POST, changed
    by PUT and removed by DELETE; without them it is the configuration at O(path), changed by PUT.
  - Only the O(values) that are named are managed, and only those that differ are sent, with the digest where Proxmox VE
    gives one. The values have Proxmox VE's own names and are checked by Proxmox VE itself, when they are sent.
  - With O(method) it sends one request. A task that it starts is waited for. V(GET) changes nothing; the others are
    sent each time, but not in check mode.
  - Use a module of the area's own where there is one; it checks before it sends and knows Proxmox VE's defaults.
  - Needs what Proxmox VE's API viewer names for the path and the method, for example C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  path:
    description: Path below C(/api2/json), of the list for an item. It begins with a slash.
    type: str
    required: true
  method:
    description: Send one request instead of declaring something.
    type: str
    choices: [GET, POST, PUT, DELETE]
  params:
    description: Parameters of the request, with O(method).
    type: dict
    default: {}
  key:
    description: Name of the parameter that names an item when it is made, for example V(storage) for V(/storage).
    type: str
  id:
    description: Name of the item. Needs O(key).
    type: str
  list_key:
    description: What the list calls O(key), where it has another name there.
    type: str
  create_at:
    description: Whether an item is made by POST to the list or, as tokens and metric servers, to its own path.
    type: str
    choices: [collection, item]
    default: collection
  state:
    description: Whether the item is to be there. Present if nothing is said.
    type: str
    choices: [present, absent]
  values:
    description:
      - Wished values by Proxmox VE's own names. One that is null is removed (C(delete)).
      - A dictionary stands for a property string. The order in dictionaries and lists means nothing; where it does, as
        in a boot order, give text, which is compared letter by letter.
    type: dict
  secret_values:
    description: The same for values that Proxmox VE doesn't give back, and that are shown nowhere.
    type: dict
  send_always:
    description:
      - Names of values that Proxmox VE wants with every change, even where they stay as they are, for example
        V([server, port]) of a metric server.
    type: list
    elements: str
    default: []
  update_password:
    description:
      - V(on_create) sends O(secret_values) only when the item is made; V(always) every time, which always counts as a
        change.
    type: str
    choices: [on_create, always]
    default: on_create
  wait_timeout:
    description: Seconds a task may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Read the options of the cluster
  homelab.pve.api:
    path: /cluster/options
    method: GET
  register: options

- name: Declare a pool
  homelab.pve.api:
    path: /pools
    key: poolid
    id: lab
    values:
      comment: Machines of the lab

- name: Declare options of the cluster
  homelab.pve.api:
    path: /cluster/options
    values:
      keyboard: de
      migration: {type: secure}

- name: Declare a metric server, which is made at its own path
  homelab.pve.api:
    path: /cluster/metrics/server
    key: id
    id: influx
    create_at: item
    values: {type: influxdb, server: 192.0.2.20, port: 8089}

- name: Remove the pool
  homelab.pve.api:
    path: /pools
    key: poolid
    id: lab
    state: absent
"""

RETURN = r"""
data:
  description: What was read; for a declaration, what is there afterwards, and in check mode what is there now.
  type: raw
  returned: when there is something
  sample: {poolid: lab, comment: Machines of the lab}
answer:
  description: What Proxmox VE answered to the last request that wrote, where it said something.
  type: raw
  returned: when something was written and Proxmox VE answered
plan:
  description: The requests, in words. Without requests, the reason why there are none.
  type: list
  elements: str
  returned: unless O(method) is V(GET)
  sample: ["create lab in /pools"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.api_path import work
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_declaration import OPTIONS, RULES, WRITES


def main() -> None:
    """Entry point."""
    act(Action(OPTIONS, work, WRITES, RULES))


if __name__ == "__main__":
    main()
