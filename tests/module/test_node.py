"""Module node against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

F: dict[str, Any] = {"node": "father"}
HOSTS = "127.0.0.1 localhost\n192.0.2.10 father.example.com father\n"
KEY = "pve2c-0123456789"


def test_dns_and_time(modules: Modules) -> None:
    made = modules.converge(
        "node", **F, search="example.com", dns1="192.0.2.53", dns2="2001:DB8::53", timezone="Europe/Vienna"
    )
    assert made["plan"] == ["set dns1, dns2, search of node father", "set timezone of node father"]
    told = {"search": "example.com", "dns1": "192.0.2.53", "dns2": "2001:db8::53", "timezone": "Europe/Vienna"}
    assert made["settings"] == told
    modules.unchanged("node", **F, dns1="192.0.2.53", timezone="Europe/Vienna")
    assert len(modules.lab.requests()) == 2
    less = modules.converge("node", **F, dns2="")
    assert less["settings"] == {"search": "example.com", "dns1": "192.0.2.53"}


def test_hosts(modules: Modules) -> None:
    made = modules.converge("node", **F, hosts=HOSTS)
    assert made["settings"]["hosts"] == HOSTS.rstrip("\n")
    modules.unchanged("node", **F, hosts=HOSTS.rstrip("\n"))
    modules.converge("node", **F, hosts=f"{HOSTS}192.0.2.11 mother\n")


def test_options(modules: Modules) -> None:
    made = modules.converge(
        "node",
        **F,
        description="notes",
        wakeonlan="bc:24:11:00:00:07",
        startall_onboot_delay=30,
        ballooning_target=70,
        acme={"domains": ["b.example.com", "a.example.com"]},
        acmedomain0={"domain": "C.example.com", "plugin": "standalone"},
    )
    assert made["settings"]["wakeonlan"] == {"mac": "BC:24:11:00:00:07"}
    modules.unchanged("node", **F, wakeonlan={"broadcast-address": "255.255.255.255"}, acmedomain0="c.example.com")
    changed = modules.converge(
        "node", **F, description="", ballooning_target=80, acme="", wakeonlan={"bind-interface": "vmbr0"}
    )
    assert changed["settings"]["wakeonlan"] == {"mac": "BC:24:11:00:00:07", "bind-interface": "vmbr0"}
    assert "acme" not in changed["settings"]


def test_the_subscription_key_is_never_shown(modules: Modules) -> None:
    made = modules.converge("node", **F, subscription_key=KEY)
    assert made["settings"]["subscription"]["status"] == "active"
    assert KEY not in str(made)
    other = modules.converge("node", **F, subscription_key="pve2c-abcdef0123")
    assert KEY not in str(other)
    gone = modules.converge("node", **F, subscription_key="")
    assert gone["plan"] == ["remove the subscription key of node father"]
    assert "abcdef0123" not in str(gone)


def test_an_old_check_of_the_subscription_is_made_again(modules: Modules) -> None:
    modules.unchanged("node", **F, subscription_max_age=86400)
    modules.ok("node", **F, subscription_key=KEY, subscription_max_age=86400)
    modules.unchanged("node", **F, subscription_max_age=86400)
    modules.lab.api.stored("nodes/father/subscription")[""]["checktime"] -= 100000
    made = modules.converge("node", **F, subscription_max_age=86400)
    assert made["plan"] == ["check the subscription key of node father"]


def test_repositories(modules: Modules) -> None:
    wish = [{"handle": "no-subscription"}, {"handle": "enterprise", "enabled": False}]
    made = modules.converge("node", **F, repositories=wish)
    assert made["plan"] == [
        "enable repository no-subscription of node father",
        "disable repository enterprise of node father",
    ]
    assert made["diff"] == {
        "before": {"no-subscription": "disabled", "enterprise": "enabled"},
        "after": {"no-subscription": "enabled", "enterprise": "disabled"},
    }
    place = {"path": "/etc/apt/sources.list.d/debian.sources", "index": 1}
    modules.converge("node", **F, repositories=[{**place, "enabled": False}])
    modules.converge("node", **F, repositories=[place, {"handle": "enterprise"}])


def test_restart(modules: Modules) -> None:
    before = modules.ok("node", **F, state="rebooted", check=True)
    assert (before["changed"], modules.lab.writes()) == (True, [])
    done = modules.ok("node", **F, state="rebooted", timezone="Europe/Vienna")
    assert done["plan"] == ["set timezone of node father", "restart node father"]
    assert done["settings"] == {"timezone": "Europe/Vienna", "power": "on"}


def test_shut_down_and_wake(cluster: Modules) -> None:
    cluster.ok("node", node="son", wakeonlan="BC:24:11:00:00:07")
    assert cluster.converge("node", node="son", state="off")["settings"] == {"power": "off"}
    assert cluster.converge("node", node="son", state="on")["settings"] == {"power": "on"}


def test_the_node_that_answers_shuts_down(modules: Modules) -> None:
    assert modules.ok("node", **F, state="off")["settings"] == {"power": "off"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"dns2": "192.0.2.53", "dns1": ""},
            "Cannot set DNS of node father: dns2 is set and dns1 is not. Set them in order.",
        ),
        ({"search": ""}, "Cannot set DNS of node father: Proxmox VE needs a search domain with it. Set search."),
        ({"dns1": "ns.example.com"}, "Option 'dns1': 'ns.example.com' does not appear to be an IPv4 or IPv6 address"),
        (
            {"hosts": "127.0.1.1 father.example.com father\n"},
            "Cannot set hosts of node father: no line gives father an address other than a loopback one, and Proxmox "
            "VE does not start without it. Add a line such as '192.0.2.10 father.example.com father'.",
        ),
        (
            {"subscription_key": "secret-1"},
            "Option 'subscription_key': it is no subscription key; these look like pve2c-0123456789",
        ),
        (
            {"repositories": [{"handle": "enterprize"}]},
            "Node father knows no repository with the handle 'enterprize'. It knows enterprise, no-subscription, test, "
            "ceph-squid-enterprise, ceph-squid-no-subscription, ceph-squid-test.",
        ),
        (
            {"repositories": [{"path": "/etc/apt/sources.list.d/debian.sources", "index": 7}]},
            "Node father has no repository /etc/apt/sources.list.d/debian.sources 7. It has "
            "/etc/apt/sources.list.d/ceph.sources 0, /etc/apt/sources.list.d/debian.sources 0, "
            "/etc/apt/sources.list.d/debian.sources 1, /etc/apt/sources.list.d/pve-enterprise.sources 0.",
        ),
        (
            {"state": "off", "timezone": "UTC"},
            "state: off takes no settings: a node that is off has none. Use a task for each.",
        ),
        ({"ballooning_target": 101}, "Option 'ballooning_target': 101 is not from 0 to 100"),
        ({"node": "mother", "state": "off"}, "There is no node 'mother'. Nodes are father."),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("node", **{**F, **wish}) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    assert modules.run("node", **F, timezone="Nowhere/Bad")["msg"] == (
        "Cannot set timezone of node father: PUT /nodes/father/time: 400 Parameter verification failed (timezone: No "
        "such timezone).\nChoose one of those that timedatectl list-timezones shows on the node."
    )


def test_a_node_without_an_address_is_not_woken(cluster: Modules) -> None:
    cluster.ok("node", node="son", state="off")
    assert cluster.run("node", node="son", state="on")["msg"] == (
        "Cannot wake node son: POST /nodes/son/wakeonlan: 500 No wake on LAN MAC address defined for 'son'!.\nSet the "
        "node's wakeonlan while it is up."
    )


def test_least_privileges(modules: Modules) -> None:
    here = {"/nodes/father": ["Sys.Audit", "Sys.Modify"]}
    wish: dict[str, Any] = {**F, "timezone": "Europe/Vienna"}
    assert modules.refusals(here, "node", **wish) == {
        "Sys.Audit on /nodes/father": f"GET /nodes/father/time: {denied('Sys.Audit', '/nodes/father')}",
        "Sys.Modify on /nodes/father": (
            "Cannot set timezone of node father: PUT /nodes/father/time: " + denied("Sys.Modify", "/nodes/father")
        ),
    }
    modules.limited(here).converge("node", **wish, dns1="192.0.2.53", repositories=[{"handle": "test"}])
    modules.limited(here).converge("node", **F, subscription_key=KEY)
    whole = {"/": ["Sys.Audit", "Sys.Modify"]}
    modules.limited(whole).converge("node", **F, hosts=HOSTS, description="notes")
    modules.limited({"/nodes/father": ["Sys.Audit", "Sys.PowerMgmt"]}).ok("node", **F, state="rebooted")
    hidden = modules.limited({"/nodes/father": ["Sys.Modify"]}).run("node", **F, subscription_key="pve2c-abcdef0123")
    assert hidden["msg"] == (
        "Proxmox VE hides the subscription key of node father from the login. Grant Sys.Audit on /nodes/father to the "
        "user, and to the token if it has privilege separation."
    )
