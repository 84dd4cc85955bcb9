# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a module beside the parameters of the endpoints it writes to: names, types, choices, limits.

Where the two differ on purpose, ``options/<module>.yml`` says why:

``not_offered``  parameter of Proxmox VE -> why no option stands for it
``ours``         option -> why it is there, though Proxmox VE has no such parameter
``renamed``      option -> why it is not called as Proxmox VE calls it
``differs``      option -> why its type, its choices or its limits are others
``endpoints``    endpoint -> why it isn't in the description: of another release, for example
``compared``     the endpoints the options are those of, where others of the module are steps on the way; none at all
                 where the options are of another kind

Families like ``net[n]`` stand for options by their stems, as ``net``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Resource
from ansible_collections.homelab.pve.plugins.module_utils.module import CONNECTION_OPTIONS, Action

Schema = Mapping[str, Mapping[str, Mapping[str, Any]]]
REASONS = Path(__file__).parent / "options"
KINDS = ("not_offered", "ours", "renamed", "differs")

# Parameters every module deals with by itself: the place of the request, the engine's own.
NEVER_OPTIONS = frozenset({"delete", "digest"})
# Options every module may have.
ALWAYS_OURS = frozenset({"state", "update_password", "wait_timeout", *CONNECTION_OPTIONS})
TYPES: Mapping[str, tuple[str, ...]] = {
    "integer": ("int",),
    "number": ("float", "int"),
    "boolean": ("bool",),
    "array": ("list",),
    # What Proxmox VE takes as text is often a list or a table in truth.
    "string": ("str", "path", "list", "dict", "raw"),
}


@dataclass(frozen=True)
class Rules:
    """What several endpoints say of one parameter; a limit or a list of choices counts where all of them have it."""

    types: frozenset[str]
    choices: frozenset[str] | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Option:
    """An option of a module, and the row of the table of fields it comes from, if it does."""

    name: str
    spec: Mapping[str, Any]
    row: Field | None = field(default=None, compare=False)

    @property
    def parameter(self) -> str:
        """Proxmox VE's name of it."""
        return self.row.key if self.row else self.name.replace("_", "-")


def endpoints(schema: Schema) -> dict[str, tuple[str, str]]:
    """``PUT /storage/{}`` -> method and path of the description, for everything that can be written to."""
    return {
        f"{method} {_anonymous(path)}": (method, path)
        for path, methods in schema.items()
        for method in methods
        if method in ("POST", "PUT", "DELETE")
    }


def _anonymous(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def parameters(schema: Schema, writes: Iterable[str]) -> dict[str, Rules]:
    """The parameters of the declared endpoints that aren't part of their paths."""
    known = endpoints(schema)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for method, path in (known[write] for write in writes if write in known):
        for name, said in (schema[path][method].get("parameters") or {}).items():
            if f"{{{name}}}" not in path and name not in NEVER_OPTIONS:
                found.setdefault(name, []).append(said)
    return {name: _rules(rows) for name, rows in found.items()}


def _rules(rows: list[Mapping[str, Any]]) -> Rules:
    choices = [frozenset(map(str, row["enum"])) for row in rows if row.get("enum")]
    # Some limits are written as text.
    lows, highs = ([float(row[key]) for row in rows if key in row] for key in ("minimum", "maximum"))
    return Rules(
        types=frozenset(str(row.get("type", "string")) for row in rows),
        choices=frozenset().union(*choices) if len(choices) == len(rows) else None,
        low=min(lows) if len(lows) == len(rows) else None,
        high=max(highs) if len(highs) == len(rows) else None,
    )


def options(found: Resource | Action) -> list[Option]:
    """A module's options, those of the connection and those that name the place apart."""
    if isinstance(found, Action):
        return [Option(name, spec) for name, spec in found.options.items()]
    rows = {row.name: row for row in found.fields}
    return [Option(name, spec, rows.get(name)) for name, spec in found.argument_spec().items()]


def places(schema: Schema, writes: Iterable[str]) -> set[str]:
    """The variables of the endpoints' paths."""
    known = endpoints(schema)
    paths = (known[write][1] for write in writes if write in known)
    return {part.strip("{}") for path in paths for part in path.split("/") if part.startswith("{")}


def differences(
    schema: Schema, found: Resource | Action, compared: list[str] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Every difference: its kind (see above), the option or parameter, and what it is in words."""
    if compared == []:
        return
    offered, asked = options(found), parameters(schema, found.writes if compared is None else compared)
    where = places(schema, found.writes)
    for name in sorted(asked.keys() - {_asked(option, asked) for option in offered} - where):
        yield "not_offered", name, "no option stands for this parameter"
    for option in offered:
        name = _asked(option, asked)
        if name in asked:
            yield from _compared(option, name, asked[name])
        elif option.name not in ALWAYS_OURS and option.name not in where:
            yield "ours", option.name, "Proxmox VE has no such parameter"


def _asked(option: Option, asked: Mapping[str, Rules]) -> str:
    """The parameter an option stands for: Proxmox VE writes some names with `-`, some with `_`."""
    names = (option.parameter, option.name, f"{option.name}[n]")
    return next((name for name in names if name in asked), option.parameter)


def _compared(option: Option, name: str, rules: Rules) -> Iterator[tuple[str, str, str]]:
    if name.endswith("[n]"):
        return
    if option.name != name.replace("-", "_"):
        yield "renamed", option.name, f"Proxmox VE calls it {name}"
    kind = str(option.spec.get("type", "str"))
    if not any(kind in TYPES[said] for said in rules.types):
        yield "differs", option.name, f"its type is {kind}, Proxmox VE's is {', '.join(sorted(rules.types))}"
    choices = option.spec.get("choices")
    # An empty text is what takes a value away.
    if rules.choices is not None and kind == "str" and frozenset(map(str, choices or ())) - {""} != rules.choices:
        yield "differs", option.name, f"its choices are {choices}, Proxmox VE's are {sorted(rules.choices)}"
    if option.row is not None:
        yield from _limits(option.row, rules)


def _limits(row: Field, rules: Rules) -> Iterator[tuple[str, str, str]]:
    for limit, beyond in ((rules.low, -1), (rules.high, 1)):
        if limit is None or row.argument()["type"] not in ("int", "float"):
            continue
        if not _accepted(row, limit):
            yield "differs", row.name, f"it refuses {limit:.12g}, Proxmox VE's limit"
        if _accepted(row, limit + beyond):
            yield "differs", row.name, f"it takes {limit + beyond:.12g}, Proxmox VE's limit is {limit:.12g}"


def _accepted(row: Field, value: float) -> bool:
    try:
        row.codec.parse(value)
    except ValueError:
        return False
    return True


def reasons(module: str) -> dict[str, dict[str, str]]:
    """The written reasons of a module, by kind and name."""
    return {kind: rows for kind, rows in _written(module).items() if kind != "compared"}


def compared(module: str) -> list[str] | None:
    """The endpoints a module's options are those of, None for all it writes to."""
    return _written(module).get("compared")


def _written(module: str) -> dict[str, Any]:
    path = REASONS / f"{module}.yml"
    return yaml.safe_load(path.read_text()) if path.is_file() else {}
