"""Whether a discovered guest may be removed, and how. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.removal import Doomed, describe, plan

from .reading import Table, row

WISH = {"vmid": 104, "name": "web", "tag": "homelab-pve", "adopt": False, "stop_timeout": 30}
PATH = "/nodes/father/qemu/104"


def doomed(status: str = "stopped", protection: int = 0, **cells: Any) -> Doomed:
    return Doomed(guest(row(104, "web", **{"tags": "homelab-pve", **cells})), {"protection": protection}, status)


@pytest.mark.parametrize(
    ("have", "verbs"),
    [
        (None, []),
        (doomed(), [("DELETE", PATH)]),
        (doomed("running"), [("POST", f"{PATH}/status/shutdown"), ("DELETE", PATH)]),
        (doomed(type="lxc"), [("DELETE", "/nodes/father/lxc/104")]),
    ],
)
def test_steps(have: Doomed | None, verbs: list[tuple[str, str]]) -> None:
    assert [(step.verb, step.path) for step in plan(WISH, have).steps] == verbs


def test_the_plug_is_pulled_after_the_timeout() -> None:
    stop, removal = plan(WISH, doomed("running")).steps
    assert (stop.params, stop.timeout) == ({"timeout": 30, "forceStop": True}, 90.0)
    assert removal.params == {"purge": True}


@pytest.mark.parametrize(
    ("have", "wish", "reason"),
    [
        (doomed(), {"name": "db"}, "it was discovered as 'db'. Discover again."),
        (doomed(template=1), {"adopt": True}, "it is a template. "),
        (doomed(protection=1), {"adopt": True}, "it is protected. "),
        (doomed(tags=""), {}, "it does not carry the tag 'homelab-pve'. Set adopt to remove it."),
        (doomed(tags="homelab-pve-too"), {}, "it does not carry the tag 'homelab-pve'. Set adopt to remove it."),
    ],
)
def test_refusals(have: Doomed, wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        plan({**WISH, **wish}, have)
    assert str(caught.value).startswith(f"vm 104 (web) on father was left alone: {reason}")


@pytest.mark.parametrize("wish", [{"adopt": True}, {"tag": "x"}, {"name": None, "tag": "x"}], ids=str)
def test_other_guests_when_told(wish: dict[str, Any]) -> None:
    assert plan({**WISH, **wish}, doomed(tags="x")).changed


def test_the_status_is_read_anew() -> None:
    reader = Table({
        "/cluster/resources": [row(104, "web", status="stopped")],
        f"{PATH}/status/current": {"status": "running"},
        f"{PATH}/config": {},
    })  # fmt: skip
    found = describe(reader, WISH)
    assert found is not None
    assert found.status == "running"


def test_a_guest_is_taken_out_of_ha_first() -> None:
    reader = Table({
        "/cluster/resources": [row(104, "web", tags="homelab-pve", type="lxc", hastate="started")],
        "/nodes/father/lxc/104/status/current": {"status": "running"},
        "/nodes/father/lxc/104/config": {},
    })  # fmt: skip
    steps = plan(WISH, describe(reader, WISH)).steps
    assert [(step.verb, step.path) for step in steps] == [
        ("DELETE", "/cluster/ha/resources/ct%3A104"),
        ("POST", "/nodes/father/lxc/104/status/shutdown"),
        ("DELETE", "/nodes/father/lxc/104"),
    ]


def test_a_guest_that_is_hidden_is_not_absent() -> None:
    taken = PveError("GET", "/cluster/nextid", 400, "Parameter", errors={"vmid": "VM 104 already exists"})
    with pytest.raises(RefusedError, match=r"^The guest with vmid 104 is hidden from the login\. Grant VM\.Audit on"):
        describe(Table({"/cluster/resources": [], "/cluster/nextid": taken}), WISH)


def test_gone_and_unreachable_are_different() -> None:
    assert describe(Table({"/cluster/resources": [], "/cluster/nextid": "104"}), WISH) is None
    with pytest.raises(PveError):
        describe(Table({}), WISH)
