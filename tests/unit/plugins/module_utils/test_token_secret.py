"""The file that keeps a token's secret."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.token_secret import store_secret, stored_secret

TOKEN = "root@pam!ci"


def test_what_is_stored_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "token.json"
    assert stored_secret(path, TOKEN) is None
    store_secret(path, TOKEN, "one")
    store_secret(path, TOKEN, "two")
    assert stored_secret(path, TOKEN) == "two"
    assert json.loads(path.read_text()) == {"id": TOKEN, "secret": "two"}


def test_it_is_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "token.json"
    store_secret(path, TOKEN, "one")
    assert [stat.S_IMODE(item.stat().st_mode) for item in (path, path.parent)] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "token.json").mkdir()
    with pytest.raises(OSError, match=r"token\.json"):
        store_secret(tmp_path / "token.json", TOKEN, "one")
    assert [item.name for item in tmp_path.iterdir()] == ["token.json"]


@pytest.mark.parametrize(
    "content", ["", "x", "[]", "{}", '{"id": "root@pam!ci"}', '{"id": "root@pam!b", "secret": "x"}']
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"give another secret_path$"):
        stored_secret(path, TOKEN)
