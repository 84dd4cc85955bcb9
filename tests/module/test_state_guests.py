"""Guests of a document, against the lab: an export makes the same guests again, and changes none that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import look, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HomelabPveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.parallel import tried
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_guests import ROWS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from lab.api.serving import ServedLab

from .conftest import Modules, hurried

VMS, CONTAINERS = ROWS
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
MINE = {200, 201, 202, 203}
"""Ids of the guests that a test makes; the lab has templates of its own."""

WORD = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
MAC = st.integers(0, 0xFFFF).map(lambda number: f"BC:24:11:00:{number >> 8:02X}:{number & 0xFF:02X}")
SIZE = st.sampled_from(["1G", "1500M", "2G", "2049M"])
COMMON = {
    "cores": st.integers(1, 4),
    "memory": st.integers(16, 4096),
    "description": st.sampled_from(["one line", "two\nlines", "ümläut & = +"]),
    "tags": st.lists(WORD, max_size=2),
    "onboot": st.booleans(),
    "protection": st.just(value=False),
    "nameserver": st.sampled_from([["10.0.0.1"], ["10.0.0.1", "10.0.0.2"]]),
    "startup": st.sampled_from(["order=2", {"order": "1", "up": 5}]),
}
DISK = st.fixed_dictionaries(
    {"storage": st.sampled_from(["shared", "local-lvm"]), "size": SIZE},
    optional={"iothread": st.booleans(), "discard": st.sampled_from(["on", "ignore"]), "iops": st.integers(1, 99)},
)
DRIVES = st.fixed_dictionaries(
    {},
    optional={
        "scsi0": DISK,
        "virtio1": DISK,
        "ide2": st.sampled_from([{"file": "none", "media": "cdrom"}, "local-lvm:cloudinit"]),
        "efidisk0": st.just({"storage": "local-lvm", "efitype": "4m"}),
        "tpmstate0": st.just({"storage": "shared", "version": "v2.0"}),
    },
)
CARD = st.fixed_dictionaries(
    {"bridge": st.just("vmbr0"), "macaddr": MAC},
    optional={
        "model": st.sampled_from(["virtio", "e1000"]),
        "tag": st.integers(1, 4094),
        "firewall": st.booleans(),
        "trunks": st.just([3, 5]),
    },
)
VM = st.fixed_dictionaries(
    {"vmid": st.sampled_from([200, 201]), "state": st.sampled_from(["started", "stopped", "paused", "template"])},
    optional={
        **COMMON,
        "name": WORD,
        "cpu": st.sampled_from(["host", {"cputype": "host", "flags": ["+aes", "-pcid"]}]),
        "cpu_mitigations": st.sampled_from(["off", "intel"]),
        "agent": st.booleans() | st.just({"enabled": True, "fstrim_cloned_disks": True}),
        "hotplug": st.just(["network", "disk"]),
        "ciuser": WORD,
        "sshkeys": st.lists(WORD.map(lambda word: f"ssh-ed25519 {word} a@b"), min_size=1, max_size=2),
        "ipconfig": st.sampled_from([{"ipconfig0": "ip=dhcp"}, {"ipconfig0": {"ip": "10.0.0.5/24", "gw": "10.0.0.1"}}]),
        "serial": st.just({"serial0": "socket"}),
        "hostpci": st.just({"hostpci0": {"host": "0000:01:00.0", "pcie": True}}),
        "net": st.dictionaries(st.sampled_from(["net0", "net3"]), CARD, max_size=2),
        "disks": DRIVES,
    },
)
MOUNT = st.fixed_dictionaries(
    {"storage": st.sampled_from(["shared", "local-lvm"]), "size": SIZE, "mp": st.just("/srv")},
    optional={"backup": st.booleans(), "mountoptions": st.just(["noatime", "discard"])},
)
CONTAINER = st.fixed_dictionaries(
    {
        "vmid": st.sampled_from([202, 203]),
        "state": st.sampled_from(["started", "stopped", "template"]),
        "ostemplate": st.just("debian-13-standard"),
        "rootfs": st.fixed_dictionaries({"storage": st.sampled_from(["shared", "local-lvm"]), "size": SIZE}),
    },
    optional={
        **COMMON,
        "hostname": WORD,
        "unprivileged": st.booleans(),
        "swap": st.integers(0, 512),
        "features": st.just({"nesting": True}),
        "timezone": st.just("host"),
        "net": st.just({"net0": {"bridge": "vmbr0", "ip": "10.99.0.40/24", "hwaddr": "BC:24:11:00:00:01"}}),
        "mp": st.fixed_dictionaries({}, optional={"mp0": MOUNT}),
    },
)


def template(lab: ServedLab) -> None:
    """Have a container template on each node."""
    path = lab.api.file_path("local", f"vztmpl/{TEMPLATE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


@pytest.fixture
def lab(lab_cluster_api: ServedLab) -> ServedLab:
    """A cluster with a storage that every node sees, and a template."""
    template(lab_cluster_api)
    return hurried(lab_cluster_api)


@pytest.fixture
def client(lab: ServedLab) -> Iterator[Client]:
    """A client of it."""
    login = {name: value for name, value in lab.options().items() if not name.startswith("token")}
    # Some options are root's own, and no token's.
    client = connect(Connection(**login, user=lab.user, password=lab.password))
    yield client
    client.close()


def wish_of(kind: Kind, entry: dict[str, Any], home: str = "father") -> dict[str, Any]:
    """An entry as it is planned; fails for one its module would not take."""
    resource = kind.resource
    result = ArgumentSpecValidator(resource.argument_spec(), **dict(resource.rules)).validate(entry)
    assert result.error_messages == []
    return {**result.validated_parameters, HOME: home}


def apply(client: Client, wished: Sequence[tuple[Kind, dict[str, Any]]]) -> None:
    """Make the guests what the entries say."""
    for kind, entry in wished:
        reconcile(kind.resource, wish_of(kind, entry), client, dry_run=False, timeout=30)


def exported(client: Client) -> list[tuple[Kind, dict[str, Any]]]:
    """The entries of the guests that a test made."""
    shared = SharedReads(client)
    return [(kind, entry) for kind in ROWS for entry in kind.entries(shared) if entry["vmid"] in MINE]


def wipe(client: Client) -> None:
    """Remove the guests that a test made, as pruning does."""
    for kind, entry in exported(client):
        gone = {"vmid": entry["vmid"], "state": "absent", **kind.removal}
        reconcile(kind.resource, wish_of(kind, gone), client, dry_run=False, timeout=30)


def to_do(client: Client, entries: Sequence[tuple[Kind, dict[str, Any]]]) -> list[str]:
    """The steps that are left."""
    shared = SharedReads(client, tuple(listing for kind in ROWS for listing in kind.resource.listings))
    plans = [look(kind.resource, wish_of(kind, entry), shared).plan for kind, entry in entries]
    return [step.reason for plan in plans for step in plan.steps]


@settings(
    max_examples=15,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(vms=st.lists(VM, max_size=2, unique_by=lambda wish: wish["vmid"]),
       containers=st.lists(CONTAINER, max_size=1))  # fmt: skip
def test_an_export_is_a_wish_that_is_fulfilled_and_makes_the_same_again(
    client: Client, vms: list[dict[str, Any]], containers: list[dict[str, Any]]
) -> None:
    wipe(client)
    try:
        apply(client, [*((VMS, wish) for wish in vms), *((CONTAINERS, wish) for wish in containers)])
    except (RefusedError, ConfigError):
        reject()
    first = exported(client)
    assert {entry["vmid"] for _kind, entry in first} == {wish["vmid"] for wish in (*vms, *containers)}
    assert to_do(client, first) == []
    wipe(client)
    apply(client, first)
    assert exported(client) == first


# --------------------------------------------------------------------------------------------------- by module state


def rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Kind, name and what is to be done."""
    return [(row["kind"], row["id"], row["action"]) for row in result["actions"]]


