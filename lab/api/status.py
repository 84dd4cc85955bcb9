# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API says about a guest's present state, where fakepve and a real node differ (../golden qemu)."""

from __future__ import annotations

import re
from typing import Any

from lab.api.fake import Call, Fake, FakeVm, Route, Values, die

MIB = 1024**2
# A real node knows these only of a guest that it has statistics of.
HIDDEN = ("balloon", "diskread", "diskwrite", "running-machine", "running-qemu")


def adjusted(status: Values, config: Values, vmid: int) -> Values:
    """fakepve's status with the fields a real node has for this configuration."""
    shown = {key: value for key, value in status.items() if key not in HIDDEN and (key != "serial" or value)}
    for option, name in (("vga", "clipboard"), ("agent", "agent")):
        if option not in config:
            shown.pop(name, None)
    if config.get("balloon"):
        shown["balloon_min"] = int(config["balloon"]) * MIB
    if "shares" in config:
        shown["shares"] = int(config["shares"])
    if status["status"] == "running":
        cards = sorted(int(key[3:]) for key in config if re.fullmatch(r"net\d+", key))
        nics = {f"tap{vmid}i{number}": {"netin": 0, "netout": 0} for number in cards}
        shown |= {"nics": nics} if nics else {}
    return shown


class StatusArea(Fake):
    """Mixin: status, list and monitor of VMs."""

    def routes(self) -> list[Route]:
        """What tells about a running VM."""
        one = "/nodes/{node}/qemu/{vmid}"
        return [
            ("GET", "/nodes/{node}/qemu", self._list_vms),
            ("GET", one + "/status/current", self._current_status),
            ("POST", one + "/monitor", self._ask_monitor),
            ("GET", one + "/feature", self._has_feature),
        ]

    async def _list_vms(self, call: Call) -> list[dict[str, Any]]:
        return [
            self._listed(guest, full=bool(call.get("full")))
            for guest in self.vms
            if guest.node == call["node"] and self.allowed(call.user, f"/vms/{guest.vmid}", "VM.Audit")
        ]

    def _listed(self, guest: FakeVm, *, full: bool) -> Values:
        status = adjusted(self._vm_status(guest, True), guest.config, guest.vmid)
        if full:  # QEMU itself is asked (PVE::QemuServer::vmstatus)
            return {**status, "qmpstatus": guest.qmpstatus}
        return {key: value for key, value in status.items() if key != "nics"}

    async def _current_status(self, call: Call) -> dict[str, Any]:
        guest = self.find(call["node"], call["vmid"])
        return adjusted(self._vm_status(guest), guest.config, guest.vmid)

    async def _has_feature(self, call: Call) -> Values:
        """Whether every disk can be copied, snapshotted or cloned; only bases are cloned (PVE/Storage/Plugin.pm)."""
        guest = self.find(call["node"], call["vmid"])
        config = guest.snapshots[call["snapname"]] if call.get("snapname") else guest.config
        able = {
            "copy": True,
            "snapshot": self._qm_can_snapshot(config),
            "clone": bool(guest.template),
        }[call["feature"]]
        return {"hasFeature": int(able), "nodes": [call["node"]]}

    async def _ask_monitor(self, call: Call) -> str:
        """The one question everybody asks; guests of the lab have no QEMU to ask more."""
        guest = self.find(call["node"], call["vmid"])
        if guest.status != "running":
            raise die(f"VM {guest.vmid} not running")
        return f"VM status: {guest.qmpstatus}\r\n" if call["command"] == "info status" else ""
