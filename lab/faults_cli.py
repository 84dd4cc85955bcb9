# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``./run.sh lab faults ...``, ``lab requests`` and ``lab clock``: what is asked of the lab's control endpoint.

The options of ``faults add`` follow from the fields of the kinds (:mod:`lab.api.faults_kinds`).
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lab.api.faults import Fault, FieldType
    from lab.control_client import Controlled

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AGAIN = 0.2
WROTE = 3
"""Exit code of ``requests --fail-on-writes`` when something was changed."""


@contextmanager
def failures() -> Iterator[None]:
    """Turn the lab's errors into one line on stderr and exit code 1."""
    from lab.errors import LabError  # noqa: PLC0415 - keeps `--help` fast

    try:
        yield
    except (LabError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _lab() -> Controlled:
    """The lab that runs."""
    from lab.control_socket import SocketControl  # noqa: PLC0415

    return SocketControl()


def _kinds() -> Mapping[str, type[Fault]]:
    from lab.api.faults_kinds import KINDS  # noqa: PLC0415

    return KINDS


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m, h or d behind it."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Seconds."""
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?)([smhd]?)", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write 90, 90s, 15m, 3h or 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2] or "s"]


# ------------------------------------------------------------------- faults


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def option_of(item: FieldType) -> click.Option:
    """The command line's option of a fault's field."""
    limits = item.limits
    kind: click.ParamType[Any] | type = click.Choice(limits["choices"]) if limits["choices"] else item.base
    unit = f" [{limits['unit']}]" if limits["unit"] else ""
    usual = "" if item.default in (None, (), False) else f" (default: {item.default})"
    several = " (may be given several times)" if item.several else ""
    return click.Option(
        [_flag(item.name)],
        type=None if item.base is bool else kind,
        is_flag=item.base is bool,
        multiple=item.several,
        required=item.required,
        help=f"{limits['help']}{unit}{usual}{several}.",
    )


def example_of(kind: type[Fault]) -> str:
    """The command line of a kind's example."""
    words = [f"lab faults add {kind.kind}"]
    for name, value in kind.example.items():
        values = value if isinstance(value, list) else [value]
        words += [_flag(name) if item is True else f"{_flag(name)} {_quoted(item)}" for item in values]
    return " ".join(words)


def _quoted(value: object) -> str:
    text = str(value)
    return text if re.fullmatch(r"[\w./-]+", text) else f"'{text}'"


def command_of(kind: type[Fault]) -> click.Command:
    """``faults add KIND``."""
    from lab.api.faults import fields_of  # noqa: PLC0415

    fields = fields_of(kind)

    def add(**given: Any) -> None:  # noqa: ANN401 - what click made of the options
        wanted = {key: value for key, value in given.items() if value not in (None, (), False)}
        with failures():
            number = _lab().faults.add(kind.kind, **wanted)
        click.echo("Done." if number is None else f"Fault {number} is in force.")

    text = f"{kind.__doc__}\n\nExample: ./run.sh {example_of(kind)}"
    return click.Command(kind.kind, callback=add, params=[option_of(item) for item in fields], help=text)


