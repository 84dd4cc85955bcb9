# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of the lab's node really boot: entered by pct and SSH, changed while they run, made from real archives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import father
from tests.benchmark import crowd
from tests.benchmark.guest import Api
from tests.integration.conftest import NodeApi, Stand, until

pytestmark = pytest.mark.lab
VMID, COPY, OTHER, NEST = 310, 311, 312, 313
PVE_TEMPLATE = 9000
CROWD = 12
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
CREATE = f"pct create {{vmid}} local:vztmpl/{TEMPLATE} --hostname {{name}} --rootfs local-lvm:2 --start 1"


@pytest.fixture(scope="module")
def api(stand: Stand) -> NodeApi:
    """The node's API, with a container template on its storage."""
    node = stand.father()
    node.call("POST", "/nodes/father/aplinfo", storage="local", template=TEMPLATE)
    return node


@pytest.fixture(scope="module")
def address(stand: Stand, api: NodeApi) -> str:
    """The address of a running container that every test may use."""
    stand.ssh("father", "mkdir -p /srv/share && echo shared > /srv/share/file")
    given = {
        "vmid": VMID,
        "ostemplate": f"local:vztmpl/{TEMPLATE}",
        "hostname": "ct-one",
        "rootfs": "local-lvm:2",
        "net0": "name=eth0,bridge=vmbr0,ip=dhcp",
        "net1": "name=eth1,bridge=vmbr0,ip=10.99.0.61/24,ip6=fd00::61/64",
        "mp0": "local-lvm:1,mp=/data",
        "ssh-public-keys": stand.key,
        "password": "secret1",
        "start": 1,
    }
    api.call("POST", "/nodes/father/lxc", **given)
    return until(lambda: leased(api), "the container's address")


def container(api: NodeApi, method: str, path: str, **values: object) -> Any:
    """A call below the container."""
    return api.call(method, f"/nodes/father/lxc/{VMID}{path}", **values)


def leased(api: NodeApi) -> str:
    """The address that the container got from the lab's DHCP, or nothing so far."""
    (first,) = (card for card in container(api, "GET", "/interfaces") if card["name"] == "eth0")
    found = [info["ip-address"] for info in first["ip-addresses"] if info["ip-address"].startswith("10.99.0.")]
    return found[0] if found else ""


def on_father(stand: Stand, *lines: str) -> list[str]:
    """What commands on the node print, in one session; all of them must succeed."""
    return stand.ssh("father", "set -e\n" + "\n".join(lines)).splitlines()


def test_the_configuration_is_what_the_container_sees(stand: Stand, api: NodeApi, address: str) -> None:
    assert stand.ssh(address, "hostname") == "ct-one\n"
    status = container(api, "GET", "/status/current")
    script = "cat /etc/hosts /etc/resolv.conf; ip -br addr show eth1; grep ^root: /etc/shadow"
    seen = on_father(
        stand, f"pct exec {VMID} -- sh -c '{script}'", "ls -C -w 999 /sys/class/net", f"cat /proc/{status['pid']}/comm"
    )
    assert "10.99.0.61 ct-one.lab.internal ct-one" in seen
    assert "nameserver 10.99.0.1" in seen
    assert "10.99.0.61/24" in seen[-4]
    assert "fd00::61/64" in seen[-4]
    assert seen[-3].startswith("root:$")
    assert seen[-2].split() == ["eno1", "lo", f"veth{VMID}i0", f"veth{VMID}i1", "vmbr0"]
    assert seen[-1] == "init"
    assert 1_000_000 < status["mem"] < status["maxmem"]


def test_commands_and_files_go_in_and_come_out(stand: Stand, address: str) -> None:
    done = stand.try_ssh("father", f"echo given | pct exec {VMID} -- sh -c 'cat; echo err >&2; exit 7'")
    assert (done.returncode, done.stdout, done.stderr) == (7, "given\n", "err\n")
    facts = "import json, platform, socket; print(json.dumps([socket.gethostname(), platform.system()]))"
    seen = on_father(
        stand,
        f"pct exec {VMID} -- nope 2>&1 || echo $?",
        f"pct exec {VMID} -- sh -c 'kill -TERM $$' || echo $?",
        f"script -qec 'pct exec {VMID} -- tty' /dev/null",
        f"echo 'hostname; echo $0' | pct enter {VMID}",
        f"pct exec {VMID} -- python3 -c '{facts}'",
        "head -c 3000000 /dev/urandom > /tmp/blob",
        f"pct push {VMID} /tmp/blob /srv/blob --perms 640 --user daemon --group 1",
        f"pct exec {VMID} -- stat -c '%a %U %g %s' /srv/blob",
        f"pct pull {VMID} /srv/blob /tmp/back --perms 0600",
        "cmp /tmp/blob /tmp/back && stat -c %a /tmp/back",
        f"pct pull {VMID} /nope /tmp/nope 2>&1",
    )
    assert seen == [
        f'lxc-attach: {VMID}: No such file or directory - Failed to exec "nope"',
        "127",
        str(128 + 15),
        "/dev/pts/0",
        "ct-one",
        "/bin/bash",
        json.dumps(["ct-one", "Linux"]),
        "640 daemon 1 3000000",
        "600",
        "failed to open /nope: No such file or directory",
    ]


