# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of booted nodes, of a cluster or of one alone, in a process outside of them all.

What the states of nodes say is done to them: power, network, doors. What a node has of its own is looked for there:
its files below its root, the volumes of its storages below its data, its kernel's network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from lab.api.attaching import AttachServer, socket_beside
from lab.api.fake import Call, FakeVm, PveError
from lab.api.network import RELOAD, told_of_reload
from lab.api.nodes import CUT_OFF, OFF, ON
from lab.api.seed import Seed
from lab.api.server import LabApi, Places
from lab.api.volumes import guest_volumes
from lab.guests.driver import GuestError
from lab.guests.host import Host
from lab.guests.machine import Library
from lab.guests.namespace import NamespaceDriver
from lab.guests.rack import API_SOCKET, Rack


class OutsideDriver(NamespaceDriver):
    """Boots guests on nodes that this process is outside of."""

    def __init__(self, library: Library, rack: Rack) -> None:
        """``rack`` has the nodes."""
        super().__init__(library)
        self._rack = rack
        # The API's word on where a guest is; it is made after its driver.
        self.api: BootedApi | None = None

    def host_of(self, vmid: int) -> Host:
        """The node that the guest's configuration is on. Raises GuestError when that is off."""
        guest = self.api.guest(vmid) if self.api else None
        if guest is None:
            raise GuestError(f"Configuration file for guest {vmid} does not exist")
        return self._rack.host(guest.node)


