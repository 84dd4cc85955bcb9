# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as people write them: a document with a list ``policies``, each checked against what its check takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.document import (
    Place,
    Source,
    Text,
    read_file,
    sources,
    spelled,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.policy import SEVERITIES, WHERE, Check, bounds
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_checks import CHECKS

POLICIES, VERSION = "policies", 1
INLINE = "policies"
"""What a policy in the task itself is said to stand in."""


@dataclass(frozen=True)
class Policy:
    """What is wanted of some things. ``exempt`` are those that needn't be so: patterns of their ids -> why."""

    name: str
    check: Check
    where: Values
    options: Values
    severity: str
    reason: str
    exempt: Mapping[str, str]
    origin: str


def common(check: str) -> dict[str, dict[str, Json]]:
    """What every policy has."""
    about = CHECKS[check].about
    return {
        "name": {"type": "str", "required": True},
        "check": {"type": "str", "required": True},
        "severity": {"type": "str", "choices": list(SEVERITIES), "default": "error"},
        "reason": {"type": "str", "default": ""},
        "where": {"type": "dict", "options": {key: dict(spec) for key, spec in WHERE[about].items()}},
        "exempt": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"id": {"type": "str", "required": True}, "reason": {"type": "str", "required": True}},
        },
    }


def texts(files: Sequence[str], inline: Sequence[Json] | None) -> list[Text]:
    """The policies that the options name, those of the task above those of the files."""
    own = [Text(INLINE, json.dumps({POLICIES: list(inline)}, indent=1))] if inline is not None else []
    return [*(read_file(Path(path)) for path in files), *own]


def load(given: Sequence[Text]) -> list[Policy]:
    """The policies of some texts; of those of the same name the last holds.

    Raises ConfigError naming everything that is wrong, with file and line.
    """
    wrong: list[str] = []
    found: dict[str, Policy] = {}
    for source in sources(given):
        mine: dict[str, Policy] = {}
        for place, row in _rows(source, wrong):
            policy = _policy(source, place, row, wrong)
            if policy and policy.name in mine:
                wrong.append(
                    f"{_at(source, place)}: policy {policy.name} stands at {mine[policy.name].origin} already."
                )
            mine |= {policy.name: policy} if policy else {}
        found |= mine
    if wrong:
        raise ConfigError("The policies are wrong, nothing was asked of the server:\n" + "\n".join(wrong))
    return list(found.values())


def _rows(source: Source, wrong: list[str]) -> Iterator[tuple[Place, Values]]:
    for key, value in source.values.items():
        if key == POLICIES and isinstance(value, list):
            yield from _mappings(source, value, wrong)
        elif key == POLICIES:
            wrong.append(f"{_at(source, (key,))}: has to be a list.")
        elif (key, value) != ("version", VERSION) and not str(key).startswith(("x-", ".")):
            wrong.append(f"{_at(source, (key,))}: is not known. Known: version ({VERSION}), {POLICIES}.")


def _mappings(source: Source, rows: Sequence[Json], wrong: list[str]) -> Iterator[tuple[Place, Values]]:
    for index, row in enumerate(rows):
        if isinstance(row, Mapping):
            yield (POLICIES, index), row
        else:
            wrong.append(f"{_at(source, (POLICIES, index))}: has to be a mapping with name and check.")


def _at(source: Source, place: Place) -> str:
    return f"{source.name}:{source.line(place)}: {spelled(place)}"


def _policy(source: Source, place: Place, row: Values, wrong: list[str]) -> Policy | None:
    check = str(row.get("check") or "")
    if check not in CHECKS:
        wrong.append(f"{_at(source, (*place, 'check'))}: {_unknown_check(check)}")
        return None
    spec = {**common(check), **{name: dict(option) for name, option in CHECKS[check].options.items()}}
    result = ArgumentSpecValidator(spec).validate(dict(row))
    errors = list(result.errors)
    for error in errors:
        wrong.append(f"{_at(source, (*place, *_part(error, row)))}: {_said(error, spec)}")
    values = result.validated_parameters
    faults = [] if errors else list(_faults(values))
    wrong += [f"{_at(source, (*place, *part))}: {text}" for part, text in faults]
    if errors or faults:
        return None
    return _made(values, CHECKS[check], _at(source, place))


def _unknown_check(check: str) -> str:
    if not check:
        return f"a policy needs a check: one of {', '.join(sorted(CHECKS))}."
    near = get_close_matches(check, CHECKS, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"there is no check '{check}'.{hint} Known: {', '.join(sorted(CHECKS))}."


def _faults(values: Values) -> Iterator[tuple[Place, str]]:
    """What argument specs don't see."""
    for index, item in enumerate((values.get("where") or {}).get("vmids") or ()):
        try:
            bounds(item)
        except ValueError as error:
            yield ("where", "vmids", index), f"{error}."
    if values.get("pattern") is not None:
        try:
            re.compile(values["pattern"])
        except re.error as error:
            yield ("pattern",), f"'{values['pattern']}' is no regular expression: {error}."


def _made(values: Values, check: Check, origin: str) -> Policy:
    defaults = {name: spec["default"] for name, spec in WHERE[check.about].items() if "default" in spec}
    return Policy(
        name=values["name"],
        check=check,
        where={**defaults, **(values.get("where") or {})},
        options={name: values.get(name) for name in check.options},
        severity=values["severity"],
        reason=values["reason"],
        exempt={item["id"]: item["reason"] for item in values["exempt"]},
        origin=origin,
    )


def _said(error: Exception, spec: Options) -> str:
    if isinstance(error, UnsupportedError) and " found in " not in str(error):
        return f"unknown parameter {error}. Known: {', '.join(sorted(spec))}."
    return f"{error}."


def _part(error: Exception, row: Values) -> Place:
    """The parameter an error is about, as far as its words tell."""
    words = str(error).replace("'", " ").replace(".", " ").replace(",", " ").split()
    return next(((word,) for word in words if word in row), ())
