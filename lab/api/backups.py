# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: ``vzdump``, and their retention (pve-manager, PVE/API2/VZDump.pm; PVE/VZDump.pm).

An archive is a real file on its storage, with everything that a guest is made of (:mod:`lab.api.archives`).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lab.api import archives
from lab.api.archives import CONFIG_NAMES, SUFFIXES, TIME, kind_of_archive, made_at, read_member
from lab.api.directory import ROOT
from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, Values, die, param_error, split_list
from lab.api.files import KINDS
from lab.api.jobs import JobArea, check_selection
from lab.api.retention import REMOVE, Backup, marks
from lab.api.sections import parts_of, property_object
from lab.api.tasks import log_line
from lab.guests.driver import GuestError

NODE = "/nodes/{node}"
PRUNE = NODE + "/storage/{storage}/prunebackups"
# Options that root@pam alone may set, and those that burden the node.
ROOT_ONLY = ("job-id", "tmpdir", "dumpdir", "script")
BURDENS = ("bwlimit", "ionice", "performance")
MIB = 1024**2
DEFAULTS: Values = {
    "all": 0,
    "bwlimit": 0,
    "compress": "0",
    "dumpdir": "/var/lib/vz/dump",
    "fleecing": {"enabled": 0},
    "ionice": 7,
    "lockwait": 180,
    "mailnotification": "always",
    "mode": "snapshot",
    "notification-mode": "auto",
    "performance": {"max-workers": 16, "pbs-entries-max": 1048576},
    "pigz": 0,
    "prune-backups": "keep-all=1",
    "quiet": 0,
    "remove": 1,
    "stdexcludes": 1,
    "stop": 0,
    "stopwait": 10,
    "zstd": 1,
}


def kind_of(guest: Any) -> str:  # noqa: ANN401 - a guest of fakepve
    """``qemu`` or ``lxc``."""
    return "qemu" if isinstance(guest, FakeVm) else "lxc"


def notes_of(template: str, guest: Any) -> str:  # noqa: ANN401 - a guest of fakepve
    """The notes of a backup from their template (PVE/VZDump.pm, generate_notes)."""
    name = str(guest.config.get("hostname") or guest.config.get("name") or getattr(guest, "name", ""))
    values = {"cluster": "standalone", "guestname": name, "node": guest.node, "vmid": str(guest.vmid)}
    text = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], template)
    return re.sub(r"\{\{([^}]+)\}\}", lambda found: values.get(found[1], found[0]), text)


