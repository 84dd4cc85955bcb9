# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One guest as a tree of processes: started, watched, restarted when it reboots, ended."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab import processes
from lab.guests import agent, cgroups, node, readiness, volume
from lab.guests.bootdoc import BootDocument, LibraryDocument, NicDocument
from lab.guests.driver import GuestError, GuestSpec, Mount, Nic
from lab.guests.host import HERE, Host, announce

_logger = logging.getLogger(__name__)

# Proxmox VE's names for the node's end of a card: tap100i0 for VMs, veth100i0 for containers.
_CARD_PREFIX = {"qemu": "tap", "lxc": "veth"}
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
# unshare(1) ends like the guest's init did: reboot(2) in a PID namespace kills that with SIGHUP for a restart.
_REBOOTED = -signal.SIGHUP
# Seconds between the announcements of a card that moved: QEMU's sends several too (migration/announce).
_ANNOUNCEMENTS = (0.0, 0.05, 0.15, 0.25)
# And of an address that is new: a bridge takes up to a second to notice that a card came up.
_FIRST_ANNOUNCEMENTS = (0.1, 0.4, 0.7)


@dataclass(frozen=True)
class Library:
    """Where the base image, the lab's code and the nodes' Python packages are, for whoever starts guests."""

    base: Path
    lab: Path
    python: Path

    def document(self) -> LibraryDocument:
        """The same as plain strings."""
        return {"base": str(self.base), "lab": str(self.lab), "python": str(self.python)}


NODE_LIBRARY = Library(Path(node.LIBRARY_BASE), Path(node.LIBRARY_LAB), Path(node.LIBRARY_PYTHON))


def card_name(spec: GuestSpec, index: int) -> str:
    """The node's end of the guest's card number ``index``."""
    return f"{_CARD_PREFIX[spec.kind]}{spec.vmid}i{index}"


def numbered(spec: GuestSpec) -> list[tuple[str, Nic]]:
    """The node's end of each card, and the card."""
    return [
        (card_name(spec, position if nic.number is None else nic.number), nic) for position, nic in enumerate(spec.nics)
    ]


def instance_id(spec: GuestSpec) -> str:
    """Changes when anything does that cloud-init would be told, as PVE's instance-id."""
    cards = [(nic.name, nic.mac.lower(), nic.address, nic.gateway) for nic in spec.nics]
    facts = [spec.hostname, spec.user, spec.password, spec.ssh_keys, cards, spec.nameserver, spec.searchdomain]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def boot_document(spec: GuestSpec, library: Library, *, rootless: bool) -> BootDocument:
    """What the guest's init is told."""
    return {
        "vmid": spec.vmid,
        "kind": spec.kind,
        "entrypoint": spec.entrypoint,
        "environment": list(spec.environment),
        "volume": str(spec.disk),
        "boot_id": spec.boot_id or str(uuid.uuid4()),
        "instance": instance_id(spec),
        "hostname": spec.hostname,
        "user": spec.user,
        "password": spec.password,
        "ssh_keys": list(spec.ssh_keys),
        "nics": [nic_document(nic) for nic in spec.nics],
        "nameserver": spec.nameserver,
        "searchdomain": spec.searchdomain,
        "library": library.document(),
        "rootless": rootless,
    }


def nic_document(nic: Nic) -> NicDocument:
    """A card as the guest's init is told of it."""
    return NicDocument(
        name=nic.name,
        address=nic.address,
        gateway=nic.gateway,
        address6=nic.address6,
        gateway6=nic.gateway6,
        host_managed=nic.host_managed,
    )


def with_node_dns(spec: GuestSpec, resolv_conf: str) -> GuestSpec:
    """A VM with neither DNS server nor search domain gets the node's, as in PVE's cloud-init; a container each."""
    given = spec.nameserver is not None or spec.searchdomain is not None
    if given and spec.kind != "lxc":
        return spec
    lines = [line.split() for line in resolv_conf.splitlines()]
    servers = [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]
    search = [words[1] for words in lines if words[:1] in (["search"], ["domain"]) and len(words) > 1]
    nameserver, searchdomain = spec.nameserver, spec.searchdomain
    return replace(
        spec,
        nameserver=(" ".join(servers) or None) if nameserver is None else nameserver,
        searchdomain=(search[-1] if search else None) if searchdomain is None else searchdomain,
    )


