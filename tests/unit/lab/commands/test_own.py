# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that are none of the API's, and those that say more than the API answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.images import header
from lab.api.serving import ServedLab
from tests.node_commands import NodeCommands, Result


@pytest.fixture
def vm(run: NodeCommands) -> str:
    """A VM with a disk."""
    assert run("qm", "create", "100", "--name", "web", "--scsi0", "local-lvm:1").code == 0
    return "100"


def test_a_forgotten_volume_becomes_an_unused_disk(run: NodeCommands, vm: str) -> None:
    assert run("pvesm", "alloc", "local-lvm", vm, "vm-100-disk-9", "1G").code == 0
    dry = run("qm", "disk", "rescan", "--dryrun")
    assert dry.out == "NOTE: running in dry-run mode, won't write changes out!\nrescan volumes...\n"
    assert "unused0" not in run("qm", "config", vm).out
    assert run("qm", "rescan", "--vmid", vm) == Result(0, "rescan volumes...\n", "")
    assert "unused0: local-lvm:vm-100-disk-9\n" in run("qm", "config", vm).out
    assert run("qm", "unlink", vm, "--idlist", "unused0", "--force").code == 0
    assert "unused0" not in run("qm", "config", vm).out


@pytest.mark.parametrize(("options", "place"), [((), "unused0"), (("--target-disk", "scsi7"), "scsi7")])
def test_an_image_is_imported_as_a_disk(
    run: NodeCommands, vm: str, tmp_path: Path, options: tuple[str, ...], place: str
) -> None:
    image = tmp_path / "disk.qcow2"
    image.write_bytes(header(1024**2))
    done = run("qm", "importdisk", vm, str(image), "local-lvm", *options)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"importing disk '{image}' to VM 100 ..."
    assert lines[-1].startswith(f"{place}: successfully imported disk 'local-lvm:vm-100-disk-1")
    assert f"\n{place}: local-lvm:vm-100-disk-1" in run("qm", "config", vm).out


def test_an_image_that_is_not_there_is_not_imported(run: NodeCommands, vm: str) -> None:
    said = run("qm", "disk", "import", vm, "/no/such.img", "local-lvm")
    assert said == Result(255, "", "/no/such.img: non-existent or non-regular file\n")


def test_waiting_for_a_vm_that_has_stopped(run: NodeCommands, vm: str) -> None:
    assert run("qm", "wait", vm) == Result(0, "", "")
    assert run("qm", "wait", vm, "--timeout", "0").err.startswith("400 Parameter verification failed.\ntimeout: ")


def test_what_needs_qemu_says_so(run: NodeCommands, vm: str) -> None:
    assert run("qm", "terminal", vm) == Result(255, "", "unable to find a serial interface\n")
    assert run("qm", "terminal", vm, "--iface", "serial3").err == "serial interface 'serial3' is not configured\n"
    assert run("qm", "set", vm, "--serial0", "socket").code == 0
    assert run("qm", "terminal", vm).err == "VM 100 not running\n"
    assert run("qm", "nbdstop", vm) == Result(255, "", "not in the lab, whose VMs have no QEMU\n")
    assert run("qm", "monitor", vm, stdin="info\nquit\n").out.splitlines()[1:] == [
        "ERROR: the lab's VMs have no QEMU monitor"
    ]
    shown = run("qm", "showcmd", vm, "--pretty").out.splitlines()
    assert shown[:3] == ["/usr/bin/kvm \\", "  -id 100 \\", "  -name 'web,debug-threads=on' \\"]


def test_a_verbose_status_has_every_field(run: NodeCommands, vm: str) -> None:
    lines = run("qm", "status", vm, "--verbose").out.splitlines()
    assert {"name: web", "status: stopped", "ha:", "\tmanaged: 0"} <= set(lines)
    assert not [line for line in lines if line.startswith("cpu:")]


def test_archives_are_pruned(run: NodeCommands, vm: str) -> None:
    assert run("pvesm", "prune-backups", "local", "--dry-run", "--keep-last", "1").out == "No backups found\n"
    assert run("vzdump", vm, "--storage", "local").code == 0
    preview = run("pvesm", "prune-backups", "local", "--dry-run", "--keep-last", "1").out.splitlines()
    assert preview[:2] == [
        "NOTE: this is only a preview and might not be what a subsequent",
        "prune call does if backups are removed/added in the meantime.",
    ]
    assert preview[3].split() == ["Backup", "Backup-ID", "Prune-Mark"]
    assert preview[4].split()[1:] == ["qemu/100", "keep"]
    archive = preview[4].split()[0]
    assert run("pvesm", "extractconfig", archive).out.count("name: web") == 1
    assert run("pvesm", "prune-backups", "local", "--keep-last", "1") == Result(0, "", "")
    assert archive in run("pvesm", "list", "local").out


def test_a_password_is_typed_twice(run: NodeCommands) -> None:
    assert run("pveum", "useradd", "joe@pve").code == 0
    wrong = run("pveum", "passwd", "joe@pve", stdin="secret-one\nsecret-two\n")
    assert wrong == Result(255, "", "passwords do not match\n")
    assert run("pveum", "passwd", "joe@pve", stdin="secret-one\nsecret-one\n") == Result(0, "", "")
    assert run("pveum", "ticket", "joe@pve", stdin="secret-one\n").out.startswith("PVE:joe@pve:")
    assert run("pveum", "ticket", "joe@pve", stdin="wrong\n") == Result(255, "", "401 authentication failure\n")
    assert run("pveum", "passwd", "joe@pve") == Result(255, "", "EOF while reading password\n")
    assert run("pveum", "user", "tfa", "list", "joe@pve") == Result(0, "", "")


def test_containers(run: NodeCommands, lab_api: ServedLab) -> None:
    template = "debian-13-standard_13.1-2_amd64.tar.zst"
    assert template in run("pveam", "available", "--section", "system").out
    assert run("pveam", "available", "--section", "mail").out == ""
    assert run("pveam", "download", "local", template).code == 0
    assert run("pveam", "list", "local").out.splitlines()[1].startswith(f"local:vztmpl/{template} ")
    made = run("pct", "create", "200", f"local:vztmpl/{template}", "--storage", "local-lvm", "--hostname", "ct")
    assert (made.code, made.err) == (0, "")
    assert run("pct", "status", "200") == Result(0, "status: stopped\n", "")
    assert "name: ct" in run("pct", "status", "200", "--verbose").out.splitlines()
    assert run("pct", "list").out.splitlines() == [
        "VMID       Status     Lock         Name                ",
        "200        stopped                 ct                  ",
    ]
    assert "hostname: ct" in run("pct", "config", "200").out.splitlines()
    lab_api.api.cts[0].lock = "backup"
    assert run("pct", "destroy", "200").code == 255
    assert run("pct", "unlock", "200") == Result(0, "", "")
    assert run("pct", "unlock", "201").err == "Configuration file 'nodes/father/lxc/201.conf' does not exist\n"
    assert run("pct", "destroy", "200").code == 0
    assert run("pveam", "remove", f"local:vztmpl/{template}") == Result(0, "", "")
