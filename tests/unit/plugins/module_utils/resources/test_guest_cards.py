"""Which guests are on a bridge. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_cards import cards_on, users

from .reading import Table, row

PLAIN = {
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1",
    "net1": "virtio=BC:24:11:00:00:02,bridge=vmbr10",
    "net10": "name=eth0,bridge=vmbr1",
    "description": "net0: bridge=vmbr1",
}


def test_cards() -> None:
    assert cards_on(PLAIN, "vmbr1") == ["net0", "net10"]
    assert cards_on(PLAIN, "vmbr") == []


@pytest.fixture
def read() -> Table:
    """Three guests, one of which moves away meanwhile."""
    rows = [row(100, "a"), row(101, "b", node="mother", type="lxc"), row(102, "c")]
    gone = PveError("GET", "", 500, "Configuration file 'nodes/father/qemu-server/102.conf' does not exist")
    configs = {"/nodes/father/qemu/100/config": PLAIN, "/nodes/mother/lxc/101/config": {"net0": "bridge=vmbr1"}}
    return Table({"/cluster/resources": rows, "/nodes/father/qemu/102/config": gone, **configs})


def test_users(read: Table) -> None:
    on_father = ("net0 of vm 100 (a)", "net10 of vm 100 (a)")
    assert users(read, "vmbr1", "father") == on_father
    assert users(read, "vmbr1") == (*on_father, "net0 of container 101 (b)")


def test_not_being_able_to_see_is_no_no(read: Table) -> None:
    read.answers["/nodes/father/qemu/100/config"] = PveError("GET", "", 500, "broken")
    with pytest.raises(PveError, match="broken"):
        users(read, "vmbr1")
