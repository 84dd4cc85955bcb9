# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of nodes: what is answered at which door about which node, after how long, and that it heals."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from lab.api.faults_kinds import NODES
from lab.api.nodes import STATES, UnknownNodeError
from lab.api.proxy import NO_ACCESS_LIST, OWN, Trouble, is_passed_on, powered_off
from lab.api.quorum import FACES, TASKS, NoLock, face_of
from lab.api.serving import ServedLab

APIDOC = Path(__file__).resolve().parents[4].parent / "shared" / "pve-api" / "pve-9.1.json.gz"
WAIT = 20.0
FAST = 20_000.0
Asked = tuple[str, str, dict[str, str]]

GET_STATUS: Asked = ("GET", "/nodes/{node}/status", {})
GET_PROTECTED: Asked = ("GET", "/nodes/{node}/syslog", {})
LIST: Asked = ("GET", "/cluster/resources", {})
WRITE_GUEST: Asked = ("POST", "/nodes/{node}/qemu", {"vmid": "100"})
WRITE_POOL: Asked = ("POST", "/pools", {"poolid": "made"})

NO_LOCK = "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"
NOT_READY = "cluster not ready - no quorum?"
TIMED_OUT = "Connection timed out"


@dataclass(frozen=True)
class Outcome:
    """What one request gives. ``seconds``: what it takes on the lab's clock, at least."""

    status: int
    reason: str
    seconds: float = 0.0


OK = Outcome(200, "OK")
REFUSED = Outcome(595, "Connection refused")
UNREACHABLE = Outcome(595, TIMED_OUT, 30)
NO_ROUTE = Outcome(595, "No route to host", 3)
NO_ANSWER = Outcome(596, TIMED_OUT, 30)
NO_FILES = Outcome(500, NO_ACCESS_LIST, 3)
LOCKED = Outcome(500, NO_LOCK, 10)
UNREADY = Outcome(500, NOT_READY)
NOBODY = Outcome(0, "")

# The state that son is in, the door, the node asked about, the request -> the outcome (../golden quorum, ha-3node).
TABLE: tuple[tuple[str, str, str, Asked, Outcome], ...] = (
    *((state, "father", "mother", GET_STATUS, OK) for state in STATES),
    *((state, "father", "father", WRITE_GUEST, OK) for state in STATES),
    *((state, "father", "father", WRITE_POOL, OK) for state in STATES),
    *((state, "father", "father", LIST, OK) for state in STATES),
    ("off", "father", "son", GET_STATUS, NO_ROUTE),
    ("off", "father", "son", WRITE_GUEST, NO_ROUTE),
    ("off", "son", "son", LIST, NOBODY),
    ("cut-off", "father", "son", GET_STATUS, UNREACHABLE),
    ("cut-off", "mother", "son", WRITE_GUEST, UNREACHABLE),
    ("cut-off", "son", "father", GET_STATUS, UNREACHABLE),
    ("cut-off", "son", "son", GET_STATUS, OK),
    ("cut-off", "son", "son", LIST, OK),
    ("cut-off", "son", "son", WRITE_GUEST, UNREADY),
    ("cut-off", "son", "son", WRITE_POOL, LOCKED),
    ("hung", "father", "son", GET_STATUS, NO_ANSWER),
    ("hung", "father", "son", WRITE_GUEST, NO_ANSWER),
    ("refusing", "father", "son", GET_STATUS, REFUSED),
    ("refusing", "mother", "son", WRITE_GUEST, REFUSED),
    ("refusing", "son", "son", LIST, NOBODY),
    ("no-pmxcfs", "father", "son", GET_STATUS, NO_FILES),
    ("no-pmxcfs", "son", "son", LIST, NO_FILES),
    ("no-pmxcfs", "son", "father", GET_STATUS, NO_FILES),
    ("no-pmxcfs", "son", "son", WRITE_POOL, NO_FILES),
    ("no-corosync", "father", "son", GET_STATUS, OK),
    ("no-corosync", "father", "son", WRITE_GUEST, UNREADY),
    ("no-corosync", "son", "father", WRITE_GUEST, OK),
    ("no-corosync", "son", "son", WRITE_POOL, LOCKED),
    ("no-pvedaemon", "father", "son", GET_STATUS, OK),
    ("no-pvedaemon", "father", "son", GET_PROTECTED, REFUSED),
    ("no-pvedaemon", "son", "son", WRITE_GUEST, REFUSED),
    ("no-pvedaemon", "son", "son", WRITE_POOL, REFUSED),
    ("no-pvedaemon", "son", "son", LIST, OK),
    ("pvedaemon-hung", "father", "son", GET_STATUS, OK),
    ("pvedaemon-hung", "father", "son", GET_PROTECTED, NO_ANSWER),
    ("pvedaemon-hung", "son", "son", WRITE_POOL, NO_ANSWER),
)


