# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a resource or a question to an Ansible module: argument spec, check mode, diff, result, failure."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    FindingsError,
    HomelabPveError,
    PveError,
    StepFailedError,
)

TASK_TIMEOUT = 600.0
"""Seconds a task may take where a module has no option for it."""


def _env(name: str) -> dict[str, Json]:
    return {"fallback": (env_fallback, [name])}


CONNECTION_OPTIONS: Options = {
    "host": {"type": "str", **_env("PVE_HOST")},
    "port": {"type": "int", "default": 8006, **_env("PVE_PORT")},
    "user": {"type": "str", **_env("PVE_USER")},
    "password": {"type": "str", "no_log": True, **_env("PVE_PASSWORD")},
    "token_id": {"type": "str", "no_log": False, **_env("PVE_TOKEN_ID")},
    "token_secret": {"type": "str", "no_log": True, **_env("PVE_TOKEN_SECRET")},
    "ca_path": {"type": "path", **_env("PVE_CA")},
    "fingerprint": {"type": "str", **_env("PVE_FINGERPRINT")},
    "validate_certs": {"type": "bool", "default": True, **_env("PVE_VALIDATE_CERTS")},
    "timeout": {"type": "float", "default": 30, **_env("PVE_TIMEOUT")},
    "connect_timeout": {"type": "float", "default": 5},
    "retries": {"type": "int", "default": 3, **_env("PVE_RETRIES")},
    "transport": {
        "type": "str",
        "default": "https",
        "choices": ["https", "ssh", "local"],
        **_env("PVE_TRANSPORT"),
    },
    "ssh_config": {"type": "path"},
    "ssh_user": {"type": "str"},
    "ssh_port": {"type": "int"},
    "ssh_key_path": {"type": "path", "no_log": False},
    "ssh_known_hosts": {"type": "path"},
}

UNTOLD = frozenset({"document"})
"""Options that aren't echoed: in a document stand other modules' options, secrets among them."""

ENTRY_RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")

Work: TypeAlias = Callable[[Client, Values, bool], dict[str, Json]]
"""What a module does: client, parameters, whether it is a dry run -> the module's result."""


WorkHere: TypeAlias = Callable[[Values, bool], dict[str, Json]]
"""The same for a module that uses no Proxmox VE API: parameters, whether it is a dry run -> the module's result."""


@dataclass(frozen=True)
class Question:
    """A module that only reads: ``ask`` answers with the module's result."""

    options: Options
    ask: Callable[[Client, Values], dict[str, Json]]
    rules: Mapping[str, Sequence[Json]] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """A module that is neither: ``work`` answers with its result, ``writes`` are the endpoints it may write to."""

    options: Options
    work: Work
    writes: tuple[str, ...]
    rules: Mapping[str, Sequence[Json]] = field(default_factory=dict)


