# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be checked of guests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_config import AGENT, CPU
from ansible_collections.homelab.pve.plugins.module_utils.state.policy import (
    PATTERNS,
    Check,
    Judged,
    Subject,
    judged,
    like,
    unknown,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_facts import DAY, Facts

Flag: TypeAlias = "tuple[str, bool]"
"""A key of a guest's configuration that is on or off, and what it is where it isn't said."""

DEFAULT_CPU = "kvm64"
"""What a VM gets that says none (pve-docs, qm.conf)."""

TAG_OPTIONS = ("required", "one_of", "allowed")

SEEING_BACKUPS = ("VM.Backup",)


def backed_up(facts: Facts, subject: Subject, options: Values) -> Judged:
    """Its newest backup is not too old."""
    guest: Guest = subject.thing
    made = facts.newest_backups().get(guest.vmid)
    wanted = f"a backup of the last {options['max_age_days']} days"
    if made is None and not facts.may(SEEING_BACKUPS, f"/vms/{guest.vmid}"):
        return unknown(
            "the login may not see its backups",
            f"Grant VM.Backup on /vms/{guest.vmid} and Datastore.AllocateSpace on the storages.",
        )
    remedy = "Back it up (module backup), and let a backup job do so from now on (backups of a document)."
    if made is None:
        return judged(False, "there is no backup of it", wanted, remedy)
    days = (facts.now - made) / DAY
    return judged(days <= options["max_age_days"], f"its newest backup is {_days(days)} old", wanted, remedy)


def _days(days: float) -> str:
    return f"{max(0.0, days):.0f} days"


def in_backup_job(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """A backup job that is switched on has it."""
    guest: Guest = subject.thing
    jobs = [str(job.get("id")) for job in facts.jobs() if covers(job, guest)]
    return judged(
        jobs,
        f"it is in {', '.join(jobs)}" if jobs else "it is in no backup job that is enabled",
        "a backup job",
        f"Add {guest.vmid} to the vmid list of a backup job (backups of a document), or take all guests into one.",
    )


def covers(job: Values, guest: Guest) -> bool:
    """Whether a job backs a guest up (PVE::VZDump, get_included_guests)."""
    if job.get("node") not in (None, "", guest.node):
        return False
    if truth(job.get("all") or 0):
        return str(guest.vmid) not in _names(job.get("exclude"))
    pool = str(job.get("pool") or "")
    inside = bool(pool) and (guest.pool == pool or str(guest.pool or "").startswith(f"{pool}/"))
    return inside or str(guest.vmid) in _names(job.get("vmid"))


def _names(value: Json) -> list[str]:
    return [name for name in re.split(r"[,;\s]+", str(value or "")) if name]


def whole_backup(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """No volume is left out of backups. Mount points of containers are, unless told."""
    guest: Guest = subject.thing
    left = [volume.key for volume in facts.volumes(guest) if not _in_backup(guest, volume.key, volume.options)]
    return judged(
        not left,
        f"{', '.join(left)} {'are' if len(left) > 1 else 'is'} left out of backups" if left else "all is backed up",
        "every volume in the backups",
        f"Set backup: true of {', '.join(left)}.",
    )


def _in_backup(guest: Guest, key: str, options: Mapping[str, str]) -> bool:
    if options.get("media") == "cdrom":
        return True
    default = "0" if guest.type == "lxc" and key != "rootfs" else "1"
    return truth(options.get("backup", default))


def agent(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """The guest agent is on."""
    found = AGENT.decode(facts.config(subject.thing).get("agent") or "")
    on = bool(found.get("enabled"))
    return judged(
        on,
        f"the guest agent is {'on' if on else 'off'}",
        "the guest agent on",
        "Set agent to enabled=1, install qemu-guest-agent in the guest, and stop and start it.",
    )


FLAGS: Mapping[str, tuple[Flag, str, str, tuple[str, ...]]] = {
    "protection": (("protection", False), "it is protected from removal", "it may be removed by mistake", ()),
    "onboot": (("onboot", False), "it starts with its node", "it stays off when its node starts", ()),
    "unprivileged": (
        ("unprivileged", False),
        "root in it is an unprivileged user of the node",
        "root in it is root of the node",
        ("container",),
    ),
}
"""By check: the key, what is said where it is on and where it is off, and the kinds of guests that have it."""

FLAG_REMEDIES = {
    "unprivileged": "This is set at creation only: back the container up and restore it as unprivileged.",
}


def flagged(name: str) -> Check:
    """A check of something that is on or off."""
    (key, default), yes, no, kinds = FLAGS[name]

    def judge(facts: Facts, subject: Subject, options: Values) -> Judged:
        on, wanted = truth(facts.config(subject.thing).get(key, default)), bool(options["value"])
        word = str(wanted).lower()
        remedy = FLAG_REMEDIES.get(name, f"Set {key}: {word}.")
        return judged(on == wanted, yes if on else no, f"{key}: {word}", remedy)

    about = f"Whether {key} of the guest is as O(value) says."
    return Check(name, "guests", judge, about, {"value": {"type": "bool", "default": True}}, kinds)


def cpu_type(facts: Facts, subject: Subject, options: Values) -> Judged:
    """The CPU it is shown is an allowed one."""
    found = str(CPU.decode(facts.config(subject.thing).get("cpu") or "").get("cputype") or DEFAULT_CPU)
    return judged(
        like(found, options["allowed"]),
        f"its cpu is {found}",
        f"a cpu of {_listed(options['allowed'])}",
        "Set cpu to one of them, and stop and start the guest.",
    )


def bridges(facts: Facts, subject: Subject, options: Values) -> Judged:
    """Its cards are on allowed bridges."""
    used = {key: str(card.get("bridge") or "no bridge") for key, card in facts.cards(subject.thing).items()}
    wrong = [f"{key} on {bridge}" for key, bridge in used.items() if not like(bridge, options["allowed"])]
    return judged(
        not wrong,
        f"it has {', '.join(wrong or [f'{key} on {bridge}' for key, bridge in used.items()]) or 'no card'}",
        f"cards on {_listed(options['allowed'])} only",
        "Put the card on another bridge (net of the guest), or allow this one.",
    )


def name(_facts: Facts, subject: Subject, options: Values) -> Judged:
    """Its name is of a pattern."""
    found = str(subject.traits["name"] or "")
    return judged(
        re.fullmatch(str(options["pattern"]), found),
        f"its name is {found or 'empty'}",
        f"a name that matches {options['pattern']}",
        "Rename it: name of a vm, hostname of a container.",
    )


def tags(_facts: Facts, subject: Subject, options: Values) -> Judged:
    """It has the tags it has to have, and none that isn't allowed."""
    there = subject.traits["tags"]
    required, one_of, allowed = (options[name] for name in TAG_OPTIONS)
    missing = [str(tag) for tag in required or () if not _any_like(there, [tag])]
    lacking = bool(one_of) and not _any_like(there, one_of)
    foreign = [tag for tag in there if allowed is not None and not like(tag, allowed)]
    wanted = [
        *([f"the tags {_listed(required)}"] if required else []),
        *([f"one of {_listed(one_of)}"] if one_of else []),
        *([f"none but {_listed(allowed)}"] if allowed is not None else []),
    ]
    found = f"its tags are {_listed(there)}" if there else "it has no tags"
    good = not (missing or lacking or foreign)
    return judged(good, found, "; ".join(wanted) or "any tags", "Set tags of the guest.")


def _any_like(values: Iterable[str], patterns: Iterable[Json]) -> bool:
    return any(like(value, patterns) for value in values)


def pool(_facts: Facts, subject: Subject, options: Values) -> Judged:
    """It is in a pool, or in one of some."""
    found = subject.traits["pool"]
    good = like(str(found), options["allowed"]) if found and options["allowed"] else bool(found)
    return judged(
        good,
        f"it is in pool {found}" if found else "it is in no pool",
        f"a pool of {_listed(options['allowed'])}" if options["allowed"] else "a pool",
        "Set pool of the guest.",
    )


def firewall(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """Its firewall is on, and so is it on every card."""
    guest: Guest = subject.thing
    on = truth((facts.read.get(guest.path("firewall", "options")) or {}).get("enable") or 0)
    open_cards = [key for key, card in facts.cards(guest).items() if not truth(card.get("firewall") or 0)]
    off = [*([] if on else ["the guest's firewall"]), *open_cards]
    return judged(
        not off,
        f"the firewall is off: {', '.join(off)}" if off else "its firewall is on, on every card",
        "the firewall on, on every card",
        "Set enable: true (firewall.options, level guest) and firewall: true of each card.",
    )


def storages(facts: Facts, subject: Subject, options: Values) -> Judged:
    """Its volumes are on allowed storages."""
    used = {volume.key: volume.storage for volume in facts.volumes(subject.thing)}
    wrong = [f"{key} on {storage}" for key, storage in used.items() if not like(storage, options["allowed"])]
    return judged(
        not wrong,
        f"it has {', '.join(wrong)}" if wrong else f"its volumes are on {_listed(sorted(set(used.values())))}",
        f"volumes on {_listed(options['allowed'])} only",
        "Move the volume (storage of the disk), or allow this storage.",
    )


def usable_storages(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """No volume of it is on a storage that is switched off, or gone."""
    known = facts.storages()
    off = [
        f"{volume.key} on {volume.storage}"
        for volume in facts.volumes(subject.thing)
        if truth(known.get(volume.storage, {"disable": 1}).get("disable") or 0)
    ]
    return judged(
        not off,
        f"it has {', '.join(off)}, which is disabled or not there" if off else "its storages are enabled",
        "volumes on storages that are enabled",
        "Enable the storage (disable: false), or move the volume.",
    )


def high_availability(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """The HA manager looks after it."""
    good = subject.thing.vmid in facts.managed()
    found = "high availability looks after it" if good else "high availability doesn't look after it"
    return judged(good, found, "a resource of high availability", f"Add {subject.thing.ha_id} to ha.resources.")


def replicated(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """It is replicated."""
    good = subject.thing.vmid in facts.replicated()
    found = "it is replicated" if good else "it isn't replicated"
    return judged(good, found, "a replication job", "Add a replication job (replication of a document).")


def snapshot_age(facts: Facts, subject: Subject, options: Values) -> Judged:
    """It has no snapshot that was forgotten."""
    bound = facts.now - options["max_age_days"] * DAY
    old = sorted(str(row["name"]) for row in facts.snapshots(subject.thing) if float(row["snaptime"]) < bound)
    return judged(
        not old,
        f"it has old snapshots: {', '.join(old)}" if old else "it has no old snapshot",
        f"no snapshot older than {options['max_age_days']} days",
        "Remove them (module snapshot, state: absent): they grow, and slow the guest down.",
    )


def size(facts: Facts, subject: Subject, options: Values) -> Judged:
    """It isn't larger than it may be."""
    config = facts.config(subject.thing)
    has = {
        "cores": int(config.get("cores") or 1) * int(config.get("sockets") or 1),
        "memory": int(str(config.get("memory") or 512).partition(",")[0].removeprefix("current=")),
    }
    over = [name for name in has if options[f"max_{name}"] is not None and has[name] > options[f"max_{name}"]]
    bounds = [f"{name} <= {options[f'max_{name}']}" for name in has if options[f"max_{name}"] is not None]
    return judged(
        not over,
        f"it has {has['cores']} cores and {has['memory']} MiB",
        " and ".join(bounds),
        f"Lower {' and '.join(over)}.",
    )


def _listed(values: Iterable[Json]) -> str:
    return ", ".join(map(str, values))


ALLOWED: Options = {"allowed": {**PATTERNS, "required": True}}
AGE: Options = {"max_age_days": {"type": "float", "required": True}}

GUEST_CHECKS: tuple[Check, ...] = (
    Check("backed_up", "guests", backed_up, "The newest backup is not older than O(max_age_days).", AGE),
    Check("in_backup_job", "guests", in_backup_job, "A backup job that is enabled has the guest."),
    Check("whole_backup", "guests", whole_backup, "No volume is left out of backups."),
    Check("agent", "guests", agent, "The guest agent is on.", kinds=("vm",)),
    *(flagged(each) for each in FLAGS),
    Check("cpu_type", "guests", cpu_type, "The CPU the guest sees is one of O(allowed).", ALLOWED, ("vm",)),
    Check("bridges", "guests", bridges, "Every card is on one of O(allowed).", ALLOWED),
    Check(
        "name",
        "guests",
        name,
        "The whole name matches the regular expression O(pattern).",
        {"pattern": {"type": "str", "required": True}},
    ),
    Check(
        "tags",
        "guests",
        tags,
        "It has all tags of O(required), one of O(one_of), and none but O(allowed).",
        dict.fromkeys(TAG_OPTIONS, PATTERNS),
    ),
    Check("pool", "guests", pool, "It is in a pool, of O(allowed) where that is set.", {"allowed": PATTERNS}),
    Check("firewall", "guests", firewall, "The guest's firewall is on, and on every card."),
    Check("storages", "guests", storages, "Every volume is on one of O(allowed).", ALLOWED),
    Check("usable_storages", "guests", usable_storages, "Every volume is on a storage that is enabled."),
    Check("high_availability", "guests", high_availability, "High availability looks after the guest."),
    Check("replicated", "guests", replicated, "The guest is replicated to another node."),
    Check("snapshot_age", "guests", snapshot_age, "No snapshot is older than O(max_age_days).", AGE),
    Check(
        "size",
        "guests",
        size,
        "It has no more than O(max_cores) cores and O(max_memory) MiB.",
        {"max_cores": {"type": "int"}, "max_memory": {"type": "int"}},
    ),
)
