# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three nodes that are alone become a cluster, over their own doors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from lab.api.serving import ServedLab
from lab.api.site_serving import ServedSite, serve_site

# Seconds between two looks at a condition.
LOOK = 0.01
NO_FINGERPRINT = ":".join(["00"] * 32)
REFUSED = "Permission check failed (user != root@pam)"


@dataclass
class Login:
    """Root's ticket of one node, or its token."""

    node: str
    url: str
    session: requests.Session

    def ask(self, method: str, path: str, **values: Any) -> requests.Response:
        """One request."""
        where = "params" if method in ("GET", "DELETE") else "data"
        return self.session.request(method, f"{self.url}/api2/json{path}", timeout=10, **{where: values})  # type: ignore[arg-type]

    def data(self, method: str, path: str, **values: Any) -> Any:
        """``data`` of a good answer."""
        response = self.ask(method, path, **values)
        assert response.status_code == 200, f"{response.status_code} {response.reason} {response.text}"
        return response.json()["data"]

    def ended(self, upid: str) -> tuple[str, list[str]]:
        """Exit status of a task that is over, and its log."""
        task = f"/nodes/{self.node}/tasks/{upid}"
        status: dict[str, Any] = {}
        until(lambda: status.update(self.data("GET", f"{task}/status")) or status["status"] == "stopped")
        return status["exitstatus"], [line["t"] for line in self.data("GET", f"{task}/log")]


def status_of(login: Login) -> int:
    """The status of any request, 0 while the node's daemon ends connections because it restarts."""
    try:
        return login.ask("GET", "/version").status_code
    except requests.ConnectionError:
        return 0


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, at most 10 s."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(LOOK)


def session_of(lab: ServedLab) -> requests.Session:
    """A session without anything of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(lab.ca_path)
    return session


def ticket(lab: ServedLab) -> Login:
    """Root, logged in with its password."""
    login = Login(lab.node, lab.url, session_of(lab))
    data = login.data("POST", "/access/ticket", username="root@pam", password=lab.password)
    login.session.headers["Cookie"] = f"PVEAuthCookie={data['ticket']}"
    login.session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]
    return login


def token(lab: ServedLab) -> Login:
    """Root's token."""
    login = Login(lab.node, lab.url, session_of(lab))
    login.session.headers["Authorization"] = f"PVEAPIToken={lab.token_id}={lab.token_secret}"
    return login


def vms_of(login: Login) -> list[dict[str, Any]]:
    """The guests of a cluster."""
    listed: list[dict[str, Any]] = login.data("GET", "/cluster/resources", type="vm")
    return listed


def hurry(site: ServedSite) -> None:
    """Let the lab's time fly."""
    for api in site.site.apis():
        api.clock.set(rate=500)


@pytest.fixture
def site(lab_nodes_api: ServedSite) -> ServedSite:
    """Three nodes alone, in a hurry."""
    hurry(lab_nodes_api)
    return lab_nodes_api


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """Father's cluster, and two nodes alone, for what is refused and changes nothing."""
    with serve_site(("father", "mother", "son"), tmp_path_factory.mktemp("site")) as served:
        hurry(served)
        found(served)
        yield served


def found(site: ServedSite) -> Login:
    """Father makes a cluster."""
    father = ticket(site.at("father"))
    assert father.ended(father.data("POST", "/cluster/config", clustername="lab"))[0] == "OK"
    until(lambda: len(father.data("GET", "/cluster/status")) == 2)
    return father


def join(site: ServedSite, node: str, **changes: Any) -> tuple[Login, str]:
    """A node asks to join father's cluster."""
    known = token(site.at("father")).data("GET", "/cluster/config/join")["nodelist"]
    print_of_father = next(item["pve_fp"] for item in known if item["name"] == "father")
    asking = ticket(site.at(node))
    values = {"hostname": "10.99.0.2", "fingerprint": print_of_father, "password": site.password} | changes
    return asking, asking.data("POST", "/cluster/config/join", **values)