@pytest.fixture
def lab(lab_cluster_api: ServedLab) -> ServedLab:
    """A cluster of father, mother and son, whose clock goes fast."""
    lab_cluster_api.api.clock.set(rate=FAST)
    return lab_cluster_api


def put(lab: ServedLab, node: str, state: str) -> None:
    """Make a node be so, and wait for what follows."""

    async def change() -> None:
        lab.api.set_node_state(node, state)
        await lab.api.node_states_settled()

    lab.call(change())


def ask(lab: ServedLab, door: str, asked: Asked, node: str = "", form: str = "json") -> requests.Response:
    """Ask at a door, about a node."""
    method, path, values = asked
    at = lab.at(door)
    return requests.request(
        method,
        f"{at.url}/api2/{form}{path.format(node=node)}",
        params=values if method == "GET" else None,
        data=None if method == "GET" else values,
        headers={"Authorization": f"PVEAPIToken={lab.token_id}={lab.token_secret}"},
        verify=str(lab.ca_path),
        timeout=WAIT,
    )


def outcome(lab: ServedLab, door: str, asked: Asked, node: str) -> Outcome:
    """What a request gives; 0 for a door that nobody answers at."""
    begun = lab.api.clock.monotonic()
    try:
        answer = ask(lab, door, asked, node)
    except requests.ConnectionError:
        return NOBODY
    return Outcome(answer.status_code, answer.reason, lab.api.clock.monotonic() - begun)


def until(look: Callable[[], bool]) -> None:
    """Look again until it is so."""
    deadline = time.monotonic() + WAIT
    while not look():
        assert time.monotonic() < deadline, "it never became so"


@contextmanager
def frozen(lab: ServedLab) -> Iterator[None]:
    """Within the block no time goes by in the lab."""
    lab.api.clock.set(rate=0)
    yield
    lab.api.clock.set(rate=FAST)


def numbered(asked: Asked, number: int) -> Asked:
    """A request that makes something else than the others."""
    method, path, values = asked
    own = {"vmid": str(100 + number), "poolid": f"made{number}"}
    return method, path, {name: own.get(name, value) for name, value in values.items()}


@pytest.mark.parametrize("state", STATES)
def test_a_state(lab: ServedLab, state: str) -> None:
    put(lab, "son", state)
    # It has been so for a while: a node without power is given up sooner then.
    lab.api.clock.set(shift=100)
    for number, (_, door, node, asked, wanted) in enumerate(row for row in TABLE if row[0] == state):
        lab.clear_requests()
        found = outcome(lab, door, numbered(asked, number), node)
        assert (found.status, found.reason) == (wanted.status, wanted.reason), f"{door} {node} {asked}"
        assert found.seconds >= wanted.seconds
        assert bool(lab.writes()) == (wanted == OK and asked[0] != "GET")
    put(lab, "son", "on")
    for door, node in itertools.product(lab.api.nodes, lab.api.nodes):
        assert outcome(lab, door, GET_STATUS, node).status == 200
    until(lambda: made(lab) == {"0"} | {str(number) for number in wanted_numbers(state)})


