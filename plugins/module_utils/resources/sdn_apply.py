# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making what is edited of the software defined network run, or taking the edits back. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Plan, Reader, Resource, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_info import waiting

APPLY = "/cluster/sdn"
ROLL_BACK = "/cluster/sdn/rollback"

OPTIONS: Options = {
    "state": {"type": "str", "choices": ["applied", "rolled_back"], "default": "applied"},
    "force": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
}


def describe(read: Reader, _wish: Values) -> Json:
    """What waits to be applied, by kind and name."""
    return waiting(read)


def plan(wish: Values, have: Values) -> Plan:
    """One step, if anything waits. Forced, it is applied in any case, and so each time a change."""
    if wish["state"] == "rolled_back":
        if not have:
            return Plan(reason="nothing waits to be applied")
        step = Step("POST", ROLL_BACK, {}, f"take back the changes of {', '.join(have)}")
        return Plan((step,), before=dict(have))
    if not have and not wish.get("force"):
        return Plan(reason="nothing waits to be applied")
    reason = f"apply the changes of {', '.join(have)}" if have else "apply the software defined network again"
    step = Step("PUT", APPLY, {}, reason, timeout=wish.get("wait_timeout"))
    return Plan((step,), before=dict(have))


def result(have: Json) -> dict[str, Json]:
    """What still waits."""
    return {"pending": dict(have or {})}


SDN = Resource(
    kind="software defined network",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    writes=("PUT /cluster/sdn", "POST /cluster/sdn/rollback"),
)
