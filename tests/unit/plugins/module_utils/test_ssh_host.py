"""What the module ssh_host makes of its parameters; what it does is in tests/module/test_ssh_host.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import host_entries
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import Entry, Wish
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host import OPTIONS, wished

DEFAULTS = {name: option.get("default") for name, option in OPTIONS.items()}


@pytest.mark.parametrize(
    ("given", "wish"),
    [
        ({}, Wish(Entry("pve1", "192.0.2.10"))),
        ({"user": "joe", "port": 2222}, Wish(Entry("pve1", "192.0.2.10", "joe", 2222))),
        ({"key": "/keys/id", "jump": "a,b"}, Wish(Entry("pve1", "192.0.2.10", "root", 22, "/keys/id", "a,b"))),
        ({"key": "{home}/id"}, Wish(Entry("pve1", "192.0.2.10", identity_file="~/id"))),
        ({"strict": True, "pin": True}, Wish(Entry("pve1", "192.0.2.10", strict=True), pin=True)),
        ({"known_hosts": "/theirs"}, Wish(Entry("pve1", "192.0.2.10"), Path("/theirs"))),
    ],
    ids=["defaults", "login", "key and jump", "key at home", "strict", "known hosts"],
)
def test_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], wish: Wish) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(host_entries, "ssh_home", lambda: tmp_path)
    texts = {name: value.format(home=tmp_path) if isinstance(value, str) else value for name, value in given.items()}
    assert wished({**DEFAULTS, "name": "pve1", "hostname": "192.0.2.10", **texts}) == wish
