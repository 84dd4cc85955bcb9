# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/qemu/{vmid}/config``, pending changes, resize and unlink."""

from __future__ import annotations

import re
from typing import Any

from fakepve.qemu import is_cdrom, split_drive, with_mac  # type: ignore[import-untyped]

from lab.api import hotplug, interfaces, settings
from lab.api.cloudinit_dump import DOCUMENTS, with_resolver
from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, die, param_error, pve_schema
from lab.api.guests import GuestArea, is_cloudinit, with_size
from lab.api.node_texts import RESOLVER
from lab.api.tasks import log_line
from lab.api.volumes import guest_volumes, is_disk, volume_of

ONE = "/nodes/{node}/qemu/{vmid}"
CONFIG = ONE + "/config"
SIZE = re.compile(r"(\+?)(\d+(?:\.\d+)?)([KMGT]?)")
# Devices that a running system lets go of.
UNPLUGGED = re.compile(r"(?:net|scsi|virtio)\d+")
FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def place(option: str) -> tuple[int, str]:
    """Where an option is in the order of changes.

    What may be plugged is what it was before the request. PVE walks a hash, so any order would be right; the recorded
    one has the state of a TPM before the EFI variables (../golden qemu, config-after).
    """
    return ({"hotplug": 2, "efidisk0": 1}.get(option, 0), option)


