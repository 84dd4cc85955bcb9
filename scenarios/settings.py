"""The user's settings: ``~/.config/homelab-pve/config.yaml``. A file of the predecessor, pve-lxc, is read as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import yaml
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import locked, private_directory, replacing

from scenarios.errors import alternatives
from scenarios.paths import APP
from scenarios.values import Json, read

LINE = r"(?m)^{key}[ \t]*:.*(?:\n|\Z)"


@dataclass(frozen=True)
class Entry:
    """A value in a section of a file."""

    file: Path
    line: int
    section: str
    key: str
    value: Json

    def read(self, kind: str) -> Json:
        """The value as one of this kind; ConfigError when it is none."""
        try:
            return read(kind, self.value)
        except ValueError as error:
            raise ConfigError(f"{self.key}: {error}", str(self.file), self.line) from error


class Settings:
    """Values by key; what the user wrote beside them stays, comments included.

    Args:
        path: the file; made when something is set.
        former: read for what ``path`` does not say, never written.
    """

    def __init__(self, path: Path | None = None, former: Path | None = None) -> None:
        """Read nothing yet."""
        self.path = path or Path(platformdirs.user_config_dir(APP, appauthor=False)) / "config.yaml"
        self.former = former or Path.home() / ".pve-lxc" / "config.yaml"

    def get(self, key: str) -> Json:
        """A value, or None.

        Raises:
            ConfigError: the file is no mapping in YAML.
        """
        own = _parsed(_text(self.path), self.path)
        return own[key] if key in own else _parsed(_text(self.former), self.former).get(key)

    def typed(self, kinds: Mapping[str, str]) -> dict[str, Json]:
        """Values of sections, by the keys of ``kinds`` such as "container.cores", where the files have them.

        Args:
            kinds: key -> kind of its value, for every key there is.

        Raises:
            ConfigError: a value is of another kind, or our own file has a key in such a section that nobody knows.
        """
        former = _sections(_text(self.former), self.former, kinds)
        own = _sections(_text(self.path), self.path, kinds)
        for each in own:
            if each.key not in kinds:
                raise _unknown(each, kinds)
        return {each.key: each.read(kinds[each.key]) for each in (*former, *own) if each.key in kinds}

    def set(self, key: str, value: str | None) -> None:
        """Set a value; None hides what the former file says as well.

        Raises:
            ConfigError: the file can't be read, or is written in a way that can't be edited without a loss.
        """
        private_directory(self.path.parent)
        with locked(self.path):
            before = _text(self.path)
            known = _parsed(before, self.path)
            after = _with(before, key, value)
            if _parsed(after, self.path) != {**known, key: value}:
                problem = f"'{key}' cannot be set there without changing something else. Set it by hand."
                raise ConfigError(problem, str(self.path))
            with replacing(self.path) as file:
                file.write(after.encode())


def _sections(text: str, path: Path, kinds: Mapping[str, str]) -> list[Entry]:
    """What a file says in the sections that ``kinds`` names; keys without a value say nothing."""
    content, lines = _parsed(text, path), _lines(text)
    found = []
    for name in sorted({key.partition(".")[0] for key in kinds} & set(content)):
        section = content[name] if content[name] is not None else {}
        if not isinstance(section, dict):
            raise ConfigError(f"'{name}' does not hold settings as 'name: value'", str(path), lines[name])
        keys = {f"{name}.{key}": value for key, value in section.items() if value is not None}
        found += [Entry(path, lines[key], name, key, value) for key, value in keys.items()]
    return found


def _unknown(entry: Entry, kinds: Mapping[str, str]) -> ConfigError:
    above = f"{entry.section}."
    known = [key.removeprefix(above) for key in kinds if key.startswith(above)]
    words = f"'{entry.key}' is no setting.{alternatives(entry.key.removeprefix(above), known)}"
    return ConfigError(words, str(entry.file), entry.line)


def _lines(text: str) -> dict[str, int]:
    """The lines, from 1, of a file's keys and of the keys below them, as "section.key"."""
    found: dict[str, int] = {}
    for name, section in _pairs(yaml.compose(text, Loader=yaml.SafeLoader)):
        found[name.value] = name.start_mark.line + 1
        found |= {f"{name.value}.{key.value}": key.start_mark.line + 1 for key, _value in _pairs(section)}
    return found


def _pairs(node: yaml.Node | None) -> Sequence[tuple[yaml.ScalarNode, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _with(text: str, key: str, value: str | None) -> str:
    line = yaml.safe_dump({key: value}, allow_unicode=True, width=10_000)
    found = re.search(LINE.format(key=re.escape(key)), text)
    if found:
        return text[: found.start()] + line + text[found.end() :]
    return text + ("" if not text or text.endswith("\n") else "\n") + line


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"it cannot be read: {error}", str(path)) from error


def _parsed(text: str, path: Path) -> Mapping[str, Json]:
    try:
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        shown = text.splitlines()[line - 1 : line] or [""]
        raise ConfigError(f"{error.problem}: {shown[0]}", str(path), line) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"it is no YAML: {error}", str(path)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError("it does not hold settings as 'name: value'", str(path))
    return content
