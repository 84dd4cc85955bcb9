"""The lab's own life: up, down, killed, twice, two at once; what it leaves behind and what it keeps."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from lab import control, father, processes
from lab.guests import syscalls
from tests.integration.conftest import entered, until

pytestmark = pytest.mark.lab
NAMESPACES = ("mnt", "net", "pid", "ipc", "uts", "cgroup")
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
SYSTEMD = (
    f"pveam download local {TEMPLATE} && pct create 320 local:vztmpl/{TEMPLATE} --rootfs local-lvm:1"
    " --entrypoint /lib/systemd/systemd --start 1"
)
CLI = [sys.executable, "-c", "from lab.cli import lab; lab()"]


@pytest.fixture
def lab(lab_state: Path) -> Iterator[control.LabStatus]:
    """A lab that is up when the test starts and down when it has ended."""
    yield control.ensure_up(print)
    control.down()


def namespaces_of(pids: Iterable[int]) -> set[str]:
    """Identities of the namespaces of processes; one that has ended meanwhile has none."""
    found: set[str] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found |= {str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in NAMESPACES}
    return found


def namespaces_in_use(latest: int) -> set[str]:
    """Identities of the namespaces of every process started until then (clock ticks since boot).

    The kernel gives an ended namespace's identity to the next one that is made, which may be another lab's.
    """
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return namespaces_of(
        pid for pid in pids if (started := processes.start_time(pid)) is not None and started <= latest
    )


def cgroups_of(pids: Iterable[int]) -> set[str]:
    """Cgroups of processes, below the second version's root."""
    found: set[str] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
            found |= {line.removeprefix("0::") for line in lines if line.startswith("0::")}
    return found


def present_cgroups(cgroups: set[str]) -> set[str]:
    """Those that exist."""
    with syscalls.mounted("cgroup2") as root:
        return {cgroup for cgroup in cgroups if Path(f"{root}{cgroup}").exists()}


