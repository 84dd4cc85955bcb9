# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the cluster: backups, replication, syncing realms (PVE/API2/Backup.pm, ReplicationConfig.pm, RealmSync.pm).

They are kept and read back; nothing runs them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from lab.api.calendar_event import WEEKDAYS, parse
from lab.api.directory import ROOT
from lab.api.fake import Call, FakeVm, PveError, Route, Values, die, param_error, split_list
from lab.api.guests import GuestArea
from lab.api.sections import Guard, Says, Section, SectionArea, Type, Words, declared, parts_of, property_object
from lab.api.volumes import guest_volumes

JOBS = "jobs.cfg"
# Whether the guest that is being destroyed is to leave the jobs too.
_purging: ContextVar[bool] = ContextVar("purging", default=False)
BACKUP = "/cluster/backup"
REPLICATION_FILE = "replication.cfg"
DEFAULT_ITERATIONS = 10
ROOT_ONLY = ("tmpdir", "dumpdir", "script")
BURDENS = ("bwlimit", "ionice", "performance")
# Options that are texts in a request and objects in an answer.
OBJECTS = ("fleecing", "performance", "prune-backups")
# Options of a backup that choose guests, with those that each one replaces (PVE/API2/Backup.pm, update_job).
SELECTIONS: Mapping[str, tuple[str, ...]] = {
    "vmid": ("all", "exclude", "pool"),
    "all": ("vmid", "pool"),
    "pool": ("vmid", "all", "exclude"),
}
NOT_STORED = ("starttime", "dow")


def schedule_of(starttime: str, days: str | None) -> str:
    """The schedule that the two old parameters stand for."""
    chosen = split_list(days)
    return starttime if not chosen or set(chosen) == set(WEEKDAYS) else f"{','.join(chosen)} {starttime}"


def next_run(schedule: str) -> dict[str, int]:
    """When a schedule comes next, as lists show it."""
    moment = parse(schedule).after(int(time.time()))
    return {} if moment is None else {"next-run": moment}


def backup_view(_name: str, entry: Values) -> Values:
    """A backup job as it is read."""
    objects = {name: property_object(entry[name], parts_of(BACKUP, "POST", name)) for name in OBJECTS if name in entry}
    return {**entry, **objects}


def check_selection(entry: Mapping[str, Any], *, complete: bool) -> None:
    """Refuse a contradictory or missing selection of guests (PVE/VZDump.pm, verify_vzdump_parameters)."""
    for name in ("all", "exclude", "pool"):
        if entry.get(name) and entry.get("vmid"):
            raise param_error(**{name: "option conflicts with option 'vmid'"})
    if complete and not any(entry.get(name) for name in ("all", "stop", "pool", "vmid", "exclude")):
        raise param_error(vmid="property is missing")


def prepare_schedule(call: Call, given: Values, *, required: bool) -> None:
    """Turn the old ``starttime`` and ``dow`` into a schedule."""
    if "schedule" in given and "starttime" in given:
        raise param_error(starttime="'starttime' and 'schedule' cannot both be set")
    if "schedule" not in given and "starttime" not in given and required:
        raise param_error(schedule="neither 'starttime' nor 'schedule' were set")
    if "starttime" in given:
        given["schedule"] = schedule_of(str(given["starttime"]), call.get("dow"))
    for name in NOT_STORED:
        given.pop(name, None)


def check_job_privileges(api: JobArea, call: Call, given: Values, storages: Iterable[str]) -> None:
    """Who may have backups made, and where to (PVE/API2/Backup.pm, assert_param_permission_create and _update)."""
    if call.user != ROOT:
        if any(name in given for name in BURDENS):
            api.require(call.user, "/", "Sys.Modify")
        fleecing = property_object(str(given.get("fleecing") or ""), parts_of(BACKUP, "POST", "fleecing"))
        if "storage" in fleecing:
            api.require(call.user, f"/storage/{fleecing['storage']}", "Datastore.AllocateSpace")
        for storage in storages:
            api.require(call.user, f"/storage/{storage}", "Datastore.Allocate")
    pool = given.get("pool")
    if pool and pool not in api.pools:
        raise PveError(403, f"Permission check failed (pool '{pool}' does not exist)")
    if pool:
        api.require(call.user, f"/pool/{pool}", "VM.Backup")


def prepare_backup(api: JobArea, call: Call, given: Values) -> None:
    """What is checked before the file is locked: who asks, and the schedule."""
    for name in ROOT_ONLY if call.user != ROOT else ():
        if name in given:
            raise param_error(**{name: "Only root may set this option."})
    check_job_privileges(api, call, given, [str(given.get("storage") or "local")])
    prepare_schedule(call, given, required=True)


