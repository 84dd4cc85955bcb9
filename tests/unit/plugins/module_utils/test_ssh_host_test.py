"""How the module ssh_host_test words its failure, and the way it goes; the rest is in tests/module."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.executor import SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import FAILED, OK, SKIPPED, Check
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_test import problem


def test_only_what_failed_is_told_with_its_remedy() -> None:
    checks = [
        Check("SSH", OK, "root@x"),
        Check("pveversion", FAILED, "it said: Debian", "Install it."),
        Check("API", FAILED, "No."),
        Check("privileges", SKIPPED, ""),
    ]
    assert problem("pve1", checks) == (
        "pve1 can't be worked on:\n- pveversion: it said: Debian. Install it.\n- API: No."
    )


def test_every_hop_is_on_the_way() -> None:
    door = SSHExecutor("door", jump=SSHExecutor("street"))
    assert [each.host for each in SSHExecutor("house", jump=door).way()] == ["house", "door", "street"]
