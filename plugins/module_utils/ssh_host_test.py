# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ssh_host_test: can a Proxmox VE host of the SSH configuration be worked on?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils import host_checks, ssh_host_keys
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import FindingsError, HostNotFoundError
from ansible_collections.homelab.pve.plugins.module_utils.executor import SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import FAILED, LOGIN, NODE, VERSION, Check, found
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import NAME, SSHConfigParser
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import executor_for

OPTIONS: Options = {
    "name": {"type": "str", "required": True},
    "must_pass": {"type": "bool", "default": True},
    "connect_timeout": {"type": "float", "default": 5},
    "ssh_config": {"type": "path", "default": "~/.ssh/config"},
}


def examine(params: Values, dry_run: bool) -> dict[str, Json]:
    """Answer of the module ssh_host_test. FindingsError, with the same answer, when a check failed."""
    if ssh_host_keys.MISSING:
        raise ssh_host_keys.MISSING
    config = SSHConfigParser(Path(params["ssh_config"]))
    name = NAME.checked(params["name"])
    if config.get_host(name) is None:
        raise HostNotFoundError(name, [str(host["name"]) for host in config.list_hosts()])
    executor = executor_for(name, config.config_path, params["connect_timeout"])
    with _pins(executor, kept=not dry_run):
        checks = host_checks.look(executor)
    answer = _answer(executor, checks)
    if params["must_pass"] and any(check.status == FAILED for check in checks):
        raise FindingsError(problem(name, checks), answer)
    return answer


def problem(name: str, checks: Sequence[Check]) -> str:
    """What keeps a host from being worked on, and what to do about it."""
    bad = [
        f"- {check.name}: {check.found.rstrip('.')}. {check.remedy}".strip()
        for check in checks
        if check.status == FAILED
    ]
    return "\n".join([f"{name} can't be worked on:", *bad])


@contextmanager
def _pins(executor: SSHExecutor, *, kept: bool) -> Iterator[None]:
    """Close the connection at the end; keys that were pinned on the way are kept or forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        for each in [] if kept else executor.way():
            each.known_hosts = [Path(folder) / "known_hosts", *each.known_hosts]
        try:
            yield
        finally:
            executor.close()


def _answer(executor: SSHExecutor, checks: Sequence[Check]) -> dict[str, Json]:
    pinned = [f"{each.name} {each.newly_pinned}" for each in executor.way() if each.newly_pinned]
    return {
        "changed": bool(pinned),
        "pinned": pinned,
        "connected": found(checks, LOGIN) is not None,
        "pve_version": found(checks, VERSION),
        "node": found(checks, NODE),
        "checks": [check.shown() for check in checks],
    }
