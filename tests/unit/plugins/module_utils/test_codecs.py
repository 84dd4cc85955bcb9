"""The wire forms of Proxmox VE and our values."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import codecs
from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    CONTENT,
    DESCRIPTION,
    INTEGER,
    MEMORY,
    NAMESERVERS,
    NUMBER,
    SSH_KEYS,
    STORAGE_CONTENT,
    TAGS,
    TEXT,
    VMIDS,
    Codec,
    Properties,
    matching,
    size_bytes,
    size_text,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources import disks, vm_config
from hypothesis import given
from hypothesis import strategies as st

DISK, NIC, AGENT = disks.DISK, vm_config.NIC, vm_config.AGENT.codec()


@pytest.mark.parametrize(
    ("codec", "spellings"),
    [
        (MEMORY, [32768, "32768", "32768M", "32G", "32GiB", "current=32768"]),
        (BOOLEAN, [True, 1, "1", "yes", "on", "TRUE"]),
        (BOOLEAN, [False, 0, "0", "no", "off"]),
        (TAGS, [["b", "A"], "a;b", "B,a", "a b", ["a", "b", "a"]]),
        (CONTENT, [["iso", "images"], "images,iso", "iso;images"]),
        (STORAGE_CONTENT, [[], "none", ""]),
        (VMIDS, [[200, 100, 100], "100,200", "200;100", ["100", "200"]]),
        (NAMESERVERS, [["1.1.1.1", "9.9.9.9"], "1.1.1.1 9.9.9.9", "1.1.1.1,9.9.9.9"]),
        (DESCRIPTION, ["two\nlines", "two\nlines\n"]),
        (INTEGER, [4, "4"]),
        (NUMBER, [0.5, "0.5", "0.50"]),
        (SSH_KEYS, [["ssh-rsa A a@b", "ssh-rsa B"], "ssh-rsa A a@b\nssh-rsa B\n", " ssh-rsa A a@b\n\nssh-rsa B"]),
        (NIC, ["virtio=bc:24:11:00:00:01,bridge=vmbr0,firewall=1",
               {"model": "virtio", "mac": "BC-24-11-00-00-01", "bridge": "vmbr0", "firewall": True},
               "bridge=vmbr0,model=virtio,firewall=on,macaddr=BC:24:11:00:00:01"]),
        (NIC, ["virtio,trunks=3;1;2", {"model": "virtio", "trunks": [2, 1, 3]}]),
        (DISK, ["local-lvm:32", {"storage": "local-lvm", "size": "32G"}, {"storage": "local-lvm", "size": "32768M"}]),
        (DISK, ["local-lvm:cloudinit", {"storage": "local-lvm", "media": "cloudinit"}]),
        (DISK, ["local:iso/x.iso,media=cdrom", {"file": "local:iso/x.iso", "media": "cdrom"}]),
        (DISK, ["none", {"file": "none", "media": "cdrom"}]),
        (DISK, [{"storage": "a", "import_from": "b:import/c.raw"}, {"storage": "a", "import-from": "b:import/c.raw"}]),
        (AGENT, [True, 1, "1", "enabled=1", {"enabled": "yes"}]),
    ],
    ids=lambda value: None if isinstance(value, Codec) else str(value),
)  # fmt: skip
def test_spellings_of_one_value(codec: Codec, spellings: list[Any]) -> None:
    first, *others = [codec.parse(spelling) for spelling in spellings]
    assert all(codec.same(first, other) for other in others)


@pytest.mark.parametrize(
    ("codec", "value", "wire"),
    [
        (TEXT, "x", "x"),
        (MEMORY, "4G", 4096),
        (BOOLEAN, "yes", 1),
        (NUMBER, 2, "2"),
        (TAGS, ["b", "A"], "a;b"),
        (STORAGE_CONTENT, [], "none"),
        (NAMESERVERS, ["9.9.9.9", "1.1.1.1"], "9.9.9.9 1.1.1.1"),
        (SSH_KEYS, ["ssh-rsa A= a@b"], "ssh-rsa%20A%3D%20a%40b%0A"),
        (NIC, {"bridge": "vmbr0"}, "virtio,bridge=vmbr0"),
        (NIC, "e1000=BC:24:11:00:00:01,tag=7,bridge=vmbr0", "e1000=BC:24:11:00:00:01,bridge=vmbr0,tag=7"),
        (DISK, {"storage": "local", "size": "512M", "ssd": True}, "local:0.5,ssd=1"),
        (DISK, {"storage": "local", "media": "cloudinit"}, "local:cloudinit"),
        (
            DISK,
            {"storage": "local", "import_from": "nas:import/x.raw", "size": "9G"},
            "local:0,import-from=nas:import/x.raw",
        ),
        (DISK, {"file": "local:iso/x.iso", "media": "cdrom"}, "local:iso/x.iso,media=cdrom"),
        (AGENT, {"enabled": True, "fstrim_cloned_disks": True}, "1,fstrim_cloned_disks=1"),
        (vm_config.BOOT.codec(), {"order": ["scsi0", "net0"]}, "order=scsi0;net0"),
        (vm_config.CPU.codec(), {"cputype": "host", "flags": ["+aes", "-pcid"]}, "host,flags=+aes;-pcid"),
    ],
    ids=lambda value: None if isinstance(value, Codec) else str(value),
)
def test_encoding(codec: Codec, value: object, wire: object) -> None:
    assert codec.encode(codec.parse(value)) == wire


@pytest.mark.parametrize(
    ("codec", "value", "complaint"),
    [
        (MEMORY, "1.5", "'1.5' is not a whole number of MiB"),
        (MEMORY, "-1", "'-1' is not a size such as 512M or 32G"),
        (BOOLEAN, "perhaps", "'perhaps' is neither true nor false"),
        (NIC, {"mtu": "big"}, "mtu: 'big' is not a whole number"),
        (NIC, {"rate": "fast"}, "rate: 'fast' is not a number"),
        (NIC, {"tag": 4095}, "tag: 4095 is not from 1 to 4094"),
        (NIC, {"model": "ne3000"}, f"model: 'ne3000' is none of {', '.join(vm_config.NIC_MODELS)}"),
        (within(INTEGER, 1), 0, "0 is not 1 or more"),
        (within(INTEGER, None, 9), 10, "10 is not 9 or less"),
        (within(NUMBER, 0, 128), 128.5, "128.5 is not from 0 to 128"),
        (matching("a+", "a row of a"), "ab", "'ab' is not a row of a"),
        (vm_config.IPCONFIG.codec(), "dhcp", "'dhcp' is not of the form name=value"),
        (vm_config.IPCONFIG.codec(), {"gateway": "x"}, "unknown property 'gateway'; known are gw, gw6, ip, ip6"),
    ],
    ids=lambda value: None if isinstance(value, Codec) else str(value),
)
def test_complaints(codec: Codec, value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        codec.parse(value)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("before", "wish", "after"),
    [
        (None, {"bridge": "vmbr0"}, {"model": "virtio", "bridge": "vmbr0"}),
        (
            {"model": "e1000", "bridge": "vmbr0", "tag": 7},
            {"bridge": "vmbr1"},
            {"model": "e1000", "bridge": "vmbr1", "tag": 7},
        ),
        ({"model": "e1000", "bridge": "vmbr0", "tag": 7}, {"tag": ""}, {"model": "e1000", "bridge": "vmbr0"}),
    ],
)
def test_a_wish_for_a_card_keeps_the_rest(before: Any, wish: Any, after: Any) -> None:
    assert NIC.merge(before, wish) == after


def test_unknown_properties_of_proxmox_are_kept() -> None:
    assert NIC.encode(NIC.decode("virtio=BC:24:11:00:00:01,bridge=vmbr0,new-thing=x")).endswith("new-thing=x")


@given(st.integers(min_value=1, max_value=2**50))
def test_sizes_round_trip(number: int) -> None:
    assert size_bytes(size_text(number)) == number


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1), max_size=4))
def test_keys_round_trip(lines: list[str]) -> None:
    assert SSH_KEYS.decode(SSH_KEYS.encode(SSH_KEYS.parse(lines))) == SSH_KEYS.parse(lines)


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(0, 9999),
    "str": st.from_regex(r"[A-Za-z0-9:./_-]{1,12}", fullmatch=True),
    "lower": st.from_regex(r"[a-z0-9:./]{1,12}", fullmatch=True),
    "float": st.integers(1, 999).map(lambda number: number / 4),
    "size": st.integers(1, 2**20).map(lambda number: f"{number}M"),
    "mac": st.from_regex(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", fullmatch=True),
    "set": st.lists(st.integers(1, 4094), min_size=1).map(lambda items: ";".join(map(str, items))),
    "list": st.lists(st.from_regex(r"[a-z]+[0-9]", fullmatch=True), min_size=1).map(";".join),
}


def allowed(table: Properties, key: str) -> st.SearchStrategy[Any]:
    """Values of one property that are right."""
    if key in table.choices:
        return st.sampled_from(table.choices[key])
    low, high = table.limits.get(key, (0, 9999))
    in_limits = st.integers(int(low or 0), int(high if high is not None else 9999))
    return in_limits if table.kinds[key] == "int" else _VALUES[table.kinds[key]]


_TABLES = {name: value for name, value in vars(vm_config).items() if isinstance(value, Properties) and name != "_NIC"}


@pytest.mark.parametrize("name", sorted(_TABLES))
@given(data=st.data())
def test_properties_round_trip(name: str, data: st.DataObject) -> None:
    table = _TABLES[name]
    wish = data.draw(st.fixed_dictionaries({}, optional={key: allowed(table, key) for key in table.kinds}))
    value = table.parse(wish)
    assert table.decode(table.encode(value)) == value


@given(
    st.fixed_dictionaries(
        {"model": st.sampled_from(vm_config.NIC_MODELS)},
        optional={key: allowed(vm_config._NIC, key) for key in vm_config._NIC.kinds if key != "model"},
    )
)
def test_cards_round_trip(wish: dict[str, Any]) -> None:
    value = NIC.parse(wish)
    assert NIC.decode(NIC.encode(value)) == value


def test_every_kind_is_known() -> None:
    tables = [*_TABLES.values(), vm_config._NIC, disks.DRIVE]
    assert {kind for table in tables for kind in table.kinds.values()} <= set(codecs.KINDS)


def test_properties_that_proxmox_answers_as_an_object() -> None:
    assert Properties(kinds={"keep-last": "int", "all": "bool"}).decode({"keep-last": "3", "all": 1}) == {
        "keep-last": 3, "all": True,
    }  # fmt: skip
