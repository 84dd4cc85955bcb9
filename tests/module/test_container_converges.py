"""Whatever is wished of a container and whatever is there: after one run nothing is left to do, as check mode said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.api.serving import ServedLab

TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
DEFAULTS = {name: spec.get("default") for name, spec in CONTAINER.argument_spec().items()}
IDENTITY = {"vmid": 200, "ostemplate": f"local:vztmpl/{TEMPLATE}"}
WORD = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
ADDRESS = st.sampled_from(["dhcp", "10.99.0.50/24", "manual", ""])
CARD = st.fixed_dictionaries(
    {"bridge": st.just("vmbr0")},
    optional={
        "name": st.sampled_from(["eth0", "wan"]),
        "ip": ADDRESS,
        "tag": st.integers(1, 4094) | st.just(""),
        "firewall": st.booleans(),
        "link_down": st.booleans(),
        "hwaddr": st.just("bc:24:11:00:00:0a"),
        "mtu": st.integers(576, 9000),
        "rate": st.sampled_from([1.5, 10]),
    },
)
MOUNT = st.fixed_dictionaries(
    {"storage": st.sampled_from(["local-lvm", "local"]), "size": st.just("1G"), "mp": st.sampled_from(["/a", "/b"])},
    optional={
        "ro": st.booleans(),
        "backup": st.booleans(),
        "acl": st.booleans(),
        "mountoptions": st.lists(st.sampled_from(["nodev", "noexec", "discard"]), min_size=1, unique=True),
    },
)
WISH = st.fixed_dictionaries(
    {},
    optional={
        "hostname": WORD,
        "cores": st.integers(1, 9),
        "cpulimit": st.sampled_from([0, 0.5, 2]),
        "cpuunits": st.integers(8, 500),
        "memory": st.integers(16, 9999) | st.integers(1, 9).map(lambda number: f"{number}G"),
        "swap": st.integers(0, 999),
        "tags": st.lists(WORD, max_size=3),
        "description": st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=9),
        "onboot": st.booleans(),
        "console": st.booleans(),
        "tty": st.integers(0, 6),
        "cmode": st.sampled_from(["tty", "shell", "console"]),
        "timezone": st.sampled_from(["host", "Europe/Vienna"]),
        "nameserver": st.lists(st.sampled_from(["1.1.1.1", "9.9.9.9"]), max_size=2, unique=True),
        "features": st.sampled_from([{"nesting": True}, "nesting=1", {"nesting": False}]),
        "startup": st.sampled_from([{"order": 1}, "order=2,up=3", {"down": 5}]),
        "env": st.dictionaries(WORD, st.sampled_from(["1", "two words"]), max_size=2),
        "net": st.dictionaries(st.sampled_from(["net0", "net1"]), CARD | st.just("")),
        "mp": st.dictionaries(st.sampled_from(["mp0", "mp1"]), MOUNT | st.just("")),
        "restart": st.sampled_from(["never", "if_needed", "always"]),
        "state": st.sampled_from(["present", "started", "stopped"]),
    },
)


@pytest.fixture
def client(lab_api: ServedLab) -> Iterator[Client]:
    """A client of a node with a container template and two storages for containers."""
    lab_api.api.storages["local"]["content"] += ",rootdir"
    path = lab_api.api.file_path("local", f"vztmpl/{TEMPLATE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    found = connect(Connection(**lab_api.options()))
    yield found
    found.close()


def shown(plan: Plan) -> tuple[Any, ...]:
    """A plan as far as it can be compared: what is sent, and the diff."""
    steps = [(step.verb, step.path, step.params, step.reason) for step in plan.steps]
    return steps, plan.before, plan.after


def promised(client: Client, wish: dict[str, Any]) -> None:
    """Check mode's plan is the real one, and after it there is no other."""
    try:
        predicted = reconcile(CONTAINER, wish, client, dry_run=True, timeout=60).plan
    except RefusedError:
        # A volume on another storage while the container runs: that is not what this is about.
        return
    assert shown(reconcile(CONTAINER, wish, client, dry_run=False, timeout=60).plan) == shown(predicted)
    left = reconcile(CONTAINER, wish, client, dry_run=False, timeout=60).plan
    assert left.steps == ()
    assert (left.before, left.after) == ({}, {})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WISH, WISH)
def test_a_plan_leaves_nothing_to_do(client: Client, first: dict[str, Any], second: dict[str, Any]) -> None:
    promised(client, {**DEFAULTS, **IDENTITY, "rootfs": "local-lvm:1", **first})
    promised(client, {**DEFAULTS, **IDENTITY, **second})
    promised(client, {**DEFAULTS, "vmid": 200, "state": "absent", "force": True})
