"""Module hardware_mapping against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import UNNAMED, Modules

NODE = "father"
GPU = {"node": NODE, "path": "0000:01:00.0", "id": "10de:1b80", "iommugroup": 1}
DONGLE: dict[str, Any] = {"type": "usb", "id": "dongle", "map": [{"node": NODE, "id": "10c4:ea60"}]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("hardware_mapping", type="pci", id="gpu", map=[GPU], mdev=True, description="Card")
    assert made["hardware_mapping"]["map"] == [GPU]
    changed = modules.converge(
        "hardware_mapping",
        type="pci",
        id="gpu",
        map=[{**GPU, "path": "0000:02:00.0"}, GPU],
        description="",
        live_migration_capable=True,
    )
    assert len(changed["hardware_mapping"]["map"]) == 2
    assert "description" not in changed["hardware_mapping"]
    modules.converge("hardware_mapping", type="pci", id="gpu", state="absent")


def test_every_kind(modules: Modules) -> None:
    modules.converge("hardware_mapping", **DONGLE)
    modules.converge("hardware_mapping", type="usb", id="dongle", description="Zigbee")
    modules.converge("hardware_mapping", type="dir", id="media", map=[f"node={NODE},path=/srv/media"])
    modules.converge("hardware_mapping", type="dir", id="media", description="Films")
    modules.converge("hardware_mapping", type="dir", id="media", state="absent")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"type": "dir", "id": "media"}, "Option 'map' is needed: hardware_mapping dir media does not exist yet."),
        (
            {**DONGLE, "map": ["id=1234:abcd"]},
            "Option 'map': the entry 'id=1234:abcd' has no node, which type usb needs.",
        ),
        ({**DONGLE, "mdev": True}, "Option 'mdev' is for type pci only, and this is of type usb."),
        (
            {"type": "gpu", "id": "x"},
            "value of type must be one of: pci, usb, dir, got: gpu",
        ),
    ],
    ids=lambda value: str(value["type"]) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("hardware_mapping", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("hardware_mapping", **{**DONGLE, "map": [{"node": NODE, "id": "10c4"}]})
    assert result["msg"].startswith(
        "Cannot create hardware_mapping usb dongle: POST /cluster/mapping/usb: 400 Parameter verification failed (map"
    )


def test_one_that_a_guest_uses_stays(modules: Modules) -> None:
    modules.ok("hardware_mapping", **DONGLE)
    modules.ok("vm", name="web", vmid=100, node=NODE, usb={"usb0": "mapping=dongle"})
    gone = {"type": "usb", "id": "dongle", "state": "absent"}
    assert modules.message("hardware_mapping", **gone) == (
        "Cannot remove hardware_mapping usb dongle: guests use it: 100 (web): usb0. Proxmox VE would remove it all the "
        "same, and they would not start again. Take it from them first."
    )
    modules.ok("vm", vmid=100, usb={"usb0": ""})
    modules.converge("hardware_mapping", **gone)


def test_what_is_as_wished_costs_one_request(modules: Modules) -> None:
    modules.ok("hardware_mapping", **DONGLE)
    modules.unchanged("hardware_mapping", **DONGLE)
    assert [(request.method, request.path) for request in modules.lab.requests()] == [
        ("GET", "/cluster/mapping/usb/dongle")
    ]


def test_least_privileges(modules: Modules) -> None:
    needed = {"/mapping/usb": ["Mapping.Modify"]}
    assert modules.refusals(needed, "hardware_mapping", **DONGLE) == {
        "Mapping.Modify on /mapping/usb": f"GET /cluster/mapping/usb/dongle: {UNNAMED}"
    }
    limited = modules.limited(needed)
    for wish in (DONGLE, {**DONGLE, "description": "x"}, {"type": "usb", "id": "dongle", "state": "absent"}):
        limited.converge("hardware_mapping", **wish)
