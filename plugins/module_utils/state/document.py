# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a state document, YAML or JSON, with the line on which each value stands.

JSON is read as the YAML it is. What a text may cost is bounded before anything is built from it: its size, its depth,
and how large it is with every alias written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 16 << 20
"""A server of 10,000 guests with every option is some 10 MB."""

MAX_DEPTH = 40
MAX_VALUES = 2_000_000
MAX_INCLUDES = 100

INCLUDE = "include"
"""Key of a document that names others, which it stands above."""

Place: TypeAlias = "tuple[str | int, ...]"
"""Where a value stands in a document: keys and positions."""


@dataclass(frozen=True)
class Text:
    """One text with its name; ``folder`` is where the files it includes are looked for."""

    name: str
    content: str
    folder: Path | None = None


@dataclass(frozen=True)
class Source:
    """A text that was read: its values, and the nodes they came from."""

    name: str
    values: dict[str, Json]
    node: yaml.Node

    def line(self, place: Place) -> int:
        """The line on which a value stands, or the nearest value around it."""
        node = self.node
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            node = found
        return int(node.start_mark.line) + 1


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(step, int):
        items = node.value if isinstance(node.value, list) else []
        return items[step] if step < len(items) and not isinstance(items[step], tuple) else None
    # Of merged keys the last is the one that holds.
    pairs = [pair for pair in node.value if isinstance(pair, tuple)] if isinstance(node.value, list) else []
    return next((value for key, value in reversed(pairs) if key.value == step), None)


def spelled(place: Place) -> str:
    """A place for people: ``vms[3].memory``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def read_file(path: Path) -> Text:
    """A file as text. Raises ConfigError for one that can't be read, or is too large to be a document."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"The document {path} can't be read: {error.strerror}.") from error
    try:
        return Text(str(path), content.decode(), path.parent)
    except UnicodeDecodeError:
        if len(content) > MAX_BYTES:
            raise _too_large(str(path)) from None
        raise ConfigError(f"The document {path} is no UTF-8 text.") from None


def sources(texts: Sequence[Text]) -> list[Source]:
    """The texts and what they include, in the order of their precedence: a later one stands above an earlier one."""
    found: list[Source] = []
    for text in texts:
        found += _with_included(text, (), found)
    return found


def _with_included(text: Text, above: tuple[str, ...], found: Sequence[Source]) -> list[Source]:
    if text.name in above:
        raise ConfigError(f"The document includes itself: {' -> '.join((*above, text.name))}.")
    source = read(text)
    own: list[Source] = []
    for index, name in enumerate(_included(source)):
        if text.folder is None:
            raise ConfigError(
                "Only a file can include others: this text has no folder.", text.name, source.line((INCLUDE,))
            )
        if len(found) + len(own) >= MAX_INCLUDES:
            raise ConfigError(
                f"More than {MAX_INCLUDES} documents are included.", text.name, source.line((INCLUDE, index))
            )
        own += _with_included(read_file(text.folder / name), (*above, text.name), [*found, *own])
    return [*own, source]


def _included(source: Source) -> list[str]:
    names = source.values.pop(INCLUDE, None)
    listed = [names] if isinstance(names, str) else names or []
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ConfigError("include: give a list of file names.", source.name, source.line((INCLUDE,)))
    return listed


def read(text: Text) -> Source:
    """Parse one text. Raises ConfigError with the line for what is no document, or would cost too much."""
    import yaml  # noqa: PLC0415 - a module says so by itself when a library is missing

    if len(text.content) > MAX_BYTES:
        raise _too_large(text.name)
    try:
        _check_events(text)
        loader = _loader()(text.content)
        try:
            node = loader.get_single_node()
            _check_node(text, node)
            values = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _unreadable(text, error) from error
    return Source(text.name, values, node)


def _too_large(name: str) -> ConfigError:
    return ConfigError(f"The document {name} is larger than {MAX_BYTES >> 20} MiB. Split it with include.")


def _unreadable(text: Text, error: Any) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return ConfigError(f"This is no YAML or JSON: {problem}.", text.name, mark.line + 1 if mark else None)


def _loader() -> type[yaml.CSafeLoader]:
    """A safe loader that takes 02:30 for text, not for a number of base 60, and a date for text."""
    import yaml  # noqa: PLC0415 - see read

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    dropped = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}

    class Loader(base):
        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in rows if tag not in dropped]
            for first, rows in base.yaml_implicit_resolvers.items()
        }

    digits = list("-+0123456789")
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), digits)
    number = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, digits)
    found: type[yaml.CSafeLoader] = Loader
    return found


def _check_events(text: Text) -> None:
    """Refuse what is too deep or too long before a tree is built: building one is recursive."""
    import yaml  # noqa: PLC0415 - see read

    depth = 0
    for number, event in enumerate(yaml.parse(text.content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or number > 2 * MAX_VALUES:
            what = f"nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else f"of more than {MAX_VALUES} values"
            raise ConfigError(f"The document is {what}.", text.name, event.start_mark.line + 1)


def _check_node(text: Text, node: yaml.Node | None) -> None:
    """A document is a mapping; with its aliases written out it is of a bearable size; no key stands twice."""
    import yaml  # noqa: PLC0415 - see read

    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("A document is a mapping of kinds, as in 'vms: [...]'.", text.name, 1)
    sizes: dict[int, int] = {}
    _measure(text, node, sizes, ())


def _measure(text: Text, node: yaml.Node, sizes: dict[int, int], above: tuple[int, ...]) -> int:
    """How many values a node is with its aliases written out. Raises ConfigError when that is too many."""
    if id(node) in above:
        raise ConfigError("A value contains itself.", text.name, node.start_mark.line + 1)
    if id(node) in sizes:
        return sizes[id(node)]
    if isinstance(node.value, list):
        _refuse_same_keys(text, node)
        size = 1 + sum(_measure(text, child, sizes, (*above, id(node))) for child in _children(node))
    else:
        size = 1
    if size > MAX_VALUES:
        raise ConfigError(
            f"With its aliases written out the document has more than {MAX_VALUES} values.",
            text.name,
            node.start_mark.line + 1,
        )
    sizes[id(node)] = size
    return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    for child in node.value:
        yield from child if isinstance(child, tuple) else (child,)


def _refuse_same_keys(text: Text, node: yaml.Node) -> None:
    seen: dict[Any, int] = {}
    for pair in node.value:
        if isinstance(pair, tuple) and isinstance(pair[0].value, str) and pair[0].value != "<<":
            line = pair[0].start_mark.line + 1
            if pair[0].value in seen:
                raise ConfigError(
                    f"The key '{pair[0].value}' stands here and on line {seen[pair[0].value]}.", text.name, line
                )
            seen[pair[0].value] = line
