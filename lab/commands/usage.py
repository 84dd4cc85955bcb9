# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage texts made of the schema (getopt_usage in PVE/RESTHandler.pm, print_usage_short in PVE/CLIHandler.pm).

The long form has no descriptions: the schema at hand has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lab.commands.options import Properties

# Where Text::Wrap breaks lines, and how far the second one is indented.
WIDTH, INDENT = 75, " " * 13


def positional(name: str, schema: Mapping[str, Any]) -> str:
    """A word of the command line: ``<vmid>``, ``[<extra-args>]``, ``{<vmid>}`` for a list."""
    if "-list" in str(schema.get("format", "")):
        return f"{{<{name}>}}"
    return f"[<{name}>]" if schema.get("optional") else f"<{name}>"


def options_of(properties: Properties, hidden: Collection[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The options in order; ``net[n]`` stands for ``net0`` and its like, in the schema too."""
    for name in sorted(set(properties) - set(hidden)):
        yield name, properties[name]


def type_name(schema: Mapping[str, Any]) -> str:
    """The type as the first line of a usage says it."""
    if "oneOf" in schema:
        return "multiple"
    return f"alias for '{schema['alias']}'" if "alias" in schema else str(schema.get("type", "string"))


def is_required(schema: Mapping[str, Any]) -> bool:
    """Whether an option must be given; one that only some types have need not."""
    return not schema.get("optional") and "alias" not in schema and "instance-types" not in schema


def short(
    prefix: str, properties: Properties, words: Sequence[str], hidden: Collection[str] = (), *, formats: bool = False
) -> str:
    """One line with its line end: ``qm clone <vmid> <newid> [OPTIONS]``."""
    shown = [positional(name, properties[name]) for name in words if name in properties]
    left = list(options_of(properties, {*words, *hidden}))
    shown += [f"--{name} <{type_name(schema)}>" for name, schema in left if is_required(schema)]
    tail = (" [OPTIONS]" if left else "") + (" [FORMAT_OPTIONS]" if formats else "")
    return f"{prefix} {' '.join(shown)}{tail}\n"


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return ""
    return f" ({'-N' if low is None else low} - {'N' if high is None else high})"


def _format_text(parts: Properties) -> str:
    """The parts of a value, as ``[enabled=]<1|0> [,type=<virtio|isa>]``: the default key, required ones, the rest."""
    known = {name: schema for name, schema in parts.items() if "alias" not in schema}
    default = next((name for name, schema in known.items() if schema.get("default_key")), "")
    order = sorted(known, key=lambda name: (name != default, bool(known[name].get("optional")), name))
    texts = []
    for place, name in enumerate(order):
        schema = known[name]
        comma = "," if place else ""
        key = f"[{name}=]" if name == default else f"{name}="
        text = f"{comma}{key}{_part_type(schema)}"
        texts.append(f"[{text}]" if schema.get("optional") else text)
    return " ".join(texts)


def _part_type(schema: Mapping[str, Any]) -> str:
    if "typetext" in schema:
        return str(schema["typetext"])
    if "enum" in schema:
        return f"<{'|'.join(schema['enum'])}>" if len(schema["enum"]) <= 3 else "<enum>"  # noqa: PLR2004
    return {"boolean": "<1|0>"}.get(str(schema.get("type")), f"<{schema.get('format', schema.get('type', 'string'))}>")


def type_text(schema: Mapping[str, Any]) -> str:
    """The type as the long form says it (schema_get_type_text in PVE/JSONSchema.pm)."""
    kind = str(schema.get("type", "string"))
    if "typetext" in schema:
        return str(schema["typetext"])
    if "enum" in schema:
        return f"<{' | '.join(sorted(map(str, schema['enum'])))}>"
    if "pattern" in schema:
        return str(schema["pattern"])
    if isinstance(schema.get("format"), dict):
        return _format_text(schema["format"])
    return f"<{kind}>" + (_range(schema) if kind in ("integer", "number") else "")


def _described(name: str, schema: Mapping[str, Any]) -> str:
    default = f"   (default={schema['default']})" if "default" in schema else ""
    import textwrap  # noqa: PLC0415 - only the long form needs it

    line = f"  {name:<10} {type_text(schema)}{default}"
    wrapped = textwrap.wrap(line, WIDTH, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*wrapped, "", ""])


def long(
    prefix: str, properties: Properties, words: Sequence[str], hidden: Collection[str] = (), *, formats: bool = False
) -> str:
    """The long form: the short one, and a paragraph for each word and option."""
    fixed = [_described(f"<{name}>", properties[name]) for name in words if name in properties]
    options = [_described(f"--{name}", schema) for name, schema in options_of(properties, {*words, *hidden})]
    return f"USAGE: {short(prefix, properties, words, hidden, formats=formats)}\n{''.join([*fixed, *options])}"
