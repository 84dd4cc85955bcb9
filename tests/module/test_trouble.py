"""What all modules do when something goes wrong on the way: repeat, look again, renew, wait, and tell."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

WEB: dict[str, Any] = {"vmid": 104, "name": "web"}
CREATE, CONFIG = "/nodes/father/qemu", "/nodes/father/qemu/104/config"
START, SHUTDOWN = "/nodes/father/qemu/104/status/start", "/nodes/father/qemu/104/status/shutdown"


def asked(modules: Modules, method: str, path: str) -> int:
    """How often something was asked for in the last call."""
    return sum((record.method, record.path) == (method, path) for record in modules.lab.requests())


def named_web(modules: Modules) -> list[int]:
    return [item["vmid"] for item in modules.ok("vm_discover", name_pattern="web")["vms"]]


# ---------------------------------------------------------------- repeated


@pytest.mark.parametrize("status", [502, 503, 504, 595, 596, 597, 598, 599])
def test_a_read_is_repeated(modules: Modules, status: int) -> None:
    modules.lab.api.fail("GET", "/cluster/resources", status, "Connection timed out", times=2)
    modules.ok("vm_discover")
    assert asked(modules, "GET", "/cluster/resources") == 3


def test_a_read_is_repeated_after_a_reset(modules: Modules) -> None:
    modules.lab.api.inject({"kind": "lose-answer", "method": "GET", "path": "/cluster/resources", "before": True})
    modules.ok("vm_discover")


def test_as_often_as_wished(modules: Modules) -> None:
    modules.lab.api.fail("GET", "/cluster/resources", 595, "Connection refused", times=2)
    result = modules.run("vm_discover", retries=1)
    assert result["msg"] == "GET /cluster/resources: 595 Connection refused."
    assert asked(modules, "GET", "/cluster/resources") == 2


def test_another_failure_is_not_repeated(modules: Modules) -> None:
    modules.lab.api.fail("GET", "/cluster/resources", 500, "no idea")
    assert modules.message("vm_discover") == "GET /cluster/resources: 500 no idea."
    assert asked(modules, "GET", "/cluster/resources") == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (595, "Connection refused"),
        (500, "can't lock file '/var/lock/qemu-server/lock-104.conf' - got timeout"),
        (500, "cfs-lock 'file-user_cfg' error: got lock request timeout"),
    ],
)
def test_a_change_that_was_provably_not_made_is_repeated(modules: Modules, status: int, words: str) -> None:
    modules.ok("vm", **WEB)
    modules.lab.api.fail("PUT", CONFIG, status, words, times=2)
    assert modules.ok("vm", **WEB, cores=2)["config"]["cores"] == 2
    assert asked(modules, "PUT", CONFIG) == 3
    assert len(modules.lab.writes()) == 1


def test_a_task_that_waited_for_a_lock_in_vain_is_begun_again(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    words = "can't lock file '/var/lock/qemu-server/lock-104.conf' - got timeout"
    modules.lab.api.inject({"kind": "task", "type": "qmstart", "error": words, "times": 2})
    assert modules.ok("vm", **WEB, state="started")["status"] == "running"
    assert asked(modules, "POST", START) == 3


def test_a_task_that_could_not_be_forked_is_begun_again(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    modules.lab.api.fail("POST", START, 500, "got no worker upid - start worker failed", times=2)
    assert modules.ok("vm", **WEB, state="started")["status"] == "running"
    assert asked(modules, "POST", START) == 3


# ---------------------------------------------------------------- an answer that was lost


LOST = [{"status": 596}, {"status": 599}, {}]
"""Two answers of pveproxy, and a connection that breaks."""


@pytest.mark.parametrize("how", LOST, ids=str)
@pytest.mark.parametrize("ids", [{}, {"vmid": 104}, {"vmid_range": [300, 399]}], ids=str)
def test_a_creation_is_not_made_twice(modules: Modules, how: dict[str, int], ids: dict[str, Any]) -> None:
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": CREATE, **how})
    result = modules.ok("vm", name="web", **ids)
    assert (result["changed"], named_web(modules)) == (True, [result["vmid"]])
    modules.unchanged("vm", name="web", **ids)


@pytest.mark.parametrize("how", LOST, ids=str)
def test_a_creation_that_was_not_made_is_made(modules: Modules, how: dict[str, int]) -> None:
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": CREATE, "before": True, **how})
    result = modules.ok("vm", name="web")
    assert (result["changed"], named_web(modules)) == (True, [result["vmid"]])


@pytest.mark.parametrize("how", LOST, ids=str)
def test_a_clone_is_not_made_twice(modules: Modules, how: dict[str, int]) -> None:
    path = "/nodes/father/qemu/9001/clone"
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": path, **how})
    result = modules.ok("vm", name="web", clone="debian-12", cores=2, state="started")
    assert (result["changed"], result["status"], named_web(modules)) == (True, "running", [result["vmid"]])
    assert result["config"]["cores"] == 2


def test_a_creation_that_is_carried_out_late_is_not_made_twice(modules: Modules) -> None:
    """The request waits in the node's queue for longer than the connection lasts."""
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": CREATE, "seconds": 0.5})
    result = modules.ok("vm", name="web")
    assert named_web(modules) == [result["vmid"]]
    modules.unchanged("vm", name="web")