def wanted_numbers(state: str) -> Iterator[int]:
    """The rows of a state whose write was carried out: at once, or by a daemon that went on."""
    rows = [row for row in TABLE if row[0] == state]
    return (number for number, row in enumerate(rows) if row[3][0] == "POST" and row[4].status in (200, 596))


def made(lab: ServedLab) -> set[str]:
    """The numbers of what was made."""
    pools = {name.removeprefix("made") for name in lab.api.pools}
    return {"0"} | pools | {str(int(guest.vmid) - 100) for guest in lab.api.vms if guest.vmid < 200}


def test_what_a_proxy_says_has_no_body(lab: ServedLab) -> None:
    put(lab, "son", "refusing")
    for form in ("json", "extjs"):
        answer = ask(lab, "father", GET_STATUS, "son", form)
        assert (answer.status_code, answer.content, "Content-Type" in answer.headers) == (595, b"", False)


def test_a_door_that_hangs_answers_when_the_node_goes_on(lab: ServedLab) -> None:
    put(lab, "son", "hung")
    with pytest.raises(requests.Timeout):
        requests.get(lab.at("son").url, verify=str(lab.ca_path), timeout=0.2)
    put(lab, "son", "on")
    assert ask(lab, "son", LIST).status_code == 200


def test_what_was_not_answered_is_still_done(lab: ServedLab) -> None:
    put(lab, "son", "pvedaemon-hung")
    assert outcome(lab, "father", WRITE_GUEST, "son").status == 596
    assert lab.api.vm(100) is None
    put(lab, "son", "on")
    until(lambda: lab.api.vm(100) is not None)


def test_what_was_not_answered_dies_with_the_node(lab: ServedLab) -> None:
    put(lab, "son", "hung")
    assert outcome(lab, "father", WRITE_GUEST, "son").status == 596
    put(lab, "son", "off")
    put(lab, "son", "on")
    assert ask(lab, "son", LIST).status_code == 200
    assert lab.api.vm(100) is None


def test_a_node_that_comes_back_in_time_answers(lab: ServedLab) -> None:
    put(lab, "son", "cut-off")
    with frozen(lab):
        asking = asyncio.run_coroutine_threadsafe(
            asyncio.to_thread(ask, lab, "father", GET_STATUS, "son"), lab.served.loop
        )
        until(lambda: lab.api.clock.sleepers > 0)
        put(lab, "son", "on")
        assert asking.result(WAIT).status_code == 200


@pytest.mark.parametrize(
    ("age", "trouble"),
    [
        (0, Trouble(595, TIMED_OUT, 30)),
        (30, Trouble(595, "No route to host", 14)),
        (60, Trouble(595, "No route to host", 3)),
    ],
)
def test_a_node_without_power_is_given_up_ever_sooner(age: float, trouble: Trouble) -> None:
    assert powered_off(age) == trouble


def test_the_second_request_without_files_is_refused_sooner(lab: ServedLab) -> None:
    put(lab, "son", "no-pmxcfs")
    first, second = (outcome(lab, "father", GET_STATUS, "son").seconds for _ in range(2))
    lab.api.clock.set(rate=100)
    third = outcome(lab, "son", LIST, "son").seconds
    assert first >= 10
    assert second >= 3
    assert 3 <= third < 10


def test_an_unknown_node_is_looked_up_in_vain(lab: ServedLab) -> None:
    found = outcome(lab, "father", GET_STATUS, "ghost")
    assert found.reason.startswith("hostname lookup 'ghost' failed - failed to get address info for: ghost: ")
    assert (found.status, found.seconds >= 10) == (500, True)


def test_a_request_without_login_is_not_passed_on(lab: ServedLab) -> None:
    put(lab, "son", "off")
    answer = requests.get(f"{lab.url}/api2/json/nodes/son/status", verify=str(lab.ca_path), timeout=WAIT)
    assert (answer.status_code, answer.reason) == (401, "No ticket")


def status_of(lab: ServedLab, door: str) -> tuple[int, dict[str, int]]:
    quorum, *nodes = ask(lab, door, ("GET", "/cluster/status", {})).json()["data"]
    return quorum["quorate"], {row["name"]: row["online"] for row in nodes}


