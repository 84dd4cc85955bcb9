# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether high availability watches over the nodes (API: ``/cluster/ha/status``, arm-ha and disarm-ha)."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Until,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError

STATUS = "/cluster/ha/status"
ARMED, DISARMED, DISARMING = "armed", "disarmed", "disarming"
WATCHES = frozenset({ARMED, "standby"})
"""States in which it is armed; in ``standby`` there is nothing to watch over."""

OPTIONS: Options = {
    "state": {"type": "str", "choices": [ARMED, DISARMED], "default": ARMED},
    "resource_mode": {"type": "str", "choices": ["freeze", "ignore"]},
    "wait_timeout": {"type": "float", "default": 300},
}
WRITES = (f"POST {STATUS}/arm-ha", f"POST {STATUS}/disarm-ha")


@dataclass(frozen=True)
class Fencing:
    """The state, and what becomes of guests while it is disarmed; None where it isn't."""

    state: str
    mode: str | None = None


def describe(read: Reader, _wish: Values) -> Fencing:
    """Raises RefusedError where Proxmox VE does not tell: then it can't be disarmed either."""
    rows = [row for row in read.get(f"{STATUS}/current") if row.get("type") == "fencing"]
    if not rows or "armed-state" not in rows[0]:
        raise RefusedError(
            "Cannot see whether high availability is armed: this release of Proxmox VE can't disarm it. Update it, or "
            "put nodes into maintenance instead."
        )
    return Fencing(str(rows[0]["armed-state"]), rows[0].get("resource_mode"))


def plan(wish: Values, have: Fencing) -> Plan:
    """Arm, disarm, or nothing."""
    return _arming(have) if wish["state"] == ARMED else _disarming(wish, have)


def _arming(have: Fencing) -> Plan:
    if have.state in WATCHES:
        return Plan(reason="high availability is armed")
    return _plan("arm-ha", {}, have, ARMED)


def _disarming(wish: Values, have: Fencing) -> Plan:
    mode = wish.get("resource_mode")
    if have.state in WATCHES:
        if mode is None:
            raise ConfigError("Option 'resource_mode' is needed to disarm high availability: freeze or ignore.")
        return _plan("disarm-ha", {"resource-mode": mode}, have, DISARMED)
    if mode not in (None, have.mode):
        raise RefusedError(
            f"Cannot disarm high availability with resource_mode {mode}: it is {have.state} with {have.mode}. Arm it "
            "first (state: armed)."
        )
    return Plan(reason=f"high availability is {have.state}")


def _plan(verb: str, params: Values, have: Fencing, state: str) -> Plan:
    def done(read: Reader) -> bool | None:
        now = describe(read, {}).state
        return (now in WATCHES if state == ARMED else now == DISARMED) or None

    otherwise = f"it is not {state} after {{timeout}} s. The module ha_status_info shows what its managers do."
    reason = "arm high availability" if state == ARMED else "disarm high availability"
    step = Step("POST", f"{STATUS}/{verb}", params, reason, until=Until(done, otherwise))
    # Between the two states in which it is armed it changes by itself.
    before = {
        "state": ARMED if have.state in WATCHES else have.state,
        **({"resource_mode": have.mode} if have.mode else {}),
    }
    mode = {name.replace("-", "_"): value for name, value in params.items()}
    return Plan((step,), before=before, after={"state": state, **mode})


def shown(have: Fencing) -> dict[str, Json]:
    """The module's return value."""
    return {"armed_state": have.state, "resource_mode": have.mode}


HA_ARMED = Resource(
    kind="high availability", options=OPTIONS, describe=describe, plan=plan, result=shown, writes=WRITES
)
