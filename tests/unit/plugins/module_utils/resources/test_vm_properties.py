"""Whatever is there and whatever is wished: a plan that was carried out leaves nothing to do. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.engine import Step
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_config import NIC_MODELS
from hypothesis import given
from hypothesis import strategies as st

from .reading import row

DEFAULTS = {name: spec.get("default") for name, spec in VM.options.items()}
WORD = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
MAC = st.from_regex(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", fullmatch=True)
NETWORK_CARD = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(NIC_MODELS),
        "bridge": WORD,
        "tag": st.integers(1, 4094) | st.just(""),
        "firewall": st.booleans(),
        "macaddr": MAC,
        "trunks": st.lists(st.integers(1, 4094), min_size=1, max_size=3),
    },
)
WISH = st.fixed_dictionaries(
    {},
    optional={
        "name": WORD,
        "cores": st.integers(1, 9),
        "memory": st.integers(16, 9999) | st.integers(1, 9).map(lambda number: f"{number}G"),
        "tags": st.lists(WORD, max_size=3),
        "description": st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=9),
        "onboot": st.booleans(),
        "agent": st.booleans() | st.just("1,fstrim_cloned_disks=1") | st.just({"enabled": "yes", "type": "isa"}),
        "boot": st.just("order=scsi0;net0") | st.just({"order": ["net0"]}),
        "cpu": st.sampled_from(["host", "kvm64", {"cputype": "max", "flags": ["+aes"]}]),
        "sshkeys": st.lists(WORD.map(lambda word: f"ssh-ed25519 {word} a@b"), max_size=2),
        "net": st.dictionaries(st.sampled_from(["net0", "net1"]), NETWORK_CARD | st.just("")),
        "ipconfig": st.fixed_dictionaries({}, optional={"ipconfig0": st.sampled_from(["ip=dhcp", {"ip": "DHCP"}, ""])}),
        "serial": st.fixed_dictionaries({}, optional={"serial0": st.sampled_from(["socket", ""])}),
    },
)


def carried_out(config: dict[str, Any], step: Step) -> dict[str, Any]:
    """What Proxmox VE's configuration is after a step of ours."""
    params = {key: value for key, value in step.params.items() if value is not None and key != "digest"}
    gone = str(params.pop("delete", "")).split(",")
    return {key: str(value) for key, value in {**config, **params}.items() if key not in gone}


def steps(wish: dict[str, Any], config: dict[str, Any]) -> tuple[Step, ...]:
    view = View(guest(row(104, config.get("name", ""))), config, "stopped")
    return VM.plan({**DEFAULTS, "vmid": 104, **wish}, view).steps


@given(WISH, WISH)
def test_nothing_is_left_to_do(first: dict[str, Any], second: dict[str, Any]) -> None:
    config: dict[str, Any] = {}
    for wish in (first, second):
        for step in steps(wish, config):
            config = carried_out(config, step)
        assert steps(wish, config) == ()


@given(WISH)
def test_what_is_not_wished_is_left_alone(wish: dict[str, Any]) -> None:
    config = {"scsi0": "local:104/vm-104-disk-0.raw,size=1G", "args": "-x", "unused0": "local:104/x", "hugepages": "2"}
    after = dict(config)
    for step in steps(wish, config):
        after = carried_out(after, step)
    assert {key: after.get(key) for key in config} == config
