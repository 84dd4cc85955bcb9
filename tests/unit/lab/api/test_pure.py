# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for what needs no server: cloud-init, configuration, images, interfaces, files, requests, state, seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from lab.api import cloudinit, files, hotplug, images, interfaces, settings, state, volumes
from lab.api.config import ConfigFileError, load
from lab.api.config_area import new_size
from lab.api.fake import PveError, TaskError
from lab.api.guests import import_source, is_cloudinit, readable, with_size, without
from lab.api.requestlog import RequestLog, api_path, is_write
from lab.api.tasks import last_line, list_view, status_view

DRIVE = {"ide2": "local:100/vm-100-cloudinit.qcow2,media=cdrom"}
CARD = "virtio=BC:24:11:00:00:01,bridge=vmbr0"


@pytest.mark.parametrize(
    ("config", "address", "gateway"),
    [
        ({"net0": CARD}, "dhcp", None),
        ({"net0": CARD, "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}, "dhcp", None),
        ({"net0": CARD, "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1", **DRIVE}, "10.0.0.5/24", "10.0.0.1"),
        ({"net0": CARD, "ipconfig0": "ip=dhcp", **DRIVE}, "dhcp", None),
    ],
)
def test_addresses_come_from_the_cloudinit_drive(config: dict[str, Any], address: str, gateway: str | None) -> None:
    (card,) = cloudinit.guest_spec(100, config, Path("/disk"), "id").nics
    assert (card.name, card.mac, card.bridge) == ("eth0", "BC:24:11:00:00:01", "vmbr0")
    assert (card.address, card.gateway) == (address, gateway)


def test_without_a_drive_the_guest_is_told_nothing() -> None:
    config = {"name": "web", "ciuser": "admin", "sshkeys": "ssh-ed25519%20AAAA", "nameserver": "10.0.0.1"}
    spec = cloudinit.guest_spec(100, config, Path("/disk"), "id")
    assert (spec.hostname, spec.user, spec.ssh_keys, spec.nameserver) == ("debian", "debian", (), None)
    spec = cloudinit.guest_spec(100, {**config, **DRIVE}, Path("/disk"), "id")
    assert (spec.hostname, spec.user, spec.ssh_keys) == ("web", "admin", ("ssh-ed25519 AAAA",))


def test_a_card_that_is_unplugged_is_not_there() -> None:
    assert cloudinit.guest_spec(100, {"net0": CARD + ",link_down=1"}, Path("/disk"), "id").nics == ()


@pytest.mark.parametrize(
    ("agent", "enabled"),
    [("1", True), ("0", False), ("enabled=1,fstrim_cloned_disks=1", True), ("enabled=0", False), (None, False)],
)
def test_whether_the_agent_is_on(agent: str | None, enabled: bool) -> None:
    assert cloudinit.agent_enabled({} if agent is None else {"agent": agent}) is enabled


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"scsi0": "a:vm-1-disk-0", "scsi1": "a:vm-1-disk-1", "boot": "order=net0;scsi1"}, "scsi1"),
        ({"scsi0": "a:vm-1-disk-0", "ide2": "a:iso/x.iso,media=cdrom", "boot": "order=ide2;scsi0"}, "scsi0"),
        ({"virtio0": "a:vm-1-disk-0"}, "virtio0"),
        ({"boot": " "}, None),
    ],
)
def test_the_disk_a_guest_boots_from(config: dict[str, str], key: str | None) -> None:
    assert cloudinit.boot_disk(config) == key


CARD = "virtio=BC:24:11:00:00:01,bridge=vmbr0"
DISK = "local-lvm:vm-100-disk-0,size=1G"


