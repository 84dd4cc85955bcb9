# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a VM as data: one row for each option Proxmox VE has. Pure.

Names, types, defaults and limits are those of the API schema (``PUT /nodes/{node}/qemu/{vmid}/config``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    CONTENT,
    DESCRIPTION,
    INTEGER,
    MEMORY,
    NUMBER,
    SSH_KEYS,
    TAGS,
    Codec,
    Json,
    Properties,
    matching,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources import cpu_mitigations
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import (
    DNS_NAME,
    SERVERS,
    STARTUP,
    ConfigTable,
    Family,
    at_boot,
    choices,
    with_addresses,
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
    choices={"model": NIC_MODELS},
    limits={"mtu": (1, 65520), "queues": (0, 64), "rate": (0, None), "tag": (1, 4094)},
)  # fmt: skip


_SHORT_NIC = re.compile(rf"(^|,)({'|'.join(map(re.escape, NIC_MODELS))})=([^,]+)")
"""``virtio=MAC``, PVE's short form of a card's model and address."""


def _model_first(text: str) -> str:
    """``virtio=MAC,bridge=...`` in the long form: ``model=virtio,macaddr=MAC,bridge=...``."""
    return _SHORT_NIC.sub(r"\1model=\2,macaddr=\3", text)


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
    choices={"type": ("virtio", "isa")},
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
VGA = Properties(
    default_key="type",
    kinds={"type": "str", "memory": "int", "clipboard": "str"},
    choices={
        "type": (
            "cirrus", "none", "qxl", "qxl2", "qxl3", "qxl4", "serial0", "serial1", "serial2", "serial3", "std",
            "virtio", "virtio-gl", "vmware",
        ),
        "clipboard": ("vnc",),
    },
    limits={"memory": (4, 512)},
)  # fmt: skip
MACHINE = Properties(
    default_key="type",
    kinds={"type": "str", "viommu": "str", "enable-s3": "bool", "enable-s4": "bool", "aw-bits": "int"},
    choices={"viommu": ("intel", "virtio")},
    limits={"aw-bits": (32, 64)},
)
WATCHDOG = Properties(
    default_key="model",
    kinds={"model": "str", "action": "str"},
    choices={"model": ("i6300esb", "ib700"), "action": ("reset", "shutdown", "poweroff", "pause", "debug", "none")},
)
RNG = Properties(
    default_key="source",
    kinds={"source": "str", "max_bytes": "int", "period": "int"},
    choices={"source": ("/dev/urandom", "/dev/random", "/dev/hwrng")},
)
AUDIO = Properties(
    kinds={"device": "str", "driver": "str"},
    defaults={"driver": "spice"},
    choices={"device": ("ich9-intel-hda", "intel-hda", "AC97"), "driver": ("spice", "none")},
)
SPICE = Properties(
    kinds={"foldersharing": "bool", "videostreaming": "str"}, choices={"videostreaming": ("off", "all", "filter")}
)
SMBIOS = Properties(
    kinds={
        **dict.fromkeys(("uuid", "family", "manufacturer", "product", "serial", "sku", "version"), "str"),
        "base64": "bool",
    }
)
IVSHMEM = Properties(kinds={"size": "int", "name": "str"}, limits={"size": (1, None)})
NUMA_NODE = Properties(
    kinds={"cpus": "str", "hostnodes": "str", "memory": "float", "policy": "str"},
    choices={"policy": ("preferred", "bind", "interleave")},
)
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
    choices={"cache": ("auto", "always", "metadata", "never")},
)


UUID = r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"
KEYBOARDS = (
    "da", "de", "de-ch", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja", "lt",
    "mk", "nl", "no", "pl", "pt", "pt-br", "sl", "sv", "tr",
)  # fmt: skip

ADDRESS_WORDS = {"ip": ("dhcp",), "ip6": ("dhcp", "auto")}


def _addresses(value: Json) -> dict[str, Json]:
    """An ``ipconfig`` whose addresses are some: PVE itself takes a wrong gateway, and the guest then has no network."""
    return with_addresses(IPCONFIG.parse(value), ADDRESS_WORDS)


MITIGATIONS = Codec(str, CPU.decode, CPU.encode, cpu_mitigations.merged, CPU.same)
"""Part of the option ``cpu``, under a name of its own."""

