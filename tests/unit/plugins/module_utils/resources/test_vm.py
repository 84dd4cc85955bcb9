"""Planning a VM: what is there and what is wished -> the exact steps. Pure."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND, Bound
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PermissionDeniedError,
    PveError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources import vm_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import DRIVE
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_advice import TAKEN
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import Source, View, describe
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU, TRANSITIONS, VM

from .reading import Table, row

MAC = "BC:24:11:00:00:01"
CONFIG = {
    "name": "web",
    "cores": 2,
    "memory": "2048",
    "net0": f"virtio={MAC},bridge=vmbr0,tag=7",
    "scsi0": "local-lvm:vm-104-disk-0,size=8G",
    "ide2": "local-lvm:vm-104-cloudinit,media=cdrom",
    "digest": "d1",
    "cipassword": "**********",
    "tags": "a;b",
}
DEFAULTS = {name: spec.get("default") for name, spec in VM.options.items()}
PATH = "/nodes/father/qemu/104"


def wish(**options: Any) -> dict[str, Any]:
    return {**DEFAULTS, "vmid": 104, **options}


def there(status: str = "stopped", **config: Any) -> View:
    return View(guest(row(104, "web", status=status)), {**CONFIG, **config}, status, running={**CONFIG, **config})


def pending_rows(config: dict[str, Any], **waiting: Any) -> list[dict[str, Any]]:
    """As ``GET .../pending`` lists a configuration, with what waits for the next start; None for a removal."""
    rows = {key: {"key": key, "value": value} for key, value in config.items()}
    for key, value in waiting.items():
        rows[key] = {**rows.get(key, {"key": key}), **({"delete": 1} if value is None else {"pending": value})}
    return list(rows.values())


def steps(options: dict[str, Any], view: View) -> list[tuple[str, str, dict[str, Any]]]:
    made = VM.plan(wish(**options), view)
    return [(step.verb, step.path, {k: v for k, v in step.params.items() if v is not None}) for step in made.steps]


def put(**params: Any) -> tuple[str, str, dict[str, Any]]:
    return ("PUT", f"{PATH}/config", {**params, "digest": "d1"})


def post(**params: Any) -> tuple[str, str, dict[str, Any]]:
    return ("POST", f"{PATH}/config", {**params, "digest": "d1"})


def action(name: str, **params: Any) -> tuple[str, str, dict[str, Any]]:
    return ("POST", f"{PATH}/status/{name}", params)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"cores": 2, "memory": "2G", "tags": ["B", "a"], "sockets": 1, "onboot": False, "agent": False}, []),
        ({"net": {"net0": {"macaddr": MAC.lower()}}}, []),
        ({"net": {"net0": "virtio,bridge=vmbr0"}}, []),
        ({"disks": {"scsi0": {"storage": "local-lvm", "size": "8192M"}, "ide2": "local-lvm:cloudinit"}}, []),
        ({"cipassword": "x"}, []),
        ({"cipassword": "x", "update_password": "always"}, [put(cipassword="x")]),
        ({"cores": 4, "memory": 1024}, [put(cores=4, memory=1024)]),
        ({"name": "www"}, [put(name="www")]),
        ({"tags": [], "description": ""}, [put(delete="tags")]),
        ({"net": {"net0": {"tag": ""}}}, [put(net0=f"virtio={MAC},bridge=vmbr0")]),
        ({"net": {"net0": ""}}, [put(delete="net0")]),
        (
            {"numa": True, "numa_nodes": {"numa0": {"cpus": "0-1", "memory": 1024}}},
            [put(numa=1, numa0="cpus=0-1,memory=1024")],
        ),
        ({"net": {"net1": {"bridge": "vmbr1"}}}, [put(net1="virtio,bridge=vmbr1")]),
        ({"disks": {"scsi0": {"ssd": True}}}, [post(scsi0="local-lvm:vm-104-disk-0,size=8G,ssd=1")]),
        ({"disks": {"scsi1": {"storage": "nas", "size": "10G"}}}, [post(scsi1="nas:10")]),
        ({"disks": {"scsi0": None}, "cores": 1}, [post(cores=1, delete="scsi0")]),
        (
            {"disks": {"scsi0": {"size": "9G"}}},
            [("PUT", f"{PATH}/resize", {"disk": "scsi0", "size": "9G", "digest": "d1"})],
        ),
        (
            {"disks": {"scsi0": {"storage": "nas", "size": "9G"}}},
            [
                ("POST", f"{PATH}/move_disk", {"disk": "scsi0", "storage": "nas", "delete": True, "digest": "d1"}),
                ("PUT", f"{PATH}/resize", {"disk": "scsi0", "size": "9G"}),
            ],
        ),
        (
            {"disks": {"scsi1": {"storage": "nas", "import_from": "local:import/x.raw", "size": "9G"}}},
            [
                post(scsi1="nas:0,import-from=local:import/x.raw"),
                ("PUT", f"{PATH}/resize", {"disk": "scsi1", "size": "9G"}),
            ],
        ),
        ({"disks": {"efidisk0": {"storage": "nas", "efitype": "4m"}}}, [post(efidisk0="nas:1,efitype=4m")]),
        ({"pool": "lab"}, [("PUT", "/pools", {"poolid": "lab", "vms": "104", "allow-move": True})]),
        ({"state": "template"}, [("POST", f"{PATH}/template", {})]),
        ({"state": "absent"}, [("DELETE", PATH, {"purge": True, "destroy-unreferenced-disks": False})]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_changes_of_a_stopped_vm(options: dict[str, Any], expected: list[Any]) -> None:
    assert steps(options, there()) == expected


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("present", "running", []),
        ("started", "running", []),
        ("started", "stopped", [action("start")]),
        ("started", "paused", [action("resume")]),
        ("stopped", "stopped", []),
        ("stopped", "running", [action("shutdown", timeout=60)]),
        ("stopped", "paused", [action("stop")]),
        ("restarted", "running", [action("reboot", timeout=60)]),
        ("restarted", "stopped", [action("start")]),
        ("restarted", "paused", [action("stop"), action("start")]),
        ("reset", "running", [action("reset")]),
        ("reset", "stopped", [action("start")]),
        ("reset", "suspended", [action("start")]),
        ("reset", "paused", [action("stop"), action("start")]),
        ("paused", "running", [action("suspend")]),
        ("paused", "stopped", [action("start"), action("suspend")]),
        ("paused", "paused", []),
    ],
)
def test_power(state: str, status: str, expected: list[Any]) -> None:
    assert steps({"state": state}, there(status)) == expected


@pytest.mark.parametrize(
    ("disks", "expected"),
    [
        ({"scsi0": "absent"}, [put(delete="scsi0", force=True)]),
        ({"unused0": "absent"}, [put(delete="unused0", force=True)]),
        ({"scsi5": "absent", "unused3": "absent"}, []),
        ({"scsi1": {"storage": "local-lvm", "size": "1500M"}}, [post(scsi1="local-lvm:1.46484375")]),
    ],
    ids=str,
)
def test_drives_go_only_when_told(disks: dict[str, str], expected: list[Any]) -> None:
    assert steps({"disks": disks}, there(unused0="local-lvm:vm-104-disk-1")) == expected


def test_every_power_state_is_reached_from_every_other() -> None:
    wished = {"started", "stopped", "restarted", "reset", "paused", "suspended"}
    statuses = ("running", "stopped", "paused", "suspended")
    met = {("started", "running"), ("stopped", "stopped"), ("paused", "paused"), ("suspended", "suspended")}
    # A VM whose memory is on disk doesn't run: it is as stopped as it can be without losing that.
    met |= {("stopped", "suspended")}
    assert set(TRANSITIONS) == {(wish, have) for wish in wished for have in statuses} - met


def test_force_pulls_the_plug_after_the_timeout() -> None:
    expected = [action("shutdown", timeout=5, forceStop=True)]
    assert steps({"state": "stopped", "force": True, "shutdown_timeout": 5}, there("running")) == expected


@pytest.mark.parametrize(
    ("options", "status", "needed", "actions"),
    [
        ({"cores": 4}, "stopped", False, 1),
        ({"cores": 4}, "running", True, 1),
        ({"cores": 4, "restart": "if_needed"}, "running", False, 2),
        ({"cores": 4, "state": "restarted"}, "running", False, 2),
        ({"cores": 4, "state": "reset"}, "running", True, 2),
        ({"description": "x"}, "running", False, 1),
        ({"net": {"net0": {"tag": 8}}, "restart": "if_needed"}, "running", False, 1),
    ],
)
def test_restarts(options: dict[str, Any], status: str, needed: bool, actions: int) -> None:
    made = VM.plan(wish(**options), there(status))
    assert (made.extra["restart_required"], len(made.steps)) == (needed, actions)


@pytest.mark.parametrize(
    ("options", "waiting", "actions"),
    [
        ({}, ["cores"], 0),
        ({"cores": 4}, ["cores"], 0),
        ({"cores": 4, "restart": "if_needed"}, [], 1),
        ({"memory": 4096}, ["cores", "memory"], 1),
        # Taking back what waited leaves nothing to wait for.
        ({"cores": 2, "restart": "if_needed"}, [], 1),
        ({"description": "x", "restart": "always"}, [], 2),
        ({"state": "stopped"}, [], 1),
        ({"state": "paused"}, ["cores"], 1),
    ],
    ids=str,
)
def test_what_waited_before_still_waits(options: dict[str, Any], waiting: list[str], actions: int) -> None:
    running = {**CONFIG, "cores": 2}
    view = View(guest(row(104, "web", status="running")), {**CONFIG, "cores": 4}, "running", ("cores",), running)
    made = VM.plan(wish(**options), view)
    assert (made.extra["pending"], len(made.steps)) == (waiting, actions)


def test_a_change_of_what_waits_waits_too() -> None:
    """The agent was switched on, which waits; one of its live properties is set afterwards."""
    view = View(guest(row(104, "web")), {**CONFIG, "agent": "1"}, "running", ("agent",), {**CONFIG, "agent": "0"})
    made = VM.plan(wish(agent={"enabled": True, "fstrim_cloned_disks": True}), view)
    assert made.extra["pending"] == ["agent"]


@pytest.mark.parametrize(
    ("status", "options", "actions"),
    [
        ("paused", {"cores": 4, "restart": "if_needed"}, ["set cores", "resume", "reboot"]),
        ("suspended", {"cores": 4, "restart": "if_needed"}, ["start", "set cores", "reboot"]),
        ("stopped", {"cores": 4, "restart": "always"}, ["set cores", "start"]),
    ],
)
def test_a_vm_that_runs_by_then_is_restarted(status: str, options: dict[str, Any], actions: list[str]) -> None:
    made = VM.plan(wish(state="started", **options), there(status))
    assert [re.sub(r" (?:of )?vm 104.*", "", step.reason) for step in made.steps] == actions


def test_what_waited_to_be_added_and_is_taken_back_waits_no_more() -> None:
    view = View(guest(row(104, "web")), {**CONFIG, "serial0": "socket"}, "running", ("serial0",), CONFIG)
    assert VM.plan(wish(serial={"serial0": ""}), view).extra["pending"] == []


def test_a_suspended_vm_wakes_up_before_it_is_changed() -> None:
    made = VM.plan(wish(state="started", cores=4), there("suspended"))
    assert [step.reason for step in made.steps] == ["start vm 104 (web)", "set cores of vm 104 (web)"]
    assert made.extra["pending"] == ["cores"]


def test_a_suspended_vm_that_is_to_sleep_on_is_not_changed() -> None:
    with pytest.raises(RefusedError) as caught:
        VM.plan(wish(cores=4), there("suspended"))
    assert str(caught.value) == (
        "Cannot change vm 104 (web): it is suspended to disk, and locked until it runs again. "
        "Set state to started, or leave it as it is."
    )


TEMPLATE = Source(guest(row(9000, "debian", template=1)), {**CONFIG, "name": "debian", "template": 1, "digest": "d0"})


def prospect(source: Source | None = None, node: str = "father") -> View:
    return View(node=node, source=source, free=(104, 105))


CLONE_STEP = ("POST", "/nodes/father/qemu/9000/clone", {"newid": Bound("vmid"), "name": "new"})
CLONED = "/nodes/father/qemu/{vmid}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [CLONE_STEP]),
        ({"cores": 2, "memory": "2G", "tags": "b,a"}, [CLONE_STEP]),
        ({"cores": 4}, [CLONE_STEP, ("PUT", f"{CLONED}/config", {"cores": 4})]),
        ({"cipassword": "x"}, [CLONE_STEP, ("PUT", f"{CLONED}/config", {"cipassword": "x"})]),
        (
            {"disks": {"scsi0": {"size": "9G"}}, "state": "started"},
            [CLONE_STEP, ("PUT", f"{CLONED}/resize", {"disk": "scsi0", "size": "9G"}),
             ("POST", f"{CLONED}/status/start", {})],
        ),
        ({"pool": "lab", "full": True, "storage": "nas"},
         [(*CLONE_STEP[:2], {**CLONE_STEP[2], "pool": "lab", "full": True, "storage": "nas"})]),
        ({"state": "template"}, [CLONE_STEP, ("POST", f"{CLONED}/template", {})]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_clones(options: dict[str, Any], expected: list[Any]) -> None:
    assert steps({"vmid": None, "name": "new", "clone": "debian", **options}, prospect(TEMPLATE)) == expected


def test_a_clone_for_another_node() -> None:
    ((verb, path, params),) = steps({"name": "new", "clone": "debian"}, prospect(TEMPLATE, node="mother"))
    assert (verb, path, params["target"]) == ("POST", "/nodes/father/qemu/9000/clone", "mother")


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({}, {}),
        ({"cores": 1, "onboot": True}, {"cores": 1, "onboot": 1}),
        (
            {"disks": {"scsi0": "nas:4", "ide2": {"storage": "nas", "media": "cloudinit"}}, "net": {"net0": "virtio"}},
            {"scsi0": "nas:4", "ide2": "nas:cloudinit", "net0": "virtio"},
        ),
        ({"tags": [], "description": ""}, {}),
        ({"sshkeys": ["ssh-rsa A"]}, {"sshkeys": "ssh-rsa%20A%0A"}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_creations(options: dict[str, Any], params: dict[str, Any]) -> None:
    expected = ("POST", "/nodes/father/qemu", {"vmid": Bound("vmid"), "name": "new", **params})
    assert steps({"vmid": None, "name": "new", **options}, prospect()) == [expected]


def test_an_id_is_claimed() -> None:
    claim = VM.plan(wish(vmid=None, name="new"), prospect()).steps[0].claim
    assert claim is not None
    assert (claim.name, claim.candidates, claim.taken) == ("vmid", (104, 105), TAKEN)


@pytest.mark.parametrize(
    ("options", "view", "kind"),
    [
        ({"disks": {"scsi0": {"size": "7G"}}}, there(), RefusedError),
        ({"disks": {"scsi0": "local:iso/x.iso,media=cdrom"}}, there(), RefusedError),
        ({"disks": {"scsi0": "local-lvm:cloudinit"}}, there(), RefusedError),
        ({"disks": {"ide2": "nas:cloudinit"}}, there(), RefusedError),
        ({"disks": {"scsi9": {"storage": "nas"}}}, there(), ConfigError),
        ({"disks": {"scsi9": "x=y"}}, there(), ConfigError),
        ({"node": "mother"}, there(), RefusedError),
        ({"state": "absent"}, there(protection=1), RefusedError),
        ({"state": "absent"}, there("running"), RefusedError),
        ({"state": "absent"}, there("paused"), RefusedError),
        ({"state": "template"}, there("running"), RefusedError),
    ],
    ids=str,
)
def test_refusals(options: dict[str, Any], view: View, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        VM.plan(wish(**options), view)


def test_a_cd_is_changed() -> None:
    view = there(ide2="local:iso/a.iso,media=cdrom,size=2M")
    assert steps({"disks": {"ide2": "local:iso/b.iso,media=cdrom"}}, view) == [
        post(ide2="local:iso/b.iso,media=cdrom,size=2M")
    ]


@pytest.mark.parametrize(
    ("options", "view", "reason"),
    [
        ({"state": "absent"}, View(), "vm 104 is absent already"),
        ({}, there(), "vm 104 (web) is as wished"),
    ],
)
def test_no_steps_have_a_reason(options: dict[str, Any], view: View, reason: str) -> None:
    made = VM.plan(wish(**options), view)
    assert (made.changed, made.reason) == (False, reason)


# ------------------------------------------------------------------ describe

ROWS = [
    row(104, "web"),
    row(105, "db", type="lxc"),
    row(200, "web"),
    row(9000, "debian", template=1),
    row(300, "web", pool="p"),
]
LISTED = {
    "/cluster/resources": ROWS,
    f"{PATH}/pending": pending_rows(CONFIG),
    "/nodes/father/qemu/9000/config": {"name": "debian"},
}


def test_found_by_vmid() -> None:
    reader = Table(LISTED)
    view = describe(QEMU, reader, wish())
    assert (view.guest and view.guest.name, view.status) == ("web", "stopped")
    assert reader.asked == ["/cluster/resources", f"{PATH}/pending"]


@pytest.mark.parametrize(
    "options",
    [{"vmid": None, "name": "web", "vmid_range": [100, 199]}, {"vmid": None, "name": "web", "vmid_range": [104, 104]}],
    ids=str,
)
def test_found_by_name(options: dict[str, Any]) -> None:
    view = describe(QEMU, Table(LISTED), wish(**options))
    assert view.guest is not None
    assert view.guest.vmid == 104


def test_found_by_name_and_pool() -> None:
    reader = Table({**LISTED, "/nodes/father/qemu/300/pending": []})
    view = describe(QEMU, reader, wish(vmid=None, name="web", pool="p"))
    assert view.guest is not None
    assert view.guest.vmid == 300


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"vmid": None, "name": "web"},
            "The name 'web' is ambiguous: 104 on father, 200 on father, 300 on father. "
            "Give the vmid, or a pool or vmid_range that tells them apart.",
        ),
        ({"vmid": 105}, "vmid 105 is a container (db on father), not a VM."),
    ],
    ids=str,
)
def test_who_is_not_meant(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        describe(QEMU, Table(LISTED), wish(**options))
    assert str(caught.value) == message


def test_a_guest_so_new_that_it_has_no_name_yet_is_found_by_its_configuration() -> None:
    reader = Table(
        {
            "/cluster/resources": [row(104, None, status="unknown")],
            f"{PATH}/config": CONFIG,
            f"{PATH}/pending": pending_rows(CONFIG),
            f"{PATH}/status/current": {"status": "running"},
        }
    )
    view = describe(QEMU, reader, wish(vmid=None, name="web"))
    assert (view.guest and view.guest.vmid, view.status) == (104, "running")


def test_power_is_never_decided_from_the_list() -> None:
    current = {"status": "running", "qmpstatus": "paused"}
    view = describe(QEMU, Table({**LISTED, f"{PATH}/status/current": current}), wish(state="started"))
    assert view.status == "paused"


def test_an_error_is_not_taken_for_absent() -> None:
    with pytest.raises(PveError):
        describe(QEMU, Table({}), wish())


def test_what_a_clone_needs() -> None:
    view = describe(QEMU, Table({**LISTED, "/cluster/nextid": "101"}), wish(vmid=None, name="new", clone="debian"))
    assert (view.guest, view.node, view.source and view.source.guest.vmid) == (None, "father", 9000)
    assert view.free[:4] == (101, 102, 103, 106)


@pytest.mark.parametrize("clone", ["9000", "debian"])
def test_a_source_by_vmid_or_name(clone: str) -> None:
    view = describe(QEMU, Table({**LISTED, "/cluster/nextid": "101"}), wish(vmid=101, clone=clone))
    assert (view.source and view.source.guest.vmid, view.free) == (9000, (101,))


def test_a_new_vm_in_a_cluster_needs_a_node() -> None:
    reader = Table({**LISTED, "/nodes": [{"node": "son"}, {"node": "father"}], "/cluster/nextid": "101"})
    with pytest.raises(ConfigError) as caught:
        describe(QEMU, reader, wish(vmid=101))
    assert str(caught.value) == "Option 'node' is needed to create a VM: the nodes are father, son."


def test_where_the_user_says_is_looked_first() -> None:
    current = {"status": "running", "qmpstatus": "running", "name": "web", "ha": {"managed": 1, "state": "started"}}
    reader = Table({f"{PATH}/status/current": current, f"{PATH}/pending": pending_rows(CONFIG)})
    view = describe(QEMU, reader, wish(node="father", state="started"))
    assert reader.asked == [f"{PATH}/status/current", f"{PATH}/pending"]
    assert view.guest is not None
    assert (view.status, view.guest.managed) == ("running", True)


@pytest.mark.parametrize(
    "answer",
    [
        PveError("GET", "", 500, "Configuration file 'nodes/son/qemu-server/104.conf' does not exist"),
        PveError("GET", "", 500, "hostname lookup 'son' failed - failed to get address info for: son"),
        PermissionDeniedError("GET", "", 403, "Permission check failed (/vms/104, VM.Audit)"),
    ],
    ids=str,
)
def test_a_guest_that_is_elsewhere_is_looked_for(answer: Exception) -> None:
    found = {"allowed_nodes": ["son"]}
    reader = Table({**LISTED, "/nodes/son/qemu/104/status/current": answer, f"{PATH}/migrate": found})
    view = describe(QEMU, reader, wish(node="son"))
    assert view.guest is not None
    assert (view.guest.node, view.motion) == ("father", found)


def test_a_guest_that_moves_while_it_is_looked_for_is_looked_for_again() -> None:
    class Moving(Table):
        def get(self, path: str, params: Any = None) -> Any:
            if path == f"{PATH}/pending":
                self.answers["/cluster/resources"] = [row(104, "web", node="son")]
                self.answers["/nodes/son/qemu/104/pending"] = pending_rows(CONFIG)
            return super().get(path, params)

    gone = PveError("GET", "", 500, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
    view = describe(QEMU, Moving({**LISTED, f"{PATH}/pending": gone}), wish())
    assert view.guest is not None
    assert view.guest.node == "son"


@pytest.mark.parametrize("state", ["absent", "started"])
def test_a_guest_the_login_may_not_see_is_not_taken_for_absent(state: str) -> None:
    taken = PveError(
        "GET", "/cluster/nextid", 400, "Parameter verification failed", errors={"vmid": "VM 104 already exists"}
    )
    with pytest.raises(RefusedError, match=r"^The guest with vmid 104 is hidden from the login\."):
        describe(QEMU, Table({"/cluster/resources": [], "/cluster/nextid": taken}), wish(state=state))


def test_a_half_made_guest_is_not_taken_for_the_wished_one() -> None:
    reader = Table({**LISTED, f"{PATH}/pending": pending_rows({"lock": "create", "digest": "d"})})
    with pytest.raises(RefusedError) as caught:
        describe(QEMU, reader, wish())
    assert str(caught.value) == (
        "There is nothing of vm 104 (web) on father but the lock of its creation. If nobody is creating it at the "
        "moment, Proxmox VE gave up half-way: remove it on father with 'qm unlock 104 && qm destroy 104'."
    )


def test_what_waits_is_told_apart_from_what_is() -> None:
    rows = pending_rows(CONFIG, cores=8, tags=None, sockets=2)
    view = describe(QEMU, Table({**LISTED, f"{PATH}/pending": rows}), wish())
    assert (view.config["cores"], view.running["cores"], "tags" in view.config) == (8, 2, False)
    assert (view.pending, "sockets" in view.running) == (("cores", "sockets", "tags"), False)


def test_the_verifying_read_does_not_search() -> None:
    reader = Table({f"{PATH}/pending": pending_rows(CONFIG)})
    view = describe(QEMU, reader, {**wish(), BOUND: {"vmid": 104, "node": "father", "status": "stopped"}})
    assert reader.asked == [f"{PATH}/pending"]
    assert VM.result(view)["nics"]["net0"]["mac"] == MAC
    assert "cipassword" not in VM.result(view)["config"]


# --------------------------------------------------------- the official schema

SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"
NOT_CONFIGURATION = {
    # parameters of the request
    "node", "vmid", "delete", "digest", "force", "revert", "skiplock", "background_delay", "import-working-storage",
    # managed by an option of another shape
    "ide[n]", "sata[n]", "scsi[n]", "virtio[n]", "efidisk0", "tpmstate0", "template",
    # old names for ide2 and cores
    "cdrom", "smp", "bootdisk",
    # PVE's own doing: set while it works on the guest, or by its own actions
    "lock", "unused[n]",
}  # fmt: skip


needs_schema = pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")


def official() -> dict[str, Any]:
    """The parameters of a VM's configuration."""
    paths = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    found: dict[str, Any] = paths["/nodes/{node}/qemu/{vmid}/config"]["PUT"]["parameters"]
    return found


