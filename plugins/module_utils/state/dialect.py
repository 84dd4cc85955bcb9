# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second way to write entries: short words for what the modules' options say at length. Pure.

``disk: {storage: local-lvm, size: 20G}`` is ``disks: {scsi0: ...}``, ``comment`` is the description, ``running`` is
``started``. Both ways may be mixed in a document, but not for the same option of one entry.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind

TEXT: Values = {"type": "str"}
ANYTHING: Values = {"type": "raw"}
VMIDS: Values = {"type": "list", "elements": "int"}


def itself(value: Json) -> Json:
    """The value means what it says."""
    return value


@dataclass(frozen=True)
class Word:
    """A word: what it is said for, and what its value means there. ``spec`` says what may be written."""

    said: str
    option: str
    means: Callable[[Json], Json] = itself
    spec: Values = field(default_factory=lambda: TEXT)
    member: str = ""
    """Of an option that is a dictionary of numbered things: what they are called without the number."""

    about: str = ""
    """What it is, for people."""

    def place(self, value: Json, place: Place) -> Place | None:
        """Where the document says what stands at a place of the entry; None for a place it has nothing to do with."""
        if place[:1] != (self.option,):
            return None
        if not self.member:
            return (self.said, *place[1:])
        number = str(place[1]).removeprefix(self.member) if len(place) > 1 else ""
        which = (int(number),) if isinstance(value, list) and number.isdigit() else ()
        return (self.said, *which, *place[2:])


def _whole(entry: Entry) -> Entry:
    return entry


def _elsewhere(_entry: Values, _place: Place) -> Place | None:
    return None


@dataclass(frozen=True)
class Dialect:
    """The words of one kind. ``whole`` turns what several words say together; it ``takes`` these besides."""

    words: tuple[Word, ...] = ()
    whole: Callable[[Entry], Entry] = _whole
    takes: Options | None = None
    back: Callable[[Values, Place], Place | None] = _elsewhere
    """Where an entry says what stands at a place that ``whole`` has made; None for any other."""

    def __call__(self, entry: Entry) -> Entry:
        """The entry in the module's options. Raises ConfigError for what is said twice or can't be understood."""
        told = self.whole(entry)
        for word in self.words:
            if told.get(word.said) is not None:
                told = _said(word, told)
        return told

    def written(self, entry: Values, place: Place) -> Place:
        """Where an entry, as it was written, says what stands at a place of the translated one."""
        said = (word.place(entry[word.said], place) for word in self.words if entry.get(word.said) is not None)
        return self.back(entry, place) or next((found for found in said if found), place)


def _said(word: Word, entry: Entry) -> Entry:
    rest = {option: value for option, value in entry.items() if option != word.said}
    value = _numbered(word.member, entry[word.said]) if word.member else word.means(entry[word.said])
    there = rest.get(word.option)
    if there is None:
        return {**rest, word.option: value}
    if not word.member or not isinstance(there, Mapping) or set(there) & set(value):
        raise ConfigError(f"'{word.said}' and '{word.option}' say the same. Leave one of them out.")
    return {**rest, word.option: {**value, **there}}


def _numbered(member: str, value: Json) -> dict[str, Json]:
    """One thing, or a list of them, by number."""
    items = value if isinstance(value, list) else [value]
    return {f"{member}{number}": item for number, item in enumerate(items)}


RUNNING = {"running": "started"}
"""States of a guest in other words."""


def _state(value: Json) -> Json:
    return RUNNING.get(value, value) if isinstance(value, str) else value


def _guest_ha(value: Json) -> Json:
    """``enabled`` says whether the HA manager looks after the guest; the rest is the option's own."""
    if not isinstance(value, Mapping) or "enabled" not in value:
        return value
    rest = {name: item for name, item in value.items() if name != "enabled"}
    if not isinstance(value["enabled"], bool):
        raise ConfigError(f"ha: enabled is true or false, not {value['enabled']!r}.")
    return rest if value["enabled"] else {"state": "absent"}


HA: Options = {
    "enabled": {"type": "bool"},
    "group": {"type": "str"},
}
GUEST_WORDS = (
    Word("comment", "description", about="The guest's description."),
    Word("network", "net", member="net", spec=ANYTHING, about="Its first network card, or a list of its cards."),
    Word("state", "state", _state, {"type": "str", "choices": [*RUNNING]}, about="The same as started."),
    Word("ha", "ha", _guest_ha, {"type": "dict", "options": HA}, about="Whether, and where, it is highly available."),
)
DISK = Word("disk", "disks", member="scsi", spec=ANYTHING, about="Its first disk, or a list of its disks.")


def _network(entry: Entry) -> Entry:
    """An address and a mask apart are what the module calls ``cidr``."""
    told = dict(entry)
    for address, mask, cidr, longest in (("address", "netmask", "cidr", 32), ("address6", "netmask6", "cidr6", 128)):
        if told.get(address) is None and told.get(mask) is None:
            continue
        if told.get(cidr) is not None:
            raise ConfigError(f"'{address}' and '{cidr}' say the same. Leave one of them out.")
        told[cidr] = _interface(told.pop(address, None), told.pop(mask, None), (address, mask), longest)
    return told


def _interface(address: Json, mask: Json, names: tuple[str, str], longest: int) -> str:
    """An address with the length of its prefix, of which a mask of either form is one."""
    if address is None:
        raise ConfigError(f"'{names[1]}' needs '{names[0]}' beside it.")
    if "/" in str(address):
        if mask is not None:
            raise ConfigError(f"'{names[0]}' has a prefix length already: leave out '{names[1]}'.")
        return str(address)
    try:
        found = ipaddress.ip_interface(f"{address}/{longest if mask is None else mask}")
    except ValueError as error:
        raise ConfigError(f"'{names[0]}' and '{names[1]}': {error}.") from error
    return f"{found.ip}/{found.network.prefixlen}"