class ConfigArea(GuestArea):
    """Mixin: reading and changing a VM's configuration."""

    def routes(self) -> list[Route]:
        """The configuration's endpoints."""
        return [
            ("GET", CONFIG, self._read_config),
            ("PUT", CONFIG, self._put_config),
            ("POST", CONFIG, self._post_config),
            ("GET", ONE + "/pending", self._read_pending),
            ("GET", ONE + "/cloudinit", self._read_cloudinit),
            ("PUT", ONE + "/cloudinit", self._regenerate_cloudinit),
            ("GET", ONE + "/cloudinit/dump", self._dump_cloudinit),
            ("PUT", ONE + "/resize", self._resize),
            ("PUT", ONE + "/unlink", self._unlink),
        ]

    # ------------------------------------------------------------------ read

    @staticmethod
    def _digest(guest: FakeVm) -> str:
        return settings.digest(guest.config, guest.pending, guest.snapshots)

    async def _read_config(self, call: Call) -> dict[str, Any]:
        guest = self.find(call["node"], call["vmid"])
        source = guest.config if call.get("current") else settings.merged(guest.config, guest.pending)
        if "snapshot" in call.values:
            if call["snapshot"] not in guest.snapshots:
                raise die(f"snapshot '{call['snapshot']}' does not exist")
            source = guest.snapshots[call["snapshot"]]
        return {key: settings.shown(key, value) for key, value in source.items()} | {"digest": self._digest(guest)}

    async def _read_pending(self, call: Call) -> list[dict[str, Any]]:
        guest = self.find(call["node"], call["vmid"])
        rows = settings.pending_rows(guest.config, guest.pending)
        return [*rows, {"key": "digest", "value": self._digest(guest)}]

    async def _read_cloudinit(self, call: Call) -> list[dict[str, Any]]:
        """The settings as they are on the drive, with those that are to be written to it as pending."""
        guest = self.find(call["node"], call["vmid"])
        now = self._cloudinit_settings(guest)
        written = getattr(guest, "cloudinit_written", now)
        return [settings.cloudinit_row(key, written.get(key), now.get(key)) for key in {**written, **now}]

    @staticmethod
    def _cloudinit_settings(guest: FakeVm) -> dict[str, Any]:
        merged = settings.merged(guest.config, guest.pending)
        return {key: merged[key] for key in settings.CLOUDINIT_OPTIONS if key in merged and key != "ciupgrade"}

    async def _regenerate_cloudinit(self, call: Call) -> None:
        """Guests read these settings when they boot, so there is no drive to write."""
        guest = self.find(call["node"], call["vmid"])
        if guest.lock:
            raise die(f"VM is locked ({guest.lock})")
        if any(is_cloudinit(value) for value in guest.config.values()):
            guest.cloudinit_written = self._cloudinit_settings(guest)

    async def _boot(self, guest: FakeVm) -> None:
        await super()._boot(guest)
        guest.cloudinit_written = self._cloudinit_settings(guest)

    async def _dump_cloudinit(self, call: Call) -> str:
        guest = self.find(call["node"], call["vmid"])
        resolver = interfaces.resolver(self.text_of(RESOLVER) or "")
        return DOCUMENTS[call["type"]](with_resolver(settings.merged(guest.config, guest.pending), resolver))

    # ---------------------------------------------------------------- change

    async def _put_config(self, call: Call) -> None:
        guest = self._checked(call)
        try:
            await self._change(guest, call)
        except TaskError as error:
            raise die(str(error)) from error

    async def _post_config(self, call: Call) -> str:
        """The same as a task, for changes that allocate."""
        guest = self._checked(call)
        updates = self._updates(call)

        async def body() -> None:
            log_line(f"update VM {guest.vmid}: {settings.told(updates)}".rstrip())
            await self._change(guest, call)

        upid: str = await self.task(guest.node, "qmconfig", guest.vmid, call.user, body)
        return upid

    @staticmethod
    def _updates(call: Call) -> dict[str, Any]:
        return {key: value for key, value in call.values.items() if key not in settings.REQUEST_ONLY}

    def _lists(self, call: Call) -> tuple[list[str], list[str]]:
        known = pve_schema.load().paths[CONFIG]["PUT"]["parameters"]["properties"]
        return (
            settings.option_list(call.get("delete"), known, "delete"),
            settings.option_list(call.get("revert"), known, "revert"),
        )

    def _checked(self, call: Call) -> FakeVm:
        """Everything PVE refuses before it writes."""
        guest = self.find(call["node"], call["vmid"])
        updates, (deletes, reverts) = self._updates(call), self._lists(call)
        if call.get("skiplock") and call.user != "root@pam":
            raise param_error(skiplock="Only root may use this option.")
        settings.check_conflicts(updates, deletes, reverts)
        if not (updates or deletes or reverts):
            raise die("no options specified")
        for option in [*updates, *deletes]:
            self._check_option(guest, call, option, str(updates.get(option, guest.config.get(option, ""))))
        self.check_bridges(call.user, updates)
        if guest.lock and not call.get("skiplock") and set(updates) != {"lock"}:
            raise die(f"VM is locked ({guest.lock})")
        if call.get("digest") and call["digest"] != self._digest(guest):
            raise die("checksum mismatch (file change by other user?)")
        if "boot" in updates:
            known = {**settings.merged(guest.config, guest.pending), **updates}
            settings.check_boot_order(str(updates["boot"]), known)
        return guest

    def _check_option(self, guest: FakeVm, call: Call, option: str, value: str) -> None:
        path = f"/vms/{guest.vmid}"
        if option in settings.ROOT_ONLY:
            if call.user != "root@pam":
                raise die(f"only root can set '{option}' config")
        elif option.startswith("ide") and "media=cdrom" in value:
            self.require(call.user, path, "VM.Config.CDROM")
        elif option in settings.CLOUDINIT_OPTIONS or option.startswith("ipconfig"):
            self.require(call.user, path, "VM.Config.Cloudinit")
        elif option != "hookscript":
            self.require(call.user, path, self._config_priv(option))
        elif option in call.values:
            self._check_hookscript(value)
        if settings.DRIVE.fullmatch(option) and option in call.values:
            self._qm_check_drive(call.user, guest.vmid, None, option, value, None)

    def _check_hookscript(self, volume: str) -> None:
        """A hook script is an executable file among a storage's snippets."""
        storage, _, name = volume.partition(":")
        path = self.file_path(storage, name) if storage in self.storages else None
        if path is None or not path.is_file():
            raise param_error(hookscript=f"script '{volume}' does not exist\n")
        if not path.stat().st_mode & 0o111:
            raise param_error(hookscript=f"script '{volume}' is not executable\n")

    async def _change(self, guest: FakeVm, call: Call) -> None:
        """Write the change: what the VM can take now into the configuration, the rest into the pending section."""
        (deletes, reverts), updates = self._lists(call), self._updates(call)
        # What is on the drive was written when the VM was made, or at its last start.
        guest.cloudinit_written = getattr(guest, "cloudinit_written", self._cloudinit_settings(guest))
        await self.acquire(guest, "config")
        try:
            for option in reverts:
                guest.pending.pop(option, None)
            for option in deletes:
                await self._delete_option(guest, option, force=bool(call.get("force")))
            for option in sorted(updates, key=place):
                await self._set_option(guest, option, updates[option])
        finally:
            self.release(guest, "config")
        guest.name = guest.config.get("name") or f"VM {guest.vmid}"
        guest.lock = guest.config.get("lock")

    async def _set_option(self, guest: FakeVm, option: str, value: Any) -> None:  # noqa: ANN401
        if settings.DRIVE.fullmatch(option):
            value = await self._new_drive(guest, option, str(value))
        elif re.fullmatch(r"net\d+", option):
            value = with_mac(value)
        else:
            value = settings.normal(option, value)
        if self._waits(guest, option, value):
            guest.pending[option] = value
            return
        guest.pending.pop(option, None)
        self._detach(guest, option, replaced_by=str(value))
        if option not in guest.config and "media=cdrom" in str(value) and not is_cloudinit(value):
            guest.config["boot"] = settings.boot_with(str(guest.config.get("boot", "")), option)
        guest.config[option] = value
        self._no_longer_unused(guest, volume_of(value))

    @staticmethod
    def _no_longer_unused(guest: FakeVm, volume: str | None) -> None:
        """A detached volume that is attached again."""
        for key in [key for key, value in guest.config.items() if settings.UNUSED.fullmatch(key) and value == volume]:
            del guest.config[key]

    @staticmethod
    def _waits(guest: FakeVm, option: str, value: object) -> bool:
        running = guest.status == "running"
        return running and guest.config.get(option) != value and not hotplug.takes(option, value, guest.config)

    async def _new_drive(self, guest: FakeVm, option: str, value: str) -> str:
        _, properties = split_drive(value)
        before = {*self._known_volumes()}
        try:
            new, made = self._qm_new_drive(guest.vmid, option, value, None)
        except PveError as error:
            raise TaskError(error.message) from error
        for volume_id in made:
            if is_disk(volume_id) and volume_id not in before:
                await self._make_disk(volume_id, properties.get("import-from"))
                log_line(f"{option}: successfully created disk '{new}'")
        return new

    def _known_volumes(self) -> set[str]:
        return {f"{name}:{volume}" for name, store in self.storages.items() for volume in store.get("volumes", {})}

    async def _delete_option(self, guest: FakeVm, option: str, *, force: bool) -> None:
        if option not in guest.config:
            guest.pending.pop(option, None)
            return
        if settings.UNUSED.fullmatch(option) or (force and settings.DRIVE.fullmatch(option)):
            await self._remove_disk(guest, option)
        elif guest.status == "running" and not hotplug.takes(option, None, guest.config):
            guest.pending[option] = None
        else:
            self._check_unplug(guest, option)
            self._detach(guest, option)
            guest.config.pop(option, None)
            guest.pending.pop(option, None)
            self._forget_in_boot_order(guest, option)

    @staticmethod
    def _check_unplug(guest: FakeVm, option: str) -> None:
        """A device leaves with the help of the guest's system; where none runs it stays till the next start."""
        if guest.status == "running" and guest.agent is None and UNPLUGGED.fullmatch(option):
            guest.pending[option] = None
            controller = "virtio" if str(guest.config.get("scsihw")) == "virtio-scsi-single" else ""
            device = f"{controller}{option}" if option.startswith("scsi") else option
            problem = f"error on hot-unplugging device '{device}' - still busy in guest?\n"
            raise param_error(**{option: f"hotplug problem - {problem}"})

    @staticmethod
    def _forget_in_boot_order(guest: FakeVm, option: str) -> None:
        if "boot" in guest.config:
            guest.config["boot"] = settings.boot_without(str(guest.config["boot"]), [option])

    def _detach(self, guest: FakeVm, option: str, replaced_by: str = "") -> None:
        """A disk that leaves its place in the configuration stays with the VM as ``unused<n>``."""
        old = str(guest.config.get(option, ""))
        volume = volume_of(old)
        if not settings.DRIVE.fullmatch(option) or volume is None or volume == volume_of(replaced_by):
            return
        if is_cloudinit(old):
            self._qm_free(volume)
        elif not is_cdrom(*split_drive(old)):
            guest.config[settings.free_unused(guest.config)] = volume

    async def _remove_disk(self, guest: FakeVm, option: str) -> None:
        volume = volume_of(guest.config[option])
        if any(volume in guest_volumes(snapshot).values() for snapshot in guest.snapshots.values()):
            raise die(f"unable to delete '{volume}' - volume is still in use (snapshot?)")
        del guest.config[option]
        if volume and is_disk(volume):
            self._qm_free(volume)
            await self.drop_volume(volume)
        self._forget_in_boot_order(guest, option)

    async def _unlink(self, call: Call) -> None:
        values = {**call.values, "delete": call["idlist"]}
        values.pop("idlist")
        await self._put_config(Call(values, call.user))

    # ---------------------------------------------------------------- resize

    async def _resize(self, call: Call) -> str:
        guest = self.find(call["node"], call["vmid"])
        if call.get("skiplock") and call.user != "root@pam":
            raise param_error(skiplock="Only root may use this option.")

        async def body() -> None:
            if guest.lock and not call.get("skiplock"):
                raise TaskError(f"VM is locked ({guest.lock})")
            self._grow(guest, call["disk"], call["size"])

        upid: str = await self.task(guest.node, "resize", guest.vmid, call.user, body, vm=guest)
        return upid

    def _grow(self, guest: FakeVm, disk: str, wanted: str) -> None:
        if disk not in guest.config:
            raise TaskError(f"disk '{disk}' does not exist")
        volume = volume_of(guest.config[disk])
        if volume is None or not is_disk(volume):
            raise TaskError(f"can't resize disk '{disk}': it has no volume")
        record = self._volume_record(volume)
        size = new_size(int(record.get("size") or 0), wanted)
        if size < int(record.get("size") or 0):
            raise TaskError("shrinking disks is not supported")
        record["size"] = size
        guest.config[disk] = with_size(str(guest.config[disk]), size)
        log_line("Image resized.")


def new_size(now: int, wanted: str) -> int:
    """Bytes of a disk after a resize to ``32G``, or by ``+1G``."""
    found = SIZE.fullmatch(wanted)
    if found is None:
        raise TaskError(f"unable to parse size '{wanted}'")
    amount = int(float(found[2]) * FACTORS[found[3]])
    return now + amount if found[1] else amount
