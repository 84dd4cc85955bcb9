# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the modules state and state_info: options in, result out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import FindingsError, HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.module import Action as ModuleAction
from ansible_collections.homelab.pve.plugins.module_utils.module import Question, details
from ansible_collections.homelab.pve.plugins.module_utils.state.carrying import carry_out
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, read_file
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import load
from ansible_collections.homelab.pve.plugins.module_utils.state.observing import observe
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import FAILED, NONE, Action, Planned, plan
from ansible_collections.homelab.pve.plugins.module_utils.tasks import is_upid

DOCUMENT_OPTIONS: Options = {
    "files": {"type": "list", "elements": "path", "default": []},
    "document": {"type": "dict"},
    "node": {"type": "str"},
    "only": {"type": "list", "elements": "str"},
    "max_parallel": {"type": "int", "default": 8},
}

STATE_OPTIONS: Options = {
    **DOCUMENT_OPTIONS,
    "prune": {"type": "list", "elements": "str", "default": []},
}

INFO_OPTIONS: Options = {
    "only": {"type": "list", "elements": "str"},
    "max_parallel": {"type": "int", "default": 8},
}


def texts(params: Values) -> list[Text]:
    """The documents that the options name, the inline one above the files."""
    inline = params.get("document")
    own = [Text("document", json.dumps(inline, indent=1))] if inline is not None else []
    return [*(read_file(Path(path)) for path in params["files"]), *own]


def converge(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Plan, and unless it is a dry run, apply."""
    wishes = load(texts(params), KINDS, params.get("node"))
    planned = plan(wishes, KINDS, client, params["prune"], params["max_parallel"])
    ended: Sequence[Action] = planned.actions
    if not dry_run:
        ended = carry_out(planned, KINDS, client, params["max_parallel"], lambda *_event: None)
    found = result(planned, ended)
    if found["errors"]:
        raise FindingsError("\n".join(found["errors"]), found)
    return found


def result(planned: Planned, ended: Sequence[Action]) -> dict[str, Json]:
    """The module's result."""
    rows = [row(action) for action in ended]
    return {
        "changed": any(action.verb not in (NONE, FAILED) for action in planned.actions),
        "actions": rows,
        "summary": {
            verb: sum(row["action"] == verb for row in rows) for verb in sorted({row["action"] for row in rows})
        },
        "errors": [f"{row['kind']} {row['id']}: {row['error']['text']}" for row in rows if "error" in row],
        "current_hash": planned.current_hash,
        "desired_hash": planned.desired_hash,
    }


def row(action: Action) -> dict[str, Json]:
    """What is told about one thing."""
    told = {"kind": action.kind.name, "id": action.identity, "action": action.verb, "origin": action.origin}
    if isinstance(action.verdict, HomelabPveError):
        return {**told, "error": {"text": str(action.verdict), **details(action.verdict)}}
    outcome: Outcome = action.verdict
    return {
        **told,
        "plan": [step.reason for step in outcome.plan.steps] or [outcome.plan.reason],
        "before": dict(outcome.plan.before),
        "after": dict(outcome.plan.after),
        "upids": [answer for answer in outcome.answers if is_upid(answer)],
    }


def export(client: Client, params: Values) -> dict[str, Json]:
    """Answer of the module state_info."""
    wanted = [kind for kind in KINDS.values() if params.get("only") is None or kind.name in params["only"]]
    return {"changed": False, "document": observe(wanted, client, params["max_parallel"])}


STATE = ModuleAction(
    STATE_OPTIONS, converge, tuple(sorted({write for kind in KINDS.values() for write in kind.resource.writes}))
)
STATE_INFO = Question(INFO_OPTIONS, export)
