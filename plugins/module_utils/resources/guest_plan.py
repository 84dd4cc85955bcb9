# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest, VM or container: the steps from what is there to what is wished, and what is told about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Bound,
    Change,
    Claim,
    Debris,
    Field,
    Listing,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    encoded,
    refuse_fixed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import guest_ha, guest_view
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import (
    GROWING,
    MAKING,
    MOVING,
    NOT_FORKED,
    REMOVING,
    SETTING,
    TAKEN,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import changes as config_differences
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import elsewhere, moved
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import Power, power_step, transition
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import (
    TOOLS,
    Source,
    View,
    is_half_made,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange

RUNNING = frozenset({"running", "paused"})
"""States of a guest that has a process."""


def plan(kind: Kind, wish: Values, view: View) -> Plan:
    """The steps. Raises RefusedError for what must not be done, ConfigError for what can't be meant."""
    if wish["state"] == "absent":
        return _plan_absent(kind, wish, view)
    return _plan_present(kind, wish, view, view.guest) if view.guest else _plan_create(kind, wish, view)


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


def _plan_create(kind: Kind, wish: Values, view: View) -> Plan:
    steps, changes, volumes = _cloned(kind, wish, view, view.source) if view.source else _created(kind, wish, view)
    node, name = str(view.node), wish.get(kind.name_key)
    path = url("/nodes/{}/{}/{{vmid}}", node, kind.type)
    label = _new_label(kind, wish)
    after = views(changes)[1]
    shown = {"vmid": view.free[0], "name": name, "node": node, **after, **_volume_view(volumes, "after")}
    power = transition(kind.transitions, wish, "stopped", path, label)
    template = (_make_template(kind, path, label),) if wish["state"] == "template" else ()
    ha = guest_ha.bind(wish, None, Bound("vmid"), label, runs=power.after in RUNNING)
    return Plan(
        (*steps, *_volume_steps(kind, volumes, path, label), *template, *power.steps, *ha.steps),
        changes,
        after={**shown, "status": power.after, **ha.after},
        bindings={"node": node, "status": None if power.steps else power.after},
    )


Making = tuple[tuple[Step, ...], tuple[Change, ...], tuple[VolumeChange, ...]]


def _created(kind: Kind, wish: Values, view: View) -> Making:
    label = f"{kind.noun} {wish.get(kind.name_key) or wish.get('vmid') or ''}".strip()
    explicit = tuple((item.explicit(), key, value) for item, key, value in kind.config.wanted(wish))
    changes = config_differences(explicit, {}, renew_secrets=True)
    volumes = _volume_changes(kind, wish, {}, label)
    params = {
        **encoded(changes),
        **encoded([volume.change for volume in volumes if volume.change]),
        **view.ingredients.params,
        "vmid": Bound("vmid"),
        "pool": wish.get("pool"),
    }
    params.pop("delete", None)
    path, reason = url("/nodes/{}/{}", view.node, kind.type), f"create {_new_label(kind, wish)}"
    step = Step("POST", path, params, reason, _claim(kind, view), advice=MAKING)
    return (*view.ingredients.steps, step), changes, tuple(replace(volume, change=None) for volume in volumes)


def _cloned(kind: Kind, wish: Values, view: View, source: Source) -> Making:
    given = {key: value for key, value in source.config.items() if key not in kind.not_copied}
    name = wish.get(kind.name_key)
    have = {**kind.config.current(given), **({kind.name_key: name} if name else {})}
    label = f"the clone of {source.guest.label}"
    changes, volumes = _config_changes(kind, wish, have, creating=True), _volume_changes(kind, wish, given, label)
    refuse_fixed(kind.noun, f"cloned from {source.guest.label}", changes)
    path = url("/nodes/{}/{}/{{vmid}}/config", view.node, kind.type)
    setting = _config_step(kind, changes, volumes, path, _new_label(kind, wish))
    naming = Change(Field(kind.name_key), kind.name_key, None, name)
    return (_clone_step(kind, wish, view, source), *setting), (*changes, naming), volumes


def _clone_step(kind: Kind, wish: Values, view: View, source: Source) -> Step:
    params = {
        "newid": Bound("vmid"),
        kind.name_key: wish.get(kind.name_key),
        **{option: wish.get(option) for option in kind.clone_options},
        "pool": wish.get("pool"),
        "target": view.node if view.node != source.guest.node else None,
    }
    reason = f"clone {source.guest.label} to {_new_label(kind, wish)}"
    return Step("POST", source.guest.path("clone"), params, reason, _claim(kind, view), advice=MAKING)


def _claim(kind: Kind, view: View) -> Claim:
    return Claim("vmid", view.free, TAKEN, _debris(kind, str(view.node)))


def _debris(kind: Kind, node: str) -> Debris:
    """What PVE leaves behind when it can't fork the task of a creation: a guest that holds only the task's lock."""

    def removal(read: Reader, vmid: Json) -> tuple[Step, ...]:
        path = url("/nodes/{}/{}/{}", node, kind.type, vmid)
        try:
            config = read.get(f"{path}/config")
        except PveError as error:
            if GONE.search(error.message):
                return ()
            raise
        # Anything else is a guest somebody else has made with this id.
        if not is_half_made(config):
            return ()
        # Only QEMU's destruction can be told to pass over the lock, and only by root@pam with a password.
        params = {"skiplock": True} if kind.type == "qemu" else {}
        return (Step("DELETE", path, params, f"remove the half-made {kind.noun} {vmid}"),)

    tool = TOOLS[kind.type]
    return Debris(
        NOT_FORKED,
        removal,
        f"Proxmox VE could not start the creation of {kind.noun} {{vmid}} on {node} and left a guest behind that holds "
        f"nothing but a lock. Only root can remove it, on {node}: {tool} unlock {{vmid}} && {tool} destroy {{vmid}}",
    )


def _new_label(kind: Kind, wish: Values) -> str:
    """As ``Guest.label``, for a guest whose id is not known yet."""
    name = wish.get(kind.name_key)
    return f"{kind.noun} {{vmid}}" + (f" ({name})" if name else "")


def _plan_present(kind: Kind, wish: Values, view: View, found: Guest) -> Plan:
    _refuse_to_run_a_template(wish, found)
    changes = _config_changes(kind, wish, kind.config.current(view.config), creating=False)
    refuse_fixed(kind.noun, found.label.removeprefix(f"{kind.noun} "), changes)
    volumes = _volume_changes(kind, wish, view.config, found.label)
    guest = replace(found, node=str(wish["node"])) if elsewhere(wish, found) else found
    stop, power = _stopped_for_a_move(kind, wish, view, guest, changes=changes, volumes=volumes)
    awake = _awake(view, guest, power, changing=bool(changes or volumes))
    early, late = ((), power.steps) if awake is view else (power.steps, ())
    steps = (
        *stop,
        *_move(kind, wish, view, found, stopped=bool(stop)),
        *early,
        *_configure(kind, view, guest, changes, volumes),
        *_pool_step(wish, guest),
        *_template_step(kind, wish, view, guest),
        *late,
    )
    waiting = () if power.renews else _waiting(kind, awake, changes, volumes)
    restart = _restart(wish, power.after, guest, waiting, changed=bool(steps) and not power.renews)
    # Last: what is started or stopped here is not the manager's to undo.
    ha = guest_ha.bind(wish, view.ha, f"{kind.ha_type}:{guest.vmid}", guest.label, runs=power.after in RUNNING)
    (before, after), (before_else, after_else) = views(changes), _sides(wish, view, found, guest, power)
    return Plan(
        (*steps, *restart.steps, *ha.steps),
        changes,
        reason=f"{guest.label} is as wished",
        before={**before, **_volume_view(volumes, "before"), **before_else, **ha.before},
        after={**after, **_volume_view(volumes, "after"), **after_else, **ha.after},
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


def _waiting(kind: Kind, view: View, changes: Sequence[Change], volumes: Sequence[VolumeChange]) -> tuple[str, ...]:
    """The options whose change, made now or before, a running guest has yet to see."""
    if view.status not in RUNNING:
        return ()
    every = [*changes, *(volume.change for volume in volumes if volume.change)]
    changed = {change.key for change in every}
    real = [_for_the_running(kind, view, change) for change in every]
    new = {change.key for change in real if kind.waits(change, view.running) and not _in_force(change)}
    moved_on = {volume.key for volume in volumes if volume.waits}
    return tuple(sorted((set(view.pending) - changed) | new | moved_on))


def _for_the_running(kind: Kind, view: View, change: Change) -> Change:
    """What a change means for the guest as it runs: what has been waiting since an earlier one never happened to it."""
    text = view.running.get(change.key)
    codec = (kind.config.field_of(change.key) or change.field).codec
    return replace(change, before=None if text is None else codec.decode(text))


def _in_force(change: Change) -> bool:
    """Whether the running guest is already as it will be after the change: one that waited is taken back."""
    if change.before is None or change.after is None:
        return change.before is change.after
    return change.field.codec.same(change.before, change.after)


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


def _config_changes(kind: Kind, wish: Values, have: Mapping[str, Json], *, creating: bool) -> tuple[Change, ...]:
    renew = creating or wish.get("update_password") == "always"
    return config_differences(kind.config.wanted(wish), have, renew_secrets=renew)


def _volume_changes(kind: Kind, wish: Values, config: Values, label: str) -> tuple[VolumeChange, ...]:
    wanted = kind.volumes.wanted(wish)
    present = {key: kind.volumes.codec.decode(config[key]) for key in wanted if config.get(key)}
    found = (kind.volumes.compare(label, key, value, present.get(key)) for key, value in wanted.items())
    return tuple(change for change in found if change)


def _volume_view(volumes: Sequence[VolumeChange], side: str) -> dict[str, Json]:
    return {volume.key: getattr(volume, side) for volume in volumes if getattr(volume, side) is not None}


def _config_step(
    kind: Kind,
    changes: Sequence[Change],
    volumes: Sequence[VolumeChange],
    path: str,
    label: str,
) -> tuple[Step, ...]:
    """One write for all of it, with the verb that suits volumes where there are some."""
    set_volumes = [volume.change for volume in volumes if volume.change]
    every = [*changes, *set_volumes]
    if not every:
        return ()
    names = ", ".join(sorted(change.key for change in every))
    verb = kind.volumes.set_verb if set_volumes else "PUT"
    return (Step(verb, path, encoded(every), f"set {names} of {label}", advice=SETTING),)


def _configure(
    kind: Kind, view: View, guest: Guest, changes: Sequence[Change], volumes: Sequence[VolumeChange]
) -> tuple[Step, ...]:
    """The configuration and the volumes of a guest that is there. The first write checks that it is as it was read."""
    early = [volume for volume in volumes if kind.volumes.grows_first and volume.size and volume.change]
    later = [replace(volume, size=None) if volume in early else volume for volume in volumes]
    steps = (
        *(_grow_step(volume, guest.path(), guest.label) for volume in early),
        *_config_step(kind, changes, volumes, guest.path("config"), guest.label),
        *_volume_steps(kind, later, guest.path(), guest.label),
        *_delete_step(kind, volumes, guest),
    )
    return tuple(_seen_as(view, step) if step is steps[0] else step for step in steps)


def _seen_as(view: View, step: Step) -> Step:
    """A step that PVE refuses when the configuration isn't any more what was seen."""
    return replace(step, params={**step.params, "digest": view.config.get("digest")})


def _volume_steps(kind: Kind, volumes: Sequence[VolumeChange], path: str, label: str) -> tuple[Step, ...]:
    moves = (_move_step(kind, volume, path, label) for volume in volumes if volume.move_to)
    grows = (_grow_step(volume, path, label) for volume in volumes if volume.size)
    return (*moves, *grows)


def _delete_step(kind: Kind, volumes: Sequence[VolumeChange], guest: Guest) -> tuple[Step, ...]:
    """What is to go with its data; a step of its own, because it is about everything a request removes."""
    gone = [volume for volume in volumes if volume.delete]
    if not gone:
        return ()
    reason = f"delete {', '.join(sorted(volume.key for volume in gone))} of {guest.label} with its data"
    return (replace(kind.volumes.deletion(gone, guest.path("config"), reason), advice=SETTING),)


def _move_step(kind: Kind, volume: VolumeChange, path: str, label: str) -> Step:
    params = {kind.volumes.move_parameter: volume.key, "storage": volume.move_to, "delete": True}
    reason = f"move {volume.key} of {label} to storage {volume.move_to}"
    return Step("POST", f"{path}/{kind.volumes.move_action}", params, reason, advice=MOVING)


def _grow_step(volume: VolumeChange, path: str, label: str) -> Step:
    params = {"disk": volume.key, "size": volume.size}
    reason = f"grow {volume.key} of {label} to {volume.size}"
    return Step("PUT", f"{path}/resize", params, reason, advice=GROWING)


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
    return (*stop, _make_template(kind, guest.path(), guest.label))


def _make_template(kind: Kind, path: str, label: str) -> Step:
    return Step("POST", f"{path}/template", {}, f"make {label} a template", unnamed_task=kind.template_task)


@dataclass(frozen=True)
class Restart:
    """Options that wait for a restart, and the step that gives them one, if allowed."""

    waiting: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def _restart(wish: Values, status: str, guest: Guest, waiting: tuple[str, ...], *, changed: bool) -> Restart:
    """Whether the guest, in its wished state by then, is restarted."""
    allowed = {"if_needed": bool(waiting), "always": bool(waiting) or changed}.get(str(wish.get("restart")), False)
    if status != "running" or not allowed or wish["state"] not in {"present", "started"}:
        return Restart(waiting)
    return Restart(steps=(power_step(guest.path(), "reboot", guest.label, wish),))


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


def guest_resource(kind: Kind, options: Options, exclusive: Sequence[Sequence[str]] = ()) -> Resource:
    """The resource of one kind of guest; ``options`` are those that only this kind has, ``exclusive`` those of them
    that can't be given together.
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
        # The node's list is as live as a guest's own status; the cluster's is some seconds old.
        listings=(
            Listing(rf"(?P<list>/nodes/[^/]+/{kind.type})/(?P<id>\d+)/status/current", "vmid", kind.list_params),
        ),
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
