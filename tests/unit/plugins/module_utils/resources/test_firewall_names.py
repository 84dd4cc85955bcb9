"""Names in firewall rules. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PermissionDeniedError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import place
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import (
    Name,
    check_names,
    names,
    refuse_used,
)

from .reading import Table, row

CLUSTER = "/cluster/firewall"
WEB = "/nodes/father/qemu/104/firewall"
IN = {"type": "in", "action": "ACCEPT"}
GROUP = {"type": "group", "action": "web"}
LAN = {"type": "alias", "name": "lan", "ref": "lan", "scope": "dc"}
ADMINS = {"type": "ipset", "name": "Admins", "ref": "+Admins", "scope": "dc"}
OWN = {"type": "alias", "name": "lan", "ref": "lan", "scope": "guest"}
ANSWERS: dict[str, Any] = {
    f"{CLUSTER}/refs": [LAN, ADMINS],
    f"{CLUSTER}/groups": [{"group": "web"}],
    f"{CLUSTER}/macros": [{"macro": "SSH"}, {"macro": "DNS"}],
    f"{WEB}/refs": [LAN, OWN],
    "/cluster/resources": [row(104, "web")],
}
PLACES = {"cluster": {}, "guest": {"level": "guest", "vmid": 104}}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({**IN, "source": "+dc/admins", "dest": "Lan"}, [Name("ipset", "admins", "dc/"), Name("alias", "Lan")]),
        ({**IN, "source": "192.0.2.1", "dest": "192.0.2.1-192.0.2.9"}, []),
        ({**IN, "source": "+sdn/blue-all", "macro": "ssh"}, [Name("ipset", "blue-all", "sdn/"), Name("macro", "ssh")]),
        (GROUP, [Name("group", "web")]),
    ],
    ids=str,
)
def test_what_a_rule_means_by_name(rule: dict[str, Any], expected: list[Name]) -> None:
    assert list(names(rule)) == expected


@pytest.mark.parametrize(
    ("level", "rule", "asked"),
    [
        ("cluster", {**IN, "source": "LAN", "dest": "+dc/Admins"}, [f"{CLUSTER}/refs"]),
        ("cluster", {**IN, "macro": "ssh"}, [f"{CLUSTER}/macros"]),
        ("cluster", GROUP, [f"{CLUSTER}/groups"]),
        ("cluster", {**IN, "source": "192.0.2.1"}, []),
        ("guest", {**IN, "source": "guest/lan", "dest": "dc/lan"}, [f"{WEB}/refs"]),
    ],
    ids=str,
)
def test_names_that_are_there(level: str, rule: dict[str, Any], asked: list[str]) -> None:
    table = Table(ANSWERS)
    where = place(table, PLACES[level])
    table.asked.clear()
    check_names(table, where, [rule], [])
    assert table.asked == asked


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {**IN, "source": "nolan"},
            "rules[1]: there is no alias 'nolan' for the rules of the cluster. Did you mean lan? Declare it first "
            "(module firewall_alias).",
        ),
        (
            {**IN, "source": "+admins"},
            "rules[1]: there is no IP set 'admins' for the rules of the cluster. Did you mean Admins? Declare it first "
            "(module firewall_ipset).",
        ),
        (
            {**GROUP, "action": "mail"},
            "rules[1]: there is no security group 'mail' for the rules of the cluster. Declare it first (module "
            "firewall_group).",
        ),
        ({**IN, "macro": "SSHD"}, "rules[1]: there is no macro 'SSHD'. Did you mean SSH?"),
        (
            {**IN, "macro": "xyz"},
            "rules[1]: there is no macro 'xyz'. The path /cluster/firewall/macros of the API lists them.",
        ),
    ],
    ids=str,
)
def test_names_that_mean_nothing(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_names(Table(ANSWERS), place(Table({}), {}), [IN, rule], [])
    assert str(caught.value) == message


def test_what_is_there_already_or_hidden_is_not_looked_up() -> None:
    where = place(Table({}), {})
    check_names(Table({}), where, [{**IN, "macro": "ssh"}], [{**IN, "macro": "SSH"}])
    denied = PermissionDeniedError("GET", f"{CLUSTER}/refs", 403, "Permission check failed (/, Sys.Audit)")
    check_names(Table({f"{CLUSTER}/refs": denied}), where, [{**IN, "source": "lan"}], [])


NODE = "/nodes/father/firewall"
VNET = "/cluster/sdn/vnets/blue/firewall"
USED: dict[str, Any] = {
    **ANSWERS,
    "/nodes": [{"node": "father"}],
    "/cluster/sdn/vnets": [{"vnet": "blue"}],
    f"{CLUSTER}/rules": [{**IN, "pos": 0}, {**IN, "pos": 1, "dest": "lan"}],
    f"{CLUSTER}/groups/web": [{**IN, "pos": 0, "source": "dc/LAN"}],
    f"{NODE}/rules": [{**GROUP, "pos": 3}],
    f"{VNET}/rules": PveError("GET", f"{VNET}/rules", 501, "Method 'GET ...' not implemented"),
    f"{WEB}/rules": [{**IN, "pos": 0, "source": "lan", "dest": "dc/lan"}, {**IN, "pos": 1, "source": "lan"}],
    f"{CLUSTER}/ipset": [{"name": "Admins"}],
    f"{CLUSTER}/ipset/Admins": [{"cidr": "lan"}, {"cidr": "192.0.2.1"}],
    f"{WEB}/ipset": PermissionDeniedError("GET", f"{WEB}/ipset", 403, "Permission check failed (/vms/104, VM.Audit)"),
}
END = "Proxmox VE would remove it all the same, and they would stand for nothing. Change them first."


@pytest.mark.parametrize(
    ("level", "target", "message"),
    [
        (
            "cluster",
            Name("alias", "lan", "dc/"),
            "Cannot remove alias lan of the cluster: it is used by rule 1 of the cluster, IP set Admins of the "
            f"cluster, rule 0 of group web, rule 0 of vm 104 (web). {END}",
        ),
        (
            "cluster",
            Name("group", "web"),
            f"Cannot remove security group web of the cluster: it is used by rule 3 of node father. {END}",
        ),
        (
            "guest",
            Name("alias", "lan", "guest/"),
            "Cannot remove alias lan of vm 104 (web): it is used by rule 0 of vm 104 (web), rule 1 of vm 104 (web). "
            f"{END}",
        ),
    ],
    ids=str,
)
def test_what_is_used_stays(level: str, target: Name, message: str) -> None:
    table = Table(USED)
    with pytest.raises(RefusedError) as caught:
        refuse_used(table, target, place(table, PLACES[level]))
    assert str(caught.value) == message


def test_what_nothing_uses_may_go() -> None:
    table = Table(USED)
    refuse_used(table, Name("ipset", "Admins", "dc/"), place(table, {}))
    refuse_used(table, Name("ipset", "lan", "guest/"), place(table, PLACES["guest"]))


def test_not_being_able_to_look_is_no_answer() -> None:
    table = Table({**USED, f"{NODE}/rules": PveError("GET", f"{NODE}/rules", 595, "No route to host")})
    with pytest.raises(PveError, match="No route to host"):
        refuse_used(table, Name("group", "web"), place(table, {}))
