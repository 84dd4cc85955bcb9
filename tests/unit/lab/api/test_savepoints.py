# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coming back to what a lab was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lab.api.filetree import TreeCopy, entries
from lab.api.savepoints import MACHINERY, frozen, is_running
from lab.api.serving import ServedLab
from lab.errors import LabError

from .conftest import Client, client_of

QEMU = "/nodes/father/qemu"
# What is measured or counted anew each time.
MOVING = (
    "uptime",
    "cpu",
    "mem",
    "disk",
    "diskread",
    "diskwrite",
    "netin",
    "netout",
    "time",
    "pid",
    "memhost",
    "freemem",
)


def everything(client: Client) -> dict[str, Any]:
    """What the lab tells of itself."""
    paths = ("/cluster/resources", "/cluster/tasks", "/pools", "/storage", "/access/users", "/cluster/options")
    guests = [f"{QEMU}/{guest['vmid']}/{part}" for guest in client.get(QEMU) for part in ("config", "pending")]
    content = [f"/nodes/father/storage/{name}/content" for name in ("local", "local-lvm")]

    def still(answer: Any) -> Any:
        if isinstance(answer, list):
            return sorted((still(item) for item in answer), key=json.dumps)
        return (
            {key: value for key, value in answer.items() if key not in MOVING} if isinstance(answer, dict) else answer
        )

    return {path: still(client.get(path)) for path in (*paths, *guests, *content)}


def files(client: Client) -> dict[str, Any]:
    api = client.lab.api
    return {str(folder): entries(folder) for folder in (api.volumes_dir, api.files_root)}


def test_a_lab_comes_back(client: Client) -> None:
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    client.run("POST", f"{QEMU}/100/status/start")
    client.post("/pools", poolid="kept")
    then, files_then, point = everything(client), files(client), client.lab.snapshot()
    asked = len(client.lab.requests())
    for _ in range(2):
        client.run("DELETE", f"{QEMU}/9000")
        client.run("POST", f"{QEMU}/100/snapshot", snapname="one")
        client.run("POST", QEMU, vmid=101, scsi0="local-lvm:1")
        client.run("POST", f"{QEMU}/100/status/stop")
        client.put(f"{QEMU}/100/config", cores=4)
        client.delete("/pools/kept")
        client.post("/access/users", userid="joe@pve")
        (client.lab.api.files_root / "var/lib/vz/template/iso").mkdir(parents=True)
        (client.lab.api.files_root / "var/lib/vz/template/iso/x.iso").touch()
        client.lab.faults.add("fail", path="/version", status=500)
        client.lab.clock.forward(3600)
        client.lab.restore(point)
        assert len(client.lab.requests()) == asked
        assert everything(client) == then
        assert files(client) == files_then
        assert (client.lab.clock.shift, client.lab.faults.in_force()) == (0, [])
        client.lab.restore(point)
    assert client.post(f"{QEMU}/100/agent/ping") == {"result": {}}


def test_tasks_are_cut_short(client: Client) -> None:
    client.run("POST", QEMU, vmid=300)
    point = client.lab.snapshot()
    client.lab.faults.add("task", type="qmstart", stuck=True)
    upid = client.post(f"{QEMU}/300/status/start")
    client.lab.restore(point)
    assert client.ask("GET", f"/nodes/father/tasks/{upid}/status").status_code == 400
    assert client.run("POST", f"{QEMU}/300/status/start") == "OK"


def test_nodes_come_back(lab_cluster_api: ServedLab) -> None:
    client = client_of(lab_cluster_api)
    point = lab_cluster_api.snapshot()
    lab_cluster_api.faults.add("node", node="son", state="off")
    lab_cluster_api.restore(point)
    assert client_of(lab_cluster_api.at("son")).ask("GET", "/version").status_code == 200
    assert client.get("/pools") == []


def test_a_snapshot_is_refused(client: Client) -> None:
    with pytest.raises(LabError, match="there is no snapshot 1; there are none"):
        client.lab.restore(1)
    client.lab.faults.add("drop", path="/nope")
    with pytest.raises(LabError, match="faults are in force, and they are no part of a snapshot; end them first"):
        client.lab.snapshot()
    client.lab.faults.clear()
    point = client.lab.snapshot()
    client.lab.control("DELETE", f"/snapshots/{point}")
    with pytest.raises(LabError, match=f"there is no snapshot {point}; there are none"):
        client.lab.restore(point)


def test_what_belongs_to_the_event_loop_is_no_state() -> None:
    shared = ["one object"]

    def local() -> None:
        """A function that cannot be found by its name."""

    state = frozen({"a": shared, "b": shared, "event": {1: asyncio.Event()}, "local": local}).thawed()
    assert state == {"a": shared, "b": shared, "event": {1: None}, "local": local}
    assert state["a"] is state["b"] is not shared
    assert is_running(asyncio.Event())


def test_the_machinery_is_named_as_it_is(lab_api: ServedLab) -> None:
    """Names that no lab has any more would hide that something new is missing."""
    optional = {"_saved", "_table", "runner", "certificate", "fingerprint", "fingerprints", "site"}
    assert sorted(MACHINERY - optional - set(vars(lab_api.api))) == []


def test_only_what_differs_is_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for name, text in {"same": "1", "sub/changed": "2", "sub/gone": "3"}.items():
        (folder / name).write_text(text)
    (folder / "link").symlink_to("same")
    copy = TreeCopy.take(folder, tmp_path / "kept")
    before, same = entries(folder), (folder / "same").stat().st_ino
    (folder / "sub/changed").write_text("other")
    (folder / "sub/gone").unlink()
    (folder / "new").mkdir()
    (folder / "new/file").touch()
    (folder / "link").unlink()
    (folder / "link").mkdir()
    copy.put_back()
    assert entries(folder) == before
    assert (folder / "same").stat().st_ino == same
    assert (folder / "sub/changed").read_text() == "2"
