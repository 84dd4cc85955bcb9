"""The table of docs/state.md: what a state document may declare. Made of the catalog by `python -m` this file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ansible_collections.homelab.pve.plugins.module_utils.engine import Resource
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "state.md"
BEGIN, END = "<!-- kinds: made by python -m tests.conformance.state_kinds -->\n", "<!-- end of kinds -->\n"
FIRST = "cluster"
"""What everything comes after, which the table needn't say of each."""

MODULES = "ansible_collections.homelab.pve.plugins.modules"


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Every module of the collection by its name."""
    for path in sorted((ROOT / "plugins" / "modules").glob("[a-z]*.py")):
        yield path.stem, import_module(f"{MODULES}.{path.stem}")


def module_of(resource: Resource, known: Mapping[str, ModuleType]) -> str:
    """The module that declares single things of a kind; empty where there is none.

    A document's resource may be more than the module's, as a guest's, which can be restored first: then the kind tells.
    """
    held = [(name, each) for name, module in known.items() for each in vars(module).values()]
    same = [name for name, each in held if each is resource]
    alike = [name for name, each in held if isinstance(each, Resource) and each.kind == resource.kind]
    return next(iter([*same, *alike]), "")


def table(kinds: Iterable[Kind]) -> str:
    """The kinds as a table, in the order of an export."""
    known = dict(modules())
    lines = ["| in the document | module | told apart by | after |", "|---|---|---|---|"]
    for kind in kinds:
        keys = ", ".join(f"`{key}`" for key in kind.keys) or "there is one"
        module = module_of(kind.resource, known)
        after = ", ".join(name for name in dict.fromkeys(kind.after) if name != FIRST)
        lines.append(f"| `{kind.name}` | {f'`{module}`' if module else '-'} | {keys} | {after} |")
    return "\n".join([*lines, ""])


def parts(text: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands after it."""
    before, _, rest = text.partition(BEGIN)
    inner, _, after = rest.partition(END)
    return before, inner, after


if __name__ == "__main__":
    above, _, below = parts(DOCUMENT.read_text(encoding="utf-8"))
    DOCUMENT.write_text(f"{above}{BEGIN}{table(KINDS.values())}{END}{below}", encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT}\n")