@pytest.mark.parametrize(
    ("option", "value", "config", "taken"),
    [
        ("name", "x", {}, True),
        ("cores", 2, {}, False),
        ("ciuser", "x", {}, True),
        ("ipconfig0", "ip=dhcp", {"hotplug": "0"}, True),
        ("memory", "512", {}, False),
        ("memory", "512", {"hotplug": "memory"}, True),
        ("tablet", 0, {}, True),
        ("tablet", 0, {"hotplug": "0"}, False),
        ("net1", CARD, {}, True),
        ("net1", CARD, {"hotplug": "disk"}, False),
        ("net0", CARD + ",tag=5", {"hotplug": "0", "net0": CARD}, True),
        ("net0", CARD.replace("virtio", "e1000"), {"hotplug": "0", "net0": CARD}, False),
        ("net0", None, {"hotplug": "0", "net0": CARD}, False),
        ("scsi1", DISK, {"hotplug": "1"}, True),
        ("sata1", DISK, {}, False),
        ("scsi0", DISK + ",iops=9", {"scsi0": DISK, "hotplug": "0"}, True),
        ("scsi0", DISK + ",ssd=1", {"scsi0": DISK}, False),
        ("ide2", "none,media=cdrom", {"ide2": "local:iso/x.iso,media=cdrom"}, True),
        ("usb0", "host=1:2", {"ostype": "l26"}, True),
        ("usb0", "host=1:2", {}, False),
        ("balloon", 0, {}, False),
        ("balloon", 64, {"balloon": 128}, True),
        ("balloon", None, {"balloon": 0}, False),
        ("agent", "1", {}, False),
        ("agent", "1,fstrim_cloned_disks=1", {"agent": "enabled=1"}, True),
        ("agent", "0", {"agent": "1"}, False),
        ("hotplug", "disk", {}, True),
        ("hotplug", "cpu", {}, False),
    ],
)
def test_what_a_running_vm_takes_at_once(option: str, value: object, config: dict[str, object], taken: bool) -> None:
    assert hotplug.takes(option, value, config) is taken


@pytest.mark.parametrize(("given", "kept"), [("Prod;web", "prod;web"), ("b, a;a", "a;b"), ("", ""), ("X Y", "x;y")])
def test_tags_are_kept_in_order(given: str, kept: str) -> None:
    assert settings.split_tags(given) == kept


def test_a_password_goes_to_the_guest_as_a_crypt_hash_and_to_nobody_else() -> None:
    hashed = settings.crypt_password("secret")
    assert hashed.startswith("$5$")
    assert settings.crypt_password(hashed) == hashed
    assert settings.shown("cipassword", hashed) == "**********"


def test_pending_rows_tell_what_waits() -> None:
    rows = settings.pending_rows(
        {"memory": "320", "serial0": "socket", "name": "a"}, {"memory": "512", "serial0": None}
    )
    assert rows == [
        {"key": "memory", "value": "320", "pending": "512"},
        {"key": "name", "value": "a"},
        {"key": "serial0", "value": "socket", "delete": 1},
    ]


@pytest.mark.parametrize(
    ("boot", "device", "with_it", "without_it"),
    [
        ("order=scsi0;net0", "ide3", "order=scsi0;net0;ide3", "order=scsi0;net0"),
        ("order=scsi0", "scsi0", "order=scsi0", " "),
        (" ", "ide3", " ", " "),
    ],
)
def test_boot_orders(boot: str, device: str, with_it: str, without_it: str) -> None:
    assert (settings.boot_with(boot, device), settings.boot_without(boot, [device])) == (with_it, without_it)


def test_setting_and_deleting_at_once_is_refused() -> None:
    with pytest.raises(PveError) as refused:
        settings.check_conflicts({"memory": "1"}, ["memory"], [])
    assert refused.value.errors == {"delete": "you can't use '-memory' and -delete memory' at the same time"}


