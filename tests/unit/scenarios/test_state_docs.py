"""What is shown to users is true: command lines are understood, documents pass every check before the first request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest
import yaml
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, read_file
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import load

from scenarios.catalog import CATALOG, find
from scenarios.cli import build

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted([*(ROOT / "docs").glob("state*.md"), ROOT / "docs" / "disaster-recovery.md"])
EXAMPLES = sorted((ROOT / "examples" / "state").glob("*.[yj]*"))
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> Iterator[str]:
    """The fenced blocks of a language, those inside of lists too."""
    return (dedent(body) for _indent, name, body in FENCED.findall(text) if name == language)


def command_lines(text: str) -> list[list[str]]:
    """The words of each ``./run.sh`` in the console blocks; a backslash continues a line, ``#`` begins a comment."""
    lines = [line for block in blocks(text, "console") for line in block.replace("\\\n", " ").splitlines()]
    return [words[1:] for line in lines if (words := shlex.split(line, comments=True))[:1] == ["./run.sh"]]


def understood(words: list[str]) -> None:
    """Parse a command line as far as click does it; raises what click says."""
    group: click.Command = build(CATALOG)
    context = group.make_context("run.sh", list(words))
    if scenario := context.params.get("scenario"):
        find(CATALOG, scenario)
    while isinstance(group, click.Group) and (rest := [*context._protected_args, *context.args]):
        _name, found, rest = group.resolve_command(context, rest)
        assert found is not None
        group, context = found, found.make_context(found.name, rest, parent=context)


DOCUMENTED = [(path.name, words) for path in DOCS for words in command_lines(path.read_text(encoding="utf-8"))]
WRITTEN = [
    (f"{path.name}-{number}", block)
    for path in DOCS
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8"), "yaml"))
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the command lines name."""
    monkeypatch.chdir(tmp_path)
    for name in {word for _path, words in DOCUMENTED for word in words if Path(word).suffix}:
        if not Path(name).is_absolute():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()
    return tmp_path


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("name", "words"), DOCUMENTED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_line_is_understood(name: str, words: list[str]) -> None:
    assert name
    understood(words)


@pytest.mark.parametrize(("name", "block"), WRITTEN, ids=lambda value: value.partition("\n")[0])
def test_a_document_is_valid(name: str, block: str) -> None:
    values = yaml.safe_load(block)
    if isinstance(values, dict):
        load([Text(name, block)], KINDS, "father")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid(path: Path) -> None:
    assert load([read_file(path)], KINDS, "father")


def test_there_is_something_to_check() -> None:
    assert (len(DOCUMENTED) > 10, len(WRITTEN) > 3, len(EXAMPLES) > 3) == (True, True, True)


@pytest.mark.parametrize("line", ["state nope", "state plan --no-such-flag", "lab upp"])
def test_a_wrong_command_line_is_found(line: str) -> None:
    with pytest.raises(click.UsageError):
        understood(line.split())


LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
LINKS = [(path, *found) for path in DOCS for found in LINK.findall(path.read_text(encoding="utf-8"))]


def headings(text: str) -> set[str]:
    """What a text's headings are called in links."""
    lines = [line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", line).replace(" ", "-") for line in lines}


@pytest.mark.parametrize(("path", "file", "heading"), LINKS, ids=str)
def test_a_link_leads_somewhere(path: Path, file: str, heading: str) -> None:
    aim = (path.parent / file) if file else path
    assert aim.exists()
    assert not heading or heading in headings(aim.read_text(encoding="utf-8"))


TEXT = """x
```console
./run.sh state plan a.yml \\
  --host h   # why
ssh pve1
```
1. y

   ```console
   ./run.sh lab up
   ```
"""


def test_what_is_a_command_line() -> None:
    assert command_lines(TEXT) == [["state", "plan", "a.yml", "--host", "h"], ["lab", "up"]]
