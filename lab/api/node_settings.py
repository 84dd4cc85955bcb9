# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for one node: options, DNS, hosts, time zone."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from lab.api import interfaces
from lab.api.fake import Call, Route, Values, check_digest, param_error, split_list
from lab.api.node import NODE, NodeArea
from lab.api.node_texts import RESOLVER
from lab.api.sections import SectionArea, file_digest

HOSTS, TIMEZONE = "etc/hosts", "etc/timezone"
DEFAULT_RESOLVER = "search lab.internal\nnameserver 10.99.0.1\n"
UTC = "UTC"
NAME_SERVERS = ("dns1", "dns2", "dns3")


def offset_of(zone: str, moment: int) -> int:
    """Seconds that a zone's clocks are ahead of UTC; a small node has no other zones' files."""
    if zone == UTC:
        return 0
    offset = datetime.fromtimestamp(moment, ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


class NodeSettingsArea(SectionArea, NodeArea):
    """Mixin: ``/nodes/{node}/{config,dns,hosts,time}``."""

    # The certificate that is served, once there is one.
    certificate: Path | None = None

    def routes(self) -> list[Route]:
        """What can be read, and what can be changed."""
        return [
            ("GET", NODE + "/config", self._read_node_config),
            ("PUT", NODE + "/config", self._set_node_config),
            ("GET", NODE + "/dns", self._say_dns),
            ("PUT", NODE + "/dns", self._set_dns),
            ("GET", NODE + "/hosts", self._read_hosts),
            ("POST", NODE + "/hosts", self._set_hosts),
            ("GET", NODE + "/time", self._say_time),
            ("PUT", NODE + "/time", self._set_time),
        ]

    # ---------------------------------------------------------------- options

    def _node_config(self, node: str) -> Values:
        return self.stored(f"nodes/{node}/config").setdefault("", {})

    async def _read_node_config(self, call: Call) -> Values:
        options = self._node_config(call["node"])
        shown = {name: f"{value}\n" if name == "description" else value for name, value in options.items()}
        wanted = call.get("property")
        if wanted:
            return {name: value for name, value in shown.items() if name == wanted}
        return shown | ({"digest": file_digest(options)} if options else {})

    async def _set_node_config(self, call: Call) -> None:
        options = self._node_config(call["node"])
        check_digest(file_digest(options), call.get("digest"))
        options |= {name: value for name, value in call.values.items() if name not in ("node", "delete", "digest")}
        for name in split_list(call.get("delete")):
            options.pop(name, None)

    # -------------------------------------------------------------- text files

    async def _say_dns(self, _call: Call) -> dict[str, str]:
        return interfaces.resolver(self.text_of(RESOLVER) or DEFAULT_RESOLVER)

    async def _set_dns(self, call: Call) -> None:
        """Servers that are not given are gone (PVE/INotify.pm, update_etc_resolv_conf)."""
        servers = [call[name] for name in NAME_SERVERS if call.get(name)]
        self.write_text(RESOLVER, f"search {call['search']}\n" + "".join(f"nameserver {name}\n" for name in servers))

    def _hosts(self) -> str:
        own = f"{self.address()} {self.asked_node()}.lab.internal {self.asked_node()}\n"
        return self.text_of(HOSTS) or f"127.0.0.1 localhost.localdomain localhost\n{own}"

    @staticmethod
    def _text_digest(text: str) -> str:
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def _read_hosts(self, _call: Call) -> Values:
        return {"data": self._hosts(), "digest": self._text_digest(self._hosts())}

    async def _set_hosts(self, call: Call) -> None:
        check_digest(self._text_digest(self._hosts()), call.get("digest"))
        self.write_text(HOSTS, call["data"])

    # ------------------------------------------------------------------- time

    def _timezone(self) -> str:
        return (self.text_of(TIMEZONE) or UTC).strip()

    async def _say_time(self, _call: Call) -> Values:
        now, zone = int(self.clock.now()), self._timezone()
        return {"timezone": zone, "time": now, "localtime": now + offset_of(zone, now)}

    async def _set_time(self, call: Call) -> None:
        if call["timezone"] not in {UTC, *available_timezones()}:
            raise param_error(timezone="No such timezone")
        self.write_text(TIMEZONE, f"{call['timezone']}\n")
