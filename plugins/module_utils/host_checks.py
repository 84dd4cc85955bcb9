# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a Proxmox VE host be worked on over SSH? The login, its tools, its API and our privileges, in this order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CommandError,
    HomelabPveError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor, SSHExecutor

COMMAND_SECONDS = 30.0
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
LOGIN, VERSION, NODE = "SSH", "pveversion", "node name"
"""Names of checks whose findings are used elsewhere."""
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

    def shown(self) -> dict[str, str]:
        """The check for programs."""
        return {"name": self.name, "status": self.status, "message": self.found, "remedy": self.remedy}


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
    Probe(VERSION, ("pveversion",), _is_version, "Install Proxmox VE there, or add another host."),
    Probe(NODE, ("hostname", "--short"), str.strip, "Look at /etc/hostname there."),
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


def look(executor: SSHExecutor) -> list[Check]:
    """All checks of a host. After the first failure the rest is skipped: it would only say the same in other words."""
    checks = [_login(executor)]
    for probe in PROBES:
        failed = checks[-1].status != OK
        checks.append(Check(probe.name, SKIPPED, "") if failed else probed(executor, probe))
    return checks


def found(checks: Sequence[Check], name: str) -> str | None:
    """What the check of that name found, None when it was not passed."""
    return next((each.found for each in checks if each.name == name and each.status == OK), None)


def _login(executor: SSHExecutor) -> Check:
    try:
        executor.connect()
    except HomelabPveError as error:
        return _failure(LOGIN, executor.name, error)
    pinned = executor.newly_pinned
    what = f"; its key {pinned} is pinned from now on" if pinned else ""
    remedy = "Compare: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the host" if pinned else ""
    return Check(LOGIN, OK, f"{executor.user}@{executor.host} port {executor.port}{what}", remedy)


def probed(executor: CommandExecutor, probe: Probe) -> Check:
    """Ask a host one question."""
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
