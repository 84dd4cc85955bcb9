"""Names in entries: what they name, and what becomes of those that lead nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Plan, Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    PermissionDeniedError,
    PveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.state import naming
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import load
from ansible_collections.homelab.pve.plugins.module_utils.state.references import TARGETS, nowhere, of

Answers = Mapping[str, Any]


class Table:
    """A reader that answers from a table and notes what was asked; what it hasn't is refused."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, list[str]()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(path + "".join(f"?{name}={value}" for name, value in (params or {}).items()))
        found = self.answers.get(self.asked[-1], PveError("GET", path, 500, "does not exist"))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("kind", "entry", "names"),
    [
        ("vms", {"pool": "p", "node": "n", "clone": "9"}, ["guest 9", "node n", "pool p"]),
        ("vms", {"clone": "template"}, []),
        ("vms", {"disks": {"scsi0": {"storage": "s"}, "ide2": {"file": "local:iso/a.iso"}}},
         ["storage local", "storage s"]),
        ("vms", {"disks": {"scsi0": "s:32,ssd=1", "scsi1": "file=t:vm-1-disk-0", "ide2": "none,media=cdrom"}},
         ["storage s", "storage t"]),
        ("vms", {"disks": {"scsi0": "/dev/sdb", "scsi1": {"file": "none"}, "scsi2": "absent"}}, []),
        ("vms", {"disks": {"scsi0": {"import-from": "a:x"}, "scsi1": "storage=b,size=1G"}}, ["storage a", "storage b"]),
        ("vms", {"net": {"net0": {"bridge": "a"}, "net1": "virtio,bridge=b,tag=5"}}, ["bridge a", "bridge b"]),
        ("vms", {"hostpci": {"hostpci0": {"mapping": "a"}, "hostpci1": "mapping=b"}},
         ["PCI mapping a", "PCI mapping b"]),
        ("containers", {"rootfs": "s:8", "mp": {"mp0": {"storage": "t"}, "mp1": {"volume": "/host"}}},
         ["storage s", "storage t"]),
        ("containers", {"ostemplate": "local:vztmpl/a.tar", "rootfs": {"storage": "s"}},
         ["storage local", "storage s"]),
        ("containers", {"ostemplate": "debian-13-standard"}, []),
        ("backups", {"vmid": [100, 101], "storage": "s"}, ["guest 100", "guest 101", "storage s"]),
        ("ha.rules", {"resources": ["vm:100", "ct:200"], "nodes": ["a:5", "b"]},
         ["guest 100", "guest 200", "node a", "node b"]),
        ("ha.resources", {"sid": "vm:100"}, ["guest 100"]),
        ("users", {"userid": "a@pve", "groups": ["g"]}, ["group g", "realm pve"]),
        ("acl", {"tokens": ["a@pve!t"], "roles": ["r"]}, ["role r", "user a@pve"]),
        ("replication", {"id": "100-0", "target": "b"}, ["guest 100", "node b"]),
        ("mappings", {"map": ["node=a,path=/dev", {"node": "b"}]}, ["node a", "node b"]),
        ("storage", {"nodes": "a, b"}, ["node a", "node b"]),
        ("firewall.rules", {"rules": [{"type": "in", "action": "ACCEPT"}, {"type": "group", "action": "web"}]},
         ["security group web"]),
    ],
)  # fmt: skip
def test_what_is_named(kind: str, entry: dict[str, Any], names: list[str]) -> None:
    found = naming.named(naming.NAMINGS[kind], entry)
    assert sorted(f"{item.what} {item.name}" for item in found) == names


def test_references_are_kinds_and_identities() -> None:
    def told(kind: str, entry: dict[str, Any]) -> list[tuple[str, str]]:
        return [(item.kind, str(item.name)) for item in of(kind)(entry)]

    card = {"net": {"net0": {"bridge": "b"}}}
    assert told("backups", {"vmid": [100]}) == [("vms", "100"), ("containers", "100")]
    assert told("vms", {HOME: "a", **card})[-2:] == [("network", "a/b"), ("sdn.vnets", "b")]
    assert told("vms", {HOME: "a", "node": "c", **card})[-2:] == [("network", "c/b"), ("sdn.vnets", "b")]


