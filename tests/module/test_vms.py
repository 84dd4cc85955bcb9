"""Module vms against the lab's API: many VMs at once, what they share, what it costs, and who is named on failure."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
from collections import Counter
from subprocess import PIPE
from typing import Any

import pytest
import yaml
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll

from .conftest import Modules, denied

VMS = "ansible_collections.homelab.pve.plugins.modules.vms"
TEMPLATE: dict[str, Any] = {"clone": "debian-12", "vmid_range": [200, 299], "tags": ["homelab-pve"]}


def guests(count: int, **options: Any) -> list[dict[str, Any]]:
    """Entries for ``count`` VMs."""
    return [{"name": f"vm{number}", **options} for number in range(count)]


def test_twelve_steps(modules: Modules) -> None:
    names = [{"name": "one"}, {"name": "two", "memory": "2G"}, {"name": "three", "vmid": 250}]
    made = modules.converge("vms", defaults=TEMPLATE, guests=names)
    assert [guest["vmid"] for guest in made["guests"]] == [200, 201, 250]
    assert [guest["config"]["memory"] for guest in made["guests"]] == ["512", "2048", "512"]
    changes = {"defaults": {"vmid_range": [200, 299], "cores": 3, "state": "started"}}
    changed = modules.converge("vms", **changes, guests=names)
    assert [guest["status"] for guest in changed["guests"]] == ["running"] * 3
    assert changed["diff"]["after"]["guests[0] (one)"] == {"cores": 3, "status": "running"}
    gone = {"defaults": {"vmid_range": [200, 299], "state": "absent", "force": True}}
    assert [guest["changed"] for guest in modules.converge("vms", **gone, guests=names)["guests"]] == [True] * 3


def test_each_has_a_result_of_its_own(modules: Modules) -> None:
    modules.ok("vms", defaults=TEMPLATE, guests=guests(3))
    wish = [{"vmid": 201, "cores": 4}, {"name": "vm0"}, {"vmid": 202, "description": "third"}, {"name": "new"}]
    predicted = modules.ok("vms", check=True, guests=wish)
    real = modules.ok("vms", guests=wish)
    assert [guest["changed"] for guest in real["guests"]] == [True, False, True, True]
    assert [guest.get("vmid") for guest in real["guests"]] == [201, 200, 202, 100]
    assert [guest["diff"] for guest in predicted["guests"]] == [guest["diff"] for guest in real["guests"]]
    assert real["diff"] == {
        "before": {"guests[0] (201)": {"cores": 1}, "guests[2] (202)": {}, "guests[3] (new)": {}},
        "after": {
            "guests[0] (201)": {"cores": 4},
            "guests[2] (202)": {"description": "third"},
            "guests[3] (new)": {"name": "new", "node": "father", "status": "stopped", "vmid": 100},
        },
    }
    assert real["plan"] == ["set cores of vm 201 (vm1)", "set description of vm 202 (vm2)", "create vm {vmid} (new)"]
    assert real["guests"][1]["plan"] == ["vm 200 (vm0) is as wished"]


@pytest.mark.parametrize("state", ["present", "started", "stopped", "paused", "suspended", "template", "absent"])
@pytest.mark.parametrize("by", ["name", "vmid"])
def test_what_nothing_to_do_costs(modules: Modules, state: str, by: str) -> None:
    """As many requests as guests and two: the cluster's list, the node's where power is at stake, configurations."""
    made = modules.ok("vms", defaults={**TEMPLATE, "state": state, "force": True}, guests=guests(12))
    entries = guests(12) if by == "name" or state == "absent" else [{by: guest[by]} for guest in made["guests"]]
    result = modules.unchanged("vms", defaults={"state": state}, guests=entries)
    assert (len(result["guests"]), result["plan"]) == (12, ["nothing to do"])
    paths = Counter(record.path for record in modules.lab.requests())
    assert set(paths.values()) == {1}
    assert len(paths) == {"present": 13, "absent": 1}.get(state, 14)


def test_what_a_change_costs(modules: Modules) -> None:
    modules.ok("vms", defaults=TEMPLATE, guests=guests(5))
    modules.ok("vms", defaults={"cores": 2}, guests=guests(5))
    assert Counter(record.method for record in modules.lab.requests()) == {"GET": 1 + 5 + 5, "PUT": 5}


@pytest.mark.parametrize("clone", [None, "debian-12"])
def test_many_creations_at_once(modules: Modules, clone: str | None) -> None:
    modules.ok("vm", name="other", vmid=103)
    made = modules.ok("vms", defaults={"clone": clone}, guests=[*guests(18), {"name": "x", "vmid": 101}, {"name": "y"}])
    assert [guest["vmid"] for guest in made["guests"]] == [100, 102, *range(104, 120), 101, 120]
    refused = [record for record in modules.lab.requests() if record.status >= 400]
    assert refused == [], "two tried the same id"
    assert not modules.ok("vms", defaults={"clone": clone}, guests=guests(18))["changed"]


RANGE = {"vmid_range": [300, 399]}


def test_creations_that_get_no_task(modules: Modules) -> None:
    """As seen with many at once: PVE leaves half a guest behind. Another id is taken, and the left ones are told of."""
    modules.lab.api.inject({"kind": "half-made", "times": 3})
    made = modules.ok("vms", defaults=RANGE, guests=guests(20))
    vmids = {guest["vmid"] for guest in made["guests"]}
    left = [vm.vmid for vm in modules.lab.api.vms if vm.config.get("lock") == "create"]
    assert (len(vmids), len(left)) == (20, 3)
    assert vmids.isdisjoint(left)
    for vmid in left:
        assert [text for text in made["warnings"] if text.startswith("guests[") and f"qm unlock {vmid} " in text]
    modules.unchanged("vms", defaults=RANGE, guests=guests(20))


def test_creations_whose_answer_is_lost(modules: Modules) -> None:
    path = "/nodes/father/qemu"
    modules.lab.api.inject({"kind": "lose-answer", "method": "POST", "path": path, "status": 596, "times": 4})
    made = modules.ok("vms", defaults=RANGE, guests=guests(20))
    assert len({guest["vmid"] for guest in made["guests"]}) == 20
    modules.unchanged("vms", defaults=RANGE, guests=guests(20))
    assert len(modules.ok("vm_discover", name_pattern="vm*")["vms"]) == 20


def test_the_source_is_read_once(modules: Modules) -> None:
    modules.ok("vms", defaults=TEMPLATE, guests=guests(6), check=True)
    assert [record.path for record in modules.lab.requests()] == [
        "/cluster/resources",
        "/nodes/father/qemu/9001/config",
    ]


def test_a_locked_source_is_waited_for(modules: Modules) -> None:
    locked = "can't lock file '/var/lock/qemu-server/lock-9001.conf' - got timeout"
    path = "/nodes/father/qemu/9001/clone"
    modules.lab.api.inject(
        {"kind": "fail", "method": "POST", "path": path, "status": 500, "message": locked, "times": 3}
    )
    made = modules.ok("vms", defaults=TEMPLATE, guests=guests(4))
    assert [guest["vmid"] for guest in made["guests"]] == [200, 201, 202, 203]


IO_ERROR = "unable to write the configuration: Input/output error"


def configuration_fails(modules: Modules, vmid: int) -> None:
    """Let the node fail to write this VM's configuration."""
    path = f"/nodes/father/qemu/{vmid}/config"
    modules.lab.api.inject({"kind": "fail", "method": "PUT", "path": path, "status": 500, "message": IO_ERROR})


