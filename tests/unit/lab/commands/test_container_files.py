# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pct's verbs for a container's files, as far as they are texts and lists of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.commands.container_files import mount_commands, points, readable, table, usage_row

CONFIG = {
    "hostname": "ct",
    "mp1": "/srv/share,mp=/mnt/share,ro=1",
    "mp0": "local-lvm:vm-101-disk-1,mp=/data,size=1G",
    "rootfs": "local-lvm:vm-101-disk-0,size=4G",
    "unused0": "local-lvm:vm-101-disk-2",
}
VOLUMES = "/var/lib/homelab-pve-lab/volumes/local-lvm"


def test_the_root_comes_first_and_unused_volumes_not_at_all() -> None:
    assert [(name, options["mp"]) for name, _, options in points(CONFIG)] == [
        ("rootfs", "/"),
        ("mp0", "/data"),
        ("mp1", "/mnt/share"),
    ]


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0"), (1023, "1023"), (1536, "1.5K"), (4 * 1024**3, "4.0G"), (2 * 1024**4, "2.0T")]
)
def test_sizes_as_pct_writes_them(size: int, text: str) -> None:
    assert readable(size) == text


def test_the_table_of_df() -> None:
    rows = [
        usage_row("rootfs", "local-lvm:vm-101-disk-0", "/", 4 * 1024**3, 1024**3),
        usage_row("mp10", "/srv", "/mnt", 0, 0),
    ]
    assert table(rows).splitlines() == [
        "MP     Volume                  Size Used Avail Use% Path",
        "rootfs local-lvm:vm-101-disk-0 4.0G 1.0G  3.0G 25.0 /",
        "mp10   /srv                       0    0     0  0.0 /mnt",
    ]


def test_what_mount_does() -> None:
    layers = "lowerdir=/usr/lib/homelab-pve-lab/base,upperdir={0}/vm-101-disk-0/root,workdir={0}/vm-101-disk-0/work"
    assert list(mount_commands(CONFIG, Path("/r"))) == [
        ["mount", "-t", "overlay", "overlay", "-o", layers.format(VOLUMES), "/r"],
        ["mkdir", "-p", "/r/data"],
        ["mount", "--bind", f"{VOLUMES}/vm-101-disk-1/root", "/r/data"],
        ["mkdir", "-p", "/r/mnt/share"],
        ["mount", "--bind", "/srv/share", "/r/mnt/share"],
    ]
