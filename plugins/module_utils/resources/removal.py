# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a guest that was discovered before: checked again right before it is done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Reader, Resource, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    KINDS,
    Guest,
    followed,
    hidden,
    is_taken,
    named,
    read_guests,
)

OUR_TAG = "homelab-pve"
"""The tag of the guests this collection's scenarios made."""


@dataclass(frozen=True)
class Doomed:
    """A guest to be removed, as it is now."""

    guest: Guest
    config: Mapping[str, Json]
    status: str


def describe(read: Reader, wish: Values) -> Doomed | None:
    """The guest of the wished vmid, whatever its name is now; None when there is none. Refuses one it can't see."""
    return followed(lambda: _seen(read, int(wish["vmid"])))


def _seen(read: Reader, vmid: int) -> Doomed | None:
    found = [item for item in read_guests(read) if item.vmid == vmid]
    for guest in named(read, found):
        status = str(read.get(guest.path("status", "current"))["status"])
        return Doomed(guest, read.get(guest.path("config")), status)
    if is_taken(read, vmid):
        raise hidden(vmid)
    return None


def plan(wish: Values, have: Doomed | None) -> Plan:
    """Stop and remove. Raises RefusedError for a guest that isn't the one discovered, or isn't ours to remove."""
    if have is None:
        return Plan(reason=f"vmid {wish['vmid']} is absent already")
    reason = refusal(wish, have)
    if reason:
        raise RefusedError(f"{have.guest.label} on {have.guest.node} was left alone: {reason}")
    guest = have.guest
    # Volumes that only carry the vmid are left: on a shared storage they may be another cluster's.
    removal = Step("DELETE", guest.path(), {"purge": True}, f"remove {guest.label}")
    return Plan(
        (*_release(have), *_stop(wish, have), removal),
        before={"vmid": guest.vmid, "name": guest.name, "status": have.status},
    )


def refusal(wish: Values, have: Doomed) -> str | None:
    """Why the guest must not be removed, None when it may be."""
    guest, tag = have.guest, wish["tag"]
    reasons = (
        (wish.get("name") not in (None, guest.name), f"it was discovered as '{wish.get('name')}'. Discover again."),
        (guest.template, "it is a template. Remove templates with the module vm, if you mean it."),
        (_flag(have.config, "protection"), "it is protected. Set its option protection to false first."),
        (not wish["adopt"] and tag not in guest.tags, f"it does not carry the tag '{tag}'. Set adopt to remove it."),
    )
    return next((text for applies, text in reasons if applies), None)


def _flag(config: Mapping[str, Json], name: str) -> bool:
    return bool(int(config.get(name) or 0))


def _release(have: Doomed) -> tuple[Step, ...]:
    """HA would only note the wish to stop its guest, and PVE doesn't destroy one that runs."""
    if not have.guest.managed:
        return ()
    path = url("/cluster/ha/resources/{}", have.guest.ha_id)
    return (Step("DELETE", path, {}, f"take {have.guest.label} out of HA"),)


def _stop(wish: Values, have: Doomed) -> tuple[Step, ...]:
    if have.status == "stopped":
        return ()
    timeout = int(wish["stop_timeout"])
    path, label = have.guest.path("status", "shutdown"), have.guest.label
    # PVE's own order: ask the guest to shut down, wait, then pull the plug.
    return (Step("POST", path, {"timeout": timeout, "forceStop": True}, f"stop {label}", timeout=timeout + 60.0),)


REMOVAL = Resource(
    kind="guest",
    options={},
    describe=describe,
    plan=plan,
    result=lambda _have: {},
    writes=(
        *(f"DELETE /nodes/{{}}/{kind}/{{}}" for kind in KINDS),
        *(f"POST /nodes/{{}}/{kind}/{{}}/status/shutdown" for kind in KINDS),
        "DELETE /cluster/ha/resources/{}",
    ),
)
