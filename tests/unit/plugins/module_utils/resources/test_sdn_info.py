"""What the software defined network is, and what of it waits. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_info import info, waiting

from .reading import Table

ZONES = "/cluster/sdn/zones"
VNETS = "/cluster/sdn/vnets"
CONTROLLERS = "/cluster/sdn/controllers"
SUBNETS = f"{VNETS}/v1/subnets"
CIDR = "10.50.0.0/24"
SUBNET = {"subnet": "z1-10.50.0.0-24", "cidr": CIDR, "vnet": "v1", "type": "subnet", "snat": 0, "dhcp-range": []}

FABRICS = "/cluster/sdn/fabrics/all"
SPINE = {"id": "spine", "protocol": "openfabric", "ip_prefix": "10.30.0.0/24"}


class Views(Table):
    """Lists by path, and what is pending of them by path with a question mark."""

    def get(self, path: str, params: Any = None) -> Any:
        return super().get(f"{path}?" if params else path)


VIEWS = Views(
    {
        ZONES: [{"zone": "z1", "type": "simple", "mtu": 1400}],
        f"{ZONES}?": [
            {"zone": "z0", "type": "vlan", "bridge": "vmbr0", "state": "deleted", "pending": {}},
            {"zone": "z1", "type": "simple", "mtu": 1500, "state": "changed", "pending": {"mtu": 1400}},
        ],
        VNETS: [{"vnet": "v1", "type": "vnet", "zone": "z1"}],
        f"{VNETS}?": [
            {"vnet": "v0", "type": "vnet", "zone": "z0", "state": "deleted", "pending": {}},
            {"vnet": "v1", "type": "vnet", "state": "new", "pending": {"zone": "z1"}},
        ],
        SUBNETS: [SUBNET],
        # What PVE answers about a value that is 0 and applied: pending, but in no state.
        f"{SUBNETS}?": [{**SUBNET, "pending": {"snat": None}}],
        CONTROLLERS: [],
        f"{CONTROLLERS}?": [],
        FABRICS: {"fabrics": [SPINE], "nodes": []},
        # What is new has its id among what is pending.
        f"{FABRICS}?": {
            "fabrics": [{"state": "new", "pending": SPINE}],
            "nodes": [{"fabric_id": "spine", "node_id": "son", "state": "deleted", "pending": {}}],
        },
        "/cluster/sdn/dns": [{"dns": "names", "type": "powerdns", "url": "u", "key": "secret"}],
        "/cluster/sdn/ipams": [{"ipam": "pve", "type": "pve"}],
        "/cluster/sdn/ipams/pve/status": [
            {"zone": "z1", "vnet": "v1", "subnet": CIDR, "ip": "10.50.0.10", "mac": "AA"},
            {"zone": "z1", "vnet": "v1", "subnet": CIDR, "ip": "10.50.0.9", "mac": "BB"},
        ],
    }
)


def test_what_is_edited_with_its_state() -> None:
    assert info(VIEWS, {}) == {
        "changed": False,
        "zones": [
            {"zone": "z0", "type": "vlan", "bridge": "vmbr0", "state": "deleted"},
            {"zone": "z1", "type": "simple", "mtu": 1400, "state": "changed"},
        ],
        "vnets": [
            {"vnet": "v0", "zone": "z0", "state": "deleted"},
            {"vnet": "v1", "zone": "z1", "state": "new"},
        ],
        "subnets": [
            {
                "subnet": CIDR,
                "id": "z1-10.50.0.0-24",
                "vnet": "v1",
                "snat": False,
                "dhcp_range": [],
                "state": "applied",
            }
        ],
        "controllers": [],
        "fabrics": [{**SPINE, "state": "new"}],
        "fabric_nodes": [{"fabric_id": "spine", "node_id": "son", "state": "deleted"}],
        "dns": [{"dns": "names", "type": "powerdns", "url": "u"}],
        "ipams": [{"ipam": "pve", "type": "pve"}],
        "addresses": [
            {"vnet": "v1", "zone": "z1", "subnet": CIDR, "ip": "10.50.0.9", "mac": "BB"},
            {"vnet": "v1", "zone": "z1", "subnet": CIDR, "ip": "10.50.0.10", "mac": "AA"},
        ],
        "pending": True,
    }


def test_what_waits() -> None:
    assert waiting(VIEWS) == {
        "fabric node spine/son": "deleted",
        "fabric spine": "new",
        "vnet v0": "deleted",
        "vnet v1": "new",
        "zone z0": "deleted",
        "zone z1": "changed",
    }


def test_nothing_waits() -> None:
    lists = (ZONES, VNETS, CONTROLLERS, "/cluster/sdn/dns", "/cluster/sdn/ipams", "/cluster/sdn/ipams/pve/status")
    nothing: dict[str, Any] = {**{path: [] for path in lists}, **{f"{path}?": [] for path in lists}}
    # Before version 9 there are no fabrics.
    nothing |= dict.fromkeys((FABRICS, f"{FABRICS}?"), PveError("GET", FABRICS, 501, "not implemented"))
    assert waiting(Views(nothing)) == {}
    assert info(Views(nothing), {})["pending"] is False
