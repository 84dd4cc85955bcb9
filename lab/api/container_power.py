# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that run: started, stopped, looked at and changed through the guest driver.

fakepve keeps the books of power; what it writes down is done here, in the same task. After pve-container:
PVE/API2/LXC/Status.pm, PVE/LXC.pm, PVE/LXC/Config.pm (vmconfig_hotplug_pending).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

from lab.api import container_spec
from lab.api.containers import LXC, ONE, ContainerArea
from lab.api.fake import Call, Route, TaskError, Values, die
from lab.api.settings import crypt_password
from lab.api.tasks import followed_by, log_line
from lab.api.volumes import guest_volumes, volume_of
from lab.guests.driver import GuestError, GuestSpec, Usage

# Seconds for which what guests take of the machine is not measured again.
USAGE_AGE = 1.0
_being_made: ContextVar[bool] = ContextVar("container_being_made", default=False)


@contextmanager
def not_yet_startable() -> Iterator[None]:
    """Within the block, and in its tasks, fakepve's start of a new container waits until its volumes are there."""
    token = _being_made.set(True)
    try:
        yield
    finally:
        _being_made.reset(token)


class ContainerPowerArea(ContainerArea):
    """Mixin: containers through the driver."""

    def __init__(self, **options: object) -> None:
        """Start with no container running."""
        super().__init__(**options)
        self._booted_cts: set[int] = set()
        self._ct_usage: dict[int, Usage] = {}
        self._ct_usage_at = float("-inf")

    def routes(self) -> list[Route]:
        """What changes whether a container runs, or what a running one has."""
        return [
            ("GET", LXC, self._list_cts),
            ("POST", LXC, self._make_ct),
            ("PUT", ONE + "/config", self._change_ct),
            ("GET", ONE + "/interfaces", self._list_ct_interfaces),
            ("GET", ONE + "/status/current", self._ct_status),
            ("POST", ONE + "/status/stop", self._stop_ct),
            ("POST", ONE + "/snapshot/{snapname}/rollback", self._roll_back_ct),
        ]

    def find_ct(self, node: str, vmid: int) -> Any:  # noqa: ANN401 - a guest of fakepve
        """The container of a node. Raises PveError in PVE's words when it has none of that VMID."""
        return self._find_ct(node, vmid)

    # ------------------------------------------------------------------ spec

    def ct_spec(self, guest: Any) -> GuestSpec:  # noqa: ANN401 - a guest of fakepve
        """What the driver is told of a container."""
        root = volume_of(guest.config.get("rootfs", "")) or f"none:vm-{guest.vmid}-disk-0"
        with self.on_node(guest.node):
            return container_spec.guest_spec(guest.vmid, guest.config, self.volume_path(root), self._mount_folder)

    def _mount_folder(self, volume: str) -> Path:
        return self.driver.folder(self.volume_path(volume))

    # ----------------------------------------------------------------- power

    async def _start_steps(self, guest: Any, user: str, skiplock: bool = False) -> None:  # noqa: ANN401
        """fakepve's start, then the real one, unless a card's bridge is not on the node: then a hook fails."""
        if _being_made.get():
            return
        free = not guest.template and (skiplock or not guest.lock)
        missing = sorted({nic.bridge for nic in container_spec.cards(guest.config) if not self.has_bridge(nic.bridge)})
        if free and missing:
            log_line(f"bridge '{missing[0]}' does not exist")
            raise TaskError(f"startup for container '{guest.vmid}' failed")
        await super()._start_steps(guest, user, skiplock)
        await self.boot_ct(guest)

    async def boot_ct(self, guest: Any) -> None:  # noqa: ANN401
        """Boot a container that is called running. Raises TaskError; it is called stopped then."""
        try:
            await self.driver.boot(self.ct_spec(guest))
        except (GuestError, OSError) as error:
            self.ct_ended(guest)
            log_line(str(error))
            raise TaskError(f"startup for container '{guest.vmid}' failed") from error
        self._booted_cts.add(guest.vmid)

    def ct_ended(self, guest: Any) -> None:  # noqa: ANN401
        """Call a container stopped; its end may have been its own."""
        self._booted_cts.discard(guest.vmid)
        guest.status, guest.pid, guest.started_at = "stopped", None, None

    async def cut_ct_power(self, guest: Any) -> None:  # noqa: ANN401
        """End a container at once, if it runs."""
        await self.driver.kill(guest.vmid)
        self.ct_ended(guest)

    async def _stop_ct(self, call: Call) -> object:
        with followed_by(partial(self._cut_power_of, int(call["vmid"]))):
            return await self._lxc_stop(call.user, call.values)

    async def _cut_power_of(self, vmid: int) -> None:
        guest = self.ct(vmid)
        await (self.cut_ct_power(guest) if guest else self.driver.kill(vmid))
        self._booted_cts.discard(vmid)

    async def _ct_powerdown(self, guest: Any, timeout: float, force: bool) -> None:  # noqa: ANN401
        """Ask the container to end; one that does not is killed, or the task fails."""
        if guest.vmid not in self._booted_cts or guest.shutdown_secs > timeout:
            await super()._ct_powerdown(guest, timeout, force)
            await self.driver.kill(guest.vmid)
            self.ct_ended(guest)
            return
        await self.pause(guest.shutdown_secs)
        if not await self.driver.shutdown(guest.vmid, timeout):
            if not force:
                raise TaskError("container did not stop")
            await self.driver.kill(guest.vmid)
        self.ct_ended(guest)

    async def look(self) -> None:
        """Notice containers that ended by themselves."""
        await super().look()
        if not self._booted_cts:
            return
        for vmid in self._booted_cts - await self.driver.running():
            guest = self.ct(vmid)
            if guest is None:
                self._booted_cts.discard(vmid)
            elif guest.lock_holder is None:
                self.ct_ended(guest)

    async def _roll_back_ct(self, call: Call) -> object:
        """A container is ended, and started again only on request, once its volumes are those of the snapshot."""
        guest = self._find_ct(call["node"], call["vmid"])
        before = guest.config

        async def restore() -> None:
            await self.cut_ct_power(guest)
            await self._restore_volumes(guest, call, before)
            if call.get("start"):
                await self._start_steps(guest, call.user)

        if call.get("start"):
            self.require(call.user, f"/vms/{guest.vmid}", "VM.PowerMgmt")
        with followed_by(restore):
            return await self._lxc_rollback(call.user, {**call.values, "start": 0})

    # ------------------------------------------------------ making, changing

    async def _make_ct(self, call: Call) -> object:
        with not_yet_startable():
            return await self._create_ct(call)

    async def start_new_ct(self, call: Call) -> None:
        """Start a new container, if that was asked for."""
        if call.get("start"):
            _being_made.set(False)
            await self._start_steps(self.ct(int(call["vmid"])), call.user)

    async def fill_new_ct(self, call: Call) -> None:
        """Put the template on the new root, and root's password and keys."""
        root = volume_of(self.ct(int(call["vmid"])).config["rootfs"])
        if root is None or call.get("restore"):
            return
        password = crypt_password(call["password"]) if call.get("password") else None
        await self.driver.fill_root(
            self.volume_path(root), self._template_file(call), password, call.get("ssh-public-keys")
        )

    def _template_file(self, call: Call) -> Path | None:
        storage, separator, name = str(call["ostemplate"]).partition(":")
        path = self.file_path(storage, name) if separator else Path(storage)
        return path if path.is_file() else None

    async def _change_ct(self, call: Call) -> None:
        await self._put_ct_config(call)
        guest = self.ct(int(call["vmid"]))
        if guest is None or guest.vmid not in self._booted_cts:
            return
        try:
            await self.driver.adapt(self.ct_spec(guest))
        except GuestError as error:
            raise die(str(error)) from error

    # ----------------------------------------------------------------- truth

    async def _list_ct_interfaces(self, call: Call) -> list[dict[str, Any]] | None:
        """What ``ip address`` says in the container; null for one that does not run."""
        guest = self._find_ct(call["node"], call["vmid"])
        if guest.status != "running":
            return None
        if guest.vmid not in self._booted_cts:
            return await self._lxc_interfaces(call.user, call.values)  # type: ignore[no-any-return]
        return [container_spec.interface(link) for link in await self.driver.links(guest.vmid)]

    async def _list_cts(self, call: Call) -> object:
        await self._measure()
        return await self._lxc_list(call.user, call.values)

    async def _ct_status(self, call: Call) -> Values:
        await self._measure()
        status: Values = await self._lxc_status_current(call.user, call.values)
        guest = self.ct(int(call["vmid"]))
        if guest.vmid in self._booted_cts and guest.vmid in self._ct_usage:
            status["disk"] = sum(used for _, used in self.ct_usage(guest).values())
        return status

    def ct_usage(self, guest: Any) -> dict[str, list[int]]:  # noqa: ANN401
        """Size and use in bytes of the root and every mount point that is a volume."""
        volumes = {key: name for key, name in guest_volumes(guest.config).items() if not key.startswith("unused")}
        with self.on_node(guest.node):
            folders = {key: self.driver.folder(self.volume_path(volume)) for key, volume in volumes.items()}
        return {
            key: [self._size_of(guest.vmid, volumes[key]), container_spec.sizes([folder])]
            for key, folder in folders.items()
        }

    async def _measure(self) -> None:
        if self._booted_cts and time.monotonic() - self._ct_usage_at > USAGE_AGE:
            self._ct_usage, self._ct_usage_at = await self.driver.usage(), time.monotonic()

    def _status(self, guest: Any) -> Values:  # noqa: ANN401
        """fakepve's figures, with what is measured in place of what is made up."""
        status: Values = super()._status(guest)
        usage = self._ct_usage.get(guest.vmid)
        if usage is None or guest.vmid not in self._booted_cts:
            return status
        return {**status, "pid": usage.pid, "mem": min(usage.memory, status["maxmem"])}