class BootedApi(LabApi):
    """Serves nodes of a rack."""

    def __init__(
        self, node: str, seed: Seed, library: Library, rack: Rack, state_file: Path, *, others: tuple[str, ...] = ()
    ) -> None:
        """``node`` is the first one, with what the seed has; ``others`` are in a cluster with it from the start."""
        driver = OutsideDriver(library, rack)
        self.rack = rack
        places = Places(rack.shared / "volumes", rack.shared / "files", state_file)
        super().__init__(node, seed, driver, places, others)
        self.namespaces, driver.api = driver, self
        self._power: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._attaching: dict[str, AttachServer] = {}

    # ------------------------------------------------------------------ files

    def has_machine(self) -> bool:
        """Whether the asked node is on: then its files are its own."""
        return self.rack.is_on(self.asked_node())

    def text_of(self, name: str) -> str | None:
        """A file of the asked node, or None without one."""
        path = self.rack.root(self.asked_node()) / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def write_text(self, name: str, text: str) -> None:
        """Replace a file of the asked node."""
        self._write_file(self.rack.root(self.asked_node()) / name, text)

    def remove_text(self, name: str) -> None:
        """Remove a file of the asked node, if it is there."""
        (self.rack.root(self.asked_node()) / name).unlink(missing_ok=True)

    def storage_folder(self, name: str) -> Path:
        """Where a file-based storage is: each node has its own folder, unless it is shared."""
        root = self.files_root if self.is_shared(name) else self.rack.root(self.asked_node())
        return root / str(self._base_path(name)).lstrip("/")

    # ---------------------------------------------------------------- network

    def active_interfaces(self) -> set[str]:
        """The interfaces the asked node's kernel has."""
        if not self.has_machine():
            return super().active_interfaces()
        return set(os.listdir(self.rack.host(self.asked_node()).cards))  # noqa: PTH208 - names, not paths

    async def reload_network(self) -> None:
        """Let ifupdown2 make the asked node's network what its files say."""
        told_of_reload(*await self.rack.run(self.asked_node(), *RELOAD))

    def address_of(self, node: str) -> str:
        """The address a node is known by."""
        return self.addresses_of(node)[0]

    # ---------------------------------------------------------------- volumes

    def volume_path(self, volume: str) -> Path:
        """The directory of a volume: below the data of its node, or of a shared storage where all see it."""
        path = super().volume_path(volume)
        storage = volume.partition(":")[0]
        if self.is_shared(storage):
            return path
        return self.rack.volumes(self._home(volume)) / path.relative_to(self.volumes_dir)

    def _home(self, volume: str) -> str:
        record = self._volume_record(volume)
        return self.node_of(record) if record else self.asked_node()

    def bring_home(self, guest: Any) -> None:  # noqa: ANN401 - a guest of fakepve
        """Put volumes of a guest that came from another node where they are looked for now."""
        for volume in guest_volumes(guest.config).values():
            target = self.volume_path(volume)
            below = target.relative_to(self.rack.volumes(self._home(volume))) if not self._is_common(volume) else None
            sources = [self.rack.volumes(name) / below for name in self.nodes if below and self.rack.is_on(name)]
            source = next((path for path in sources if path.exists()), None)
            if source is not None and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)

    def _is_common(self, volume: str) -> bool:
        return self.is_shared(volume.partition(":")[0])

    # -------------------------------------------------------------- migration

    async def move_guest(self, guest: FakeVm, call: Call) -> None:
        """Move a VM: its volumes go along, and one that runs goes on with its cards in the other node's bridges."""
        await super().move_guest(guest, call)
        self.bring_home(guest)
        if guest.vmid in await self.driver.running():
            await self.namespaces.migrate(guest.vmid)

    async def _start_steps(self, guest: Any, user: str, skiplock: bool = False) -> None:  # noqa: ANN401
        """Start a container, on the node it may just have come to."""
        self.bring_home(guest)
        await super()._start_steps(guest, user, skiplock)

    # ---------------------------------------------------------------- commands

    def let_attach(self, name: str) -> None:
        """Let a node's commands into its containers."""
        self._attaching[name] = AttachServer(self, name)
        self._attaching[name].start(self.rack.listen_local(name, str(socket_beside(Path(API_SOCKET)))))

    async def stop_attaching(self, name: str) -> None:
        """End what such commands do."""
        server = self._attaching.pop(name, None)
        if server is not None:
            await server.stop()

    # ------------------------------------------------------------------ states

    async def node_state_changed(self, name: str, before: str, after: str) -> None:
        """Do to the booted node what its state says: states that follow one another quickly, one after the other."""
        async with self._power[name]:
            if after == OFF:
                await self.power_off(name)
            elif not self.rack.is_on(name):
                await self.rack.boot(name)
            if after == CUT_OFF:
                await self.rack.unplug(name)
            elif before == CUT_OFF and after != OFF:
                await self.rack.plug(name)
            await super().node_state_changed(name, before, after)
            if before == OFF:
                await self.came_up(name)

    async def power_off(self, name: str) -> None:
        """End a node and its guests."""
        await self.stop_attaching(name)
        await self.rack.cut_power(name)
        for guest in [guest for guest in (*self.vms, *self.cts) if guest.node == name and guest.status == "running"]:
            await self.driver.kill(guest.vmid)
            self._lose_power(guest)

    async def came_up(self, name: str) -> None:
        """A node that was off is on again: the guests that run whenever it does are started."""
        self.let_attach(name)
        await self.start_guests_of(name)

    async def node_fell(self, name: str, wants_up: bool) -> None:
        """A node powered itself off, or began to reboot."""
        self.set_node_state(name, OFF)
        await self.node_states_settled()
        if wants_up:
            self.set_node_state(name, ON)
            await self.node_states_settled()

    async def start_on_boot(self) -> None:
        """Start the guests that are to run whenever their node does."""
        for name in self.nodes:
            await self.start_guests_of(name)
        self.wake_manager()

    async def start_guests_of(self, name: str) -> None:
        """Start the ones of a node; those that are looked after by the HA manager it starts itself."""
        for guest in [guest for guest in (*self.vms, *self.cts) if guest.node == name and _starts_on_boot(guest)]:
            with self.on_node(name), contextlib.suppress(PveError):
                await self._start_on_node(guest)

    async def _start_on_node(self, guest: Any) -> None:  # noqa: ANN401
        values = {"node": guest.node, "vmid": guest.vmid}
        if isinstance(guest, FakeVm):
            await self._start(Call(values, "root@pam"))
        else:
            await self._lxc_start("root@pam", values)


def _starts_on_boot(guest: Any) -> bool:  # noqa: ANN401
    return str(guest.config.get("onboot")) == "1" and not guest.template and not guest.ha_managed
