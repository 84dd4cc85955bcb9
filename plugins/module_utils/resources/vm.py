# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine: the steps from what is there to what is wished, and what is told about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Bound,
    Change,
    Claim,
    Options,
    Plan,
    Resource,
    Step,
    Values,
    encoded,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import disks, vm_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_power import (
    TRANSITIONS,
    Power,
    power_step,
    transition,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_view import Source, View, describe

STATES = ("present", "absent", "template", *sorted({state for state, _status in TRANSITIONS}))

TAKEN = (
    r"already exists|config file already exists|File exists"
    # PVE could not fork the task. It may leave a guest behind that holds nothing but the lock "create": the id is used
    # up, and only root@pam with a password can remove it.
    r"|start worker failed"
)

NOT_COPIED = frozenset({"template", "digest", "vmgenid", "smbios1", "meta", "lock", "parent"})
"""What a clone doesn't take over from its template (PVE::API2::Qemu, clone_vm)."""


def plan(wish: Values, view: View) -> Plan:
    """The steps. Raises RefusedError for what must not be done, ConfigError for what can't be meant."""
    if wish["state"] == "absent":
        return _plan_absent(wish, view)
    return _plan_present(wish, view, view.guest) if view.guest else _plan_create(wish, view)


def _plan_absent(wish: Values, view: View) -> Plan:
    guest = view.guest
    if guest is None:
        return Plan(reason=f"vm {wish.get('vmid') or wish.get('name')} is absent already")
    if int(view.config.get("protection") or 0):
        raise RefusedError(
            f"Cannot remove {guest.label}: it is protected. Set its option protection to false first, if you mean it."
        )
    stop = _stop_before_removal(wish, view, guest)
    params = {"purge": wish.get("purge"), "destroy-unreferenced-disks": wish.get("destroy_unreferenced_disks")}
    gone = Step("DELETE", guest.path(), params, f"remove {guest.label}")
    return Plan((*stop, gone), before={"vmid": guest.vmid, "name": guest.name, "status": view.status})


def _stop_before_removal(wish: Values, view: View, guest: Guest) -> tuple[Step, ...]:
    if view.status == "stopped":
        return ()
    if not wish.get("force"):
        raise RefusedError(
            f"Cannot remove {guest.label}: it is {view.status}. Stop it first, or set force to true to have it stopped."
        )
    return (power_step(guest.path(), "stop", guest.label),)


def _plan_create(wish: Values, view: View) -> Plan:
    steps, changes, drives = _cloned(wish, view, view.source) if view.source else _created(wish, view)
    node, name = str(view.node), wish.get("name")
    path = url("/nodes/{}/qemu/{{vmid}}", node)
    label = "vm {vmid}" + (f" ({name})" if name else "")
    after = views(changes)[1]
    shown = {"vmid": view.free[0], "name": name, "node": node, **after, **_drive_view(drives, "after")}
    power = transition(wish, "stopped", path, label)
    template = (
        (Step("POST", f"{path}/template", {}, f"make {label} a template"),) if wish["state"] == "template" else ()
    )
    return Plan(
        (*steps, *_drive_steps(drives, path, label), *template, *power.steps),
        changes,
        after={**shown, "status": power.after},
        bindings={"node": node, "status": power.after},
    )


Making = tuple[tuple[Step, ...], tuple[Change, ...], tuple[disks.DriveChange, ...]]


def _created(wish: Values, view: View) -> Making:
    label = f"vm {wish.get('name') or wish.get('vmid') or ''}".strip()
    explicit = tuple((item.explicit(), key, value) for item, key, value in vm_config.wanted(wish))
    changes = vm_config.changes(explicit, {}, renew_secrets=True)
    drives = _drive_changes(wish, {}, label)
    params = {
        **encoded(changes),
        **encoded([drive.change for drive in drives if drive.change]),
        "vmid": Bound("vmid"),
        "pool": wish.get("pool"),
    }
    params.pop("delete", None)
    step = Step("POST", url("/nodes/{}/qemu", view.node), params, "create vm {vmid}" + _named(wish), _claim(view))
    return (step,), changes, tuple(replace(drive, change=None) for drive in drives)


def _cloned(wish: Values, view: View, source: Source) -> Making:
    given = {key: value for key, value in source.config.items() if key not in NOT_COPIED}
    have = {**vm_config.current(given), **({"name": wish["name"]} if wish.get("name") else {})}
    label = f"the clone of {source.guest.label}"
    changes, drives = _config_changes(wish, have, creating=True), _drive_changes(wish, given, label)
    path = url("/nodes/{}/qemu/{{vmid}}/config", view.node)
    setting = _config_step(changes, drives, path, "vm {vmid}" + _named(wish), None)
    named_change = Change(vm_config.FIELDS[0], "name", None, wish.get("name"))
    return (_clone_step(wish, view, source), *setting), (*changes, named_change), drives


def _clone_step(wish: Values, view: View, source: Source) -> Step:
    params = {
        "newid": Bound("vmid"),
        "name": wish.get("name"),
        "full": wish.get("full"),
        "storage": wish.get("storage"),
        "format": wish.get("format"),
        "pool": wish.get("pool"),
        "target": view.node if view.node != source.guest.node else None,
    }
    reason = f"clone {source.guest.label} to vm {{vmid}}{_named(wish)}"
    return Step("POST", source.guest.path("clone"), params, reason, _claim(view))


def _claim(view: View) -> Claim:
    return Claim("vmid", view.free, TAKEN)


def _named(wish: Values) -> str:
    return f" ({wish['name']})" if wish.get("name") else ""


def _plan_present(wish: Values, view: View, guest: Guest) -> Plan:
    _refuse_other_node(wish, guest)
    changes = _config_changes(wish, vm_config.current(view.config), creating=False)
    drives = _drive_changes(wish, view.config, guest.label)
    power = transition(wish, view.status, guest.path(), guest.label)
    steps = (
        *_config_step(changes, drives, guest.path("config"), guest.label, view.config.get("digest")),
        *_drive_steps(drives, guest.path(), guest.label),
        *_pool_step(wish, guest),
        *_template_step(wish, view, guest),
        *power.steps,
    )
    restart = _restart(wish, view, guest, changes, already=bool(power.steps))
    (before, after), (before_else, after_else) = views(changes), _sides(wish, view, guest, power)
    return Plan(
        (*steps, *restart.steps),
        changes,
        reason=f"{guest.label} is as wished",
        before={**before, **_drive_view(drives, "before"), **before_else},
        after={**after, **_drive_view(drives, "after"), **after_else},
        bindings={"vmid": guest.vmid, "node": guest.node, "status": power.after},
        extra={"restart_required": restart.needed},
    )


def _sides(wish: Values, view: View, guest: Guest, power: Power) -> tuple[dict[str, Json], dict[str, Json]]:
    """The part of the diff that is no configuration: status, pool, template."""
    wished: dict[str, tuple[Json, Json]] = {
        "status": (view.status, power.after if power.steps else view.status),
        "pool": (guest.pool, wish.get("pool") or guest.pool),
        "template": (guest.template, guest.template or wish["state"] == "template"),
    }
    differing = {name: pair for name, pair in wished.items() if pair[0] != pair[1]}
    return {name: pair[0] for name, pair in differing.items()}, {name: pair[1] for name, pair in differing.items()}


def _refuse_other_node(wish: Values, guest: Guest) -> None:
    if wish.get("node") not in (None, guest.node):
        raise RefusedError(
            f"Cannot put {guest.label} on node {wish['node']}: it is on {guest.node}. "
            "This module does not migrate: leave out node, or migrate the guest first."
        )


def _config_changes(wish: Values, have: Mapping[str, Json], *, creating: bool) -> tuple[Change, ...]:
    renew = creating or wish.get("update_password") == "always"
    return vm_config.changes(vm_config.wanted(wish), have, renew_secrets=renew)


def _drive_changes(wish: Values, config: Values, label: str) -> tuple[disks.DriveChange, ...]:
    wanted = disks.wanted(wish.get("disks"))
    present = {key: disks.DISK.decode(config[key]) for key in wanted if config.get(key)}
    found = (disks.compare(label, key, value, present.get(key)) for key, value in wanted.items())
    return tuple(change for change in found if change)


def _drive_view(drives: Sequence[disks.DriveChange], side: str) -> dict[str, Json]:
    return {drive.key: getattr(drive, side) for drive in drives if getattr(drive, side) is not None}


def _config_step(
    changes: Sequence[Change], drives: Sequence[disks.DriveChange], path: str, label: str, digest: str | None
) -> tuple[Step, ...]:
    """One write for all of it. Drives are allocated in a task, so they go by POST; PUT answers when it is done."""
    set_drives = [drive.change for drive in drives if drive.change]
    every = [*changes, *set_drives]
    if not every:
        return ()
    names = ", ".join(sorted(change.key for change in every))
    params = {**encoded(every), "digest": digest}
    return (Step("POST" if set_drives else "PUT", path, params, f"set {names} of {label}"),)


def _drive_steps(drives: Sequence[disks.DriveChange], path: str, label: str) -> tuple[Step, ...]:
    moves = [
        Step(
            "POST",
            f"{path}/move_disk",
            {"disk": drive.key, "storage": drive.move_to, "delete": True},
            f"move {drive.key} of {label} to storage {drive.move_to}",
        )
        for drive in drives
        if drive.move_to
    ]
    grows = [
        Step(
            "PUT",
            f"{path}/resize",
            {"disk": drive.key, "size": drive.size},
            f"grow {drive.key} of {label} to {drive.size}",
        )
        for drive in drives
        if drive.size
    ]
    return (*moves, *grows)


def _pool_step(wish: Values, guest: Guest) -> tuple[Step, ...]:
    pool = wish.get("pool")
    if pool is None or pool == guest.pool:
        return ()
    params = {"poolid": pool, "vms": str(guest.vmid), "allow-move": True}
    return (Step("PUT", "/pools", params, f"put {guest.label} into pool {pool}"),)


def _template_step(wish: Values, view: View, guest: Guest) -> tuple[Step, ...]:
    if wish["state"] != "template" or guest.template:
        return ()
    if view.status != "stopped" and not wish.get("force"):
        raise RefusedError(
            f"Cannot make {guest.label} a template: it is {view.status}. "
            "Stop it first, or set force to true to have it stopped."
        )
    stop = () if view.status == "stopped" else (power_step(guest.path(), "stop", guest.label),)
    return (*stop, Step("POST", guest.path("template"), {}, f"make {guest.label} a template"))


@dataclass(frozen=True)
class Restart:
    """Whether changes wait for a restart, and the step that gives them one, if allowed."""

    needed: bool
    steps: tuple[Step, ...] = ()


def _restart(wish: Values, view: View, guest: Guest, changes: Sequence[Change], *, already: bool) -> Restart:
    waiting = any(not change.field.live for change in changes)
    if view.status != "running" or already or not waiting:
        return Restart(needed=False)
    if wish.get("restart") != "if_needed":
        return Restart(needed=True)
    return Restart(needed=False, steps=(power_step(guest.path(), "reboot", guest.label, wish),))


def result(view: View) -> dict[str, Json]:
    """What the module returns about the VM."""
    guest = view.guest
    if guest is None:
        return {}
    config = {key: value for key, value in view.config.items() if key not in {"digest", "cipassword"}}
    return {
        "vmid": guest.vmid,
        "name": guest.name,
        "node": guest.node,
        "status": view.status,
        "template": guest.template,
        "nics": vm_config.shown_nics(view.config),
        "config": config,
        "pending": list(view.pending),
    }


OPTIONS: Options = {
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "vmid": {"type": "int"},
    "vmid_range": {"type": "list", "elements": "int"},
    "node": {"type": "str"},
    "pool": {"type": "str"},
    "clone": {"type": "str"},
    "full": {"type": "bool"},
    "storage": {"type": "str"},
    "format": {"type": "str", "choices": ["raw", "qcow2", "vmdk"]},
    "disks": {"type": "dict"},
    **{family.option: {"type": "dict"} for family in vm_config.FAMILIES},
    "force": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": True},
    "destroy_unreferenced_disks": {"type": "bool", "default": False},
    "restart": {"type": "str", "choices": ["never", "if_needed"], "default": "never"},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "shutdown_timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "float", "default": 600},
}

VM = Resource(
    kind="vm",
    options=OPTIONS,
    fields=vm_config.FIELDS,
    describe=describe,
    plan=plan,
    result=result,
    rules={"required_one_of": [["vmid", "name"]], "mutually_exclusive": [["vmid", "vmid_range"]]},
)