def run(resource: Resource) -> None:
    """Main function of a module that declares a resource."""

    def work(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
        timeout = params.get("wait_timeout") or TASK_TIMEOUT
        outcome = reconcile(resource, params, client, dry_run=dry_run, timeout=timeout)
        told = resource.told(params, outcome.answers) if resource.told else {}
        return {**result(resource, outcome), **told}

    _run_work(resource.argument_spec(), work, resource.rules)


def ask(question: Question) -> None:
    """Main function of a module that only reads."""
    _run_work(question.options, lambda client, params, _dry: question.ask(client, params), question.rules)


def act(action: Action) -> None:
    """Main function of a module that is neither a resource nor a question."""
    _run_work(action.options, action.work, action.rules)


def _run_work(options: Options, work: Work, rules: Mapping[str, Sequence[Json]] | None = None) -> None:
    """Ends the process with the result or the failure of a module that uses the API."""

    def connected(params: Values, dry_run: bool) -> dict[str, Json]:
        client = connect(Connection.from_params(params))
        try:
            return work(client, params, dry_run)
        finally:
            client.close()

    run_here({**CONNECTION_OPTIONS, **options}, connected, rules)


def run_here(options: Options, work: WorkHere, rules: Mapping[str, Sequence[Json]] | None = None) -> None:
    """Main function of a module that uses no API: the same ending, without the options of a connection."""
    module = _Module(argument_spec=options, supports_check_mode=True, **(rules or {}))
    with _failures_reported(module):
        answer = work(module.params, module.check_mode)
    module.exit_json(**answer)


class _Module(AnsibleModule):  # type: ignore[misc]  # Ansible ships no types
    """An AnsibleModule that is at home with lists of options.

    Says which entry is wrong, where AnsibleModule only names the option, and doesn't echo what an entry leaves unset:
    with a hundred entries of eighty options, Ansible would be longer busy with that than with all else.
    """

    def _load_params(self) -> None:
        super()._load_params()
        # What doesn't validate is dropped from the parameters.
        self.as_given = deepcopy(self.params)

    def exit_json(self, **result: Json) -> None:
        """Succeed."""
        super().exit_json(**self._complete(result))

    def fail_json(self, msg: str, **result: Json) -> None:
        """Fail; a refusal of the parameters names the entries."""
        wrong = wrong_entries(self.argument_spec, self.as_given) if self.validation_result.error_messages else []
        super().fail_json(msg="\n".join(wrong) or msg, **self._complete(result))

    def _complete(self, result: dict[str, Json]) -> dict[str, Json]:
        for warning in result.pop("warnings", ()):
            self.warn(warning)
        given = {name: _set(value) for name, value in self.params.items() if name not in UNTOLD}
        return {**result, "invocation": {"module_args": given}}


def _set(value: Json) -> Json:
    """An option's value, without what the entries of a list leave unset."""
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in item.items() if v is not None} if isinstance(item, Mapping) else item for item in value]


def wrong_entries(spec: Options, params: Values) -> list[str]:
    """What is wrong with the entries of options that are lists of dictionaries: ``guests[3] (web): ...``."""
    lists = [(name, option) for name, option in spec.items() if option.get("elements") == "dict"]
    return [
        f"{name}[{index}]{_called(entry)}: {text}"
        for name, option in lists
        for index, entry in enumerate(params[name] if isinstance(params.get(name), list) else ())
        for text in _wrong(option, entry)
    ]


def _wrong(option: Values, entry: Values) -> list[str]:
    if not isinstance(entry, Mapping):
        return [f"{type(entry).__name__} is not a dictionary of options"]
    rules = {rule: option[rule] for rule in ENTRY_RULES if rule in option}
    validator = ArgumentSpecValidator(option.get("options") or {}, **rules)
    return [
        f"unknown option {error.msg}" if isinstance(error, UnsupportedError) else str(error.msg)
        for error in validator.validate(entry).errors
    ]


def _called(entry: Values) -> str:
    name = (entry.get("name") or entry.get("vmid")) if isinstance(entry, Mapping) else None
    return f" ({name})" if name else ""


def result(resource: Resource, outcome: Outcome) -> dict[str, Json]:
    """A module's result. ``plan`` and ``diff`` are the same in check mode."""
    plan = outcome.plan
    told = resource.result(outcome.state)
    return {
        "changed": outcome.changed,
        "diff": {"before": dict(plan.before), "after": dict(plan.after)},
        "plan": [step.reason for step in plan.steps] or [plan.reason],
        **told,
        **plan.extra,
        "warnings": [*outcome.warnings, *told.get("warnings", ())],
    }


@contextmanager
def _failures_reported(module: AnsibleModule) -> Iterator[None]:
    try:
        yield
    except HomelabPveError as error:
        found = error.result if isinstance(error, FindingsError) else {}
        module.fail_json(msg=str(error), error=details(error), **found)
    except ImportError as error:
        library = (error.name or "a library").partition(".")[0]
        module.fail_json(msg=missing_required_lib(library), exception=traceback.format_exc())


def details(error: HomelabPveError) -> dict[str, Json]:
    """An error for programs: its kind, and what PVE said where it said something."""
    cause = error.cause if isinstance(error, StepFailedError) else error
    found: dict[str, Json] = {"kind": type(cause).__name__}
    if isinstance(cause, PveError):
        found |= {"status": cause.status, "message": cause.message, "errors": cause.errors}
    return found