FIELDS: tuple[Field, ...] = (
    Field("name", DNS_NAME),
    Field("description", DESCRIPTION),
    Field("tags", TAGS),
    Field("onboot", BOOLEAN, default=False),
    Field("autostart", BOOLEAN, default=False),
    Field("protection", BOOLEAN, default=False),
    Field("startup", STARTUP.codec()),
    Field("hookscript"),
    Field("hotplug", CONTENT, default=["disk", "network", "usb"]),
    at_boot("cores", within(INTEGER, 1), default=1),
    at_boot("sockets", within(INTEGER, 1), default=1),
    at_boot("vcpus", within(INTEGER, 1)),
    at_boot("cpu_mitigations", MITIGATIONS, wire="cpu", default={"cputype": "kvm64"}, spec=cpu_mitigations.OPTION),
    at_boot("cpu", CPU.codec(), default={"cputype": "kvm64"}),
    Field("cpulimit", within(NUMBER, 0, 128), default=0.0),
    Field("cpuunits", within(INTEGER, 1, 262144)),
    at_boot("affinity"),
    at_boot("numa", BOOLEAN, default=False),
    at_boot("memory", within(MEMORY, 16), default=512),
    at_boot("balloon", within(INTEGER, 0)),
    Field("shares", within(INTEGER, 0, 50000), default=1000),
    at_boot("allow_ksm", BOOLEAN, wire="allow-ksm", default=True),
    at_boot("hugepages", spec=choices("any", "2", "1024")),
    at_boot("keephugepages", BOOLEAN, default=False),
    at_boot("agent", AGENT.codec(), default={}),
    at_boot("acpi", BOOLEAN, default=True),
    at_boot("kvm", BOOLEAN, default=True),
    at_boot("reboot", BOOLEAN, default=True),
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
    at_boot("keyboard", spec=choices(*KEYBOARDS)),
    at_boot("startdate", matching(r"now|\d{4}-\d{1,2}-\d{1,2}(?:T\d{1,2}:\d{1,2}:\d{1,2})?", "now, a date or a time")),
    at_boot("args"),
    at_boot("amd_sev", wire="amd-sev"),
    at_boot("intel_tdx", wire="intel-tdx"),
    at_boot("vmgenid", matching(rf"[01]|{UUID}", "a UUID, 0 or 1")),
    Field("vmstatestorage"),
    Field("migrate_downtime", within(NUMBER, 0), default=0.1),
    Field("migrate_speed", within(INTEGER, 0), default=0),
    at_boot("citype", spec=choices("configdrive2", "nocloud", "opennebula")),
    at_boot("ciuser"),
    at_boot("cipassword", secret=True),
    at_boot("ciupgrade", BOOLEAN, default=True),
    at_boot("cicustom", CICUSTOM.codec()),
    at_boot("sshkeys", SSH_KEYS),
    at_boot("nameserver", SERVERS),
    at_boot("searchdomain"),
)


FAMILIES: tuple[Family, ...] = (
    Family("net", 32, NIC, live=True),
    Family("ipconfig", 32, replace(IPCONFIG.codec(), parse=_addresses)),
    Family("serial", 4, matching(r"/dev/.+|socket", "socket or a device such as /dev/ttyS0")),
    Family("parallel", 3, matching(r"/dev/parport\d+|/dev/usb/lp\d+", "a device such as /dev/parport0")),
    Family("usb", 14, USB.codec(), live=True),
    Family("hostpci", 16, HOSTPCI.codec()),
    Family("numa_nodes", 8, NUMA_NODE.codec(), prefix="numa"),
    Family("virtiofs", 10, VIRTIOFS.codec()),
)
"""Counts are PVE's: MAX_NETS, MAX_SERIAL_PORTS, MAX_PARALLEL_PORTS, MAX_USB_DEVICES, MAX_HOSTPCI_DEVICES."""


def _with_mitigations(params: Values) -> Values:
    """Both options that make up ``cpu`` as one."""
    wanted, cpu = params.get("cpu_mitigations"), params.get("cpu")
    if wanted is None or cpu is None:
        return params
    try:
        parsed_cpu = CPU.parse(cpu)
    except ValueError as error:
        raise ConfigError(f"Option 'cpu': {error}") from error
    return {**params, "cpu": cpu_mitigations.merged(parsed_cpu, wanted), "cpu_mitigations": None}


CONFIG = ConfigTable(FIELDS, FAMILIES, _with_mitigations)


def shown_nics(config: Values) -> dict[str, dict[str, Json]]:
    """The network cards as the module returns them, ``mac`` included."""
    nics = {key: _decode_nic(value) for key, value in config.items() if FAMILIES[0].owns(key)}
    return {key: {**nic, "mac": nic.get("macaddr")} for key, nic in sorted(nics.items())}
