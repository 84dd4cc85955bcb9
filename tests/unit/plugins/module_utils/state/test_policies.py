"""What policies are about, and what checks say that the lab's API has no case for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PermissionDeniedError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, guest
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text
from ansible_collections.homelab.pve.plugins.module_utils.state.policies import SUBJECTS, applying, finding, result
from ansible_collections.homelab.pve.plugins.module_utils.state.policy import WHERE, bounds, meets
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_checks import CHECKS
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_facts import DAY, Facts
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_guests import covers
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_texts import Policy, load
from hypothesis import given
from hypothesis import strategies as st

GUIDE = Path(__file__).parents[5] / "docs" / "compliance.md"
NOW = 1_800_000_000.0
ROW = {"type": "qemu", "vmid": 100, "name": "web-1", "node": "pve1", "status": "running", "tags": "web;prod"}
STATUS = [
    {"type": "cluster", "name": "home", "quorate": 1},
    {"type": "node", "name": "pve1", "online": 1, "local": 1},
    {"type": "node", "name": "pve2", "online": 0},
]


@dataclass(frozen=True)
class Table:
    """A reader that has a few answers; what it hasn't, the login may not see."""

    answers: dict[str, Json]

    def get(self, path: str, params: Values | None = None) -> Json:
        """See engine.Reader."""
        if path not in self.answers:
            raise PermissionDeniedError("GET", path, 403, "Forbidden", message="Permission check failed")
        return self.answers[path]


def facts(answers: dict[str, Json], sshd: str = "") -> Facts:
    """What is read from a table."""

    def says(command: Sequence[str]) -> str:
        if not sshd:
            raise ConfigError("HTTPS leads to no commands")
        assert command == ["/usr/sbin/sshd", "-T"]
        return sshd

    return Facts(SharedReads(Table(answers)), NOW, says)


def policy(check: str, **parameters: Any) -> Policy:
    """A policy of one check."""
    values = {"name": "it", "check": check, **parameters}
    (made,) = load([Text("policies.yml", json.dumps({"policies": [values]}))])
    return made


def said(seen: Facts, made: Policy) -> dict[str, tuple[str, str]]:
    """By id: status and what was found."""
    found = [finding(seen, made, subject) for subject in applying(made, seen)]
    return {item.subject.id: (item.judged.status, item.judged.found) for item in found}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, True),
        ({"tags": ["web"]}, True),
        ({"tags": ["web", "db"]}, False),
        ({"tags": ["W*"]}, True),
        ({"without_tags": ["db"]}, True),
        ({"without_tags": ["pro*"]}, False),
        ({"vmids": ["100"]}, True),
        ({"vmids": ["101-200", "1-99"]}, False),
        ({"vmids": ["90-110"]}, True),
        ({"name": ["db-*", "web-*"]}, True),
        ({"name": ["web"]}, False),
        ({"node": ["pve2"]}, False),
        ({"pool": ["*"]}, True),
        ({"pool": ["a*"]}, False),
        ({"status": ["running"], "type": ["vm"]}, True),
        ({"status": ["running"], "type": ["container"]}, False),
        ({"template": True}, False),
    ],
    ids=str,
)
def test_which_guests_a_policy_is_about(where: dict[str, Any], expected: bool) -> None:
    (subject,) = SUBJECTS["guests"](facts({"/cluster/resources": [ROW]}))
    assert meets(where, subject.traits) is expected


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_ranges_of_vmids(low: int, high: int, vmid: int) -> None:
    assert bounds(f"{low}-{high}") == (low, high)
    assert meets({"vmids": [f"{low}-{high}"]}, {"vmid": vmid}) is (low <= vmid <= high)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"all": 1}, True),
        ({"all": 1, "exclude": "99,100"}, False),
        ({"all": 1, "node": "pve2"}, False),
        ({"vmid": "100"}, True),
        ({"vmid": "1000,10"}, False),
        ({"vmid": "99, 100", "node": "pve1"}, True),
        ({"pool": "prod"}, True),
        ({"pool": "prod/web"}, True),
        ({"pool": "pro"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_which_guests_a_job_backs_up(job: dict[str, Any], expected: bool) -> None:
    found: Guest = guest({**ROW, "pool": "prod/web"})
    assert covers(job, found) is expected


SSHD = "permitrootlogin {}\npasswordauthentication {}\nkbdinteractiveauthentication no\n"


@pytest.mark.parametrize(
    ("root", "passwords", "expected"),
    [
        ("yes", "yes", "fail"),
        ("yes", "no", "pass"),
        ("without-password", "yes", "pass"),
        ("prohibit-password", "yes", "pass"),
        ("no", "yes", "pass"),
    ],
)
def test_root_and_its_password(root: str, passwords: str, expected: str) -> None:
    answers = {"/nodes": [{"node": "pve1"}, {"node": "pve2"}], "/cluster/status": STATUS}
    found = said(facts(answers, SSHD.format(root, passwords)), policy("no_root_password"))
    assert {name: status for name, (status, _found) in found.items()} == {"pve1": expected, "pve2": "unknown"}


def test_sshd_is_not_told_over_https() -> None:
    answers = {"/nodes": [{"node": "pve1"}], "/cluster/status": STATUS}
    assert said(facts(answers), policy("no_root_password")) == {
        "pve1": ("unknown", "HTTPS doesn't lead to the node's sshd")
    }


def test_what_is_forbidden_is_unknown() -> None:
    found = said(facts({"/cluster/resources": [ROW]}), policy("in_backup_job"))
    assert found["100"][0] == "unknown"
    assert "Permission check failed" in found["100"][1]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"scsi0": "local:100/a.qcow2,size=1G", "ide2": "local:iso/a.iso,media=cdrom,backup=0"}, "pass"),
        ({"scsi0": "local:100/a.qcow2,backup=0"}, "fail"),
        ({"scsi0": "none,backup=0", "unused0": "local:100/b.qcow2"}, "pass"),
    ],
    ids=str,
)
def test_volumes_left_out_of_backups(config: dict[str, Any], expected: str) -> None:
    answers = {"/cluster/resources": [ROW], "/nodes/pve1/qemu/100/config": config}
    assert said(facts(answers), policy("whole_backup"))["100"][0] == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"rootfs": "local:101/a", "mp0": "local:101/b,mp=/srv"}, "fail"),
        ({"rootfs": "local:101/a", "mp0": "local:101/b,mp=/srv,backup=1"}, "pass"),
        ({"rootfs": "local:101/a", "mp0": "/srv,mp=/srv"}, "pass"),
    ],
    ids=str,
)
def test_mount_points_are_left_out_of_backups_unless_told(config: dict[str, Any], expected: str) -> None:
    row = {**ROW, "type": "lxc", "vmid": 101}
    answers = {"/cluster/resources": [row], "/nodes/pve1/lxc/101/config": config}
    assert said(facts(answers), policy("whole_backup"))["101"][0] == expected


