"""The user's settings file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.settings import Settings


def files(folder: Path, text: str | None = None, former: str | None = None) -> Settings:
    for name, content in (("config.yaml", text), ("former.yaml", former)):
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return Settings(folder / "config.yaml", folder / "former.yaml")


@pytest.mark.parametrize(
    ("text", "former", "value"),
    [
        (None, None, None),
        ("", None, None),
        ("default_host: pve1\n", None, "pve1"),
        (None, "default_host: pve2\ncontainer: {cores: 2}\n", "pve2"),
        ("default_host: pve1\n", "default_host: pve2\n", "pve1"),
        ("default_host: null\n", "default_host: pve2\n", None),
    ],
)
def test_own_values_come_first(tmp_path: Path, text: str | None, former: str | None, value: str | None) -> None:
    assert files(tmp_path, text, former).get("default_host") == value


def test_what_the_user_wrote_stays(tmp_path: Path) -> None:
    config = files(tmp_path, "# mine\ndefault_host: old  # why\ncontainer:\n  default_host: not this\n  cores: 2")
    config.set("default_host", "new")
    config.set("other", "x")
    assert config.path.read_text() == (
        "# mine\ndefault_host: new\ncontainer:\n  default_host: not this\n  cores: 2\nother: x\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "{path}:2: expected the node content, but found '<stream end>': b: ["),
        ("- a\n", "{path}: it does not hold settings as 'name: value'"),
        ("{default_host: old}\n", None),
        ("default_host:\n  - old\n", None),
    ],
)
def test_files_that_cannot_be_edited(tmp_path: Path, text: str, message: str | None) -> None:
    config = files(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.set("default_host", "new")
    assert config.path.read_text() == text
    assert str(caught.value).startswith(message.format(path=config.path) if message else str(config.path))


@settings(max_examples=30)  # each writes files
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4))
def test_the_last_value_is_kept(values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = files(Path(folder), "# mine\ncontainer:\n  cores: 2\n")
        for value in values:
            config.set("default_host", value)
            assert Settings(config.path, config.former).get("default_host") == value
        assert yaml.safe_load(config.path.read_text(encoding="utf-8"))["container"] == {"cores": 2}


KINDS = {"container.cores": "int", "container.template": "str", "container.tags": "list", "other.x": "bool"}


@pytest.mark.parametrize(
    ("text", "former", "expected"),
    [
        (None, None, {}),
        ("container:\n", None, {}),
        ("default_host: x\ncontainer: {cores: 2, tags: [a, b]}\nother: {x: true}\n", None,
         {"container.cores": 2, "container.tags": ["a", "b"], "other.x": True}),
        ("container: {cores: 2}\n", "container: {cores: 4, template: t, theirs: 1}\n",
         {"container.cores": 2, "container.template": "t"}),
        ("container: {cores: null}\n", "container: {cores: 4}\n", {"container.cores": 4}),
        ("container: {cores: '2', tags: 'a,b'}\n", None, {"container.cores": 2, "container.tags": ["a", "b"]}),
    ],
)  # fmt: skip
def test_sections_are_typed(tmp_path: Path, text: str | None, former: str | None, expected: dict[str, object]) -> None:
    assert files(tmp_path, text, former).typed(KINDS) == expected


@pytest.mark.parametrize(
    ("text", "former", "message"),
    [
        ("a: 1\ncontainer:\n  cores: two\n", None, "{own}:3: container.cores: expected a whole number, got 'two'"),
        ("container:\n  template: 12\n", None, "{own}:2: container.template: expected text, got 12"),
        (None, "\ncontainer:\n  cores: [1]\n", "{former}:3: container.cores: expected a whole number, got [1]"),
        ("container: {cores: 1}\nother:\n  y: 1\n", None, "{own}:3: 'other.y' is no setting. Known: x."),
        ("container:\n\n  core: 2\n", None,
         "{own}:3: 'container.core' is no setting. Did you mean 'cores'? Known: cores, tags, template."),
        ("\ncontainer: 2\n", None, "{own}:2: 'container' does not hold settings as 'name: value'"),
        ("container: [\n", None, "{own}:2: expected the node content, but found '<stream end>': "),
    ],
)  # fmt: skip
def test_settings_that_are_wrong(tmp_path: Path, text: str | None, former: str | None, message: str) -> None:
    config = files(tmp_path, text, former)
    with pytest.raises(ConfigError) as caught:
        config.typed(KINDS)
    assert str(caught.value) == message.format(own=config.path, former=config.former)
