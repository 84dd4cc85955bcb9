"""Module cluster_options against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

WISH: dict[str, Any] = {
    "keyboard": "de",
    "description": "hello\nworld",
    "next_id": {"lower": 300, "upper": 400},
    "migration": "insecure,network=10.77.0.0/24",
    "tag_style": {"color-map": "prod:ff0000;test:00ff00", "shape": "full"},
    "registered_tags": ["test", "prod"],
    "mac_prefix": "02:AA",
    "bwlimit": {"default": 1048576},
}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("cluster_options", **WISH)
    assert made["cluster_options"] == {
        **WISH,
        "migration": {"type": "insecure", "network": "10.77.0.0/24"},
        "registered_tags": ["prod", "test"],
    }
    changed = modules.converge(
        "cluster_options", keyboard="fr", migration={"network": ""}, tag_style={"shape": "dense"}, description="other"
    )
    assert (changed["cluster_options"]["migration"], changed["cluster_options"]["tag_style"]) == (
        {"type": "insecure"}, {"color-map": "prod:ff0000;test:00ff00", "shape": "dense"},
    )  # fmt: skip
    empty = modules.converge("cluster_options", **{name: [] if name == "registered_tags" else "" for name in WISH})
    assert empty["cluster_options"] == {"mac_prefix": "BC:24:11", "description": ""}


def test_nothing_is_wished(modules: Modules) -> None:
    assert modules.unchanged("cluster_options")["plan"] == ["the cluster's options are as wished"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"migration": {"typ": "secure"}}, "Option 'migration': unknown property 'typ'; known are network, type"),
        ({"migration": "fast"}, "Option 'migration': type: 'fast' is none of secure, insecure"),
        ({"next_id": {"lower": "many"}}, "Option 'next_id': lower: 'many' is not a whole number"),
        ({"http_proxy": "proxy:3128"}, "Option 'http_proxy': 'proxy:3128' is not of the form http://..."),
        ({"console": "vnc"}, "value of console must be one of: applet, vv, html5, xtermjs, , got: vnc"),
    ],
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("cluster_options", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    assert modules.refusals(needed, "cluster_options", keyboard="de") == {
        "Sys.Audit on /": "GET /cluster/options: Proxmox VE hides the options from the login. Grant Sys.Audit on / to "
        "the user, and to the token if it has privilege separation.",
        "Sys.Modify on /": "Cannot set keyboard of the cluster's options: PUT /cluster/options: "
        f"{denied('Sys.Modify', '/')}",
    }
    limited = modules.limited(needed)
    for keyboard in ("de", "fr"):
        limited.converge("cluster_options", keyboard=keyboard)
