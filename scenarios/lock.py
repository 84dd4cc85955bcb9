"""One driver a host: a lock file that says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from scenarios import paths
from scenarios.errors import NotReadyError
from scenarios.values import Json


def path_of(host: str) -> Path:
    """The lock file of a host."""
    return paths.state() / "locks" / f"{host}.lock"


@contextmanager
def hold(host: str, holder: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Hold the host's lock inside this block; the system frees it when the driver dies, however it dies.

    Args:
        host: the inventory host.
        holder: who is asking: pid, run_id, scenario, started_at; shown to whoever is refused.

    Yields:
        Who held it last and died without letting go; empty when it was let go.

    Raises:
        NotReadyError: another run holds it; the message says which.
    """
    path = path_of(host)
    paths.private_directory(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, host)
        before = _holder(os.pread(descriptor, 4096, 0))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(dict(holder)).encode(), 0)
        try:
            yield before
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, host: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NotReadyError(_refusal(host, os.pread(descriptor, 4096, 0))) from None


def _refusal(host: str, content: bytes) -> str:
    who = "another run, which is just starting or ending"
    with suppress(KeyError):
        who = "run {run_id} ({scenario}, process {pid}, since {started_at})".format_map(_holder(content))
    return f"Host '{host}' is in use by {who}. Wait for it to end, or end it, then try again."


def _holder(content: bytes) -> dict[str, Json]:
    try:
        holder = json.loads(content)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
