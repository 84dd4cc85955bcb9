# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's configuration: fakepve's, with what a node does otherwise (../golden firewall), and that of vnets.

Nothing is enforced.
"""

from __future__ import annotations

from typing import Any

from fakepve import firewall  # type: ignore[import-untyped]

from lab.api.fake import Call, Handler, PveError, Route, Values, param_error, pve_schema
from lab.api.sdn import VNETS
from lab.api.sdn_ipam import SdnIpamArea

VNET = VNETS.item + "/firewall"
# Where rules are, with fakepve's name for the place.
PLACES = (
    ("cluster", "/cluster/firewall/rules"),
    ("host", "/nodes/{node}/firewall/rules"),
    ("vm", "/nodes/{node}/qemu/{vmid}/firewall/rules"),
    ("ct", "/nodes/{node}/lxc/{vmid}/firewall/rules"),
    ("group", "/cluster/firewall/groups/{group}"),
)
# Macros that fakepve has not, or describes otherwise.
MACROS = {
    "DHCPv6": "DHCPv6 traffic",
    "NeighborDiscovery": "IPv6 neighbor solicitation, neighbor and router advertisement",
    "VNC": "VNC traffic for VNC display's 0 - 99",
}
MIXED = "detected mixed ipv4/ipv6 addresses in rule"
ADDRESSES = ("dest", "source")
REQUEST_ONLY = ("vnet", "delete", "digest")


class FirewallArea(SdnIpamArea):
    """Mixin: the firewall's configuration."""

    def __init__(self, **options: object) -> None:
        """Tell fakepve what a rule of a vnet can be, and more macros (pve-firewall, PVE/Firewall.pm)."""
        super().__init__(**options)
        firewall.MACROS.update(MACROS)
        firewall.MACRO_NAMES.update({name.lower(): name for name in MACROS})
        firewall.ENVS["vnet"] = ("forward", "group")
        firewall.ALLOW_IFACE["vnet"] = False

    def routes(self) -> list[Route]:
        """Reading one rule anywhere, and everything of a vnet's firewall."""
        return [
            *(("GET", f"{path}/{{pos}}", self._rule_reader(scope)) for scope, path in PLACES),
            ("GET", f"{VNET}/options", self._for_vnet(self._fw_options_get)),
            ("PUT", f"{VNET}/options", self._for_vnet(self._fw_options_put)),
            ("GET", f"{VNET}/rules", self._for_vnet(self._fw_rules_get)),
            ("POST", f"{VNET}/rules", self._for_vnet(self._fw_rule_create)),
            ("GET", VNET + "/rules/{pos}", self._for_vnet(self._fw_rule_get)),
            ("PUT", VNET + "/rules/{pos}", self._for_vnet(self._fw_rule_update)),
            ("DELETE", VNET + "/rules/{pos}", self._for_vnet(self._fw_rule_delete)),
        ]

    def firewall_config(self, scope: str, node: str | None = None, vmid: Any = None) -> Values:  # noqa: ANN401
        """fakepve's configuration of a place; a vnet goes by its name."""
        if scope == "vnet":
            vnets: dict[str, Values] = self._fw().setdefault("vnets", {})
            return vnets.setdefault(str(vmid), firewall.empty_conf())
        found: Values = super().firewall_config(scope, node, vmid)
        return found

    def _option_names(self, scope: str) -> list[str]:
        if scope != "vnet":
            return [str(name) for name in super()._option_names(scope)]
        properties = pve_schema.load().paths[f"{VNET}/options"]["PUT"]["parameters"]["properties"]
        return [name for name in properties if name not in REQUEST_ONLY]

    def _check_rule(self, scope: str, rule: Values, conf: Values) -> object:
        """fakepve's check; addresses of two versions are the last one's fault."""
        try:
            return super()._check_rule(scope, rule, conf)
        except PveError as error:
            if error.message != MIXED:
                raise
            raise param_error(**{next(name for name in ADDRESSES if rule.get(name)): MIXED}) from error

    def _rule_reader(self, scope: str) -> Handler:
        """Reading one rule: its position is the text of the path."""

        async def handle(call: Call) -> Values:
            rule: Values = await self._fw_rule_get(scope, call.values, call.user)
            return {**rule, "pos": str(rule["pos"])}

        return handle

    def _for_vnet(self, work: Any) -> Handler:  # noqa: ANN401 - fakepve's handler
        """A handler of fakepve for the firewall of the vnet in the path."""

        async def handle(call: Call) -> object:
            writing = work.__name__ not in ("_fw_options_get", "_fw_rules_get", "_fw_rule_get")
            self.need(call.user, VNETS.writes if writing else VNETS.reads, {"vnet": call["vnet"]})
            answer: object = await work("vnet", {**call.values, "vmid": call["vnet"]}, call.user)
            if isinstance(answer, dict) and "pos" in answer:
                return {**answer, "pos": str(answer["pos"])}
            return answer

        return handle
