# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/nodes/{node}/network``: edits that wait, what they are, and their end (PVE/API2/Network.pm).

On a booted node the files are its own and ``ifreload`` applies them; elsewhere the applied file is what counts.
"""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Mapping
from typing import Any

from lab.api import interfaces, open_vswitch
from lab.api.fake import Answer, Call, Route, TaskError, Values, die, param_error, split_list
from lab.api.interfaces import NetworkConfigError, NetworkFile
from lab.api.node import INTERFACES, NodeArea
from lab.api.tasks import TaskArea, log_line

NETWORK = "/nodes/{node}/network"
ONE = NETWORK + "/{iface}"
NEW = f"{INTERFACES}.new"
# ``any_bridge`` and the like stand for several kinds (PVE/API2/Network.pm).
FILTERS = {"any_bridge": ("bridge", "OVSBridge", "vnet"), "any_local_bridge": ("bridge", "OVSBridge")}
RELOAD = ("ifreload", "-a")
# Options of a request that are none of an interface.
REQUEST_ONLY = ("node", "iface", "delete")
GATEWAYS = {"gateway": "Default gateway", "gateway6": "Default ipv6 gateway"}
NO_OVS = "Open VSwitch is not installed (need package 'openvswitch-switch')"
FAMILIES = {"inet": "", "inet6": "6"}


def without_cidr(given: Values) -> Values:
    """The options with every ``cidr`` split into address and netmask."""
    split = dict(given)
    for suffix in FAMILIES.values():
        cidr = split.pop("cidr" + suffix, None)
        if cidr is None:
            continue
        for name in ("address", "netmask"):
            if split.get(name + suffix):
                raise param_error(**{name + suffix: f"{name}{suffix} conflicts with cidr{suffix}"})
        split["address" + suffix], _, split["netmask" + suffix] = str(cidr).partition("/")
    return split


def with_methods(given: Values) -> Values:
    """The options with the families and methods that follow from its addresses."""
    families = [family for family, suffix in FAMILIES.items() if given.get("address" + suffix)] or ["inet"]
    methods = {
        "method" + suffix: "static" if given.get("address" + suffix) else "manual" for suffix in FAMILIES.values()
    }
    return {**given, "families": families, **methods}


def check_gateways(file: NetworkFile, name: str, given: Mapping[str, Any]) -> None:
    """A node has one default gateway for each family."""
    for option, words in GATEWAYS.items():
        for other, iface in file.ifaces.items() if given.get(option) else ():
            if other != name and iface.get(option):
                raise param_error(**{option: f"{words} already exists on interface '{other}'."})


def check_ports(file: NetworkFile, name: str, given: Mapping[str, Any]) -> None:
    """A port belongs to one bridge or bond."""
    option = next((key for key in interfaces.PORTS if given.get(key)), None)
    if option is None:
        return
    users = {port: user for port, user in file.ports().items() if user != name}
    for port in interfaces.port_list(given):
        if port in users:
            raise param_error(**{option: f"{port} is already used on interface '{users[port]}'."})


def add_port(file: NetworkFile, name: str, given: Mapping[str, Any]) -> None:
    """A port or bond of Open vSwitch is added to the ports of the bridge that it names."""
    wanted = given.get("ovs_bridge")
    if not wanted:
        raise param_error(ovs_bridge="parameter is required")
    bridge = file.ifaces.get(wanted)
    if bridge is None:
        raise param_error(ovs_bridge=f"bridge '{wanted}' does not exist")
    if bridge["type"] != open_vswitch.BRIDGE:
        raise param_error(ovs_bridge=f"interface '{wanted}' is no OVS bridge")
    ports = str(bridge.get("ovs_ports", "")).split()
    if name not in ports:
        bridge["ovs_ports"] = " ".join([*ports, name])


def check_vids(given: Values) -> None:
    """A list of VLANs names some."""
    if given.get("bridge_vids"):
        vids = split_list(given["bridge_vids"])
        if not vids:
            raise param_error(bridge_vids="VLAN list items are empty")
        given["bridge_vids"] = " ".join(vids)


def difference(current: str, new: str) -> str:
    """What waits, as ``diff -u`` tells it with the times of the two files."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S.000000000 +0000", time.gmtime())
    lines = difflib.unified_diff(
        current.splitlines(), new.splitlines(), f"/{INTERFACES}", f"/{NEW}", moment, moment, lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


class NetworkArea(TaskArea, NodeArea):
    """Mixin: the network of nodes."""

    def __init__(self, **given: object) -> None:
        """Start without Open vSwitch."""
        super().__init__(**given)
        # Whether the nodes have the package openvswitch-switch.
        self.open_vswitch = False

    def routes(self) -> list[Route]:
        """``/nodes/{node}/network``."""
        return [
            ("GET", NETWORK, self._list_network),
            ("POST", NETWORK, self._create_interface),
            ("PUT", NETWORK, self._apply_network),
            ("DELETE", NETWORK, self._revert_network),
            ("GET", ONE, self._show_interface),
            ("PUT", ONE, self._update_interface),
            ("DELETE", ONE, self._delete_interface),
        ]

    # --------------------------------------------------------------- reading

    def _waiting_network(self) -> str:
        """The file with what waits, or the one that is applied."""
        return self.text_of(NEW) or self.network_text()

    async def _list_network(self, call: Call) -> Any:  # noqa: ANN401 - fakepve's answers
        wanted = call.get("type")
        kinds = FILTERS.get(wanted, (wanted,))
        every = wanted in (None, "include_sdn")
        items = [item for item in self.network_items(self._waiting_network()) if every or item["type"] in kinds]
        waiting = self.text_of(NEW)
        changes = difference(self.network_text(), waiting) if waiting is not None else ""
        return Answer(items, {"changes": changes}) if changes else items

    async def _show_interface(self, call: Call) -> dict[str, Any]:
        found = next(
            (item for item in self.network_items(self._waiting_network()) if item["iface"] == call["iface"]), None
        )
        if found is None:
            raise param_error(iface="interface does not exist")
        return {key: value for key, value in found.items() if key != "iface"}

    # --------------------------------------------------------------- changes

    def _read_network(self) -> NetworkFile:
        """The file that is edited, the machine's cards included."""
        file = interfaces.parse(self._waiting_network())
        for name in sorted(self.network_cards() - set(file.ifaces)):
            file.ifaces[name] = {}
            interfaces.complete(name, file.ifaces[name], file.ifaces)
        return file

    def _write_network(self, file: NetworkFile) -> None:
        try:
            text = interfaces.render(file)
        except NetworkConfigError as error:
            raise die(str(error)) from error
        self.write_text(NEW, text)

    def _need_interface(self, file: NetworkFile, name: str) -> dict[str, Any]:
        if name not in file.ifaces:
            raise param_error(iface="interface does not exist")
        return file.ifaces[name]

    async def _create_interface(self, call: Call) -> None:
        file, name = self._read_network(), call["iface"]
        if name in file.ifaces:
            raise param_error(iface="interface already exists")
        given = self._checked_options(file, call)
        if str(given["type"]).startswith("OVS") and not self.open_vswitch:
            raise die(NO_OVS)
        if given["type"] in open_vswitch.OWN:
            add_port(file, name, given)
        file.ifaces[name] = with_methods(given)
        self._write_network(file)

    def _checked_options(self, file: NetworkFile, call: Call) -> Values:
        given = {option: value for option, value in call.values.items() if option not in REQUEST_ONLY}
        given = without_cidr(given)
        check_gateways(file, call["iface"], given)
        check_ports(file, call["iface"], given)
        check_vids(given)
        return given

    async def _update_interface(self, call: Call) -> None:
        """Options that are not given stay; the method does not, unless the address is given again."""
        file = self._read_network()
        iface = self._need_interface(file, call["iface"])
        for option in split_list(call.get("delete")):
            for name in _deleted_with(option):
                iface.pop(name, None)
        iface |= with_methods(self._checked_options(file, call))
        self._write_network(file)

    async def _delete_interface(self, call: Call) -> None:
        file = self._read_network()
        gone = self._need_interface(file, call["iface"])
        bridge = file.ifaces.get(gone.get("ovs_bridge", ""), {}) if gone["type"] in open_vswitch.OWN else {}
        if bridge:
            ports = [port for port in str(bridge.get("ovs_ports", "")).split() if port != call["iface"]]
            bridge["ovs_ports"] = " ".join(ports)
        del file.ifaces[call["iface"]]
        self._write_network(file)

    # ----------------------------------------------------------- the end of it

    async def _revert_network(self, _call: Call) -> None:
        self.remove_text(NEW)

    async def _apply_network(self, call: Call) -> str:
        async def body() -> None:
            waiting = self.text_of(NEW)
            if waiting is not None:
                self.write_text(INTERFACES, waiting)
                self.remove_text(NEW)
            if self.has_machine():
                await self.reload_network()

        upid: str = await self.task(call["node"], "srvreload", "networking", call.user, body)
        return upid

    async def reload_network(self) -> None:
        """Let ifupdown2 make the network what its files say. Raises TaskError as the task of a node ends."""
        process = await asyncio.create_subprocess_exec(
            *RELOAD, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
        told_of_reload(process.returncode, errors.decode(errors="replace"))


def told_of_reload(code: int | None, errors: str) -> None:
    """Log what a reload complained about. Raises TaskError when it failed."""
    for line in errors.splitlines():
        log_line(line)
    if code:
        raise TaskError(f"command '{' '.join(RELOAD)}' failed: exit code {code}")


def _deleted_with(option: str) -> list[str]:
    """What goes with an option that is removed."""
    if option in ("cidr", "cidr6"):
        suffix = option.removeprefix("cidr")
        return [name + suffix for name in ("cidr", "address", "netmask")]
    return [option]
