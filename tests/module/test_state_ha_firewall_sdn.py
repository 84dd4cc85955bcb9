"""Documents of the HA manager, the firewall and the software defined network: exported as they were declared."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.state import catalog_firewall

from lab.api.serving import ServedLab

from .conftest import Modules, hurried

HA: dict[str, Any] = {
    "resources": [
        {"sid": "ct:102", "state": "stopped", "failback": False},
        {"sid": "vm:100", "state": "stopped", "max_relocate": 3, "comment": "web"},
        {"sid": "vm:101", "state": "ignored"},
    ],
    "rules": [
        {"rule": "apart", "type": "resource-affinity", "affinity": "negative", "resources": ["vm:100", "vm:101"]},
        {
            "rule": "near",
            "type": "node-affinity",
            "nodes": ["father:2", "mother:1"],
            "resources": ["ct:102"],
            "strict": True,
            "comment": "where its disk is",
        },
    ],
}

WEB = {"type": "in", "action": "ACCEPT", "macro": "HTTPS", "enable": True, "source": "+dc/offices", "comment": "web"}

FIREWALL: dict[str, Any] = {
    "aliases": [
        {"level": "cluster", "name": "gateway", "cidr": "10.99.0.1", "comment": "to the world"},
        {"level": "guest", "vmid": 100, "name": "backend", "cidr": "10.50.0.0/24"},
    ],
    "ipsets": [
        {
            "level": "cluster",
            "name": "offices",
            "members": [{"cidr": "10.1.0.0/16", "comment": "north"}, {"cidr": "10.1.9.9", "nomatch": True}],
        },
        {"level": "guest", "vmid": 100, "name": "peers", "members": [{"cidr": "10.50.0.7"}]},
    ],
    "groups": [{"group": "webserver", "comment": "what serves pages", "rules": [WEB]}],
    "rules": [
        {
            "level": "cluster",
            "rules": [
                {"type": "in", "action": "ACCEPT", "enable": True, "source": "dc/gateway"},
                {"type": "in", "action": "DROP", "enable": False, "proto": "tcp", "dport": "23", "log": "info"},
            ],
        },
        {
            "level": "guest",
            "vmid": 100,
            "rules": [
                {"type": "group", "action": "webserver", "enable": True, "iface": "net0"},
                {"type": "in", "action": "ACCEPT", "enable": True, "source": "+guest/peers"},
            ],
        },
        {"level": "node", "node": "mother", "rules": [{"type": "out", "action": "REJECT", "enable": True}]},
        {"level": "vnet", "vnet": "blue", "rules": [{"type": "forward", "action": "ACCEPT", "enable": True}]},
    ],
    "options": [
        {"level": "cluster", "policy_in": "ACCEPT", "log_ratelimit": {"enable": True, "rate": "5/second"}},
        {"level": "guest", "vmid": 100, "enable": True, "policy_out": "REJECT", "log_level_in": "info"},
        {"level": "node", "node": "father", "nf_conntrack_max": 300000, "enable": False},
        {"level": "vnet", "vnet": "blue", "enable": True, "policy_forward": "DROP"},
    ],
}

SDN: dict[str, Any] = {
    "fabrics": [{"id": "spine", "protocol": "openfabric", "ip_prefix": "10.77.0.0/24", "hello_interval": 5.0}],
    "fabric_nodes": [
        {
            "fabric_id": "spine",
            "node_id": "father",
            "protocol": "openfabric",
            "ip": "10.77.0.1",
            "interfaces": [{"name": "eno1"}],
        }
    ],
    "controllers": [{"controller": "evpnctl", "type": "evpn", "asn": 65000, "peers": ["10.99.0.10", "10.99.0.11"]}],
    "zones": [
        {"zone": "plain", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq"},
        {"zone": "tagged", "type": "vlan", "bridge": "vmbr0", "mtu": 1450, "nodes": ["father", "mother"]},
    ],
    "vnets": [
        {"vnet": "blue", "zone": "plain", "alias": "guests"},
        {"vnet": "red", "zone": "tagged", "tag": 30, "vlanaware": True},
    ],
    "subnets": [
        {
            "vnet": "blue",
            "subnet": "10.60.0.0/24",
            "gateway": "10.60.0.1",
            "snat": True,
            "dhcp_range": [{"start-address": "10.60.0.50", "end-address": "10.60.0.99"}],
        }
    ],
}

NAMES = {"sdn": SDN, "ha": HA, "firewall": FIREWALL}
KINDS = [f"{name}.{part}" for name, parts in NAMES.items() for part in parts]


@pytest.fixture
def guests(cluster: Modules) -> Modules:
    """The cluster with guests to protect."""
    for vmid in (100, 101):
        cluster.ok("vm", vmid=vmid, node="father", name=f"web{vmid}", memory=256, state="stopped")
    cluster.container(102)
    return cluster


def exported(modules: Modules, only: list[str] | None = None) -> dict[str, Any]:
    """What there is of these kinds."""
    document: dict[str, Any] = modules.ok("state_info", only=only or KINDS)["document"]
    return {name: document[name] for name in NAMES if name in document}


def verbs(result: dict[str, Any]) -> dict[str, str]:
    """By kind and name: what is done about it."""
    return {f"{row['kind']} {row['id']}": row["action"] for row in result["actions"]}


def test_export_is_what_was_declared_and_plans_nothing(guests: Modules) -> None:
    guests.ok("state", document=NAMES)
    assert exported(guests) == NAMES
    second = guests.ok("state", document=exported(guests), check=True)
    assert set(verbs(second).values()) == {"no-op"}
    assert not second["changed"]


def test_entries_of_the_same_thing_in_other_words(guests: Modules) -> None:
    """A level that isn't said is the cluster's, a guest's id is enough, and names of aliases have no case."""
    guests.ok("state", document=NAMES)
    words = {
        "ha": {"resources": [{"sid": "100", "max_relocate": 3}]},
        "firewall": {"aliases": [{"name": "GATEWAY", "cidr": "10.99.0.1/32"}], "options": [{"policy_in": "ACCEPT"}]},
        "sdn": {"subnets": [{"vnet": "blue", "subnet": "10.60.0.0/24"}]},
    }
    assert verbs(guests.ok("state", document=words, check=True)) == {
        "ha.resources 100": "no-op",
        "firewall.aliases cluster/gateway": "no-op",
        "firewall.options cluster": "no-op",
        "sdn.subnets blue/10.60.0.0/24": "no-op",
    }


