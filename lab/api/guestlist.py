# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests found by their id at once, however many there are: fakepve keeps them in lists and looks through these.

What a list of thousands of guests would read from their configurations again and again is read once as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from lab.api.fake import Fake, FakeCt, FakeVm

# What changes a list; each makes the index begin anew.
CHANGES = (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
)
# Different values of drives whose size is remembered; a drive's value names its volume, so it is about one a guest.
REMEMBERED = 20_000
# Every key of a configuration that can name a volume, and how many there are of it (PVE/QemuServer/Drive.pm,
# PVE/LXC/Config.pm).
COUNTS = {"ide": 4, "sata": 6, "scsi": 31, "virtio": 16, "efidisk": 1, "tpmstate": 1, "unused": 256, "mp": 256}
DRIVES = frozenset({"rootfs", *(f"{kind}{number}" for kind, count in COUNTS.items() for number in range(count))})


def drives(config: Mapping[str, Any]) -> dict[str, str]:
    """The drives and mount points of a configuration."""
    return {key: str(config[key]) for key in config.keys() & DRIVES}


def begins(config: Mapping[str, str], start: str) -> bool:
    """Whether a drive begins so."""
    return any(value.startswith(start) for value in config.values())


class GuestList(list[Any]):
    """A list of guests with an index by VMID, made when it is first asked for after a change."""

    _index: dict[int, Any] | None = None

    def find(self, vmid: int) -> Any:  # noqa: ANN401 - a guest of fakepve
        """The first guest with this id, or None."""
        if self._index is None:
            self._index = {guest.vmid: guest for guest in reversed(self)}
        return self._index.get(vmid)


def _changing(name: str) -> Callable[..., Any]:
    change: Callable[..., Any] = getattr(list, name)

    def changed(self: GuestList, *values: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever list's method takes
        self._index = None
        return change(self, *values, **options)

    changed.__name__ = name
    return changed


for _name in CHANGES:
    setattr(GuestList, _name, _changing(_name))


@lru_cache(REMEMBERED)
def _first_size(*known: tuple[str, str]) -> int:
    size: int = Fake._vm_maxdisk(FakeVm(0, "", config=dict(known)))
    return size


@lru_cache(REMEMBERED)
def _root_size(rootfs: str) -> int:
    size: int = Fake._maxdisk(FakeCt(0, config={"rootfs": rootfs}))
    return size


class GuestListArea(Fake):
    """Mixin: ``vms`` and ``cts`` with an index, and fakepve's look-ups by way of it."""

    @property
    def vms(self) -> list[Any]:
        """Every VM of the cluster."""
        return self._vms

    @vms.setter
    def vms(self, guests: Iterable[Any]) -> None:
        self._vms = GuestList(guests)

    @property
    def cts(self) -> list[Any]:
        """Every container of the cluster."""
        return self._cts

    @cts.setter
    def cts(self, guests: Iterable[Any]) -> None:
        self._cts = GuestList(guests)

    def vm(self, vmid: int) -> Any:  # noqa: ANN401 - a guest of fakepve
        """The VM with this id, or None."""
        return self._vms.find(vmid)

    def ct(self, vmid: int) -> Any:  # noqa: ANN401
        """The container with this id, or None."""
        return self._cts.find(vmid)

    def _guest_of(self, vmid: int) -> Any:  # noqa: ANN401
        return self.guest(vmid)

    def _sync_pools(self) -> None:
        """Tell every guest its pool, in one pass over the pools' members."""
        pool_of = {vmid: name for name, members in reversed(self.pools.items()) for vmid in members}
        for guest in [*self.vms, *self.cts]:
            guest.pool = pool_of.get(guest.vmid)

    @staticmethod
    def _vm_maxdisk(vm: FakeVm) -> int:
        """Bytes of a VM's first disk."""
        return _first_size(*drives(vm.config).items())

    @staticmethod
    def _maxdisk(ct: FakeCt) -> int:
        """Bytes of a container's root volume."""
        return _root_size(str(ct.config.get("rootfs", "")))

    @staticmethod
    def _guest_volumes(guests: Iterable[Any], name: str) -> dict[str, tuple[Any, ...]]:
        """Volumes on a storage that the guests' configurations name; fakepve looks at those that may be one only."""
        known = ((guest.vmid, drives(guest.config)) for guest in guests)
        named = [SimpleNamespace(vmid=vmid, config=config) for vmid, config in known if begins(config, f"{name}:")]
        found: dict[str, tuple[Any, ...]] = Fake._guest_volumes(named, name)
        return found
