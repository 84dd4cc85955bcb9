"""Where things are: the repository, the virtual environment, and what the driver keeps (XDG directories)."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import platformdirs

APP = "homelab-pve"


def repository() -> Path:
    """The checkout this package belongs to."""
    return Path(__file__).resolve().parent.parent


def collections() -> Path:
    """The directory in which run.sh linked the repository as the collection homelab.pve."""
    return Path(sys.prefix) / "collections"


def state() -> Path:
    """What must survive: contexts, audit, runs, pins, locks."""
    return Path(platformdirs.user_state_dir(APP, appauthor=False))


def cache() -> Path:
    """What may be lost."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def private_directory(path: Path) -> Path:
    """Make ``path`` if needed, readable by its owner only, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole (0600): a reader, or a crash, meets the old text or the new, never half of it."""
    private_directory(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, document: object) -> None:
    """Write a JSON document, privately and as a whole."""
    write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
