# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container, as data for the planner of guests, and what a new one is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    container_config,
    guest_ha,
    os_templates,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import VOLUMES as ABOUT_VOLUMES
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Ingredients, Kind, Transitions
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import CONTAINER_MOTION
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_plan import guest_resource
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import ROOTFS, VOLUMES

TRANSITIONS: Transitions = {
    ("started", "stopped"): ("start",),
    ("stopped", "running"): ("shutdown",),
    ("restarted", "running"): ("reboot",),
    ("restarted", "stopped"): ("start",),
}
"""No pausing: Proxmox VE offers it (lxc-checkpoint), but its packages lack what it takes (CRIU)."""

STATES = ("present", "absent", "template", *sorted({state for state, _status in TRANSITIONS}))

PUBLIC_KEY = re.compile(r"(?:\S+ )?(?:ssh|ecdsa|sk)-\S+ [A-Za-z0-9+/]+={0,2}(?: .*)?")
"""One line of an authorized_keys file: options, type, key, comment."""


def ingredients(read: Reader, wish: Values, node: str) -> Ingredients:
    """What a new container is made of. Raises ConfigError and RefusedError before anything is written."""
    label = f"container {wish.get('hostname') or wish.get('vmid')}"
    _check_rootfs(wish, label)
    wanted = wish.get("ostemplate")
    if not wanted:
        raise ConfigError(
            f"Option 'ostemplate' is needed to create {label}: the name of a template such as debian-13-standard, or "
            "its volume id. Use clone to copy a container instead."
        )
    keys = _public_keys(wish.get("ssh_public_keys"))
    template = os_templates.find(read, node, str(wanted), wish.get("template_storage"))
    params: dict[str, Json] = {
        "ostemplate": template.volume,
        "password": wish.get("password"),
        "ssh-public-keys": keys,
        "storage": wish.get("storage"),
        "bwlimit": wish.get("bwlimit"),
        "ignore-unpack-errors": wish.get("ignore_unpack_errors"),
    }
    # PVE 8 makes a privileged container where nothing is said, PVE 9 an unprivileged one.
    default = {"unprivileged": True} if wish.get("unprivileged") is None else {}
    return Ingredients({**params, **default}, tuple(replace(step, advice=ABOUT_VOLUMES) for step in template.fetch))


def _check_rootfs(wish: Values, label: str) -> None:
    if wish.get(ROOTFS) or (wish.get("storage") and not wish.get("mp")):
        return
    raise ConfigError(
        f"Option 'rootfs' is needed to create {label}: storage and size of its root file system, for example "
        "{storage: local-lvm, size: 8G}."
    )


def _public_keys(lines: Sequence[str] | None) -> str | None:
    """The keys as PVE takes them. An entry that is none is not repeated: it may be a private key."""
    for number, line in enumerate(lines or (), start=1):
        if not PUBLIC_KEY.fullmatch(line.strip()):
            raise ConfigError(
                f"Option 'ssh_public_keys': entry {number} is no public key. Give the content of a file such as "
                "id_ed25519.pub, one key an entry."
            )
    return "\n".join(line.strip() for line in lines) if lines else None


LXC = Kind(
    type="lxc",
    title="container",
    name_key="hostname",
    config=container_config.CONFIG,
    volumes=VOLUMES,
    transitions=TRANSITIONS,
    # PVE::API2::LXC, clone_vm
    not_copied=frozenset({"template", "digest", "lock", "parent"}),
    clone_options=("full", "storage", "snapname", "bwlimit"),
    nics=container_config.shown_nics,
    ingredients=ingredients,
    motion=CONTAINER_MOTION,
    # The API answers null and keeps the UPID to itself (PVE::API2::LXC, template).
    template_task="vztemplate",
)

OPTIONS: Options = {
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "ostemplate": {"type": "str"},
    "template_storage": {"type": "str"},
    "rootfs": {"type": "raw"},
    "mp": {"type": "dict"},
    "password": {"type": "str", "no_log": True},
    "ssh_public_keys": {"type": "list", "elements": "str", "no_log": False},
    "ignore_unpack_errors": {"type": "bool"},
    "snapname": {"type": "str"},
    "bwlimit": {"type": "float"},
    "target_storage": {"type": "str"},
    **guest_ha.OPTIONS,
}

CONTAINER = guest_resource(
    LXC,
    OPTIONS,
    exclusive=(["clone", "ostemplate"], ["clone", "password"], ["clone", "ssh_public_keys"]),
    writes=("POST /nodes/{}/aplinfo",),
)
