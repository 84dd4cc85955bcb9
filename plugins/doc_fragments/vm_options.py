# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a virtual machine: one text for the module that declares one and for the module that declares many."""

from __future__ import annotations

import re
from typing import Any

import yaml

IDENTITY = ("name", "vmid")
"""Options that say which VM is meant: they can't be shared."""


def _nested(entry: dict[str, Any]) -> dict[str, Any]:
    """An option as a suboption: references point to the list, a default is told in words.

    The module fills defaults in itself, after what all guests share is put under what each one says.
    """
    texts = entry["description"] if isinstance(entry["description"], list) else [entry["description"]]
    default = [f"The default is V({_word(entry['default'])})."] if "default" in entry else []
    rest = {key: value for key, value in entry.items() if key not in {"description", "default"}}
    return {"description": [_pointing(text) for text in (*texts, *default)], **rest}


def _pointing(text: str) -> str:
    """A text whose references to options (``O``) and results (``RV``) are those of a guest in the list."""
    return re.sub(r"\b(O|RV)\((\w+)\)", r"\1(guests[].\2)", text)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _many(text: str) -> str:
    """The options of module vms that are made of those of module vm."""
    entries = yaml.safe_load(text)["options"]
    shared = {name: entry for name, entry in entries.items() if name not in IDENTITY}
    guests = {
        "description": [
            "The virtual machines, each with the options of M(homelab.pve.vm).",
            "What a VM does not set is taken from O(defaults).",
        ],
        "type": "list",
        "elements": "dict",
        "required": True,
        "suboptions": {name: _nested(entry) for name, entry in entries.items()},
    }
    defaults = {
        "description": [
            "Options for all O(guests) that do not set them.",
            "Dictionaries are put together key by key, so that a VM can add a card or a property. Everything else a VM "
            "sets replaces what is here. With O(guests[].vmid), a O(defaults.vmid_range) means nothing.",
        ],
        "type": "dict",
        "suboptions": {name: _nested(entry) for name, entry in shared.items()},
    }
    return str(yaml.safe_dump({"options": {"guests": guests, "defaults": defaults}}, sort_keys=False, width=120))


