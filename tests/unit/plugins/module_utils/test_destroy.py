"""Removing a list of guests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.destroy import destroy
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConnectionError, FindingsError, PveError

from .resources.reading import Table, row

PARAMS: dict[str, Any] = {"adopt": False, "tag": "homelab-pve", "stop_timeout": 5, "max_parallel": 1}
BROKEN = PveError("DELETE", "/x", 500, "storage 'nas' is not online")


class Node(Client):
    """Three guests; a DELETE takes one out of the list, or fails."""

    def __init__(self, **failures: Exception) -> None:
        rows = {vmid: row(vmid, f"g{vmid}", tags="homelab-pve") for vmid in (100, 101, 102)}
        self.rows, self.failures, self.retries = rows, failures, 0

    def get(self, path: str, params: Any = None) -> Any:
        """List, status and configuration."""
        stopped = {f"/nodes/father/qemu/{vmid}/status/current": {"status": "stopped"} for vmid in self.rows}
        configs: dict[str, Any] = {f"/nodes/father/qemu/{vmid}/config": {} for vmid in self.rows}
        free = {"/cluster/nextid": (params or {}).get("vmid")}
        return Table({"/cluster/resources": list(self.rows.values()), **free, **stopped, **configs}).get(path)

    def request(self, method: str, path: str, params: Any = None, _patience: float = 0.0) -> Any:
        """Remove a guest."""
        name = path.rsplit("/", 1)[1]
        if f"g{name}" in self.failures:
            raise self.failures[f"g{name}"]
        del self.rows[int(name)]


def vms(*vmids: int) -> dict[str, Any]:
    return {**PARAMS, "vms": [{"vmid": vmid, "name": f"g{vmid}"} for vmid in vmids]}


def test_all_are_removed() -> None:
    node = Node()
    result = destroy(node, vms(100, 102, 999), False)
    assert (result["changed"], list(node.rows)) == (True, [101])
    assert result["destroyed"] == [{"vmid": 100, "name": "g100"}, {"vmid": 102, "name": "g102"}]
    assert result["absent"] == [{"vmid": 999, "name": "g999"}]


def test_a_dry_run_removes_none() -> None:
    node = Node()
    assert destroy(node, vms(100), True)["plan"] == ["remove vm 100 (g100)"]
    assert len(node.rows) == 3


def test_a_failure_is_told_at_the_end() -> None:
    node = Node(g100=BROKEN)
    with pytest.raises(FindingsError) as caught:
        destroy(node, vms(100, 101), False)
    assert list(node.rows) == [100, 102]
    assert str(caught.value) == (
        "1 of 2 guests could not be removed:\n"
        "- 100 (g100): Cannot remove vm 100 (g100): DELETE /x: 500 storage 'nas' is not online."
    )
    assert [entry["vmid"] for entry in caught.value.result["failures"]] == [100]  # type: ignore[attr-defined]


def test_a_node_that_is_gone_is_not_asked_for_each() -> None:
    class Gone(Node):
        asked = 0

        def get(self, path: str, params: Any = None) -> Any:
            """Not there."""
            self.asked += 1
            raise ConnectionError("father", 8006, "Connection refused")

    node = Gone()
    with pytest.raises(ConnectionError):
        destroy(node, vms(100, 101), False)
    assert node.asked == 1
