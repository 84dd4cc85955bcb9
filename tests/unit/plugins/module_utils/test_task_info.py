"""Tasks as a list tells them, and as their own status does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.errors import OutcomeUnknownError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.task_info import OPTIONS, info, task

ROW = {"upid": "UPID:father:1:", "node": "father", "type": "qmstart", "id": "104", "user": "root@pam", "starttime": 5}
WISH: dict[str, Any] = {name: spec.get("default") for name, spec in OPTIONS.items()}


class Nodes(Client):
    """Two nodes; the second answers with an error if one is given."""

    def __init__(self, rows: list[dict[str, Any]], trouble: Exception | None = None) -> None:
        self.rows, self.trouble, self.asked = rows, trouble, dict[str, Any]()

    def get(self, path: str, params: Any = None) -> Any:
        """The nodes, or the tasks of one."""
        if path == "/nodes":
            return [{"node": "mother"}, {"node": "father"}]
        self.asked[path] = params
        if "mother" in path and self.trouble:
            raise self.trouble
        return [{**row, "node": path.split("/")[2]} for row in self.rows]


@pytest.mark.parametrize(
    ("more", "status", "exitstatus", "failed"),
    [
        ({"status": "OK", "endtime": 9}, "stopped", "OK", False),
        ({"status": "WARNINGS: 3"}, "stopped", "WARNINGS: 3", False),
        ({"status": "unexpected status"}, "stopped", "unexpected status", True),
        ({"status": "OK?"}, "stopped", "OK?", True),
        ({"status": "RUNNING"}, "running", None, False),
        ({}, "running", None, False),
        ({"status": "running"}, "running", None, False),
        ({"status": "stopped", "exitstatus": "VM is locked (backup)"}, "stopped", "VM is locked (backup)", True),
        ({"status": "stopped", "exitstatus": "OK"}, "stopped", "OK", False),
    ],
    ids=str,
)
def test_how_a_task_ended(more: dict[str, Any], status: str, exitstatus: str | None, failed: bool) -> None:
    found = task({**ROW, **more})
    assert (found["status"], found["exitstatus"], found["failed"]) == (status, exitstatus, failed)


def test_criteria_travel_under_proxmox_names() -> None:
    nodes = Nodes([])
    info(nodes, {**WISH, "node": "father", "vmid": 104, "type": "qmstart", "user": "joe", "since": 1, "limit": 3})
    assert nodes.asked == {
        "/nodes/father/tasks": {
            "vmid": 104, "typefilter": "qmstart", "userfilter": "joe", "since": 1, "limit": 3, "source": "all",
            "errors": None,
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "starts"),
    [({}, [7, 7, 5, 5]), ({"limit": 3}, [7, 7, 5]), ({"errors": True}, [5, 5]), ({"running": True}, [7, 7])],
    ids=str,
)
def test_the_newest_of_all_nodes(wish: dict[str, Any], starts: list[int]) -> None:
    # Of the running one Proxmox VE says "errors" too, of the ended one that it is still "active".
    rows = [{**ROW, "status": "bad"}, {**ROW, "status": "RUNNING", "starttime": 7}]
    assert [found["starttime"] for found in info(Nodes(rows), {**WISH, **wish})["tasks"]] == starts


@pytest.mark.parametrize(
    "trouble",
    [
        PveError("GET", "/nodes/mother/tasks", 595, "Connection refused"),
        OutcomeUnknownError("father", 8006, "no answer within 30 s"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_node_that_is_silent_hides_no_other(trouble: Exception) -> None:
    answer = info(Nodes([ROW], trouble), WISH)
    assert [found["node"] for found in answer["tasks"]] == ["father"]
    assert answer["unreachable"] == [{"node": "mother", "error": str(trouble)}]
    with pytest.raises(type(trouble)):
        info(Nodes([ROW], trouble), {**WISH, "node": "mother"})
