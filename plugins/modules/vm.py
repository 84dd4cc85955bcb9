#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm
short_description: Declare a virtual machine of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes, starts, stops and removes a QEMU virtual machine. What is not set is not managed; an empty value
    removes what is there.
  - A VM is found by O(vmid), or by O(name) on all nodes of the cluster. Two VMs of one name are refused.
  - The options of the configuration have Proxmox VE's own names. Options made of properties take a dictionary or
    Proxmox VE's string; properties that are not set stay as they are.
  - Nothing is restarted, shrunk or deleted unless asked for.
  - A step that fails says what was done before it and what was not; what cannot be right, and what Proxmox VE would
    refuse, is refused before the first write where that can be known.
  - Needs the privilege C(VM.Audit) on the VM; to make one C(VM.Allocate), and for a clone C(VM.Clone) on its source; to
    change one those of C(VM.Config.*) that belong to the options used; C(VM.PowerMgmt) for power states and
    C(VM.Migrate) to move it; C(Datastore.AllocateSpace) on storages for disks and C(SDN.Use) on bridges
    (C(/sdn/zones/localnetwork/BRIDGE)); C(Sys.Audit) and C(Sys.Console) on C(/) for O(ha).
extends_documentation_fragment:
  - homelab.pve.vm_options
  - homelab.pve.connection
  - homelab.pve.attributes
"""

EXAMPLES = r"""
- name: Make a VM from a template, with the next free id of a range
  homelab.pve.vm:
    name: web
    clone: debian-12
    vmid_range: [200, 299]
    cores: 2
    memory: 1G
    tags: [homelab-pve, web]
    ciuser: admin
    sshkeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mJzK6aH2y0n5jv1cQ1m3oV3uXn0m5c1w0Jj2xq8aB admin@example"]
    ipconfig:
      ipconfig0: {ip: dhcp}
  register: web

- name: Grow its disk and put its network card into a VLAN; its MAC address stays
  homelab.pve.vm:
    vmid: "{{ web.vmid }}"
    disks:
      scsi0: {size: 16G}
    net:
      net0: {tag: 20}

- name: Start it
  homelab.pve.vm:
    name: web
    vmid_range: [200, 299]
    state: started

- name: Make an empty VM with a disk
  homelab.pve.vm:
    name: empty
    cores: 1
    memory: 512
    scsihw: virtio-scsi-single
    disks:
      scsi0: {storage: local-lvm, size: 4G, discard: "on"}
    net:
      net0: {model: virtio, bridge: vmbr0}
    boot: order=scsi0

- name: Make a VM from a cloud image, with its CPU's mitigations offered to the guest
  homelab.pve.vm:
    name: image
    vmid: 210
    node: father
    cpu: {cputype: host}
    cpu_mitigations: intel
    disks:
      scsi0: {storage: local-lvm, import_from: "local:import/debian-12.qcow2", size: 8G}
      ide2: {storage: local-lvm, media: cloudinit}
    boot: {order: [scsi0]}

- name: Let the HA manager keep it running; to move it, name another node
  homelab.pve.vm:
    vmid: 210
    node: father
    state: started
    with_local_disks: true
    ha: {max_restart: 2, comment: kept alive}

- name: Change what takes effect only after a restart, and restart it
  homelab.pve.vm:
    name: image
    memory: 1G
    restart: if_needed

- name: Delete a disk with all that is on it
  homelab.pve.vm:
    name: empty
    disks:
      scsi0: absent

- name: Remove them
  homelab.pve.vm:
    name: "{{ item }}"
    state: absent
    force: true
  loop: [web, empty, image]
"""

RETURN = r"""
vmid:
  description: Id of the VM.
  type: int
  returned: when the VM exists
  sample: 200
name:
  description: Name of the VM.
  type: str
  returned: when the VM exists
  sample: web
node:
  description: Node the VM is on.
  type: str
  returned: when the VM exists
  sample: father
status:
  description: V(running), V(stopped), V(paused) or V(suspended).
  type: str
  returned: when the VM exists
  sample: running
template:
  description: Whether it is a template.
  type: bool
  returned: when the VM exists
nics:
  description: Network cards by name, with C(mac), C(model), C(bridge) and what else is set.
  type: dict
  returned: when the VM exists
  sample: {net0: {model: virtio, mac: "BC:24:11:00:00:01", macaddr: "BC:24:11:00:00:01", bridge: vmbr0}}
config:
  description: The configuration as Proxmox VE gives it, without secrets.
  type: dict
  returned: when the VM exists
pending:
  description:
    - Options in which the running VM differs from its configuration until it is restarted. In check mode, those that
      would after the change.
  type: list
  elements: str
  returned: when the VM exists
restart_required:
  description: Whether something waits for a restart, that is whether RV(pending) has entries.
  type: bool
  returned: when the VM exists
ha:
  description: The VM as a resource of the HA manager.
  type: dict
  returned: when O(ha) is set and the VM is managed
  sample: {state: started, max_restart: 2}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set cores of vm 200 (web)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM


def main() -> None:
    """Entry point."""
    run(VM)


if __name__ == "__main__":
    main()