def ticks() -> int:
    """The time as processes.start_time counts it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


class Traces:
    """What a running lab consists of, to look for after its end."""

    def __init__(self, status: control.LabStatus) -> None:
        self.state = status.state_dir
        self.taken = ticks()
        pids = [status.pid, *processes.descendants(status.pid)]
        self.processes = {pid: started for pid in pids if (started := processes.start_time(pid)) is not None}
        self.namespaces = namespaces_of(pids) - namespaces_of([os.getpid()])
        self.links = {path.name for path in Path("/sys/class/net").iterdir()}
        self.cgroups = cgroups_of(pids) - cgroups_of([os.getpid()])

    def left(self) -> list[str]:
        """What is still there."""
        found = [f"process {pid}" for pid, started in self.processes.items() if processes.alive(pid, started)]
        found += [f"namespace {name}" for name in self.namespaces & namespaces_in_use(self.taken)]
        found += [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if str(self.state) in line]
        found += [f"link {path.name}" for path in Path("/sys/class/net").iterdir() if path.name not in self.links]
        return found

    def gone(self) -> bool:
        """Whether the cgroups are gone too: the kernel removes none, but somebody does once nobody is in them."""
        return not present_cgroups(self.cgroups)


def ssh(guest: str, command: str) -> str:
    done = subprocess.run(control.ssh_command(guest, [command]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_up_twice_is_one_lab(lab: control.LabStatus) -> None:
    assert control.ensure_up(print) == lab
    assert ssh("father", "hostname") == "father"


def test_two_at_once_start_one_lab(lab_state: Path) -> None:
    starts = [subprocess.Popen([*CLI, "up"], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [start.wait(120) for start in starts] == [0, 0, 0]
    answers = {start.communicate()[0] for start in starts}
    assert len(answers) == 1
    assert control.down()


def test_down_leaves_nothing_running(lab: control.LabStatus) -> None:
    traces = Traces(lab)
    assert len(traces.processes) > 3
    assert control.down()
    assert traces.left() == []
    assert control.status() is None
    assert not control.down()


def test_a_killed_lab_leaves_nothing_and_starts_again_with_its_state(lab: control.LabStatus) -> None:
    ssh("father", f"echo kept > /root/note; sync; {SYSTEMD}")
    traces = Traces(lab)
    assert len(traces.cgroups) > 1
    assert processes.end(lab.pid, lab.started_at, signal.SIGKILL, 10)
    assert traces.left() == []
    until(traces.gone, "the end of the cgroups")
    assert control.status() is None
    assert control.ensure_up(print).pid != lab.pid
    assert ssh("father", "cat /root/note") == "kept"


@pytest.mark.parametrize("how", ["down", "killed"])
def test_guests_end_with_the_lab_and_are_there_again(lab: control.LabStatus, how: str) -> None:
    with entered(lab) as stand:
        api = stand.father()
        api.clone(9001, 300, "guest", stand.key)
        address = api.start(300)
        until(lambda: stand.try_ssh(address, "echo kept > /root/note; sync").returncode == 0, "SSH")
    traces = Traces(lab)
    assert control.down() if how == "down" else processes.end(lab.pid, lab.started_at, signal.SIGKILL, 10)
    assert traces.left() == []
    with entered(control.ensure_up(print)) as stand:
        api = stand.father()
        assert api.status(300) == "stopped"
        address = api.start(300)
        assert until(lambda: stand.try_ssh(address, "cat /root/note").stdout, "SSH") == "kept\n"
        api.guest(300, "POST", "/status/stop")
        api.guest(300, "DELETE", "")


def test_a_node_that_reboots_is_the_same_lab(lab: control.LabStatus) -> None:
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = ssh("father", boot_id)
    subprocess.run(control.ssh_command("father", ["reboot"]), check=False)
    with entered(lab) as stand:
        until(lambda: (now := stand.try_ssh("father", boot_id)).returncode == 0 and now.stdout != before, "the reboot")
        until(lambda: stand.try_ssh("father", "pvesh get /version").returncode == 0, "the API after the reboot")
    assert control.status() == lab


def test_a_node_that_is_powered_off_is_a_lab_that_is_down(lab: control.LabStatus) -> None:
    subprocess.run(control.ssh_command("father", ["poweroff"]), check=False)
    until(lambda: control.status() is None, "the end of the lab")
    assert control.ensure_up(print).pid != lab.pid


def test_the_nodes_key_stays_pinned_over_a_restart(lab: control.LabStatus) -> None:
    pinned = father.known_hosts(lab.state_dir).read_text(encoding="utf-8")
    control.down()
    control.ensure_up(print)
    assert father.known_hosts(lab.state_dir).read_text(encoding="utf-8") == pinned
    assert ssh("father", "true") == ""


def test_reset_forgets(lab: control.LabStatus) -> None:
    token = father.token_file(lab.state_dir).read_text(encoding="utf-8")
    ssh("father", "touch /root/note")
    control.reset()
    assert [path.name for path in lab.state_dir.iterdir()] == ["lock"]
    control.ensure_up(print)
    assert ssh("father", "ls /root") == ""
    assert father.token_file(lab.state_dir).read_text(encoding="utf-8") != token


def test_a_second_lab_elsewhere_is_another_one(
    lab: control.LabStatus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh("father", "touch /root/first")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    try:
        second = control.ensure_up(print)
        assert second.nodes["father"].api_forward != lab.nodes["father"].api_forward
        assert ssh("father", "ls /root") == ""
    finally:
        control.reset()
    monkeypatch.undo()


def test_secrets_are_for_the_owner_only(lab: control.LabStatus) -> None:
    secrets = [
        "father.token",
        "ssh/id_ed25519",
        "nodes/father/root/etc/homelab-pve-lab/api.json",
        "lab.json",
        "lab.log",
    ]
    assert {name: oct((lab.state_dir / name).stat().st_mode & 0o077) for name in secrets} == dict.fromkeys(
        secrets, "0o0"
    )
    assert lab.state_dir.stat().st_mode & 0o077 == 0
    token = json.loads((lab.state_dir / "father.token").read_text(encoding="utf-8"))["secret"]
    started = [processes.command(pid) for pid in (lab.pid, *processes.descendants(lab.pid))]
    assert not [words for words in started if any(token in word for word in words)]


def test_nothing_listens_beyond_loopback(lab: control.LabStatus) -> None:
    listening = subprocess.run(["ss", "-tlnH"], capture_output=True, text=True, check=True).stdout
    ours = [line.split()[3] for line in listening.splitlines() if ":8006" in line or "homelab" in line]
    assert lab.nodes["father"].api_forward in ours
    assert all(address.startswith("127.") for address in ours)


def test_a_node_that_cannot_start_is_explained(lab: control.LabStatus) -> None:
    control.down()
    state = lab.state_dir / "nodes" / "father" / "data" / "api" / "state.json"
    good = state.read_text(encoding="utf-8")
    state.write_text("not JSON", encoding="utf-8")
    with pytest.raises(control.LabError, match=r"the API of father does not answer; .*ends with:"):
        control.ensure_up(print)
    assert control.status() is None
    state.write_text(good, encoding="utf-8")
    control.ensure_up(print)
