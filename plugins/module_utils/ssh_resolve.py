# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name in the SSH configuration stands for, as OpenSSH itself says: ``ssh -G``.

paramiko's reader knows no Include and not all of Match, and a second opinion could only be a wrong one: Ansible, and
the user, reach the host through ssh.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.executor import NOT_FOUND, LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import is_users_own

COMPLAINT = re.compile(r"^(?P<file>/.*?):? line (?P<line>\d+): (?P<words>.*?)\r?$", re.MULTILINE)
"""How ssh names a line it can't read."""
HOP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?P<host>\[[^]]+\]|[^:]+)(?::(?P<port>\d+))?")
"""One host of a ProxyJump."""
DEFAULT_KEYS = re.compile(r"~/\.ssh/id_\w+")
STRICT = frozenset({"yes", "true"})
PATIENCE = 10.0
"""Seconds for ``ssh -G``, which may run a ``Match exec``."""


@dataclass(frozen=True)
class Resolved:
    """How a host is reached. Keys are offered, and files with pinned host keys are read, in this order."""

    name: str
    hostname: str
    user: str
    port: int
    keys: Sequence[Path]
    identities_only: bool
    known_hosts: Sequence[Path]
    strict: bool
    jumps: Sequence[str] = ()
    host_key_alias: str | None = None


def resolve(name: str, config: Path) -> Resolved:
    """What ``config`` says about a name. ConfigError, with the line, when ssh can't read it."""
    said = _ask(name, config)
    if said.get("proxycommand", ["none"]) != ["none"]:
        raise ConfigError(f"'{name}' is reached by a ProxyCommand, which is not supported. Use ProxyJump.", str(config))
    hostname, user = said["hostname"][0], said["user"][0]
    tokens = {"%%": "%", "%d": str(Path.home()), "%h": hostname, "%r": user, "%u": getpass.getuser()}
    keys = [_path(text, tokens) for text in said.get("identityfile", []) if _is_meant(text)]
    files = " ".join(said.get("userknownhostsfile", []) + said.get("globalknownhostsfile", []))
    return Resolved(
        name=name,
        hostname=hostname,
        user=user,
        port=int(said["port"][0]),
        keys=keys,
        identities_only=said.get("identitiesonly") == ["yes"],
        known_hosts=[Path(text).expanduser() for text in split_paths(files)],  # ssh expands their tokens itself
        strict=said.get("stricthostkeychecking", [""])[0] in STRICT,
        host_key_alias=next(iter(said.get("hostkeyalias", [])), None),
        jumps=[hop for text in said.get("proxyjump", []) if text != "none" for hop in text.split(",")],
    )


def executor_for(name: str, config: Path, connect_timeout: float = 5.0) -> SSHExecutor:
    """An executor on a host of the SSH configuration, through its jump hosts. Nothing is connected yet."""
    return _executor(resolve(name, config), config, connect_timeout, ())


def split_paths(text: str) -> list[str]:
    """Paths that ssh prints with a space between, though there may be one in them: each begins with / or ~."""
    return re.findall(r"[/~]\S*(?: (?![/~])\S*)*", text)


def _executor(where: Resolved, config: Path, timeout: float, via: tuple[str, ...]) -> SSHExecutor:
    if where.name in via:
        raise ConfigError(f"the jump hosts go in a circle: {' -> '.join((*via, where.name))}", str(config))
    jump: SSHExecutor | None = None
    for hop in where.jumps:
        jump = _hop(hop, config, timeout, (*via, where.name), jump)
    executor = SSHExecutor(
        where.hostname,
        where.user,
        where.port,
        where.keys,
        identities_only=where.identities_only,
        known_hosts=where.known_hosts,
        strict=where.strict,
        host_key_alias=where.host_key_alias,
        connect_timeout=timeout,
        jump=jump,
    )
    executor.name = where.name
    return executor


def _hop(hop: str, config: Path, timeout: float, via: tuple[str, ...], before: SSHExecutor | None) -> SSHExecutor:
    found = HOP.fullmatch(hop)
    if not found:
        raise ConfigError(f"'{hop}' is no host to jump over", str(config))
    where = resolve(found["host"].strip("[]"), config)
    executor = _executor(where, config, timeout, via)
    executor.user = found["user"] or executor.user
    executor.port = int(found["port"] or executor.port)
    executor.jump = before or executor.jump
    return executor


def _ask(name: str, config: Path) -> Mapping[str, list[str]]:
    where = [] if is_users_own(config) else ["-F", str(config) if config.exists() else "none"]
    result = LocalExecutor().run(["ssh", "-G", *where, "--", name], check=False, timeout=PATIENCE)
    if result.returncode == NOT_FOUND:
        raise ConfigError("OpenSSH's client is needed to read the SSH configuration. Install openssh-client.")
    if not result.success:
        raise _complaint(result.stderr, config)
    said: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        keyword, value = line.partition(" ")[::2]
        said.setdefault(keyword, []).append(value)
    return said


def _complaint(stderr: str, config: Path) -> ConfigError:
    found = COMPLAINT.search(stderr)
    if not found:
        return ConfigError(f"ssh cannot use it: {' '.join(stderr.split())}", str(config))
    file, number = Path(found["file"]), int(found["line"])
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    text = lines[number - 1].rstrip() if number <= len(lines) else ""
    return ConfigError(f"{found['words'].rstrip('.')}: {text}", str(file), number)


def _is_meant(text: str) -> bool:
    """Whether a key was named, or exists. ssh lists its default keys as well, existing or not."""
    return text != "none" and (not DEFAULT_KEYS.fullmatch(text) or Path(text).expanduser().exists())


def _path(text: str, tokens: Mapping[str, str]) -> Path:
    return Path(re.sub(r"%.", lambda found: tokens.get(found[0], found[0]), text)).expanduser()