def test_each_side_of_a_cut_sees_itself(lab: ServedLab) -> None:
    put(lab, "son", "cut-off")
    assert status_of(lab, "father") == (1, {"father": 1, "mother": 1, "son": 0})
    assert status_of(lab, "son") == (0, {"father": 0, "mother": 0, "son": 1})
    rows = ask(lab, "son", ("GET", "/nodes", {})).json()["data"]
    assert {row["node"]: row["status"] for row in rows} == {"father": "offline", "mother": "offline", "son": "online"}
    assert {row["node"]: "uptime" in row for row in rows} == {"father": False, "mother": False, "son": True}
    assert all({"maxcpu", "maxmem", "maxdisk"} <= set(row) for row in rows)


def test_two_nodes_cut_off_leave_nobody_with_quorum(lab: ServedLab) -> None:
    for node in ("mother", "son"):
        put(lab, node, "cut-off")
    assert status_of(lab, "father")[0] == 0
    assert lab.api.quorate_nodes() == []
    assert outcome(lab, "father", WRITE_POOL, "father").reason == NO_LOCK


def test_expected_votes_let_one_node_write(lab: ServedLab) -> None:
    for node in ("mother", "son"):
        put(lab, node, "no-corosync")
    lab.api.expect_votes(1)
    assert outcome(lab, "father", WRITE_POOL, "father").status == 200
    assert status_of(lab, "father")[0] == 0
    put(lab, "mother", "on")
    put(lab, "son", "on")
    assert (status_of(lab, "father")[0], lab.api.expected_votes) == (1, None)


def test_the_last_known_status_of_a_dead_node_is_told_for_a_while(lab: ServedLab) -> None:
    assert ask(lab, "father", WRITE_GUEST, "son").status_code == 200
    assert ask(lab, "father", ("POST", "/nodes/{node}/qemu/100/status/start", {}), "son").status_code == 200
    until(lambda: lab.api.vm(100).status == "running")
    with frozen(lab):
        put(lab, "son", "off")
        assert lab.api.vm(100).status == "stopped"
        assert (seen(lab, "qemu/100"), seen(lab, "storage/son/local")) == ("running", "available")
        lab.api.clock.set(shift=301)
        assert (seen(lab, "qemu/100"), seen(lab, "storage/son/local")) == ("unknown", "unknown")


def seen(lab: ServedLab, name: str) -> str:
    """The status of something in father's resources."""
    rows = ask(lab, "father", LIST).json()["data"]
    return str(next(row["status"] for row in rows if row["id"] == name))


@pytest.mark.parametrize(
    ("asked", "exit_status"),
    [
        (("POST", "/nodes/{node}/qemu/100/config", {"memory": "64"}), "unable to open file"),
        (("POST", "/nodes/{node}/qemu/100/snapshot", {"snapname": "nq"}), "unable to open file"),
        (("DELETE", "/nodes/{node}/qemu/100", {}), "unable to open file"),
        (("POST", "/nodes/{node}/vzdump", {"vmid": "100", "storage": "local"}), "job errors"),
    ],
    ids=["config", "snapshot", "destroy", "vzdump"],
)
def test_a_task_finds_out_that_it_cannot_write(lab: ServedLab, asked: Asked, exit_status: str) -> None:
    assert ask(lab, "father", WRITE_GUEST, "son").status_code == 200
    until(lambda: lab.api.vm(100) is not None and lab.api.vm(100).lock_holder is None)
    before = dict(lab.api.vm(100).config)
    put(lab, "son", "cut-off")
    upid = ask(lab, "son", asked, "son").json()["data"]
    until(lambda: lab.api.tasks[upid]["status"] == "stopped")
    assert lab.api.tasks[upid]["exitstatus"].startswith(exit_status)
    assert (lab.api.vm(100).config, lab.api.vm(100).snapshots) == (before, {})