TOKENS = [
    {
        "userid": "auto@pve",
        "tokens": [
            {"tokenid": "never", "privsep": 1, "expire": 0},
            {"tokenid": "soon", "privsep": 0, "expire": int(NOW + 10 * DAY)},
            {"tokenid": "late", "privsep": 1, "expire": int(NOW + 400 * DAY)},
        ],
    }
]


@pytest.mark.parametrize(
    ("check", "parameters", "expected"),
    [
        ("token_expiry", {}, ["fail", "pass", "pass"]),
        ("token_expiry", {"max_days": 90}, ["fail", "pass", "fail"]),
        ("token_separation", {}, ["pass", "fail", "pass"]),
        ("token_separation", {"where": {"realm": ["pam"]}}, []),
    ],
    ids=str,
)
def test_tokens(check: str, parameters: dict[str, Any], expected: list[str]) -> None:
    found = said(facts({"/access/users": TOKENS}), policy(check, **parameters))
    assert [status for status, _found in found.values()] == expected


@pytest.mark.parametrize(
    ("factors", "audit", "expected"),
    [
        ([{"userid": "ann@pve", "entries": [{"enable": 1}]}], 1, "pass"),
        ([{"userid": "ann@pve", "entries": [{"enable": 0}]}], 1, "fail"),
        ([], 1, "fail"),
        ([], 0, "unknown"),
    ],
    ids=str,
)
def test_second_factors(factors: Json, audit: int, expected: str) -> None:
    answers = {
        "/access/users": [{"userid": "ann@pve", "enable": 1}, {"userid": "bob@pve", "enable": 0}],
        "/access/tfa": factors,
        "/access/permissions": {"/access/groups": {"Sys.Audit": audit}},
    }
    found = said(facts(answers), policy("two_factor"))
    assert (found["ann@pve"][0], found["bob@pve"][0]) == (expected, "pass")


def test_quorum_counts_nodes_that_are_online() -> None:
    found = said(facts({"/cluster/status": STATUS}), policy("quorum", min_nodes=2))
    assert found == {"cluster": ("fail", "1 nodes are online, with quorum")}


def test_counts_and_severities() -> None:
    seen = facts({"/cluster/resources": [ROW], "/nodes/pve1/qemu/100/config": {"agent": "1"}})
    policies = [policy("agent"), policy("protection", severity="warning")]
    findings = [finding(seen, each, subject) for each in policies for subject in applying(each, seen)]
    told = result(policies, findings)
    assert told["counts"] == {"pass": 1, "fail": 1, "exempt": 0, "unknown": 0}
    assert (told["failing"], told["compliant"]) == ({"warning": 1}, True)


def test_every_check_has_a_text_and_options_of_its_own() -> None:
    own = {"name", "check", "where", "severity", "reason", "exempt"}
    assert all(check.text.endswith(".") and not own & set(check.options) for check in CHECKS.values())


def test_the_guide_has_every_check_and_every_criterion() -> None:
    lines = [line.strip("|") for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    things = {row[0]: row[1] for row in rows if len(row) == 2}
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 4}
    for check in CHECKS.values():
        options = ", ".join(f"`{name}`" for name in check.options)
        text = re.sub(r"O\((\w+)\)", r"`\1`", check.text)
        assert told[check.name] == [check.kinds[0] if check.kinds else check.about, options, text]
    for about, criteria in WHERE.items():
        assert set(re.findall(r"`([a-z_]+)`", things[about])) - {"vm", "container"} == set(criteria)
