"""What a guest is started with, worked out from its specification."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.guests.driver import GuestSpec, Nic
from lab.guests.host import gratuitous
from lab.guests.machine import (
    NODE_LIBRARY,
    boot_document,
    card_name,
    instance_id,
    missing_bridge,
    plug_lines,
    with_node_dns,
)

CARD = Nic("eth0", "BC:24:11:00:00:01", "vmbr0", "dhcp")
SPEC = GuestSpec(vmid=100, name="vm", kind="qemu", disk=Path("/volumes/vm-100-disk-0"), hostname="vm", nics=(CARD,))
RESOLV_CONF = (
    "# made by the node\ndomain ignored.example\nsearch lab.internal\nnameserver 10.99.0.1\nnameserver 9.9.9.9\n"
)


@pytest.mark.parametrize(("kind", "name"), [("qemu", "tap100i1"), ("lxc", "veth100i1")])
def test_cards_are_named_as_pve_names_them(kind: str, name: str) -> None:
    assert card_name(replace(SPEC, kind=kind), 1) == name


def test_cards_are_plugged_into_their_bridge() -> None:
    assert plug_lines(SPEC, 4711) == [
        "link add tap100i0 address fe:24:11:00:00:01 type veth peer name eth0 address BC:24:11:00:00:01 netns 4711",
        "link set tap100i0 master vmbr0 up",
    ]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"boot_id": "other"}, True),
        ({"disk": Path("/elsewhere")}, True),
        ({"nics": (replace(CARD, bridge="vmbr1"),)}, True),
        ({"nics": (replace(CARD, mac=CARD.mac.lower()),)}, True),
        ({"hostname": "other"}, False),
        ({"ssh_keys": ("ssh-ed25519 AAAA",)}, False),
        ({"password": "$6$x"}, False),
        ({"nics": (replace(CARD, address="10.99.0.9/24"),)}, False),
    ],
)
def test_the_instance_changes_with_what_cloud_init_is_told(change: dict[str, object], same: bool) -> None:
    assert (instance_id(replace(SPEC, **change)) == instance_id(SPEC)) is same  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("10.99.0.1 9.9.9.9", "lab.internal")),
        ({"nameserver": "1.1.1.1"}, ("1.1.1.1", None)),
        ({"searchdomain": "example.org"}, (None, "example.org")),
    ],
)
def test_dns_falls_back_to_the_nodes(given: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    spec = with_node_dns(replace(SPEC, **given), RESOLV_CONF)  # type: ignore[arg-type]
    assert (spec.nameserver, spec.searchdomain) == expected


def test_a_node_without_dns_gives_none() -> None:
    assert with_node_dns(SPEC, "").nameserver is None


def test_every_boot_has_an_identity_of_its_own() -> None:
    first, second = (boot_document(SPEC, NODE_LIBRARY, rootless=False)["boot_id"] for _ in range(2))
    assert first != second


def test_a_missing_bridge_is_named(tmp_path: Path) -> None:
    (tmp_path / "vmbr0" / "bridge").mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    assert missing_bridge((CARD,), tmp_path) is None
    assert missing_bridge((CARD, replace(CARD, bridge="vmbr7")), tmp_path) == "vmbr7"
    assert missing_bridge((replace(CARD, bridge="eth0"),), tmp_path) == "eth0"


def test_secrets_do_not_show_in_a_specification() -> None:
    assert "$6$" not in repr(replace(SPEC, password="$6$secret"))


def test_an_address_is_announced_as_a_request_for_itself() -> None:
    frame = gratuitous(CARD.mac, "10.99.0.5")
    mac, address = bytes.fromhex("bc2411000001"), bytes([10, 99, 0, 5])
    assert frame[:14] == b"\xff" * 6 + mac + b"\x08\x06"
    assert frame[20:42] == b"\0\1" + mac + address + b"\0" * 6 + address