def plans(result: dict[str, Any]) -> list[str]:
    """The plan in words, of what changes."""
    return [words for row in result["actions"] if row["action"] != "no-op" for words in row["plan"]]


def one(**entry: Any) -> dict[str, Any]:
    """A document about one VM."""
    return {"node": "father", "vms": [entry]}


def test_a_documents_node_is_where_a_guest_is_made_and_moves_none(cluster: Modules) -> None:
    made = cluster.ok("state", document=one(vmid=300, name="web"))
    assert plans(made) == ["create vm 300 (web)"]
    assert cluster.ok("vm", vmid=300)["node"] == "father"
    elsewhere = {"node": "mother", "vms": [{"vmid": 300, "name": "web"}]}
    assert not cluster.ok("state", document=elsewhere)["changed"]
    pinned = {"node": "father", "vms": [{"vmid": 300, "name": "web", "node": "mother"}]}
    assert plans(cluster.ok("state", document=pinned)) == ["move vm 300 (web) from father to mother"]
    assert not cluster.ok("state", document=pinned)["changed"]


def test_a_guest_that_runs_is_moved_while_it_runs(cluster: Modules) -> None:
    entry = {"vmid": 300, "name": "web", "state": "started"}
    cluster.ok("state", document={"node": "father", "vms": [entry]})
    moved = cluster.ok("state", document={"vms": [{**entry, "node": "son"}]})
    assert (plans(moved), moved["summary"]["restart"]) == (["move vm 300 (web) from father to son"], 0)
    assert cluster.ok("vm", vmid=300)["status"] == "running"


