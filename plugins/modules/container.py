#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Declare a container of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes, starts, stops and removes a container (LXC). What is not set is not managed; an empty value removes
    what is there.
  - A container is found by O(vmid), or by O(hostname) on all nodes of the cluster. Two containers of one host name are
    refused.
  - The options of the configuration have Proxmox VE's own names. Options made of properties take a dictionary or
    Proxmox VE's string; properties that are not set stay as they are.
  - Nothing is restarted, shrunk or deleted unless asked for.
  - Containers can't be paused. Proxmox VE's API offers it, but its packages lack what it takes.
  - Bind mounts, devices, hook scripts and features other than C(nesting) are for root@pam with a password only; no
    token may set them.
  - Needs the privileges C(VM.Audit), C(VM.Allocate) to make and remove it, C(VM.PowerMgmt), C(VM.Migrate) to move it,
    and those of C(VM.Config.*) that belong to the options used (C(VM.Config.Options) beside C(VM.Config.Disk) to grow
    a volume) on C(/vms/VMID) or its pool, C(VM.Clone) on what it is cloned from, C(Datastore.AllocateSpace) on the
    storages of its volumes, C(Datastore.Audit) on those of templates, C(Datastore.AllocateTemplate) where one is
    fetched to, C(SDN.Use) on C(/sdn/zones/localnetwork/BRIDGE), C(Sys.Modify) on C(/) for a privileged container, and
    C(Sys.Audit) and C(Sys.Console) on C(/) for O(ha).
