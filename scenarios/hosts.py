"""The Proxmox VE hosts the user knows: kept in the SSH configuration, the default one in the settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CommandError,
    ConfigError,
    HomelabPveError,
    HostNotFoundError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor, LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import NAME, Host, SSHConfigParser
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import keys_of, take_over
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import Resolved, executor_for, resolve

from scenarios import pins
from scenarios.settings import Settings
from scenarios.values import Json

DEFAULT_HOST = "default_host"
LOOKED_AT_ONCE = 16
CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
LOCAL_TOOL = "pveversion"
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
ADVICE = (
    "No host was named, and there is none to be used by default. Name one with --host, or add one: "
    "./run.sh host add NAME --hostname ADDRESS, then ./run.sh host set-default NAME."
)
PRIVILEGES = ("Sys.Audit", "Sys.Modify", "VM.Allocate", "VM.Config.Options", "VM.PowerMgmt", "Datastore.AllocateSpace")
"""What the playbooks and commands of this project need on /."""


@dataclass(frozen=True)
class Check:
    """What one look at a host found.

    Attributes:
        remedy: what to do about it.
    """

    name: str
    status: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Probe:
    """A question to a host: a command, and what its output must be like.

    Attributes:
        read: gives what was found from the output, or raises ValueError with what is wrong.
    """

    name: str
    cmd: Sequence[str]
    read: Callable[[str], str]
    remedy: str


def _is_version(output: str) -> str:
    if not output.startswith("pve-manager/"):
        raise ValueError(f"it said: {output.strip()[:80] or 'nothing'}")
    return output.strip()


def _api_version(output: str) -> str:
    return f"Proxmox VE {json.loads(output)['version']}"


def _privileges(output: str) -> str:
    held = json.loads(output).get("/", {})
    missing = [name for name in PRIVILEGES if name not in held]
    if missing:
        raise ValueError(f"missing on /: {', '.join(missing)}")
    return f"all of {len(PRIVILEGES)} needed on /"


JSON = ("--output-format", "json")
PROBES = (
    Probe("pveversion", ("pveversion",), _is_version, "Install Proxmox VE there, or add another host."),
    Probe("node name", ("hostname", "--short"), str.strip, "Look at /etc/hostname there."),
    Probe("API", ("pvesh", "get", "/version", *JSON), _api_version, "Look at 'systemctl status pvedaemon pveproxy'."),
    Probe(
        "privileges",
        ("pvesh", "get", "/access/permissions", *JSON, "--path", "/"),
        _privileges,
        "Log in as root: pvesh works for root only.",
    ),
)
REMEDIES: tuple[tuple[type[HomelabPveError], str], ...] = (
    (AuthenticationError, "Put your public key there: ssh-copy-id NAME"),
    (PVENotFoundError, "Install Proxmox VE there, or add another host."),
)


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
        resolve(NAME.checked(name), self.ssh_config.config_path)  # a file that ssh can't read is not edited
        if known_hosts:
            keys_of(known_hosts, hostname, port)
        self.ssh_config.add_host(
            name,
            hostname,
            user,
            port,
            identity_file,
            proxy_jump=proxy_jump,
            known_hosts=pins.host_keys(name),
            strict=strict,
        )
        pins.host_keys(name).unlink(missing_ok=True)  # a host of that name whose block was removed by hand
        if known_hosts:
            take_over(known_hosts, pins.host_keys(name), hostname, port)

    def remove(self, name: str) -> None:
        """Remove a host, what was pinned of it, and its being the default; HostNotFoundError when there is none."""
        if not self.ssh_config.remove_host(name):
            raise self._unknown(name)
        pins.host_keys(name).unlink(missing_ok=True)
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

    def test(self, name: str) -> Sequence[Check]:
        """Look whether a host can be worked on: SSH, Proxmox VE's tools, its API, our privileges.

        After the first failure the rest is skipped: it would only say the same in other words.
        """
        executor = self._executor(name)
        checks = [_connection(executor)]
        for probe in PROBES:
            failed = checks[-1].status != OK
            checks.append(Check(probe.name, SKIPPED, "") if failed else _probed(executor, probe))
        return checks

    def test_all(self, names: Sequence[str]) -> dict[str, Sequence[Check]]:
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


def _connection(executor: SSHExecutor) -> Check:
    try:
        executor.connect()
    except HomelabPveError as error:
        return _failure("SSH", executor.name, error)
    pinned = executor.newly_pinned
    what = f"; its key {pinned} is pinned from now on" if pinned else ""
    remedy = "Compare: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the host" if pinned else ""
    return Check("SSH", OK, f"{executor.user}@{executor.host} port {executor.port}{what}", remedy)


def _probed(executor: CommandExecutor, probe: Probe) -> Check:
    try:
        said = executor.run(list(probe.cmd), timeout=COMMAND_SECONDS).stdout
        return Check(probe.name, OK, probe.read(said))
    except CommandError as error:
        return Check(probe.name, FAILED, str(error), probe.remedy)
    except HomelabPveError as error:
        return _failure(probe.name, executor.name, error)
    except (ValueError, KeyError, AttributeError) as error:
        return Check(probe.name, FAILED, str(error), probe.remedy)


def _failure(check: str, name: str, error: HomelabPveError) -> Check:
    remedy = next((text for kind, text in REMEDIES if isinstance(error, kind)), "")  # most messages say it
    return Check(check, FAILED, str(error), remedy.replace("NAME", name))


def as_json(checks: Sequence[Check]) -> list[Json]:
    """Checks as a JSON document."""
    return [{"name": each.name, "status": each.status, "message": each.found, "remedy": each.remedy} for each in checks]


def identity(path: Path | None) -> str | None:
    """A key's path as it goes into the SSH configuration: below the home directory it is written with a tilde."""
    if path is None:
        return None
    full, home = path.expanduser().absolute(), Path.home()
    return f"~/{full.relative_to(home)}" if full.is_relative_to(home) else str(full)
