# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of a node before work on it begins: each check looks at one thing and says how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    Guest,
    only_node,
    read_guests,
    vmid_bounds,
)

BRIDGES = frozenset({"bridge", "OVSBridge"})

GUEST_PRIVILEGES = ("VM.Audit", "VM.Allocate", "VM.Clone", "VM.PowerMgmt", "VM.Config.Options")
"""What making and removing guests needs at least, on /vms."""


@dataclass(frozen=True)
class Check:
    """One finding. ``status`` is ok, failed or skipped; ``remedy`` is empty unless it failed."""

    name: str
    status: str
    message: str
    remedy: str = ""

    def shown(self) -> dict[str, str]:
        """As the module returns it."""
        return asdict(self)


def ok(name: str, message: str) -> Check:
    """A check that passed."""
    return Check(name, "ok", message)


def failed(name: str, message: str, remedy: str) -> Check:
    """A check that didn't."""
    return Check(name, "failed", message, remedy)


def skipped(name: str, message: str) -> Check:
    """A check that could not be made because an earlier one failed."""
    return Check(name, "skipped", message)


def names(wish: Values) -> list[str]:
    """The names of the checks ``look`` makes, in its order."""
    wanted = (("privileges", True), ("template", wish.get("template")), ("vmid", wish.get("vmid_range")))
    stores = [f"storage {name}" for name, _content in storages(wish)]
    return [name for name, asked in wanted if asked] + stores + (["bridge"] if wish.get("bridge") else [])


def look(read: Reader, wish: Values) -> Iterator[Check]:
    """Everything that is looked at through the API."""
    guests = read_guests(read)
    yield _privileges(read, wish)
    if wish.get("template"):
        yield template(guests, str(wish["template"]))
    if wish.get("vmid_range"):
        yield free_vmid(guests, wish["vmid_range"])
    node = _node(read, wish, guests) if wish.get("bridge") or wish.get("storages") else ""
    rows = read.get(url("/nodes/{}/storage", node)) if wish.get("storages") else []
    yield from (storage(rows, node, name, content) for name, content in storages(wish))
    if wish.get("bridge"):
        yield bridge(read.get(url("/nodes/{}/network", node)), node, str(wish["bridge"]))


def _node(read: Reader, wish: Values, guests: Sequence[Guest]) -> str:
    """The node that is meant: the one that was named, else the template's, else the only one."""
    found = _templates(guests, str(wish.get("template")))
    return str(wish.get("node") or (found[0].node if found else only_node(read, "to check storages and bridges")))


def _templates(guests: Sequence[Guest], wanted: str) -> list[Guest]:
    return [item for item in guests if item.type == "qemu" and wanted in (item.name, str(item.vmid))]


def template(guests: Sequence[Guest], wanted: str) -> Check:
    """There is a template of that name or vmid."""
    found = _templates(guests, wanted)
    if any(item.template for item in found):
        return ok("template", f"{next(item for item in found if item.template).label} is a template")
    if found:
        return failed(
            "template",
            f"{found[0].label} on {found[0].node} is not a template",
            f"Make it one (state: template of the module vm, or qm template {found[0].vmid}), or name another.",
        )
    known = ", ".join(item.label for item in guests if item.template and item.type == "qemu") or "none"
    return failed(
        "template",
        f"there is no template '{wanted}' (templates: {known})",
        "Make the template, or name one that exists. The login needs VM.Audit on it to see it.",
    )


def free_vmid(guests: Sequence[Guest], bounds: Sequence[int]) -> Check:
    """There is an unused vmid in the range."""
    low, high = vmid_bounds(bounds) or (0, 0)
    used = {item.vmid for item in guests}
    free = next((vmid for vmid in range(low, high + 1) if vmid not in used), None)
    if free is None:
        return failed(
            "vmid",
            f"all {high - low + 1} vmids from {low} to {high} are taken",
            "Remove guests you no longer need, or give a wider range.",
        )
    return ok("vmid", f"{free} is free")


def storages(wish: Values) -> list[tuple[str, tuple[str, ...]]]:
    """The option ``storages``: names, or dictionaries with ``name`` and ``content``."""
    return [
        (entry, ()) if isinstance(entry, str) else (str(entry["name"]), tuple(entry.get("content") or ()))
        for entry in wish.get("storages") or ()
    ]


def storage(rows: Sequence[Values], node: str, name: str, content: Sequence[str]) -> Check:
    """The storage is there, in use, and takes the content."""
    label, row = f"storage {name}", next((row for row in rows if row["storage"] == name), None)
    if row is None:
        known = ", ".join(sorted(str(row["storage"]) for row in rows)) or "none"
        return failed(label, f"{node} has no storage '{name}' (storages: {known})", "Add it, or name one that exists.")
    if not int(row.get("enabled", 1)) or not int(row.get("active", 1)):
        return failed(label, f"'{name}' is not active on {node}", f"Look at it with: pvesm status --storage {name}")
    present = str(row.get("content", "")).split(",")
    missing = [kind for kind in content if kind not in present]
    if missing:
        wanted = ",".join(sorted({*present, *missing} - {"", "none"}))
        return failed(
            label,
            f"'{name}' on {node} does not take {', '.join(missing)} (it takes {', '.join(sorted(present))})",
            f"Allow it: pvesm set {name} --content {wanted}",
        )
    return ok(label, f"'{name}' takes {', '.join(content) or ', '.join(sorted(present))}")


def bridge(rows: Sequence[Values], node: str, name: str) -> Check:
    """The bridge is there."""
    known = sorted(str(row["iface"]) for row in rows if row.get("type") in BRIDGES)
    if name in known:
        return ok("bridge", f"{node} has {name}")
    listed = ", ".join(known) or "none"
    return failed("bridge", f"{node} has no bridge '{name}' (bridges: {listed})", "Make it, or name one that exists.")


def _privileges(read: Reader, wish: Values) -> Check:
    try:
        held = read.get("/access/permissions") or {}
    except HomelabPveError as error:
        return failed("privileges", str(error), "Check the token's privileges.")
    return privileges(held, needed(wish))


def needed(wish: Values) -> dict[str, list[str]]:
    """Privileges by path: the user's, else those for making guests and for the storages."""
    if wish.get("privileges"):
        return {path: list(wanted) for path, wanted in wish["privileges"].items()}
    return {
        "/vms": list(GUEST_PRIVILEGES),
        **{f"/storage/{name}": ["Datastore.Audit"] for name, _content in storages(wish)},
    }


def privileges(held: Mapping[str, Mapping[str, Json]], wanted: Mapping[str, Sequence[str]]) -> Check:
    """The login has the privileges."""
    missing = {path: sorted(set(names) - effective(held, path)) for path, names in wanted.items()}
    lacking = {path: names for path, names in missing.items() if names}
    if not lacking:
        return ok("privileges", ", ".join(f"{len(names)} on {path}" for path, names in wanted.items()))
    listed = "; ".join(f"{', '.join(names)} on {path}" for path, names in lacking.items())
    return failed(
        "privileges",
        f"the login lacks {listed}",
        "Give it a role that has them: pveum acl modify PATH --tokens USER@REALM!NAME --roles ROLE. "
        "A token with privilege separation needs entries of its own.",
    )


def effective(held: Mapping[str, Mapping[str, Json]], path: str) -> set[str]:
    """Privileges at a path: those of its nearest entry; from above only those that propagate (value 1)."""
    for place in (path, *map(str, PurePosixPath(path).parents)):
        if place in held:
            return {name for name, propagates in held[place].items() if place == path or int(propagates)}
    return set()
