# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service files: a part of Compose's format for programs that run in a container of Proxmox VE. Pure.

A file is refused with everything that is wrong with it, and anything whose meaning here would not be Compose's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESTARTS = ("no", "always", "on-failure", "unless-stopped")
OTHER_KEYS = ("name", "services", "version")  # what may stand at the top, beside x-...

# Compose's keys that have no meaning here, and what to do instead.
INSTEAD = {
    "image": "a container of Proxmox VE is no image: put the program into the source, or install it "
    "(container bootstrap --packages), and say how it is started with 'command'",
    "build": "nothing is built: put what is built into the source, and say how it is started with 'command'",
    "entrypoint": "write it in front of 'command'",
    "ports": "a service listens in the container itself, at the container's address: remove it",
    "expose": "a service listens in the container itself, at the container's address: remove it",
    "volumes": "files of the container are there already: give the container a mount point (mp0) for others",
    "networks": "the container has its own network (net0): remove it",
    "network_mode": "the container has its own network (net0): remove it",
    "healthcheck": "say what is to be checked with --check-command or --check-url",
    "container_name": "the services share the container: remove it",
    "hostname": "the services share the container's host name: remove it",
    "deploy": "limits are the container's (cores, memory): remove it",
    "secrets": "put secrets into a file of their own and name it with 'env_file' or --env",
    "configs": "put them into the source",
}