class ModuleDocFragment:
    """``homelab.pve.vm_options`` for one VM, ``homelab.pve.vm_options.many`` for a list of them."""

    DOCUMENTATION = r"""
options:
  name:
    description: Name of the VM. With O(vmid) it is set; without, it says which VM is meant.
    type: str
  vmid:
    description: Id of the VM. Without it the VM is found by O(name), and a new one gets the next free id.
    type: int
  vmid_range:
    description: Lowest and highest id for a new VM. A VM is also searched by name within this range only.
    type: list
    elements: int
  state:
    description:
      - V(present) makes the VM or changes it, and leaves it running or stopped as it is.
      - V(started), V(stopped), V(restarted), V(paused) and V(suspended) do the same and then see to that state.
        V(stopped) shuts down gracefully, V(suspended) writes the memory to disk; a suspended VM counts as stopped.
      - V(reset) presses the reset button of a running VM, each time the task is run. Its system is not asked and loses
        what it has not written to disk. Changes that wait for a restart wait on. A VM that does not run is started.
      - V(template) makes it a template, which can't be taken back.
      - V(absent) removes it with its disks.
    type: str
    choices: [present, absent, template, paused, reset, restarted, started, stopped, suspended]
    default: present
  node:
    description:
      - Node for a new VM. Not needed where there is one node only; the default for a clone is the node of its
        source.
      - A VM that exists on another node is moved to this one, while it runs if it does. Without O(node) it stays where
        it is.
    type: str
  pool:
    description: Pool of the VM. A VM is also searched by name within this pool only, unless O(vmid) is set.
    type: str
  clone:
    description: Name or vmid of the template or VM a new VM is cloned from. Means nothing for a VM that exists.
    type: str
  full:
    description:
      - Whether a clone gets disks of its own. The default is a linked clone of a template and a full one of a VM.
    type: bool
  storage:
    description: Storage for the disks of a full clone.
    type: str
  format:
    description: Format of the disks of a full clone.
    type: str
    choices: [raw, qcow2, vmdk]
  disks:
    description:
      - Drives by name, for example C(scsi0), C(virtio1), C(ide2), C(efidisk0) or C(tpmstate0). Drives that are not
        named stay as they are.
      - A new drive needs C(storage) and C(size), or C(storage) and C(import_from) (a volume or a path), or C(file)
        (a volume that exists). C(storage) with C(media=cloudinit) makes a cloud-init drive.
      - A drive that exists is grown to C(size), moved to C(storage), and its other properties are set. Shrinking is
        refused.
      - An empty value detaches the drive; its volume stays as C(unusedN). V(absent) removes the drive with all that is
        on it, also a detached one, for example C(unused0).
      - Proxmox VE's own form, for example C(local-lvm:32,ssd=1), is understood too.
    type: dict
  net:
    description:
      - Network cards by name, for example C(net0), each with C(model), C(bridge), C(tag), C(firewall), C(macaddr)
        and so on, or in Proxmox VE's form.
      - What is not set stays as it is, the MAC address included. An empty value removes the card.
    type: dict
  acpi:
    description: Whether ACPI is offered.
    type: bool
  affinity:
    description: Host cores the VM may run on, for example V(0,4-7).
    type: str
  agent:
    description:
      - Whether the guest agent is used, as a boolean or as a dictionary with C(enabled), C(fstrim_cloned_disks),
        C(freeze-fs) and C(type).
    type: raw
  allow_ksm:
    description: Whether the node may merge the VM's memory pages with others.
    type: bool
  amd_sev:
    description: AMD SEV properties, in Proxmox VE's form.
    type: str
  arch:
    description: Architecture of the CPU.
    type: str
    choices: [x86_64, aarch64]
  args:
    description: Arguments given to QEMU as they are. Only root@pam with a password may set them.
    type: str
  audio0:
    description: Sound card, with C(device) and C(driver).
    type: raw
  autostart:
    description: Whether the VM starts again after a crash (Proxmox VE ignores it today).
    type: bool
  balloon:
    description: Memory in MiB down to which the VM may be squeezed; 0 switches the balloon off.
    type: int
  bios:
    description: Firmware.
    type: str
    choices: [seabios, ovmf]
  boot:
    description: Boot order, for example V(order=scsi0;net0), or a dictionary with C(order) as a list.
    type: raw
  bwlimit:
    description: Limit in KiB/s for cloning, and for moving to another node.
    type: int
  cicustom:
    description:
      - Snippets to use as cloud-init data, for example V(vendor=local:snippets/agent.yml), or a dictionary with
        C(meta), C(network), C(user) and C(vendor).
    type: raw
  cipassword:
    description: Password cloud-init sets. Proxmox VE doesn't give it back; see O(update_password).
    type: str
  citype:
    description: Format of the cloud-init data.
    type: str
    choices: [configdrive2, nocloud, opennebula]
  ciupgrade:
    description: Whether cloud-init upgrades the packages at the first boot.
    type: bool
  ciuser:
    description: User cloud-init sets up.
    type: str
  cores:
    description: Cores per socket.
    type: int
  cpu:
    description: Type of the CPU, or a dictionary with C(cputype), C(flags) and the other properties.
    type: raw
  cpu_mitigations:
    description:
      - Flags of O(cpu) by which the guest can protect itself from flaws of the processor such as Spectre.
      - V(intel) and V(amd) offer what processors of that maker have; the VM does not start on a node whose processor
        lacks them. V(off) hides them all, for speed where every guest is trusted. V(default) leaves them to the type
        of the CPU.
    type: str
    choices: [default, intel, amd, 'off']
  cpulimit:
    description: Limit in CPUs; 0 for none.
    type: float
  cpuunits:
    description: Share of CPU time in relation to other guests.
    type: int
  description:
    description: Notes shown in the web interface.
    type: str
  destroy_unreferenced_disks:
    description: Whether volumes that carry the VM's id but are not in its configuration are removed with it.
    type: bool
    default: false
  force:
    description:
      - 'Whether a running VM may be stopped hard: to remove it, to make it a template, or when it does not shut
        down in time.'
    type: bool
    default: false
  freeze:
    description: Whether the CPU is halted at the start.
    type: bool
  ha:
    description:
      - The VM as a resource of the HA manager. Power states are brought about through the manager then, and the module
        waits for it.
    type: dict
    suboptions:
      comment:
        description: Text shown with the resource.
        type: str
      failback:
        description: Whether the VM goes back to a preferred node that is there again.
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
          - What the manager is to keep the VM in. A new resource keeps it as it is, started or stopped.
          - V(disabled) and V(ignored) leave it alone; V(absent) takes it out of HA.
        type: str
        choices: [started, stopped, disabled, ignored, absent]
  hookscript:
    description: Volume of a script run when the VM starts and stops.
    type: str
  hostpci:
    description: PCI devices by name, each with C(host) or C(mapping), C(pcie), C(rombar) and so on.
    type: dict
  hotplug:
    description: What may be changed while the VM runs.
    type: list
    elements: str
  hugepages:
    description: Size of the memory pages in MiB.
    type: str
    choices: [any, '2', '1024']
  intel_tdx:
    description: Intel TDX properties, in Proxmox VE's form.
    type: str
  ipconfig:
    description:
      - 'Addresses cloud-init sets, by name: C(ipconfig0) for C(net0) and so on, each with C(ip), C(gw), C(ip6) and
        C(gw6), or as V(ip=dhcp).'
    type: dict
  ivshmem:
    description: Memory shared between VMs, with C(size) in MiB and C(name).
    type: raw
  keephugepages:
    description: Whether huge pages are kept after the VM stopped.
    type: bool
  keyboard:
    description: Keyboard layout of the VNC console.
    type: str
    choices:
      [da, de, de-ch, en-gb, en-us, es, fi, fr, fr-be, fr-ca, fr-ch, hu, is, it, ja, lt, mk, nl, 'no', pl, pt, pt-br,
       sl, sv, tr]
  kvm:
    description: Whether hardware virtualisation is used.
    type: bool
  localtime:
    description: Whether the real-time clock shows local time.
    type: bool
  machine:
    description: Type of the machine, for example V(q35).
    type: raw
  memory:
    description: Memory in MiB, or with a unit, for example V(4G).
    type: str
  migrate_downtime:
    description: Longest pause in seconds when a running VM is moved.
    type: float
  migrate_speed:
    description: Limit in MB/s for moving a running VM; 0 for none.
    type: int
  nameserver:
    description: Name servers cloud-init sets.
    type: list
    elements: str
  numa:
    description: Whether NUMA is emulated.
    type: bool
  numa_nodes:
    description:
      - NUMA nodes by name, C(numa0) and so on, each with C(cpus), C(memory), C(hostnodes) and C(policy).
    type: dict
  onboot:
    description: Whether the VM starts with its node.
    type: bool
  ostype:
    description: Operating system in the VM.
    type: str
    choices: [other, wxp, w2k, w2k3, w2k8, wvista, win7, win8, win10, win11, l24, l26, solaris]
  parallel:
    description: Parallel ports by name.
    type: dict
  protection:
    description: Whether removing the VM and its disks is refused.
    type: bool
  purge:
    description: Whether a removed VM is also taken out of backup jobs, replication and HA.
    type: bool
    default: true
  reboot:
    description: Whether the guest may reboot; otherwise the VM stops then.
    type: bool
  restart:
    description:
      - What happens to a running VM when a change takes effect only after a restart. With V(never) the change
        waits, and the result says so in RV(restart_required) and RV(pending), in check mode too.
      - V(if_needed) restarts it when a change waits, also one that was made earlier; V(always) after every change.
    type: str
    choices: [never, if_needed, always]
    default: never
  rng0:
    description: Random number generator, with C(source), C(max_bytes) and C(period).
    type: raw
  scsihw:
    description: Type of the SCSI controller.
    type: str
    choices: [lsi, lsi53c810, virtio-scsi-pci, virtio-scsi-single, megasas, pvscsi]
  searchdomain:
    description: Search domain cloud-init sets.
    type: str
  serial:
    description: Serial ports by name, for example C(serial0) as V(socket).
    type: dict
  shares:
    description: Share of memory in relation to other guests when ballooning.
    type: int
  shutdown_timeout:
    description: Seconds a VM has to shut down or reboot.
    type: int
    default: 60
  smbios1:
    description: SMBIOS fields, for example C(uuid), C(manufacturer) and C(serial).
    type: raw
  snapname:
    description: Snapshot of O(clone) that is cloned, instead of its present state.
    type: str
  sockets:
    description: CPU sockets.
    type: int
  spice_enhancements:
    description: SPICE features, with C(foldersharing) and C(videostreaming).
    type: raw
  sshkeys:
    description: Public SSH keys cloud-init lets in.
    type: list
    elements: str
  startdate:
    description: Time the real-time clock starts with.
    type: str
  startup:
    description: Order and delays at the node's start and stop, with C(order), C(up) and C(down) (seconds).
    type: raw
  tablet:
    description: Whether a USB tablet is offered as the pointer.
    type: bool
  tags:
    description: Tags. Order and case mean nothing.
    type: list
    elements: str
  target_storage:
    description:
      - Storage for the disks of a VM that is moved to another node, where the node does not have their own. One storage
        for all of them, or pairs such as V(local-lvm:data,other:data).
    type: str
  tdf:
    description: Whether time drift is fixed.
    type: bool
  update_password:
    description:
      - V(on_create) sets O(cipassword) only where there is none; V(always) sets it every time, which always counts
        as a change.
    type: str
    choices: [on_create, always]
    default: on_create
  usb:
    description: USB devices by name, each with C(host) or C(mapping), and C(usb3).
    type: dict
  vcpus:
    description: How many of the virtual CPUs are plugged in at the start.
    type: int
  vga:
    description: Graphics, for example V(serial0), or a dictionary with C(type), C(memory) and C(clipboard).
    type: raw
  virtiofs:
    description: Shared directories by name, each with C(dirid) and so on.
    type: dict
  vmgenid:
    description: VM generation id; V(1) makes a new one, V(0) removes it.
    type: str
  vmstatestorage:
    description: Storage for saved memory.
    type: str
  wait_timeout:
    description: Seconds each task may take, cloning and moving included.
    type: float
    default: 600
  watchdog:
    description: Watchdog, with C(model) and C(action).
    type: raw
  with_local_disks:
    description:
      - Whether a running VM may be moved to another node though disks of it are on a storage of its node; they are
        copied then. A stopped one takes its disks along anyway.
    type: bool
    default: false
"""

    MANY: str


# Outside of the class: in it ansible-test takes every assignment for a text.
ModuleDocFragment.MANY = _many(ModuleDocFragment.DOCUMENTATION)