@pytest.mark.parametrize("how", LOST, ids=str)
@pytest.mark.parametrize("before", [True, False])
def test_other_changes_are_looked_at_again(modules: Modules, how: dict[str, int], before: bool) -> None:
    modules.ok("vm", **WEB)
    for method, path, wish in (
        ("PUT", CONFIG, {"cores": 2}),
        ("POST", START, {"state": "started"}),
        ("POST", "/nodes/father/qemu/104/snapshot", {}),
        ("DELETE", "/nodes/father/qemu/104/snapshot/first", {"state": "absent"}),
    ):
        fault = {"kind": "lose-answer", "method": method, "path": path, "before": before, **how}
        modules.lab.api.inject(fault)
        if "snapshot" in path:
            assert modules.ok("snapshot", vmid=104, snapname="first", **wish)["changed"]
        else:
            assert modules.ok("vm", **WEB, **wish)["changed"]
        assert asked(modules, method, path) <= 2
    vms = [{"vmid": 104, "name": "web"}]
    modules.lab.api.inject({"kind": "lose-answer", "method": "DELETE", "path": "/nodes/father/qemu/104", **how})
    assert modules.ok("vm_destroy", vms=vms, adopt=True)["destroyed"] == vms


def test_a_section_that_was_made_all_the_same(modules: Modules) -> None:
    wish: dict[str, Any] = {"storage": "extra", "type": "dir", "path": "/srv/extra", "content": ["iso"]}
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": "/storage", "seconds": 0.2})
    assert modules.ok("storage", **wish)["changed"]
    modules.unchanged("storage", **wish)