def test_guests_without_ids_get_different_ones_whatever_they_are(modules: Modules) -> None:
    template(modules.lab)
    rootfs = {"storage": "local-lvm", "size": "1G"}
    document = {
        "vms": [{"name": name} for name in ("a", "b")],
        "containers": [{"hostname": "c", "ostemplate": "debian-13-standard", "rootfs": rootfs}],
    }
    foretold = modules.ok("state", document=document, check=True)
    made = modules.ok("state", document=document)
    ids = {row["after"]["vmid"] for row in made["actions"]}
    assert [row["after"]["vmid"] for row in foretold["actions"]] == [row["after"]["vmid"] for row in made["actions"]]
    assert len(ids) == len(made["actions"])
    assert rows(made) == [("vms", "a", "create"), ("vms", "b", "create"), ("containers", "c", "create")]
    assert not modules.ok("state", document=document)["changed"]
    # What is declared by its name is no surplus.
    pruned = modules.ok("state", document=document, prune=["vms", "containers"], check=True)
    assert {name for _kind, name, action in rows(pruned) if action == "delete"} == {"9000", "9001"}


def test_one_guest_in_two_entries_is_refused(modules: Modules) -> None:
    modules.ok("vm", vmid=300, name="web")
    found = modules.run("state", document={"vms": [{"vmid": 300, "cores": 2}, {"name": "web", "cores": 4}]}, check=True)
    (origin,) = [row["origin"] for row in found["actions"] if row["id"] == "300"]
    assert found["errors"] == [f"vms web: This is the one that {origin} is about. Declare it once."]


def test_a_template_is_made_before_what_is_cloned_from_it(modules: Modules) -> None:
    document = {
        "vms": [
            {"name": "third", "clone": "second"},
            {"vmid": 302, "name": "second", "clone": "first", "state": "started"},
            {"name": "fourth"},
            {"vmid": 301, "name": "first", "clone": "300", "cores": 3},
            {"vmid": 300, "name": "golden", "state": "template", "disks": {"scsi0": "local-lvm:1"}},
        ]
    }
    foretold = modules.ok("state", document=document, check=True)
    assert rows(foretold) == [("vms", name, "create") for name in ("fourth", "300", "301", "302", "third")]
    made = modules.ok("state", document=document)
    assert rows(made) == rows(foretold)
    assert not modules.ok("state", document=document)["changed"]
    assert modules.ok("vm", vmid=302)["status"] == "running"


