# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the modules state and state_info: options in, result out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Plan, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, FindingsError, HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.module import Action as ModuleAction
from ansible_collections.homelab.pve.plugins.module_utils.module import Question, details
from ansible_collections.homelab.pve.plugins.module_utils.state import catalog_network
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import (
    CREATE,
    FAILED,
    SKIPPED,
    Action,
    numbers,
    sides,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.carrying import carry, settled
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_guests import acquainted
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, read_file
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import Wish, load
from ansible_collections.homelab.pve.plugins.module_utils.state.guards import moved, refusals
from ansible_collections.homelab.pve.plugins.module_utils.state.journal import Journal, now
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.observing import observe
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import ALL, Planned, plan
from ansible_collections.homelab.pve.plugins.module_utils.state.references import nowhere
from ansible_collections.homelab.pve.plugins.module_utils.state.secrecy import masked, secret_values

DOCUMENT_OPTIONS: Options = {
    "files": {"type": "list", "elements": "path", "default": []},
    "rendered": {"type": "dict", "default": {}, "no_log": True},
    "document": {"type": "dict"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "node": {"type": "str"},
    "nodes": {"type": "dict", "default": {}},
    "only": {"type": "list", "elements": "str"},
    "max_parallel": {"type": "int", "default": 8},
}
"""What a module that reads documents is told of them."""

STATE_OPTIONS: Options = {
    **DOCUMENT_OPTIONS,
    "prune": {"type": "list", "elements": "str", "default": []},
    "allow_delete": {"type": "bool", "default": False},
    "allow_restart": {"type": "bool", "default": False},
    "max_delete_percent": {"type": "int", "default": 20},
    "expect": {"type": "dict"},
    "journal": {"type": "path"},
    "run": {"type": "str"},
    **catalog_network.OPTIONS,
}

INFO_OPTIONS: Options = {
    "only": {"type": "list", "elements": "str"},
    "max_parallel": {"type": "int", "default": 8},
}

BOUNDS: Mapping[str, tuple[int, int]] = {"max_parallel": (1, 64), "max_delete_percent": (0, 100)}
"""The least and the most that options may be."""

CAPABILITIES: Values = {
    "supports_rollback": True,
    "supports_checkpoints": True,
    "supports_verification": True,
    "atomic_operations": False,
}
"""What can be done with a state; Proxmox VE's own operations are tasks, so a document isn't applied in one piece."""


def texts(params: Values) -> list[Text]:
    """The documents that the options name, the inline one above the files. Raises ConfigError where there is none."""
    inline = params.get("document")
    if inline is None and not params["files"]:
        raise ConfigError("There is no document. Give files, or a document.")
    own = [Text("document", json.dumps(inline, indent=1))] if inline is not None else []
    return [*(_file(Path(path), params["rendered"]) for path in params["files"]), *own]


def _file(path: Path, rendered: Mapping[str, str]) -> Text:
    """A file, or what a template in it became."""
    text = rendered.get(str(path))
    return read_file(path) if text is None else Text(str(path), text, path.parent)


def named(option: str, names: Sequence[str] | None) -> list[str]:
    """The kinds that an option names: each by its name, those of an area by the area's, all by ``all``.

    Raises ConfigError for a name that is none.
    """
    found: dict[str, None] = {}
    for name in names or ():
        matching = [kind for kind in KINDS if name in (ALL, kind, kind.partition(".")[0])]
        if not matching:
            raise ConfigError(f"Option '{option}': there is no kind '{name}'. Known: {ALL}, {', '.join(KINDS)}.")
        found |= dict.fromkeys(matching)
    return list(found)


def chosen(params: Values) -> dict[str, Kind]:
    """The kinds that are looked at."""
    only = named("only", params.get("only"))
    return {name: kind for name, kind in KINDS.items() if params.get("only") is None or name in only}


def wished(params: Values, kinds: Mapping[str, Kind], pruned: Collection[str] = ()) -> list[Wish]:
    """What the documents say of some kinds. Raises ConfigError for documents that are wrong, whatever they speak of."""
    found = load(
        texts(params), KINDS, params.get("node"), secrets=params["secrets"], nodes=params["nodes"], pruned=pruned
    )
    return [wish for wish in acquainted(found) if wish.declared.kind.name in kinds]


def check_numbers(params: Values) -> None:
    """Raise ConfigError for a number that is out of its bounds."""
    for name, (least, most) in BOUNDS.items():
        value = params.get(name)
        if value is not None and not least <= value <= most:
            raise ConfigError(f"Option '{name}': {value} is not from {least} to {most}.")


def converge(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Plan, and unless it is a dry run, apply. Raises FindingsError with the whole result for whatever failed."""
    check_numbers(params)
    kinds = chosen(params)
    prune = [name for name in named("prune", params["prune"]) if name in kinds]
    wishes = wished(params, kinds, prune)
    planned = _with_secrets(plan(wishes, kinds, client, prune, params["max_parallel"]), wishes)
    hidden = sorted(_hidden(params, wishes), key=len, reverse=True)
    found = _told(planned, planned.actions, params, hidden)
    if lines := nowhere(wishes, _plans(planned), client):
        told = ["The document names what is not there, nothing was changed:", *lines]
        raise FindingsError("\n".join(told), {**found, "errors": [*found["errors"], *lines]})
    if params.get("expect") and (difference := moved(params["expect"], found)):
        raise FindingsError(f"{difference}\nNothing was changed.", found)
    kept_back = [refusal.text for refusal in refusals(planned, params)]
    if dry_run:
        return _judged({**found, "warnings": [*found["warnings"], *kept_back]})
    if kept_back:
        raise FindingsError("\n".join((*kept_back, "Nothing was changed.")), found)
    journal = Journal(_path(params.get("journal")), params.get("run") or uuid.uuid4().hex, hidden)
    return _judged(_told(planned, carry(planned, client, params, journal), params, hidden))


def _plans(planned: Planned) -> dict[tuple[str, str], Plan | None]:
    """The plans of changes; None for what is made, and where the details can't be told."""
    telling = {action.key: action.outcome for action in planned.actions if action.verb != CREATE}
    return {action.key: found.plan if (found := telling.get(action.key)) else None for action in planned.actions}


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


def _judged(found: dict[str, Json]) -> dict[str, Json]:
    if found["errors"]:
        raise FindingsError("\n".join(found["errors"]), found)
    return found


def _with_secrets(planned: Planned, wishes: Iterable[Wish]) -> Planned:
    """The plan, in which nothing is made whose secret nobody has given."""
    lacking = {(wish.declared.kind.name, wish.declared.identity): wish for wish in wishes if wish.missing}
    stages = tuple(tuple(_refused(action, lacking.get(action.key)) for action in stage) for stage in planned.stages)
    return replace(planned, stages=stages)


def _refused(action: Action, wish: Wish | None) -> Action:
    if wish is None or action.verb != CREATE:
        return action
    try:
        wish.refuse_without_secrets()
    except ConfigError as error:
        return replace(action, verdict=error, later=None)
    return action


def _hidden(params: Values, wishes: Iterable[Wish]) -> set[str]:
    """Every secret of the documents, and those that were handed over beside them."""
    given = {str(value) for value in params["secrets"].values() if value not in (None, "")}
    return given | {value for wish in wishes for value in secret_values(_spec(wish), wish.values)}


def _spec(wish: Wish) -> Mapping[str, Values]:
    return wish.declared.kind.resource.argument_spec()


def _told(planned: Planned, ended: Sequence[Action], params: Values, hidden: Sequence[str]) -> dict[str, Json]:
    """The module's result, without secrets."""
    found = {
        name: value if name == "actions" else masked(value, hidden) for name, value in result(planned, ended).items()
    }
    found["actions"] = [{**masked(row, hidden), "told": row["told"]} for row in found["actions"]]
    names = [str(path) for path in params["files"]] + ["document"] * (params.get("document") is not None)
    return {**found, "documents": names, "timestamp": now()}


def result(planned: Planned, ended: Sequence[Action]) -> dict[str, Json]:
    """What is planned, or was done, about everything."""
    rows = [row(action) for action in ended]
    return {
        "changed": any(action.changes for action in planned.actions),
        "actions": rows,
        "summary": numbers(planned.actions),
        "plan": [f"{kind} {name}: {words}" for kind, name, words in _lines(planned)],
        "diff": sides(planned.actions),
        "errors": [f"{row['kind']} {row['id']}: {row['error']['text']}" for row in rows if row["error"]],
        "warnings": [warning for action in ended for warning in _warnings(action)],
        "current_hash": planned.current_hash,
        "desired_hash": planned.desired_hash,
    }


def _lines(planned: Planned) -> Iterator[tuple[str, str, str]]:
    for action in planned.actions:
        if action.changes:
            yield action.kind.name, action.identity, ", ".join(action.words)


def _warnings(action: Action) -> list[str]:
    outcome = action.ended or action.outcome
    return [f"{action.kind.name} {action.identity}: {text}" for text in (outcome.warnings if outcome else ())]


def row(action: Action) -> dict[str, Json]:
    """What is told about one thing."""
    done = settled(action) if not action.changes and action.status not in (FAILED, SKIPPED) else action
    outcome = done.outcome
    return {
        "kind": done.kind.name,
        "id": done.identity,
        "action": done.verb,
        "status": done.status,
        "origin": done.origin,
        "node": done.node,
        "pruned": done.pruned,
        "restart": done.restarts,
        "plan": done.words,
        "before": dict(outcome.plan.before) if outcome else {},
        "after": dict(outcome.plan.after) if outcome else {},
        "pending": list(outcome.plan.extra.get("pending", ())) if outcome else [],
        "told": done.told,
        "upids": done.upids,
        "before_hash": done.before_hash,
        "after_hash": done.after_hash,
        "error": _error(done.error) if done.error else None,
    }


def _error(error: HomelabPveError) -> dict[str, Json]:
    return {"text": str(error), **details(error)}


def export(client: Client, params: Values) -> dict[str, Json]:
    """Answer of the module state_info."""
    check_numbers(params)
    found = observe(list(chosen(params).values()), client, params["max_parallel"])
    told = {"document": found.document, "warnings": found.warnings, "capabilities": CAPABILITIES}
    return {"changed": False, "timestamp": now(), **told}


STATE = ModuleAction(
    STATE_OPTIONS, converge, tuple(sorted({write for kind in KINDS.values() for write in kind.resource.writes}))
)
STATE_INFO = Question(INFO_OPTIONS, export)