def settle_backup(_api: JobArea, _name: str, entry: Values) -> None:
    """The checks of a new job."""
    check_selection(entry, complete=True)
    if entry.get("exclude") and not entry.get("pool"):
        entry["all"] = 1


def prepare_realm_sync(api: JobArea, call: Call, given: Values) -> None:
    """A change must change something."""
    del api, call
    if not given:
        raise die("no job options specified")


def settle_realm_sync(api: JobArea, _name: str, entry: Values) -> None:
    """Only realms that have users of their own elsewhere can be synced."""
    realm = entry.get("realm")
    found = api.realms().get(str(realm))
    if found is None:
        raise param_error(realm=f"No such realm '{realm}'")
    if found["type"] not in ("ldap", "ad"):
        raise param_error(realm="Only LDAP/AD realms can be synced.")


def settle_replication(api: JobArea, name: str, entry: Values) -> None:
    """A job copies to another node than its guest's, and one job alone to each."""
    entry["guest"], entry["jobnum"] = (int(part) for part in name.split("-"))
    for other, job in api.stored(REPLICATION_FILE).items():
        if other != name and (job["guest"], job["target"]) == (entry["guest"], entry["target"]):
            target = f"local/{entry['target']}"
            raise die(f"replication job for guest '{entry['guest']}' to target '{target}' already exists")


def prepare_replication(api: JobArea, call: Call, given: Values) -> None:
    """The checks of a new job, before the file is locked."""
    if "target" not in given:
        return
    vmid, target = int(str(call["id"]).partition("-")[0]), given["target"]
    guest = api.guest(vmid)
    if guest is None:
        raise die(f"Guest '{vmid}' does not exist.")
    if target not in api.nodes:
        raise die(f"Target '{target}' does not exist.")
    if given.setdefault("source", guest.node) != guest.node:
        raise die(f"Source '{given['source']}' does not match current node of guest '{vmid}' ({guest.node})")
    if target == guest.node:
        raise die("Source and target must not be identical")


BACKUPS = Section(
    path=BACKUP,
    key="id",
    file=JOBS,
    type="vzdump",
    words=Words(
        exists=Says("Job '{0}' already exists"),
        missing=Says("No such job '{0}'", "id"),
        delete_missing=Says("No such job '{0}'", "id"),
    ),
    defaults={"enabled": 1},
    item_has_digest=False,
    prepare=prepare_backup,
    settle=settle_backup,
    view=backup_view,
)
REALM_SYNCS = Section(
    path="/cluster/jobs/realm-sync",
    key="id",
    file=JOBS,
    type="realm-sync",
    types={
        "realm-sync": Type(
            required="schedule scope", optional="comment enabled enable-new remove-vanished", fixed="realm"
        )
    },
    posts_to_item=True,
    words=Words(
        exists=Says("Job '{0}' already exists"),
        missing=Says("No such job '{0}'", "id"),
        update_missing=Says("no such realm-sync job"),
        delete_missing=Says("No such job '{0}'", "id"),
    ),
    defaults={"enabled": 1},
    item_has_digest=False,
    prepare=prepare_realm_sync,
    settle=settle_realm_sync,
)
REPLICATIONS = Section(
    path="/cluster/replication",
    key="id",
    file=REPLICATION_FILE,
    type="local",
    types={"local": Type(optional="comment disable rate remove_job schedule source", fixed="target")},
    words=Words(
        exists=Says("replication job '{0}' already exists"),
        missing=Says("no such replication job '{0}'"),
        update_missing=Says("no such job '{0}'"),
        delete_missing=Says("no such job '{0}'"),
    ),
    reads=Guard("/vms/{guest}", ("VM.Audit",)),
    writes=Guard("/vms/{guest}", ("VM.Replicate",)),
    prepare=prepare_replication,
    settle=settle_replication,
)


