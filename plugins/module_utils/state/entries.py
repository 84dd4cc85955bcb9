# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From texts to wishes: what the documents declare, every entry of it checked against its module."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import checking, dialect, references
from ansible_collections.homelab.pve.plugins.module_utils.state.declared import Declared, Findings, Wish
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, sources
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import JOINED, Key, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.reading import Reading, merged
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Vault

__all__ = ["Declared", "Wish", "load"]


def load(
    texts: Sequence[Text],
    kinds: Mapping[str, Kind],
    node: str | None = None,
    *,
    secrets: Mapping[str, Json] | None = None,
    nodes: Mapping[str, str] | None = None,
    pruned: Collection[str] = (),
) -> list[Wish]:
    """The wishes of some documents, in their order; see ``Reading`` for what else is given.

    Raises ConfigError naming everything that is wrong, with file and line.
    """
    reading = Reading(kinds, node, Vault(secrets or {}), nodes or {}, pruned)
    findings = Findings(reading.vault)
    declared = _with_memberships(merged(sources(texts), reading, findings), reading, findings)
    _refuse_same_guests(declared.values(), findings)
    wishes = [wish for each in declared.values() if (wish := _checked(each, reading, findings))]
    for each, place, message in references.dangling(declared.values(), wishes, reading.pruned):
        findings.about(each, message, place)
    findings.stop()
    return wishes


def _with_memberships(entries: Mapping[Key, Declared], reading: Reading, findings: Findings) -> dict[Key, Declared]:
    """What guests say of the group of nodes they are in is said of the group, or of a rule of its name."""
    found: dict[Key, Declared] = {}
    members: dict[str, list[tuple[dialect.Membership, Declared]]] = {}
    for key, declared in entries.items():
        found[key] = replace(declared, home=None) if declared.kind.name in dialect.RULED else declared
        try:
            entry, member = dialect.membership(declared.kind.name, declared.entry)
        except ConfigError as error:
            findings.about(declared, str(error), ("ha", "group"))
            continue
        if member:
            found[key] = replace(declared, entry=entry)
            members.setdefault(member.group, []).append((member, declared))
    for group, named in members.items():
        name = next((each for each in dialect.RULED if (each, group) in found), dialect.HA_RULES)
        if name in reading.kinds:
            found[name, group] = _joined(found.get((name, group)), reading.kinds[name], group, named)
    return found


def _joined(
    there: Declared | None, kind: Kind, group: str, named: Sequence[tuple[dialect.Membership, Declared]]
) -> Declared:
    made = {kind.keys[0]: group, **dialect.RULED[kind.name]}
    base = there or Declared(kind, made, tuple(declared.where(("ha", "group"))[0] for _member, declared in named[:1]))
    pins = sorted({str(pin) for _member, guest in named if (pin := guest.entry.get("node") or guest.home)})
    entry = dialect.joined(base.entry, [member for member, _declared in named])
    # A rule that has to be made prefers the nodes that its guests are to be on.
    return replace(base, entry=entry, home=",".join(pins) or None, joins="resources" not in base.entry)


def _refuse_same_guests(found: Iterable[Declared], findings: Findings) -> None:
    """A vmid is one guest's, VM or container; a guest without one is known by its name."""
    guests = [declared for declared in found if declared.kind.name in dialect.SIDS]
    ids: dict[str, Declared] = {}
    names: dict[str, Declared] = {}
    for declared in guests:
        option = dialect.NAMES[declared.kind.name]
        vmid, name = declared.entry.get("vmid"), declared.entry.get(option)
        same = ids.setdefault(str(vmid), declared) if vmid is not None else declared
        if same.kind is not declared.kind:
            findings.about(declared, f"{vmid} is the vmid of {same.at(('vmid',))} already.", ("vmid",))
        twin = names.setdefault(str(name), declared) if name is not None else declared
        if twin is not declared and None in (vmid, twin.entry.get("vmid")):
            findings.about(declared, f"{name} is the name of {twin.at()} already. Give both a vmid.", (option,))


def _checked(declared: Declared, reading: Reading, findings: Findings) -> Wish | None:
    """The entry as its module would take it; None with findings when it wouldn't."""
    entry, missing = reading.vault.opened(declared.entry)
    if declared.home is not None and declared.kind.per_node:
        entry.setdefault("node", declared.home)
    verdict = checking.check(declared.kind, entry)
    for place, message in verdict.problems:
        findings.about(declared, message, place)
    roaming = {HOME: declared.home} if declared.home is not None and declared.kind.roams else {}
    joining = {JOINED: True} if declared.joins else {}
    return None if verdict.problems else Wish(declared, {**verdict.values, **roaming, **joining}, missing)
