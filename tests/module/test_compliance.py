"""Module compliance against the lab's API: what it says of what is there, and of what it can't see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_checks import CHECKS
from ansible_collections.homelab.pve.plugins.module_utils.tasks import wait_for_task

from .conftest import Modules

SHIPPED = Path(__file__).parents[2] / "examples" / "policies.yml"
CARD = {"model": "virtio", "bridge": "vmbr0"}


@pytest.fixture
def guests(modules: Modules) -> Modules:
    """One guest that is all right, one that isn't, and a container."""
    modules.ok(
        "vm",
        vmid=100,
        name="web-1",
        memory=1024,
        cores=2,
        state="stopped",
        tags=["production", "web"],
        agent="enabled=1",
        cpu="x86-64-v2-AES",
        protection=True,
        onboot=True,
        net={"net0": {**CARD, "firewall": True}},
        disks={"scsi0": {"storage": "local-lvm", "size": "4G"}},
    )
    modules.ok("vm", vmid=101, name="Test", memory=8192, cores=8, state="stopped", net={"net0": CARD})
    modules.container(102, hostname="cache-1", unprivileged=1)
    return modules


@pytest.fixture
def client(guests: Modules) -> Iterator[Client]:
    """The API itself."""
    made = connect(Connection.from_params(guests.lab.options()))
    yield made
    made.close()


def says(modules: Modules, check: str, **parameters: Any) -> dict[str, str]:
    """By id: what a policy of this check says."""
    policy = {"name": "it", "check": check, **parameters}
    result = modules.ok("compliance", policies=[policy])
    assert modules.lab.writes() == []
    return {row["id"]: row["status"] for row in result["results"]}


GUESTS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("agent", {}, {"100": "pass", "101": "fail"}),
    ("protection", {}, {"100": "pass", "101": "fail", "102": "fail"}),
    ("protection", {"where": {"tags": ["production"]}}, {"100": "pass"}),
    ("onboot", {"where": {"type": ["vm"]}}, {"100": "pass", "101": "fail"}),
    ("onboot", {"value": False, "where": {"type": ["vm"]}}, {"100": "fail", "101": "pass"}),
    ("unprivileged", {}, {"102": "pass"}),
    ("cpu_type", {"allowed": ["x86-64-v*", "host"]}, {"100": "pass", "101": "fail"}),
    ("bridges", {"allowed": ["vmbr0"]}, {"100": "pass", "101": "pass", "102": "pass"}),
    ("bridges", {"allowed": ["vmbr1"], "where": {"vmids": ["100-101"]}}, {"100": "fail", "101": "fail"}),
    ("name", {"pattern": "[a-z]+-[0-9]+"}, {"100": "pass", "101": "fail", "102": "pass"}),
    ("tags", {"required": ["production"], "where": {"vmids": [100, 101]}}, {"100": "pass", "101": "fail"}),
    ("tags", {"one_of": ["web", "db"], "allowed": ["web"], "where": {"name": ["web*"]}}, {"100": "fail"}),
    ("tags", {"one_of": ["w*"], "allowed": ["web", "production"], "where": {"name": ["web*"]}}, {"100": "pass"}),
    ("pool", {"where": {"vmids": [100]}}, {"100": "fail"}),
    ("storages", {"allowed": ["local-lvm"]}, {"100": "pass", "101": "pass", "102": "pass"}),
    ("storages", {"allowed": ["ceph*"], "where": {"vmids": ["100"]}}, {"100": "fail"}),
    ("usable_storages", {}, {"100": "pass", "101": "pass", "102": "pass"}),
    ("whole_backup", {}, {"100": "pass", "101": "pass", "102": "pass"}),
    ("size", {"max_cores": 4, "max_memory": 2048}, {"100": "pass", "101": "fail", "102": "pass"}),
    ("high_availability", {"where": {"vmids": [100]}}, {"100": "fail"}),
    ("replicated", {"where": {"vmids": [100]}}, {"100": "fail"}),
    ("in_backup_job", {}, {"100": "fail", "101": "fail", "102": "fail"}),
    ("backed_up", {"max_age_days": 2, "where": {"type": ["container"]}}, {"102": "fail"}),
    ("snapshot_age", {"max_age_days": 30, "where": {"vmids": [100]}}, {"100": "pass"}),
    ("firewall", {"where": {"type": ["vm"]}}, {"100": "fail", "101": "fail"}),
    ("memory_overcommit", {"max_percent": 1, "stopped": True}, {"father": "fail"}),
    ("protection", {"where": {"template": True}}, {"9000": "fail", "9001": "fail"}),
    ("protection", {"where": {"without_tags": ["production"], "type": ["vm"]}}, {"101": "fail"}),
    ("protection", {"where": {"vmids": [101]}, "exempt": [{"id": "1*", "reason": "a test"}]}, {"101": "exempt"}),
]