@pytest.mark.shared
@needs_schema
def test_every_option_of_the_schema_is_here() -> None:
    schema = official()
    ours = {item.key for item in vm_config.FIELDS} | {f"{family.stem}[n]" for family in vm_config.FAMILIES}
    assert ours - set(schema) == set()
    assert set(schema) - ours == NOT_CONFIGURATION & set(schema)


def accepted(item: Any, value: object) -> bool:
    try:
        item.codec.parse(value)
    except ValueError:
        return False
    return True


@pytest.mark.shared
@needs_schema
def test_limits_are_those_of_the_schema() -> None:
    schema = official()
    numbers = [item for item in vm_config.FIELDS if schema[item.key].get("type") in ("integer", "number")]
    assert len(numbers) > 8
    for item in numbers:
        low, high = schema[item.key].get("minimum"), schema[item.key].get("maximum")
        assert low is None or (accepted(item, low) and not accepted(item, low - 1)), item.name
        assert high is None or (accepted(item, high) and not accepted(item, high + 1)), item.name


@pytest.mark.shared
@needs_schema
def test_choices_are_those_of_the_schema() -> None:
    schema = official()
    enumerated = {item.name: schema[item.key]["enum"] for item in vm_config.FIELDS if "enum" in schema[item.key]}
    ours = {item.name: item.spec["choices"] for item in vm_config.FIELDS if "choices" in item.spec}
    # The mitigations are ours: flags of the option cpu.
    assert {name: sorted(values) for name, values in ours.items() if name != "cpu_mitigations"} == {
        name: sorted(values) for name, values in enumerated.items()
    }


