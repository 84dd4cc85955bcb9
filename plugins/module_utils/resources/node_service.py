# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a node that PVE starts and stops (PVE::API2::Services). Whether they start at boot is not its "
"affair."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

SERVICES = (
    "chrony", "corosync", "cron", "ksmtuned", "lxcfs", "postfix", "proxmox-firewall", "pve-cluster", "pve-firewall",
    "pve-ha-crm", "pve-ha-lrm", "pve-lxc-syscalld", "pvedaemon", "pvefw-logger", "pveproxy", "pvescheduler", "pvestatd",
    "qmeventd", "spiceproxy", "sshd", "syslog", "systemd-journald", "systemd-timesyncd",
)  # fmt: skip
ESSENTIAL = ("pvedaemon", "pveproxy", "pve-cluster")
"""What PVE needs to answer at all, and doesn't stop."""

COMMANDS = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}
OPTIONS: Options = {
    "node": KEY,
    "service": {"type": "str", "required": True, "choices": list(SERVICES)},
    "state": {"type": "str", "required": True, "choices": list(COMMANDS)},
    "wait_timeout": {"type": "float", "default": 120},
}
PATH = "/nodes/{}/services/{}"


def describe(read: Reader, wish: Values) -> Json:
    """How the service is."""
    return read.get(url(PATH + "/state", wish["node"], wish["service"]))


def is_active(have: Values) -> bool:
    """Whether systemd counts it as up."""
    return have.get("active-state") in ("active", "reloading", "activating")


def plan(wish: Values, have: Json) -> Plan:
    """The command that leads to the state. Restarting and reloading are done whenever they are asked for."""
    state, active = str(wish["state"]), is_active(have)
    name = f"service {wish['service']} of node {wish['node']}"
    if (state == "started" and active) or (state == "stopped" and not active):
        return Plan(reason=f"{name} is {state}")
    command = COMMANDS[state]
    _check(wish, have, f"{command} {name}")
    path = f"{url(PATH, wish['node'], wish['service'])}/{command}"
    # A node's own services answer nobody while they are started anew.
    step = Step("POST", path, {}, f"{command} {name}", once=state in ("restarted", "reloaded"), restarts=True)
    return Plan((step,), before={"state": "started" if active else "stopped"}, after={"state": state})


def _check(wish: Values, have: Values, doing: str) -> None:
    unit = have.get("unit-state")
    if unit == "not-found":
        raise RefusedError(f"Cannot {doing}: it is not installed there.")
    if unit in ("masked", "masked-runtime") and wish["state"] != "stopped":
        raise RefusedError(f"Cannot {doing}: it is masked there. Run 'systemctl unmask {wish['service']}' on the node.")
    if wish["state"] == "stopped" and wish["service"] in ESSENTIAL:
        raise RefusedError(f"Cannot {doing}: Proxmox VE does not answer without it. It can be restarted.")


def result(have: Values) -> dict[str, Json]:
    """The module's return value."""
    told = {name.replace("-", "_"): have.get(name) for name in ("state", "active-state", "unit-state")}
    return {"service": {"service": have["service"], "desc": have.get("desc"), **told}}


NODE_SERVICE = Resource(
    kind="service",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    writes=tuple(f"POST /nodes/{{}}/services/{{}}/{command}" for command in COMMANDS.values()),
)