def test_a_setting_is_refused_where_its_file_would_be_written(lab: ServedLab) -> None:
    assert ask(lab, "father", WRITE_GUEST, "son").status_code == 200
    put(lab, "son", "cut-off")
    answer = ask(lab, "son", ("PUT", "/nodes/{node}/qemu/100/config", {"memory": "64"}), "son")
    assert answer.reason.startswith("unable to open file '/etc/pve/nodes/son/qemu-server/100.conf.tmp.")
    assert answer.reason.endswith("' - Permission denied")


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "/nodes/{node}/network", {"iface": "vmbr9", "type": "bridge"}),
        ("POST", "/nodes/{node}/storage/local/content", {"vmid": "100", "filename": "vm-100-disk-7.raw", "size": "1M"}),
    ],
    ids=["network", "volume"],
)
def test_what_is_the_nodes_own_is_still_written(lab: ServedLab, asked: Asked) -> None:
    put(lab, "son", "cut-off")
    assert ask(lab, "son", asked, "son").status_code == 200


def test_a_login_needs_no_quorum(lab: ServedLab) -> None:
    put(lab, "son", "cut-off")
    login: Asked = ("POST", "/access/ticket", {"username": "root@pam", "password": lab.password})
    assert ask(lab, "son", login).status_code == 200


def test_a_migration_to_a_node_that_is_gone_takes_long_and_fails(lab: ServedLab) -> None:
    assert ask(lab, "father", WRITE_GUEST, "father").status_code == 200
    until(lambda: lab.api.vm(100) is not None and lab.api.vm(100).lock_holder is None)
    put(lab, "son", "cut-off")
    upid = ask(lab, "father", ("POST", "/nodes/father/qemu/100/migrate", {"target": "son"})).json()["data"]
    until(lambda: lab.api.tasks[upid]["status"] == "stopped")
    record = lab.api.tasks[upid]
    assert record["exitstatus"] == "migration aborted"
    assert record["endtime"] - record["starttime"] >= 133
    assert lab.api.vm(100).node == "father"


@pytest.mark.parametrize(("node", "state"), [("ghost", "on"), ("son", "asleep")])
def test_what_no_node_can_be_is_refused(lab: ServedLab, node: str, state: str) -> None:
    with pytest.raises(UnknownNodeError, match=r"there is no node 'ghost'|a node cannot be 'asleep'"):
        lab.api.set_node_state(node, state)


def test_a_ticket_of_one_node_is_good_at_another_and_expires_on_the_labs_clock(lab: ServedLab) -> None:
    login: Asked = ("POST", "/access/ticket", {"username": "root@pam", "password": lab.password})
    with frozen(lab):
        cookies = {"PVEAuthCookie": ask(lab, "father", login).json()["data"]["ticket"]}
        url = f"{lab.at('mother').url}/api2/json/nodes/son/status"
        assert requests.get(url, cookies=cookies, verify=str(lab.ca_path), timeout=WAIT).status_code == 200
        lab.api.clock.set(shift=2 * 3600 + 1)
        assert requests.get(url, cookies=cookies, verify=str(lab.ca_path), timeout=WAIT).status_code == 401


def test_a_fault_of_a_node_is_healed(lab: ServedLab) -> None:
    """From another thread than the API's, as a test does."""
    lab.api.inject({"kind": "node", "node": "son", "state": "refusing"})
    assert outcome(lab, "son", LIST, "son") == NOBODY
    assert outcome(lab, "father", GET_STATUS, "son").status == 595
    lab.api.heal()
    assert [outcome(lab, door, GET_STATUS, "son").status for door in lab.api.nodes] == [200, 200, 200]


def test_every_state_is_a_fault() -> None:
    assert NODES == STATES


def test_a_token_expires_on_the_labs_clock(lab: ServedLab) -> None:
    with frozen(lab):
        expire = str(int(lab.api.clock.now()) + 60)
        made_token = ask(lab, "father", ("POST", "/access/users/root@pam/token/short", {"expire": expire})).json()[
            "data"
        ]
        header = {"Authorization": f"PVEAPIToken={made_token['full-tokenid']}={made_token['value']}"}
        url = f"{lab.url}/api2/json/version"
        assert requests.get(url, headers=header, verify=str(lab.ca_path), timeout=WAIT).status_code == 200
        lab.api.clock.set(shift=61)
        assert requests.get(url, headers=header, verify=str(lab.ca_path), timeout=WAIT).status_code == 401


