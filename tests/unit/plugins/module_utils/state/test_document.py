"""Texts of state documents: values, the lines they stand on, and what is refused before it costs anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import document
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text, read, read_file, sources, spelled
from hypothesis import given, settings
from hypothesis import strategies as st


def refused(content: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(Text("d.yml", content))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('{"a": 1, "b": [true, null, "x"]}', {"a": 1, "b": [True, None, "x"]}),
        ('{\n\t"a": "\\ud83d\\ude00 \\\\ud83d", "b": "\\/x"\n}', {"a": "\U0001f600 \\ud83d", "b": "/x"}),
        ("time: 12:30\nday: 2026-01-01\nmode: 0660", {"time": "12:30", "day": "2026-01-01", "mode": "0660"}),
        ("a: 1.50\nb: 10_000\nc: 0x10\nd: -3", {"a": 1.5, "b": "10_000", "c": "0x10", "d": -3}),
        ("a: 1e400\nb: " + "9" * 5000, {"a": "1e400", "b": "9" * 5000}),
        ("a: off\nb: 'off'", {"a": False, "b": "off"}),
        ("x-base: &base {cores: 2}\nvms: [{<<: *base, memory: 5}]", None),
        ("include: []\na: 1", {"include": [], "a": 1}),
    ],
)
def test_values(content: str, values: dict[str, Any] | None) -> None:
    found = read(Text("d.yml", content)).values
    assert found == values if values else found["vms"] == [{"cores": 2, "memory": 5}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a", "d.yml:1: A document is a mapping of kinds, as in 'vms: [...]'."),
        ("", "d.yml:1: A document is a mapping of kinds, as in 'vms: [...]'."),
        ("a: 1\nb: [", "d.yml:2: This is no YAML or JSON: did not find expected node content."),
        ("a: 1\na: 2", "d.yml:2: The key 'a' stands here and on line 1."),
        ("a: {b: 1,\n  b: 2}", "d.yml:2: The key 'b' stands here and on line 1."),
        ("a: 1\n100: x", "d.yml:2: The key '100' is no text. Write it in quotes."),
        ("on: x", "d.yml:1: The key 'on' is no text. Write it in quotes."),
        ("? [a]\n: x", "d.yml:1: The key on this line is no text. Write it in quotes."),
        ("a: &a [*a]", "d.yml:1: A value contains itself."),
        ("a: 1\n---\nb: 1", "d.yml:2: This is no YAML or JSON: but found another document."
         " Give each document a file of its own."),
        ("a: @x", "d.yml:1: This is no YAML or JSON: found character that cannot start any token."
         " Write a value that begins with this character in quotes."),
        ("a: [" * 45, "d.yml:1: The document is nested more than 40 deep."),
    ],
)  # fmt: skip
def test_what_is_no_document(content: str, message: str) -> None:
    assert refused(content) == message


def test_a_tag_is_refused_with_what_to_do() -> None:
    assert refused("a: !vault x").endswith(
        "A document has no tags: write a secret as ${secret:NAME}, and hand its value over with the option secrets, "
        "where Ansible Vault may hold it."
    )


def test_aliases_that_grow_without_end() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "With its aliases written out the document has more than 1000000 values." in refused(
        f"l0: &l0 [x]\n{levels}"
    )


def test_merged_keys_that_grow_without_end() -> None:
    levels = "".join(f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
    assert "more than 1000000 values" in refused(f"l0: &l0 {{x: 1}}\n{levels}")


def test_depth_counts_aliases() -> None:
    chain = "".join(f"l{n}: &l{n} [[[[*l{n - 1}]]]]\n" for n in range(1, 12))
    assert refused(f"l0: &l0 [x]\n{chain}").endswith("The document is nested more than 40 deep.")


class Noted:
    """A file that notes how many bytes are asked for."""

    def __init__(self, stream: IO[bytes], taken: list[int]) -> None:
        self.stream, self.taken = stream, taken

    def __enter__(self) -> Noted:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stream.close()

    def read(self, size: int = -1) -> bytes:
        self.taken.append(size)
        return self.stream.read(size)


def test_a_large_file_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 1 << 20)
    path = tmp_path / "large.yml"
    with path.open("wb") as stream:
        stream.truncate(100 << 20)
    taken: list[int] = []
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, _mode: Noted(opened(self, "rb"), taken))
    with pytest.raises(ConfigError, match=r"larger than 1 MiB\. Split it with include\."):
        read_file(path)
    assert taken == [(1 << 20) + 1]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes(b"a: \xe4")
    for name, words in (
        ("none", "No such file or directory"),
        ("pipe", "it is no regular file"),
        ("latin", "is no UTF-8 text"),
    ):
        with pytest.raises(ConfigError, match=words):
            read_file(tmp_path / name)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes('\ufeff{"a": 1}'.encode())
    assert read(read_file(tmp_path / "d.json")).values == {"a": 1}


LINES = """\
node: pve
vms:
- vmid: 100
  net: {net0: {bridge: vmbr0}}