class JobArea(SectionArea, GuestArea):
    """Mixin: ``/cluster/backup``, ``/cluster/replication``, ``/cluster/jobs``."""

    def routes(self) -> list[Route]:
        """The three kinds of job, and what is told about backups."""
        return [
            *self.section_routes(BACKUPS, REALM_SYNCS, REPLICATIONS),
            ("POST", BACKUP, self._create_backup),
            ("PUT", BACKUPS.item, self._update_backup),
            ("DELETE", REPLICATIONS.item, self._delete_replication),
            ("GET", BACKUPS.item + "/included_volumes", self._included_volumes),
            ("GET", "/cluster/backup-info/not-backed-up", self._not_backed_up),
            ("GET", "/cluster/jobs/schedule-analyze", self._analyze_schedule),
        ]

    def entries(self, section: Section, call: Call) -> dict[str, Values]:
        """Two kinds of job share a file; a replication's guest is in its name."""
        found = super().entries(section, call)
        if section.file != JOBS:
            return found
        return {name: entry for name, entry in found.items() if entry["type"] == section.type}

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        shown = super()._list_view(section, name, entry)
        return shown | (next_run(entry["schedule"]) if section.file == JOBS else {})

    # ---------------------------------------------------------------- backups

    async def _create_backup(self, call: Call) -> None:
        """A job without an id gets a UUID; parameters of a request that are no options of a job are ``node`` alone."""
        named = Call({"id": str(uuid.uuid4()), **call.values}, call.user)
        await self._create_section(BACKUPS, named)

    def _given(self, section: Section, call: Call) -> Values:
        """``node`` is an option of a backup, which it is nowhere else; a replication is about a guest."""
        given = super()._given(section, call)
        return given | ({"node": call["node"]} if section is BACKUPS and "node" in call.values else {})

    async def _update_backup(self, call: Call) -> None:
        given = self._given(BACKUPS, call)
        names = split_list(call.get("delete"))
        self._prepare_backup_update(call, given)
        if not given and not names:
            raise die("no options specified")
        check_selection(given, complete=False)
        entry = self.entries(BACKUPS, call).get(call["id"])
        if entry is None:
            raise die("no such vzdump job")
        for name in names:
            if name not in declared(BACKUPS.item, "PUT"):
                raise die(f"400 Parameter verification failed.\ndelete: unknown option '{name}'")
        changed = {name: value for name, value in entry.items() if name not in names} | given
        self.stored(JOBS)[call["id"]] = self._reselected(changed, given)

    def _prepare_backup_update(self, call: Call, given: Values) -> None:
        for name in ROOT_ONLY if call.user != ROOT else ():
            if name in given or name in split_list(call.get("delete")):
                raise param_error(**{name: "Only root may set this option."})
        current = self.entries(BACKUPS, call).get(call["id"], {})
        named = [str(given["storage"])] if given.get("storage") else []
        kept = [str(current.get("storage") or "local")] if current else []
        check_job_privileges(self, call, given, [*named, *kept])
        prepare_schedule(call, given, required=False)

    @staticmethod
    def _reselected(changed: Values, given: Values) -> Values:
        chosen = next((name for name in ("vmid", "all") if given.get(name)), "pool" if changed.get("pool") else None)
        for name in SELECTIONS[chosen] if chosen else ():
            changed.pop(name, None)
        try:
            check_selection(changed, complete=True)
        except PveError as error:
            raise die(f"400 Parameter verification failed.\nvmid: {error.errors['vmid']}") from error
        return changed

    # ------------------------------------------------------------------ purge

    async def _destroy_vm(self, call: Call) -> object:
        return await self._purged(call, super()._destroy_vm)

    async def _destroy_ct(self, call: Call) -> object:
        return await self._purged(call, super()._destroy_ct)

    @staticmethod
    async def _purged(call: Call, destroy: Callable[[Call], Awaitable[object]]) -> object:
        """Destroy a guest, which takes it out of the jobs when the request says ``purge``."""
        token = _purging.set(bool(call.get("purge")))
        try:
            return await destroy(call)
        finally:
            _purging.reset(token)

    def _pool_leave(self, vmid: int) -> None:
        """Called for a guest that is gone."""
        super()._pool_leave(vmid)
        if _purging.get():
            self._leave_jobs(int(vmid))

    def _leave_jobs(self, vmid: int) -> None:
        """Take a guest out of the jobs; one that has no other is gone (PVE/VZDump.pm, PVE/ReplicationConfig.pm)."""
        for name, job in list(self.stored(JOBS).items()):
            chosen = split_list(job.get("vmid"))
            left = [other for other in chosen if int(other) != vmid]
            if chosen and not left:
                del self.stored(JOBS)[name]
            elif left != chosen:
                job["vmid"] = ",".join(left)
        replications = self.stored(REPLICATION_FILE)
        for name in [name for name, job in replications.items() if job["guest"] == vmid]:
            del replications[name]

    # ---------------------------------------------------------- what they hold

    def _every_guest(self) -> Iterator[Any]:
        yield from sorted([*self.vms, *self.cts], key=lambda guest: int(guest.vmid))

    def _chosen(self, job: Mapping[str, Any]) -> list[int]:
        """Ids of the guests a job is about, on the node it is limited to."""
        if job.get("pool"):
            found: Iterable[int] = self.pools.get(job["pool"], set())
        elif job.get("vmid"):
            found = [int(vmid) for vmid in split_list(job["vmid"])]
        else:
            excluded = {int(vmid) for vmid in split_list(job.get("exclude"))}
            found = {int(guest.vmid) for guest in self._every_guest()} - excluded
        return [vmid for vmid in sorted(found) if self._is_on(vmid, job.get("node"))]

    def _is_on(self, vmid: int, node: str | None) -> bool:
        guest = self.guest(vmid)
        return node is None or guest is None or guest.node == node

    async def _included_volumes(self, call: Call) -> Values:
        job = self.entries(BACKUPS, call).get(call["id"])
        if job is None:
            raise BACKUPS.words.missing.error(call["id"])
        shown = [vmid for vmid in self._chosen(job) if self.allowed(call.user, f"/vms/{vmid}", "VM.Audit")]
        return {"children": [self._included_guest(vmid) for vmid in shown]}

    def _included_guest(self, vmid: int) -> Values:
        guest = self.guest(vmid)
        if guest is None:
            return {"id": vmid, "type": "unknown", "leaf": 1}
        volumes = self._backup_volumes(guest)
        kind, name = ("qemu", "name") if isinstance(guest, FakeVm) else ("lxc", "hostname")
        return {
            "id": vmid,
            "type": kind,
            "name": guest.config.get(name),
            "children": volumes,
            "leaf": 0 if volumes else 1,
        }

    @staticmethod
    def _backup_volumes(guest: Any) -> list[Values]:  # noqa: ANN401 - a guest of fakepve
        """The volumes of a guest, and whether a backup has them (qemu-server, PVE/QemuConfig.pm; pve-container)."""
        return [
            {"id": f"{guest.vmid}:{key}", "name": volume, "leaf": 1, **_inclusion(guest, key)}
            for key, volume in sorted(guest_volumes(guest.config).items())
            if not key.startswith("unused")
        ]

    async def _not_backed_up(self, call: Call) -> list[Values]:
        jobs = self.entries(BACKUPS, call).values()
        held = {vmid for job in jobs for vmid in self._chosen(job)}
        shown = [guest for guest in self._every_guest() if self.allowed(call.user, f"/vms/{guest.vmid}", "VM.Audit")]
        return [self._unsaved(guest) for guest in shown if int(guest.vmid) not in held]

    @staticmethod
    def _unsaved(guest: Any) -> Values:  # noqa: ANN401 - a guest of fakepve
        kind, option = ("qemu", "name") if isinstance(guest, FakeVm) else ("lxc", "hostname")
        name = guest.config.get(option)
        return {"vmid": int(guest.vmid), "type": kind} | ({"name": name} if name else {})

    # ------------------------------------------------------------ replications

    async def _delete_replication(self, call: Call) -> None:
        """Mark a job, which the scheduler then removes with what it has made (PVE/API2/ReplicationConfig.pm)."""
        if call.get("force") and call.get("keep"):
            raise param_error(keep="conflicts with parameter 'force'")
        found = self.stored(REPLICATION_FILE)
        if call.get("force"):
            if call["id"] in found:
                await self._delete_section(REPLICATIONS, call)
            return
        self.need(call.user, REPLICATIONS.writes, call.values)
        if call["id"] not in found:
            raise die(f"no such job '{call['id']}'")
        found[call["id"]]["remove_job"] = "local" if call.get("keep") else "full"

    def need(self, user: str, guard: Guard | None, values: Mapping[str, object]) -> None:
        """A replication that is not there yet says its guest by its name."""
        guest = str(values.get("id", "")).partition("-")[0]
        super().need(user, guard, {"guest": guest, **values})

    # --------------------------------------------------------------- schedules

    async def _analyze_schedule(self, call: Call) -> list[Values]:
        event, moment = parse(call["schedule"]), int(call.get("starttime") or self.clock.now())
        found: list[Values] = []
        for _ in range(int(call.get("iterations") or DEFAULT_ITERATIONS)):
            following = event.after(moment)
            if following is None:
                break
            moment = following
            found.append({"timestamp": moment, "utc": time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment))})
        return found


def _inclusion(guest: Any, key: str) -> Values:  # noqa: ANN401 - a guest of fakepve
    """Whether a backup has a volume, and why."""
    if key == "rootfs":
        return {"included": 1, "reason": "rootfs"}
    enabled = property_object(str(guest.config[key])).get("backup")
    if key.startswith("mp"):
        return {"included": int(enabled == "1"), "reason": "enabled" if enabled == "1" else "disabled"}
    return {"included": int(enabled != "0"), "reason": "backup=no" if enabled == "0" else "backup=yes"}