def test_what_is_changed_while_it_runs_is_there_at_once_and_after_a_reboot(stand: Stand, address: str) -> None:
    look = f"pct exec {VMID} -- sh -c 'cat /mnt/share/file; ls /data; touch /mnt/share/x 2>/dev/null || echo ro'"
    boot = f"pct exec {VMID} -- cat /proc/sys/kernel/random/boot_id"
    seen = on_father(
        stand,
        f"pct set {VMID} --mp1 /srv/share,mp=/mnt/share,ro=1",
        f"pct set {VMID} --net2 name=eth2,bridge=vmbr0,ip=10.99.0.62/24",
        f"pct exec {VMID} -- sh -c 'touch /data/kept; ip -br addr show eth2 | grep -o 10.99.0.62/24'",
        f"pct set {VMID} --delete net2",
        f"pct exec {VMID} -- sh -c 'ls /sys/class/net; cat /etc/network/interfaces' | grep eth2 || echo gone",
        *(look, boot, f"pct reboot {VMID}", look, boot),
    )
    assert seen[:2] == ["10.99.0.62/24", "gone"]
    assert seen[2:5] == seen[6:9] == ["shared", "kept", "ro"]
    assert seen[5] != seen[9]


def test_snapshots_copies_and_the_end(stand: Stand, api: NodeApi, address: str) -> None:
    seen = on_father(
        stand,
        f"pct stop {VMID}; pct set {VMID} --delete mp1; pct mount {VMID}; ls /var/lib/lxc/{VMID}/rootfs/data",
        f"pct unmount {VMID}; pct snapshot {VMID} before; pct start {VMID}; pct df {VMID}; pct cpusets | head -2",
        f"pct exec {VMID} -- sh -c 'echo new > /root/new; cat /etc/machine-id'",
        f"pct rollback {VMID} before --start 1",
        f"pct exec {VMID} -- sh -c 'ls /root /data'",
        f"pct clone {VMID} {COPY} --snapname before --hostname ct-two >/dev/null; pct start {COPY}",
        f"pct exec {COPY} -- sh -c 'hostname; ls /data; cat /etc/machine-id'",
        f"pct exec {COPY} -- poweroff",
    )
    assert seen[:2] == [f"mounted CT {VMID} in '/var/lib/lxc/{VMID}/rootfs'", "kept"]
    assert [line.split()[0] for line in seen[2:5]] == ["MP", "rootfs", "mp0"]
    assert seen[6].startswith(f"{VMID}:  0")
    assert seen[8:-1] == ["/data:", "kept", "", "/root:", "ct-two", "kept"]
    assert seen[7] != seen[-1]
    until(lambda: "stopped" in stand.ssh("father", f"pct status {COPY}"), "the end of the copy")
    failed = stand.try_ssh("father", f"pct exec {COPY} -- true")
    assert (failed.returncode, failed.stderr) == (255, f"container '{COPY}' not running!\n")
    cards = on_father(
        stand,
        f"pct destroy {COPY} >/dev/null; pct destroy {VMID} --force >/dev/null",
        "ls /sys/class/net",
    )
    assert cards == ["eno1", "lo", "vmbr0"]
    folder = father.disk(stand.status.state_dir) / "data" / "volumes"
    assert [path.name for path in folder.glob("*/vm-31*")] == []


@pytest.fixture
def archive(stand: Stand) -> Iterator[str]:
    """A template with files of its own; its name."""
    name = "debian-12-mine_1_amd64.tar.zst"
    script = (
        "mkdir -p /tmp/tree/etc /tmp/tree/opt && cd /tmp/tree && echo mine > etc/motd && cp /bin/true opt/tool && "
        "chmod 4711 opt/tool && chown 7:8 etc/motd && "
        f"cd /var/lib/vz/template/cache && tar --zstd -cf {name} -C /tmp/tree ./etc ./opt && echo junk > x{name}"
    )
    stand.ssh("father", script)
    yield name
    stand.try_ssh("father", f"pct destroy {OTHER} --force")


def test_a_real_archive_is_unpacked_as_the_root(stand: Stand, api: NodeApi, archive: str) -> None:
    create = CREATE.format(vmid=OTHER, name="mine")
    look = "stat -c '%a %u:%g' /etc/motd /opt/tool; cat /etc/motd; hostname"
    seen = on_father(
        stand,
        f"{create.replace(TEMPLATE, archive)} >/dev/null",
        f'pct exec {OTHER} -- sh -c "{look}"',
        f"pct destroy {OTHER} --force >/dev/null",
        f"{create.replace(TEMPLATE, 'x' + archive)} 2>&1 >/dev/null || echo failed; pct list",
    )
    assert seen[:4] == ["644 7:8", "4711 0:0", "mine", "mine"]
    assert f"unable to create CT {OTHER} - command 'tar --extract" in seen[4]
    assert seen[5:] == ["failed"]


def test_guests_of_both_kinds_start_at_once_and_all_answer(stand: Stand, api: NodeApi) -> None:
    client = Api(stand.status.state_dir)
    assert stand.in_lab(crowd.crowd, client, CROWD, stand.status.pid).keys() >= {"answer", "memory"}
    assert "veth" not in stand.ssh("father", "ls /sys/class/net")


def test_a_nested_node_has_containers_too(stand: Stand, api: NodeApi) -> None:
    with stand.booted(PVE_TEMPLATE, NEST, "nest") as nest:
        until(lambda: stand.try_ssh(nest, "pct list").returncode == 0, "the nested node's API")
        fetch = f"pvesh create /nodes/nest/aplinfo --storage local --template {TEMPLATE} >/dev/null"
        create = f"{CREATE.format(vmid=100, name='deep').replace('local-lvm', 'local')} >/dev/null"
        assert stand.ssh(nest, f"{fetch} && {create} && pct exec 100 -- hostname") == "deep\n"
