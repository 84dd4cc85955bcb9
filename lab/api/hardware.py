# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node has and can: devices, packages, processor models and machine types, as recorded (../golden nodes).

Every lab node tells of the same virtual hardware; nothing of the machine that the lab runs on is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.api.fake import Call, Route, Values
from lab.api.node import NODE
from lab.api.nodes import NodesArea

CAPABILITIES = f"{NODE}/capabilities/qemu"
RED_HAT = ("0x1af4", "Red Hat, Inc.")
# Slot -> class, device, name of a virtual PCI device.
PCI_DEVICES: Mapping[int, tuple[str, str, str]] = {
    1: ("0xffff00", "0x1045", "Virtio 1.0 balloon"),
    2: ("0x018000", "0x1042", "Virtio 1.0 block device"),
    3: ("0x020000", "0x1041", "Virtio 1.0 network device"),
    4: ("0xffff00", "0x1053", "Virtio 1.0 socket"),
    5: ("0xffff00", "0x1044", "Virtio 1.0 RNG"),
}
MACHINE_VERSIONS = (
    "10.0+pve1 10.0 9.2+pve1 9.2 9.1 9.0 8.2 8.1 8.0 7.2 7.1 7.0 6.2 6.1 6.0 5.2 5.1 5.0 4.2 4.1+pve2 4.1+pve1 4.1 4.0 "
    "3.1 3.0 2.12 2.11 2.10 2.9 2.8 2.7 2.6 2.5 2.4"
)
# PVE's own revisions of a machine version, and what each is for.
REVISIONS: Mapping[str, str] = {
    "10.0+pve1": "Set host_mtu vNIC option even with default value for migration compat.",
    "9.2+pve1": "Disables S3/S4 power states by default.",
    "4.1+pve2": "Increases the number of SCSI drives supported.",
    "4.1+pve1": "Introduction of pveX versioning, no changes.",
}
MACHINE_TYPES = (("i440fx", "pc-i440fx"), ("q35", "pc-q35"))
# QEMU has a q35 of 4.0.1 too, and PVE shows both with two numbers.
TWICE = ("q35", "4.0")
PROCESSORS: Mapping[str, str] = {
    "AuthenticAMD": (
        "EPYC EPYC-Genoa EPYC-Genoa-v2 EPYC-IBPB EPYC-Milan EPYC-Milan-v2 EPYC-Milan-v3 EPYC-Rome EPYC-Rome-v2 "
        "EPYC-Rome-v3 EPYC-Rome-v4 EPYC-Rome-v5 EPYC-Turin EPYC-v3 EPYC-v4 EPYC-v5 Opteron_G1 Opteron_G2 Opteron_G3 "
        "Opteron_G4 Opteron_G5 athlon phenom"
    ),
    "GenuineIntel": (
        "486 Broadwell Broadwell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS Cascadelake-Server Cascadelake-Server-noTSX "
        "Cascadelake-Server-v2 Cascadelake-Server-v4 Cascadelake-Server-v5 ClearwaterForest Conroe Cooperlake "
        "Cooperlake-v2 GraniteRapids GraniteRapids-v2 GraniteRapids-v3 Haswell Haswell-IBRS Haswell-noTSX "
        "Haswell-noTSX-IBRS Icelake-Client Icelake-Client-noTSX Icelake-Server Icelake-Server-noTSX Icelake-Server-v3 "
        "Icelake-Server-v4 Icelake-Server-v5 Icelake-Server-v6 Icelake-Server-v7 IvyBridge IvyBridge-IBRS KnightsMill "
        "Nehalem Nehalem-IBRS Penryn SandyBridge SandyBridge-IBRS SapphireRapids SapphireRapids-v2 SapphireRapids-v3 "
        "SapphireRapids-v4 SierraForest SierraForest-v2 SierraForest-v3 Skylake-Client Skylake-Client-IBRS "
        "Skylake-Client-noTSX-IBRS Skylake-Client-v4 Skylake-Server Skylake-Server-IBRS Skylake-Server-noTSX-IBRS "
        "Skylake-Server-v4 Skylake-Server-v5 Westmere Westmere-IBRS core2duo coreduo pentium pentium2 pentium3"
    ),
    "default": "host kvm32 kvm64 max qemu32 qemu64 x86-64-v2 x86-64-v2-AES x86-64-v3 x86-64-v4",
}
# Of the packages PVE asks about: section, version, whether it is installed, and whose it is.
PACKAGES: Mapping[str, tuple[str, str, bool, str]] = {
    "ceph-fuse": ("admin", "18.2.7+ds-1+deb13u1", False, "Debian"),
    "corosync": ("admin", "3.1.9-2+deb13u1", True, "Debian"),
    "ifupdown2": ("admin", "3.3.0-1+pmx8", True, "unknown"),
    "libspice-server1": ("libs", "0.15.2-1+b1", False, "Debian"),
    "lvm2": ("admin", "2.03.31-2", True, "Debian"),
    "lxcfs": ("admin", "6.0.4-1+deb13u1", False, "Debian"),
    "smartmontools": ("utils", "7.4-3", True, "Debian"),
    "swtpm": ("misc", "0.7.1-1.5", True, "Debian"),
}


