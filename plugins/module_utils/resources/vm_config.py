# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a VM as data: one row for each option Proxmox VE has. Pure.

Names, types, defaults and limits are those of the API schema (``PUT /nodes/{node}/qemu/{vmid}/config``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    CONTENT,
    DESCRIPTION,
    INTEGER,
    MEMORY,
    NAMESERVERS,
    NUMBER,
    SSH_KEYS,
    TAGS,
    TEXT,
    Codec,
    Json,
    Properties,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import (
    STARTUP,
    ConfigTable,
    Family,
    at_boot,
    choices,
)

NIC_MODELS = (
    "virtio", "e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
    "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3",
)  # fmt: skip
DEFAULT_MODEL = "virtio"

_NIC = Properties(
    default_key="model",
    aliases={"mac": "macaddr"},
    kinds={
        "model": "str", "macaddr": "mac", "bridge": "str", "firewall": "bool", "link_down": "bool", "mtu": "int",
        "queues": "int", "rate": "float", "tag": "int", "trunks": "set",
    },
    defaults={"firewall": False, "link_down": False},
)  # fmt: skip


def _model_first(text: str) -> str:
    """``virtio=MAC,bridge=...``, PVE's short form, in the long one: ``model=virtio,macaddr=MAC,bridge=...``."""
    short = re.compile(rf"(^|,)({'|'.join(map(re.escape, NIC_MODELS))})=([^,]+)")
    return short.sub(r"\1model=\2,macaddr=\3", text)


def _parse_nic(value: Json) -> dict[str, Json]:
    return _NIC.parse(_model_first(value) if isinstance(value, str) else value)


def _decode_nic(value: Json) -> dict[str, Json]:
    return _NIC.decode(_model_first(str(value)))


def _encode_nic(nic: Mapping[str, Json]) -> str:
    model, mac = nic.get("model") or DEFAULT_MODEL, nic.get("macaddr")
    rest = {name: value for name, value in nic.items() if name not in {"model", "macaddr"}}
    return _NIC.encode({"model": f"{model}={mac}" if mac else model, **rest})


def _merge_nic(before: Json, wish: Mapping[str, Json]) -> dict[str, Json]:
    return _NIC.merge({"model": DEFAULT_MODEL, **(before or {})}, wish)


NIC = Codec(_parse_nic, _decode_nic, _encode_nic, _merge_nic, _NIC.same)

AGENT = Properties(
    default_key="enabled",
    aliases={"guest-fsfreeze": "freeze-fs", "freeze-fs-on-backup": "freeze-fs"},
    kinds={"enabled": "bool", "freeze-fs": "bool", "fstrim_cloned_disks": "bool", "type": "str"},
    defaults={"enabled": False, "freeze-fs": True, "fstrim_cloned_disks": False, "type": "virtio"},
)
BOOT = Properties(default_key="legacy", kinds={"legacy": "str", "order": "list"})
CPU = Properties(
    default_key="cputype",
    kinds={
        "cputype": "str", "flags": "list", "hidden": "bool", "hv-vendor-id": "str", "phys-bits": "str",
        "guest-phys-bits": "int", "reported-model": "str",
    },
    defaults={"hidden": False},
)  # fmt: skip
IPCONFIG = Properties(kinds={"ip": "lower", "gw": "lower", "ip6": "lower", "gw6": "lower"})
CICUSTOM = Properties(kinds=dict.fromkeys(("meta", "network", "user", "vendor"), "str"))
VGA = Properties(default_key="type", kinds={"type": "str", "memory": "int", "clipboard": "str"})
MACHINE = Properties(
    default_key="type",
    kinds={"type": "str", "viommu": "str", "enable-s3": "bool", "enable-s4": "bool", "aw-bits": "int"},
)
WATCHDOG = Properties(default_key="model", kinds={"model": "str", "action": "str"})
RNG = Properties(default_key="source", kinds={"source": "str", "max_bytes": "int", "period": "int"})
AUDIO = Properties(kinds={"device": "str", "driver": "str"}, defaults={"driver": "spice"})
SPICE = Properties(kinds={"foldersharing": "bool", "videostreaming": "str"})
SMBIOS = Properties(
    kinds={
        **dict.fromkeys(("uuid", "family", "manufacturer", "product", "serial", "sku", "version"), "str"),
        "base64": "bool",
    }
)
IVSHMEM = Properties(kinds={"size": "int", "name": "str"})
NUMA_NODE = Properties(kinds={"cpus": "str", "hostnodes": "str", "memory": "float", "policy": "str"})
HOSTPCI = Properties(
    default_key="host",
    kinds={
        **dict.fromkeys(("host", "mapping", "mdev", "romfile", "driver"), "str"),
        **dict.fromkeys(("vendor-id", "device-id", "sub-vendor-id", "sub-device-id"), "str"),
        **dict.fromkeys(("pcie", "rombar", "x-vga", "legacy-igd"), "bool"),
    },
    defaults={"rombar": True, "pcie": False, "x-vga": False, "legacy-igd": False},
)
USB = Properties(
    default_key="host", kinds={"host": "lower", "mapping": "str", "usb3": "bool"}, defaults={"usb3": False}
)
VIRTIOFS = Properties(
    default_key="dirid",
    kinds={"dirid": "str", "cache": "str", "direct-io": "bool", "expose-acl": "bool", "expose-xattr": "bool"},
)


FIELDS: tuple[Field, ...] = (
    Field("name"),
    Field("description", DESCRIPTION),
    Field("tags", TAGS),
    Field("onboot", BOOLEAN, default=False),
    Field("autostart", BOOLEAN, default=False),
    Field("protection", BOOLEAN, default=False),
    Field("startup", STARTUP.codec()),
    Field("hookscript"),
    Field("hotplug", CONTENT, default=["disk", "network", "usb"]),
    at_boot("cores", INTEGER, default=1),
    at_boot("sockets", INTEGER, default=1),
    at_boot("vcpus", INTEGER),
    at_boot("cpu", CPU.codec(), default={"cputype": "kvm64"}),
    Field("cpulimit", NUMBER, default=0.0),
    Field("cpuunits", INTEGER),
    at_boot("affinity"),
    at_boot("numa", BOOLEAN, default=False),
    at_boot("memory", MEMORY, default=512),
    at_boot("balloon", INTEGER),
    Field("shares", INTEGER, default=1000),
    at_boot("allow_ksm", BOOLEAN, wire="allow-ksm", default=True),
    at_boot("hugepages", spec=choices("any", "2", "1024")),
    at_boot("keephugepages", BOOLEAN, default=False),
    at_boot("agent", AGENT.codec(), default={}),
    at_boot("acpi", BOOLEAN, default=True),
    at_boot("kvm", BOOLEAN, default=True),
    at_boot("tablet", BOOLEAN, default=True),
    at_boot("localtime", BOOLEAN),
    at_boot("tdf", BOOLEAN, default=False),
    at_boot("freeze", BOOLEAN, default=False),
    at_boot("arch", spec=choices("x86_64", "aarch64")),
    at_boot("bios", default="seabios", spec=choices("seabios", "ovmf")),
    at_boot("boot", BOOT.codec()),
    at_boot("machine", MACHINE.codec()),
    at_boot(
        "ostype",
        default="other",
        spec=choices(
            "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26", "solaris"
        ),
    ),
    at_boot(
        "scsihw",
        default="lsi",
        spec=choices("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"),
    ),
    at_boot("vga", VGA.codec()),
    at_boot("audio0", AUDIO.codec()),
    at_boot("rng0", RNG.codec()),
    at_boot("watchdog", WATCHDOG.codec()),
    at_boot("smbios1", SMBIOS.codec()),
    at_boot("ivshmem", IVSHMEM.codec()),
    at_boot("spice_enhancements", SPICE.codec()),
    at_boot("keyboard"),
    at_boot("startdate"),
    at_boot("args"),
    at_boot("amd_sev", wire="amd-sev"),
    at_boot("intel_tdx", wire="intel-tdx"),
    at_boot("vmgenid"),
    Field("vmstatestorage"),
    at_boot("citype", spec=choices("configdrive2", "nocloud", "opennebula")),
    at_boot("ciuser"),
    at_boot("cipassword", secret=True),
    at_boot("ciupgrade", BOOLEAN, default=True),
    at_boot("cicustom", CICUSTOM.codec()),
    at_boot("sshkeys", SSH_KEYS),
    at_boot("nameserver", NAMESERVERS),
    at_boot("searchdomain"),
)


FAMILIES: tuple[Family, ...] = (
    Family("net", 32, NIC, live=True),
    Family("ipconfig", 32, IPCONFIG.codec()),
    Family("serial", 4, TEXT),
    Family("parallel", 3, TEXT),
    Family("usb", 14, USB.codec(), live=True),
    Family("hostpci", 16, HOSTPCI.codec()),
    Family("numa_nodes", 8, NUMA_NODE.codec(), prefix="numa"),
    Family("virtiofs", 10, VIRTIOFS.codec()),
)
"""Counts are PVE's: MAX_NETS, MAX_SERIAL_PORTS, MAX_PARALLEL_PORTS, MAX_USB_DEVICES, MAX_HOSTPCI_DEVICES."""

CONFIG = ConfigTable(FIELDS, FAMILIES)


def shown_nics(config: Values) -> dict[str, dict[str, Json]]:
    """The network cards as the module returns them, ``mac`` included."""
    nics = {key: _decode_nic(value) for key, value in config.items() if FAMILIES[0].owns(key)}
    return {key: {**nic, "mac": nic.get("macaddr")} for key, nic in sorted(nics.items())}
