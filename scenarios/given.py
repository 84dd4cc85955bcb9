"""Inputs from the command line: ``-e name=value`` and ``-e @file``, typed by what the playbooks declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from scenarios.errors import UsageError, unknown
from scenarios.scenario import Scenario
from scenarios.values import Json, read


def collect(scenario: Scenario, texts: Iterable[str]) -> dict[str, Json]:
    """The inputs these texts give, later ones first.

    Args:
        scenario: its playbooks declare what may be given.
        texts: "name=value", or "@path" of a YAML or JSON file.

    Raises:
        UsageError: no playbook declares such an input, the value is of another type, or the file can't be read.
    """
    kinds = scenario.input_kinds()
    found: dict[str, Json] = {}
    for name, value in _pairs(texts):
        if name not in kinds:
            raise unknown(f"input of {scenario.name}", name, kinds)
        try:
            found[name] = read(kinds[name], value)
        except ValueError as error:
            raise UsageError(f"The input '{name}' is wrong: {error}.") from error
    return found


def _pairs(texts: Iterable[str]) -> Iterator[tuple[str, Json]]:
    for text in texts:
        if text.startswith("@"):
            yield from _from_file(Path(text[1:])).items()
            continue
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"'{text}' is no input. Write name=value, or @file for a YAML or JSON file.")
        yield name.strip(), value


def _from_file(path: Path) -> dict[str, Json]:
    import yaml  # noqa: PLC0415 - only this form needs it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"The inputs file {path} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"The inputs file {path} does not hold a mapping of inputs to values.")
    return {str(name): value for name, value in content.items()}
