# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/disks``: the disks of a node.

A node has the disk it runs from (../golden nodes) and those of its seed. What is on the latter is a state: no device of
the machine is touched. Words and rules: pve-storage, PVE/Diskmanage.pm and PVE/API2/Disks.pm.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.api.fake import Call, Route, Values, die
from lab.api.node import NODE
from lab.api.sections import Entries, SectionArea
from lab.api.seed import GIB
from lab.api.storage import StorageArea

DISKS = f"{NODE}/disks"
SYSTEM_DISK: Values = {
    "devpath": "/dev/vda",
    "gpt": 0,
    "health": "UNKNOWN",
    "model": "unknown",
    "mounted": 1,
    "osdid": -1,
    "osdid-list": None,
    "rpm": -1,
    "serial": "unknown",
    "size": 256 * GIB,
    "type": "unknown",
    "used": "mounted",
    "vendor": "0x1af4",
    "wearout": "N/A",
    "wwn": "unknown",
}


class DiskArea(SectionArea, StorageArea):
    """Mixin: disks, their health and partition tables."""

    # The disks of each node beside the one it runs from.
    spare_disks: tuple[Values, ...] = ()

    def routes(self) -> list[Route]:
        """What is told of disks, and done to them."""
        return [
            ("GET", f"{DISKS}/list", self._list_disks),
            ("GET", f"{DISKS}/smart", self._say_health),
            ("POST", f"{DISKS}/initgpt", self._init_disk),
            ("PUT", f"{DISKS}/wipedisk", self._wipe_disk),
        ]

    # ------------------------------------------------------------------ disks

    def _states(self, node: str) -> Entries:
        """What is on disks: device -> how it is used, its partition table and partitions."""
        return self.stored(f"nodes/{node}/disks")

    def _made(self, node: str, path: str) -> Entries:
        """What was made: name -> devices and options."""
        return self.stored(f"nodes/{node}/disks/{path}")

    def _rows(self, node: str, *, partitions: bool) -> Iterator[Values]:
        for disk in (SYSTEM_DISK, *self.spare_disks):
            state = self._states(node).get(disk["devpath"], {})
            parts: list[Values] = state.get("partitions", [])
            told = {key: value for key, value in state.items() if key in ("gpt", "used")}
            shown = {**disk, **told, **({"used": "partitions"} if parts and (partitions or not state["used"]) else {})}
            yield {key: value for key, value in shown.items() if key != "used" or value}
            for part in parts if partitions else ():
                common = {"gpt": 1, "type": "partition", "parent": disk["devpath"], "osdid": -1, "osdid-list": None}
                yield {**common, **{key: value for key, value in part.items() if value}}

    async def _list_disks(self, call: Call) -> list[Values]:
        rows = list(self._rows(call["node"], partitions=bool(call.get("include-partitions"))))
        if call.get("type") == "unused":
            return [row for row in rows if not row.get("used")]
        if call.get("type") == "journal_disks":
            usable = ("LVM", "partitions")
            return [
                row for row in rows if not row.get("used") or (row["used"] in usable and row["devpath"] != "/dev/vda")
            ]
        return rows

    def _device(self, node: str, path: str) -> Values:
        """The disk or partition at a path, which may be its name below /dev/disk/by-id."""
        if not path.startswith("/dev/"):
            raise die(f"got unusual device path '{path}'")
        for row in self._rows(node, partitions=True):
            if path in (row["devpath"], row.get("by_id_link")):
                return row
        raise die("not a valid block device")

    def _unused(self, node: str, path: str) -> str:
        """The device's own name. Raises PVE's refusal for one in use."""
        row = self._device(node, path)
        if row.get("used"):
            raise die(f"device '{row['devpath']}' is already in use")
        return str(row["devpath"])

    async def _say_health(self, call: Call) -> Values:
        row = self._device(call["node"], call["disk"])
        if call.get("healthonly") or row["devpath"] == SYSTEM_DISK["devpath"]:
            found = {"health": row.get("health", "UNKNOWN")}
            return found if call.get("healthonly") else {**found, "type": "text", "text": ""}
        wear = {"id": "177", "name": "Wear_Leveling_Count", "value": 99, "worst": 99, "threshold": 0, "raw": "3"}
        return {"health": row["health"], "type": "ata", "attributes": [{**wear, "flags": "PO--C-", "fail": "-"}]}

    async def _init_disk(self, call: Call) -> str:
        node, row = call["node"], self._device(call["node"], call["disk"])
        if row["type"] == "partition":
            raise die(f"{row['devpath']} is a partition")
        if row.get("used"):
            raise die(f"disk {row['devpath']} already in use")

        async def body() -> None:
            self._states(node)[row["devpath"]] = {"gpt": 1, "used": "", "partitions": []}

        return await self.task(node, "diskinit", row["devpath"].rpartition("/")[2], call.user, body)

    async def _wipe_disk(self, call: Call) -> str:
        node, row = call["node"], self._device(call["node"], call["disk"])
        parts = [part for part in self._rows(node, partitions=True) if part.get("parent") == row["devpath"]]
        for item in (row, *parts):
            if item.get("mounted"):
                raise die(f"disk/partition '{item['devpath']}' is mounted")
            if self._is_held(node, item["devpath"]):
                raise die(f"disk/partition '{item['devpath']}' has a holder")

        async def body() -> None:
            self._wipe(node, row["devpath"])

        return await self.task(node, "wipedisk", row["devpath"].rpartition("/")[2], call.user, body)

    def _is_held(self, node: str, device: str) -> bool:
        """Whether active logical volumes are on a device."""
        return any(device in thin["devices"] for thin in self._made(node, "lvmthin").values())

    def _wipe(self, node: str, device: str) -> None:
        for disk, state in self._states(node).items():
            for part in state["partitions"]:
                if part["devpath"] == device:
                    part["used"] = ""
            if disk == device:
                state.update(gpt=0, used="", partitions=[])
