"""Directories on disks. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.resources.directory import DIRECTORY, find, shown

from .reading import Table

ROW = {"path": "/mnt/pve/data", "type": "xfs", "device": "/dev/disk/by-uuid/1", "options": "defaults"}


def test_it_is_found_by_its_path() -> None:
    reader = Table({"/nodes/father/disks/directory": [ROW]})
    assert find(reader, {"node": "father", "name": "data"}) == ROW
    assert find(reader, {"node": "father", "name": "dat"}) is None


def test_what_is_shown() -> None:
    assert shown(ROW) == {
        "name": "data",
        "path": "/mnt/pve/data",
        "filesystem": "xfs",
        "mounted_device": "/dev/disk/by-uuid/1",
        "mount_options": "defaults",
    }


def test_what_is_written() -> None:
    assert DIRECTORY.writes == ("POST /nodes/{}/disks/directory", "DELETE /nodes/{}/disks/directory/{}")
