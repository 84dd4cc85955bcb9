"""Finding guests in the cluster's list. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    discover,
    find,
    followed,
    guest,
    made_since,
    meant,
    select,
    vmid_bounds,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table, row

ROWS = [
    row(104, "nested-pve-old"),
    row(105, "db", type="lxc", tags="homelab-pve"),
    row(9000, "debian", template=1),
    row(99900, "nested-pve", tags="homelab-pve;x", pool="lab", status="running", node="mother"),
]
GUESTS = [guest(item) for item in ROWS]


@pytest.mark.parametrize(
    ("wish", "vmids"),
    [
        ({}, [104, 99900]),
        ({"name_pattern": "nested-pve*"}, [104, 99900]),
        ({"name_pattern": "nested-pve"}, [99900]),
        ({"name_pattern": "nested-pve*", "vmid_range": [99900, 99999]}, [99900]),
        ({"name_pattern": "*", "vmid_range": [104, 104]}, [104]),
        ({"tags": ["homelab-pve"]}, [99900]),
        ({"tags": ["HOMELAB-PVE", "x"]}, [99900]),
        ({"tags": ["homelab-pve", "y"]}, []),
        ({"pool": "lab"}, [99900]),
        ({"node": "father"}, [104]),
        ({"status": "running"}, [99900]),
        ({"include_containers": True}, [104, 105, 99900]),
        ({"include_templates": True}, [104, 9000, 99900]),
    ],
    ids=str,
)
def test_select(wish: dict[str, Any], vmids: list[int]) -> None:
    assert [item.vmid for item in select(GUESTS, wish)] == vmids


@given(st.text(max_size=8), st.integers(100, 99999), st.integers(0, 1000))
def test_nothing_outside_of_pattern_and_range_is_ever_found(pattern: str, low: int, width: int) -> None:
    found = select(GUESTS, {"name_pattern": pattern + "*", "vmid_range": [low, low + width]})
    assert all(low <= item.vmid <= low + width for item in found)
    assert all(item.type == "qemu" and not item.template for item in found)


def test_other_rows_are_no_guests() -> None:
    reader = Table({"/cluster/resources": [*ROWS, {"type": "storage", "id": "storage/father/local"}]})
    assert len(discover(reader, {})["vms"]) == 2
    assert reader.asked == ["/cluster/resources"]


def test_a_new_guest_is_asked_for_its_name() -> None:
    config = "/nodes/father/qemu/106/config"
    reader = Table({"/cluster/resources": [row(106, None, status="unknown")], config: {"name": "new", "template": 1}})
    (found,) = discover(reader, {"include_templates": True})["vms"]
    assert (found["name"], found["template"]) == ("new", True)


def test_a_guest_that_went_meanwhile_hides_no_other() -> None:
    config = "/nodes/father/qemu/106/config"
    gone = PveError("GET", config, 500, "Configuration file 'nodes/father/qemu-server/106.conf' does not exist")
    answers = {"/cluster/resources": [row(106, None), row(107, "there")], config: gone}
    assert [item["vmid"] for item in discover(Table(answers), {})["vms"]] == [107]
    with pytest.raises(PveError):
        discover(Table({**answers, config: PveError("GET", config, 595, "Connection refused")}), {})


@pytest.mark.parametrize("bounds", [[1], [1, 2, 3], [200, 100], [1, 200], []], ids=str)
def test_ranges_that_are_none(bounds: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"is not a range"):
        vmid_bounds(bounds)


def test_find() -> None:
    reader = Table({"/cluster/resources": ROWS})
    assert find(reader, 99900).path("agent", "ping") == "/nodes/mother/qemu/99900/agent/ping"
    reader.answers["/cluster/nextid"] = "4711"
    with pytest.raises(RefusedError, match=r"^There is no guest with vmid 4711\. Check the vmid\.$"):
        find(reader, 4711)
    taken = PveError("GET", "/cluster/nextid", 400, "Parameter", errors={"vmid": "VM 4711 already exists"})
    reader.answers["/cluster/nextid"] = taken
    with pytest.raises(RefusedError, match=r"^The guest with vmid 4711 is hidden from the login\. Grant VM\.Audit on "):
        find(reader, 4711)


def test_a_guest_that_was_made_since_the_list_was_read() -> None:
    reader = Table({"/cluster/resources": [*ROWS, row(4711, "new")]})
    reader.answers["/cluster/nextid"] = PveError(
        "GET", "/cluster/nextid", 400, "Parameter", errors={"vmid": "VM 4711 already exists"}
    )
    made = made_since(reader, 4711)
    assert made is not None
    assert made.name == "new"
    reader.answers["/cluster/nextid"] = "4711"
    assert made_since(reader, 4711) is None


@pytest.mark.parametrize(("wish", "vmid"), [({"vmid": 102}, 102), ({"name": "web"}, 101)])
def test_the_guest_that_is_meant(wish: dict[str, Any], vmid: int) -> None:
    reader = Table({"/cluster/resources": [row(101, "web"), row(102, "db"), row(103, "db")]})
    assert meant(reader, wish).vmid == vmid


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "no",
            "There is no guest named 'no', or the login may not see it. "
            "Check the name, and that the login has the privilege VM.Audit on the guest.",
        ),
        (
            "db",
            "The name 'db' is ambiguous: 102 on father, 103 on father. Give the vmid.",
        ),
    ],
)
def test_no_guest_is_meant(name: str, message: str) -> None:
    reader = Table({"/cluster/resources": [row(101, "web"), row(102, "db"), row(103, "db")]})
    with pytest.raises(RefusedError) as caught:
        meant(reader, {"name": name})
    assert str(caught.value) == message


GONE = PveError("GET", "/x", 500, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
OTHER = PveError("GET", "/x", 595, "Connection refused")


@pytest.mark.parametrize(
    ("answers", "looks"),
    [(["here"], 1), ([GONE, "here"], 2), ([GONE, GONE, "here"], 3), ([GONE, GONE, GONE], 3), ([OTHER, "here"], 1)],
    ids=str,
)
def test_a_guest_that_moves_is_followed(answers: list[Any], looks: int) -> None:
    seen = 0

    def look() -> str:
        nonlocal seen
        seen += 1
        if isinstance(answers[seen - 1], Exception):
            raise answers[seen - 1]
        return str(answers[seen - 1])

    if answers[looks - 1] == "here":
        assert followed(look) == "here"
    else:
        with pytest.raises(PveError):
            followed(look)
    assert seen == looks
