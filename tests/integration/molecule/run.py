"""Runs Molecule's scenarios inside the network of a lab of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import control

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FULL_TEST = ("test", "--all")


def say(line: str) -> None:
    """Progress of the lab's start."""
    print(line, flush=True)


def molecule(arguments: Sequence[str]) -> int:
    """Run molecule (a full test unless told otherwise) in the lab's network; its exit code. The lab is gone after."""
    os.environ |= {
        "MOLECULE_GLOB": str(HERE / "*" / "molecule.yml"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
    }
    control.ensure_up(say)
    try:
        return control.shell([str(Path(sys.executable).with_name("molecule")), *(arguments or FULL_TEST)])
    finally:
        control.reset()


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(molecule(sys.argv[1:]))
