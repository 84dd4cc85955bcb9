"""What phases hand to each other: a JSON file bound to one host and one estate.

The file is written after every phase, the failed and the interrupted one included, so that any later run - of one
phase, of the rest, of the destructor - finds what stands on the host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scenarios import paths
from scenarios.errors import UsageError
from scenarios.values import KINDS, Json

SCHEMA = 1
FIELDS = {"schema": int, "host": str, "estate": str, "scenario": str, "run_id": str, "updated_at": str, "values": dict}


@dataclass
class Context:
    """The values known about one estate on one host.

    Attributes:
        estate: what the scenarios that share this context build and remove, as in "nested-pve".
        scenario: the scenario that wrote it last.
        values: context key -> value, as the phases' outputs published it.
    """

    host: str
    estate: str
    scenario: str = ""
    run_id: str = ""
    updated_at: str = ""
    values: dict[str, Json] = field(default_factory=dict)
    schema: int = SCHEMA


def default_path(host: str, estate: str) -> Path:
    """Where an estate's context lives when ``--context-file`` does not say otherwise."""
    return paths.state() / "contexts" / host / f"{estate}.json"


def save(path: Path, context: Context) -> None:
    """Write the context: private, and all or nothing."""
    context.updated_at = datetime.now(UTC).isoformat(timespec="seconds")
    paths.write_json(path, asdict(context))


def load(path: Path, host: str, estate: str, kinds: Mapping[str, str]) -> Context:
    """Read a context, or begin an empty one where there is no file.

    Args:
        path: the context file.
        host: the host this run is about; a context of another host is refused.
        estate: likewise.
        kinds: context key -> kind of its value, for the keys the scenario knows.

    Raises:
        UsageError: the file is of another host or estate, of a newer schema, truncated, or holds wrong types.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Context(host=host, estate=estate)
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(path, f"it can't be read: {error}") from error
    return _checked(path, _document(path, text), host, estate, kinds)


def _refusal(path: Path, reason: str) -> UsageError:
    return UsageError(f"The context file {path} is refused: {reason}. Correct or remove it, or give another one.")


def _document(path: Path, text: str) -> dict[str, Json]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _refusal(path, f"it is no JSON, perhaps truncated ({error})") from error
    if not isinstance(document, dict):
        raise _refusal(path, "it is no JSON object")
    return document


def _checked(path: Path, document: dict[str, Json], host: str, estate: str, kinds: Mapping[str, str]) -> Context:
    problem = _schema_problem(document) or _field_problem(document) or _binding_problem(document, host, estate)
    if problem:
        raise _refusal(path, problem)
    context = Context(**{name: document[name] for name in FIELDS})  # type: ignore[arg-type]
    problem = _value_problem(context.values, kinds)
    if problem:
        raise _refusal(path, problem)
    return context


def _schema_problem(document: Mapping[str, Json]) -> str | None:
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        return f"its schema is {json.dumps(schema)}, not a whole number from 1"
    if schema > SCHEMA:
        return f"its schema {schema} is newer than {SCHEMA}, the newest this version understands"
    return None


def _field_problem(document: Mapping[str, Json]) -> str | None:
    for name, wanted in FIELDS.items():
        if name not in document:
            return f"its field '{name}' is missing"
        if not isinstance(document[name], wanted):
            return f"its field '{name}' is {json.dumps(document[name])}, expected {wanted.__name__}"
    strange = sorted(set(document) - set(FIELDS))
    return f"it has the unknown field '{strange[0]}'" if strange else None


def _binding_problem(document: Mapping[str, Json], host: str, estate: str) -> str | None:
    if document["host"] != host:
        return f"it belongs to host '{document['host']}', this run is about '{host}'"
    if document["estate"] != estate:
        return f"it belongs to estate '{document['estate']}', this run is about '{estate}'"
    return None


def _value_problem(values: Mapping[str, Json], kinds: Mapping[str, str]) -> str | None:
    for key, value in values.items():
        kind = KINDS[kinds[key]] if key in kinds else None
        if kind and not kind.accepts(value):
            return f"its value '{key}' is {json.dumps(value)}, expected {kind.phrase}"
    return None
