"""Module state when things go wrong: connections, tasks, locks, other people, disks, and its own end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.state import work
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import Action
from ansible_collections.homelab.pve.plugins.module_utils.state.journal import Journal
from ansible_collections.homelab.pve.plugins.module_utils.tasks import looks

from .conftest import Modules, Result
from .test_state import acted

DOCUMENT: dict[str, Any] = {
    "node": "father",
    "groups": [{"groupid": "operators"}],
    "users": [{"userid": "kim@pve", "groups": ["operators"]}],
    "pools": [{"poolid": "prod", "comment": "production"}],
    "storage": [{"storage": "fresh", "type": "dir", "path": "/srv/fresh", "content": ["images"]}],
    "vms": [
        {
            "vmid": 100,
            "name": "web",
            "state": "started",
            "pool": "prod",
            "memory": 512,
            "disks": {"scsi0": {"storage": "fresh", "size": "1G"}},
        }
    ],
    "backups": [{"id": "nightly", "schedule": "02:00", "storage": "local", "vmid": [100]}],
}
KINDS = ["groups", "users", "pools", "storage", "vms", "backups"]


def exported(modules: Modules) -> Result:
    """What is there now, without what each new VM has of its own: its UUID."""
    found: Result = modules.ok("state_info", only=KINDS)["document"]
    vms = [{option: value for option, value in vm.items() if option != "smbios1"} for vm in found["vms"]]
    return {**found, "vms": vms}


def journal_of(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def consistent(lines: list[dict[str, Any]]) -> bool:
    """Whether all that ended had begun, in its own run, and nothing was done twice."""
    events = Counter((line["run"], line["kind"], line["id"], line["event"]) for line in lines)
    ended = [key for key in events if key[3] == "ended"]
    made = Counter(
        (line["kind"], line["id"]) for line in lines if line["event"] == "ended" and line["status"] == "done"
    )
    return all(events[(*key[:3], "began")] == events[key] == 1 for key in ended) and set(made.values()) <= {1}


def last_asked(modules: Modules) -> list[int]:
    """Which of the requests of the last call were writes, by their number."""
    return [number for number, request in enumerate(modules.lab.requests()) if request.wrote]


@pytest.mark.parametrize("answered", [False, True], ids=["not-carried-out", "answer-lost"])
def test_the_connection_is_lost_at_every_step(modules: Modules, tmp_path: Path, answered: bool) -> None:
    """Whatever was done till then, the next run ends as one that nothing disturbed, and makes nothing twice."""
    lab = modules.lab
    clean = lab.snapshot()
    options: dict[str, Any] = {"document": DOCUMENT, "max_parallel": 1, "retries": 0}
    modules.ok("state", **options)
    writes = last_asked(modules)
    wanted = exported(modules)
    for number in writes:
        lab.restore(clean)
        journal = tmp_path / f"journal-{number}"
        if answered:
            lab.faults.add("lose-answer", after=number)
        lab.faults.add("drop", after=number)
        broken = modules.run("state", **options, journal=str(journal), run="first")
        assert broken["failed"], number
        assert {row["status"] for row in broken["actions"]} >= {"failed"} or number == writes[-1]
        lab.faults.clear()
        modules.ok("state", **options, journal=str(journal), run="second")
        assert exported(modules) == wanted, number
        assert consistent(journal_of(journal)), journal.read_text()
        modules.unchanged("state", **options)


def test_a_task_that_fails_stops_only_what_needs_it(modules: Modules) -> None:
    modules.lab.faults.add("task", type="qmstart", error="start failed: QEMU exited with code 1", vmid=100)
    other = {"vmid": 101, "name": "db", "state": "started"}
    document = {**DOCUMENT, "vms": [*DOCUMENT["vms"], other]}
    result = modules.run("state", document=document)
    ends = {(row["kind"], row["id"]): row["status"] for row in result["actions"]}
    assert (ends["vms", "100"], ends["vms", "101"], ends["backups", "nightly"]) == ("failed", "done", "skipped")
    texts = [row["error"]["text"] for row in result["actions"] if row["error"]]
    assert texts[0].startswith(
        "Cannot start vm 100 (web): The task failed: start failed: QEMU exited with code 1 (UPID:"
    )
    assert texts[1:] == ["Not begun, because vms 100 failed."]
    assert len(result["errors"]) == 2
    again = modules.ok("state", document=document)
    assert [row[1:] for row in acted(again)] == [("100", "modify", "done"), ("nightly", "create", "done")]


def test_a_guest_that_is_locked(modules: Modules) -> None:
    modules.ok("state", document=DOCUMENT)
    changed = {**DOCUMENT, "vms": [{**DOCUMENT["vms"][0], "memory": 1024}], "groups": [{"groupid": "late"}]}
    with modules.lab.fault("lock", vmid=100, lock="backup"):
        result = modules.run("state", document=changed)
    assert [(kind, status) for kind, _id, _verb, status in acted(result)] == [("groups", "done"), ("vms", "failed")]
    assert "is locked (backup)" in result["errors"][0]
    modules.ok("state", document=changed)


@contextmanager
def meanwhile(work_of_others: Callable[[], None]) -> Iterator[None]:
    """Others do something once, between the plan of the first change and the change."""
    began = Journal.began
    pending = [work_of_others]

    def hooked(journal: Journal, action: Action) -> None:
        began(journal, action)
        while pending:
            pending.pop()()

    with patch.object(Journal, "began", hooked):
        yield


def client_of(modules: Modules) -> Client:
    """A session of somebody else's."""
    return connect(Connection.from_params(modules.lab.options()))


