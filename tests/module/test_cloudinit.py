"""Module cloudinit against the lab's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Modules, denied, hidden

WEB: dict[str, Any] = {"vmid": 104}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrS0GGkHWb1nVIeFZZ0GkVbPQnZgVw6CeOqTLnX4Xyz a@b"


@pytest.fixture
def web(modules: Modules) -> Modules:
    """A VM that runs, with a cloud-init drive."""
    modules.ok("vm", name="web", vmid=104, clone="debian-12", ciuser="debian", nameserver="10.99.0.1", state="started")
    return modules


@pytest.mark.parametrize("which", [{"vmid": 104}, {"name": "web"}], ids=str)
def test_what_waits_is_written(web: Modules, which: dict[str, Any]) -> None:
    web.unchanged("cloudinit", **which)
    assert len(web.lab.requests()) <= 2
    web.ok("vm", vmid=104, ciuser="admin", sshkeys=KEY, nameserver="")
    predicted = web.ok("cloudinit", check=True, **which)
    made = web.converge("cloudinit", **which)
    assert made["plan"] == ["write the cloud-init drive of vm 104 (web)"]
    assert (
        made["waited"]
        == predicted["waited"]
        == [
            {"key": "ciuser", "before": "debian", "after": "admin"},
            {"key": "nameserver", "before": None, "after": None},
            {"key": "sshkeys", "before": None, "after": f"{KEY}\n"},
        ]
    )
    assert made["diff"]["after"] == {"ciuser": "admin", "nameserver": None, "sshkeys": f"{KEY}\n"}
    assert (made["vmid"], made["name"], made["node"]) == (104, "web", "father")
    assert web.unchanged("cloudinit", **which)["waited"] == []


def test_a_stopped_vm(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=104, clone="debian-12", ciuser="debian")
    modules.ok("vm", vmid=104, ciuser="admin")
    modules.converge("cloudinit", **WEB)


def test_a_password_is_not_shown(web: Modules) -> None:
    web.ok("vm", vmid=104, cipassword="sesame", update_password="always")
    made = web.ok("cloudinit", **WEB)
    assert [row["key"] for row in made["waited"]] == ["cipassword"]
    assert made["diff"]["after"] == {"cipassword": "********"}
    assert "sesame" not in json.dumps(made)


def test_force_writes_each_time(web: Modules) -> None:
    for _again in range(2):
        assert web.ok("cloudinit", check=True, **WEB, force=True)["changed"]
        assert web.lab.writes() == []
        assert web.ok("cloudinit", **WEB, force=True)["changed"]
        assert [request.method for request in web.lab.writes()] == ["PUT"]


def test_refusals(modules: Modules) -> None:
    modules.container(200)
    modules.ok("vm", name="bare", vmid=105)
    without = (
        "vm 105 (bare) has no cloud-init drive, so its settings reach nobody. Give it one, with the module vm and "
        "disks: {ide2: 'local-lvm:cloudinit'}, say."
    )
    assert modules.message("cloudinit", vmid=105) == without
    modules.ok("vm", vmid=105, ciuser="admin")
    assert modules.message("cloudinit", name="bare") == without
    assert modules.message("cloudinit", vmid=200) == (
        "container 200 (ct) is no VM: only VMs have a cloud-init drive. The module container sets up containers."
    )
    assert modules.message("cloudinit", vmid=999) == "There is no guest with vmid 999. Check the vmid."
    assert modules.message("cloudinit") == "one of the following is required: vmid, name"


def test_one_that_is_locked(web: Modules) -> None:
    web.ok("vm", vmid=104, ciuser="admin")
    web.lab.api.snapshot_lock(104, "backup")
    assert web.run("cloudinit", **WEB)["msg"] == (
        "Cannot write the cloud-init drive of vm 104 (web): PUT /nodes/father/qemu/104/cloudinit: 500 VM is locked "
        "(backup).\nA backup of it is running: wait for its end, and run again."
    )


def test_least_privileges(web: Modules) -> None:
    web.ok("vm", vmid=104, ciuser="admin")
    needed = {"/vms/104": ["VM.Audit", "VM.Config.Cloudinit"]}
    assert web.refusals(needed, "cloudinit", **WEB) == {
        "VM.Audit on /vms/104": hidden(104),
        "VM.Config.Cloudinit on /vms/104": (
            "Cannot write the cloud-init drive of vm 104 (web): PUT /nodes/father/qemu/104/cloudinit: "
            f"{denied('VM.Config.Cloudinit', '/vms/104')}"
        ),
    }
    web.limited(needed).converge("cloudinit", **WEB)
