# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading all guests for an export: the cluster's list, a list of each node, and one request for each guest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.guest_info import UNREACHABLE
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.resources import os_templates
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import (
    half_made,
    is_half_made,
    pending_config,
    power_state,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.state import guest_export
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Lister, Remark

AT_ONCE = 8
"""Guests that are read at the same time, as many as the modules' own ``max_parallel``."""


def lister(kind: GuestKind, document_kind: str) -> Lister:
    """Lists the guests of a kind; those that can't be read are said."""

    def listed(read: Reader) -> Iterator[Entry | Remark]:
        guests = [guest for guest in read_guests(read) if guest.type == kind.type]
        known, lost = _of_nodes(kind, read, guests)
        for node, reason in sorted(lost.items()):
            left = ", ".join(str(guest.vmid) for guest in guests if guest.node == node)
            yield Remark(f"{document_kind}: node {node} doesn't answer, so its guests are left out: {left}. {reason}")
        there = [known.get(guest.vmid, guest) for guest in guests if guest.node not in lost]
        found: list[tuple[Guest, Values]] = []
        for guest, config in zip(
            there, together(lambda guest: _config(kind, read, guest), there, AT_ONCE), strict=True
        ):
            if isinstance(config, HomelabPveError):
                yield Remark(f"{document_kind}: {guest.label} is left out: {config}")
            else:
                found.append((guest, config))
        templates = _templates(read, found) if kind.type == "lxc" else {}
        yield from _entries(kind, document_kind, found, templates)

    return listed


def _entries(
    kind: GuestKind, document_kind: str, found: Sequence[tuple[Guest, Values]], templates: Mapping[tuple[str, str], str]
) -> Iterator[Entry | Remark]:
    for guest, config in found:
        made_of = templates.get((guest.node, str(config.get("ostype"))))
        for item in guest_export.entry(kind, document_kind, guest, config):
            if made_of and not isinstance(item, Remark):
                item["ostemplate"] = made_of
            yield item
    if kind.type == "lxc" and found:
        yield _about_templates(document_kind, found, templates)


def _about_templates(
    document_kind: str, found: Sequence[tuple[Guest, Values]], templates: Mapping[tuple[str, str], str]
) -> Remark:
    without = [guest for guest, config in found if (guest.node, str(config.get("ostype"))) not in templates]
    missing = ", ".join(str(guest.vmid) for guest in without)
    return Remark(
        f"{document_kind}: Proxmox VE doesn't tell what a container was made of. ostemplate is the newest template for "
        "its ostype that its node has now; it matters only where the container has to be made anew."
        + (f" There is none for {missing}: give ostemplate, or restore, where they are to be made." if missing else "")
    )


def _of_nodes(
    kind: GuestKind, read: Reader, guests: Iterable[Guest]
) -> tuple[dict[int, Guest], dict[str, HomelabPveError]]:
    """The guests with the power state their nodes tell, and the nodes that don't answer, each with its error."""
    there: dict[int, Guest] = {}
    lost: dict[str, HomelabPveError] = {}
    by_id = {guest.vmid: guest for guest in guests}
    for node in sorted({guest.node for guest in by_id.values()}):
        try:
            rows = read.get(url("/nodes/{}/{}", node, kind.type), kind.list_params or None) or []
        except PveError as error:
            if error.status not in UNREACHABLE:
                raise
            lost[node] = error
            continue
        known = ((by_id.get(int(row["vmid"])), row) for row in rows)
        there |= {guest.vmid: replace(guest, status=power_state(row)) for guest, row in known if guest}
    return there, lost


def _config(kind: GuestKind, read: Reader, guest: Guest) -> Values | HomelabPveError:
    """A guest's configuration as it is after the next start; an error for one that has gone meanwhile."""
    try:
        config = _read_config(kind, read, guest)
    except PveError as error:
        if not GONE.search(error.message):
            raise
        return RefusedError("it was removed, or moved, while it was read.")
    return half_made(guest) if is_half_made(config) else config


def _read_config(kind: GuestKind, read: Reader, guest: Guest) -> Values:
    """A container's raw LXC options stand only in its configuration; for a VM what a plan reads, too, says all."""
    if kind.type == "lxc":
        config: Values = read.get(guest.path("config"))
        return config
    return pending_config(read.get(guest.path("pending")))


def _templates(read: Reader, found: Iterable[tuple[Guest, Values]]) -> dict[tuple[str, str], str]:
    """By node and ostype: the name of the template that a container of it would be made of now."""
    asked = sorted({(guest.node, str(config["ostype"])) for guest, config in found if config.get("ostype")})
    known: dict[tuple[str, str], Json] = {key: _template(read, *key) for key in asked}
    return {key: name for key, name in known.items() if name}


def _template(read: Reader, node: str, ostype: str) -> str | None:
    try:
        return os_templates.for_ostype(read, node, ostype)
    except (PveError, RefusedError):
        return None
