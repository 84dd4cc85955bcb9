# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers whose configuration names their init: systemd, which then is the machine's, and any other program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab import father
from lab.errors import LabError
from lab.running import RunningLab
from tests.integration.conftest import until

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
PLAY = Path(__file__).parent / "plays" / "systemd.yml"
VMID = 340
PATH = f"/nodes/father/lxc/{VMID}"
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
CREATE = f"pct create {VMID} local:vztmpl/{TEMPLATE} --rootfs local-lvm:1 --hostname ct"
FETCH = f"pveam download local {TEMPLATE} > /dev/null"


def created(lab: RunningLab, entrypoint: str, *options: str) -> Callable[[str], str]:
    """Make a container and start it; what its commands print, by command."""
    lab.ssh("father", f"{FETCH} && {CREATE} --entrypoint '{entrypoint}' {' '.join(options)} --start 1")
    return lambda command: lab.ssh("father", f"pct exec {VMID} -- sh -c '{command}'").strip()


def status(lab: RunningLab) -> str:
    """``running`` or ``stopped``."""
    return str(lab.call("GET", f"{PATH}/status/current")["status"])


def inventory(lab: RunningLab, folder: Path) -> Path:
    """The container, entered by way of its node."""
    login = {
        "ansible_connection": "homelab.pve.pct",
        "ansible_host": "father",
        "ansible_ssh_common_args": f"-F {father.ssh_config(lab.status.state_dir)}",
        # The path of a socket is short.
        "ansible_control_path_dir": f"{os.environ['TMPDIR']}/cp",
        "pve_vmid": VMID,
    }
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {"ct": login}}}))
    return path


def test_systemd_is_the_init_of_a_container(lab: RunningLab, tmp_path: Path) -> None:
    inside = created(lab, "/lib/systemd/systemd", "--net0", "name=eth0,bridge=vmbr0,ip=10.99.0.62/24")
    assert inside("cat /proc/1/comm; systemctl is-system-running; systemd-detect-virt; systemctl is-active ssh") == (
        "systemd\nrunning\nlxc\nactive"
    )
    seen = inside("ip -brief address show eth0; cat /proc/self/cgroup; ls /sys/fs/cgroup")
    for expected in ("10.99.0.62/24", "0::/.lxc\n", "init.scope\n", "system.slice\n"):
        assert expected in seen
    play = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory(lab, tmp_path)), str(PLAY)]
    done = subprocess.run(play, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lab.ssh("father", f"pct exec {VMID} -- systemctl kill --signal=KILL beat")
    until(lambda: inside("systemctl show --property=NRestarts,ActiveState --value beat") == "1\nactive", "the restart")
    boots = [boot_of(inside)]
    # By the node, and by the command that the image has in the place of systemd-sysv's.
    for reboot in (f"pct reboot {VMID}", f"pct exec {VMID} -- reboot"):
        lab.ssh("father", reboot)
        boots.extend(until(lambda: {boot_of(inside)} - {"", boots[-1]}, f"the end of {reboot}"))
    assert inside("journalctl --boot=-1 --unit=beat --output=cat | grep -c ^beating$") == "1"
    lab.ssh("father", f"pct shutdown {VMID} --timeout 20 && pct start {VMID} && pct exec {VMID} -- poweroff")
    until(lambda: status(lab) == "stopped", "the power-off")


def boot_of(inside: Callable[[str], str]) -> str:
    """The container's boot id when it is up, with the service that runs whenever it does; nothing before."""
    try:
        return inside(
            "systemctl is-system-running --quiet --wait && systemctl is-active --quiet beat"
            " && cat /proc/sys/kernel/random/boot_id"
        )
    except LabError:
        return ""


def test_nodes_of_a_cluster_have_such_containers_too(lab_cluster: RunningLab) -> None:
    inside = created(lab_cluster, "/lib/systemd/systemd")
    assert inside("systemctl is-system-running") == "running"


def test_any_program_is_the_init_of_a_container(lab: RunningLab) -> None:
    card = "name=eth0,bridge=vmbr0,ip=10.99.0.63/24,host-managed=1"
    inside = created(lab, "sleep infinity", "--env", "'GREETING=good day'", "--net0", card)
    seen = inside("ip -brief address show up; tr \\\\0 . < /proc/1/cmdline; cat /proc/1/environ")
    for expected in ("10.99.0.63/24", "sleep.infinity.", "container=lxc\0", "GREETING=good day\0"):
        assert expected in seen
    # What has no handler for the signal is not ended by it, as the first process of a namespace.
    with pytest.raises(LabError, match="container did not stop"):
        lab.ssh("father", f"pct shutdown {VMID} --timeout 1")
    lab.ssh("father", f"pct stop {VMID} && pct set {VMID} --entrypoint 'sh -c \"exit 3\"' && pct start {VMID}")
    until(lambda: status(lab) == "stopped", "the end of a program that ends")
    lab.ssh("father", f"pct set {VMID} --entrypoint /nope")
    with pytest.raises(LabError, match='Failed to exec "/nope": the container has no such program'):
        lab.ssh("father", f"pct start {VMID} >&2")
    # The default is the lab's own init, which has no file.
    lab.ssh("father", f"pct set {VMID} --entrypoint /sbin/init && pct start {VMID}")
    assert inside("cat /proc/1/comm") == "init"
