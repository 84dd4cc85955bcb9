# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a list of guests: one that can't be removed doesn't save the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Plan, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    FindingsError,
    HomelabPveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.resources.removal import OUR_TAG, REMOVAL

OPTIONS: Options = {
    "vms": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "vmid": {"type": "int", "required": True},
            "name": {"type": "str"},
            **{name: {"type": "str"} for name in ("node", "status", "type", "pool")},
            "template": {"type": "bool"},
            "tags": {"type": "list", "elements": "str"},
        },
    },
    "adopt": {"type": "bool", "default": False},
    "tag": {"type": "str", "default": OUR_TAG},
    "stop_timeout": {"type": "int", "default": 60},
    "max_parallel": {"type": "int", "default": 4},
}


@dataclass
class Findings:
    """What became of the guests."""

    destroyed: list[dict[str, Json]] = field(default_factory=list)
    absent: list[dict[str, Json]] = field(default_factory=list)
    failed: list[dict[str, Json]] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    def add(self, known: dict[str, Json], outcome: Plan | HomelabPveError) -> None:
        """Note what became of one."""
        if isinstance(outcome, HomelabPveError):
            self.failed.append({**known, "msg": str(outcome)})
            return
        self.plans.append(outcome)
        (self.destroyed if outcome.changed else self.absent).append(known)

    def result(self) -> dict[str, Json]:
        """The module's result."""
        before = {str(plan.before["vmid"]): dict(plan.before) for plan in self.plans if plan.changed}
        return {
            "changed": bool(before),
            "destroyed": self.destroyed,
            "absent": self.absent,
            "failures": self.failed,
            "diff": {"before": before, "after": {}},
            "plan": [step.reason for plan in self.plans for step in plan.steps] or ["nothing to remove"],
        }


def destroy(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Work of the module vm_destroy. Raises FindingsError at the end when a guest could not be removed."""
    _check(params)
    entries = params["vms"]
    findings = Findings()

    def removed(entry: Values) -> Plan:
        wish = {**params, "vmid": entry["vmid"], "name": entry.get("name")}
        return reconcile(REMOVAL, wish, client, dry_run=dry_run, timeout=TASK_TIMEOUT).plan

    outcomes = together(lambda entry: tried(lambda: removed(entry)), entries, params["max_parallel"])
    for entry, outcome in zip(entries, outcomes, strict=True):
        findings.add({"vmid": entry["vmid"], "name": entry.get("name")}, outcome)
    if findings.failed:
        raise FindingsError(_message(findings.failed, entries), findings.result())
    return findings.result()


def _check(params: Values) -> None:
    for option, least in (("stop_timeout", 0), ("max_parallel", 1)):
        if params[option] < least:
            raise ConfigError(f"Option '{option}': {params[option]} is less than {least}.")
    if not params["tag"]:
        raise ConfigError("Option 'tag' is empty. Set adopt to remove guests whatever their tags.")


def _message(failed: Sequence[Values], vms: Sequence[Values]) -> str:
    lines = "\n".join(f"- {entry['vmid']} ({entry['name'] or 'unnamed'}): {entry['msg']}" for entry in failed)
    return f"{len(failed)} of {len(vms)} guests could not be removed:\n{lines}"
