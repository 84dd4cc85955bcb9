"""Reading the project's files and their imports."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.homelab.pve"


@cache
def tracked() -> tuple[Path, ...]:
    """The project's files relative to the checkout: committed ones and those that wait to be."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(sorted(Path(name) for name in names if name and (ROOT / name).is_file()))


def matching(*patterns: str) -> list[Path]:
    """Tracked files that match one of the glob patterns; `**` stands for any folders."""
    found = {path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)}
    return [path for path in tracked() if path in found]


def text(path: Path) -> str:
    """The file's text; bytes that are no UTF-8 are replaced."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def module_name(path: Path) -> str:
    """The dotted name under which a file is imported: plugins as part of the collection, the rest from the root."""
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return f"{COLLECTION}.{name}" if path.parts[0] == "plugins" else name


def imports(source: str, module: str) -> Iterator[str]:
    """Dotted names a module imports, at the top or inside functions, relative ones made absolute.

    `from a import b` gives `a.b`: whether b is a module or a name in it does not matter to a rule about a.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, module)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def absolute(node: ast.ImportFrom, module: str) -> str:
    """The module named by a `from ... import`, with leading dots resolved against `module`."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")[: -node.level]
    return ".".join([*parents, *([node.module] if node.module else [])])


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the prefixes or lies below it."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