class AddGroup(click.Group):
    """One command a kind, made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The kinds."""
        return sorted(_kinds())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a kind."""
        kind = _kinds().get(cmd_name)
        return command_of(kind) if kind else None


@click.group()
def faults() -> None:
    """Make the lab go wrong: slow and lost answers, stuck tasks, full storages, nodes that are gone."""


@faults.group(cls=AddGroup)
def add() -> None:
    """Put a fault in force. `add KIND --help` tells its options."""


def line_of(document: Mapping[str, Any]) -> str:
    """A fault in force as a line."""
    hidden = ("id", "kind", "struck")
    fields = " ".join(f"{key}={value}" for key, value in document.items() if key not in hidden)
    struck = f"  (struck {document['struck']} times)" if document["struck"] else ""
    return f"{document['id']:4}  {document['kind']}  {fields}{struck}"


@faults.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_faults(as_json: bool) -> None:
    """Show the faults in force."""
    with failures():
        found = _lab().faults.in_force()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for document in found:
        click.echo(line_of(document))


@faults.command()
@click.argument("numbers", metavar="ID...", nargs=-1, required=True, type=int)
def remove(numbers: tuple[int, ...]) -> None:
    """End faults by their ids."""
    with failures():
        for number in numbers:
            _lab().faults.remove(number)


@faults.command()
def clear() -> None:
    """End every fault."""
    with failures():
        _lab().faults.clear()


def described(kind: type[Fault]) -> dict[str, Any]:
    """A kind for JSON: what it does, its fields, an example."""
    from lab.api.faults import fields_of  # noqa: PLC0415

    fields = {
        item.name: {
            "help": item.limits["help"],
            "takes": item.words(),
            **({"required": True} if item.required else {"default": item.default}),
        }
        for item in fields_of(kind)
    }
    return {"kind": kind.kind, "help": kind.__doc__, "example": example_of(kind), "fields": fields}


@faults.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def kinds(as_json: bool) -> None:
    """Tell what can go wrong, with an example each."""
    table = [described(kind) for kind in _kinds().values()]
    if as_json:
        click.echo(json.dumps(table, indent=2))
        return
    for entry in table:
        fields = ", ".join(f"{name}*" if "required" in item else name for name, item in entry["fields"].items())
        click.echo(f"{entry['kind']}: {entry['help']}\n    {fields}\n    ./run.sh {entry['example']}\n")
    click.echo("* has to be given")


# -------------------------------------------------------------------- clock


@click.command()
@click.option("--rate", type=click.FloatRange(min=0), help="Seconds of the lab in one real second; 0: it stands still.")
@click.option("--shift", type=Duration(), help="Put the clock forward by so much, as in 3h.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def clock(rate: float | None, shift: float | None, as_json: bool) -> None:
    """Show or set the clock that the lab's nodes go by: timestamps, tickets, HA, schedules, delays."""
    changes = {key: value for key, value in (("rate", rate), ("forward", shift)) if value is not None}
    with failures():
        told = _lab().control("PUT" if changes else "GET", "/clock", changes or None)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    when = datetime.fromtimestamp(told["now"]).astimezone().isoformat(sep=" ", timespec="seconds")
    click.echo(f"It is {when} in the lab: {told['rate']:g} seconds a second, {told['shift']:g} s put forward.")


# ----------------------------------------------------------------- requests


def request_line(record: Mapping[str, Any]) -> str:
    """A request as a line."""
    return f"{record['method']:6} {record['status']:3} {'write' if record['wrote'] else '     '} {record['path']}"


def _follow(selection: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The requests as they come, from now on."""
    since = time.time()
    while True:
        for record in _lab().control("GET", f"/requests?{_query({**selection, 'since': since})}"):
            yield record
            since = max(since, float(record["time"]) + 1e-6)
        time.sleep(_AGAIN)


def _query(selection: Mapping[str, Any]) -> str:
    from urllib.parse import urlencode  # noqa: PLC0415

    return urlencode({key: value for key, value in selection.items() if value is not None})


def _show(records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    for record in records:
        click.echo(request_line(record))


@click.command()
@click.option("--method", help="Only these, as in POST.")
@click.option("--path", help="Only these; * stands for anything.")
@click.option("--status", help="Only these, as in 500 or '5*'; 0: those that a fault left without an answer.")
@click.option("--user", help="Only these users', as in root@pam.")
@click.option("--since", type=Duration(), help="Only those of the last so long, as in 5m.")
@click.option("--writes", is_flag=True, help="Only the requests that changed something.")
@click.option("--reset", "empty", is_flag=True, help="Empty the log afterwards.")
@click.option("--follow", is_flag=True, help="Show requests as they come, until interrupted.")
@click.option("--fail-on-writes", is_flag=True, help=f"Exit code {WROTE} when one of those shown changed something.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def requests(
    *,
    since: float | None,
    writes: bool,
    empty: bool,
    follow: bool,
    fail_on_writes: bool,
    as_json: bool,
    **patterns: str | None,
) -> None:
    """Show the API requests that the lab answered: method, status, whether it wrote, path."""
    chosen = {**patterns, "writes": 1 if writes else None}
    with failures():
        if follow:
            for record in _follow(chosen):
                click.echo(json.dumps(record) if as_json else request_line(record))
        start = None if since is None else time.time() - since
        found = _lab().control("GET", f"/requests?{_query({**chosen, 'since': start})}")
        if empty:
            _lab().clear_requests()
    _show(found, as_json)
    if fail_on_writes and any(record["wrote"] for record in found):
        sys.exit(WROTE)


COMMANDS = (faults, clock, requests)
