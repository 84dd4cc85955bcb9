"""The address of an interface moves to a bridge, and nothing else in the files changes."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.filter.bridge_interfaces import MAIN_FILE, bridge_interfaces, split_stanzas
from hypothesis import given
from hypothesis import strategies as st

BRIDGE = "\tbridge-ports eth0\n\tbridge-stp off\n\tbridge-fd 0\n"
DHCP = "iface vmbr0 inet dhcp\n" + BRIDGE
STATIC = "iface vmbr0 inet static\n\taddress 192.0.2.5/24\n\tgateway 192.0.2.1\n" + BRIDGE
CASES = {
    "cloud image": (
        {MAIN_FILE: "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n"},
        {},
        {
            MAIN_FILE: "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet manual\n\nauto vmbr0\n" + DHCP,
        },
    ),
    "static, with a gateway": (
        {MAIN_FILE: "iface eth0 inet static\n  address 192.0.2.5/24\n  gateway 192.0.2.1\n"},
        {"address": "192.0.2.5/24", "gateway": "192.0.2.1"},
        {MAIN_FILE: "iface eth0 inet manual\n\nauto vmbr0\n" + STATIC},
    ),
    "comments, IPv6 and other interfaces stay": (
        {
            MAIN_FILE: "# first\niface eth0 inet dhcp\n  mtu 1400\n# of eth1\n"
            "iface eth1 inet dhcp\n\niface eth0 inet6 auto\n"
        },
        {},
        {
            MAIN_FILE: "# first\niface eth0 inet manual\n# of eth1\niface eth1 inet dhcp\n\niface eth0 inet6 auto\n\n"
            "auto vmbr0\n" + DHCP
        },
    ),
    "the uplink stands in an included file": (
        {
            MAIN_FILE: "source interfaces.d/*\n",
            "/etc/network/interfaces.d/50-cloud-init": "auto eth0\niface eth0 inet dhcp\n",
        },
        {},
        {
            MAIN_FILE: "source interfaces.d/*\n\nauto vmbr0\n" + DHCP,
            "/etc/network/interfaces.d/50-cloud-init": "auto eth0\niface eth0 inet manual\n",
        },
    ),
    "a bridge with another address is changed in place": (
        {MAIN_FILE: "iface eth0 inet manual\n\nauto vmbr0\n" + STATIC + "\n# end\n"},
        {},
        {MAIN_FILE: "iface eth0 inet manual\n\nauto vmbr0\n" + DHCP + "\n# end\n"},
    ),
    "an uplink without a stanza gets one": (
        {MAIN_FILE: ""},
        {"mac": "bc:24:11:00:00:01"},
        {
            MAIN_FILE: "iface eth0 inet manual\nauto vmbr0\niface vmbr0 inet dhcp\n\thwaddress bc:24:11:00:00:01\n"
            + BRIDGE,
        },
    ),
}


@pytest.mark.parametrize(("files", "options", "expected"), CASES.values(), ids=CASES.keys())
def test_files_that_change(files: dict[str, str], options: dict[str, str], expected: dict[str, str]) -> None:
    assert bridge_interfaces(files, bridge="vmbr0", uplink="eth0", **options) == expected


@pytest.mark.parametrize(("files", "options", "expected"), CASES.values(), ids=CASES.keys())
def test_second_time_changes_nothing(files: dict[str, str], options: dict[str, str], expected: dict[str, str]) -> None:
    assert bridge_interfaces({**files, **expected}, bridge="vmbr0", uplink="eth0", **options) == {}


LINES = st.sampled_from(
    [
        "",
        "# note",
        "auto eth0",
        "iface eth0 inet dhcp",
        "iface eth0 inet6 auto",
        "\tmtu 1400",
        "allow-hotplug eth1",
        "iface lo inet loopback",
        "iface vmbr0 inet dhcp",
        "source interfaces.d/*",
    ]
)


def others(text: str) -> list[str]:
    """The lines of a text that belong to none of our stanzas, blank ones left out."""
    ours = ("iface eth0 inet ", "iface vmbr0 inet ", "auto vmbr0")
    stanzas = [stanza for stanza in split_stanzas(text) if not stanza[0].startswith(ours)]
    return [line for stanza in stanzas for line in stanza if line.strip()]


@given(st.lists(LINES))
def test_other_stanzas_survive_and_it_settles(lines: list[str]) -> None:
    before = {MAIN_FILE: "".join(line + "\n" for line in lines)}
    after = {**before, **bridge_interfaces(before, bridge="vmbr0", uplink="eth0")}
    assert bridge_interfaces(after, bridge="vmbr0", uplink="eth0") == {}
    assert others(after[MAIN_FILE]) == others(before[MAIN_FILE])
