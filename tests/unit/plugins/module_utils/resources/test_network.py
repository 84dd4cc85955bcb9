"""A node's network as a whole: what waits, and its end. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import info, plan, sides, waiting

from .reading import Table

PATH, FILE = "/nodes/father/network", "/etc/network/interfaces"
CHANGES = (
    "--- /etc/network/interfaces\t2026-11-20 12:27:43.121807037 +0000\n"
    "+++ /etc/network/interfaces.new\t2026-11-20 12:46:19.561610910 +0000\n"
    "@@ -24,4 +24,4 @@\n auto vmbr5\n-\taddress 10.55.0.1/24\n+\taddress 10.55.0.2/24\n"
)
OLD, NEW = ["auto vmbr5", "\taddress 10.55.0.1/24"], ["auto vmbr5", "\taddress 10.55.0.2/24"]
VMBR5 = {"iface": "vmbr5", "type": "bridge", "bridge_ports": "", "active": 1, "method": "static"}


class Telling(Table):
    """A table that tells what stands beside the data."""

    def __init__(self, answers: dict[str, Any], beside: dict[str, Any]) -> None:
        super().__init__(answers)
        self.beside = beside

    def whole(self, path: str) -> tuple[Any, dict[str, Any]]:
        """The answer, and the same beside each."""
        return self.get(path), self.beside


def test_the_two_sides_of_a_difference() -> None:
    assert sides(CHANGES) == (OLD, NEW)


@pytest.mark.parametrize(
    ("wish", "verb", "params", "before", "after"),
    [
        ({"state": "applied"}, "PUT", {}, OLD, NEW),
        ({"state": "applied", "regenerate_frr": False}, "PUT", {"regenerate-frr": 0}, OLD, NEW),
        ({"state": "reverted"}, "DELETE", {}, NEW, OLD),
    ],
)
def test_the_step(wish: dict[str, Any], verb: str, params: dict[str, Any], before: list[str], after: list[str]) -> None:
    made = plan({"node": "father", **wish}, CHANGES)
    (step,) = made.steps
    assert (step.verb, step.path, step.params) == (verb, PATH, params)
    assert (made.before, made.after) == ({FILE: before}, {FILE: after})


def test_nothing_waits() -> None:
    assert not plan({"node": "father", "state": "applied"}, "").changed


def test_not_told_is_not_nothing() -> None:
    with pytest.raises(ConfigError) as caught:
        plan({"node": "father", "state": "applied"}, None)
    assert str(caught.value) == (
        "Cannot tell whether changes of node father's network wait: Proxmox VE tells what waits over HTTPS only. "
        "Set transport: https."
    )


def test_what_waits() -> None:
    assert waiting(Table({PATH: [VMBR5]}), "father") == ([VMBR5], None)
    assert waiting(Telling({PATH: []}, {}), "father") == ([], "")
    assert waiting(Telling({PATH: []}, {"changes": CHANGES}), "father") == ([], CHANGES)


def test_what_network_info_answers() -> None:
    found = info(Telling({PATH: [VMBR5, {**VMBR5, "iface": "a"}]}, {}), {"node": "father", "iface": "vmbr5"})
    shown = {"iface": "vmbr5", "type": "bridge", "bridge_ports": [], "active": True, "exists": False}
    assert found == {"changed": False, "interfaces": [{**shown, "method": "static"}], "changes": ""}