def plug_lines(spec: GuestSpec, pid: int) -> list[str]:
    """``ip -batch`` lines that give the guest its cards and plug them into the node's bridges."""
    lines: list[str] = []
    for ours, nic in numbered(spec):
        lines += card_lines(ours, nic, pid)
    return lines


def card_lines(ours: str, nic: Nic, pid: int) -> list[str]:
    """The lines for one card, whose end on the node is called ``ours``."""
    # A bridge takes the lowest address of its ports. The node's end has the highest, so that plugging a card in
    # leaves the node's own address on the bridge alone.
    high = f"fe{nic.mac[2:]}"
    return [
        f"link add {ours} address {high} type veth peer name {nic.name} address {nic.mac} netns {pid}",
        f"link set {ours} master {nic.bridge} up",
    ]


def missing_bridge(nics: tuple[Nic, ...], network: Path = Path("/sys/class/net")) -> str | None:
    """The first bridge that a card wants and the node does not have."""
    return next((nic.bridge for nic in nics if not (network / nic.bridge / "bridge").is_dir()), None)


async def ip_batch(lines: list[str], *, force: bool = False, host: Host = HERE) -> None:
    """Run ``ip -batch`` on a node; with ``force`` a failing line does not stop the others and is no error."""
    if not lines:
        return
    options = ["-force"] if force else []
    command = host.in_network(["ip", *options, "-batch", "-"])
    code, _, err = await agent.run(command, ("\n".join(lines) + "\n").encode())
    if code != 0 and not force:
        raise GuestError(f"plugging the guest's cards failed: {err.decode(errors='replace').strip()}")


