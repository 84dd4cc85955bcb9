"""Module sdn_info against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules


@pytest.fixture
def edited(modules: Modules) -> Modules:
    """The modules, with a network of which something is applied and something waits."""
    modules.ok("sdn_zone", zone="inner", type="simple")
    modules.ok("sdn_zone", zone="gone", type="simple")
    modules.ok("sdn_vnet", vnet="v1", zone="inner")
    modules.ok("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", snat=False)
    modules.ok("sdn_apply")
    modules.ok("sdn_zone", zone="inner", mtu=1400)
    modules.ok("sdn_zone", zone="gone", state="absent")
    modules.ok("sdn_vnet", vnet="v2", zone="inner", alias="second")
    modules.ok("sdn_controller", controller="routes", type="evpn", asn=65000, peers=["10.99.0.11"])
    return modules


def test_what_is_told(edited: Modules) -> None:
    found = edited.unchanged("sdn_info")
    assert found["zones"] == [
        {"zone": "gone", "type": "simple", "state": "deleted"},
        {"zone": "inner", "type": "simple", "mtu": 1400, "state": "changed"},
    ]
    assert found["vnets"] == [
        {"vnet": "v1", "zone": "inner", "state": "applied"},
        {"vnet": "v2", "zone": "inner", "alias": "second", "state": "new"},
    ]
    (subnet,) = found["subnets"]
    assert (subnet["subnet"], subnet["vnet"], subnet["state"]) == ("10.50.0.0/24", "v1", "applied")
    (controller,) = found["controllers"]
    assert (controller["controller"], controller["peers"], controller["state"]) == ("routes", ["10.99.0.11"], "new")
    assert found["pending"] is True


def test_fabrics_and_services_are_told(modules: Modules) -> None:
    modules.ok("sdn_fabric", id="spine", protocol="openfabric", ip_prefix="10.30.0.0/24")
    modules.ok("sdn_fabric_node", fabric_id="spine", node_id="father", ip="10.30.0.1")
    modules.ok("sdn_dns", dns="names", type="powerdns", url="u", key="verySecret")
    found = modules.unchanged("sdn_info")
    spine = {"id": "spine", "protocol": "openfabric", "ip_prefix": "10.30.0.0/24"}
    assert found["fabrics"] == [{**spine, "state": "new"}]
    (node,) = found["fabric_nodes"]
    assert (node["fabric_id"], node["node_id"], node["ip"], node["state"]) == ("spine", "father", "10.30.0.1", "new")
    assert found["dns"] == [{"dns": "names", "type": "powerdns", "url": "u"}]
    assert found["ipams"] == [{"ipam": "pve", "type": "pve"}]
    modules.ok("sdn_apply")
    modules.ok("sdn_fabric", id="spine", state="absent")
    assert modules.ok("sdn_info")["fabrics"] == [{**spine, "state": "deleted"}]


def test_nothing_is_there(modules: Modules) -> None:
    found = modules.ok("sdn_info")
    assert [found[kind] for kind in ("zones", "vnets", "subnets", "controllers")] == [[], [], [], []]
    assert found["pending"] is False


def test_least_privileges(edited: Modules) -> None:
    for privilege in ("SDN.Audit", "SDN.Allocate"):
        found = edited.limited({"/sdn/zones/inner": [privilege]}).ok("sdn_info")
        assert [row["zone"] for row in found["zones"]] == ["inner"]
        assert [row["vnet"] for row in found["vnets"]] == ["v1", "v2"]
        assert found["controllers"] == []
    assert edited.limited({"/sdn": ["SDN.Use"]}).ok("sdn_info")["zones"] == []
