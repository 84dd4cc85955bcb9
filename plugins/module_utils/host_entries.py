# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxmox VE hosts in the SSH configuration: a block each, and a file each that pins the host's key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import (
    NAME,
    SSHConfigParser,
    host_options,
    ssh_home,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import keys_of, pinned_name, read, take_over
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import resolve

if TYPE_CHECKING:
    from paramiko import PKey

NOTHING = "nothing to do"


@dataclass(frozen=True)
class Entry:
    """How a host is to be reached.

    Attributes:
        identity_file: path of a private key.
        proxy_jump: [user@]host[:port] to go through, several with commas between.
        strict: never connect before the host's key is pinned.
    """

    name: str
    hostname: str
    user: str = "root"
    port: int = 22
    identity_file: str | None = None
    proxy_jump: str | None = None
    strict: bool = False

    def options(self) -> dict[str, str]:
        """The keywords of its block. ConfigError when a value can't be used."""
        return host_options(
            hostname=self.hostname,
            user=self.user,
            port=self.port,
            identity_file=self.identity_file,
            proxy_jump=self.proxy_jump,
            known_hosts=pins(NAME.checked(self.name)),
            strict=self.strict,
        )


@dataclass(frozen=True)
class Wish:
    """A host, and which of its keys are pinned when it is written.

    Attributes:
        known_hosts: a file that knows the host's keys; they are pinned.
        pin: whether some key has to be known afterwards, the one it shows if none is.
    """

    entry: Entry
    known_hosts: Path | None = None
    pin: bool = False


@dataclass(frozen=True)
class Plan:
    """What has to be done about a host.

    Attributes:
        before: keywords of our block, None when there is none.
        keys: keys that get pinned.
        forget: whether pins of an earlier host, or of an earlier address, are dropped first.
        greet: whether the host has to be connected to, so that the key it shows is pinned.
    """

    before: dict[str, str] | None
    after: dict[str, str]
    keys: Sequence[PKey] = ()
    forget: bool = False
    greet: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything has to be done."""
        return self.before != self.after or bool(self.keys) or self.greet

    def reasons(self, name: str) -> list[str]:
        """The plan in words."""
        before = self.before or {}
        differing = [key for key in {**before, **self.after} if before.get(key) != self.after.get(key)]
        written = f"change {', '.join(differing)} of host {name}" if before else f"add host {name}"
        done = [written] if differing else []
        done += [f"pin {key.fingerprint} of host {name}" for key in self.keys]
        return done + ([f"pin the key that host {name} shows"] if self.greet else []) or [NOTHING]


def state_directory() -> Path:
    """Where this project keeps what must survive (XDG base directory specification: XDG_STATE_HOME)."""
    base = os.environ.get("XDG_STATE_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".local" / "state") / "homelab-pve"


def pins(name: str) -> Path:
    """The file that pins the keys of a host."""
    return state_directory() / "pins" / name / "known_hosts"


def add(config: SSHConfigParser, entry: Entry, known_hosts: Path | None = None) -> None:
    """Add a host to the SSH configuration, with a file of its own for its pinned key.

    Raises:
        ConfigError: it can't be added; nothing was written.
    """
    resolve(NAME.checked(entry.name), config.config_path)  # a file that ssh can't read is not edited
    if known_hosts:
        keys_of(known_hosts, entry.hostname, entry.port)
    config.write_host(entry.name, entry.options(), replace=False)
    pins(entry.name).unlink(missing_ok=True)  # a host of that name whose block was removed by hand
    if known_hosts:
        take_over(known_hosts, pins(entry.name), entry.hostname, entry.port)


def plan(config: SSHConfigParser, wish: Wish) -> Plan:
    """Compare what is there with what is wished.

    Raises:
        ConfigError: a value or file can't be used, or the block of that name is not ours.
    """
    entry, after = wish.entry, wish.entry.options()
    known = resolve(entry.name, config.config_path).known_hosts  # a file that ssh can't read is not edited
    before = config.own_options(entry.name)
    own, place = pins(entry.name), pinned_name(entry.hostname, entry.port)
    forget = own.exists() and any((before or {}).get(key) != after[key] for key in ("HostName", "Port"))
    pinned = [] if forget else [pin.key for pin in read(own, place)]
    wanted = keys_of(wish.known_hosts, entry.hostname, entry.port) if wish.known_hosts else []
    missing = [key for key in wanted if key not in pinned]
    elsewhere = [pin for file in known if file != own for pin in read(file, place)]
    return Plan(before, after, missing, forget, greet=wish.pin and not (pinned or missing or elsewhere))


def carry_out(config: SSHConfigParser, wish: Wish, todo: Plan) -> None:
    """Write the block and pin the keys; the host is not connected to."""
    entry, own = wish.entry, pins(wish.entry.name)
    if todo.before != todo.after:
        config.write_host(entry.name, todo.after, replace=True)
    if todo.forget:
        own.unlink(missing_ok=True)
    if wish.known_hosts and todo.keys:
        take_over(wish.known_hosts, own, entry.hostname, entry.port)


def remove(config: SSHConfigParser, name: str) -> bool:
    """Remove a host, and what was pinned of it; False when there is none. ConfigError when it is not ours to remove."""
    removed = config.remove_host(name)
    if removed:
        pins(name).unlink(missing_ok=True)
    return removed


def identity(path: Path | None) -> str | None:
    """A key's path as it goes into the SSH configuration.

    Below the home directory it is written with a tilde, where that means the same to ssh and to us.
    """
    if path is None:
        return None
    full, home = path.expanduser().absolute(), Path.home()
    return f"~/{full.relative_to(home)}" if full.is_relative_to(home) and home == ssh_home() else str(full)
