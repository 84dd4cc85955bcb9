"""What is told about many guests: moved, nameless and unreachable ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConnectionError, OutcomeUnknownError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.guest_info import (
    CONTAINER_PARTS,
    VM_PARTS,
    info,
    interface,
)

from .resources.reading import Table, row

WISH: dict[str, Any] = {"gather": ["config"], "max_parallel": 1, "include_templates": True}
FATHER, MOTHER = "/nodes/father/qemu/104/config", "/nodes/mother/qemu/104/config"
GONE = PveError("GET", FATHER, 500, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")


class Node(Client):
    """A client whose list changes from look to look."""

    def __init__(self, answers: dict[str, Any], *lists: list[dict[str, Any]]) -> None:
        self.table, self.lists = Table(answers), list(lists)

    def get(self, path: str, params: Any = None) -> Any:
        """The next list, or an answer of the table."""
        if path == "/cluster/resources":
            return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        return self.table.get(path)


def vms(node: Node, **wish: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = info("qemu", "vms", VM_PARTS)(node, {**WISH, **wish})["vms"]
    return found


def test_a_guest_that_moved_since_it_was_listed_is_found_again() -> None:
    node = Node({FATHER: GONE, MOTHER: {"cores": 2}}, [row(104, "web")], [row(104, "web", node="mother")])
    (found,) = vms(node)
    assert (found["config"], found["error"]) == ({"cores": 2}, None)


def test_a_guest_that_was_removed_since_it_was_listed_says_so() -> None:
    (found,) = vms(Node({FATHER: GONE}, [row(104, "web")], []))
    assert (found["config"], found["error"]) == (None, f"config: {GONE}")


def test_a_new_guest_is_asked_for_its_name() -> None:
    rows = [row(104, None, status="unknown"), row(105, None, node="mother"), row(106, "else")]
    answers = {FATHER: {"name": "web", "template": 1}, "/nodes/mother/qemu/105/config": {"name": "db"}}
    assert [item["name"] for item in vms(Node(answers, rows), gather=[])] == ["web", "db", "else"]
    assert [item["name"] for item in vms(Node(answers, rows), gather=[], include_templates=False)] == ["db", "else"]
    assert [item["name"] for item in vms(Node(answers, rows), gather=[], name_pattern="d*")] == ["db"]


def test_a_guest_whose_name_nobody_tells_is_listed_with_the_reason() -> None:
    lost = PveError("GET", FATHER, 595, "Connection refused")
    (found,) = vms(Node({FATHER: lost}, [row(104, None)]), name_pattern="d*")
    assert (found["name"], found["config"]) == ("", None)
    assert found["error"] == f"name: {lost}; config: {lost}"


@pytest.mark.parametrize("status", [502, 595, 596, 599])
def test_a_node_that_does_not_answer_is_asked_once(status: int) -> None:
    lost = PveError("GET", FATHER, status, "Connection timed out")
    node = Node({FATHER: lost, "/nodes/mother/qemu/106/config": {}}, [
        row(104, "a"), row(105, "b"), row(106, "c", node="mother"),
    ])  # fmt: skip
    assert [item["error"] for item in vms(node)] == [f"config: {lost}", f"config: {lost}", None]
    assert node.table.asked == [FATHER, "/nodes/mother/qemu/106/config"]


def test_a_request_that_gets_no_answer_is_the_guests_own_trouble() -> None:
    slow = OutcomeUnknownError("father", 8006, "no answer within 30 s", "Run again.")
    found = vms(Node({FATHER: slow, "/nodes/father/qemu/105/config": {}}, [row(104, "a"), row(105, "b")]))
    assert [item["error"] for item in found] == [f"config: {slow}", None]


def test_a_host_that_does_not_answer_is_everybodys() -> None:
    with pytest.raises(ConnectionError):
        vms(Node({FATHER: ConnectionError("father", 8006, "Connection refused")}, [row(104, "a")]))


def test_other_kinds_are_left_out_and_told_missing() -> None:
    answer = info("lxc", "containers", CONTAINER_PARTS)(
        Node({}, [row(104, "vm"), row(200, "ct", type="lxc")]), {**WISH, "gather": [], "vmid": [104, 200, 300]}
    )
    assert ([item["vmid"] for item in answer["containers"]], answer["missing"]) == ([200], [104, 300])


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            {"name": "eth0", "hardware-address": "bc:24:11:00:00:01", "ip-addresses": [
                {"ip-address": "192.0.2.5", "prefix": 24}, {"ip-address": "fe80::1"},
            ]},
            {"name": "eth0", "mac": "BC:24:11:00:00:01", "addresses": ["192.0.2.5/24", "fe80::1"]},
        ),
        ({"name": "tun0"}, {"name": "tun0", "mac": None, "addresses": []}),
    ],
)  # fmt: skip
def test_interfaces(told: dict[str, Any], shown: dict[str, Any]) -> None:
    assert interface(told) == shown


def test_interfaces_of_a_container_before_proxmox_ve_9() -> None:
    told = {"name": "eth0", "hwaddr": "bc:24:11:00:00:01", "inet": "192.0.2.5/24", "inet6": "fe80::1/64"}
    node = Node({"/nodes/father/lxc/200/interfaces": [told]}, [row(200, "ct", type="lxc", status="running")])
    (found,) = info("lxc", "containers", CONTAINER_PARTS)(node, {**WISH, "gather": ["interfaces"]})["containers"]
    assert found["interfaces"] == [
        {"name": "eth0", "mac": "BC:24:11:00:00:01", "addresses": ["192.0.2.5/24", "fe80::1/64"]}
    ]


def test_an_agents_error_that_comes_as_a_result_is_told() -> None:
    """PVE passes on what the agent says, with status 200."""
    path = "/nodes/father/qemu/104/agent/network-get-interfaces"
    error = {"result": {"error": {"class": "GenericError", "desc": "no such luck"}}}
    node = Node({path: error}, [row(104, "web", status="running")])
    (found,) = info("qemu", "vms", VM_PARTS)(node, {**WISH, "gather": ["agent"]})["vms"]
    assert (found["agent"], "Agent error: no such luck" in found["error"]) == (None, True)
