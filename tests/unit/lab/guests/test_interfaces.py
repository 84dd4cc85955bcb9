"""interfaces(5): what the boot brings up by itself, and what it leaves to ifupdown2."""

from __future__ import annotations

import pytest

from lab.guests.interfaces import Plan, plan, render

CARDS = {"lo": "00:00:00:00:00:00", "eth0": "bc:24:11:00:00:01", "eno1": "bc:24:11:00:00:02"}

STATIC = """
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 10.99.0.7/24
    gateway 10.99.0.1
    dns-nameservers 10.99.0.1
"""

BRIDGE = """
# the card itself has no address
iface eno1 inet manual
auto vmbr0
iface vmbr0 inet static
    address 10.99.0.2/24
    bridge-ports eno1
    bridge-stp off
    bridge-fd 0
source /etc/network/interfaces.d/*
"""

UNDERSTOOD = [
    pytest.param(
        STATIC,
        Plan(
            [
                "link set lo up",
                "addr add 10.99.0.7/24 dev eth0",
                "link set eth0 up",
                "route add default via 10.99.0.1 dev eth0 proto kernel onlink",
            ],
            [],
        ),
        id="static",
    ),
    pytest.param("auto eth0\niface eth0 inet dhcp\n", Plan(["link set eth0 up"], ["eth0"]), id="dhcp"),
    pytest.param("iface eth0 inet dhcp\n", Plan([], []), id="not-auto"),
    pytest.param(
        BRIDGE,
        Plan(
            [
                "link add vmbr0 type bridge stp_state 0 forward_delay 0",
                "link set vmbr0 address bc:24:11:00:00:02",
                "link set eno1 master vmbr0",
                "link set eno1 up",
                "addr add 10.99.0.2/24 dev vmbr0",
                "link set vmbr0 up",
            ],
            [],
        ),
        id="bridge-keeps-the-address-of-its-port",
    ),
    pytest.param(
        "auto vmbr0\niface vmbr0 inet manual\n bridge-ports none\n",
        Plan(["link add vmbr0 type bridge stp_state 0 forward_delay 0", "link set vmbr0 up"], []),
        id="bridge-without-ports",
    ),
]

UNDERSTOOD += [
    pytest.param(
        "auto eth0\niface eth0 inet6 static\n    address fd00::2/64\n    gateway fd00::1\n",
        Plan(
            [
                "addr add fd00::2/64 dev eth0",
                "link set eth0 up",
                "route add default via fd00::1 dev eth0 proto kernel onlink",
            ],
            [],
        ),
        id="inet6",
    ),
]

LEFT_TO_IFUPDOWN = [
    pytest.param("auto eth0\niface eth0 inet dhcp\n    mtu 9000\n", id="unknown-option"),
    pytest.param("auto eth0\niface eth0 inet static\n    address 10.0.0.1\n    netmask 255.0.0.0\n", id="netmask"),
    pytest.param("auto eth0\niface eth0 inet static\n    address 10.0.0.1\n", id="no-prefix"),
    pytest.param("auto eth0\niface eth0 inet6 dhcp\n", id="inet6-dhcp"),
    pytest.param("auto bond0\niface bond0 inet manual\n", id="absent-card"),
    pytest.param("auto vmbr0\niface vmbr0 inet manual\n    bridge-ports eth9\n", id="absent-port"),
    pytest.param("auto vmbr0\niface vmbr0 inet manual\n    bridge-ports eth0\n    bridge-stp on\n", id="stp"),
    pytest.param("auto eth0\niface eth0 inet static\n address 1.1.1.1/8\n address 2.2.2.2/8\n", id="two-addresses"),
    pytest.param("mapping eth0\n    script x\n", id="mapping"),
]


def test_only_some_interfaces_are_brought_up() -> None:
    text = "auto eth0\niface eth0 inet dhcp\nauto lo\niface lo inet loopback\n"
    assert plan(text, {**CARDS, "lo": ""}, ["eth0"]) == Plan(["link set eth0 up"], ["eth0"])


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD)
def test_what_is_understood_is_brought_up_directly(text: str, expected: Plan) -> None:
    assert plan(text, CARDS) == expected


@pytest.mark.parametrize("text", LEFT_TO_IFUPDOWN)
def test_everything_else_is_left_to_ifupdown(text: str) -> None:
    assert plan(text, CARDS) is None


@pytest.mark.parametrize(
    "nics",
    [
        [("eth0", "dhcp", None)],
        [("eth0", "10.99.0.7/24", "10.99.0.1")],
        [("eth0", "10.99.0.7/24", None), ("eno1", None, None)],
    ],
)
def test_what_cloud_init_writes_is_understood(nics: list[tuple[str, str | None, str | None]]) -> None:
    assert plan(render(nics), CARDS) is not None
