# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of guests that really boot: what is restored has their files, owners, and not what they removed."""

from __future__ import annotations

import pytest

from tests.integration.conftest import NodeApi, Stand

pytestmark = pytest.mark.lab
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
DUMPS = "/var/lib/vz/dump"
LEAVE_MARKS = "sh -c 'echo kept > /root/mark; chown 33:44 /root/mark; rm /etc/issue'"
SHOW_MARKS = "sh -c 'cat /root/mark; stat -c %u:%g /root/mark; ls /etc | grep -c ^issue$'"
MARKS = ["kept", "33:44", "0"]
CONTAINER = f"""
set -e
pct create 320 local:vztmpl/{TEMPLATE} --rootfs local-lvm:1 --mp0 local-lvm:1,mp=/srv/data,backup=1 --start 1 >&2
pct exec 320 -- {LEAVE_MARKS}
pct exec 320 -- sh -c 'echo data > /srv/data/file'
vzdump 320 --storage local --compress gzip --mode suspend >&2
pct restore 321 {DUMPS}/vzdump-lxc-320-*.tar.gz --storage local-lvm --unique 1 >&2
pct start 321
pct exec 321 -- {SHOW_MARKS} || true
pct exec 321 -- cat /srv/data/file
tar -tzf {DUMPS}/vzdump-lxc-320-*.tar.gz | head -1
pct stop 320 >&2; pct stop 321 >&2; pct destroy 320 >&2; pct destroy 321 >&2
"""
VM = f"""
set -e
qm clone 9000 322 --name kept --full 1 >&2
qm set 322 --agent 1 >&2
qm start 322 >&2
timeout 20 sh -c 'until qm guest cmd 322 ping; do :; done' >/dev/null 2>&1
qm guest exec 322 -- {LEAVE_MARKS} >&2
vzdump 322 --storage local --compress zstd >&2
pvesh create /nodes/father/qemu --vmid 323 --archive local:backup/$(basename {DUMPS}/vzdump-qemu-322-*) >&2
qm start 323 >&2
timeout 20 sh -c 'until qm guest cmd 323 ping; do :; done' >/dev/null 2>&1
qm guest exec 323 -- {SHOW_MARKS} | sed -n 's/.*"out-data" : "\\(.*\\)".*/\\1/p'
qm stop 322 >&2; qm stop 323 >&2; qm destroy 322 >&2; qm destroy 323 >&2
"""


@pytest.fixture
def api(stand: Stand) -> NodeApi:
    """The node's API, with a container template on its storage."""
    node = stand.father()
    node.call("POST", "/nodes/father/aplinfo", storage="local", template=TEMPLATE)
    return node


def test_a_container_is_restored_with_owners_and_mount_points(stand: Stand, api: NodeApi) -> None:
    said = stand.ssh("father", CONTAINER).splitlines()
    assert said == [*MARKS, "data", "./etc/vzdump/pct.conf"]


def test_a_vm_is_restored_as_it_was(stand: Stand) -> None:
    assert stand.ssh("father", VM).strip().split("\\n")[:3] == MARKS