def test_a_restart_is_told_and_wants_permission(modules: Modules) -> None:
    entry = {"vmid": 300, "name": "web", "state": "started", "cores": 1, "restart": "if_needed"}
    modules.ok("state", document=one(**entry))
    wanted = one(**{**entry, "cores": 2})
    foretold = modules.ok("state", document=wanted, check=True)
    assert [(row["restart"], row["pending"]) for row in foretold["actions"]] == [(True, [])]
    refused = modules.run("state", document=wanted)
    assert refused["msg"] == "It would restart vms 300. Set allow_restart if you mean it.\nNothing was changed."
    assert plans(modules.ok("state", document=wanted, allow_restart=True)) == [
        "set cores of vm 300 (web)",
        "reboot vm 300 (web)",
    ]


def test_without_a_restart_what_waits_for_one_is_told(modules: Modules) -> None:
    entry = {"vmid": 300, "state": "started", "cores": 1}
    modules.ok("state", document=one(**entry))
    made = modules.ok("state", document=one(**{**entry, "cores": 2}))
    assert [(row["action"], row["restart"], row["pending"]) for row in made["actions"]] == [
        ("modify", False, ["cores"])
    ]
    again = modules.ok("state", document=one(**{**entry, "cores": 2}))
    assert [(row["action"], row["pending"]) for row in again["actions"]] == [("no-op", ["cores"])]


def test_what_is_pruned_is_stopped_first_and_what_is_protected_stays(modules: Modules) -> None:
    document = {"vms": [{"vmid": 300, "name": "a", "state": "started"}, {"vmid": 301, "name": "b", "protection": True}]}
    modules.ok("state", document=document)
    options: dict[str, Any] = {"prune": ["vms"], "allow_delete": True, "max_delete_percent": 100}
    result = modules.run("state", document={"vms": [{"vmid": 9000}, {"vmid": 9001}]}, **options)
    assert result["failed"]
    told = {row["id"]: (row["action"], row["status"], row["plan"]) for row in result["actions"] if row["pruned"]}
    assert told == {
        "300": ("delete", "done", ["stop vm 300 (a)", "remove vm 300 (a)"]),
        "301": ("failed", "failed", []),
    }
    assert result["errors"] == [
        "vms 301: Cannot remove vm 301 (b): it is protected. Set its option protection to false first, if you mean it."
    ]


def test_its_own_high_availability_is_a_part_of_a_vm(cluster: Modules) -> None:
    entry = {"vmid": 300, "state": "started", "disks": {"scsi0": "shared:1"}, "ha": {"max_relocate": 2}}
    made = cluster.ok("state", document=one(**entry))
    assert plans(made) == ["create vm 300", "start vm 300", "put vm 300 under HA"]
    assert not cluster.ok("state", document=one(**entry))["changed"]


def test_a_container_that_is_to_be_made_needs_to_know_of_what(modules: Modules) -> None:
    document = {"containers": [{"vmid": 300, "rootfs": {"storage": "local-lvm", "size": "1G"}}]}
    found = modules.run("state", document=document, check=True)
    (row,) = found["actions"]
    assert row["origin"].startswith("document:")
    assert row["error"]["text"].startswith("Option 'ostemplate' is needed to create container 300")


# ------------------------------------------------------------------------------------------------------ from backups


@pytest.mark.parametrize("kind", ["vms", "containers"])
def test_a_guest_that_is_gone_is_restored_and_brought_to_its_wish(modules: Modules, kind: str) -> None:
    template(modules.lab)
    volume = {"storage": "local-lvm", "size": "1G"}
    made_of = (
        {"rootfs": volume, "ostemplate": "debian-13-standard"} if kind == "containers" else {"disks": {"scsi0": volume}}
    )
    name = {"hostname": "old"} if kind == "containers" else {"name": "old"}
    entry = {"vmid": 300, "cores": 1, "memory": 256, **name, **made_of}
    modules.ok("state", document={kind: [entry]})
    archive = modules.ok("backup", vmid=[300], storage="local")["backups"][0]["volid"]
    module = "vm" if kind == "vms" else "container"
    modules.ok(module, vmid=300, state="absent")
    wanted = {"vmid": 300, "cores": 2, "state": "started", "restore": {"storage": "local-lvm"}}
    foretold = modules.ok("state", document={kind: [wanted]}, check=True)
    noun = "vm" if kind == "vms" else "container"
    steps = [f"restore {archive} as {noun} 300 on father", f"set cores of {noun} 300 (old)", f"start {noun} 300 (old)"]
    assert plans(foretold) == steps
    made = modules.ok("state", document={kind: [wanted]})
    assert (plans(made), rows(made)) == (steps, [(kind, "300", "create")])
    assert not modules.ok("state", document={kind: [wanted]})["changed"]
    assert modules.ok(module, vmid=300)["config"]["memory"] in (256, "256")


