"""What each module may write to, in its own words, and what it was seen to write."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias
from unittest.mock import patch

from ansible_collections.homelab.pve.plugins.module_utils.engine import Resource
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, Question

from lab.api.requestlog import REFUSED, RequestRecord

MODULES = "ansible_collections.homelab.pve.plugins.modules"
SEEN: set[tuple[str, str]] = set()
"""Module and endpoint of every write so far."""

CARRIERS = frozenset({"state", "state_checkpoint"})
"""Modules that carry out the resources of others."""

ENTRIES = ("run", "ask", "act", "run_here")
"""Functions of module.py one of which a module's main calls."""


def names() -> list[str]:
    """The modules there are."""
    return sorted(path.stem for path in Path(str(source("vm").__file__)).parent.glob("*.py") if path.stem != "__init__")


def source(name: str) -> ModuleType:
    """A module's file."""
    return importlib.import_module(f"{MODULES}.{name}")


Specification: TypeAlias = Resource | Question | Action | Mapping[str, Any]


def specification(name: str) -> Specification:
    """What a module's main hands to the engine; the options alone for one that uses no API."""
    module = source(name)
    entry = next(entry for entry in ENTRIES if hasattr(module, entry))
    with patch.object(module, entry) as called:
        module.main()
    found: Specification = called.call_args.args[0]
    return found


@cache
def declared(name: str) -> tuple[str, ...]:
    """The endpoints a module may write to, as ``PUT /storage/{}``."""
    found = specification(name)
    return found.writes if isinstance(found, Resource | Action) else ()


def endpoint_of(writes: Iterable[str], method: str, path: str) -> str | None:
    """The declared endpoint a request went to, the one with most parts where several fit."""
    found = [write for write in writes if _pattern(write).fullmatch(f"{method} {path}")]
    return max(found, key=lambda write: write.count("/"), default=None)


def undeclared(name: str, requests: Iterable[RequestRecord]) -> list[str]:
    """The writes that went to endpoints the module's specification doesn't name; the others count as seen.

    So does a question that Proxmox VE takes as POST, where the specification names it.
    """
    asking = [request for request in requests if request.method != "GET" and 0 < request.status < REFUSED]
    found = [(request, endpoint_of(declared(name), request.method, request.path)) for request in asking]
    SEEN.update((name, endpoint) for _, endpoint in found if endpoint)
    return [f"{request.method} {request.path}" for request, endpoint in found if endpoint is None and request.wrote]


def never_seen() -> list[tuple[str, str]]:
    """Modules, and endpoints of their specifications that no test has seen them write to."""
    # Modules that hand over the same, as vm and vms, are one here.
    seen = {(declared(name), endpoint) for name, endpoint in SEEN}
    # What carries out other modules' resources writes to their endpoints.
    own = {endpoint for name in names() if name not in CARRIERS for endpoint in declared(name)}
    named = [(name, endpoint) for name in names() for endpoint in declared(name) if endpoint != "*"]
    due = [(name, endpoint) for name, endpoint in named if name not in CARRIERS or endpoint not in own]
    return sorted((name, endpoint) for name, endpoint in due if (declared(name), endpoint) not in seen)


@cache
def _pattern(write: str) -> re.Pattern[str]:
    # `*` is the module `api`, which may write to any path. The log has paths unquoted, and what ends one may have a
    # slash in it: the address of a network, a volume.
    *parts, last = [part for part in re.split(r"(\{\}|\*)", write) if part]
    return re.compile(
        "".join({"{}": "[^/]+", "*": ".*"}.get(part, re.escape(part)) for part in parts)
        + {"{}": ".+", "*": ".*"}.get(last, re.escape(last))
    )
