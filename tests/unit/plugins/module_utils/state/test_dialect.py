"""Short words for what modules' options say at length."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.dialect import DIALECTS, job_id, membership
from hypothesis import given
from hypothesis import strategies as st

Entry = dict[str, Any]
DISK, CARD = {"storage": "s", "size": "1G"}, {"bridge": "vmbr0"}


@pytest.mark.parametrize(
    ("kind", "entry", "means"),
    [
        ("vms", {"disk": DISK}, {"disks": {"scsi0": DISK}}),
        ("vms", {"disk": [DISK, "s:5"]}, {"disks": {"scsi0": DISK, "scsi1": "s:5"}}),
        ("vms", {"disk": DISK, "disks": {"ide2": "x"}}, {"disks": {"scsi0": DISK, "ide2": "x"}}),
        ("vms", {"network": CARD, "comment": "a"}, {"net": {"net0": CARD}, "description": "a"}),
        ("vms", {"network": [CARD, CARD]}, {"net": {"net0": CARD, "net1": CARD}}),
        ("vms", {"state": "running"}, {"state": "started"}),
        ("vms", {"state": "stopped"}, {"state": "stopped"}),
        ("vms", {"ha": {"enabled": True}}, {"ha": {}}),
        ("vms", {"ha": {"enabled": True, "max_relocate": 2}}, {"ha": {"max_relocate": 2}}),
        ("vms", {"ha": {"enabled": False, "group": "g"}}, {"ha": {"state": "absent"}}),
        ("vms", {"ha": {"state": "started"}}, {"ha": {"state": "started"}}),
        ("vms", {"disk": None, "comment": None}, {"disk": None, "comment": None}),
        ("containers", {"name": "a", "network": CARD}, {"hostname": "a", "net": {"net0": CARD}}),
        ("storage", {"id": "s", "type": "dir"}, {"storage": "s", "type": "dir"}),
        ("network", {"address": "10.0.0.1", "netmask": "255.255.255.0"}, {"cidr": "10.0.0.1/24"}),
        ("network", {"address": "10.0.0.1", "netmask": 16}, {"cidr": "10.0.0.1/16"}),
        ("network", {"address": "10.0.0.1/8"}, {"cidr": "10.0.0.1/8"}),
        ("network", {"address": "10.0.0.1"}, {"cidr": "10.0.0.1/32"}),
        ("network", {"address6": "fd00::1", "netmask6": 64, "comment": "a"}, {"cidr6": "fd00::1/64", "comments": "a"}),
        ("backups", {"id": "j", "schedule": "daily", "time": "02:00"}, {"id": "j", "schedule": "02:00"}),
        ("backups", {"id": "j", "time": "2:00"}, {"id": "j", "schedule": "2:00"}),
        ("backups", {"id": "j", "schedule": "weekly", "time": "02:00"}, {"id": "j", "schedule": "sun 02:00"}),
        ("backups", {"id": "j", "schedule": "monthly", "time": "02:00"}, {"id": "j", "schedule": "*-*-01 02:00"}),
        ("backups", {"id": "j", "schedule": "mon..fri", "time": "02:00"}, {"id": "j", "schedule": "mon..fri 02:00"}),
        ("backups", {"id": "j", "vms": [100], "containers": [200]}, {"id": "j", "vmid": [100, 200]}),
        ("backups", {"id": "j", "compression": "zstd"}, {"id": "j", "compress": "zstd"}),
        ("backups", {"id": "j", "retention": {"keep_daily": 7}}, {"id": "j", "prune_backups": {"keep_daily": 7}}),
        ("backups", {"schedule": "daily"}, {"id": "backup-daily", "schedule": "daily"}),
        ("backups", {"storage": "nas"}, {"storage": "nas"}),
    ],
)  # fmt: skip
def test_what_is_meant(kind: str, entry: Entry, means: Entry) -> None:
    assert DIALECTS[kind](entry) == means


@pytest.mark.parametrize(
    ("kind", "entry", "message"),
    [
        ("vms", {"comment": "a", "description": "b"}, "'comment' and 'description' say the same."
         " Leave one of them out."),
        ("vms", {"disk": DISK, "disks": {"scsi0": DISK}}, "'disk' and 'disks' say the same. Leave one of them out."),
        ("vms", {"network": CARD, "net": 5}, "'network' and 'net' say the same. Leave one of them out."),
        ("vms", {"ha": {"enabled": "maybe"}}, "ha: enabled is true or false, not 'maybe'."),
        ("network", {"netmask": "255.0.0.0"}, "'netmask' needs 'address' beside it."),
        ("network", {"address": "1.2.3.4", "cidr": "1.2.3.4/5"}, "'address' and 'cidr' say the same."
         " Leave one of them out."),
        ("network", {"address": "1.2.3.4/5", "netmask": 5}, "'address' has a prefix length already:"
         " leave out 'netmask'."),
        ("network", {"address": "1.2.3.4", "netmask": "255.0.255.0"}, "'address' and 'netmask': '1.2.3.4/255.0.255.0' "
         "does not appear to be an IPv4 or IPv6 interface."),
        ("backups", {"schedule": "daily", "time": 120}, "'time' is a time of day such as '02:00', not '120'."),
        ("backups", {"vmid": [1], "vms": [2]}, "'vmid' stands beside 'vms' or 'containers'. Say all guests "
         "in one of the two ways."),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(kind: str, entry: Entry, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DIALECTS[kind](entry)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "entry", "place", "written"),
    [
        ("vms", {"network": CARD}, ("net", "net0", "bridge"), ("network", "bridge")),
        ("vms", {"network": [CARD]}, ("net", "net0", "bridge"), ("network", 0, "bridge")),
        ("vms", {"net": {"net0": CARD}}, ("net", "net0", "bridge"), ("net", "net0", "bridge")),
        ("vms", {"comment": "a"}, ("description",), ("comment",)),
        ("vms", {"comment": "a"}, ("cores",), ("cores",)),
        ("storage", {"id": "s"}, ("storage",), ("id",)),
        ("network", {"address": "a"}, ("cidr",), ("address",)),
        ("network", {"cidr": "a"}, ("cidr",), ("cidr",)),
        ("network", {"address": "a"}, (), ()),
        ("backups", {"vms": [1, 2], "containers": [3]}, ("vmid", 1), ("vms", 1)),
        ("backups", {"vms": [1, 2], "containers": [3]}, ("vmid", 2), ("containers", 0)),
        ("backups", {"vms": 1, "containers": [3]}, ("vmid",), ("vms",)),
        ("backups", {"containers": 3}, ("vmid", 0), ("containers",)),
        ("backups", {"vmid": [3]}, ("vmid", 0), ("vmid", 0)),
        ("backups", {"schedule": "daily", "time": "25:00"}, ("schedule",), ("time",)),
        ("backups", {"retention": {}}, ("prune_backups", "x"), ("retention", "x")),
    ],
)
def test_where_it_was_written(kind: str, entry: Entry, place: tuple[str, ...], written: tuple[Any, ...]) -> None:
    assert DIALECTS[kind].written(entry, place) == written


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"schedule": "02:00", "storage": "nfs-backup"}, "backup-02-00-nfs-backup"),
        ({"schedule": "*-*-01 02:00"}, "backup-01-02-00"),
        ({"schedule": "x" * 80}, "backup-" + "x" * 43),
    ],
)
def test_a_job_without_an_id_has_the_same_each_time(entry: Entry, name: str) -> None:
    assert job_id(entry) == name


def test_a_guest_without_group_is_in_none() -> None:
    for kind, entry in (("vms", {"ha": {}}), ("vms", {}), ("storage", {"ha": {"group": "a"}})):
        assert membership(kind, entry) == (entry, None)


OPTIONS = {name: sorted(KINDS[name].resource.argument_spec()) for name in DIALECTS}


@given(st.sampled_from(sorted(DIALECTS)), st.data())
def test_the_modules_own_words_mean_what_they_say(kind: str, data: st.DataObject) -> None:
    own = [name for name in OPTIONS[kind] if name not in ("ha", "state")]
    entry = data.draw(st.dictionaries(st.sampled_from(own), st.integers(), max_size=6))
    told = DIALECTS[kind](entry)
    assert {name: value for name, value in told.items() if name in entry} == entry
    assert set(told) - set(entry) <= {"id"}
    assert DIALECTS[kind](told) == told


def test_every_word_is_one_of_an_option() -> None:
    for kind, dialect in DIALECTS.items():
        assert {word.option for word in dialect.words} <= set(OPTIONS[kind])
        assert not {word.said for word in dialect.words if word.said != word.option} & set(OPTIONS[kind])
