# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command as data, and running one: which request it makes of its command line, and how the answer is printed.

On PVE such a table ($cmddef, PVE/CLIHandler.pm) names a method of the API, its positional words and a function that
prints; everything else follows from the method's schema. So it is here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.commands import client, options, output, usage
from lab.commands.client import ApiError, CommandError
from lab.commands.options import Interactive, Properties, UsageError, Values

IN_PATH = re.compile(r"\{([^}]+)\}")
FAILED = 255


@dataclass(frozen=True)
class Answered:
    """What a printer gets: the answer, the schema of it, the command line's parameters and format options."""

    data: Any
    returns: Mapping[str, Any]
    values: Values
    formats: Values


Show = Callable[[Answered], "str | None"]
Own = Callable[[Values], "str | None"]
# What the command line has before the request has it.
Prepare = Callable[[Values], Values]


@dataclass(frozen=True)
class Command:
    """``method`` and ``path`` of the API; names in the path are taken from the command line, ``{node}`` is this node.

    ``words``    the positional parameters, in order; a text is a single one that is a list
    ``show``     prints the answer; None prints nothing, :func:`by_task` is for a command that fails with its task
    ``fixed``    parameters with their values, which are no options then; None leaves one out altogether
    ``formats``  whether it takes ``--output-format`` and its like
    ``own``      runs a command that is none of the API's; its parameters are ``properties``, and the format options
    ``prepare``  makes the request's parameters of the command line's
    ``ask``      parameters such as passwords, which are asked for when they are not given
    ``section``  the Perl class it is in on PVE; a usage lists commands by it
    """

    method: str = ""
    path: str = ""
    words: tuple[str, ...] | str = ()
    show: Show | None = None
    fixed: Mapping[str, object] = field(default_factory=dict)
    formats: bool = False
    own: Own | None = None
    properties: Properties = field(default_factory=dict)
    prepare: Prepare | None = None
    ask: Interactive = field(default_factory=dict)
    section: str = "PVE::API2"

    @property
    def word_names(self) -> tuple[str, ...]:
        """The positional parameters."""
        return (self.words,) if isinstance(self.words, str) else self.words

    def hidden(self) -> set[str]:
        """Parameters that are no options: fixed ones, and the node where it is this one."""
        here = {"node"} if "{node}" in self.path and "node" not in self.word_names else set()
        return {*self.fixed, *here}


@dataclass(frozen=True)
class Alias:
    """A shorter name of a command, in words."""

    of: str


Tree = Mapping[str, "Command | Alias | Tree"]


