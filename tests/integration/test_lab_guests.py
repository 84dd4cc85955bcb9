"""VMs of the lab's node really boot: address, login, agent, reboot, power-off, suspend, removal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab import father
from tests.integration.conftest import NodeApi, Stand, TaskFailedError, until

pytestmark = pytest.mark.lab
VMID = 200
PLAIN_TEMPLATE = 9001


@pytest.fixture(scope="module")
def api(stand: Stand) -> NodeApi:
    """The node's API."""
    return stand.father()


@pytest.fixture
def guest(stand: Stand, api: NodeApi) -> Iterator[str]:
    """The address of a running VM of its own."""
    api.clone(PLAIN_TEMPLATE, VMID, "vm-one", stand.key)
    yield api.start(VMID)
    if api.status(VMID) == "running":
        api.guest(VMID, "POST", "/status/stop")
    api.guest(VMID, "DELETE", "")


def volumes(stand: Stand) -> list[str]:
    """Volumes of the test's VM on the node."""
    folder = father.disk(stand.status.state_dir) / "data" / "volumes"
    return [str(path.relative_to(folder)) for path in folder.glob(f"*/vm-{VMID}-disk-*")]


def agent_command(api: NodeApi, *words: str) -> dict[str, object]:
    """Run a command through the agent and wait for its end."""
    pid = api.guest(VMID, "POST", "/agent/exec", command=list(words))["pid"]

    def ended() -> dict[str, object] | None:
        status: dict[str, object] = api.guest(VMID, "GET", "/agent/exec-status", pid=pid)
        return status if status["exited"] else None

    return until(ended, "the command's end") or {}


def test_cloud_init_is_applied(stand: Stand, guest: str) -> None:
    facts = stand.ssh(guest, "hostname; whoami; cat /etc/resolv.conf; getent hosts vm-one.lab.internal")
    assert facts.split()[:2] == ["vm-one", "root"]
    assert "nameserver 10.99.0.1" in facts
    assert guest in facts or "127.0.1.1" in facts


def test_a_guest_cannot_change_the_machine_but_its_own_network(stand: Stand, guest: str) -> None:
    for setting in ("/proc/sys/vm/swappiness", "/sys/kernel/mm/transparent_hugepage/enabled"):
        assert "Read-only file system" in stand.try_ssh(guest, f"cat {setting} | tr -d '[]' > {setting}").stderr
    assert stand.ssh(guest, "sysctl -w net.ipv4.ip_forward=1") == "net.ipv4.ip_forward = 1\n"


def test_the_agent_tells_the_real_address(stand: Stand, api: NodeApi, guest: str) -> None:
    mac = api.guest(VMID, "GET", "/config")["net0"].split(",")[0].split("=")[1]
    listed = json.loads(stand.ssh(guest, "ip -json address show eth0"))[0]
    assert listed["address"] == mac.lower()
    assert guest in [info["local"] for info in listed["addr_info"]]