options:
  hostname:
    description: Host name. With O(vmid) it is set; without, it says which container is meant.
    type: str
  vmid:
    description: Id of the container. Without it the container is found by O(hostname), and a new one gets the next
      free id.
    type: int
  vmid_range:
    description: Lowest and highest id for a new container. A container is also searched by name within this range only.
    type: list
    elements: int
  state:
    description:
      - V(present) makes the container or changes it, and leaves it running or stopped as it is.
      - V(started), V(stopped) and V(restarted) do the same and then see to that state. V(stopped) shuts down
        gracefully.
      - V(template) makes it a template, which can't be taken back.
      - V(absent) removes it with its volumes.
    type: str
    choices: [present, absent, template, restarted, started, stopped]
    default: present
  node:
    description:
      - Node for a new container. Not needed where there is one node only; the default for a clone is the node of its
        source.
      - A container that exists on another node is moved to this one. One that runs is shut down for it and started
        there, if O(restart) allows that. Without O(node) it stays where it is.
    type: str
  pool:
    description: Pool of the container. A container is also searched by name within this pool only, unless O(vmid) is
      set.
    type: str
  ostemplate:
    description:
      - What a new container is unpacked from. A volume id, for example
        V(local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst), or a name such as V(debian-13-standard) or a pattern
        such as V(debian-1*), of which the newest on the node's storages is taken.
      - Means nothing for a container that exists.
    type: str
  template_storage:
    description:
      - Storage that a template is fetched to when O(ostemplate) is a name and no storage of the node has it. It comes
        from Proxmox VE's index (C(pveam available)).
    type: str
  clone:
    description: Host name or vmid of the template or container a new container is cloned from. Means nothing for a
      container that exists.
    type: str
  full:
    description:
      - Whether a clone gets volumes of its own. The default is a linked clone of a template and a full one of a
        container.
    type: bool
  storage:
    description: Storage for the volumes of a full clone, and for new volumes that name none.
    type: str
  snapname:
    description: Snapshot of the source that is cloned, as a full clone of a running container must be.
    type: str
  bwlimit:
    description: Limit in KiB/s for unpacking a template, cloning, and moving to another node. The default is the
      storage's.
    type: float
  ignore_unpack_errors:
    description: Whether a new container is kept although not all of the template could be unpacked.
    type: bool
  password:
    description:
      - Password of root in a new container. Proxmox VE can neither set it later nor say what it is, so it means
        nothing for a container that exists.
    type: str
  ssh_public_keys:
    description:
      - Public SSH keys for root in a new container, one an entry. As with O(password), they mean nothing for a
        container that exists.
    type: list
    elements: str
  unprivileged:
    description:
      - Whether root in the container is an unprivileged user of the node. Only set when the container is made, where
        it is V(true) unless told otherwise; a different value for a container that exists is refused.
    type: bool
  rootfs:
    description:
      - Root file system. A new one needs C(storage) and C(size), or a size alone where O(storage) is set.
      - One that exists is grown to C(size), moved to C(storage), and its other properties (C(acl), C(mountoptions),
        C(quota), C(replicate), C(ro), C(shared)) are set. Shrinking is refused, and moving while the container runs
        unless O(restart) allows it.
      - Proxmox VE's own form, for example C(local-lvm:8), is understood too.
    type: raw
  mp:
    description:
      - Mount points by name, C(mp0) to C(mp255), each with C(mp), its path in the container, and the properties of
        O(rootfs), C(backup) and C(keepattrs). Mount points that are not named stay as they are.
      - A new one needs C(storage) and C(size), or C(volume) for a volume that exists or a directory of the node.
      - An empty value detaches the mount point; its volume stays as C(unusedN). V(absent) deletes its volume with all
        that is on it, of a stopped container or where O(restart) allows to stop it. So it does of C(unusedN), in any
        state.
    type: dict
  net:
    description:
      - Network cards by name, C(net0) to C(net31), each with C(name) (that of the interface, C(eth0) for C(net0)),
        C(bridge), C(ip), C(gw), C(ip6), C(gw6), C(tag), C(firewall), C(hwaddr) and so on, or in Proxmox VE's form.
      - What is not set stays as it is, the MAC address included. An empty value removes the card.
    type: dict
  dev:
    description:
      - Devices of the node by name, C(dev0) to C(dev255), each with C(path), C(mode), C(uid), C(gid) and
        C(deny-write).
    type: dict
  features:
    description: Features, with C(nesting), C(fuse), C(keyctl), C(mknod), C(force_rw_sys) and C(mount).
    type: raw
  arch:
    description: Architecture.
    type: str
    choices: [amd64, i386, arm64, armhf, riscv32, riscv64]
  cmode:
    description: What the console is attached to.
    type: str
    choices: [shell, console, tty]
  console:
    description: Whether there is a console.
    type: bool
  cores:
    description: Cores. An empty container sees all cores of its node.
    type: int
  cpulimit:
    description: Limit in CPUs; 0 for none.
    type: float
  cpuunits:
    description: Share of CPU time in relation to other guests.
    type: int
  debug:
    description: Whether the start is logged in detail.
    type: bool
  description:
    description: Notes shown in the web interface.
    type: str
  destroy_unreferenced_disks:
    description: Whether volumes that carry the container's id but are not in its configuration are removed with it.
    type: bool
    default: false
  entrypoint:
    description: Command the container starts with.
    type: str
  env:
    description: Environment of the container's first process. The variables that are there are replaced.
    type: dict
  force:
    description:
      - 'Whether a running container may be stopped hard: to remove it, to make it a template, or when it does not
        shut down in time.'
    type: bool
    default: false
  ha:
    description:
      - The container as a resource of the HA manager. Power states are brought about through the manager then, and the
        module waits for it.
    type: dict
    suboptions:
      comment:
        description: Text shown with the resource.
        type: str
      failback:
        description: Whether the container goes back to a preferred node that is there again.
        type: bool
      group:
        description: HA group, on Proxmox VE 8 only; version 9 has rules instead.
        type: str
      max_relocate:
        description: How often it is tried on another node after a start has failed.
        type: int
      max_restart:
        description: How often a start is tried on the same node.
        type: int
      state:
        description:
          - What the manager is to keep the container in. A new resource keeps it as it is, started or stopped.
          - V(disabled) and V(ignored) leave it alone; V(absent) takes it out of HA.
        type: str
        choices: [started, stopped, disabled, ignored, absent]
  hookscript:
    description: Volume of a script run when the container starts and stops.
    type: str
  memory:
    description: Memory in MiB, or with a unit, for example V(1G).
    type: str
  nameserver:
    description: Name servers. The default is the node's.
    type: list
    elements: str
  onboot:
    description: Whether the container starts with its node.
    type: bool
  ostype:
    description: What Proxmox VE sets up in the container, as found in the template; V(unmanaged) for nothing.
    type: str
    choices: [debian, devuan, ubuntu, centos, fedora, opensuse, archlinux, alpine, gentoo, nixos, unmanaged]
  protection:
    description: Whether removing the container and changing its volumes is refused.
    type: bool
  purge:
    description: Whether a removed container is also taken out of backup jobs, replication and HA.
    type: bool
    default: true
  restart:
    description:
      - What happens to a running container when a change takes effect only after a restart. With V(never) the change
        waits, and the result says so in RV(restart_required) and RV(pending), in check mode too. A volume or container
        that can only be moved while the container is off is not moved then.
      - V(if_needed) restarts it when a change waits, also one that was made earlier; V(always) after every change.
    type: str
    choices: [never, if_needed, always]
    default: never
  searchdomain:
    description: Search domains, separated by commas.
    type: str
  shutdown_timeout:
    description: Seconds a container has to shut down or reboot.
    type: int
    default: 60
  startup:
    description: Order and delays at the node's start and stop, with C(order), C(up) and C(down) (seconds).
    type: raw
  swap:
    description: Swap in MiB, or with a unit.
    type: str
  tags:
    description: Tags. Order and case mean nothing.
    type: list
    elements: str
  target_storage:
    description:
      - Storage for the volumes of a container that is moved to another node, where the node does not have their own.
        One storage for all of them, or pairs such as V(local-lvm:data,other:data).
    type: str
  timezone:
    description: Time zone, for example V(Europe/Vienna), or V(host) for that of the node.
    type: str
  tty:
    description: How many terminals there are.
    type: int
  wait_timeout:
    description: Seconds each task may take, cloning and moving included.
    type: float
    default: 600
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
"""

EXAMPLES = r"""
- name: Make a container from the newest template of a name, fetched if it is not there, and start it
  homelab.pve.container:
    hostname: proxy
    ostemplate: debian-13-standard
    template_storage: local
    vmid_range: [300, 399]
    cores: 1
    memory: 512
    rootfs: {storage: local-lvm, size: 4G}
    net:
      net0: {bridge: vmbr0, ip: dhcp}
    features: {nesting: true}
    ssh_public_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mJzK6aH2y0n5jv1cQ1m3oV3uXn0m5c1w0Jj2xq8aB admin@example"]
    tags: [homelab-pve, proxy]
    onboot: true
    state: started
  register: proxy