PERIODS: Mapping[str, str] = {"daily": "", "weekly": "sun ", "monthly": "*-*-01 ", "yearly": "*-01-01 "}
"""Words for calendar events at midnight (PVE::CalendarEvent) -> what says the same before another time of day."""

RETENTION: Values = {
    "type": "dict",
    "options": {
        f"keep_{period}": {"type": "int"} for period in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
    },
}


def _backup(entry: Entry) -> Entry:
    told = dict(entry)
    if told.get("time") is not None:
        told["schedule"] = _schedule(told.get("schedule"), str(told.pop("time")))
    guests = [told.pop(name) for name in ("vms", "containers") if told.get(name) is not None]
    if guests:
        if told.get("vmid") is not None:
            raise ConfigError("'vmid' stands beside 'vms' or 'containers'. Say all guests in one of the two ways.")
        told["vmid"] = [vmid for some in guests for vmid in (some if isinstance(some, list) else [some])]
    return {"id": job_id(told), **told} if told.get("id") is None and told.get("schedule") else told


def _schedule(schedule: Json, time: str) -> str:
    if not re.fullmatch(r"\d{1,2}:\d{2}(?::\d{2})?", time):
        raise ConfigError(f"'time' is a time of day such as '02:00', not {time!r}.")
    words = str(schedule or "daily")
    return f"{PERIODS[words]}{time}" if words in PERIODS else f"{words} {time}"


def job_id(entry: Values) -> str:
    """A backup job's id where the document has none: of its schedule and storage, so it is the same each time."""
    words = re.findall(r"[A-Za-z0-9]+", f"{entry['schedule']} {entry.get('storage') or ''}")
    return "-".join(["backup", *words])[:50].rstrip("-")


def _interface_back(entry: Values, place: Place) -> Place | None:
    said = {"cidr": "address", "cidr6": "address6"}.get(str(place[0])) if place else None
    return (said,) if said and entry.get(said) is not None else None


def _backup_back(entry: Values, place: Place) -> Place | None:
    if place == ("schedule",) and entry.get("time") is not None:
        return ("time",)
    if place[:1] != ("vmid",) or entry.get("vmid") is not None:
        return None
    rest = int(place[1]) if len(place) > 1 else 0
    for name in ("vms", "containers"):
        some = entry.get(name)
        listed = some if isinstance(some, list) else [] if some is None else [some]
        if rest < len(listed):
            return (name, rest) if isinstance(some, list) and len(place) > 1 else (name,)
        rest -= len(listed)
    return None


BACKUP: Options = {
    "time": {"type": "str"},
    "vms": VMIDS,
    "containers": VMIDS,
}


DIALECTS: Mapping[str, Dialect] = {
    "vms": Dialect((DISK, *GUEST_WORDS)),
    "containers": Dialect((Word("name", "hostname", about="Its host name."), *GUEST_WORDS)),
    "storage": Dialect((Word("id", "storage", about="The storage's name."),)),
    "network": Dialect(
        (Word("comment", "comments", about="A note about the interface."),),
        _network,
        dict.fromkeys(("address", "netmask", "address6", "netmask6"), TEXT),
        _interface_back,
    ),
    "backups": Dialect(
        (
            Word("compression", "compress", about="The same as compress."),
            Word("retention", "prune_backups", spec=RETENTION, about="How many backups are kept."),
        ),
        _backup,
        BACKUP,
        _backup_back,
    ),
}
"""Kind -> its words."""

NO_WORDS = Dialect()


def of(kind: Kind) -> Dialect:
    """The words of a kind."""
    return DIALECTS.get(kind.name, NO_WORDS)


NAMES = {"vms": "name", "containers": "hostname"}
"""Guests' kinds and the options that name them."""

SIDS = {"vms": "vm", "containers": "ct"}
"""Guests' kinds and the HA manager's words for them (format pve-ha-resource-id)."""

HA_RULES, HA_GROUPS = "ha.rules", "ha.groups"
RULED: Mapping[str, Values] = {HA_RULES: {"type": "node-affinity"}, HA_GROUPS: {}}
"""Kinds that may say on which nodes guests run, and what an entry says besides that a guest's ``ha`` makes."""


@dataclass(frozen=True)
class Membership:
    """A guest that names the group, or rule, of nodes on which it is to run."""

    group: str
    sid: str


def membership(kind: str, entry: Entry) -> tuple[Entry, Membership | None]:
    """The guest without its ``ha.group``, which is said of the group. Raises ConfigError for one without vmid."""
    ha = entry.get("ha")
    if kind not in SIDS or not isinstance(ha, Mapping) or ha.get("group") is None:
        return entry, None
    rest = {name: value for name, value in ha.items() if name != "group"}
    if entry.get("state") == "absent":
        return {**entry, "ha": rest}, None
    if entry.get("vmid") is None:
        raise ConfigError("ha.group needs the guest's vmid: HA knows guests by that.")
    return {**entry, "ha": rest}, Membership(str(ha["group"]), f"{SIDS[kind]}:{entry['vmid']}")


def joined(entry: Values, members: list[Membership]) -> Entry:
    """A rule or group with the guests that name it."""
    given = entry.get("resources") or []
    listed = given if isinstance(given, list) else re.split(r"[,\s]+", str(given))
    return {**entry, "resources": sorted({*map(str, listed), *(member.sid for member in members)})}
