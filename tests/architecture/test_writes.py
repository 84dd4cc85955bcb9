"""Only apply.py writes to Proxmox: calls of the client's writing methods anywhere else are listed with their reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import matching, text

UTILS = "plugins/module_utils"
WRITING = frozenset({"post", "put", "delete"})
VERBS = frozenset({"POST", "PUT", "DELETE"})

WRITERS = {
    f"{UTILS}/apply.py": "executes plans: the place that writes",
    f"{UTILS}/api.py": "defines the client",
    f"{UTILS}/api_https.py": "carries requests: a login is a POST",
    f"{UTILS}/api_pvesh.py": "carries requests",
    f"{UTILS}/executor.py": "puts files by SFTP; knows no API",
    f"{UTILS}/tasks.py": "stops a task it gave up on",
}


def writes(source: str) -> list[int]:
    """Lines that call `.post()`, `.put()` or `.delete()`, or `.request()` with a writing verb."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and is_write(node)]


def is_write(call: ast.Call) -> bool:
    """Whether a call is one of a client's writing methods."""
    if not isinstance(call.func, ast.Attribute):
        return False
    verb = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return call.func.attr in WRITING or (call.func.attr in ("request", "send") and verb in VERBS)


def test_only_the_listed_files_write() -> None:
    found = [
        f"{path}:{line} writes to Proxmox; make it a Step of a plan"
        for path in matching("plugins/**/*.py")
        if str(path) not in WRITERS
        for line in writes(text(path))
    ]
    assert not found, "\n".join(found)


def test_the_list_names_files_that_exist() -> None:
    gone = [name for name in WRITERS if Path(name) not in matching("plugins/**/*.py")]
    assert not gone, f"remove from WRITERS: {gone}"


@pytest.mark.parametrize(
    "source", ["client.post('/nodes')", "api.nodes.delete()", "self.client.put(p)", "c.request('POST', path)"]
)
def test_a_write_is_found(source: str) -> None:
    assert writes(source) == [1]


@pytest.mark.parametrize("source", ["client.get('/nodes')", "c.request('GET', path)", "delete(volume)"])
def test_reading_is_no_write(source: str) -> None:
    assert writes(source) == []