class Machine:
    """A running guest. :meth:`boot` first; then it lives until it powers off or is killed."""

    # Whether a guest that asks for a reboot gets it; else it is gone for good, with ``rebooting`` set.
    restarts = True

    def __init__(self, spec: GuestSpec, library: Library, ended: Callable[[int], None], host: Host = HERE) -> None:
        """``ended`` is called with the VMID when the guest is gone for good; ``host`` is where its cards go."""
        self.spec = spec
        self.host = host
        self.rebooting = False
        self._library = library
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._killed = False
        self._booted = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._already_stopped: frozenset[int] = frozenset()
        self._announcing: asyncio.Task[None] | None = None
        self.pid = 0

    async def boot(self) -> None:
        """Start the guest. Raises GuestError when it does not get as far as its services."""
        try:
            await self._start()
        except BaseException:
            self._ended(self.spec.vmid)
            raise
        self._life = asyncio.create_task(self._live(), name=f"guest {self.spec.vmid}")

    async def _live(self) -> None:
        """Wait for the guest's end, as often as it reboots."""
        try:
            while await self._instance_end() == _REBOOTED and not self._killed:
                if not self.restarts:
                    self.rebooting = True
                    break
                self.spec = replace(self.spec, boot_id="")
                await self._start()
        except GuestError as error:
            _logger.error("guest %s did not come up again: %s", self.spec.vmid, error)
        finally:
            self._ended(self.spec.vmid)

    async def _instance_end(self) -> int:
        """The exit code of the present boot, once it is over and its cards are unplugged."""
        assert self._process is not None  # noqa: S101 - only called after _start
        code = await self._process.wait()
        await self._unplug()
        if self.spec.entrypoint:
            await asyncio.to_thread(cgroups.sweep)
        return code

    async def _start(self) -> None:
        """One boot: processes, cards, ready."""
        if (bridge := missing_bridge(self.spec.nics, self.host.cards)) is not None:
            raise GuestError(f"bridge '{bridge}' does not exist")
        await self._unplug()
        reader, writer = os.pipe()
        try:
            self._process = await self._spawn(writer)
        finally:
            os.close(writer)
        status = await _reader(reader)
        try:
            await self._follow(self._process, status)
        except BaseException as error:
            await self._abandon()
            if isinstance(error, OSError):
                raise GuestError(f"starting the guest's processes failed: {error}") from error
            raise
        self._booted.set()
        if any("/" in (nic.address or "") for nic in self.spec.nics):
            self._announcing = asyncio.create_task(self._announce(_FIRST_ANNOUNCEMENTS))

    async def _spawn(self, status: int) -> asyncio.subprocess.Process:
        volume.create(self.spec.disk)
        with (self.spec.disk / "console.log").open("ab") as console:
            return await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig=KILL", "unshare", *_NAMESPACES, "--fork", "--kill-child", "--"),
                *(sys.executable, "-S", "-m", "lab.guests.pid1", str(status)),
                stdin=asyncio.subprocess.PIPE,
                stdout=console,
                stderr=console,
                pass_fds=[status],
                env={"PYTHONPATH": str(self._library.lab.parent), "PATH": os.environ.get("PATH", os.defpath)},
            )

    async def _follow(self, process: asyncio.subprocess.Process, status: asyncio.StreamReader) -> None:
        """Talk with the guest's init until it is ready."""
        assert process.stdin is not None  # noqa: S101 - made with a pipe
        document = boot_document(self.spec, self._library, rootless=not _initial_user_namespace())
        process.stdin.write(json.dumps(document).encode() + b"\n")
        await _expect(status, b"started")
        self.pid = processes.only_child(process.pid)
        await ip_batch(plug_lines(self.spec, self.pid), host=self.host)
        await _expect(status, b"rooted")
        for mount in self.spec.mounts:
            await self.mount(mount)
        with readiness.listening(self.pid) if self.spec.entrypoint else contextlib.nullcontext() as notices:
            process.stdin.write(b"go\n")
            if await _expect(status, b"ready", b"booting") == b"booting" and notices is not None:
                await readiness.awaited(notices, process)

    async def _abandon(self) -> None:
        """End what is left of a boot that failed."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._unplug()

    async def _unplug(self) -> None:
        """Remove our ends of the cards; the kernel may have removed them with the guest."""
        names = [name for name, _ in numbered(self.spec)]
        present = [name for name in names if (self.host.cards / name).exists()]
        await ip_batch([f"link del {name}" for name in present], force=True, host=self.host)

    # ------------------------------------------------------ while it runs

    async def attach(self, order: Mapping[str, object], files: tuple[int, int, int] | None = None) -> int:
        """Run :mod:`lab.guests.attach` with an order, on three files or (None) without; returns its exit code.

        A caller that is cancelled ends the command. Raises GuestError for an order without files that failed.
        """
        process = await self._helper({"pid": self.pid, "vmid": self.spec.vmid, **order}, files)
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            raise
        if files is None and process.returncode:
            raise GuestError(said.decode(errors="replace").strip())
        return process.returncode or 0

    async def _helper(
        self, order: Mapping[str, object], files: tuple[int, int, int] | None
    ) -> asyncio.subprocess.Process:
        descriptor = os.memfd_create("order")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(json.dumps(order).encode())
            stream.seek(0)
            source, output, errors = files or (asyncio.subprocess.DEVNULL, asyncio.subprocess.DEVNULL, PIPE)
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-S", "-m", "lab.guests.attach", str(descriptor)),
                stdin=source,
                stdout=output,
                stderr=errors,
                pass_fds=[descriptor],
                start_new_session=True,
                env={"PYTHONPATH": str(self._library.lab.parent), "PATH": os.environ.get("PATH", os.defpath)},
            )

    async def mount(self, mount: Mount) -> None:
        """Show a directory inside the guest."""
        order = {"source": str(mount.source), "target": mount.target, "read_only": mount.read_only}
        await self.attach({"action": "mount", "source_pid": self.source_pid(mount), **order})

    def source_pid(self, mount: Mount) -> int:
        """A process that sees the mount's directory at its path; 0 for this one."""
        return self.host.pid if mount.of_node else 0

    async def adapt(self, spec: GuestSpec) -> None:
        """Plug and unplug cards and add mounts, so that the guest has what the specification says."""
        old, self.spec = self.spec, replace(spec, boot_id=self.spec.boot_id)
        was, now = dict(numbered(old)), dict(numbered(self.spec))
        gone = [name for name in was if now.get(name) != was[name]]
        fresh = tuple(nic for name, nic in now.items() if was.get(name) != nic)
        await ip_batch([f"link del {name}" for name in gone], force=True, host=self.host)
        plugged = [(name, nic) for name, nic in now.items() if nic in fresh]
        await ip_batch([line for name, nic in plugged for line in card_lines(name, nic, self.pid)], host=self.host)
        if gone or fresh:
            document = boot_document(self.spec, self._library, rootless=False)
            await self.attach({"action": "network", "document": document, "up": [nic.name for nic in fresh]})
        for mount in self.spec.mounts:
            if mount not in old.mounts:
                await self.mount(mount)

    async def migrate(self, host: Host) -> None:
        """Plug the cards into another node's bridges; the processes go on. Raises GuestError when they don't fit."""
        if (bridge := missing_bridge(self.spec.nics, host.cards)) is not None:
            raise GuestError(f"bridge '{bridge}' does not exist")
        cards = numbered(self.spec)
        await ip_batch([f"link set {name} netns {host.pid}" for name, _ in cards], host=self.host)
        self.host = host
        await ip_batch([f"link set {name} master {nic.bridge} up" for name, nic in cards], host=host)
        self._announcing = asyncio.create_task(self._announce(_ANNOUNCEMENTS))

    async def _announce(self, pauses: Iterable[float]) -> None:
        """Tell the network where cards and addresses are now; a guest that ends meanwhile has nothing to tell."""
        for pause in pauses:
            await asyncio.sleep(pause)
            for nic in self.spec.nics:
                address = nic.address.partition("/")[0] if "/" in (nic.address or "") and nic.address else None
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(announce, self.pid, nic.name, nic.mac, address)

    def signal(self, number: int) -> None:
        """Send a signal to the guest's init."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ask_to_end(self) -> None:
        """Send the guest's init the signal by which it powers off."""
        self.signal(processes.HALT if processes.blocks(self.pid, processes.HALT) else signal.SIGPWR)

    async def kill(self) -> None:
        """Cut the power and wait until nothing is left."""
        self._killed = True
        self.signal(signal.SIGKILL)
        await self.ended(None)

    async def ended(self, bound: float | None) -> bool:
        """Wait for the guest's end for at most ``bound`` seconds; True when it came."""
        if self._life is None:
            return True
        done, _ = await asyncio.wait({self._life}, timeout=bound)
        return bool(done)

    async def reboot(self, bound: float) -> bool:
        """Ask for a reboot; True when the guest was up again within ``bound`` seconds."""
        self._booted.clear()
        self.signal(signal.SIGINT)
        try:
            await asyncio.wait_for(self._booted.wait(), bound)
        except TimeoutError:
            return False
        return True

    def suspend(self) -> None:
        """Stop every process of the guest, the innermost of nested guests included.

        Signals instead of the cgroup freezer: they need no directory that a killed lab would leave behind, and they
        work without root and at every depth.
        """
        self._already_stopped = frozenset(pid for pid in self._tree() if processes.stopped(pid))
        signalled: set[int] = set()
        while fresh := set(self._tree()) - signalled:
            _signal_all(fresh, signal.SIGSTOP)
            signalled |= fresh

    def resume(self) -> None:
        """Continue what :meth:`suspend` stopped; a process that was stopped before stays so."""
        _signal_all(set(self._tree()) - self._already_stopped, signal.SIGCONT)

    def _tree(self) -> list[int]:
        return [self.pid, *processes.descendants(self.pid)]


def _signal_all(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _initial_user_namespace() -> bool:
    """Whether ids are the machine's own: the whole range mapped to itself."""
    return Path("/proc/self/uid_map").read_text(encoding="ascii").split() == ["0", "0", "4294967295"]


async def _reader(descriptor: int) -> asyncio.StreamReader:
    """A stream over a pipe's reading end, which it then owns."""
    stream = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    return stream


async def _expect(status: asyncio.StreamReader, *words: bytes) -> bytes:
    """Wait for one of these lines of the guest's init. Raises GuestError with what it said instead."""
    line = (await status.readline()).strip()
    if line not in words:
        said = line.decode(errors="replace").removeprefix("error: ")
        raise GuestError(f"the guest's init ended early: {said or 'see console.log in its volume'}")
    return line
