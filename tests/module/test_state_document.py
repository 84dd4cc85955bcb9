"""Documents on their way to the server: what is wrong is found before the first request, or before the first write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Modules

SEVERAL = """\
node: father
vms:
- vmid: 100
  name: web
  memory: much
  network: {bridgee: vmbr0}
- {vmid: 100}
storage:
- {id: nas, type: nfss}
"""


def test_what_is_wrong_is_found_before_the_first_request(modules: Modules, tmp_path: Path) -> None:
    path = tmp_path / "server.yml"
    path.write_text(SEVERAL)
    message = modules.message("state", files=[str(path)])
    assert message.splitlines() == [
        "The document is wrong, nothing was asked of the server:",
        f"{path}:5: vms[0].memory: 'much' is not a size such as 512M or 32G.",
        f"{path}:6: vms[0].network.bridgee: is no option here. Did you mean 'bridge'? Known: bridge, firewall, "
        "link_down, macaddr, model, mtu, queues, rate, tag, trunks.",
        f"{path}:7: vms[1]: 100 stands at {path}:3: vms[0] already.",
        f"{path}:9: storage[0].type: 'nfss' is none of dir, nfs, cifs, lvm, lvmthin, zfspool, zfs, btrfs, cephfs, rbd, "
        "iscsi, iscsidirect, pbs, esxi. Did you mean 'nfs'?",
    ]
    assert modules.lab.requests() == []


def bomb() -> str:
    levels = (f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    return "l0: &l0 [x]\n" + "".join(levels)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bomb(), "With its aliases written out the document has more than 1000000 values."),
        ("a: " + "[" * 100_000, "The document is nested more than 40 deep."),
    ],
)
def test_what_would_cost_too_much(modules: Modules, tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "server.yml"
    path.write_text(content)
    assert modules.message("state", files=[str(path)]).endswith(words)
    assert modules.lab.requests() == []


def test_a_file_that_is_too_large(modules: Modules, tmp_path: Path) -> None:
    path = tmp_path / "server.yml"
    with path.open("wb") as stream:
        stream.truncate(100 << 20)
    message = modules.message("state", files=[str(path)])
    assert message == f"The document {path} is larger than 16 MiB. Split it with include."
    assert modules.lab.requests() == []


NOWHERE: dict[str, Any] = {
    "node": "father",
    "pools": [{"poolid": "web"}],
    "vms": [
        {
            "vmid": 300,
            "name": "web",
            "pool": "wbe",
            "net": {"net0": {"bridge": "vmbr9"}},
            "disks": {"scsi0": {"storage": "local-lvn", "size": "1G"}},
        }
    ],
    "backups": [{"id": "nightly", "schedule": "02:00", "storage": "local", "vmid": [300, 999]}],
    "ha": {"rules": [{"rule": "fast", "type": "node-affinity", "resources": ["vm:300"], "nodes": ["mother"]}]},
}


def test_names_that_lead_nowhere_are_found_before_the_first_write(modules: Modules) -> None:
    first, *lines = modules.message("state", document=NOWHERE).splitlines()
    assert first == "The document names what is not there, nothing was changed:"
    assert sorted(line.partition(": ")[2].partition(" in the documents")[0] for line in lines) == [
        "backups[0].vmid[1]: there is no guest '999', neither",
        "ha.rules[0].nodes[0]: there is no node 'mother', neither",
        "vms[0].disks.scsi0.storage: there is no storage 'local-lvn', neither",
        "vms[0].net.net0.bridge: there is no bridge 'vmbr9', neither",
        "vms[0].pool: there is no pool 'wbe', neither",
    ]
    (storage,) = (line for line in lines if "storage" in line.partition("there is")[0])
    assert "Did you mean 'local-lvm'? Known: local, local-lvm." in storage


def test_the_node_of_the_document_has_to_be_there(modules: Modules, tmp_path: Path) -> None:
    path = tmp_path / "server.yml"
    path.write_text("version: 1\nnode: pve\nvms:\n- {vmid: 300, name: a}\n- {vmid: 301, name: b}\n")
    assert modules.message("state", files=[str(path)]).splitlines()[1:] == [
        f"{path}:2: node: there is no node 'pve', neither in the documents nor on the server. Known: father. The "
        "option nodes says what a node of the documents is really called; node stands in for theirs."
    ]
    wrong = modules.message("state", files=[str(path)], nodes={"pve": "mother"})
    assert f"{path}:2: node: there is no node 'mother'" in wrong
    modules.converge("state", files=[str(path)], nodes={"pve": "father"})
    modules.unchanged("state", files=[str(path)])


def test_what_is_written_already_may_name_what_is_gone(modules: Modules) -> None:
    job = {"id": "nightly", "schedule": "02:00", "storage": "local", "vmid": [300, 301]}
    guests = [{"vmid": 300, "name": "a"}, {"vmid": 301, "name": "b"}]
    modules.ok("state", document={"node": "father", "vms": guests, "backups": [job]})
    modules.ok("vm", vmid=301, state="absent", purge=False)
    modules.unchanged("state", document={"backups": [job]})
    modules.converge("state", document={"backups": [{**job, "mode": "stop"}]})
    wrong = {**job, "vmid": [300, 301, 302]}
    assert "there is no guest '302'" in modules.message("state", document={"backups": [wrong]})


GROUPED: dict[str, Any] = {
    "node": "father",
    "vms": [
        {"vmid": 300, "name": "a", "ha": {"enabled": True, "group": "fast", "max_relocate": 2}},
        {"vmid": 301, "name": "b", "ha": {"enabled": True, "group": "fast"}},
        {"vmid": 302, "name": "c", "ha": {"enabled": False}},
    ],
    "ha": {"rules": [{"rule": "fast", "type": "node-affinity", "nodes": ["father", "mother:5"]}]},
}


def test_a_group_of_ha_is_a_rule_about_nodes(cluster: Modules) -> None:
    cluster.ok("state", document=GROUPED)
    found = cluster.ok("state_info", only=["ha.rules", "ha.resources"])["document"]["ha"]
    assert found["rules"] == [
        {"rule": "fast", "type": "node-affinity", "nodes": ["father", "mother:5"], "resources": ["vm:300", "vm:301"]}
    ]
    assert {row["sid"]: row.get("max_relocate", 1) for row in found["resources"]} == {"vm:300": 2, "vm:301": 1}
    cluster.unchanged("state", document=GROUPED)


LAYERED = """\
include: base.yml
vms:
- {vmid: 300, memory: 2G, net: {net0: {tag: 5}}}
"""
BASE = """\
node: father
x-card: &card {model: virtio, bridge: vmbr0}
vms:
- {vmid: 300, name: web, memory: 1G, cores: 2, net: {net0: *card}}
"""


def test_an_including_file_stands_above_and_the_task_above_all(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(BASE)
    (tmp_path / "server.yml").write_text(LAYERED)
    own = {"vms": [{"vmid": 300, "cores": 4}]}
    modules.converge("state", files=[str(tmp_path / "server.yml")], document=own)
    config = modules.ok("vm", vmid=300)["config"]
    assert (int(config["memory"]), config["cores"], config["name"]) == (2048, 4, "web")
    assert "bridge=vmbr0" in config["net0"]
    assert "tag=5" in config["net0"]


SHARE: dict[str, Any] = {
    "storage": "files",
    "type": "cifs",
    "server": "10.0.0.9",
    "share": "backup",
    "username": "pve",
    "server_password": "${secret:storage.files.server_password}",
    "content": ["backup"],
}


def test_what_has_a_secret_keeps_it(modules: Modules) -> None:
    secrets = {"storage.files.server_password": "correct horse"}
    message = modules.message("state", document={"storage": [SHARE]})
    assert "the secret 'storage.files.server_password' has no value, and storage files does not exist yet." in message
    made = modules.converge("state", document={"storage": [SHARE]}, secrets=secrets)
    assert "correct horse" not in str(made)
    modules.unchanged("state", document={"storage": [SHARE]})