def joined(site: ServedSite, node: str, **changes: Any) -> str:
    """A node joins; returns its task."""
    before, upid = join(site, node, **changes)
    until(lambda: status_of(before) == 401)
    until(lambda: status_of(token(site.at(node))) == 200)
    until(lambda: token(site.at(node)).data("GET", f"/nodes/{node}/tasks/{upid}/status")["status"] == "stopped")
    return upid


def test_three_nodes_become_a_cluster(site: ServedSite) -> None:
    father = found(site)
    alone = {node: site.site.api_of(node).fingerprint for node in ("mother", "son")}
    upid = joined(site, "mother")
    joined(site, "son", link0="address=10.99.0.4")
    login = token(site.at("mother"))
    assert login.ended(upid)[0] == "OK"
    assert [line for line in login.ended(upid)[1] if "database" not in line] == [
        "Establishing API connection with host '10.99.0.2'",
        "Login succeeded.",
        "check cluster join API version",
        "No cluster network links passed explicitly, fallback to local node IP '10.99.0.3'",
        "Request addition of this node",
        "Join request OK, finishing setup locally",
        "stopping pve-cluster service",
        "waiting for quorum...OK",
        "(re)generate node files",
        "generate new node certificate",
        "merge authorized SSH keys",
        "generated new node certificate, restart pveproxy and pvedaemon services",
        "successfully added node 'mother' to cluster.",
        "TASK OK",
    ]
    quorum, *nodes = login.data("GET", "/cluster/status")
    assert quorum == {"id": "cluster", "type": "cluster", "name": "lab", "nodes": 3, "quorate": 1, "version": 3}
    assert [(node["name"], node["nodeid"], node["ip"], node["local"]) for node in nodes] == [
        ("father", 1, "10.99.0.2", 0),
        ("mother", 2, "10.99.0.3", 1),
        ("son", 3, "10.99.0.4", 0),
    ]
    info = father.data("GET", "/cluster/config/join")
    assert {item["name"]: item["pve_fp"] for item in info["nodelist"]}.keys() == {"father", "mother", "son"}
    assert not {item["pve_fp"] for item in info["nodelist"]} & set(alone.values())
    assert login.data("GET", "/cluster/config/join")["preferred_node"] == "mother"
    assert father.ask("POST", "/nodes/son/qemu", vmid=900).status_code == 200
    assert site.site.api_of("mother") is site.site.api_of("son") is site.site.api_of("father")


def test_what_is_a_nodes_own_comes_along_and_the_rest_is_the_clusters(site: ServedSite) -> None:
    found(site)
    mother = ticket(site.at("mother"))
    mother.data("POST", "/access/users", userid="lost@pve")
    mother.data("POST", "/pools", poolid="lost")
    mother.data("PUT", "/nodes/mother/dns", search="kept.test", dns1="10.99.0.1")
    with site.site.api_of("mother").on_node("mother"):
        iso = site.site.api_of("mother").file_path("local", "iso/kept.iso")
        iso.parent.mkdir(parents=True, exist_ok=True)
        iso.write_bytes(b"x")
    joined(site, "mother")
    login = token(site.at("mother"))
    assert login.data("GET", "/nodes/mother/dns")["search"] == "kept.test"
    content = login.data("GET", "/nodes/mother/storage/local/content")
    assert "local:iso/kept.iso" in {item["volid"] for item in content}
    assert "local:iso/kept.iso" not in {
        item["volid"] for item in login.data("GET", "/nodes/father/storage/local/content")
    }
    assert "lost@pve" not in {user["userid"] for user in login.data("GET", "/access/users")}
    assert login.data("GET", "/pools") == []
    assert {task["type"] for task in login.data("GET", "/nodes/mother/tasks")} == {"clusterjoin"}


