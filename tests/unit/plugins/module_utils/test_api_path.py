"""What the module api returns for a read."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.api_path import work


def test_a_read_returns_the_data_and_writes_nothing() -> None:
    client: Any = create_autospec(Client, instance=True)
    client.get.return_value = [1]
    found = work(client, {"path": "/storage", "method": "GET", "params": {"a": {"b": True}}}, False)
    assert found == {"changed": False, "data": [1]}
    client.get.assert_called_once_with("/storage", {"a": "b=1"})
    client.request.assert_not_called()