def test_one_failure_does_not_stop_the_others(modules: Modules) -> None:
    modules.ok("vm", name="twin", vmid=300)
    modules.ok("vm", name="twin", vmid=301)
    modules.ok("vm", name="guarded", vmid=302, protection=True)
    modules.ok("vm", name="bad", vmid=303)
    configuration_fails(modules, 303)
    wish: list[dict[str, Any]] = [
        {"name": "good"},
        {"name": "bad", "vmid": 303, "cores": 2},
        {"name": "twin"},
        {"vmid": 302, "state": "absent"},
        {"name": "lost", "clone": "nope"},
        {"name": "lost too", "clone": "nope"},
        {"vmid": 302000, "name": "also-good"},
    ]
    result = modules.run("vms", guests=wish, max_parallel=2)
    nope = (
        "Template 'nope' was not found. Templates there are: 9000 (debian-12-pve), 9001 (debian-12). "
        "Give the name or vmid of one of them in the option clone; the login needs VM.Audit and VM.Clone on it."
    )
    assert result["msg"].splitlines() == [
        "5 of 7 guests could not be brought to their wish:",
        f"- guests[1] (bad): Cannot set cores of vm 303 (bad): PUT /nodes/father/qemu/303/config: 500 {IO_ERROR}.",
        "- guests[2] (twin): The name 'twin' is ambiguous: 300 on father, 301 on father. "
        "Give the vmid, or a pool or vmid_range that tells them apart.",
        "- guests[3] (302): Cannot remove vm 302 (guarded): it is protected. "
        "Set its option protection to false first, if you mean it.",
        f"- guests[4] (lost), guests[5] (lost too): {nope}",
    ]
    assert [guest["changed"] for guest in result["guests"]] == [True, False, False, False, False, False, True]
    assert [guest.get("msg") for guest in result["guests"]][4:] == [nope, nope, None]
    assert [guest.get("error", {}).get("kind") for guest in result["guests"]] == [
        None, "PveError", "RefusedError", "RefusedError", "RefusedError", "RefusedError", None,
    ]  # fmt: skip
    names = {guest["name"] for guest in modules.ok("vm_discover")["vms"]}
    assert names == {"good", "also-good", "twin", "guarded", "bad"}


