# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node says of things it does not have, which no lab node has either: Ceph, devices (../golden nodes)."""

from __future__ import annotations

from collections.abc import Mapping

from lab.api.fake import Answer, Call, Handler, Route, die
from lab.api.node import NODE
from lab.api.nodes import NodesArea

# Lists of what is below a path: the key of each item, and the names.
DIRECTORIES: Mapping[str, tuple[str, str]] = {
    "/cluster/ceph": ("name", "flags metadata restart-bulk status"),
    "/cluster/ha": ("id", "status resources groups rules"),
    "/cluster/metrics": ("name", "server"),
    "/access": ("subdir", "users groups roles acl domains openid tfa ticket password"),
    f"{NODE}/qemu/{{vmid}}": (
        "subdir",
        "config cloudinit pending status unlink vncproxy termproxy migrate resize move rrd rrddata monitor agent "
        "snapshot spiceproxy sendkey firewall mtunnel remote_migrate",
    ),
    f"{NODE}/qemu/{{vmid}}/status": ("subdir", "current start stop reset shutdown suspend reboot"),
    f"{NODE}/qemu/{{vmid}}/snapshot/{{snapname}}": ("cmd", "rollback config"),
    f"{NODE}/qemu/{{vmid}}/firewall": ("name", "rules aliases ipset refs options"),
    NODE: (
        "name",
        "aplinfo apt capabilities ceph certificates config disks dns firewall hardware hosts journal lxc migrateall "
        "netstat network qemu query-oci-repo-tags query-url-metadata replication report rrd rrddata scan sdn services "
        "spiceshell startall status stopall storage subscription suspendall syslog tasks termproxy time version "
        "vncshell vzdump wakeonlan",
    ),
    f"{NODE}/apt": ("id", "changelog repositories update versions"),
    f"{NODE}/hardware": ("type", "pci usb"),
    f"{NODE}/scan": ("method", "cifs iscsi lvm nfs pbs zfs"),
}
EMPTY = (
    f"{NODE}/hardware/usb",
    f"{NODE}/netstat",
    f"{NODE}/scan/lvm",
)
NO_CEPH = "binary not installed: /usr/bin/ceph-mon"
REFUSED: Mapping[str, str] = {
    "/cluster/ceph/status": NO_CEPH,
    f"{NODE}/ceph/status": NO_CEPH,
}
ACME = (
    ("Let's Encrypt V2", "https://acme-v02.api.letsencrypt.org/directory"),
    ("Let's Encrypt V2 Staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
)
NO_LOG_FILE = "unable to open file - No such file or directory"


def always(answer: object) -> Handler:
    """A handler that answers the same to everybody."""

    async def handle(_call: Call) -> object:
        return answer

    return handle


def refusing(message: str) -> Handler:
    """A handler that refuses everybody."""

    async def handle(_call: Call) -> object:
        raise die(message)

    return handle


class AbsentArea(NodesArea):
    """Mixin: what is not there."""

    def routes(self) -> list[Route]:
        """Lists, refusals, and what has no devices to tell about."""
        lists = {path: [{key: name} for name in names.split()] for path, (key, names) in DIRECTORIES.items()}
        return [
            *(("GET", path, always(items)) for path, items in lists.items()),
            *(("GET", path, always([])) for path in EMPTY),
            *(("GET", path, refusing(message)) for path, message in REFUSED.items()),
            ("GET", f"{NODE}/firewall/log", always(Answer([{"n": 1, "t": NO_LOG_FILE}], {"total": 1}))),
            ("GET", "/cluster/acme/directories", always([{"name": name, "url": url} for name, url in ACME])),
        ]
