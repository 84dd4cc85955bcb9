# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab with thousands of guests: the same ones each time, found without looking through all, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from lab.api.fake import FakeVm
from lab.api.guestlist import GuestList
from lab.api.population import members
from lab.api.serving import ServedLab

from .conftest import Client

MEGABYTES = 300
# What a process that serves nothing else has resident, after it answered for all of its guests.
MEASURE = """
import asyncio
from lab.api.fake import Call, response
from lab.api.population import populate
from lab.api.server import LabApi

async def main():
    api = LabApi()
    await populate(api, 10_000, 16)
    items = await api._list_resources(Call({}, "root@pam"))
    assert len(response(items).body) > 1_000_000
    status = open("/proc/self/status").read()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))

asyncio.run(main())
"""


def test_a_population_follows_from_its_seed() -> None:
    nodes = ["father", "mother", "son"]
    assert members(nodes, 50, 1) == members(nodes, 50, 1) != members(nodes, 50, 2)
    assert {member.node for member in members(nodes, 50, 1)} == set(nodes)


def test_a_populated_lab_is_a_lab(lab_api: ServedLab, client: Client) -> None:
    found = lab_api.populate(guests=60, nodes=4, seed=3)
    listed = client.get("/cluster/resources", type="vm")
    assert Counter(item["node"] for item in listed if item["vmid"] >= 10_000) == Counter(item.node for item in found)
    assert len(client.get("/nodes")) == 4
    wanted = (lab_api.node, True, False)
    vm = next(member for member in found if (member.node, member.running, member.container) == wanted)
    path = f"/nodes/{vm.node}/qemu/{vm.vmid}"
    assert client.get(path + "/status/current")["status"] == "running"
    assert client.run("POST", path + "/status/stop") == "OK"
    assert client.run("DELETE", path) == "OK"
    assert vm.vmid not in {item["vmid"] for item in client.get("/cluster/resources", type="vm")}


def test_a_token_costs_two_evaluations_a_guest(
    lab_api: ServedLab, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lab_api.populate(guests=200, nodes=4)
    client.post("/access/users", userid="eve@pve")
    client.put("/access/acl", path="/", users="eve@pve", roles="PVEAuditor")
    token = client.post("/access/users/eve@pve/token/tt", privsep=0)
    asked: list[str] = []
    privileges = lab_api.api.directory.privileges

    def counted(user: str, path: str, pools: Any = ()) -> dict[str, int]:
        asked.append(path)
        return privileges(user, path, pools)

    monkeypatch.setattr(lab_api.api.directory, "privileges", counted)
    client.session.headers["Authorization"] = f"PVEAPIToken={token['full-tokenid']}={token['value']}"
    listed = client.get("/cluster/resources")
    assert {item["vmid"] for item in listed if "vmid" in item} >= {member.vmid for member in found}
    guests = Counter(path for path in asked if path.startswith("/vms/"))
    # The token's own, and its user's.
    assert max(guests.values()) == 2
    assert len(asked) < 2 * len(listed)


def test_ten_thousand_guests_fit_into_memory() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) / 1024 < MEGABYTES


CHANGES = {
    "append": lambda guests: guests.append(FakeVm(9, "new")),
    "remove": lambda guests: guests.remove(guests[0]),
    "delete": lambda guests: guests.__delitem__(0),
    "extend": lambda guests: guests.extend([FakeVm(9, "new")]),
    "add in place": lambda guests: guests.__iadd__([FakeVm(9, "new")]),
    "slice": lambda guests: guests.__setitem__(slice(None), [FakeVm(9, "new")]),
    "clear": lambda guests: guests.clear(),
    "pop": lambda guests: guests.pop(),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_the_index_follows_the_list(change: str) -> None:
    guests = GuestList([FakeVm(1, "a"), FakeVm(2, "b")])
    assert guests.find(2).name == "b"
    CHANGES[change](guests)
    for vmid in (1, 2, 9):
        assert guests.find(vmid) is next((guest for guest in guests if guest.vmid == vmid), None)
