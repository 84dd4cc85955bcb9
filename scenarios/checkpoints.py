"""Checkpoints the driver keeps: one private file each, by host and name, below its state directory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios import paths
from scenarios.errors import UsageError, unknown

Checkpoint = Mapping[str, Any]
"""What the playbook state-checkpoint published: name, created, guests, document, ..."""

SUFFIX = ".json"


def folder(host: str) -> Path:
    """Where a host's checkpoints are."""
    return paths.state() / "checkpoints" / re.sub(r"[^A-Za-z0-9_.-]+", "-", host)


def save(host: str, checkpoint: Checkpoint) -> Path:
    """Keep a checkpoint; returns its file."""
    path = folder(host) / f"{checkpoint['name']}{SUFFIX}"
    paths.write_json(path, dict(checkpoint))
    return path


def listing(host: str) -> list[Checkpoint]:
    """A host's checkpoints, the newest first."""
    found = [_read(path) for path in folder(host).glob(f"*{SUFFIX}")]
    return sorted(found, key=lambda each: (str(each["created"]), str(each["name"])), reverse=True)


def find(host: str, name: str) -> Checkpoint:
    """The checkpoint of that name, or in that file; the newest without a name. UsageError when there is none."""
    if "/" in name or name.endswith(SUFFIX):
        return _read(Path(name))
    known = listing(host)
    if not known:
        raise UsageError(
            f"There is no checkpoint of {host}: './run.sh state checkpoint FILE... --host {host}' makes one."
        )
    chosen = [each for each in known if name in ("", each["name"])]
    if not chosen:
        raise unknown(f"checkpoint of {host}", name, [str(each["name"]) for each in known])
    return chosen[0]


def forget(host: str, name: str) -> None:
    """Remove the file of a checkpoint, if there is one."""
    (folder(host) / f"{name}{SUFFIX}").unlink(missing_ok=True)


def _read(path: Path) -> Checkpoint:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read as a checkpoint: {error}") from error
    if not isinstance(found, dict) or not {"name", "created", "guests"} <= found.keys():
        raise UsageError(f"{path} is no checkpoint: one has a name, when it was created, and guests.")
    return found