def test_the_agent_runs_commands_and_moves_files(api: NodeApi, stand: Stand, guest: str) -> None:
    ended = agent_command(api, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (ended["exitcode"], ended["out-data"], ended["err-data"]) == (3, "out\n", "err\n")
    api.guest(VMID, "POST", "/agent/file-write", file="/root/from-agent", content="hello")
    assert stand.ssh(guest, "cat /root/from-agent") == "hello"
    assert api.guest(VMID, "GET", "/agent/file-read", file="/root/from-agent")["content"] == "hello"


def test_a_reboot_from_inside_keeps_files_and_changes_the_boot(stand: Stand, guest: str) -> None:
    before = stand.ssh(guest, "touch /root/kept; cat /proc/sys/kernel/random/boot_id")
    stand.try_ssh(guest, "reboot")
    after = until(
        lambda: (now := stand.try_ssh(guest, "cat /proc/sys/kernel/random/boot_id").stdout) != before and now,
        "the guest after its reboot",
    )
    assert after
    assert stand.ssh(guest, "ls /root") == "kept\n"


def test_a_reboot_by_the_api_keeps_the_address(stand: Stand, api: NodeApi, guest: str) -> None:
    api.guest(VMID, "POST", "/status/reboot")
    assert api.address(VMID) == guest
    until(lambda: stand.try_ssh(guest, "true").returncode == 0, "SSH after the reboot")


@pytest.mark.parametrize("command", ["poweroff", "shutdown -h now"])
def test_a_guest_that_powers_off_is_stopped(stand: Stand, api: NodeApi, guest: str, command: str) -> None:
    stand.try_ssh(guest, command)
    until(lambda: api.status(VMID) == "stopped", f"the end of the guest by {command}")


def test_shutdown_and_start_again(stand: Stand, api: NodeApi, guest: str) -> None:
    stand.ssh(guest, "touch /root/kept")
    api.guest(VMID, "POST", "/status/shutdown", timeout=10)
    assert api.status(VMID) == "stopped"
    assert stand.ssh(api.start(VMID), "ls /root") == "kept\n"


def test_a_suspended_guest_does_nothing_until_it_is_resumed(stand: Stand, api: NodeApi, guest: str) -> None:
    stand.ssh(guest, "sleep 1234 >/dev/null 2>&1 &")
    api.guest(VMID, "POST", "/status/suspend")
    assert state_of_sleeper(stand) == "T"
    api.guest(VMID, "POST", "/status/resume")
    assert state_of_sleeper(stand) == "S"
    assert stand.ssh(guest, "hostname") == "vm-one\n"


def state_of_sleeper(stand: Stand) -> str:
    """Scheduling state of the guest's process, seen from the node."""
    return stand.ssh("father", "ps -C sleep -o state=,args= | grep ' sleep 1234'").split()[0]


def test_destroying_leaves_no_volume_and_no_card(stand: Stand, api: NodeApi) -> None:
    api.clone(PLAIN_TEMPLATE, VMID, "vm-one", stand.key)
    api.start(VMID)
    assert volumes(stand) != []
    api.guest(VMID, "POST", "/status/stop")
    api.guest(VMID, "DELETE", "")
    assert volumes(stand) == []
    assert "tap200i0" not in stand.ssh("father", "ls /sys/class/net")


def test_a_static_address_and_a_password(stand: Stand, api: NodeApi) -> None:
    api.clone(PLAIN_TEMPLATE, VMID, "vm-one", stand.key, ipconfig0="ip=10.99.0.50/24,gw=10.99.0.1", cipassword="secret")
    try:
        assert api.start(VMID) == "10.99.0.50"
        assert "PasswordAuthentication yes" in agent_file(api, "/etc/ssh/sshd_config.d/50-cloud-init.conf")
        assert "$" in agent_file(api, "/etc/shadow").splitlines()[0]
    finally:
        api.guest(VMID, "POST", "/status/stop")
        api.guest(VMID, "DELETE", "")


def agent_file(api: NodeApi, path: str) -> str:
    """Content of a guest's file, through the agent."""
    return str(api.guest(VMID, "GET", "/agent/file-read", file=path)["content"])


def test_a_clone_of_a_guest_that_ran_has_an_identity_of_its_own(stand: Stand, api: NodeApi, guest: str) -> None:
    identity = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub; ls /root"
    stand.ssh(guest, "touch /root/copied; sync")
    original = stand.ssh(guest, identity)
    api.guest(VMID, "POST", "/clone", newid=VMID + 1, name="vm-two", full=1)
    try:
        address = api.start(VMID + 1)
        until(lambda: stand.try_ssh(address, "true").returncode == 0, "SSH of the clone")
        copy = stand.ssh(address, identity)
        assert stand.ssh(address, "hostname") == "vm-two\n"
    finally:
        api.guest(VMID + 1, "POST", "/status/stop")
        api.guest(VMID + 1, "DELETE", "")
    assert original.splitlines()[2:] == copy.splitlines()[2:] == ["copied"]
    assert set(original.splitlines()[:2]).isdisjoint(copy.splitlines()[:2])


def test_a_missing_bridge_fails_in_the_task(stand: Stand, api: NodeApi) -> None:
    api.clone(PLAIN_TEMPLATE, VMID, "vm-one", stand.key, net0="virtio,bridge=vmbr9")
    try:
        with pytest.raises(TaskFailedError, match="bridge 'vmbr9' does not exist"):
            api.guest(VMID, "POST", "/status/start")
        assert api.status(VMID) == "stopped"
    finally:
        api.guest(VMID, "DELETE", "")
