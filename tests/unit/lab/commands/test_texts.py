# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands print around an answer, without an API."""

from __future__ import annotations

import pytest

from lab.commands import guest_text, ha_manager, pvenode, pvesm
from lab.commands.client import CommandError
from lab.commands.command import Answered
from lab.commands.guest_agent import result_text


def answered(data: object) -> Answered:
    return Answered(data, {}, {}, {})


def test_a_configuration_is_sorted_and_its_description_escaped() -> None:
    data = {"name": "web", "description": "a: 5%\nü", "digest": "x", "lxc": [["lxc.x", "1"]]}
    assert guest_text.config(answered(data)) == "description: a%3A 5%25%0A%C3%BC\nname: web\nlxc.x: 1\n"


def test_pending_changes() -> None:
    data = [
        {"key": "name", "value": "web"},
        {"key": "memory", "value": "320", "pending": "512"},
        {"key": "serial0", "value": "socket", "delete": 1},
        {"key": "tags", "pending": "a"},
        {"key": "digest", "value": "x"},
    ]
    assert guest_text.pending(answered(data)) == (
        "cur memory: 320\nnew memory: 512\ncur name: web\ndel serial0: socket\nnew tags: a\n"
    )


def test_a_tree_of_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.commands.units.moment", lambda epoch: f"at {epoch}")
    data = [
        {"name": "current", "parent": "two", "description": "You are here!"},
        {"name": "two", "parent": "one", "snaptime": 20},
        {"name": "one", "snaptime": 10, "description": "first\nmore"},
        {"name": "other", "snaptime": 5, "parent": "gone"},
    ]
    assert guest_text.snapshot_tree(answered(data)).splitlines() == [
        "`-> other                       at 5                    no-description",
        "`-> one                         at 10                   first",
        " `-> two                        at 20                   no-description",
        "  `-> current                                           You are here!",
    ]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({}, ""),
        (None, ""),
        ({"result": {}}, ""),
        ({"result": []}, "[]\n"),
        ({"result": {"b": 1, "a": 2}}, '{\n   "a" : 2,\n   "b" : 1\n}\n'),
        ("text\n", "text\n"),
        (" \n", ""),
    ],
    ids=["empty", "none", "no-result", "list", "object", "text", "blank"],
)
def test_results_of_the_agent(data: object, wanted: str) -> None:
    assert result_text(data) == wanted


def test_the_state_of_storages() -> None:
    rows = [
        {"storage": "nas", "type": "nfs", "enabled": 1, "active": 0},
        {"storage": "local", "type": "dir", "enabled": 1, "active": 1, "total": 4096, "used": 1024, "avail": 3072},
        {"storage": "off", "type": "dir", "enabled": 0},
    ]
    assert pvesm.status_table(answered(rows)).splitlines() == [
        "Name         Type     Status     Total (KiB)      Used (KiB) Available (KiB)        %",
        "local         dir     active               4               1               3   25.00%",
        "nas           nfs   inactive               0               0               0    0.00%",
        "off           dir   disabled               0               0               0      N/A",
    ]


def test_what_is_on_a_storage() -> None:
    rows = [
        {"volid": "local:iso/b.iso", "format": "iso", "content": "iso", "size": 10},
        {"volid": "local:100/d.raw", "format": "raw", "content": "images", "size": 2048, "vmid": 100},
    ]
    assert pvesm.content_table(answered(rows)).splitlines() == [
        "Volid           Format  Type      Size VMID",
        "local:100/d.raw raw     images    2048 100",
        "local:iso/b.iso iso     iso         10",
    ]


def test_tasks_that_failed_are_errors() -> None:
    said = pvenode.tasks(
        Answered(
            [{"upid": "UPID:1", "type": "qmstart", "id": "100", "user": "root@pam", "status": "no such VM"}],
            {},
            {},
            {"output-format": "text", "noborder": 1},
        )
    )
    assert said.splitlines()[1].split() == ["UPID:1", "qmstart", "100", "root@pam", "ERROR"]


def test_a_resource_in_the_way_of_another() -> None:
    show = ha_manager.moved("migrate")
    base = {"sid": "vm:100", "requested-node": "son"}
    with pytest.raises(CommandError) as raised:
        show(answered(base | {"blocking-resources": [{"sid": "vm:101", "cause": "resource-affinity"}]}))
    assert str(raised.value) == (
        "cannot migrate resource 'vm:100' to node 'son':\n\n"
        "- resource 'vm:101' on target node 'son' in negative affinity with resource 'vm:100'"
    )
    assert show(answered(base | {"comigrated-resources": ["vm:102"]})) == (
        "also migrate resource 'vm:102' in positive affinity with resource 'vm:100' to target node 'son'\n"
    )
