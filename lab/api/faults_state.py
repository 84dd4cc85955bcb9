# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of guests, logins and nodes: putting them in force, and ending them.

A fault that stays is a change of state with a way back; the way back leaves alone what somebody changed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lab.api.fake import FakeVm
from lab.api.faults import Active, Event, Fault, UnknownFaultError, read
from lab.api.faults_kinds import (
    KINDS,
    BlockAgent,
    Busy,
    Crash,
    Deaf,
    ExpireTickets,
    GuestFault,
    HangAgent,
    Lock,
    NoAgent,
    NodeFault,
    StorageFault,
)
from lab.api.state import StateArea
from lab.background import Background

Undo = Callable[[], None]
HOLDER = "fault"


class FaultArea(StateArea):
    """Mixin: adding and removing faults."""

    blocked: dict[int, tuple[str, ...]]
    driver: Any
    _qm_lock: Callable[[Any, str | None], None]

    def __init__(self, **options: object) -> None:
        """Start with nobody being killed."""
        super().__init__(**options)
        self._killing = Background()

    def inject(self, document: Mapping[str, Any]) -> int:
        """Put a fault in force and return its number; 0 for one that happens at once. Raises UnknownFaultError.

        A crash needs the API's own event loop.
        """
        fault = read(KINDS, document)
        undo = self._begin(fault)
        if isinstance(fault, Event):
            return 0
        active = self.faults.add(fault)
        active.undo = undo
        return active.id

    def restore(self, document: Mapping[str, Any]) -> None:
        """Become what a document says, without the faults that were in force: they end with the process."""
        super().restore(document)
        for guest in self.vms:
            guest.acpi = True

    def mend(self, number: int) -> None:
        """End one fault. Raises UnknownFaultError."""
        ended = self.faults.remove(number)
        self._end(ended)
        # Two faults may say the same of a guest: what the other one says still holds.
        for other in self.faults:
            if isinstance(other.fault, GuestFault) and type(other.fault) is type(ended.fault):
                other.undo = self._begin(other.fault)

    def heal(self) -> None:
        """End every fault."""
        for active in self.faults.clear():
            self._end(active)
        self.failures.clear()

    @staticmethod
    def _end(active: Active) -> None:
        if active.undo is not None:
            active.undo()

    def _begin(self, fault: Fault) -> Undo | None:
        """Change the state as a fault says; returns the way back."""
        begin: dict[type[Fault], Callable[[Any], Undo | None]] = {
            Lock: self._lock_guest,
            Busy: self._hold_guest,
            HangAgent: lambda fault: self._mark(fault, "agent_hangs", True, False),
            NoAgent: lambda fault: self._mark(fault, "agent_gone", True, False),
            Deaf: lambda fault: self._mark(fault, "acpi", False, True),
            BlockAgent: self._block_agent,
            Crash: self._crash,
            ExpireTickets: self._expire_tickets,
            NodeFault: self._change_node,
        }
        if isinstance(fault, StorageFault) and fault.storage not in self.storages:
            raise UnknownFaultError(f"there is no storage {fault.storage!r}; known are {', '.join(self.storages)}")
        return begin[type(fault)](fault) if type(fault) in begin else None

    # ---------------------------------------------------------------- guests

    def _faulty_guest(self, vmid: int) -> Any:  # noqa: ANN401 - a guest of fakepve
        guest = self.guest(vmid)
        if guest is None:
            raise UnknownFaultError(f"there is no guest {vmid}")
        return guest

    def _faulty_vm(self, vmid: int) -> Any:  # noqa: ANN401
        guest = self.vm(vmid)
        if guest is None:
            raise UnknownFaultError(f"there is no VM {vmid}")
        return guest

    def _mark(self, fault: GuestFault, name: str, value: bool, otherwise: bool) -> Undo:
        guest = self._faulty_vm(fault.vmid)
        setattr(guest, name, value)
        return lambda: setattr(guest, name, otherwise)

    def _block_agent(self, fault: BlockAgent) -> Undo:
        self.blocked[fault.vmid] = fault.commands

        def undo() -> None:
            self.blocked.pop(fault.vmid, None)

        return undo

    def _lock_guest(self, fault: Lock) -> Undo:
        guest = self._faulty_guest(fault.vmid)
        before = guest.lock
        self._qm_lock(guest, fault.lock)

        def undo() -> None:
            if guest.lock == fault.lock:
                self._qm_lock(guest, before)

        return undo

    def _hold_guest(self, fault: Busy) -> Undo:
        guest = self._faulty_guest(fault.vmid)
        if guest.lock_holder not in (None, HOLDER):
            raise UnknownFaultError(f"guest {fault.vmid} is held already, by the task {guest.lock_holder}")
        guest.lock_holder = HOLDER
        return lambda: self.release(guest, HOLDER)

    def _crash(self, fault: Crash) -> None:
        guest = self._faulty_guest(fault.vmid)
        if guest.status != "running":
            raise UnknownFaultError(f"guest {fault.vmid} does not run")
        self._killing.start(self._kill(guest))

    async def settled(self) -> None:
        """Return when what the faults added so far do at once is done."""
        await asyncio.gather(*self._killing)
        await self.node_states_settled()

    async def _kill(self, guest: Any) -> None:  # noqa: ANN401
        await self.driver.kill(guest.vmid)
        guest.status = "stopped"
        guest.started_at = None
        if isinstance(guest, FakeVm):
            guest.qmpstatus, guest.agent = "stopped", None
        self.changed()

    # ---------------------------------------------------------- logins, nodes

    def _expire_tickets(self, fault: ExpireTickets) -> None:
        gone = [ticket for ticket, session in self.tickets.items() if fnmatchcase(session["user"], fault.user)]
        for ticket in gone:
            del self.tickets[ticket]

    def _change_node(self, fault: NodeFault) -> Undo:
        if fault.node not in self.nodes:
            raise UnknownFaultError(f"there is no node {fault.node!r}; known are {', '.join(self.nodes)}")
        self.set_node_state(fault.node, fault.state)
        return lambda: self.set_node_state(fault.node, "on")