@pytest.mark.parametrize(
    ("now", "wanted", "size"),
    [(1024, "+1K", 2048), (0, "32G", 32 * 1024**3), (5, "5", 5), (1024**3, "1.5G", 3 * 1024**3 // 2)],
)
def test_sizes_of_a_resize(now: int, wanted: str, size: int) -> None:
    assert new_size(now, wanted) == size


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(TaskError, match="unable to parse size 'big'"):
        new_size(0, "big")


@given(st.integers(0, 2**50))
def test_a_readable_size_means_the_same_bytes(size: int) -> None:
    assert new_size(0, readable(size)) == size


@pytest.mark.parametrize(
    ("value", "cloudinit_drive"),
    [
        ("local:cloudinit", True),
        ("local:100/vm-100-cloudinit.qcow2,media=cdrom", True),
        ("local-lvm:vm-100-cloudinit,media=cdrom,size=4M", True),
        ("local:iso/cloudinit-tools.iso,media=cdrom", False),
        ("none,media=cdrom", False),
    ],
)
def test_cloudinit_drives_are_known_by_their_names(value: str, cloudinit_drive: bool) -> None:
    assert is_cloudinit(value) is cloudinit_drive


def test_drive_values() -> None:
    drive = "local:0,import-from=local:import/x.qcow2,discard=on"
    assert import_source(drive) == "local:import/x.qcow2"
    assert without(drive, "import-from") == "local:0,discard=on"
    assert with_size("a:b,ssd=1,size=1G,discard=on", 2 * 1024**3) == "a:b,discard=on,size=2G,ssd=1"


@pytest.mark.parametrize(
    ("volume", "disk"),
    [
        ("local-lvm:vm-100-disk-0", True),
        ("local:100/base-100-disk-0.qcow2/105/vm-105-disk-0.qcow2", True),
        ("local:iso/x.iso", False),
        ("local-lvm:vm-100-cloudinit", False),
        ("local:backup/vzdump-qemu-100-x.vma.zst", False),
    ],
)
def test_which_volumes_are_a_guests_disks(volume: str, disk: bool) -> None:
    assert volumes.is_disk(volume) is disk


@pytest.mark.parametrize(
    ("name", "own"),
    [("100/base-100-disk-0.qcow2/105/vm-105-disk-0.qcow2", "105/vm-105-disk-0.qcow2"), ("vm-1-disk-0", "vm-1-disk-0")],
)
def test_a_linked_clone_has_a_folder_of_its_own(name: str, own: str) -> None:
    assert volumes.own_name(name) == own


# ------------------------------------------------------------------ images


def test_a_stand_in_is_a_qcow2_image_of_its_size(tmp_path: Path) -> None:
    images.write_stand_ins(tmp_path)
    (name,) = images.STAND_INS
    assert images.virtual_size(tmp_path / name) == images.STAND_INS[name]
    assert images.is_stand_in(tmp_path / name)
    assert name in (tmp_path / "SHA256SUMS").read_text()


def test_any_other_file_is_as_large_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(b"x" * 100)
    assert images.virtual_size(tmp_path / "disk.raw") == 100
    assert not images.is_stand_in(tmp_path / "disk.raw")


# -------------------------------------------------------------- interfaces

INTERFACES = """\
# a comment
auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
    address 10.0.0.2
    netmask 255.255.255.0
    gateway 10.0.0.1
    bridge_ports eno1
    bridge-vlan-aware yes
iface vmbr0 inet6 dhcp

iface vmbr1 inet dhcp
    bridge-ports none
"""


def test_interfaces_are_shown_as_the_api_does() -> None:
    shown = {item["iface"]: item for item in interfaces.listing(INTERFACES, ["lo", "eno1", "eno2", "vmbr0"])}
    assert sorted(shown) == ["eno1", "eno2", "vmbr0", "vmbr1"]
    assert shown["vmbr0"] == {
        "iface": "vmbr0",
        "type": "bridge",
        "method": "static",
        "method6": "dhcp",
        "families": ["inet", "inet6"],
        "autostart": 1,
        "active": 1,
        "gateway": "10.0.0.1",
        "address": "10.0.0.2",
        "netmask": "24",
        "cidr": "10.0.0.2/24",
        "bridge_ports": "eno1",
        "bridge_stp": "off",
        "bridge_fd": "0",
        "bridge_vlan_aware": 1,
        "priority": 4,
    }
    assert (shown["vmbr1"]["bridge_ports"], "active" in shown["vmbr1"]) == ("", False)
    assert shown["eno2"]["method"] == "manual"


def test_the_resolver_is_shown_as_the_api_does() -> None:
    text = "# x\nsearch lab.internal other\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"
    assert interfaces.resolver(text) == {"search": "lab.internal", "dns1": "10.0.0.1", "dns2": "10.0.0.2"}


# ------------------------------------------------------------------- files


def test_files_are_listed_with_what_pve_knows_of_them(tmp_path: Path) -> None:
    contents = {
        "template/iso/a.iso": "iso",
        "template/cache/debian.tar.zst": "tzst",
        "dump/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst": "vma.zst",
        "snippets/user.yaml": "snippet",
        "import/disk.qcow2": "qcow2",
        "template/iso/readme.txt": None,
    }
    for name in contents:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = dict(files.listing(tmp_path))
    assert sorted(record["format"] for record in found.values()) == sorted(form for form in contents.values() if form)
    assert found["backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst"]["vmid"] == 100


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\niso\r\n'
    b'--b\r\nContent-Disposition: form-data; name="filename"; filename="a.iso"\r\n\r\n\x00\r\n--x\r\n--b--\r\n'
)


def test_a_form_is_read_byte_for_byte() -> None:
    parts = files.form_parts('multipart/form-data; boundary="b"', FORM)
    assert [(part.name, part.filename, part.content) for part in parts] == [
        ("content", None, b"iso"),
        ("filename", "a.iso", b"\x00\r\n--x"),
    ]


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(ValueError, match="no boundary"):
        files.form_parts("text/plain", FORM)


# ----------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("method", "path", "status", "wrote"),
    [
        ("GET", "/version", 200, False),
        ("POST", "/access/ticket", 200, False),
        ("POST", "/nodes/n/qemu/1/agent/ping", 200, False),
        ("POST", "/nodes/n/qemu/1/agent/exec", 200, True),
        ("PUT", "/storage/local", 200, True),
        ("PUT", "/storage/local", 500, False),
        ("DELETE", "/pools/x", 200, True),
    ],
)
def test_what_counts_as_a_write(method: str, path: str, status: int, wrote: bool) -> None:
    assert is_write(method, path, status) is wrote


