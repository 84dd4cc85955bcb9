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