-
  vmid: 101
  <<: &base
    cores: 2
- {vmid: 102, <<: {cores: 3},
   cores: 4}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1),
        (("node",), 1),
        (("vms", 0, "net", "net0", "bridge"), 4),
        (("vms", 0, "nothing"), 3),
        (("vms", 1, "vmid"), 6),
        (("vms", 1, "cores"), 8),
        (("vms", 2, "cores"), 10),
        (("vms", 9), 3),
        (("node", 0), 1),
        (("node", "x"), 1),
    ],
)
def test_lines(place: tuple[str | int, ...], line: int) -> None:
    assert read(Text("d.yml", LINES)).line(place) == line


def test_a_place_for_people() -> None:
    assert spelled(("vms", 3, "net", "net0")) == "vms[3].net.net0"


def test_what_is_included_stands_below(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "top.yml").write_text("include: [inner/a.yml, inner/b.yml]\nx: top")
    (tmp_path / "inner" / "a.yml").write_text("include: c.yml\nx: a")
    (tmp_path / "inner" / "b.yml").write_text("x: b")
    (tmp_path / "inner" / "c.yml").write_text("x: c")
    assert [source.values["x"] for source in sources([read_file(tmp_path / "top.yml")])] == ["c", "a", "b", "top"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("include: 5", "include: give a list of file names."),
        ("include: [a.yml, 5]", "include: give a list of file names."),
        ("include: missing.yml", "missing.yml can't be read: No such file or directory."),
        ("include: top.yml", "The document includes itself: "),
    ],
)
def test_what_cannot_be_included(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.yml").write_text("x: 1")
    (tmp_path / "top.yml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        sources([read_file(tmp_path / "top.yml")])
    assert message in str(caught.value)


def test_includes_that_grow_without_end(tmp_path: Path) -> None:
    for level in range(12):
        (tmp_path / f"{level}.yml").write_text(f"include: [{', '.join([f'{level + 1}.yml'] * 3)}]")
    (tmp_path / "12.yml").write_text("x: 1")
    with pytest.raises(ConfigError, match="More than 100 documents are included"):
        sources([read_file(tmp_path / "0.yml")])


def test_a_text_includes_nothing() -> None:
    with pytest.raises(ConfigError, match="Only a file can include others: this text has no folder"):
        sources([Text("document", '{"include": ["a.yml"]}')])


KEYS = st.text("abc-_ \"'\\\u00e4\u2028\x85\x7f\U0001f600", min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=4), st.booleans())
@settings(max_examples=150)
def test_json_is_read_as_it_is_written(values: dict[str, Any], escaped: bool) -> None:
    content = json.dumps(values, indent=1, ensure_ascii=escaped)
    assert read(Text("d.json", content)).values == values


@given(st.text("ab:-[]{}&*!<>|#\"'\n ,?%@0", max_size=60))
@settings(max_examples=400)
def test_any_text_is_read_or_refused(content: str) -> None:
    try:
        assert isinstance(read(Text("d.yml", content)).values, dict)
    except ConfigError as error:
        assert str(error).startswith("d.yml")
