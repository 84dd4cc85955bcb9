"""Module backup_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.tasks import wait_for_task

from .conftest import Modules


@pytest.fixture
def backed_up(modules: Modules) -> Modules:
    """A container with two backups, of which the first is protected."""
    modules.container(200)
    client = connect(Connection.from_params(modules.lab.options()))
    common = {"vmid": 200, "storage": "local", "mode": "stop", "notes-template": "{{guestname}}"}
    try:
        for protected in (1, 0):
            params = {**common, "protected": protected}
            wait_for_task(client, client.post(f"/nodes/{modules.lab.node}/vzdump", params), 60)
    finally:
        client.close()
    return modules


def test_what_is_told(backed_up: Modules) -> None:
    newer, older = backed_up.unchanged("backup_info", vmid=200, config=True)["backups"]
    assert older["volid"].startswith("local:backup/vzdump-lxc-200-")
    assert (older["storage"], older["vmid"], older["type"], older["notes"]) == ("local", 200, "lxc", "ct")
    assert (newer["protected"], older["protected"], newer["encrypted"]) == (False, True, False)
    assert newer["ctime"] > older["ctime"]
    assert older["config"]["hostname"] == "ct"
    assert backed_up.unchanged("backup_info")["backups"][0].keys() == newer.keys() - {"config"}


@pytest.mark.parametrize("criteria", [{"vmid": 201}, {"storage": "local-lvm"}, {"node": "nope"}], ids=str)
def test_criteria(backed_up: Modules, criteria: dict[str, Any]) -> None:
    assert backed_up.ok("backup_info", **criteria)["backups"] == []


def test_least_privileges(backed_up: Modules) -> None:
    both = {"/storage/local": ["Datastore.AllocateSpace"], "/vms/200": ["VM.Backup"]}
    for enough in (both, {"/storage/local": ["Datastore.Audit", "Datastore.Allocate"]}):
        assert len(backed_up.limited(enough).ok("backup_info")["backups"]) == 2
    assert len(backed_up.limited(both).ok("backup_info", config=True)["backups"]) == 2
    for path in both:
        assert backed_up.limited({path: both[path]}).ok("backup_info")["backups"] == []