def test_what_a_failed_one_had_done_is_said(modules: Modules) -> None:
    configuration_fails(modules, 200)
    result = modules.run("vms", defaults=TEMPLATE, guests=[{"name": "half"}])
    assert result["msg"].splitlines()[2:] == ["Already done: clone vm 9001 (debian-12) to vm 200 (half)."]
    (half,) = result["guests"]
    assert (half["changed"], half["plan"]) == (True, ["clone vm 9001 (debian-12) to vm 200 (half)"])


def test_a_list_is_not_built_on_itself(modules: Modules) -> None:
    wish = [{"name": "source", "state": "template"}, {"name": "copy", "clone": "source"}]
    assert modules.run("vms", check=True, guests=wish)["msg"].startswith(
        "1 of 2 guests could not be brought to their wish:\n- guests[1] (copy): Template 'source' was not found."
    )


TYPES = "is of type str and we were unable to convert to"
TWICE = "have the same name. List each guest once, or give each its vmid, or another pool or vmid_range."
STATES = ", ".join(VM.options["state"]["choices"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "missing required arguments: guests"),
        ({"guests": ["web"]}, "guests[0]: str is not a dictionary of options"),
        ({"guests": [{"memory": 1}]}, "guests[0]: one of the following is required: vmid, name"),
        (
            {
                "guests": [
                    {"name": "a", "cores": "many"},
                    {"name": "b"},
                    {"vmid": 7, "state": "gone", "cpuunits": "half"},
                ]
            },
            f"guests[0] (a): argument 'cores' {TYPES} int: \"'many'\" cannot be converted to an int\n"
            f"guests[2] (7): argument 'cpuunits' {TYPES} int: \"'half'\" cannot be converted to an int\n"
            f"guests[2] (7): value of state must be one of: {STATES}, got: gone",
        ),
        (
            {"guests": [{"name": "a", "vmid": 100, "vmid_range": [100, 199]}]},
            "guests[0] (a): parameters are mutually exclusive: vmid|vmid_range",
        ),
        (
            {"guests": [{"name": "a"}], "defaults": {"state": "gone"}},
            f"value of state must be one of: {STATES}, got: gone found in defaults",
        ),
        ({"guests": [{"name": "a"}], "max_parallel": 0}, "Option 'max_parallel': 0 is too few. Give 1 or more."),
        (
            {"guests": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
            f"Option 'guests': guests[0] (a) and guests[2] (a) {TWICE}",
        ),
        (
            {"guests": [{"vmid": 300, "name": "a"}, {"vmid": 300, "name": "b"}]},
            "Option 'guests': guests[0] (a) and guests[1] (b) have the same vmid 300. List each guest once.",
        ),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_refused_before_the_first_request(modules: Modules, options: dict[str, Any], message: str) -> None:
    assert modules.message("vms", **options) == message
    assert modules.lab.requests() == []


def test_unknown_options_are_named_with_their_guest(modules: Modules) -> None:
    message = modules.message("vms", guests=[{"name": "a"}, {"name": "b", "corse": 1}])
    assert message.startswith("guests[1] (b): unknown option corse. Supported parameters include: acpi, affinity, ")


@pytest.mark.parametrize(
    ("guests", "message"),
    [
        (
            [{"name": "fine"}, {"name": "a", "disks": {"foo0": "x"}}, {"name": "b", "memory": "lots"}],
            "Nothing was changed. 2 of 3 guests could not be brought to their wish:\n"
            "- guests[1] (a): Option 'disks': 'foo0' is no drive. "
            "Drives are efidisk0, ide0-3, sata0-5, scsi0-30, tpmstate0, virtio0-15.\n"
            "- guests[2] (b): Option 'memory': 'lots' is not a size such as 512M or 32G",
        ),
        (
            [{"name": "fine"}, {"vmid": 9001}, {"name": "debian-12"}],
            "Option 'guests': guests[1] (9001) and guests[2] (debian-12) are the same guest, vmid 9001. "
            "List each guest once.",
        ),
        (
            [{"name": "a", "vmid_range": [9000, 9001]}],
            "1 of 1 guests could not be brought to their wish:\n- guests[0] (a): There is no free vmid from 9000 to "
            "9001. Remove guests you no longer need, or give a wider vmid_range.",
        ),
    ],
    ids=["wrong values", "one guest twice", "no id"],
)
def test_refused_before_the_first_write(modules: Modules, guests: list[dict[str, Any]], message: str) -> None:
    assert modules.message("vms", guests=guests) == message


def test_too_few_ids_for_all(modules: Modules) -> None:
    result = modules.run("vms", defaults={**TEMPLATE, "vmid_range": [200, 201]}, guests=guests(3))
    assert result["msg"].splitlines()[1:] == [
        "- guests[2] (vm2): There is no free vmid from 200 to 201. "
        "Remove guests you no longer need, or give a wider vmid_range."
    ]
    assert [guest.get("vmid") for guest in result["guests"]] == [200, 201, None]


def test_nothing_is_nothing(modules: Modules) -> None:
    assert modules.unchanged("vms", guests=[])["guests"] == []


def test_secrets_stay_secret(modules: Modules) -> None:
    own = {"name": "b", "cipassword": "my own"}
    made = modules.ok("vms", defaults={"cipassword": "shared secret"}, guests=[*guests(1), own])
    assert [guest["diff"]["after"]["cipassword"] for guest in made["guests"]] == ["********", "********"]
    assert "shared secret" not in str(made)
    assert "my own" not in str(made)


def test_when_the_node_is_lost_the_rest_is_not_begun(modules: Modules) -> None:
    """Nobody waits for every single guest until a dead node is noticed."""
    result = modules.run("vms", defaults=TEMPLATE, guests=guests(2), token_secret="wrong")
    assert result["msg"].startswith("127.0.0.1 does not accept the login: ")
    assert len(modules.lab.requests()) <= 2


# What PVE names when none of them is there.
ANY_CONFIG = " or ".join(
    f"VM.Config.{name}" for name in ("Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit")
)


def test_least_privileges(modules: Modules) -> None:
    """Those of module vm, on each VM: what is missing on one concerns that one only."""
    modules.ok(
        "vms", defaults={"clone": "debian-12"}, guests=[{"name": "one", "vmid": 200}, {"name": "two", "vmid": 201}]
    )
    wish: dict[str, Any] = {"defaults": {"cores": 2, "state": "started"}, "guests": [{"vmid": 200}, {"vmid": 201}]}
    enough, path = ["VM.Audit", "VM.Config.CPU", "VM.PowerMgmt"], "/nodes/father/qemu"
    reasons = {
        "VM.Audit": "The guest with vmid 201 is hidden from the login. Grant VM.Audit on /vms/201 to the user, and to "
        "the token if it has privilege separation.",
        "VM.Config.CPU": f"Cannot set cores of vm 201 (two): PUT {path}/201/config: "
        f"{denied(ANY_CONFIG, '/vms/201')}\nNot done: start vm 201 (two).",
        "VM.PowerMgmt": f"Cannot start vm 201 (two): POST {path}/201/status/start: "
        f"{denied('VM.PowerMgmt', '/vms/201')}\nAlready done: set cores of vm 201 (two).",
    }
    for missing, reason in reasons.items():
        left = [name for name in enough if name != missing]
        result = modules.limited({"/vms/200": enough, "/vms/201": left}).run("vms", **wish)
        expected = f"1 of 2 guests could not be brought to their wish:\n- guests[1] (201): {reason}"
        assert result["msg"] == expected
        assert result["guests"][0]["status"] == "running"
    assert modules.limited({"/vms/200": enough, "/vms/201": enough}).ok("vms", **wish)["changed"]


def test_ctrl_c_ends_it_and_the_next_run_goes_on(modules: Modules) -> None:
    """What is under way ends with the request it waits for, the rest is not begun, and nothing is made twice."""
    wish: dict[str, Any] = {"defaults": {"clone": "debian-12"}, "guests": guests(40), "max_parallel": 4}
    modules.lab.api.inject({"kind": "latency", "seconds": 0.2})
    # Ctrl-C is heard, also where the tests run in the background of a shell, which ignores it for them.
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{hear}; from {VMS} import main; main()"
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**modules.lab.options(), **wish}})
    with subprocess.Popen([sys.executable, "-c", code, arguments], stdout=PIPE, stderr=PIPE) as process:
        assert poll(lambda: modules.lab.writes() or None, 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    modules.lab.api.heal()
    made = len(modules.ok("vm_discover")["vms"])
    assert 0 < made < 40
    again = modules.ok("vms", **wish)
    assert sum(not guest["changed"] for guest in again["guests"]) >= made - 4
    assert len({guest["vmid"] for guest in again["guests"]}) == len(modules.ok("vm_discover")["vms"]) == 40


def test_what_nothing_to_do_costs_in_a_cluster(cluster: Modules) -> None:
    """One list more for each node; a guest that moved is found where it is."""
    entries = [{"name": f"vm{number}", "node": node} for number, node in enumerate(["father", "mother", "son"] * 3)]
    disk = {"scsi0": {"storage": "shared", "size": "1G"}}
    made = cluster.ok("vms", defaults={"state": "started", "disks": disk, "vmid_range": [200, 299]}, guests=entries)
    assert [guest["node"] for guest in made["guests"]] == ["father", "mother", "son"] * 3
    cluster.ok("vm", vmid=200, node="son")
    found = cluster.unchanged("vms", defaults={"state": "started"}, guests=guests(9))
    assert found["guests"][0]["node"] == "son"
    assert len(cluster.lab.requests()) == 1 + 9 + 3


@pytest.mark.parametrize("entry", [{"vmid": 300}, {"vmid": 300, "node": "father"}, {"name": "kept"}], ids=str)
def test_what_ha_manages_is_waited_for(cluster: Modules, entry: dict[str, Any]) -> None:
    """A node's list doesn't tell what the HA manager manages; the cluster's does."""
    disk = {"scsi0": {"storage": "shared", "size": "1G"}}
    cluster.ok("vm", vmid=300, name="kept", node="father", disks=disk, ha={}, state="started")
    for state, status in (("stopped", "stopped"), ("started", "running")):
        (guest,) = cluster.converge("vms", defaults={"state": state}, guests=[entry])["guests"]
        assert guest["status"] == status


def test_a_guests_result_is_documented_as_that_of_module_vm() -> None:
    one, many = (yaml.safe_load(importlib.import_module(name).RETURN) for name in (VMS.removesuffix("s"), VMS))
    documented = {name: entry["type"] for name, entry in many["guests"]["contains"].items()}
    assert {name: entry["type"] for name, entry in one.items()}.items() <= documented.items()


def test_what_is_not_set_is_not_echoed(modules: Modules) -> None:
    """Eighty options for each of a hundred guests would be most of the result."""
    code = f"from {VMS} import main; main()"
    wish = {
        "defaults": {"cipassword": "a secret"},
        "guests": [{"name": "a", "cipassword": "mine"}],
        "_ansible_check_mode": True,
    }
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**modules.lab.options(), **wish}})
    done = subprocess.run([sys.executable, "-c", code, arguments], capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)["invocation"]["module_args"]
    assert shown["guests"] == [{"name": "a", "cipassword": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}]
    assert "a secret" not in done.stdout
