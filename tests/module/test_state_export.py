"""Export of a server: planned back it changes nothing, and it makes the same server again."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS

from lab.api import interfaces
from lab.api.release import RELEASE
from lab.api.serving import ServedLab
from lab.api.site_serving import ServedSite
from lab.pytest_plugin import ServeLab

from .conftest import Modules, hurried
from .state_samples import SAMPLES, Sample

Document = dict[str, Any]

PLACEHOLDER = re.compile(r"\$\{secret:([^}]+)\}")
EVERYTHING: Mapping[str, Any] = {"prune": ["all"], "allow_delete": True, "max_delete_percent": 100}


CARDS = "".join(f"\niface eno{number} inet manual\n" for number in (2, 3, 4))


class ByPassword(ServedLab):
    """A lab that is reached with root's password: no token may have to do with certificate authorities."""

    def options(self) -> dict[str, Any]:
        """See ServedLab."""
        known = {name: value for name, value in super().options().items() if not name.startswith("token")}
        return {**known, "user": self.user, "password": self.password}


def rooted(lab: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node with several cards, reached as root."""
    lab.api.node_texts["father"] = {"etc/network/interfaces": interfaces.DEFAULT + CARDS}
    lab.api.open_vswitch = True
    return Modules(hurried(ByPassword(**{item.name: getattr(lab, item.name) for item in fields(lab)})), capsys)


@pytest.fixture
def server(lab_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node of the present release."""
    return rooted(lab_api, capsys)


@pytest.fixture(params=[RELEASE, "8.4"])
def any_server(request: pytest.FixtureRequest, serve_lab_api: ServeLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node of each release that people have."""
    return rooted(serve_lab_api(release=request.param), capsys)


def made(modules: Modules, *samples: Sample) -> None:
    """Have the samples on the server, by their own modules."""
    for sample in samples:
        for name, options in sample.calls:
            modules.ok(name, **options)


def exported(modules: Modules, *only: str) -> Document:
    """The server's document; nothing in it may be missing without a word."""
    found = modules.ok("state_info", only=list(only) or None)
    assert found.get("warnings", []) == []
    document: Document = found["document"]
    json.dumps(document)
    return document


def entries(document: Document, kind: str) -> list[Document]:
    """What a document has of a kind."""
    found: Any = document
    for part in kind.split("."):
        found = found.get(part) or {}
    return [found] if isinstance(found, dict) and found else list(found)


def actions(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is to be done, without what is as it is to be."""
    return [(row["action"], row["kind"], row["id"]) for row in result["actions"] if row["action"] != "no-op"]


def planned(modules: Modules, document: Document, **options: Any) -> list[tuple[str, str, str]]:
    """The plan of a document, without what is as it is to be."""
    result = modules.run("state", check=True, document=document, **options)
    assert not result.get("failed"), result["msg"]
    assert modules.lab.writes() == []
    return actions(result)


def applied(modules: Modules, document: Document, **options: Any) -> list[tuple[str, str, str]]:
    """What was done for a document."""
    return actions(modules.ok("state", document=document, **options))


def left(modules: Modules, sample: Sample) -> list[Mapping[str, Any]]:
    """What is still there of a sample."""
    found = entries(exported(modules, sample.kind), sample.kind)
    return [entry for entry in sample.entries if entry in found]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_one_of_a_kind(server: Modules, sample: Sample) -> None:
    made(server, sample)
    document = exported(server, sample.kind)
    found = entries(document, sample.kind)
    for entry in sample.entries:
        assert entry in found or any(entry.items() <= other.items() for other in found), found
    assert planned(server, document) == []
    if sample.stays:
        return
    applied(server, {}, **{**EVERYTHING, "prune": [sample.kind]})
    assert left(server, sample) == []
    applied(server, document, secrets=sample.secrets, allow_restart=True)
    assert exported(server, sample.kind) == document


def test_placeholders_name_the_secrets() -> None:
    for sample in SAMPLES:
        named = set(PLACEHOLDER.findall(json.dumps(list(sample.entries))))
        assert named <= set(sample.secrets), sample.kind
        assert sample.kind in KINDS


def test_a_server_with_everything(any_server: Modules) -> None:
    made(any_server, *SAMPLES)
    for vmid in (9000, 9001):  # those of the lab lack what Proxmox VE gives each new VM
        any_server.ok("vm", vmid=vmid, smbios1={"uuid": str(uuid.uuid4())})
    document = exported(any_server)
    assert planned(any_server, document) == []
    assert planned(any_server, document, prune=["all"]) == []
    applied(any_server, {}, **EVERYTHING)
    assert [sample.kind for sample in SAMPLES if not sample.stays and left(any_server, sample)] == []
    secrets = {name: value for sample in SAMPLES for name, value in sample.secrets.items()}
    foreseen = planned(any_server, document, secrets=secrets)
    assert {verb for verb, _kind, _name in foreseen} == {"create", "modify"}
    assert applied(any_server, document, secrets=secrets, allow_restart=True) == foreseen
    again = exported(any_server)
    assert {kind: entries(again, kind) for kind in KINDS} == {kind: entries(document, kind) for kind in KINDS}


def served(lab: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to a lab."""
    return Modules(hurried(lab), capsys)


@pytest.fixture(params=["lab_api", "lab_cluster_api", "lab_8_api", "lab_8_0_api", "lab_nodes_api"])
def any_lab(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Modules]:
    """The modules, connected to each of the labs there are."""
    lab: ServedLab | ServedSite = request.getfixturevalue(request.param)
    yield served(lab if isinstance(lab, ServedLab) else lab.at("father"), capsys)


def test_planned_back_it_changes_nothing(any_lab: Modules) -> None:
    document = exported(any_lab)
    assert planned(any_lab, document) == []
    assert planned(any_lab, document, prune=["all"]) == []
    assert exported(any_lab) == document


AUDIT = ("VM.Audit", "Datastore.Audit", "Sys.Audit", "Pool.Audit", "SDN.Audit", "Mapping.Audit")


def test_an_auditor_sees_all_but_certificate_authorities(modules: Modules) -> None:
    made(modules, *(sample for sample in SAMPLES if sample.kind in ("storage", "pools", "mappings", "acl", "realms")))
    auditor = modules.limited({"/": AUDIT})
    kinds = [kind for kind in KINDS if not kind.startswith("acme.")]
    document = exported(modules, *kinds)
    assert exported(auditor, *kinds) == document
    assert planned(auditor, document) == []


def test_what_the_login_may_not_see_is_named(modules: Modules) -> None:
    limited = modules.limited({"/": ["Sys.Audit"]})
    found = limited.ok("state_info")
    assert "The login has no Datastore.Audit on /storage, so these may be incomplete: storage." in found["warnings"]
    assert "The login has no Mapping.Audit on /mapping, so these may be incomplete: mappings." in found["warnings"]


def test_what_cant_be_read_is_named(modules: Modules) -> None:
    found = modules.limited({"/vms": ["VM.Audit"]}).ok("state_info", only=["options", "backups"])
    assert [text.partition(":")[0] for text in found["warnings"]] == [
        "The login has no Sys.Audit on /, so these may be incomplete",
        "options can't be read, and is left out",
        "backups can't be read, and is left out",
    ]


def test_a_node_that_is_off_is_named(cluster: Modules) -> None:
    cluster.lab.api.inject({"kind": "node", "node": "son", "state": "off"})
    found = cluster.ok("state_info", only=["nodes", "network"])
    assert "Node son is offline: its settings are left out." in found["warnings"]
    assert "Node son is offline: its network is left out." in found["warnings"]
    assert {entry["node"] for entry in found["document"]["nodes"]} == {"father", "mother"}


def test_many_guests_cost_a_request_each(modules: Modules) -> None:
    """Lists are read once for all kinds. What lxc itself is told stands in a container's configuration alone."""
    pools, nodes = 21, 3
    modules.lab.populate(guests=150, nodes=nodes)
    document = modules.ok("state_info")["document"]
    vms, containers = entries(document, "vms"), entries(document, "containers")
    assert (len(vms) + len(containers), len(entries(document, "nodes"))) == (152, nodes)
    needed = len(vms) + 2 * len(containers)
    assert len(modules.lab.requests()) <= needed + 60 + pools + 13 * nodes
    found = modules.ok("state_info", only=["vms", "containers"])["document"]
    assert (found["vms"], found["containers"]) == (vms, containers)
    assert len(modules.lab.requests()) <= needed + 60


def test_a_replication_comes_back(cluster: Modules) -> None:
    job: dict[str, Any] = {"id": "100-0", "target": "mother", "schedule": "*/5", "rate": 100.0, "comment": "warm"}
    cluster.ok("vm", vmid=100, name="web", node="father", state="stopped")
    cluster.ok("replication_job", **job)
    document = exported(cluster, "replication", "vms")
    assert entries(document, "replication") == [job]
    assert planned(cluster, document) == []
    applied(cluster, {}, **{**EVERYTHING, "prune": ["replication", "vms"]})
    assert exported(cluster, "replication", "vms") == {"version": 1}
    applied(cluster, document)
    again = exported(cluster, "replication", "vms")
    assert (entries(again, "replication"), entries(again, "vms")[0]) == ([job], entries(document, "vms")[0])