ESTATE: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("certificate_expiry", {"min_days": 1}, {"father": "pass"}),
    ("certificate_expiry", {"min_days": 100000}, {"father": "fail"}),
    ("subscription", {}, {"father": "fail"}),
    ("no_root_password", {}, {"father": "unknown"}),
    ("online", {}, {"father": "pass"}),
    ("memory_overcommit", {"max_percent": 100}, {"father": "pass"}),
    ("node_bridges", {"allowed": ["vmbr0"]}, {"father": "pass"}),
    ("node_bridges", {"allowed": ["br*"]}, {"father": "fail"}),
    ("storage_space", {"max_percent": 99, "where": {"storage": ["local-lvm"]}}, {"local-lvm": "pass"}),
    ("retention", {}, {"local": "fail", "local-lvm": "pass"}),
    ("two_factor", {}, {"root@pam": "fail"}),
    ("token_separation", {}, {"root@pam!homelab": "fail"}),
    ("token_expiry", {}, {"root@pam!homelab": "fail"}),
    ("same_version", {}, {"cluster": "pass"}),
    ("quorum", {}, {"cluster": "pass"}),
    ("quorum", {"min_nodes": 2}, {"cluster": "fail"}),
    ("cluster_firewall", {}, {"cluster": "fail"}),
]


@pytest.mark.parametrize(("check", "parameters", "expected"), GUESTS, ids=str)
def test_guests(guests: Modules, check: str, parameters: dict[str, Any], expected: dict[str, str]) -> None:
    assert says(guests, check, **parameters) == expected


@pytest.mark.parametrize(("check", "parameters", "expected"), ESTATE, ids=str)
def test_the_estate(modules: Modules, check: str, parameters: dict[str, Any], expected: dict[str, str]) -> None:
    assert says(modules, check, **parameters) == expected


def test_every_check_is_seen() -> None:
    assert {check for check, _parameters, _expected in (*GUESTS, *ESTATE)} == set(CHECKS)


def test_what_is_mended_passes(guests: Modules, client: Client) -> None:
    where = {"where": {"vmids": [100]}}
    guests.ok("backup_job", id="nightly", schedule="02:30", storage="local", vmid=[100])
    assert says(guests, "in_backup_job", **where) == {"100": "pass"}
    wait_for_task(client, client.post("/nodes/father/vzdump", {"vmid": 100, "storage": "local", "mode": "stop"}), 60)
    assert says(guests, "backed_up", max_age_days=1, **where) == {"100": "pass"}
    guests.ok("ha_resource", sid="vm:100", state="stopped")
    assert says(guests, "high_availability", **where) == {"100": "pass"}
    guests.ok("firewall_options", level="guest", vmid=100, enable=True)
    assert says(guests, "firewall", **where) == {"100": "pass"}
    guests.ok("pool", poolid="web", vms=[100])
    assert says(guests, "pool", allowed=["web"], **where) == {"100": "pass"}
    assert says(guests, "pool", allowed=["db"], **where) == {"100": "fail"}
    guests.ok("storage", storage="local-lvm", disable=True)
    assert says(guests, "usable_storages", **where) == {"100": "fail"}


def test_what_is_said(guests: Modules, tmp_path: Path) -> None:
    file = tmp_path / "policies.yml"
    text = "{name: protected, check: protection, reason: it was removed once, where: {vmids: [101]}}"
    file.write_text(f"policies:\n  - {text}\n")
    result = guests.unchanged("compliance", files=[str(file)])
    assert result["results"] == [
        {
            "policy": "protected",
            "check": "protection",
            "severity": "error",
            "kind": "vm",
            "id": "101",
            "resource": "vm 101 (Test)",
            "node": "father",
            "status": "fail",
            "found": "it may be removed by mistake",
            "wanted": "protection: true",
            "remedy": "Set protection: true.",
            "reason": "it was removed once",
            "origin": f"{file}:2: policies[0]",
        }
    ]
    assert result["counts"] == {"pass": 0, "fail": 1, "exempt": 0, "unknown": 0}
    assert (result["failing"], result["compliant"]) == ({"error": 1}, False)


@pytest.mark.parametrize(
    ("severity", "fail_on", "fails"),
    [
        ("error", "never", False),
        ("error", "error", True),
        ("error", "warning", True),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("info", "warning", False),
    ],
)
def test_it_fails_only_if_asked(modules: Modules, severity: str, fail_on: str, fails: bool) -> None:
    policy = {"name": "firewall", "check": "cluster_firewall", "severity": severity}
    result = modules.run("compliance", policies=[policy], fail_on=fail_on)
    assert bool(result.get("failed")) == fails
    assert result["counts"]["fail"] == 1
    if fails:
        assert result["msg"] == (
            f"Not everything is as the policies want it:\n- firewall ({severity}): the cluster: the firewall is off. "
            "Allow your own access first, then set enable: true (firewall.options, level cluster)."
        )