class BackupArea(JobArea):
    """Mixin: making, listing and thinning out backups."""

    def routes(self) -> list[Route]:
        """``vzdump`` and ``prunebackups``."""
        return [
            ("POST", NODE + "/vzdump", self._run_vzdump),
            ("GET", NODE + "/vzdump/defaults", self._vzdump_defaults),
            ("GET", NODE + "/vzdump/extractconfig", self._extract_config),
            ("GET", PRUNE, self._dry_prune),
            ("DELETE", PRUNE, self._prune),
        ]

    # ------------------------------------------------------------------ files

    def archive_path(self, volume: str) -> Path:
        """The file of an archive, given as ``storage:backup/name`` or, by root, as a path on the node."""
        if volume.startswith("/"):
            return self.files_root / volume.lstrip("/")
        storage, _, name = volume.partition(":")
        return self.file_path(storage, name)

    def _new_archive(self, storage: str, guest: Any, compress: str) -> str:  # noqa: ANN401 - a guest of fakepve
        """The name of a new archive; two of a guest are a second apart."""
        kind, moment = kind_of(guest), int(self.clock.now())
        suffix = ("vma" if kind == "qemu" else "tar") + SUFFIXES[compress]
        folder = self.storage_folder(storage) / KINDS["backup"].folder
        while True:
            stem = f"vzdump-{kind}-{guest.vmid}-{time.strftime(TIME, time.gmtime(moment))}"
            if not list(folder.glob(f"{stem}.*")):
                return f"{stem}.{suffix}"
            moment += 1

    def _backups(self, storage: str, vmid: int | None = None, kind: str | None = None) -> dict[str, Values]:
        """The archives of a storage by volume, those of one guest or kind alone."""
        found = {f"{storage}:{name}": record for name, record in self._volumes(storage).items()}
        return {
            volume: record
            for volume, record in found.items()
            if record["content"] == "backup"
            and vmid in (None, record.get("vmid"))
            and kind in (None, record.get("subtype"))
        }

    def _item(self, storage: str, name: str, record: Values) -> Values:
        """A volume in a list; an archive says what kind of guest it is of, and by its name when it was made."""
        item: Values = super()._item(storage, name, record)
        made = made_at(name.rpartition("/")[2])
        return (
            item | ({"subtype": record["subtype"]} if "subtype" in record else {}) | ({"ctime": made} if made else {})
        )

    # ----------------------------------------------------------------- vzdump

    def _check_privileges(self, call: Call) -> None:
        """Who may say how a backup is made (PVE/API2/VZDump.pm, assert_param_permission_vzdump)."""
        for name in ROOT_ONLY:
            if name in call.values:
                raise param_error(**{name: "Only root may set this option."})
        if any(name in call.values for name in BURDENS):
            self.require(call.user, "/", "Sys.Modify")
        fleecing = property_object(str(call.get("fleecing") or ""), parts_of("/cluster/backup", "POST", "fleecing"))
        if "storage" in fleecing:
            self.require(call.user, f"/storage/{fleecing['storage']}", "Datastore.AllocateSpace")
        if "prune-backups" in call.values:
            self.require(call.user, f"/storage/{call.get('storage') or 'local'}", "Datastore.Allocate")

    async def _run_vzdump(self, call: Call) -> str:
        if call.user != ROOT:
            self._check_privileges(call)
        if call.get("stdout"):
            raise param_error(stdout="option is only allowed on the command line interface.")
        check_selection(call.values, complete=True)
        chosen = self._chosen({key: value for key, value in call.values.items() if key != "node"})
        local = [vmid for vmid in chosen if self._is_on(vmid, call["node"])]
        if not local and not call.get("all"):
            return "OK"
        storage = call.get("storage") or "local"
        self.require(call.user, f"/storage/{storage}", "Datastore.AllocateSpace")

        async def body() -> None:
            vmids = self._privileged(call, local)
            self._need_backup_storage(storage)
            failed = [vmid for vmid in vmids if not await self._back_up(call, storage, vmid)]
            log_line(f"INFO: Backup job finished {'with errors' if failed else 'successfully'}")
            if failed:
                raise TaskError("job errors")

        upid: str = await self.task(call["node"], "vzdump", local[0] if len(local) == 1 else "", call.user, body)
        return upid

    def _privileged(self, call: Call, vmids: Iterable[int]) -> list[int]:
        """The guests that the user may back up; one that was asked for by name ends the job (../golden flows-04)."""
        allowed = {vmid: self.allowed(call.user, f"/vms/{vmid}", "VM.Backup") for vmid in vmids}
        refused = next((vmid for vmid, may in allowed.items() if not may), None)
        if refused is not None and call.get("vmid"):
            raise TaskError(f"403 Permission check failed (/vms/{refused}, VM.Backup)")
        return [vmid for vmid, may in allowed.items() if may]

    def _need_backup_storage(self, storage: str) -> None:
        if reason := self.why_inactive(storage):
            raise TaskError(
                f"could not activate storage '{storage}': {reason} could not get storage information for "
                f"'{storage}': {reason}"
            )
        if "backup" not in split_list(self.storages[storage].get("content")):
            raise TaskError(
                f"could not get storage information for '{storage}': can't use storage '{storage}' for backups - "
                "wrong content type"
            )

    async def _back_up(self, call: Call, storage: str, vmid: int) -> bool:
        """Back up one guest; False when it failed, which the log tells."""
        guest, began = self.guest(vmid), self.clock.now()
        try:
            self._need_guest(guest, vmid)
            # A backup begins with a lock in the guest's configuration, as a snapshot does.
            self.need_writable("qmsnapshot" if isinstance(guest, FakeVm) else "vzsnapshot", vmid, call["node"])
            await self._dump(call, storage, guest)
        except (TaskError, GuestError, OSError) as error:
            log_line(f"ERROR: Backup of VM {vmid} failed - {error}")
            return False
        taken = time.strftime("%H:%M:%S", time.gmtime(self.clock.now() - began))
        log_line(f"INFO: Finished Backup of VM {vmid} ({taken})")
        return True

    @staticmethod
    def _need_guest(guest: Any, vmid: int) -> None:  # noqa: ANN401 - a guest of fakepve
        if guest is None:
            raise TaskError(f"unable to find VM '{vmid}'")
        if guest.lock:
            raise TaskError(f"{'VM' if isinstance(guest, FakeVm) else 'CT'} is locked ({guest.lock})")

    async def _dump(self, call: Call, storage: str, guest: Any) -> None:  # noqa: ANN401 - a guest of fakepve
        kind, name = kind_of(guest), self._new_archive(storage, guest, str(call.get("compress", "0")))
        log_line(f"INFO: Starting Backup of VM {guest.vmid} ({kind})")
        shown = self._volume_path(storage, f"backup/{name}", "backup")
        log_line(f"INFO: creating vzdump archive '{shown}'")
        await self.take_time(storage)
        self.need_room_for_archive(storage, kind, shown, str(call.get("compress", "0")))
        path = self.archive_path(f"{storage}:backup/{name}")
        for folder in (path.parent, self.volumes_dir):
            folder.mkdir(parents=True, exist_ok=True)
        write = archives.write_vm if kind == "qemu" else archives.write_container
        async with self._still(guest, str(call.get("mode", "snapshot"))):
            await write(self.driver, path, self._content(kind, guest.config), self.volumes_dir)
        log_line(f"INFO: archive file size: {path.stat().st_size // MIB}MB")
        self._note(call, storage, f"backup/{name}", guest)
        if call.get("remove", 1):
            await self._thin_out(storage, int(guest.vmid), kind, call.get("prune-backups"))

    def _content(self, kind: str, config: Mapping[str, Any]) -> archives.Content:
        """What goes into the archive of a guest with this configuration: the volumes that are really there."""
        chosen = dict(archives.backed_up(kind, config))
        volumes = {key: self.volume_path(volume) for key, volume in chosen.items()}
        there = {key: path for key, path in volumes.items() if path.exists()}
        bootable = frozenset(key for key, volume in chosen.items() if self.is_bootable(volume))
        return archives.Content(dict(config), there, bootable)

    @asynccontextmanager
    async def _still(self, guest: Any, mode: str) -> AsyncIterator[None]:  # noqa: ANN401 - a guest of fakepve
        """Keep a running guest from writing while its disks are read, in the mode that says so."""
        frozen = mode == "suspend" and guest.vmid in await self.driver.running()
        if frozen:
            log_line("INFO: suspend vm")
            await self.driver.suspend(guest.vmid)
        try:
            yield
        finally:
            if frozen:
                await self.driver.resume(guest.vmid)
                log_line("INFO: resume vm")

    def _note(self, call: Call, storage: str, name: str, guest: Any) -> None:  # noqa: ANN401
        """What is known of an archive beside the file."""
        book = self.storages[storage].setdefault("volumes", {})
        record = dict(self._volumes(storage)[name])
        template = call.get("notes-template")
        record |= {"notes": notes_of(str(template), guest)} if template else {}
        record |= {"protected": True} if call.get("protected") else {}
        book[name] = record

    async def _vzdump_defaults(self, call: Call) -> Values:
        return {**DEFAULTS, "storage": call.get("storage") or "local"}

    async def _extract_config(self, call: Call) -> str:
        path = self.archive_path(call["volume"])
        if not path.is_file():
            raise die(f"volume '{call['volume']}' does not exist")
        try:
            return await asyncio.to_thread(read_member, path, CONFIG_NAMES[kind_of_archive(path)])
        except TaskError as error:
            raise die(str(error)) from error

    async def _volume_info(self, call: Call) -> Values:
        """The file itself is looked at: an archive is ``raw`` then, and its notes are said when there are none."""
        info: Values = await super()._volume_info(call)
        if self._volume_target(call.values)[4] != "backup":
            return info
        return {"notes": "", "protected": 0, **info, "format": "raw", "used": info["size"]}

    # -------------------------------------------------------------- retention

    def _marked(self, storage: str, vmid: int | None, kind: str | None, keep: str | None) -> dict[str, str]:
        """What is to happen to the backups of a storage, each guest's for itself."""
        text = keep or str(self.storages[storage].get("prune-backups", ""))
        options = property_object(text, parts_of("/cluster/backup", "POST", "prune-backups"))
        groups: dict[object, list[Backup]] = {}
        for volume, record in self._backups(storage, vmid, kind).items():
            name = volume.rpartition("/")[2]
            backup = Backup(volume, made_at(name) or int(record["ctime"]), bool(record.get("protected")))
            groups.setdefault((record.get("vmid"), record.get("subtype")), []).append(backup)
        return {volume: mark for group in groups.values() for volume, mark in marks(group, options).items()}

    def _retention(self, call: Call) -> str:
        """What a request to prune keeps (pve-storage, PVE/Storage.pm: prune_backups)."""
        store = self.storages.get(call["storage"])
        if store is None:
            raise die(f"storage '{call['storage']}' does not exist")
        if "backup" not in split_list(store.get("content")):
            raise die(f"storage '{call['storage']}' does not support backups")
        keep = call.get("prune-backups") or store.get("prune-backups")
        if not keep:
            raise die(f"no prune-backups options configured for storage '{call['storage']}'")
        return str(keep)

    async def _dry_prune(self, call: Call) -> list[Values]:
        marked = self._marked(call["storage"], call.get("vmid"), call.get("type"), self._retention(call))
        known = self._backups(call["storage"])
        return [
            {
                "volid": volume,
                "ctime": made_at(volume.rpartition("/")[2]) or known[volume]["ctime"],
                "mark": mark,
                "type": known[volume].get("subtype", "unknown"),
                "vmid": known[volume].get("vmid"),
            }
            for volume, mark in marked.items()
        ]

    async def _prune(self, call: Call) -> str:
        storage, vmid = call["storage"], call.get("vmid")
        self.require(call.user, f"/storage/{storage}", "Datastore.AllocateSpace" if vmid else "Datastore.Allocate")
        if vmid:
            self.require(call.user, f"/vms/{vmid}", "VM.Backup")

        async def body() -> None:
            try:
                keep = self._retention(call)
            except PveError as error:
                raise TaskError(error.message) from error
            await self._thin_out(storage, vmid, call.get("type"), keep)

        name = f"{vmid}@{storage}" if vmid else storage
        upid: str = await self.task(call["node"], "prunebackups", name, call.user, body)
        return upid

    async def _thin_out(self, storage: str, vmid: int | None, kind: str | None, keep: str | None) -> None:
        for volume, mark in self._marked(storage, vmid, kind, keep).items():
            if mark == REMOVE:
                log_line(f"removing backup '{volume}'")
                self.archive_path(volume).unlink(missing_ok=True)
                self.storages[storage].get("volumes", {}).pop(volume.partition(":")[2], None)
