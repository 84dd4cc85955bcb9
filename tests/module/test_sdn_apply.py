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


def test_bad_input(modules: Modules) -> None:
    assert modules.message("sdn_apply", state="present") == (
        "value of state must be one of: applied, rolled_back, got: present"
    )


def test_least_privileges(edited: Modules) -> None:
    needed = {"/sdn": ["SDN.Allocate"]}
    limited = edited.limited({"/sdn/zones": ["SDN.Audit"]}).run("sdn_apply")
    assert limited["msg"].endswith(denied("SDN.Allocate", "/sdn"))
    edited.limited(needed).converge("sdn_apply")