def test_policies_that_do_nothing_are_told(guests: Modules) -> None:
    policies = [
        {"name": "idle", "check": "agent", "where": {"tags": ["nope"]}},
        {"name": "stale", "check": "agent", "exempt": [{"id": "999", "reason": "gone"}]},
    ]
    assert guests.ok("compliance", policies=policies)["warnings"] == [
        "policies:3: policies[0]: policy idle is about nothing there is. Look at its where.",
        "policies:12: policies[1]: policy stale exempts 999, which it isn't about.",
    ]


def test_a_later_file_stands_above_an_earlier_one(modules: Modules, tmp_path: Path) -> None:
    for name, severity in (("a.yml", "error"), ("b.yml", "warning")):
        (tmp_path / name).write_text(
            f"version: 1\npolicies:\n  - {{name: firewall, check: cluster_firewall, severity: {severity}}}\n"
        )
    files = [str(tmp_path / name) for name in ("a.yml", "b.yml")]
    (row,) = modules.ok("compliance", files=files)["results"]
    assert row["severity"] == "warning"


def test_wrong_policies_are_refused_before_anything_is_asked(modules: Modules, tmp_path: Path) -> None:
    file = tmp_path / "policies.yml"
    file.write_text(
        "policies:\n"
        "  - {name: one, check: protektion}\n"
        "  - name: two\n"
        "    check: backed_up\n"
        "    max_age: 2\n"
        "  - {name: three, check: name, pattern: '['}\n"
        "  - {name: four, check: agent, where: {vmids: [1-a]}}\n"
        "  - {name: four, check: agent}\n"
        "  - {name: four, check: agent}\n"
        "  - {name: five, check: online, where: {tags: [a]}}\n"
        "  - {name: six, check: agent, severity: fatal}\n"
        "policy: []\n"
    )
    said = modules.message("compliance", files=[str(file)])
    assert modules.lab.requests() == []
    head, *lines = said.splitlines()
    assert head == "The policies are wrong, nothing was asked of the server:"
    places = [line.removeprefix(f"{file}:").split(": ")[:2] for line in lines]
    assert places == [
        ["2", "policies[0].check"],
        ["3", "policies[1]"],
        ["5", "policies[1].max_age"],
        ["6", "policies[2].pattern"],
        ["7", "policies[3].where.vmids[0]"],
        ["9", "policies[5]"],
        ["10", "policies[6].where"],
        ["11", "policies[7].severity"],
        ["12", "policy"],
    ]
    assert "Did you mean protection?" in lines[0]
    assert "Known: check, exempt, max_age_days, name, reason, severity, where." in said


def test_a_login_that_may_not_see_backups_does_not_know(guests: Modules) -> None:
    limited = guests.limited({"/vms": ["VM.Audit"], "/storage": ["Datastore.Audit"]})
    assert says(limited, "backed_up", max_age_days=1, where={"vmids": [100]}) == {"100": "unknown"}
    assert says(limited, "in_backup_job", where={"vmids": [100]}) == {"100": "unknown"}


def test_the_shipped_policies(guests: Modules) -> None:
    counts = guests.ok("compliance", files=[str(SHIPPED)])["counts"]
    assert counts["pass"] > counts["fail"] > 0
    assert counts["unknown"] == 1  # what sshd says


def test_a_cluster(cluster: Modules) -> None:
    assert says(cluster, "quorum", min_nodes=3) == {"cluster": "pass"}
    assert says(cluster, "same_version") == {"cluster": "pass"}
    assert says(cluster, "online") == {"father": "pass", "mother": "pass", "son": "pass"}


def test_least_privileges(guests: Modules) -> None:
    policies = [
        {"name": "agent", "check": "agent"},
        {"name": "jobs", "check": "in_backup_job"},
        {"name": "places", "check": "usable_storages"},
        {"name": "firewall", "check": "cluster_firewall"},
    ]
    enough = {"/": ["Sys.Audit"], "/vms": ["VM.Audit"], "/storage": ["Datastore.Audit"]}
    counts = guests.limited(enough).ok("compliance", policies=policies)["counts"]
    assert counts == {"pass": 4, "fail": 5, "exempt": 0, "unknown": 0}
    without = guests.limited({path: names for path, names in enough.items() if path != "/"})
    assert without.ok("compliance", policies=policies)["counts"]["unknown"] == 4
    blind = guests.limited({"/": ["Sys.Audit"]}).ok("compliance", policies=policies)
    assert [row["id"] for row in blind["results"]] == ["cluster"]