TABLES: dict[str, Any] = {
    "agent": vm_config.AGENT, "audio0": vm_config.AUDIO, "efidisk0": DRIVE, "ivshmem": vm_config.IVSHMEM,
    "machine": vm_config.MACHINE, "net[n]": vm_config._NIC, "numa[n]": vm_config.NUMA_NODE, "scsi[n]": DRIVE,
    "spice_enhancements": vm_config.SPICE, "tpmstate0": DRIVE, "usb[n]": vm_config.USB, "vga": vm_config.VGA,
    "virtio[n]": DRIVE, "virtiofs[n]": vm_config.VIRTIOFS,
}  # fmt: skip


@pytest.mark.shared
@needs_schema
@pytest.mark.parametrize("key", sorted(TABLES))
def test_properties_are_those_of_the_schema(key: str) -> None:
    table, wanted = TABLES[key], official()[key]["format"]
    real = {name: rule for name, rule in wanted.items() if "alias" not in rule}
    assert set(real) - set(table.kinds) - set(table.aliases) == set()
    for name, rule in real.items():
        ours, limits = table.choices.get(name), table.limits.get(name, (None, None))
        # A drive's table serves several kinds of drives, so it may know more.
        assert set(rule.get("enum", ours or ())) <= set(ours or ()), name
        if table is not DRIVE:
            assert (rule.get("minimum", limits[0]), rule.get("maximum", limits[1])) == limits, name
