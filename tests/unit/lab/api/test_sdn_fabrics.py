"""Fabrics of the software defined network, and the addresses it keeps itself."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Client

FABRICS, NODES, IPS = "/cluster/sdn/fabrics/fabric", "/cluster/sdn/fabrics/node/spine", "/cluster/sdn/vnets/v1/ips"
SPINE: dict[str, Any] = {"id": "spine", "protocol": "openfabric", "ip_prefix": "10.30.0.0/24"}
NODE: dict[str, Any] = {"node_id": "father", "protocol": "openfabric", "ip": "10.30.0.1"}


def refused(client: Client, method: str, path: str, **values: Any) -> str:
    answer = client.ask(method, path, **values)
    assert answer.status_code == 500
    return str(answer.json()["message"]).strip()


def test_a_fabric_waits_until_it_is_applied(client: Client) -> None:
    client.post(FABRICS, **SPINE)
    client.post(NODES, **NODE, interfaces=["name=eno1"])
    waiting = client.get("/cluster/sdn/fabrics/all", pending=1)
    assert [row["state"] for row in (*waiting["fabrics"], *waiting["nodes"])] == ["new", "new"]
    client.put("/cluster/sdn")
    client.put(f"{FABRICS}/spine", protocol="openfabric", hello_interval=5)
    assert client.get(FABRICS, pending=1)[0]["state"] == "changed"
    assert "hello_interval" not in client.get(FABRICS, running=1)[0]
    client.put(f"{FABRICS}/spine", protocol="openfabric", delete=["hello_interval"])
    assert client.get(f"{NODES}/father")["interfaces"] == ["name=eno1"]
    client.delete(f"{FABRICS}/spine")
    assert client.get("/cluster/sdn/fabrics/all") == {"fabrics": [], "nodes": []}


@pytest.mark.parametrize(
    ("method", "path", "values", "words"),
    [
        ("POST", FABRICS, SPINE, "adding fabric failed: fabric 'spine' already exists in config"),
        (
            "POST",
            FABRICS,
            {**SPINE, "id": "other", "ip_prefix": "10.30.0.128/25"},
            "adding fabric failed: IP prefix 10.30.0.128/25 in fabric 'other' overlaps with IPv4 prefix 10.30.0.0/24 "
            "in fabric 'spine'",
        ),
        (
            "POST",
            NODES,
            {**NODE, "ip": "10.31.0.1"},
            "adding node failed: node IP 10.31.0.1 is outside the IP prefix 10.30.0.0/24 of the fabric",
        ),
        ("GET", f"{FABRICS}/none", {}, "fabric 'none' does not exist in configuration"),
        ("GET", f"{NODES}/father", {}, "node 'father' does not exist in fabric 'spine'"),
    ],
)
def test_refusals(client: Client, method: str, path: str, values: dict[str, Any], words: str) -> None:
    client.post(FABRICS, **SPINE)
    assert refused(client, method, path, **values) == words


def test_addresses_are_kept_in_applied_subnets(client: Client) -> None:
    client.post("/cluster/sdn/zones", zone="inner", type="simple", ipam="pve", dhcp="dnsmasq")
    client.post("/cluster/sdn/vnets", vnet="v1", zone="inner")
    client.post("/cluster/sdn/vnets/v1/subnets", subnet="10.50.0.0/24", type="subnet", gateway="10.50.0.1")
    card = {"zone": "inner", "mac": "BC:24:11:00:00:01"}
    client.post(IPS, **card, ip="10.50.0.9")
    assert [row["ip"] for row in client.get("/cluster/sdn/ipams/pve/status")] == ["10.50.0.1"]
    client.put("/cluster/sdn")
    client.post(IPS, **card, ip="10.50.0.9")
    assert refused(client, "POST", IPS, **card, ip="10.50.0.9") == "IP '10.50.0.9' already exist"
    client.put(IPS, **card, ip="10.50.0.10", vmid=104)
    rows = client.get("/cluster/sdn/ipams/pve/status")
    assert [(row["ip"], row.get("vmid"), row.get("gateway")) for row in rows] == [
        ("10.50.0.1", None, 1),
        ("10.50.0.10", 104, None),
    ]
    assert "not empty" in refused(client, "DELETE", "/cluster/sdn/vnets/v1/subnets/inner-10.50.0.0-24")
    client.delete(IPS, **card, ip="10.50.0.10")
    client.delete("/cluster/sdn/vnets/v1/subnets/inner-10.50.0.0-24")