def test_groups_of_the_release_before(lab_8_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> None:
    """Groups name their guests, so that the document makes rules of them on Proxmox VE 9."""
    modules = Modules(hurried(lab_8_api), capsys)
    modules.ok("vm", vmid=100, node="father", name="web", memory=256, state="stopped")
    declared = {
        "resources": [{"sid": "vm:100", "state": "stopped"}],
        "groups": [{"group": "near", "nodes": ["father:2", "mother"], "restricted": True, "resources": ["vm:100"]}],
    }
    modules.ok("state", document={"ha": declared})
    assert exported(modules, ["ha.resources", "ha.rules", "ha.groups"]) == {"ha": declared}
    assert not modules.ok("state", document={"ha": declared}, check=True)["changed"]


def test_groups_become_rules(guests: Modules) -> None:
    groups = [{"group": "near", "nodes": ["father"], "resources": ["vm:100"], "restricted": True}]
    guests.ok("state", document={"ha": {"resources": [{"sid": "vm:100", "state": "stopped"}], "groups": groups}})
    rule = {"rule": "near", "type": "node-affinity", "nodes": ["father"], "resources": ["vm:100"], "strict": True}
    assert exported(guests, ["ha.rules", "ha.groups"]) == {"ha": {"rules": [rule]}}


def test_disarmed_high_availability_is_exported(guests: Modules) -> None:
    assert exported(guests, ["ha.armed"]) == {}
    disarmed = {"ha": {"armed": {"state": "disarmed", "resource_mode": "freeze"}}}
    guests.ok("state", document={"ha": {"resources": [{"sid": "vm:100", "state": "stopped"}]}})
    guests.ok("state", document=disarmed)
    assert exported(guests, ["ha.armed"]) == disarmed
    assert not guests.ok("state", document=disarmed, check=True)["changed"]


def test_keys_to_other_servers_are_placeholders(guests: Modules) -> None:
    guests.ok("sdn_dns", dns="names", type="powerdns", url="http://10.99.0.53:8081/api/v1", key="s3cret")
    guests.ok("sdn_ipam", ipam="box", type="netbox", url="http://10.99.0.54/api", token="t0ken")
    assert exported(guests, ["sdn.dns", "sdn.ipams"]) == {
        "sdn": {
            "dns": [
                {
                    "dns": "names",
                    "type": "powerdns",
                    "url": "http://10.99.0.53:8081/api/v1",
                    "key": "${secret:sdn.dns.names.key}",
                }
            ],
            "ipams": [
                {
                    "ipam": "box",
                    "type": "netbox",
                    "url": "http://10.99.0.54/api",
                    "token": "${secret:sdn.ipams.box.token}",
                }
            ],
        }
    }


def test_what_waits_to_be_applied_is_exported_as_it_will_be(guests: Modules) -> None:
    guests.ok("sdn_zone", zone="plain", type="simple")
    guests.ok("sdn_apply")
    guests.ok("sdn_zone", zone="plain", mtu=1400)
    guests.ok("sdn_zone", zone="second", type="simple")
    zones = exported(guests, ["sdn.zones"])["sdn"]["zones"]
    assert zones == [{"zone": "plain", "type": "simple", "mtu": 1400}, {"zone": "second", "type": "simple"}]


def test_guests_of_a_large_estate_are_asked_where_a_card_has_the_firewall_on(
    guests: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_firewall, "EVERY_GUEST", 1)
    guests.ok("firewall_options", level="guest", vmid=100, enable=True)
    guests.ok("firewall_options", level="guest", vmid=101, enable=True)
    guests.ok("vm", vmid=101, net={"net0": {"model": "virtio", "bridge": "vmbr0", "firewall": True}})
    result = guests.ok("state_info", only=["firewall.options", "firewall.rules"])
    assert [entry.get("vmid") for entry in result["document"]["firewall"]["options"]] == [101]
    assert result["warnings"] == [
        "The firewalls of 4 guests without a card that has the firewall on are left out: they have no effect."
    ]


def test_a_rule_that_is_there_twice_is_exported_once(guests: Modules) -> None:
    rule = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22", "enable": 1}
    client = connect(Connection.from_params(guests.lab.options()))
    for _time in range(2):
        client.post("/cluster/firewall/rules", rule)
    client.close()
    entries = exported(guests, ["firewall.rules"])["firewall"]["rules"]
    assert [len(entry["rules"]) for entry in entries] == [1]


def test_a_plan_of_what_is_not_there_yet_is_complete(guests: Modules) -> None:
    planned = guests.ok("state", document=NAMES, check=True)
    assert {row["action"] for row in planned["actions"]} <= {"create", "modify"}
    assert planned["errors"] == []
    made = guests.ok("state", document=NAMES)
    assert verbs(made) == verbs(planned)
    assert guests.ok("sdn_info")["pending"] is False


def test_everything_is_pruned_and_made_again(guests: Modules) -> None:
    guests.ok("state", document=NAMES)
    before = exported(guests)
    wiped: dict[str, Any] = {"document": {"firewall": {"options": []}}, "prune": KINDS, "max_delete_percent": 100}
    planned = guests.ok("state", **wiped, check=True)
    assert {row["action"] for row in planned["actions"]} == {"delete", "modify"}
    guests.ok("state", **wiped, allow_delete=True)
    assert set(exported(guests)) <= {"firewall"}
    guests.ok("state", document=before)
    assert exported(guests) == before


def test_what_a_vm_or_a_group_declares_is_not_pruned(guests: Modules) -> None:
    document = {
        "vms": [{"vmid": 100, "ha": {"state": "stopped"}}],
        "ha": {"groups": [{"group": "near", "nodes": ["father"], "resources": ["vm:100"]}]},
    }
    guests.ok("state", document=document)
    kept = guests.ok("state", document=document, prune=["ha.resources", "ha.rules"], check=True)
    assert "delete" not in verbs(kept).values()


@pytest.mark.parametrize("there", [False, True], ids=["a new guest", "a guest that is there"])
def test_a_group_of_a_guest_on_the_release_before(
    lab_8_api: ServedLab, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    """The guest is put under high availability by its own entry, and into the group after that."""
    modules = Modules(hurried(lab_8_api), capsys)
    vm: dict[str, Any] = {"vmid": 300, "node": "father", "name": "web", "memory": 256, "state": "stopped"}
    if there:
        modules.ok("vm", **vm)
    document = {"vms": [{**vm, "ha": {"enabled": True, "group": "near"}}]}
    planned = modules.ok("state", document=document, check=True)
    assert verbs(planned) == {"vms 300": "modify" if there else "create", "ha.rules near": "create"}
    assert verbs(modules.ok("state", document=document)) == verbs(planned)
    (group,) = exported(modules, ["ha.groups"])["ha"]["groups"]
    assert (group["group"], group["resources"]) == ("near", ["vm:300"])
    assert not modules.ok("state", document=document, check=True)["changed"]


def test_a_rule_of_a_guest(cluster: Modules) -> None:
    vm: dict[str, Any] = {"vmid": 300, "node": "father", "name": "web", "memory": 256, "state": "stopped"}
    document = {"vms": [{**vm, "ha": {"enabled": True, "group": "near"}}]}
    planned = cluster.ok("state", document=document, check=True)
    assert verbs(planned) == {"vms 300": "create", "ha.rules near": "create"}
    assert verbs(cluster.ok("state", document=document)) == verbs(planned)
    assert not cluster.ok("state", document=document, check=True)["changed"]


def near(vmid: int) -> dict[str, Any]:
    """A document about one guest, which is to be in a rule that other documents' guests are in."""
    vm = {"vmid": vmid, "node": "father", "memory": 256, "state": "stopped", "ha": {"enabled": True, "group": "near"}}
    return {"vms": [vm]}


@pytest.mark.parametrize("release", ["lab_cluster_api", "lab_8_api"])
def test_a_guest_joins_the_guests_of_other_documents(
    release: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = Modules(hurried(request.getfixturevalue(release)), capsys)
    for vmid in (300, 301):
        modules.ok("state", document=near(vmid))
    for vmid in (300, 301):
        assert not modules.ok("state", document=near(vmid), check=True)["changed"]
    (entry,) = [row for rows in exported(modules, ["ha.groups", "ha.rules"])["ha"].values() for row in rows]
    assert entry["resources"] == ["vm:300", "vm:301"]
