"""Exported documents are read back as they are, and an old file stays where the new one can't be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, read
from hypothesis import given
from hypothesis import strategies as st

from scenarios.cli import main
from scenarios.state_export import FORMATS, spelled
from scenarios.values import Json

DOCUMENT: Json = {
    "vms": [{"vmid": 100, "name": "web", "description": "two\nlines\n", "tags": ["a", "b"], "onboot": True}],
    "backups": [{"schedule": "02:30", "comment": "20:30"}],
}
YAML = """\
vms:
  - vmid: 100
    name: web
    description: |
      two
      lines
    tags:
      - a
      - b
    onboot: true
backups:
  - schedule: 02:30
    comment: '20:30'
"""

# What can stand in a file: neither a surrogate nor a control character is in Proxmox VE's configuration.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40)
AWKWARD = st.sampled_from(
    ["1e5", "0x1f", "1_000", "012", "yes", "null", "~", "1.5", ".5", "-0", "2026-01-01", "=", "<<", "1:2"]
)
VALUES = st.recursive(
    TEXTS | AWKWARD | st.integers(-(10**15), 10**15) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def test_yaml_is_for_people() -> None:
    assert spelled(DOCUMENT, "yaml") == YAML


@given(VALUES, st.sampled_from(FORMATS))
def test_what_is_written_is_read_back(value: Any, form: str) -> None:
    document = {"x-anything": value}
    assert read(Text("server", spelled(document, form))).values == document


def test_the_same_list_twice_is_written_twice() -> None:
    shared: list[Json] = ["a"]
    assert "&" not in spelled({"vms": [{"tags": shared}, {"tags": shared}]}, "yaml")


FULL = """
import resource, sys
from pathlib import Path
from scenarios import state_report
from scenarios.errors import DriverError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    state_report.write(Path(sys.argv[1]), "x" * 10000)
except DriverError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    # A limit of a file's size is met as a full disk is: in the middle of a write.
    path = tmp_path / "server.yml"
    path.write_text("old", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path} can't be written: File too large. What was there is as it was.\n"
    assert [each.name for each in tmp_path.glob("*server*")] == ["server.yml"]
    assert path.read_text(encoding="utf-8") == "old"


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["state", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_discover_wants_to_know_what_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discover", "--host", "father"]) == 2
    assert "--export writes the whole server" in capsys.readouterr().err
