"""One document for a cluster: three nodes that are alone become one, each told the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from lab.api.site_serving import ServedSite, serve_site

from .conftest import Modules, Result

NODES = ("pve1", "pve2", "pve3")
ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "fixtures" / "seed-fleet.json"
Asked = Callable[[str], Modules]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[ServedSite]:
    """The seed's nodes, each alone, at its addresses."""
    with serve_site(NODES, tmp_path) as served:
        for number, name in enumerate(NODES):
            api = served.site.api_of(name)
            api.clock.set(rate=100)
            texts = api.node_texts[name]
            for file, text in texts.items():
                texts[file] = text.replace(f"10.99.0.{2 + number}/", f"192.168.1.{10 + number}/")
        yield served


@pytest.fixture
def ask(fleet: ServedSite, capsys: pytest.CaptureFixture[str]) -> Asked:
    """The modules, connected to one of the seed's nodes."""
    return lambda node: Modules(fleet.at(node), capsys)


def root(modules: Modules) -> dict[str, Any]:
    """The login that Proxmox VE wants, in place of the token."""
    return {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}


def joining(ask: Asked) -> dict[str, Any]:
    """What no document says: how a node that joins logs in at the first."""
    first = ask("pve1")
    (found,) = [row["fingerprint"] for row in first.ok("cluster_info")["nodes"] if row["node"] == "pve1"]
    return {"peer_fingerprint": found, "peer_password": first.lab.password}


def acted(result: Result) -> list[tuple[str, str, str]]:
    """Kind, id and action of all that is not left alone."""
    return [(row["kind"], row["id"], row["action"]) for row in result["actions"] if row["action"] != "no-op"]


def formed(ask: Asked, **options: Any) -> list[tuple[str, str, str]]:
    """Apply a document on one node after the other; what was planned for the first. The others only join."""
    login = root(ask("pve1"))
    planned = ask("pve1").ok("state", check=True, **login, **options)
    ask("pve1").ok("state", **login, **options)
    for node in NODES[1:]:
        above = {**options.pop("document", {}), "cluster": {**CLUSTER, **joining(ask)}}
        options["document"] = above
        predicted = ask(node).ok("state", check=True, **login, **options)
        assert (acted(predicted)[0], ask(node).lab.writes()) == (("cluster", "cluster", "create"), [])
        joined = ask(node).ok("state", **login, **options)
        # The node is reached by the cluster's API then: nothing was written there.
        assert ask(node).lab.writes() == []
        assert login["password"] not in str(joined)
    for node in NODES:
        again = ask(node).ok("state", **login, **options)
        assert (acted(again), again["changed"], ask(node).lab.writes()) == ([], False, [])
    return acted(planned)


CLUSTER: dict[str, Any] = {
    "name": "prod-cluster",
    "nodes": [{"name": name, "ip": f"192.168.1.{10 + number}"} for number, name in enumerate(NODES)],
}


def test_a_document_applied_on_each_node(ask: Asked) -> None:
    document = {"cluster": CLUSTER, "groups": [{"groupid": "operators"}]}
    assert formed(ask, document=document) == [("cluster", "cluster", "create"), ("groups", "operators", "create")]
    found = ask("pve3").ok("state_info", only=["cluster"])["document"]
    assert found == {"version": 1, "cluster": CLUSTER}


def test_a_node_of_another_cluster_is_refused(ask: Asked) -> None:
    first = ask("pve1")
    first.ok("cluster", **root(first), clustername="other")
    assert "Cannot change clustername of node pve1 in cluster other" in first.message(
        "state", **root(first), document={"cluster": CLUSTER}
    )


def test_a_node_that_is_not_named_is_refused(ask: Asked) -> None:
    third = ask("pve3")
    wish = {**CLUSTER, "nodes": CLUSTER["nodes"][:2]}
    assert third.message("state", **root(third), document={"cluster": wish}).endswith(
        "Node pve3 (192.168.1.12) is none of the cluster's nodes: pve1 (192.168.1.10), pve2 (192.168.1.11). Add it to "
        "cluster.nodes, or ask another node (option host)."
    )