def test_until_its_daemons_are_restarted_a_node_knows_nobody(site: ServedSite) -> None:
    found(site)
    for api in site.site.apis():
        api.clock.set(rate=1)
    before, upid = join(site, "mother")
    assert before.data("GET", f"/nodes/mother/tasks/{upid}/status")["status"] == "running"
    stranger = token(site.at("father"))
    until(lambda: status_of(before) == 401)
    stranger.url = before.url
    until(lambda: stranger.ask("GET", "/version").reason == "Authentication failed!")
    hurry(site)
    until(lambda: status_of(stranger) == 200)
    assert before.ask("GET", "/version").status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "log"),
    [
        ({"password": "wrong"}, "401 authentication failure", ["Establishing API connection with host '10.99.0.2'"]),
        (
            {"hostname": "10.99.0.77"},
            "500 Can't connect to 10.99.0.77:8006 (No route to host)",
            ["Establishing API connection with host '10.99.0.77'"],
        ),
        (
            {"fingerprint": NO_FINGERPRINT},
            "fingerprint '{father}' not verified, abort!",
            ["Establishing API connection with host '10.99.0.2'"],
        ),
        (
            {"hostname": "son"},
            "fingerprint '{son}' not verified, abort!",
            ["Establishing API connection with host 'son'"],
        ),
        (
            {"link0": "10.99.0.9"},
            "Check if node may join a cluster failed!",
            [
                "detected the following error(s):",
                "* link0: cannot use IP '10.99.0.9', not found on local node!",
                "",
            ],
        ),
    ],
    ids=["password", "host", "fingerprint", "not-clustered", "link"],
)
def test_a_join_that_fails_in_its_task(
    unchanged: ServedSite, changes: dict[str, Any], status: str, log: list[str]
) -> None:
    prints = {node: unchanged.site.api_of(node).fingerprint for node in unchanged.site.nodes()}
    asking, upid = join(unchanged, "mother", **changes)
    expected = status.format(**prints)
    assert asking.ended(upid) == (expected, [*log, f"TASK ERROR: {expected}"])
    assert len(asking.data("GET", "/cluster/status")) == 1


def test_a_node_with_guests_or_a_cluster_does_not_join(site: ServedSite) -> None:
    found(site)
    mother = ticket(site.at("mother"))
    mother.ended(mother.data("POST", "/nodes/mother/qemu", vmid=300))
    failed = "Check if node may join a cluster failed!"
    asking, upid = join(site, "mother")
    assert asking.ended(upid) == (
        failed,
        ["detected the following error(s):", "* this host already contains virtual guests", f"TASK ERROR: {failed}"],
    )
    joined(site, "son")
    asking, upid = join(site, "son")
    assert asking.ended(upid) == (
        failed,
        [
            "detected the following error(s):",
            "* authentication key '/etc/corosync/authkey' already exists",
            "* cluster config '/etc/pve/corosync.conf' already exists",
            "* corosync is already running, is this node already in a cluster?!",
            f"TASK ERROR: {failed}",
        ],
    )


def test_who_joins_a_node_that_is_alone_is_told_so(unchanged: ServedSite) -> None:
    son = unchanged.site.api_of("son").fingerprint
    asking = ticket(unchanged.at("mother"))
    values = {"hostname": "son", "fingerprint": son, "password": unchanged.password}
    assert asking.ended(asking.data("POST", "/cluster/config/join", **values)) == (
        "Cluster join aborted!",
        [
            "Establishing API connection with host 'son'",
            "Login succeeded.",
            "check cluster join API version",
            "No cluster network links passed explicitly, fallback to local node IP '10.99.0.3'",
            "Request addition of this node",
            "An error occurred on the cluster node: invalid corosync.conf",
            "! no nodes found",
            "TASK ERROR: Cluster join aborted!",
        ],
    )