class ServiceFileError(Exception):
    """A service file that can't be right; the message lists everything that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(f"- {problem}" for problem in problems))


@dataclass(frozen=True)
class Service:
    """One program that is kept running.

    Attributes:
        command: the program and its arguments.
        working_dir: absolute, or below the deployed files; empty for their top.
        environment: values that are set in the service file itself.
        env_file: files with more of them, as named in the service file; the last one wins.
        restart: one of RESTARTS.
        depends_on: services that are started before.
    """

    name: str
    command: tuple[str, ...]
    working_dir: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    env_file: tuple[str, ...] = ()
    user: str = ""
    restart: str = "no"
    depends_on: tuple[str, ...] = ()


def parse(document: object) -> list[Service]:
    """The services of a service file, ordered by name. Raises ServiceFileError."""
    problems: list[str] = []
    entries = _entries(document, problems)
    found = [service for name, entry in sorted(entries.items()) if (service := _service(name, entry, problems))]
    if not problems:
        problems = list(_dependency_problems(found))
    if problems:
        raise ServiceFileError(problems)
    return found


def _entries(document: object, problems: list[str]) -> dict[str, object]:
    if not isinstance(document, Mapping) or not isinstance(document.get("services"), Mapping):
        problems.append("services: a mapping of names to services is needed")
        return {}
    top = [str(key) for key in document if key not in OTHER_KEYS and not str(key).startswith("x-")]
    problems += [f"{key}: not supported; {INSTEAD.get(key, 'remove it')}" for key in top]
    return {str(name): entry for name, entry in document["services"].items()}


def _service(name: str, entry: object, problems: list[str]) -> Service | None:
    where = f"services.{name}"
    if not NAME.fullmatch(name):
        problems.append(f"{where}: a name has letters, digits, '-' and '_' only")
    if not isinstance(entry, Mapping):
        problems.append(f"{where}: a mapping with 'command' is needed")
        return None
    wrong = [f"{where}.{key}: {_refusal(str(key))}" for key in entry if key not in READERS and not _is_extension(key)]
    if "command" not in entry:
        wrong.append(f"{where}.command: needed: the program and its arguments")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key in READERS:
            try:
                values[key] = READERS[key](value)
            except ValueError as error:
                wrong.append(f"{where}.{key}: {error}")
    problems += wrong
    return None if wrong else Service(name, **values)


def _is_extension(key: object) -> bool:
    """Compose leaves keys that begin with x- to others."""
    return str(key).startswith("x-")


def _refusal(key: str) -> str:
    known = ", ".join(sorted(READERS))
    return f"not supported; {INSTEAD[key]}" if key in INSTEAD else f"not supported; remove it. Supported are {known}"


def literal(value: object) -> str:
    """Text as Compose reads it. Raises ValueError where Compose would fill in a variable."""
    if not isinstance(value, str):
        raise ValueError("text is needed")
    if "\0" in value:
        raise ValueError("a NUL byte is in it")
    if "$" in value.replace("$$", ""):
        raise ValueError("variables are not filled in: write the value, or '$$' for a dollar sign")
    return value.replace("$$", "$")


def _command(value: object) -> tuple[str, ...]:
    words = [literal(word) for word in value] if isinstance(value, list) else shlex.split(literal(value))
    if not words or not words[0] or words[0][0] in "@-:+!|" or "$" in words[0]:
        raise ValueError("it has to begin with the path or name of a program")
    return tuple(words)


def _line(value: object) -> str:
    text = literal(value)
    if not text or "\n" in text:
        raise ValueError("one line of text is needed")
    return text


def _user(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _line(value)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError("the name or id of a user is needed; its own group is taken")
    return text


def _restart(value: object) -> str:
    # YAML 1.1 reads a bare `no` as false.
    text = "no" if value is False else value
    if text not in RESTARTS:
        raise ValueError(f"'{value}' is none of {', '.join(RESTARTS)}")
    return str(text)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        odd = [name for name, entry in value.items() if entry not in (None, {}, {"condition": "service_started"})]
        if odd:
            raise ValueError(f"of '{odd[0]}' it can only be told when it was started (condition: service_started)")
    elif not isinstance(value, list):
        raise ValueError("a list of services is needed")
    return tuple(sorted(str(name) for name in value))


def _files(value: object) -> tuple[str, ...]:
    files = value if isinstance(value, list) else [value]
    if any(isinstance(file, Mapping) for file in files):
        raise ValueError("a path or a list of paths is needed")
    return tuple(_line(file) for file in files)


def _environment(value: object) -> dict[str, str]:
    if isinstance(value, list):
        pairs = [_pair(entry) for entry in value]
    elif isinstance(value, Mapping):
        pairs = [(str(name), _value(str(name), entry)) for name, entry in value.items()]
    else:
        raise ValueError("a mapping or a list of NAME=VALUE is needed")
    return {variable(name): text for name, text in pairs}


def _pair(entry: object) -> tuple[str, str]:
    name, equals, text = literal(entry).partition("=")
    if not equals:
        raise ValueError(
            f"{name} has no value, and none is taken from the controller: write it, or name a file (env_file)"
        )
    return name, text


def _value(name: str, entry: object) -> str:
    if isinstance(entry, bool):
        raise ValueError(f"{name} is a boolean: write 'true' or 'false' in quotes")
    if isinstance(entry, int | float):
        return str(entry)
    if entry is None:
        return _pair(name)[1]
    return literal(entry)


def variable(name: str) -> str:
    """A name that environment variables may have. Raises ValueError."""
    if not VARIABLE.fullmatch(name):
        raise ValueError(f"'{name}' is no name of an environment variable")
    return name


READERS: dict[str, Callable[[object], object]] = {
    "command": _command,
    "depends_on": _names,
    "env_file": _files,
    "environment": _environment,
    "restart": _restart,
    "user": _user,
    "working_dir": _line,
}


def _dependency_problems(services: list[Service]) -> Iterator[str]:
    needs = {service.name: service.depends_on for service in services}
    for name, others in needs.items():
        for other in others:
            if other not in needs:
                yield f"services.{name}.depends_on: there is no service '{other}'"
            elif _reaches(needs, other, name):
                yield f"services.{name}.depends_on: '{other}' needs '{name}' as well"


def _reaches(needs: dict[str, tuple[str, ...]], start: str, goal: str) -> bool:
    """Whether a service needs another one, directly or by way of others."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            ahead += needs.get(name, ())
    return False


def read_environment(text: str) -> dict[str, str]:
    """The variables of an environment file: NAME=VALUE lines, comments, quotes. Raises ServiceFileError.

    No variable is filled in, and no value is ever part of a message.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not VARIABLE.fullmatch(name.strip()):
            problems.append(f"line {number}: NAME=VALUE is needed")
            continue
        try:
            found[name.strip()] = _unquoted(value.strip())
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise ServiceFileError(problems)
    return found


ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def _unquoted(value: str) -> str:
    if value[:1] not in {'"', "'"}:
        return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    pattern = r"'([^']*)'" if value[0] == "'" else r'"((?:[^"\\]|\\.)*)"'
    match = re.fullmatch(pattern + r"\s*(?:#.*)?", value)
    if match is None:
        raise ValueError("a quote is not closed, or something follows it")
    if value[0] == "'":
        return match[1]
    return re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[1]), match[1])
