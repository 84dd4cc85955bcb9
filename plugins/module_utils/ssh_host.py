# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ssh_host: a Proxmox VE host in the SSH configuration of the machine the module runs on."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils import ssh_host_keys
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import AuthenticationError
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import (
    NOTHING,
    Entry,
    Plan,
    Wish,
    carry_out,
    identity,
    plan,
    remove,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import NAME, SSHConfigParser
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import executor_for, resolve

OPTIONS: Options = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "hostname": {"type": "str"},
    "user": {"type": "str", "default": "root"},
    "port": {"type": "int", "default": 22},
    "key": {"type": "path", "no_log": False},
    "jump": {"type": "str"},
    "strict": {"type": "bool", "default": False},
    "known_hosts": {"type": "path"},
    "pin": {"type": "bool", "default": False},
    "connect_timeout": {"type": "float", "default": 5},
    "ssh_config": {"type": "path", "default": "~/.ssh/config"},
}
RULES = {"required_if": [("state", "present", ("hostname",))]}
SHOWN_LATER = "the key it shows"
"""Stands in a difference for a key that nobody knows before the host is connected to."""


def declare(params: Values, dry_run: bool) -> dict[str, Json]:
    """Answer of the module ssh_host."""
    if ssh_host_keys.MISSING:
        raise ssh_host_keys.MISSING
    config = SSHConfigParser(Path(params["ssh_config"]))
    return (_present if params["state"] == "present" else _absent)(config, params, dry_run)


def wished(params: Values) -> Wish:
    """What the module's parameters ask for."""
    entry = Entry(
        params["name"],
        params["hostname"],
        params["user"],
        params["port"],
        identity(Path(params["key"])) if params["key"] else None,
        params["jump"],
        params["strict"],
    )
    return Wish(entry, Path(params["known_hosts"]) if params["known_hosts"] else None, params["pin"])


def _present(config: SSHConfigParser, params: Values, dry_run: bool) -> dict[str, Json]:
    wish = wished(params)
    name, todo = wish.entry.name, plan(config, wish)
    if not dry_run:
        carry_out(config, wish, todo)
        if todo.greet:
            greet(config, name, params["connect_timeout"])
    return {
        "changed": todo.changed,
        "plan": todo.reasons(name),
        "diff": {"before": _described(todo.before), "after": _described(todo.after) | _newly_pinned(todo)},
        "pinned": [] if dry_run else pinned(config, name),
    }


def _absent(config: SSHConfigParser, params: Values, dry_run: bool) -> dict[str, Json]:
    name = NAME.checked(params["name"])
    before = config.own_options(name)
    if before is not None and not dry_run:
        remove(config, name)
    return {
        "changed": before is not None,
        "plan": [f"remove host {name} and what is pinned of it" if before is not None else NOTHING],
        "diff": {"before": _described(before), "after": {}},
        "pinned": [],
    }


def greet(config: SSHConfigParser, name: str, timeout: float) -> None:
    """Connect to a host, so that the key it shows is pinned. Whether it lets us in is not asked here."""
    executor = executor_for(name, config.config_path, timeout)
    executor.strict = False  # this connection is the one that may pin
    try:
        executor.connect()
    except AuthenticationError:
        if not executor.newly_pinned:
            raise
    finally:
        executor.close()


def pinned(config: SSHConfigParser, name: str) -> list[str]:
    """Fingerprints of the keys a host is known by."""
    where = resolve(name, config.config_path)
    files = ssh_host_keys.HostKeyFiles(where.known_hosts, alias=where.host_key_alias)
    found = files.known(where.hostname, where.port)
    return list(dict.fromkeys(pin.key.fingerprint for pin in found if not pin.revoked))


def _described(options: dict[str, str] | None) -> dict[str, Json]:
    return dict(options or {})


def _newly_pinned(todo: Plan) -> dict[str, Json]:
    keys = [key.fingerprint for key in todo.keys] + ([SHOWN_LATER] if todo.greet else [])
    return {"pinned": keys} if keys else {}
