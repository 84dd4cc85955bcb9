"""Whatever is wished of a VM, on a cluster: check mode says what happens, and then there is nothing left to do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import look, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from lab.api.serving import ServedLab

DEFAULTS = {name: spec.get("default") for name, spec in VM.options.items()}
VMID = 200
WORD = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
SIZE = st.sampled_from(["1G", "1500M", "2G", "2049M", "3G"])
DISK = st.fixed_dictionaries(
    {"storage": st.sampled_from(["shared", "pool"]), "size": SIZE},
    optional={"ssd": st.booleans(), "discard": st.sampled_from(["on", "ignore"]), "iops": st.integers(1, 99)},
)
CARD = st.fixed_dictionaries(
    {"bridge": st.just("vmbr0")},
    optional={
        "model": st.sampled_from(["virtio", "e1000"]),
        "tag": st.integers(1, 4094) | st.just(""),
        "firewall": st.booleans(),
        "link_down": st.booleans(),
    },
)
WISH = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["present", "started", "stopped", "paused", "suspended"]),
        "restart": st.sampled_from(["never", "if_needed"]),
        "node": st.sampled_from(["father", "mother", "son"]),
        "name": WORD,
        "cores": st.integers(1, 4),
        "memory": st.integers(16, 4096),
        "balloon": st.sampled_from([0, 16]),
        "description": st.sampled_from(["", "one line", "two\nlines\n", "ümläut & = +"]),
        "tags": st.lists(WORD, max_size=2),
        "onboot": st.booleans(),
        "agent": st.booleans() | st.just({"enabled": True, "fstrim_cloned_disks": True}),
        "cpu": st.sampled_from(["host", {"cputype": "host", "flags": ["+aes"]}]),
        "cpu_mitigations": st.sampled_from(["off", "intel", "default"]),
        "hotplug": st.sampled_from([["disk"], ["network", "disk", "usb"]]),
        "ciuser": WORD,
        "nameserver": st.sampled_from([["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], []]),
        "sshkeys": st.lists(WORD.map(lambda word: f"ssh-ed25519 {word} a@b"), max_size=2),
        "ipconfig": st.sampled_from([{"ipconfig0": "ip=dhcp"}, {"ipconfig0": {"ip": "10.0.0.5/24", "gw": "10.0.0.1"}}]),
        "serial": st.sampled_from([{"serial0": "socket"}, {"serial0": ""}]),
        "net": st.dictionaries(st.sampled_from(["net0", "net1"]), CARD | st.just(""), max_size=2),
        "disks": st.dictionaries(
            st.sampled_from(["scsi0", "scsi1", "unused0"]),
            DISK | st.sampled_from(["", "absent"]),
            max_size=2,
        ).map(lambda disks: {key: disk for key, disk in disks.items() if key != "unused0" or disk == "absent"}),
    },
)


@pytest.fixture
def client(lab_cluster_api: ServedLab) -> Client:
    """A client of a cluster with two storages that every node sees."""
    api = lab_cluster_api.api
    api.storages["pool"] = {**api.storages["shared"], "volumes": {}, "pool": "other"}
    return connect(Connection(**lab_cluster_api.options()))


def forget(lab: ServedLab) -> None:
    """Take the VM of the example before away."""
    guest = lab.api.vm(VMID)
    if guest is not None:
        lab.call(lab.api.driver.kill(VMID))
        lab.call(lab.api._abandon(guest))
    for name in ("shared", "pool"):
        lab.api.storages[name]["volumes"].clear()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(wishes=st.lists(WISH, min_size=1, max_size=3))
def test_a_wish_is_fulfilled_as_foretold_and_once(
    lab_cluster_api: ServedLab, client: Client, wishes: list[dict[str, Any]]
) -> None:
    forget(lab_cluster_api)
    for wish in wishes:
        node = {"node": "father"} if lab_cluster_api.api.vm(VMID) is None else {}
        converge(client, lab_cluster_api, {**DEFAULTS, "vmid": VMID, **node, **wish})


def converge(client: Client, lab: ServedLab, wish: dict[str, Any]) -> None:
    """Foretell, do, and find nothing left to do."""
    try:
        foretold = look(VM, wish, client)
    except (RefusedError, ConfigError):
        # Shrinking, replacing a volume, detaching beside deleting, and the like: what must not be done.
        reject()
    real = reconcile(VM, wish, client, dry_run=False, timeout=30)
    assert [step.reason for step in real.plan.steps] == [step.reason for step in foretold.plan.steps]
    assert (real.plan.before, real.plan.after) == (foretold.plan.before, foretold.plan.after)
    seen = VM.result(real.state)
    if "pending" in foretold.plan.extra:
        assert seen["pending"] == foretold.plan.extra["pending"]
    lab.clear_requests()
    again = reconcile(VM, wish, client, dry_run=False, timeout=30)
    assert ([step.reason for step in again.plan.steps], lab.writes()) == ([], [])
    assert seen["node"] == (wish["node"] or seen["node"])