- name: Give it a second volume and a VLAN; its MAC address stays
  homelab.pve.container:
    vmid: "{{ proxy.vmid }}"
    mp:
      mp0: {storage: local-lvm, size: 2G, mp: /srv, backup: true}
    net:
      net0: {tag: 20}

- name: Change what takes effect at the next start only, with the restart it needs
  homelab.pve.container:
    vmid: "{{ proxy.vmid }}"
    nameserver: [10.99.0.1]
    timezone: Europe/Vienna
    restart: if_needed

- name: Take the second volume away with all that is on it, restarting the container for it
  homelab.pve.container:
    vmid: "{{ proxy.vmid }}"
    mp:
      mp0: absent
    restart: if_needed

- name: Shut it down
  homelab.pve.container:
    vmid: "{{ proxy.vmid }}"
    state: stopped

- name: Clone it in full
  homelab.pve.container:
    hostname: proxy2
    clone: proxy
    full: true
    vmid_range: [300, 399]

- name: Remove both
  homelab.pve.container:
    hostname: "{{ item }}"
    vmid_range: [300, 399]
    state: absent
    force: true
  loop: [proxy2, proxy]
"""

RETURN = r"""
vmid:
  description: Id of the container.
  type: int
  returned: when the container exists
  sample: 300
name:
  description: Host name of the container.
  type: str
  returned: when the container exists
  sample: proxy
node:
  description: Node the container is on.
  type: str
  returned: when the container exists
  sample: father
status:
  description: V(running) or V(stopped).
  type: str
  returned: when the container exists
  sample: running
template:
  description: Whether it is a template.
  type: bool
  returned: when the container exists
nics:
  description: Network cards by name, with C(mac), C(name), C(bridge) and what else is set.
  type: dict
  returned: when the container exists
  sample: {net0: {name: eth0, mac: "BC:24:11:00:00:01", hwaddr: "BC:24:11:00:00:01", bridge: vmbr0, ip: dhcp}}
config:
  description: The configuration as Proxmox VE gives it.
  type: dict
  returned: when the container exists
pending:
  description: Options whose change waits for a restart.
  type: list
  elements: str
  returned: when the container exists
restart_required:
  description: Whether a change takes effect only after a restart that was not allowed.
  type: bool
  returned: when the container exists
ha:
  description: The container as a resource of the HA manager.
  type: dict
  returned: when O(ha) is set and the container is managed
  sample: {state: started, max_restart: 2}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set memory of container 300 (proxy)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER


def main() -> None:
    """Entry point."""
    run(CONTAINER)


if __name__ == "__main__":
    main()