def test_the_tables_fit_the_kinds() -> None:
    assert set(naming.NAMINGS) <= set(KINDS)
    for kind, rows in naming.NAMINGS.items():
        assert {row.place[0] for row in rows} <= {*KINDS[kind].resource.argument_spec(), HOME}, kind
        assert {row.what for row in rows} <= set(TARGETS), kind
    assert {kind for target in TARGETS.values() for kind in target.kinds} <= set(KINDS)


DOCUMENT = """
node: a
vms:
- {vmid: 100, pool: web, net: {net0: {bridge: vmbr0}, net1: {bridge: vmbr7}}, disk: {storage: s, size: 1G}}
storage:
- {storage: s, type: dir, path: /s}
users:
- {userid: x@pve, groups: [admins, users]}
backups:
- {id: j, schedule: daily, storage: nass, vmid: [100, 101, 102]}
"""
LISTS: Answers = {
    "/pools": [{"poolid": "db"}],
    "/nodes": [
        {"node": "a", "status": "online"},
        {"node": "b", "status": "online"},
        {"node": "c", "status": "offline"},
    ],
    "/nodes/a/network": [{"iface": "vmbr0"}],
    "/nodes/b/network": [{"iface": "vmbr7"}],
    "/cluster/sdn/vnets": [],
    "/storage": [{"storage": "nas"}],
    "/access/domains": [{"realm": "pve"}],
    "/access/groups": [{"groupid": "users"}],
    "/access/groups/admins": PermissionDeniedError("GET", "/", 403, "Permission check failed"),
    "/cluster/resources?type=vm": [{"vmid": 101}, {"node": "a"}],
    "/cluster/nextid?vmid=102": "102",
}


def test_what_is_nowhere() -> None:
    read = Table(LISTS)
    assert nowhere(load([Text("d.yml", DOCUMENT)], KINDS), {}, read) == [
        "d.yml:4: vms[0].pool: there is no pool 'web', neither in the documents nor on the server. Known: db.",
        "d.yml:10: backups[0].vmid[2]: there is no guest '102', neither in the documents nor on the server. "
        "Did you mean '101'? Known: 100, 101.",
        "d.yml:10: backups[0].storage: there is no storage 'nass', neither in the documents nor on the server. "
        "Did you mean 'nas'? Known: nas, s.",
    ]
    assert len(read.asked) == len(set(read.asked)), "something was asked twice"
    assert "/cluster/sdn/zones" not in read.asked


def test_nothing_is_asked_about_what_the_documents_have() -> None:
    read = Table({})
    wishes = load([Text("d.yml", "storage: [{storage: s, type: dir, path: /s}]")], KINDS)
    assert (nowhere(wishes, {}, read), read.asked) == ([], [])


def test_what_the_server_does_not_tell_is_left_to_it() -> None:
    wishes = load([Text("d.yml", "vms: [{vmid: 100, pool: web, disk: {storage: s, size: 1G}}]")], KINDS)
    assert nowhere(wishes, {}, Table({})) == []


STEP = Step("PUT", "/", {}, "change it")


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (None, ["102", "nass"]),
        (Plan((STEP,), after={"mode": "stop"}), []),
        (Plan(reason="as wished"), []),
        (Plan((STEP,), before={"mode": "stop"}, after={"mode": "snapshot"}), []),
        (Plan((STEP,), before={"vmid": "100,102"}, after={"vmid": "100,101,102"}), []),
        (Plan((STEP,), before={"vmid": "100"}, after={"vmid": "100,101,102"}), ["102"]),
        (Plan((STEP,), before={"vmid": "100", "storage": "nas"}, after={"storage": "nass"}), ["nass"]),
    ],
)
def test_what_was_named_before_may_be_gone(plan: Plan | None, found: list[str]) -> None:
    wishes = load([Text("d.yml", "backups: [{id: j, schedule: daily, storage: nass, vmid: [102]}]")], KINDS)
    lines = nowhere(wishes, {("backups", "j"): plan}, Table(LISTS))
    assert [name for name in ("102", "nass") if any(f"'{name}'" in line for line in lines)] == found
