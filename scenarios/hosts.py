"""The Proxmox VE hosts the user knows: kept in the SSH configuration, the default one in the settings."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from ansible_collections.homelab.pve.plugins.module_utils import host_checks, host_entries
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HostNotFoundError
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor, LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import LOGIN, VERSION, Check, found
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import Entry
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import Host, SSHConfigParser
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import Resolved, executor_for, resolve

from scenarios.settings import Settings

DEFAULT_HOST = "default_host"
LOOKED_AT_ONCE = 16
CONNECT_SECONDS = 5.0
LOCAL_TOOL = "pveversion"
ADVICE = (
    "No host was named, and there is none to be used by default. Name one with --host, or add one: "
    "./run.sh host add NAME --hostname ADDRESS, then ./run.sh host set-default NAME."
)


class Tested(TypedDict):
    """What a look at a host found: whether the login works, what ``pveversion`` says there, and each check."""

    connected: bool
    pve_version: str | None
    checks: Sequence[Check]


class HostManager:
    """Adds, lists, tests and removes hosts, and connects to them; one connection a host."""

    def __init__(self, ssh_config: SSHConfigParser | None = None, app_config: Settings | None = None) -> None:
        """Take the user's own files by default."""
        self.ssh_config = ssh_config or SSHConfigParser()
        self.app_config = app_config or Settings()
        self._executors: dict[str, SSHExecutor] = {}

    def add(
        self,
        name: str,
        hostname: str,
        *,
        user: str = "root",
        port: int = 22,
        identity_file: str | None = None,
        proxy_jump: str | None = None,
        strict: bool = False,
        known_hosts: Path | None = None,
    ) -> None:
        """Add a host to the SSH configuration, with a file of its own for its pinned key.

        Args:
            known_hosts: a file that knows the host's key; it is pinned.

        Raises:
            ConfigError: it can't be added; nothing was written.
        """
        entry = Entry(name, hostname, user, port, identity_file, proxy_jump, strict)
        host_entries.add(self.ssh_config, entry, known_hosts)

    def remove(self, name: str) -> None:
        """Remove a host, what was pinned of it, and its being the default; HostNotFoundError when there is none."""
        if not host_entries.remove(self.ssh_config, name):
            raise self._unknown(name)
        if self.default() == name:
            self.app_config.set(DEFAULT_HOST, None)

    def list(self) -> Sequence[Host]:
        """The Proxmox VE hosts of the SSH configuration."""
        return self.ssh_config.list_hosts()

    def names(self) -> Sequence[str]:
        """Their names."""
        return [str(host["name"]) for host in self.ssh_config.list_hosts()]

    def resolved(self, name: str) -> Resolved:
        """How a host is reached, as ssh says; HostNotFoundError when the SSH configuration does not name it."""
        if self.ssh_config.get_host(name) is None:
            raise self._unknown(name)
        return resolve(name, self.ssh_config.config_path)

    def default(self) -> str | None:
        """The default host's name."""
        name = self.app_config.get(DEFAULT_HOST)
        if name is not None and not isinstance(name, str):
            raise ConfigError(f"{DEFAULT_HOST} is {name!r}, which is no host's name", str(self.app_config.path))
        return name or None

    def set_default(self, name: str) -> None:
        """Make a host the default; HostNotFoundError when there is no such host."""
        if name not in self.names():
            raise self._unknown(name)
        self.app_config.set(DEFAULT_HOST, name)

    def get_executor(self, name: str | None = None) -> CommandExecutor:
        """Where commands for a host run: the named one, the default, the only one, or this node.

        Raises:
            HostNotFoundError: there is no such host.
            ConfigError: no host was named, and there is none to be used by default.
        """
        name = name or self.default() or self._only()
        if name:
            return self._executor(name)
        if shutil.which(LOCAL_TOOL):
            return LocalExecutor()
        raise ConfigError(ADVICE)

    def test(self, name: str) -> Tested:
        """Look whether a host can be worked on: SSH, Proxmox VE's tools, its API, our privileges.

        After the first failure the rest is skipped: it would only say the same in other words.
        """
        checks = host_checks.look(self._executor(name))
        connected = found(checks, LOGIN) is not None
        return {"connected": connected, "pve_version": found(checks, VERSION), "checks": checks}

    def test_all(self, names: Sequence[str]) -> dict[str, Tested]:
        """Look at several hosts at once."""
        with ThreadPoolExecutor(LOOKED_AT_ONCE) as pool:
            return dict(zip(names, pool.map(self.test, names), strict=True))

    def close(self) -> None:
        """Close all connections."""
        for executor in self._executors.values():
            executor.close()

    def _only(self) -> str | None:
        names = self.names()
        return names[0] if len(names) == 1 else None

    def _executor(self, name: str) -> SSHExecutor:
        if name not in self._executors:
            if self.ssh_config.get_host(name) is None:
                raise self._unknown(name)
            self._executors[name] = executor_for(name, self.ssh_config.config_path, CONNECT_SECONDS)
        return self._executors[name]

    def _unknown(self, name: str) -> HostNotFoundError:
        return HostNotFoundError(name, self.names())