def test_the_log_keeps_paths_without_their_prefix() -> None:
    log = RequestLog()
    log.add("PUT", "/api2/json/storage/local", 200, "root@pam")
    log.add("GET", "/api2/extjs/version", 200, None)
    assert [(record.path, record.wrote) for record in log] == [("/storage/local", True), ("/version", False)]
    assert [record.path for record in log.writes()] == ["/storage/local"]
    log.clear()
    assert len(log) == 0
    assert api_path("/api2/json") == "/"


# -------------------------------------------------------------------- tasks

RECORD = {
    "upid": "U",
    "user": "root@pam!ci",
    "status": "stopped",
    "exitstatus": "OK",
    "log": [],
    "endtime": 2,
    "id": "1",
}


def test_a_task_looks_different_in_the_list() -> None:
    assert status_view(RECORD) == {
        "upid": "U", "user": "root@pam", "tokenid": "ci", "status": "stopped", "exitstatus": "OK", "id": "1",
    }  # fmt: skip
    assert list_view(RECORD) == {
        "upid": "U",
        "user": "root@pam",
        "tokenid": "ci",
        "status": "OK",
        "endtime": 2,
        "id": "1",
    }


@pytest.mark.parametrize(
    ("status", "line"),
    [("OK", "TASK OK"), ("WARNINGS: 1", "TASK WARNINGS: 1"), ("boom", "TASK ERROR: boom")],
)
def test_the_last_line_of_a_log(status: str, line: str) -> None:
    assert last_line(status) == line


# -------------------------------------------------------------------- state

KEYS = st.text(min_size=1).filter(lambda key: not key.startswith("$")) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.sets(st.integers()),
)


@settings_of_hypothesis(max_examples=40, deadline=None)
@given(VALUES)
def test_state_survives_json(value: Any) -> None:
    assert state.decode(json.loads(json.dumps(state.encode(value)))) == value


# ------------------------------------------------------------ configuration


def test_an_empty_configuration_is_a_nested_nodes(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text("{}")
    config = load(tmp_path / "api.json")
    assert (config.seed, config.driver, config.port) == ("nested", "namespace", 8006)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "{path} holds a list; it must be a JSON object"),
        ('{"seeds": 1}', "{path}: unknown key 'seeds'; known are "),
        ('{"driver": "kvm"}', "{path}: driver is 'kvm'; it must be one of namespace, none"),
        ("{", "{path} is not JSON: "),
        (None, "{path}: No such file or directory; write {{}} to it for a nested node"),
    ],
)
def test_a_configuration_that_cannot_be_used(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "api.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigFileError) as refused:
        load(path)
    assert str(refused.value).startswith(complaint.format(path=path))
