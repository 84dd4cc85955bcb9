# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest, VM or container: the steps from what is there to what is wished, and what is told about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Listing,
    Options,
    Plan,
    Resource,
    Step,
    Values,
    refuse_fixed,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import guest_ha, guest_view
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import MAKING, REMOVING
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_creation import plan_creation
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import elsewhere, moved
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import (
    ACTIONS,
    Power,
    power_step,
    transition,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_running import (
    RUNNING,
    restart_for,
    unseen,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_settings import (
    config_changes,
    configure,
    make_template,
    volume_changes,
    volume_view,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange


def plan(kind: Kind, wish: Values, view: View) -> Plan:
    """The steps. Raises RefusedError for what must not be done, ConfigError for what can't be meant."""
    if wish["state"] == "absent":
        return _plan_absent(kind, wish, view)
    return _plan_present(kind, wish, view, view.guest) if view.guest else plan_creation(kind, wish, view)


def _plan_absent(kind: Kind, wish: Values, view: View) -> Plan:
    guest = view.guest
    if guest is None:
        return Plan(reason=f"{kind.noun} {wish.get('vmid') or wish.get(kind.name_key)} is absent already")
    if int(view.config.get("protection") or 0):
        raise RefusedError(
            f"Cannot remove {guest.label}: it is protected. Set its option protection to false first, if you mean it."
        )
    stop = _stop_before_removal(wish, view, guest)
    params = {"purge": wish.get("purge"), "destroy-unreferenced-disks": wish.get("destroy_unreferenced_disks")}
    gone = Step("DELETE", guest.path(), params, f"remove {guest.label}", advice=REMOVING)
    return Plan((*stop, gone), before={"vmid": guest.vmid, "name": guest.name, "status": view.status})


def _stop_before_removal(wish: Values, view: View, guest: Guest) -> tuple[Step, ...]:
    if view.status in {"stopped", "suspended"}:
        return ()
    if not wish.get("force"):
        raise RefusedError(
            f"Cannot remove {guest.label}: it is {view.status}. Stop it first, or set force to true to have it stopped."
        )
    return (power_step(guest.path(), "stop", guest.label, managed=guest.managed),)


def _plan_present(kind: Kind, wish: Values, view: View, found: Guest) -> Plan:
    _refuse_to_run_a_template(wish, found)
    changes = config_changes(kind, wish, kind.config.current(view.config), creating=False)
    refuse_fixed(kind.noun, found.label.removeprefix(f"{kind.noun} "), changes)
    volumes = volume_changes(kind, wish, view.config, found.label)
    guest = replace(found, node=str(wish["node"])) if elsewhere(wish, found) else found
    stop, power = _stopped_for_a_move(kind, wish, view, guest, changes=changes, volumes=volumes)
    awake = _awake(view, guest, power, changing=bool(changes or volumes))
    early, late = ((), power.steps) if awake is view else (power.steps, ())
    steps = (
        *stop,
        *_move(kind, wish, view, found, stopped=bool(stop)),
        *early,
        *configure(kind, view, guest, changes, volumes),
        *_pool_step(wish, guest),
        *_template_step(kind, wish, view, guest),
        *late,
    )
    waiting = () if power.renews else unseen(kind, awake, changes, volumes)
    restart = restart_for(wish, power.after, guest, waiting, changed=bool(steps) and not power.renews)
    # Last: what is started or stopped here is not the manager's to undo.
    ha = guest_ha.bind(wish, view.ha, guest.ha_id, guest.label, runs=power.after in RUNNING)
    (before, after), (before_else, after_else) = views(changes), _sides(wish, view, found, guest, power)
    return Plan(
        (*steps, *restart.steps, *ha.steps),
        changes,
        reason=f"{guest.label} is as wished",
        before={**before, **volume_view(volumes, "before"), **before_else, **ha.before},
        after={**after, **volume_view(volumes, "after"), **after_else, **ha.after},
        bindings={
            "vmid": guest.vmid,
            "node": guest.node,
            # A change of the power state is not believed but looked at.
            "status": view.status if not (power.steps or stop or restart.steps) else None,
            "waiting": tuple(key for key in restart.waiting if kind.read_at_boot.fullmatch(key)),
        },
        extra={"restart_required": bool(restart.waiting), "pending": list(restart.waiting)},
    )


def _awake(view: View, guest: Guest, power: Power, *, changing: bool) -> View:
    """The guest when its configuration is changed. One that is suspended to disk is locked: it has to wake up first."""
    if view.status != "suspended":
        return view
    if changing and not power.steps:
        raise RefusedError(
            f"Cannot change {guest.label}: it is suspended to disk, and locked until it runs again. "
            "Set state to started, or leave it as it is."
        )
    return replace(view, status=power.after)


def _refuse_to_run_a_template(wish: Values, guest: Guest) -> None:
    if guest.template and wish["state"] not in {"present", "stopped", "template"}:
        raise RefusedError(
            f"Cannot start {guest.label}: it is a template, which can't be taken back. Clone it (option clone), and "
            "start the clone."
        )


def _move(kind: Kind, wish: Values, view: View, guest: Guest, *, stopped: bool) -> tuple[Step, ...]:
    """The move to the wished node; whatever comes after it happens there."""
    if not elsewhere(wish, guest):
        return ()
    if kind.motion is None:
        raise RefusedError(
            f"Cannot put {guest.label} on node {wish['node']}: it is on {guest.node}. "
            "This module does not migrate: leave out node, or migrate the guest first."
        )
    running = view.status in {"running", "paused"} and not stopped
    return moved(kind.motion, wish, view.motion, guest, running=running).steps


def _stopped_for_a_move(
    kind: Kind, wish: Values, view: View, guest: Guest, *, changes: Sequence[Change], volumes: Sequence[VolumeChange]
) -> tuple[tuple[Step, ...], Power]:
    """What comes before the other steps, and the change of the power state that comes after them.

    ``guest`` is the guest where it will be.
    """
    found = view.guest or guest
    power = transition(kind.transitions, wish, view.status, guest.path(), guest.label, managed=guest.managed)
    bound = () if kind.volumes.moves_running else volumes
    moving = next((volume for volume in bound if volume.move_to or (volume.delete and volume.change)), None)
    waiting = any(change.waits for change in changes) or any(volume.waits for volume in volumes)
    moves_stopped = kind.motion is not None and not kind.motion.live and elsewhere(wish, found)
    wanted_off = power.after == "stopped" or wish["state"] == "restarted"
    if view.status == "stopped" or not (moving or (moves_stopped and (wanted_off or (waiting and _may_restart(wish))))):
        return (), power
    if power.after == "stopped":
        steps = transition(kind.transitions, wish, view.status, found.path(), found.label, managed=found.managed).steps
        return steps, Power((), "stopped", renews=True)
    if moving and not _may_restart(wish):
        what = f"move {moving.key} of {guest.label} to storage {moving.move_to}"
        raise RefusedError(
            f"Cannot {what if moving.move_to else f'delete {moving.key} of {guest.label}'}: it is {view.status}, and "
            f"Proxmox VE moves and deletes volumes of stopped {kind.noun}s only. Stop it first, or set restart to "
            "if_needed."
        )
    stop = power_step(found.path(), "shutdown", found.label, wish, managed=found.managed)
    start = power_step(guest.path(), "start", guest.label, wish, managed=guest.managed)
    return (stop,), Power((start,), "running", renews=True)


def _may_restart(wish: Values) -> bool:
    return wish.get("restart") != "never" or wish["state"] == "restarted"


def _sides(
    wish: Values, view: View, found: Guest, guest: Guest, power: Power
) -> tuple[dict[str, Json], dict[str, Json]]:
    """The part of the diff that is no configuration: node, status, pool, template."""
    wished: dict[str, tuple[Json, Json]] = {
        "node": (found.node, guest.node),
        "status": (view.status, power.after),
        "pool": (guest.pool, wish.get("pool") or guest.pool),
        "template": (guest.template, guest.template or wish["state"] == "template"),
    }
    differing = {name: pair for name, pair in wished.items() if pair[0] != pair[1]}
    return {name: pair[0] for name, pair in differing.items()}, {name: pair[1] for name, pair in differing.items()}


def _pool_step(wish: Values, guest: Guest) -> tuple[Step, ...]:
    pool = wish.get("pool")
    if pool is None or pool == guest.pool:
        return ()
    params = {"poolid": pool, "vms": str(guest.vmid), "allow-move": True}
    return (Step("PUT", "/pools", params, f"put {guest.label} into pool {pool}", advice=MAKING),)


def _template_step(kind: Kind, wish: Values, view: View, guest: Guest) -> tuple[Step, ...]:
    if wish["state"] != "template" or guest.template:
        return ()
    if view.status != "stopped" and not wish.get("force"):
        raise RefusedError(
            f"Cannot make {guest.label} a template: it is {view.status}. "
            "Stop it first, or set force to true to have it stopped."
        )
    stop = () if view.status == "stopped" else (power_step(guest.path(), "stop", guest.label),)
    return (*stop, make_template(kind, guest.path(), guest.label))


def result(kind: Kind, view: View) -> dict[str, Json]:
    """What the module returns about the guest."""
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
        "nics": kind.nics(view.config),
        "config": config,
        "pending": list(view.pending),
        "restart_required": bool(view.pending) and view.status in RUNNING,
        **({"ha": guest_ha.shown(view.ha)} if view.ha is not None else {}),
    }


def guest_resource(
    kind: Kind, options: Options, exclusive: Sequence[Sequence[str]] = (), writes: Sequence[str] = ()
) -> Resource:
    """The resource of one kind of guest; ``options`` are those that only this kind has, ``exclusive`` those of them
    that can't be given together, ``writes`` the endpoints that only this kind is written to at.
    """
    return Resource(
        kind=kind.noun,
        options={**SHARED_OPTIONS, **kind.config.options, **options},
        fields=kind.config.fields,
        describe=partial(guest_view.describe, kind),
        plan=partial(plan, kind),
        result=partial(result, kind),
        rules={
            "required_one_of": [["vmid", kind.name_key]],
            "mutually_exclusive": [["vmid", "vmid_range"], *exclusive],
        },
        writes=(*_writes(kind), *writes),
        # The node's list is as live as a guest's own status; the cluster's is some seconds old.
        listings=(
            Listing(rf"(?P<list>/nodes/[^/]+/{kind.type})/(?P<id>\d+)/status/current", "vmid", kind.list_params),
        ),
    )


def _writes(kind: Kind) -> tuple[str, ...]:
    every = f"/nodes/{{}}/{kind.type}"
    one = f"{every}/{{}}"
    transitions = {name for names in kind.transitions.values() for name in names}
    # Removing, moving and renewing a guest end and begin it, whatever state is wished.
    actions = sorted({ACTIONS[name].path or name for name in (*transitions, "start", "shutdown", "stop", "reboot")})
    return (
        f"POST {every}",
        f"DELETE {one}",
        *sorted({f"PUT {one}/config", f"{kind.volumes.set_verb} {one}/config"}),
        f"PUT {one}/resize",
        f"POST {one}/{kind.volumes.move_action}",
        *(f"POST {one}/{action}" for action in ("clone", "migrate", "template")),
        *(f"POST {one}/status/{action}" for action in actions),
        "PUT /pools",
        *guest_ha.WRITES,
    )


SHARED_OPTIONS: Options = {
    "vmid": {"type": "int"},
    "vmid_range": {"type": "list", "elements": "int"},
    "node": {"type": "str"},
    "pool": {"type": "str"},
    "clone": {"type": "str"},
    "full": {"type": "bool"},
    "storage": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": True},
    "destroy_unreferenced_disks": {"type": "bool", "default": False},
    "restart": {"type": "str", "choices": ["never", "if_needed", "always"], "default": "never"},
    "shutdown_timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "float", "default": 600},
}
"""What VMs and containers have in common beside their configuration."""
