# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that is not there yet: made from nothing but its wish, or cloned. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Bound,
    Change,
    Claim,
    Debris,
    Field,
    Plan,
    Reader,
    Step,
    Values,
    encoded,
    refuse_fixed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources import guest_ha
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import MAKING, NOT_FORKED, TAKEN
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import changes as config_differences
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import transition
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_running import RUNNING
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_settings import (
    config_changes,
    config_step,
    make_template,
    volume_changes,
    volume_steps,
    volume_view,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import Source, View, is_half_made
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, TOOLS
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange

NIC = re.compile(r"net[0-9]+")
ADDRESS = re.compile(r"(?:(?<=,)|^)(?:(?:hwaddr|macaddr)|([\w-]+))=(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?=,|$)")
"""``hwaddr=MAC``, which goes as a whole, or ``virtio=MAC``, of which the model stays."""


def plan_creation(kind: Kind, wish: Values, view: View) -> Plan:
    """The steps that make the guest, and see to its wished state."""
    steps, changes, volumes = _cloned(kind, wish, view, view.source) if view.source else _created(kind, wish, view)
    node, name = str(view.node), wish.get(kind.name_key)
    path = url("/nodes/{}/{}/{{vmid}}", node, kind.type)
    label = _new_label(kind, wish)
    after = views(changes)[1]
    shown = {"vmid": view.free[0], "name": name, "node": node, **after, **volume_view(volumes, "after")}
    power = transition(kind.transitions, wish, "stopped", path, label)
    template = (make_template(kind, path, label),) if wish["state"] == "template" else ()
    ha = guest_ha.bind(wish, None, Bound("vmid"), label, runs=power.after in RUNNING)
    return Plan(
        (*steps, *volume_steps(kind, volumes, path, label), *template, *power.steps, *ha.steps),
        changes,
        after={**shown, "status": power.after, **ha.after},
        bindings={"node": node, "status": None if power.steps else power.after},
    )


Making = tuple[tuple[Step, ...], tuple[Change, ...], tuple[VolumeChange, ...]]


def _created(kind: Kind, wish: Values, view: View) -> Making:
    label = f"{kind.noun} {wish.get(kind.name_key) or wish.get('vmid') or ''}".strip()
    explicit = tuple((item.explicit(), key, value) for item, key, value in kind.config.wanted(wish))
    changes = config_differences(explicit, {}, renew_secrets=True)
    volumes = volume_changes(kind, wish, {}, label)
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
    given = {key: _renewed(key, value) for key, value in source.config.items() if key not in kind.not_copied}
    name = wish.get(kind.name_key)
    have = {**kind.config.current(given), **({kind.name_key: name} if name else {})}
    label = f"the clone of {source.guest.label}"
    changes, volumes = config_changes(kind, wish, have, creating=True), volume_changes(kind, wish, given, label)
    refuse_fixed(kind.noun, f"cloned from {source.guest.label}", changes)
    path = url("/nodes/{}/{}/{{vmid}}/config", view.node, kind.type)
    setting = config_step(kind, changes, volumes, path, _new_label(kind, wish))
    naming = Change(Field(kind.name_key), kind.name_key, None, name)
    return (_clone_step(kind, wish, view, source), *setting), (*changes, naming), volumes


def _renewed(key: str, value: Json) -> Json:
    """What a clone has of its source's option: a network card comes without its MAC address.

    Each clone gets addresses of its own (clone_vm in PVE/API2/Qemu.pm and PVE/API2/LXC.pm). To send the source's back,
    with another property of the card, would give two guests the same one.
    """
    if not NIC.fullmatch(key):
        return value
    return ",".join(part for part in ADDRESS.sub(r"\1", str(value)).split(",") if part)


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
