"""``./run.sh state export``, and ``./run.sh discover --export``, which is the same: a server as one document."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from scenarios import state_report
from scenarios.errors import UsageError
from scenarios.state_front import FILE, SAME, Asked, Front, conducted
from scenarios.values import Json

FORMATS = ("yaml", "json")
NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
"""What documents take for a number without quotes; YAML 1.1, which the library writes, knows fewer forms."""


def spelled(document: Json, form: str) -> str:
    """A document as text; the order stays, texts of several lines are written as such."""
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    import yaml  # noqa: PLC0415 - costs 20 ms

    text: str = yaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120)
    return text


def _dumper() -> type[Any]:
    import yaml  # noqa: PLC0415 - see spelled

    from scenarios.yaml_text import Indented  # noqa: PLC0415 - see spelled

    class Dumper(Indented):
        """Texts of several lines as such, and every number that documents know."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))
    return Dumper


def export(asked: Asked) -> int:
    """Read the server, then print or write the document."""
    report, told = conducted(asked)
    if not report.success:
        return report.exit_code
    for warning in told.get("state_warnings") or []:
        click.echo(f"Warning: {warning}", err=True)
    path: Path | None = asked.own["output"]
    form = asked.own["form"] or (path.suffix.removeprefix(".") if path and path.suffix == ".json" else "yaml")
    text = spelled(told["state_document"], form)
    if path:
        state_report.write(path, text)
    elif not asked.flags.json_output:
        sys.stdout.write(text)
    return SAME


def discover(asked: Asked) -> int:
    """The same by the name that the predecessor had for it."""
    if not asked.own["export"]:
        raise UsageError("Discover what? --export writes the whole server; ./run.sh vm-discover lists its guests.")
    return export(asked)


OUTPUT = (
    click.Option(
        ["--output"],
        type=FILE,
        metavar="FILE",
        help="Where it is written (0600), as a whole; what was there stays if that fails. Without it, to stdout.",
    ),
    click.Option(["--format", "form"], type=click.Choice(FORMATS), help="YAML, unless FILE ends in .json."),
)
FRONT = Front(
    export,
    OUTPUT,
    "Without what changes by itself and without secrets, which get placeholders. A plan of it is empty.",
)
DISCOVER = replace(
    FRONT, run=discover, options=(*OUTPUT, click.Option(["--export"], is_flag=True, help="Write the whole server."))
)
