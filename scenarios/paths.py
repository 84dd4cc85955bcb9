"""Where things are: the repository, the virtual environment, and what the driver keeps (XDG directories)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import platformdirs
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import private_directory, replacing

__all__ = ["APP", "cache", "collections", "private_directory", "repository", "state", "write_json", "write_private"]

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


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole (0600): a reader, or a crash, meets the old text or the new, never half of it."""
    private_directory(path.parent)
    with replacing(path) as stream:
        stream.write(text.encode())


def write_json(path: Path, document: object) -> None:
    """Write a JSON document, privately and as a whole."""
    write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
