"""Module sdn_apply against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules, denied


@pytest.fixture
def edited(modules: Modules) -> Modules:
    """The modules, with a network that waits to be applied."""
    modules.ok("sdn_zone", zone="inner", type="simple")
    modules.ok("sdn_vnet", vnet="v1", zone="inner")
    modules.ok("sdn_subnet", vnet="v1", subnet="10.50.0.0/24")
    return modules


def test_twelve_steps(edited: Modules) -> None:
    applied = edited.converge("sdn_apply")
    assert applied["plan"] == ["apply the changes of subnet 10.50.0.0/24, vnet v1, zone inner"]
    assert applied["pending"] == {}
    edited.ok("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", gateway="10.50.0.1")
    changed = edited.converge("sdn_apply")
    assert changed["diff"] == {"before": {"subnet 10.50.0.0/24": "changed"}, "after": {}}


def test_what_is_applied_can_be_edited_and_removed(edited: Modules) -> None:
    edited.ok("sdn_apply")
    edited.converge("sdn_zone", zone="inner", mtu=1400)
    edited.converge("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", state="absent")
    edited.converge("sdn_vnet", vnet="v1", state="absent")
    edited.converge("sdn_zone", zone="inner", state="absent")
    edited.converge("sdn_zone", zone="inner", type="simple")
    assert edited.ok("sdn_apply", check=True)["diff"]["before"] == {"vnet v1": "deleted"}
    edited.converge("sdn_apply")


def test_edits_are_taken_back(edited: Modules) -> None:
    edited.ok("sdn_apply")
    edited.ok("sdn_zone", zone="inner", mtu=1400)
    taken_back = edited.converge("sdn_apply", state="rolled_back")
    assert taken_back["plan"] == ["take back the changes of zone inner"]
    edited.converge("sdn_zone", zone="inner", mtu=1400)


def test_nothing_waits(modules: Modules) -> None:
    assert modules.unchanged("sdn_apply")["plan"] == ["nothing waits to be applied"]
    assert modules.ok("sdn_apply", force=True)["changed"]


def test_who_has_the_lock_edits_and_applies(edited: Modules) -> None:
    token = edited.ok("sdn_apply", state="locked", allow_pending=True)["lock_token"]
    said = edited.run("sdn_zone", zone="other", type="simple")["msg"]
    assert said.splitlines()[-1] == (
        "Somebody holds the lock of the software defined network. Wait until it is released, or give its lock_token; "
        "sdn_apply with state: unlocked and force: true breaks a lock whose token is lost."
    )
    for name, wish in (
        ("sdn_zone", {"zone": "other", "type": "simple"}),
        ("sdn_zone", {"zone": "other", "mtu": 1400}),
        ("sdn_zone", {"zone": "other", "state": "absent"}),
        ("sdn_subnet", {"vnet": "v1", "subnet": "10.50.0.0/24", "snat": True}),
        ("sdn_fabric", {"id": "spine", "protocol": "openfabric"}),
        ("sdn_dns", {"dns": "names", "type": "powerdns", "url": "u", "key": "k"}),
    ):
        edited.converge(name, **wish, lock_token=token)
    assert "invalid lock token" in edited.run("sdn_apply")["msg"]
    assert edited.ok("sdn_apply", lock_token=token)["changed"]
    edited.ok("sdn_zone", zone="other", type="simple")


def test_a_lock_is_released(modules: Modules) -> None:
    assert "lock_token" not in modules.ok("sdn_apply", check=True, state="locked")
    first = modules.ok("sdn_apply", state="locked")["lock_token"]
    assert modules.ok("sdn_apply", lock_token=first)["plan"] == [
        "unlock the software defined network: nothing waits to be applied"
    ]
    second = modules.ok("sdn_apply", state="locked")["lock_token"]
    assert "invalid lock token" in modules.run("sdn_apply", state="unlocked")["msg"]
    modules.ok("sdn_apply", state="unlocked", lock_token=second)
    modules.ok("sdn_apply", state="locked")
    modules.ok("sdn_apply", state="unlocked", force=True)
    modules.ok("sdn_zone", zone="inner", type="simple")


def test_what_others_have_edited_is_not_locked_unless_meant(edited: Modules) -> None:
    said = edited.run("sdn_apply", state="locked")["msg"]
    assert said.splitlines()[-1] == "Apply them or take them back first, or set allow_pending."


def test_fabrics_are_applied(modules: Modules) -> None:
    modules.ok("sdn_fabric", id="spine", protocol="openfabric", ip_prefix="10.30.0.0/24")
    modules.ok("sdn_fabric_node", fabric_id="spine", node_id="father", ip="10.30.0.1")
    applied = modules.converge("sdn_apply")
    assert applied["plan"] == ["apply the changes of fabric node spine/father, fabric spine"]


def test_bad_input(modules: Modules) -> None:
    assert modules.message("sdn_apply", state="present") == (
        "value of state must be one of: applied, rolled_back, locked, unlocked, got: present"
    )


def test_least_privileges(edited: Modules) -> None:
    needed = {"/sdn": ["SDN.Allocate"]}
    limited = edited.limited({"/sdn/zones": ["SDN.Audit"]}).run("sdn_apply")
    assert limited["msg"].endswith(denied("SDN.Allocate", "/sdn"))
    edited.limited(needed).converge("sdn_apply")
