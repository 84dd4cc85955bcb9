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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 16 << 20
"""A server of 10,000 guests with every option is some 10 MB."""

MAX_DEPTH = 40
MAX_VALUES = 1_000_000
"""Keys count, too: 10,000 guests with fifty options each. A value costs some 600 bytes while a text is read."""

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
        return _line(node.start_mark)


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
    content = _content(path)
    if len(content) > MAX_BYTES:
        raise _too_large(str(path))
    try:
        return Text(str(path), content.decode("utf-8-sig"), path.parent)
    except UnicodeDecodeError:
        raise ConfigError(f"The document {path} is no UTF-8 text.") from None


def _content(path: Path) -> bytes:
    """What is in a file, one byte more than a document may have at most."""
    try:
        # A pipe or a device may never end.
        if path.exists() and not path.is_file():
            raise ConfigError(f"The document {path} can't be read: it is no regular file.")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"The document {path} can't be read: {error.strerror}.") from error


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
    content = _as_yaml(text.content)
    try:
        _check_events(text.name, content)
        loader = _loader()(content)
        try:
            node = _checked(text, loader.get_single_node())
            values = loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(text, error) from error
    return Source(text.name, values, node)


SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


NOT_IN_YAML = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)}
"""What JSON may have in a text as it is, and YAML refuses or takes for the end of a line -> how YAML writes it."""


def _as_yaml(content: str) -> str:
    """JSON as the YAML it nearly is: what JSON writes as two halves of a character, YAML has no such words for."""
    if not content.lstrip().startswith("{"):
        return content
    whole = SURROGATES.sub(lambda found: found[1] + _joined(int(found[2], 16), int(found[3], 16)), content)
    return whole.translate(NOT_IN_YAML)


def _joined(high: int, low: int) -> str:
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _too_large(name: str) -> ConfigError:
    return ConfigError(f"The document {name} is larger than {MAX_BYTES >> 20} MiB. Split it with include.")


def _unreadable(text: Text, error: Exception) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    advice = next((words for sign, words in ADVICE.items() if sign in problem), "")
    # The end of a text is told as the line after it.
    line = min(mark.line, text.content.count("\n")) + 1 if mark else None
    return ConfigError(f"This is no YAML or JSON: {problem}.{advice}", text.name, line)


ADVICE = {
    "constructor for the tag": " A document has no tags: write a secret as ${secret:NAME}, and hand its value over "
    "with the option secrets, where Ansible Vault may hold it.",
    "found another document": " Give each document a file of its own.",
    "cannot start any token": " Write a value that begins with this character in quotes.",
}
"""What the parser says, and what to do about it."""


WHOLE = "(?:0|[1-9][0-9]{0,17})"
"""A number that fits; with more digits it is text, which nobody takes for a number."""


def _loader() -> type[yaml.CSafeLoader]:
    """A safe loader that takes 02:30 for text, not for a number of base 60, and a date for text."""
    import yaml  # noqa: PLC0415 - see read

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    dropped = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}

    class Loader(base):  # type: ignore[misc]  # one of two classes
        yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {
            first: [(tag, pattern) for tag, pattern in rows if tag not in dropped]
            for first, rows in base.yaml_implicit_resolvers.items()
        }

    digits = list("-+0123456789")
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(rf"[-+]?{WHOLE}\Z"), digits)
    number = re.compile(rf"[-+]?{WHOLE}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{{1,2}})?\Z")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, digits)
    found: type[yaml.CSafeLoader] = Loader
    return found


def _check_events(name: str, content: str) -> None:
    """Refuse what is too deep or too long before a tree is built: building one is recursive."""
    import yaml  # noqa: PLC0415 - see read

    depth, size = 0, 0
    for event in yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        size += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH or size > MAX_VALUES:
            what = f"nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else f"of more than {MAX_VALUES} values"
            raise ConfigError(f"The document is {what}.", name, _line(event.start_mark))


def _checked(text: Text, node: yaml.Node | None) -> yaml.Node:
    """A document is a mapping; with its aliases written out it is of a bearable size; no key stands twice."""
    import yaml  # noqa: PLC0415 - see read

    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("A document is a mapping of kinds, as in 'vms: [...]'.", text.name, 1)
    Measuring(text.name).of(node, ())
    return node


@dataclass
class Measuring:
    """How large the nodes of a text are with their aliases written out: (values, depth) of each."""

    name: str
    known: dict[int, tuple[int, int]] = field(default_factory=dict)

    def of(self, node: yaml.Node, above: tuple[int, ...]) -> tuple[int, int]:
        """Values and depth of a node. Raises ConfigError when either is too large, or a key isn't fit to be one."""
        if id(node) in above:
            raise self._refusal(node, "A value contains itself.")
        if id(node) not in self.known:
            self.known[id(node)] = self._measured(node, (*above, id(node)))
        return self.known[id(node)]

    def _measured(self, node: yaml.Node, above: tuple[int, ...]) -> tuple[int, int]:
        if not isinstance(node.value, list):
            return 1, 0
        self._check_keys(node)
        inner = [self.of(child, above) for child in _children(node)]
        size, depth = 1 + sum(size for size, _depth in inner), 1 + max((depth for _size, depth in inner), default=0)
        if size > MAX_VALUES:
            raise self._refusal(node, f"With its aliases written out the document has more than {MAX_VALUES} values.")
        if depth > MAX_DEPTH:
            raise self._refusal(node, f"The document is nested more than {MAX_DEPTH} deep.")
        return size, depth

    def _check_keys(self, node: yaml.Node) -> None:
        """Keys are text, and none stands twice."""
        seen: dict[str, int] = {}
        for key in (pair[0] for pair in node.value if isinstance(pair, tuple)):
            if key.tag == MERGE:
                continue
            if key.tag != PLAIN:
                raise self._refusal(key, f"The key {_written(key)} is no text. Write it in quotes.")
            if key.value in seen:
                raise self._refusal(key, f"The key '{key.value}' stands here and on line {seen[key.value]}.")
            seen[key.value] = _line(key.start_mark)

    def _refusal(self, node: yaml.Node, message: str) -> ConfigError:
        return ConfigError(message, self.name, _line(node.start_mark))


MERGE, PLAIN = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"
"""What YAML calls the key ``<<``, and text."""


def _written(key: yaml.Node) -> str:
    return f"'{key.value}'" if isinstance(key.value, str) else "on this line"


def _line(mark: Any) -> int:  # noqa: ANN401 - either of yaml's two classes, or None
    return int(mark.line) + 1 if mark else 1


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    for child in node.value:
        yield from child if isinstance(child, tuple) else (child,)