REFUSALS = [
    (
        {"restore": {"archive": "local:backup/vzdump-qemu-300-2026_01_01-00_00_00.vma.zst"}},
        "There is no backup 'local:",
    ),
    ({"restore": {}}, "There is no backup of the guest with vmid 300 on storage 'local'"),
    ({"clone": "9000", "restore": {}}, "There is no backup of the guest with vmid 300 on storage 'local'"),
]


@pytest.mark.parametrize(("more", "words"), REFUSALS)
def test_what_can_not_be_restored_is_said(modules: Modules, more: dict[str, Any], words: str) -> None:
    assert words in modules.run("state", document=one(vmid=300, **more), check=True)["msg"]


# ----------------------------------------------------------------------------------------------------------- an estate


def test_a_plan_asks_once_for_each_guest(lab: ServedLab, client: Client) -> None:
    """The lists of the cluster and its nodes are read once, whatever is wished of the guests."""
    lab.populate(60, 3)
    entries = [(kind, entry) for kind in ROWS for entry in kind.entries(SharedReads(client))]
    lab.clear_requests()
    assert to_do(client, entries) == []
    assert len(lab.requests()) <= len(entries) + 10


@pytest.mark.parametrize("node", [{}, {"node": "father"}])
def test_a_plan_of_new_guests_asks_once_for_each(cluster: Modules, node: dict[str, str]) -> None:
    """Whether its vmid is free; where it is to be doesn't matter."""
    entries = [{"vmid": vmid, "state": "started", **node} for vmid in range(300, 330)]
    cluster.lab.clear_requests()
    cluster.ok("state", document={"node": "mother", "vms": entries}, check=True)
    assert len(cluster.lab.requests()) <= len(entries) + 10


def test_an_export_asks_once_for_each_guest(lab: ServedLab, client: Client) -> None:
    lab.populate(60, 3)
    lab.clear_requests()
    shared = SharedReads(client)
    entries = [entry for kind in ROWS for entry in kind.entries(shared)]
    assert len(lab.requests()) <= len(entries) + 30


def test_the_guests_of_a_node_that_does_not_answer_are_said(lab: ServedLab, client: Client) -> None:
    apply(client, [(VMS, {"vmid": 200, "node": "son"}), (VMS, {"vmid": 201, "node": "father"})])
    lab.api.inject({"kind": "node", "node": "son", "state": "off"})
    entries, remarks = VMS.listed(SharedReads(client))
    assert 201 in [entry["vmid"] for entry in entries]
    assert 200 not in [entry["vmid"] for entry in entries]
    assert [text.partition(". ")[0] for text in remarks] == [
        "vms: node son doesn't answer, so its guests are left out: 200"
    ]


def test_a_node_that_does_not_answer_is_asked_once(lab: ServedLab, client: Client) -> None:
    """Its guests can't be planned; the others are, and nobody waits for each of its guests in turn."""
    lab.populate(30, 3)
    entries = [(kind, entry) for kind in ROWS for entry in kind.entries(SharedReads(client))]
    away = [entry for _kind, entry in entries if entry["node"] == "son"]
    lab.api.inject({"kind": "node", "node": "son", "state": "off"})
    lab.clear_requests()
    shared = SharedReads(client, tuple(listing for kind in ROWS for listing in kind.resource.listings))
    seen = [tried(partial(look, kind.resource, wish_of(kind, entry), shared)) for kind, entry in entries]
    assert sum(isinstance(verdict, HomelabPveError) for verdict in seen) == len(away) > 1
    assert len([row for row in lab.requests() if row.path.startswith("/nodes/son/")]) <= 1 + client.retries