def test_an_answer_that_is_lost_each_time(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    modules.lab.api.fail("PUT", CONFIG, 596, "Connection timed out")
    result = modules.run("vm", **WEB, cores=2)
    assert result["msg"] == (
        "Cannot set cores of vm 104 (web): Cannot reach 127.0.0.1 port 0: PUT /nodes/father/qemu/104/config: 596 "
        "Connection timed out. The change may have been made. Run again: what is there now is read first."
    )
    assert result["error"]["kind"] == "OutcomeUnknownError"


# ---------------------------------------------------------------- somebody else at the same time


def test_a_configuration_that_somebody_changed_meanwhile_is_read_again(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    modules.lab.api.fail("PUT", CONFIG, 500, "checksum mismatch (file change by other user?)", times=1)
    assert modules.ok("vm", **WEB, cores=2)["config"]["cores"] == 2
    assert asked(modules, "PUT", CONFIG) == 2


MOVED = "Configuration file 'nodes/father/qemu-server/104.conf' does not exist"


@pytest.mark.parametrize(
    ("path", "module", "wish"),
    [
        ("GET pending", "vm", {"vmid": 104, "cores": 2}),
        ("PUT config", "vm", {"vmid": 104, "cores": 2}),
        ("GET snapshot", "snapshot", {"vmid": 104, "snapname": "first"}),
        ("POST snapshot", "snapshot", {"vmid": 104, "snapname": "first"}),
        ("GET snapshot", "snapshot_info", {"vmid": 104}),
        ("GET status/current", "vm_destroy", {"vms": [{"vmid": 104, "name": "web"}], "adopt": True}),
        ("DELETE ", "vm_destroy", {"vms": [{"vmid": 104, "name": "web"}], "adopt": True}),
    ],
)
def test_a_guest_that_moves_meanwhile_is_found_again(
    modules: Modules, path: str, module: str, wish: dict[str, Any]
) -> None:
    modules.ok("vm", **WEB)
    method, _, rest = path.partition(" ")
    modules.lab.api.fail(method, f"/nodes/father/qemu/104/{rest}".rstrip("/"), 500, MOVED, times=1)
    modules.ok(module, **wish)
    assert asked(modules, "GET", "/cluster/resources") >= 2


# ---------------------------------------------------------------- logins


def with_password(modules: Modules) -> dict[str, Any]:
    lab = modules.lab
    return {"token_id": None, "token_secret": None, "user": lab.user, "password": lab.password}


def test_a_ticket_that_ran_out_is_renewed_once(modules: Modules) -> None:
    login = with_password(modules)
    modules.lab.api.fail("GET", "/cluster/resources", 401, "No ticket", times=1)
    modules.ok("vm_discover", **login)
    assert asked(modules, "POST", "/access/ticket") == 2


def test_but_only_once(modules: Modules) -> None:
    login = with_password(modules)
    modules.lab.api.fail("GET", "/cluster/resources", 401, "No ticket")
    assert modules.message("vm_discover", **login) == (
        "127.0.0.1 does not accept the login: No ticket. "
        "Check token_id and token_secret (or user and password), and that the token has not expired."
    )
    assert asked(modules, "POST", "/access/ticket") == 2


def test_a_token_is_not_renewed(modules: Modules) -> None:
    modules.lab.api.fail("GET", "/cluster/resources", 401, "Authentication failed!")
    assert modules.run("vm_discover")["error"]["kind"] == "AuthenticationError"
    assert [record.path for record in modules.lab.requests()] == ["/cluster/resources"]


# ---------------------------------------------------------------- tasks


def test_a_task_that_fails(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    log = [f"line {number}" for number in range(6000)]
    modules.lab.api.inject({"kind": "task", "type": "qmstart", "log": log, "error": "QEMU exited with code 1"})
    result = modules.run("vm", **WEB, state="started")
    first, last_lines, *lines = result["msg"].splitlines()
    assert first.startswith("Cannot start vm 104 (web): The task failed: QEMU exited with code 1 (UPID:father:")
    assert last_lines == "Its last log lines:"
    assert lines == [*(f"  {text}" for text in log[-9:]), "  TASK ERROR: QEMU exited with code 1"]
    assert result["error"] == {"kind": "TaskFailedError"}


def test_warnings_of_a_task_are_told(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    log = ["WARN: no kvm", "starting", "WARN: little memory"]
    modules.lab.api.inject({"kind": "task", "type": "qmstart", "log": log})
    result = modules.ok("vm", **WEB, state="started")
    assert (result["changed"], result["status"]) == (True, "running")
    assert result["warnings"] == ["WARN: no kvm", "WARN: little memory"]


def test_a_task_that_takes_too_long(modules: Modules) -> None:
    modules.ok("vm", **WEB)
    modules.lab.api.inject({"kind": "task", "type": "qmstart", "log": ["copying 10%"], "stuck": True})
    result = modules.run("vm", **WEB, state="started", wait_timeout=0.3)
    assert result["msg"].startswith("Cannot start vm 104 (web): The task UPID:father:")
    assert result["msg"].endswith(" is still running after 0.3 s. It last said: copying 10%.")
    assert result["error"] == {"kind": "TaskTimeoutError"}