def pci_device(slot: int) -> Values:
    """One PCI device as the API tells of it."""
    kind, device, name = PCI_DEVICES[slot]
    vendor, vendor_name = RED_HAT
    return {
        "class": kind,
        "device": device,
        "device_name": name,
        "id": f"0000:00:{slot:02x}.0",
        "iommugroup": -1,
        "subsystem_device": device,
        "subsystem_vendor": vendor,
        "subsystem_vendor_name": vendor_name,
        "vendor": vendor,
        "vendor_name": vendor_name,
    }


def machines() -> Iterator[Values]:
    """Every machine type in every version, newest first."""
    for version in MACHINE_VERSIONS.split():
        for kind, prefix in MACHINE_TYPES:
            changes = {"changes": REVISIONS[version]} if version in REVISIONS else {}
            item = {"id": f"{prefix}-{version}", "type": kind, "version": version, **changes}
            yield from [item] * (2 if (kind, version) == TWICE else 1)


def processors() -> Iterator[Values]:
    """Every processor model; those of x86-64 are PVE's own, abstract ones."""
    for vendor, names in PROCESSORS.items():
        for name in names.split():
            yield {"name": name, "vendor": vendor, "custom": 0} | (
                {"abstract": 1} if name.startswith("x86-64-") else {}
            )


def package(name: str) -> Values:
    """One package as ``apt/versions`` tells of it."""
    section, version, installed, origin = PACKAGES[name]
    return {
        "Arch": "all" if name == "ifupdown2" else "amd64",
        "CurrentState": "Installed" if installed else "NotInstalled",
        "Description": name,
        "Origin": origin,
        "Package": name,
        "Priority": "optional",
        "Section": section,
        "Title": name,
        "Version": version,
        **({"OldVersion": version} if installed else {}),
    }


class HardwareArea(NodesArea):
    """Mixin: ``/nodes/{node}/{hardware,capabilities}`` and the versions of packages."""

    def routes(self) -> list[Route]:
        """Everything that is only told."""
        return [
            ("GET", f"{NODE}/hardware/pci", self._list_pci),
            ("GET", f"{CAPABILITIES}/cpu", self._list_processors),
            ("GET", f"{CAPABILITIES}/machines", self._list_machines),
            ("GET", f"{CAPABILITIES}/migration", self._say_migration),
            ("GET", f"{NODE}/apt/versions", self._list_versions),
        ]

    async def _list_pci(self, call: Call) -> list[Values]:
        """The devices whose class is not among those asked to be left out (PVE/API2/Hardware/PCI.pm)."""
        hidden = tuple(f"0x{prefix}" for prefix in str(call.get("pci-class-blacklist", "05;06;0b")).split(";"))
        return [item for item in map(pci_device, PCI_DEVICES) if not item["class"].startswith(hidden)]

    async def _list_processors(self, _call: Call) -> list[Values]:
        return list(processors())

    async def _list_machines(self, _call: Call) -> list[Values]:
        return list(machines())

    async def _say_migration(self, _call: Call) -> Values:
        return {"has-dbus-vmstate": True}

    async def _list_versions(self, _call: Call) -> list[Values]:
        return [package(name) for name in PACKAGES]
