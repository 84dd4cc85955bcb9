"""A plan that was saved: what was agreed to, so that it is what is done, or nothing.

It names the documents and their SHA-256, not their content, and holds the hashes of what was there and what was wished.
It has no secrets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import paths
from scenarios.errors import DriverError
from scenarios.values import Json

KEY, SCHEMA = "homelab_pve_plan", 1
LARGEST = 256 << 20
"""Bytes; the plan of 10,000 guests is some 40 MB."""

FILES = ("state_files", "state_vars_files")
"""Inputs that name files whose content must not have changed."""

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Saved:
    """A saved plan.

    Attributes:
        inputs: of the playbook that made it.
        told: what that published.
    """

    host: str
    inputs: Mapping[str, Json]
    told: Told


def expected(told: Told) -> dict[str, Json]:
    """What an apply has to find as the plan found it: its hashes, and what they were about."""
    hashes = told.get("state_hashes") or {}
    return {
        "current_hash": hashes.get("current", ""),
        "desired_hash": hashes.get("desired", ""),
        "actions": list(told.get("state_actions") or []),
    }


def write(path: Path, host: str, inputs: Mapping[str, Json], told: Told) -> None:
    """Save a plan (0600). Raises DriverError when it can't be written, or a document can't be read."""
    files = [name for option in FILES for name in _names(inputs, option)]
    document = {
        KEY: SCHEMA,
        "host": host,
        "timestamp": told.get("state_timestamp", ""),
        "documents": [{"path": name, "sha256": content_hash(Path(name))} for name in files],
        "inputs": dict(inputs),
        **told,
    }
    try:
        paths.write_json(path, document)
    except OSError as error:
        raise DriverError(f"The plan can't be saved to {path}: {error.strerror}.") from error


def _names(inputs: Mapping[str, Json], option: str) -> list[str]:
    names = inputs.get(option)
    return [str(name) for name in names] if isinstance(names, list) else []


def content_hash(path: Path) -> str:
    """The SHA-256 of a file. Raises DriverError when it can't be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DriverError(f"The document {path} can't be read: {error.strerror}.") from error


def read(files: Sequence[str]) -> Saved | None:
    """The saved plan that is meant, if it is one file, which is a saved plan; None for documents.

    Raises DriverError for a damaged one, and when a document is not what it was.
    """
    content = _content(Path(files[0])) if len(files) == 1 and files[0].endswith(".json") else None
    if content is None or KEY not in content:
        return None
    if content[KEY] != SCHEMA:
        raise DriverError(f"{files[0]} is a plan of another version ({content[KEY]}). Plan again.")
    try:
        for each in content["documents"]:
            _check(Path(each["path"]), each["sha256"])
        told = {name: value for name, value in content.items() if name.startswith("state_")}
        return Saved(str(content["host"]), dict(content["inputs"]), told)
    except (KeyError, TypeError, ValueError) as error:
        raise DriverError(f"The plan {files[0]} is damaged. Plan again.") from error


def _content(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DriverError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _check(path: Path, wanted: str) -> None:
    if content_hash(path) != wanted:
        raise DriverError(f"The document {path} was changed since the plan was made. Plan again, and look at it.")