# Those in which a request that got no answer is not carried out later either.
PROMPT = ("on", "on", "off", "cut-off", "refusing", "no-pmxcfs", "no-corosync", "no-pvedaemon")


@pytest.mark.parametrize("seed", range(3))
def test_what_was_refused_was_not_written(lab: ServedLab, seed: int) -> None:
    """Random changes of nodes and writes at any door: what is there in the end is what was answered with 200."""
    chance, written = random.Random(seed), set()
    for number in range(30):
        node, door = chance.choice(list(lab.api.nodes)), chance.choice(list(lab.api.nodes))
        put(lab, node, chance.choice(PROMPT))
        if outcome(lab, door, ("POST", "/pools", {"poolid": f"p{number}"}), door).status == 200:
            written.add(f"p{number}")
    for node in lab.api.nodes:
        put(lab, node, "on")
    assert set(lab.api.pools) == written
    for door, node in itertools.product(lab.api.nodes, lab.api.nodes):
        assert outcome(lab, door, GET_STATUS, node).status == 200


# -------------------------------------------------------------------- tables


@pytest.mark.shared
@pytest.mark.skipif(not APIDOC.is_file(), reason="the API's schema of a real Proxmox VE is not here")
def test_what_is_passed_on_is_what_the_api_says() -> None:
    document = json.loads(gzip.decompress(APIDOC.read_bytes()))
    wrong = [
        (method, template)
        for template, methods in document.items()
        for method, info in methods.items()
        if is_passed_on(method, template) != (info.get("proxyto") == "node")
    ]
    # The proxy takes an upload itself, and sends the file on to its node.
    assert wrong == [("POST", "/nodes/{node}/storage/{storage}/upload")]


def test_every_face_is_met() -> None:
    """No row stands behind another that takes everything of it."""
    samples = {
        ("POST", "/nodes/{node}/qemu"): "NotReady",
        ("POST", "/nodes/{node}/lxc/{vmid}/status/start"): "NotReady",
        ("PUT", "/cluster/ha/rules/{rule}"): "NotReady",
        ("PUT", "/access/users/{userid}/token/{tokenid}"): "updating token info failed",
        ("DELETE", "/access/users/{userid}"): "delete user failed",
        ("PUT", "/nodes/{node}/lxc/{vmid}/config"): "NoWrite",
        ("POST", "/nodes/{node}/qemu/{vmid}/firewall/rules"): "firewall-vm-7",
        ("POST", "/nodes/{node}/qemu/{vmid}/status/stop"): "None",
        ("GET", "/pools"): "None",
    }
    for (method, template), wanted in samples.items():
        face = face_of(method, template)
        text = face.text(method, {"vmid": "7"}) if isinstance(face, NoLock) else type(face).__name__
        assert wanted in text.replace("NoneType", "None")
    assert len({(methods, template) for methods, template, _ in FACES}) == len(FACES)
    assert all(".conf" in path for path in TASKS.values())


@pytest.mark.parametrize(
    ("method", "template", "wanted"),
    [
        ("GET", "/nodes/{node}", False),
        ("GET", "/nodes/{node}/status", True),
        ("GET", "/nodes/{node}/rrddata", False),
        ("GET", "/nodes/{node}/qemu/{vmid}/firewall/rules", False),
        ("GET", "/nodes/{node}/firewall/rules", True),
        ("GET", "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}", False),
        ("DELETE", "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}", True),
        ("GET", "/cluster/resources", False),
        ("GET", "/cluster/sdn/dry-run", True),
    ],
)
def test_what_is_passed_on(method: str, template: str, wanted: bool) -> None:
    assert is_passed_on(method, template) is wanted
    assert OWN
