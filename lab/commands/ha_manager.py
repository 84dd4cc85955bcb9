# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ha-manager (PVE/CLI/ha_manager.pm of pve-ha-manager)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.commands import client, output
from lab.commands.client import CommandError
from lab.commands.command import Alias, Answered, Command, Own, Show, Tree, formatted, lines, own
from lab.commands.options import Values

HA = "/cluster/ha"
RESOURCES, GROUPS, RULES = f"{HA}/resources", f"{HA}/groups", f"{HA}/rules"
SECTION = "PVE::API2::HA::"
SID = {"type": "string", "format": "pve-ha-resource-or-vm-id"}
NODE = {"type": "string", "format": "pve-node"}
RULE_COLUMNS = ("enabled", "state", "rule", "type", "resources", "comment")


def status(values: Values) -> str:
    """``ha-manager status``; ``--verbose`` adds the manager's whole status as JSON."""
    entries = client.call("GET", f"{HA}/status/current")
    shown = lines([f"{entry['type']} {entry['status']}" for entry in entries])
    if not values.get("verbose"):
        return shown
    whole = client.call("GET", f"{HA}/status/manager_status")
    return f"{shown}full cluster state:\n{output.as_pretty_json(whole)}\n"


def sections(kind: str, name: str, hidden: Sequence[str]) -> Show:
    """Objects as a configuration file has them: a title, and a line for each setting."""

    def section(entry: Mapping[str, Any]) -> list[str]:
        keys = sorted(set(entry) - {"digest", "type", *hidden})
        return [f"{kind}{entry[name]}", *(f"\t{key} {entry[key]}" for key in keys if key != name), ""]

    def show(answered: Answered) -> str:
        entries = sorted(answered.data, key=lambda entry: str(entry[name]))
        return lines([line for entry in entries for line in section(entry)])

    return show


def rules(answered: Answered) -> str:
    """``ha-manager rules config``: whether each rule is enabled and in use."""
    told = [
        {
            **rule,
            "enabled": int("disable" not in rule),
            "state": "ignored (conflicts)" if rule.get("errors") else "in use",
        }
        for rule in answered.data
    ]
    return output.render(told, answered.returns, output.style(answered.formats), RULE_COLUMNS)


def moved(verb: str) -> Show:
    """What else moves with a resource. Raises CommandError when another one is in the way."""

    def show(answered: Answered) -> str:
        data: Mapping[str, Any] = answered.data or {}
        sid, node = data.get("sid"), data.get("requested-node")
        blocking = data.get("blocking-resources")
        if blocking:
            told = [f"- resource '{item['sid']}' on target node '{node}'{_because(item, sid)}" for item in blocking]
            raise CommandError("\n".join([f"cannot {verb} resource '{sid}' to node '{node}':", "", *told]))
        return lines(
            [
                f"also {verb} resource '{other}' in positive affinity with resource '{sid}' to target node '{node}'"
                for other in data.get("comigrated-resources") or []
            ]
        )

    return show


def _because(item: Mapping[str, Any], sid: object) -> str:
    return f" in negative affinity with resource '{sid}'" if item.get("cause") == "resource-affinity" else ""


def stop(values: Values) -> None:
    """``crm-command stop``: the resource's wanted state is ``stopped``; the lab does not wait for the timeout."""
    client.call("PUT", f"{RESOURCES}/{values['sid']}", {"state": "stopped"})


def maintenance(*, enable: bool) -> Own:
    """``crm-command node-maintenance``."""

    def ask(values: Values) -> None:
        client.local("maintenance", {"node": values["node"], "enable": enable})

    return ask


def _motion(verb: str) -> Command:
    path = f"{RESOURCES}/{{sid}}/{verb}"
    return Command("POST", path, ("sid", "node"), moved(verb), section=f"{SECTION}Resources")


def _of(method: str, path: str, *words: str, section: str) -> Command:
    return Command(method, path, words, section=f"{SECTION}{section}")


HA_MANAGER: Tree = {
    "status": own(status, verbose={"type": "boolean", "default": 0, "optional": 1}),
    "config": Command("GET", RESOURCES, (), sections("", "sid", ("errors",)), section=f"{SECTION}Resources"),
    "add": _of("POST", RESOURCES, "sid", section="Resources"),
    "remove": _of("DELETE", RESOURCES + "/{sid}", "sid", section="Resources"),
    "set": _of("PUT", RESOURCES + "/{sid}", "sid", section="Resources"),
    "groupconfig": Command("GET", GROUPS, (), sections("group: ", "group", ()), section=f"{SECTION}Groups"),
    "groupadd": _of("POST", GROUPS, "group", section="Groups"),
    "groupremove": _of("DELETE", GROUPS + "/{group}", "group", section="Groups"),
    "groupset": _of("PUT", GROUPS + "/{group}", "group", section="Groups"),
    "rules": {
        "list": Command("GET", RULES, (), formatted, formats=True),
        "config": Command("GET", RULES, (), rules, formats=True),
        "add": _of("POST", RULES, "type", "rule", section="Rules"),
        "remove": _of("DELETE", RULES + "/{rule}", "rule", section="Rules"),
        "set": _of("PUT", RULES + "/{rule}", "type", "rule", section="Rules"),
    },
    "migrate": Alias("crm-command migrate"),
    "relocate": Alias("crm-command relocate"),
    "crm-command": {
        "migrate": _motion("migrate"),
        "relocate": _motion("relocate"),
        "stop": own(stop, ("sid", "timeout"), sid=SID, timeout={"type": "integer", "minimum": 0}),
        "node-maintenance": {
            "enable": own(maintenance(enable=True), ("node",), node=NODE),
            "disable": own(maintenance(enable=False), ("node",), node=NODE),
        },
        "disarm-ha": _of("POST", f"{HA}/status/disarm-ha", "resource-mode", section="Status"),
        "arm-ha": _of("POST", f"{HA}/status/arm-ha", section="Status"),
    },
}