def above(ask: Asked) -> dict[str, Any]:
    """The options that go with the seed's document on a node that joins: its two secrets stand in no document."""
    names = {option: f"${{secret:cluster.{option}}}" for option in joining(ask)}
    secrets = {f"cluster.{option}": value for option, value in joining(ask).items()}
    return {"document": {"cluster": names}, "secrets": secrets}


def guest(modules: Modules, vmid: int = 100) -> dict[str, Any]:
    (found,) = modules.ok("vm_info", vmid=[vmid])["vms"]
    return {"node": found["node"], "status": found["status"]}


def test_the_seeds_loop_over_its_nodes(ask: Asked) -> None:
    login, first = root(ask("pve1")), ask("pve1")
    wish = {**login, "files": [str(SEED)]}
    first.ok("state", **wish)
    assert guest(first) == {"node": "pve1", "status": "running"}
    for node in NODES[1:]:
        joined = ask(node).ok("state", **wish, **above(ask))
        assert ask(node).lab.writes() == []
        assert login["password"] not in str(joined)
    for node in NODES:
        again = ask(node).ok("state", **wish)
        assert (acted(again), again["changed"], ask(node).lab.writes()) == ([], False, [])
    ha = ask("pve3").ok("state_info", only=["ha.resources", "ha.rules"])["document"]["ha"]
    assert [(row["sid"], row["max_relocate"]) for row in ha["resources"]] == [("vm:100", 1)]


def test_another_pin_is_a_live_migration(ask: Asked) -> None:
    document = {"cluster": CLUSTER, "vms": [{"vmid": 100, "name": "web", "node": "pve1", "state": "started"}]}
    formed(ask, document=document)
    document["vms"] = [{"vmid": 100, "node": "pve2"}]
    third = ask("pve3")
    planned = third.ok("state", check=True, document=document)
    (row,) = [row for row in planned["actions"] if row["kind"] == "vms"]
    assert (row["action"], row["restart"]) == ("modify", False)
    assert "pve2" in " ".join(row["plan"])
    third.ok("state", document=document)
    assert guest(third) == {"node": "pve2", "status": "running"}
    assert not third.ok("state", document=document)["changed"]


def played(fleet: ServedSite, folder: Path) -> dict[str, Any]:
    """The playbook's end: what it published, and how many tasks changed something."""
    folder.mkdir()
    (folder / "pools.yml.j2").write_text("pools: [{poolid: '{{ pool_name }}'}]\n", encoding="utf-8")
    (folder / "vars.yml").write_text("pool_name: lab\n", encoding="utf-8")
    hosts = {
        name: {"ansible_connection": "local", "pve_password": fleet.password, "pve_api": fleet.at(name).options()}
        for name in NODES
    }
    runner = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(ROOT / "playbooks" / "state-fleet.yml"),
        inventory={"all": {"children": {"pve": {"hosts": hosts}}}},
        extravars={
            "state_files": f"{SEED}, {folder}/pools.yml.j2",
            "state_vars_files": f"{folder}/vars.yml",
            "fleet_password": fleet.password,
        },
        envvars={"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"), "ANSIBLE_HOME": str(folder)},
        quiet=True,
    )
    said = str(runner.stdout.read())
    assert runner.status == "successful", said
    assert fleet.password not in said
    (stats,) = [event["event_data"] for event in runner.events if event["event"] == "playbook_on_stats"]
    return {**stats["artifact_data"], "changes": sum(stats["changed"].values())}


def test_the_playbook(fleet: ServedSite, tmp_path: Path) -> None:
    first = played(fleet, tmp_path / "first")
    assert (first["changes"], first["state_errors"]) == (4, [])
    assert ("pools", "lab") in [(each["kind"], each["id"]) for each in first["state_actions"]]
    second = played(fleet, tmp_path / "second")
    assert (second["changes"], second["state_changed"], second["state_actions"]) == (0, False, [])
