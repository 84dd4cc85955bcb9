# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making what is edited of the software defined network run, or taking the edits back. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Plan, Reader, Resource, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_info import waiting
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_lock import HELD, LOCKED

APPLY = "/cluster/sdn"
ROLL_BACK = "/cluster/sdn/rollback"
LOCK = "/cluster/sdn/lock"
NOTHING = "nothing waits to be applied"

OPTIONS: Options = {
    "state": {"type": "str", "choices": ["applied", "rolled_back", "locked", "unlocked"], "default": "applied"},
    "force": {"type": "bool", "default": False},
    "allow_pending": {"type": "bool", "default": False},
    "release_lock": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 600},
    **LOCKED,
}

ADVICE: Values = {
    **HELD,
    "has pending changes": "Apply them or take them back first, or set allow_pending.",
}


def describe(read: Reader, _wish: Values) -> Json:
    """What waits to be applied, by kind and name."""
    return waiting(read)


def plan(wish: Values, have: Values) -> Plan:
    """One step, if there is anything to do. Whether somebody holds the lock can't be seen."""
    token, state = wish.get("lock_token"), wish["state"]
    if state == "locked":
        params = {"allow-pending": int(bool(wish.get("allow_pending")))}
        return _one("POST", LOCK, params, "lock the software defined network", wish)
    if state == "unlocked":
        params = {**({"lock-token": token} if token else {}), **({"force": 1} if wish.get("force") else {})}
        return _one("DELETE", LOCK, params, "unlock the software defined network", wish)
    passed = {"lock-token": token, "release-lock": int(bool(wish.get("release_lock", True)))} if token else {}
    names = ", ".join(have)
    if have and state == "rolled_back":
        return _one("POST", ROLL_BACK, passed, f"take back the changes of {names}", wish, have)
    if state == "applied" and (have or wish.get("force")):
        reason = f"apply the changes of {names}" if have else "apply the software defined network again"
        return _one("PUT", APPLY, passed, reason, wish, have)
    if token and wish.get("release_lock", True):
        return _one("DELETE", LOCK, {"lock-token": token}, f"unlock the software defined network: {NOTHING}", wish)
    return Plan(reason=NOTHING)


def _one(verb: str, path: str, params: Values, reason: str, wish: Values, before: Values | None = None) -> Plan:  # noqa: PLR0917
    step = Step(verb, path, params, reason, timeout=wish.get("wait_timeout"), once=path == LOCK, advice=ADVICE)
    return Plan((step,), before=dict(before or {}))


def result(have: Json) -> dict[str, Json]:
    """What still waits."""
    return {"pending": dict(have or {})}


SDN = Resource(
    kind="software defined network",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    writes=(f"PUT {APPLY}", f"POST {ROLL_BACK}", f"POST {LOCK}", f"DELETE {LOCK}"),
)
