# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``cpu_mitigations`` of a VM: the CPU flags by which a guest protects itself from its neighbours. Pure.

The flags are those PVE's web interface offers (PVE::QemuServer::CPUConfig); they go into the VM's option ``cpu``. One
that the node's processor lacks keeps the VM from starting, so the processor's maker is named, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

INTEL = ("md-clear", "pcid", "spec-ctrl", "ssbd")
AMD = ("amd-ssbd", "ibpb", "virt-ssbd")
EVERY = frozenset({*INTEL, *AMD, "amd-no-ssb"})

FLAGS: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "intel": tuple(f"+{name}" for name in INTEL),
    "amd": tuple(f"+{name}" for name in AMD),
    "off": tuple(f"-{name}" for name in sorted(EVERY)),
}
"""What each value of the option says about the flags; anything it leaves out is left to the CPU type."""

OPTION: Mapping[str, Any] = {"type": "str", "choices": list(FLAGS)}


def with_mitigations(flags: Sequence[str], wanted: str) -> list[str]:
    """A VM's CPU flags, each with its sign, with the mitigations replaced."""
    return [*(flag for flag in flags if flag.lstrip("+-") not in EVERY), *FLAGS[wanted]]


def merged(cpu: Mapping[str, Any] | None, wanted: str) -> dict[str, Any]:
    """A VM's ``cpu`` option in canonical form with the mitigations replaced; the CPU type is PVE's default if unset."""
    flags = with_mitigations([flag for flag in str((cpu or {}).get("flags") or "").split(";") if flag], wanted)
    rest = {name: value for name, value in (cpu or {"cputype": "kvm64"}).items() if name != "flags"}
    return {**rest, **({"flags": ";".join(flags)} if flags else {})}
