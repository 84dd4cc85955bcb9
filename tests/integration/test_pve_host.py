"""The role pve_host declares the shipped example on the lab's node, twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Stand
from .test_modules import ROOT, playbook

PLAYBOOK = ROOT / "playbooks" / "pve-host.yml"
EXAMPLE = ROOT / "examples" / "pve-host.yml"
SECRET = "a-password-for-trying"
# What the node's own commands then show.
SHOWN = {
    "ip -brief address show vmbr7": "192.0.2.1/24",
    "pvesm status": "archive",
    "pveum user list": "anna@pve",
    "pveum acl list": "/pool/web",
    "pvesh get /cluster/backup --noborder": "web-nightly",
    "pvesh get /cluster/firewall/rules": "SSH",
    "pvesh get /cluster/sdn/vnets": "inside0",
    "pvesh get /cluster/notifications/matchers": "failures",
}


@pytest.mark.lab
def test_an_estate_is_declared_from_variables(stand: Stand, warm: Path) -> None:
    by_warm = ("-e", f"ansible_python_interpreter={warm}")
    changed, nothing = playbook(PLAYBOOK, *by_warm)
    assert changed == 0
    assert nothing.count("ok: [father]") == 1, "its arguments are checked, and that is all"

    changed, output = playbook(PLAYBOOK, "-e", f"@{EXAMPLE}", "-v")
    assert changed > 0
    assert SECRET not in output
    for command, expected in SHOWN.items():
        assert expected in stand.ssh("father", command)

    again, output = playbook(PLAYBOOK, "-e", f"@{EXAMPLE}", *by_warm)
    assert again == 0, output