def own(run: Own, words: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> Command:
    """A command that the API does not have; ``_`` in the name of a property stands for ``-``."""
    named = {name.replace("_", "-"): schema for name, schema in properties.items()}
    return Command(words=words, own=run, properties=named, section="PVE::CLI")


def refusing(reason: str) -> Own:
    """A command that the lab cannot have; the reason is told."""

    def refuse(_values: Values) -> str:
        raise CommandError(reason)

    return refuse


# ----------------------------------------------------------------- schema


@dataclass(frozen=True)
class Schema:
    """What the command line of a command may have, and what the answer is."""

    properties: Properties
    returns: Mapping[str, Any]


NOTHING = Schema({}, {"type": "null"})


def schemas(commands: Sequence[Command]) -> list[Schema]:
    """The schemas of commands, asked for at once."""
    wanted = [(command.method, command.path) for command in commands]
    asked = [(method, IN_PATH.sub(r"x-\1", path)) for method, path in wanted if path]
    found = iter(client.describe(asked) if asked else [])
    return [_schema(command, next(found) if command.path else None) for command in commands]


def _schema(command: Command, found: Mapping[str, Any] | None) -> Schema:
    parameters = {} if found is None else found["parameters"]
    known = {**parameters, **command.properties}
    for name in command.hidden():
        known.pop(name, None)
    return Schema(known, NOTHING.returns if found is None else found["returns"])


def usage_line(prefix: str, command: Command, schema: Schema) -> str:
    """The short usage of a command."""
    return usage.short(prefix, schema.properties, command.word_names, untold(command, schema), formats=command.formats)


def untold(command: Command, schema: Schema) -> set[str]:
    """Parameters that a usage leaves out: a password that must be there is asked for."""
    return {name for name in command.ask if name == "password" and not schema.properties[name].get("optional")}


# -------------------------------------------------------------------- run


def execute(prefix: str, command: Command, arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code. Raises CommandError."""
    schema = schemas([command])[0]
    known = {**schema.properties, **(output.OPTIONS if command.formats else {})}
    try:
        values = options.read(arguments, known, command.words, command.ask)
        formats = {name: values.pop(name) for name in output.OPTIONS if command.formats and name in values}
        check_format(formats)
        return _run(command, schema, values, formats)
    except UsageError as error:
        raise CommandError(f"400 {error}\n{usage_line(prefix, command, schema)}".rstrip("\n")) from error
    except ApiError as error:
        raise CommandError(complaint(error, usage_line(prefix, command, schema)), error.code) from error


def check_format(formats: Mapping[str, Any]) -> None:
    """Raise ApiError for an output format that there is none."""
    form = formats.get("output-format", "text")
    if form not in output.FORMATS:
        choices = ", ".join(output.FORMATS)
        text = f"value '{form}' does not have a value in the enumeration '{choices}'"
        raise ApiError(client.REFUSED, "", "Parameter verification failed.", {"output-format": text})


def _run(command: Command, schema: Schema, values: Values, formats: Values) -> int:
    if command.own is not None:
        check(values, schema.properties)
        write(command.own({**values, **formats}))
        return 0
    data = request(command, values)
    if client.is_upid(data) and command.method != "GET":
        status = follow(str(data))
        if command.show is by_task:
            return FAILED if client.is_error(status) else 0
    write(command.show(Answered(data, schema.returns, values, formats)) if command.show else None)
    return 0


def check(values: Values, properties: Properties) -> None:
    """Have the parameters of a command checked that makes no request of its own name. Raises ApiError."""
    errors = client.local("check", {"properties": dict(properties), "values": values}) if properties else {}
    if errors:
        raise ApiError(client.REFUSED, "", "Parameter verification failed.", errors)


def write(text: str | None) -> None:
    """Print what there is to print; it has its last line end."""
    if text:
        sys.stdout.write(text)


def request(command: Command, values: Values) -> Any:  # noqa: ANN401 - whatever the API answers
    """Make the request of a command line."""
    given = command.prepare(dict(values)) if command.prepare else dict(values)
    given = {**given, **command.fixed}
    named = {"node": client.node(), **given}
    names = IN_PATH.findall(command.path)
    path = IN_PATH.sub(lambda found: str(named.get(found.group(1), "")), command.path)
    sent = {name: value for name, value in given.items() if name not in names and value is not None}
    return client.call(command.method, path, sent)


def follow(upid: str) -> str:
    """Print a task's log as it grows, and what went wrong to standard error; its exit status."""

    def tell(line: str) -> None:
        sys.stdout.write(line)
        sys.stdout.flush()

    status = client.follow(upid, tell)
    if client.is_error(status):
        sys.stderr.write(f"{status}\n")
    elif status != "OK":
        sys.stderr.write(f"Task finished with {status.partition(': ')[2]} warning(s)!\n")
    return status


def complaint(error: ApiError, line: str) -> str:
    """A refusal as a command prints it (stringify in PVE/Exception.pm): status, message, fields, usage."""
    if error.status != client.REFUSED:
        return str(error) if error.status in UNNUMBERED else f"{error.status} {error}"
    fields = "".join(f"{name}: {text}\n" for name, text in sorted(error.errors.items()))
    return f"400 {error}\n{fields}{line}".rstrip("\n")


# A plain die has no status of its own; neither has a call of a method that is not there.
UNNUMBERED = (500, 501)


# ------------------------------------------------------------------- show


def by_task(_answered: Answered) -> None:
    """Prints nothing beyond the log: the command fails when its task fails."""


def formatted(answered: Answered) -> str:
    """The answer in the format asked for."""
    return output.render(answered.data, answered.returns, output.style(answered.formats))


def columns(*names: str) -> Show:
    """The answer in the format asked for, with these columns in text tables."""

    def show(answered: Answered) -> str:
        return output.render(answered.data, answered.returns, output.style(answered.formats), names)

    return show


def as_line(answered: Answered) -> str:
    """A text on a line of its own."""
    return f"{answered.data}\n"


def lines(texts: Sequence[str]) -> str:
    """Lines with their ends."""
    return "".join(f"{text}\n" for text in texts)