def test_somebody_else_changes_a_guest_between_plan_and_change(modules: Modules) -> None:
    modules.ok("state", document=DOCUMENT)
    other = client_of(modules)
    document = {"vms": [{"vmid": 100, "memory": 1024, "node": "father"}]}
    path = "/nodes/father/qemu/100/config"
    with meanwhile(lambda: other.put(path, {"description": "mine", "cores": 3})):
        result = modules.ok("state", document=document)
    assert acted(result) == [("vms", "100", "modify", "done")]
    config = other.get(path)
    assert (config["memory"], config["cores"], config["description"].strip()) == ("1024", 3, "mine")


def test_somebody_else_makes_the_same_meanwhile(modules: Modules) -> None:
    other = client_of(modules)
    with meanwhile(lambda: other.post("/access/groups", {"groupid": "operators"})):
        result = modules.ok("state", document={"groups": [{"groupid": "operators"}]})
    assert acted(result) == [("groups", "operators", "create", "done")]


def test_two_runs_at_once_end_as_the_document_says(modules: Modules) -> None:
    many = {
        **DOCUMENT,
        "vms": [{"vmid": vmid, "name": f"web-{vmid}", "state": "started", "memory": 512} for vmid in range(100, 106)],
    }
    params = {"document": many, "files": [], "rendered": {}, "secrets": {}, "nodes": {}, "prune": [], "max_parallel": 4}
    free = {"allow_delete": False, "allow_restart": False, "max_delete_percent": 20}
    failures: list[HomelabPveError] = []

    def applied() -> None:
        client = client_of(modules)
        try:
            work.converge(client, {**params, **free}, False)
        except HomelabPveError as error:
            failures.append(error)
        finally:
            client.close()

    modules.lab.clear_requests()
    runs = [Thread(target=applied) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert failures == []
    made = [request.path for request in modules.lab.requests(method="POST", path="/nodes/father/qemu", status=200)]
    assert len(made) == len(many["vms"])
    modules.unchanged("state", document=many)


def test_a_journal_that_cannot_be_kept(modules: Modules) -> None:
    result = modules.run("state", document=DOCUMENT, journal="/dev/full")
    assert modules.lab.writes() == []
    assert {row["status"] for row in result["actions"]} == {"skipped"}
    why = (
        "Cannot write /dev/full on this machine: No space left on device. Make room, or name another file, and run "
        "again: what is done already is left as it is."
    )
    assert result["errors"][0] == f"groups operators: Not begun, because the journal can't be kept: {why}"


def test_a_run_that_is_asked_to_stop(modules: Modules, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    Path(f"{journal}.stop").write_text("the audit log is full\n")
    result = modules.run("state", document=DOCUMENT, journal=str(journal))
    assert modules.lab.writes() == []
    assert "the audit log is full" in result["errors"][0]


CHILD = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.homelab.pve.plugins.modules import state
with patch_module_args(json.load(sys.stdin)):
    state.main()
"""


def test_a_run_that_is_killed(modules: Modules, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    options = {**modules.lab.options(), "document": DOCUMENT, "journal": str(journal), "run": "killed"}
    with modules.lab.fault("hang", method="POST", path="/nodes/father/qemu"):
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, text=True, env=environment())
        assert child.stdin
        child.stdin.write(json.dumps(options))
        child.stdin.close()
        begun = any(_begun(journal, "vms") for _ in looks(60))
        child.kill()
        child.wait()
    assert begun
    assert [line["event"] for line in journal_of(journal) if line["kind"] == "vms"] == ["began"]
    modules.ok("state", document=DOCUMENT, journal=str(journal), run="second")
    assert consistent(journal_of(journal))
    modules.unchanged("state", document=DOCUMENT)


def environment() -> dict[str, str]:
    """Of a Python that finds the collection."""
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}


def _begun(journal: Path, kind: str) -> bool:
    return any(line["kind"] == kind and line["event"] == "began" for line in journal_of(journal))


def test_a_bridge_of_which_a_part_fails_is_not_put_in_force(modules: Modules) -> None:
    """Half a network could cut the node off. What needs it is skipped, the rest goes on."""
    document = {
        "node": "father",
        "network": [
            {"iface": "vmbr7", "type": "bridge", "cidr": "10.77.0.1/24"},
            {"iface": "vmbr8", "type": "bridge"},
        ],
        "vms": [{"vmid": 100, "name": "web", "net": {"net0": {"model": "virtio", "bridge": "vmbr7"}}}],
        "groups": [{"groupid": "operators"}],
    }
    planned = modules.ok("state", document=document, check=True)
    assert ("network", "apply father", "modify", "planned") in acted(planned)
    with modules.lab.fault("fail", method="POST", path="/nodes/father/network", status=500, after=1, times=1):
        result = modules.run("state", document=document)
    ends = {(row["kind"], row["id"]): row["status"] for row in result["actions"]}
    assert ends == {
        ("groups", "operators"): "done",
        ("network", "father/vmbr7"): "done",
        ("network", "father/vmbr8"): "failed",
        ("network", "apply father"): "skipped",
        ("vms", "100"): "skipped",
    }
    assert "Not begun, because network father/vmbr7 is not in force." in result["errors"][-1]
    again = modules.ok("state", document=document)
    assert [row[:2] for row in acted(again)] == [
        ("network", "father/vmbr8"),
        ("network", "apply father"),
        ("vms", "100"),
    ]
    modules.unchanged("state", document=document)


def test_what_an_interrupted_run_left_pending_is_put_in_force(modules: Modules) -> None:
    document = {"node": "father", "network": [{"iface": "vmbr7", "type": "bridge", "cidr": "10.77.0.1/24"}]}
    modules.ok("network_interface", node="father", iface="vmbr7", type="bridge", cidr="10.77.0.1/24")
    result = modules.converge("state", document=document)
    assert acted(result) == [("network", "apply father", "modify", "done")]