def test_a_node_alone_has_nothing_to_tell(unchanged: ServedSite) -> None:
    mother = ticket(unchanged.at("mother"))
    answer = mother.ask("GET", "/cluster/config/join")
    assert (answer.status_code, answer.reason) == (424, "node is not in a cluster, no join info available!")
    assert mother.data("GET", "/cluster/config/nodes") == []
    assert mother.data("GET", "/cluster/config/totem") is None
    assert mother.data("GET", "/cluster/config/qdevice") == {}
    assert mother.data("GET", "/cluster/config/apiversion") == "1"
    answer = mother.ask("POST", "/cluster/config/nodes/mother")
    assert (answer.status_code, answer.json()["errors"]) == (500, {"error0": "no nodes found"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/cluster/config"),
        ("POST", "/cluster/config/join"),
        ("POST", "/cluster/config/nodes/ghost"),
        ("DELETE", "/cluster/config/nodes/son"),
    ],
)
def test_a_token_may_change_no_cluster(unchanged: ServedSite, method: str, path: str) -> None:
    values = {"/cluster/config": {"clustername": "lab"}, "/cluster/config/join": {"hostname": "h", "password": "p"}}
    more = {"fingerprint": NO_FINGERPRINT} if path.endswith("join") else {}
    answer = token(unchanged.at("father")).ask(method, path, **values.get(path, {}), **more)
    assert (answer.status_code, answer.reason) == (403, REFUSED)


def test_a_cluster_is_told_of_a_moment_after_it_was_made(lab_nodes_api: ServedSite) -> None:
    father = ticket(lab_nodes_api.at("father"))
    assert father.ended(father.data("POST", "/cluster/config", clustername="lab"))[0] == "OK"
    assert [entry["nodeid"] for entry in father.data("GET", "/cluster/status")] == [0]
    assert [node["nodeid"] for node in father.data("GET", "/cluster/config/nodes")] == ["1"]
    hurry(lab_nodes_api)
    until(lambda: len(father.data("GET", "/cluster/status")) == 2)
    answer = father.ask("POST", "/cluster/config", clustername="other")
    assert (answer.status_code, answer.reason) == (500, "cluster config '/etc/pve/corosync.conf' already exists")


@pytest.mark.parametrize(
    ("method", "node", "values", "refused"),
    [
        (
            "POST",
            "ghost",
            {},
            "no links and no fallback ip (new_node_ip) given, cannot join cluster",
        ),
        (
            "POST",
            "ghost",
            {"link0": "10.99.0.2"},
            "corosync: address '10.99.0.2' already used on link ring0_addr by node 'father'",
        ),
        ("DELETE", "ghost", {}, "Node/IP: ghost is not a known host of the cluster."),
        ("DELETE", "father", {}, "Cannot delete myself from cluster!"),
    ],
    ids=["no-link", "address", "unknown", "self"],
)
def test_what_a_cluster_refuses(
    unchanged: ServedSite, method: str, node: str, values: dict[str, str], refused: str
) -> None:
    answer = ticket(unchanged.at("father")).ask(method, f"/cluster/config/nodes/{node}", **values)
    assert (answer.status_code, answer.reason) == (500, refused)


def test_a_node_leaves(site: ServedSite) -> None:
    father = found(site)
    joined(site, "mother")
    token(site.at("mother")).data("POST", "/nodes/mother/qemu", vmid=300)
    until(lambda: {item["vmid"]: item["status"] for item in vms_of(father)}.get(300) == "stopped")
    father.data("DELETE", "/cluster/config/nodes/mother")
    assert [(item["node"], item["status"]) for item in vms_of(father) if item["vmid"] == 300] == [("mother", "unknown")]
    assert [node["node"] for node in father.data("GET", "/nodes")] == ["father"]
    assert father.data("GET", "/cluster/config/totem")["config_version"] == "3"


def test_a_cluster_is_kept(site: ServedSite) -> None:
    found(site)
    joined(site, "mother")
    api = site.site.api_of("father")
    document = api.document()
    api.corosync_conf = None
    site.at("father").call(_restored(api, document))
    assert [node["node"] for node in token(site.at("mother")).data("GET", "/cluster/config/nodes")] == [
        "father",
        "mother",
    ]


async def _restored(api: Any, document: dict[str, Any]) -> None:
    api.restore(document)
