# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Software defined networking, ``/cluster/sdn``: edited first, running once it is applied (pve-network).

Nothing is made of it on the nodes; an applied vnet is a bridge that guests can be plugged into.
"""

from __future__ import annotations

import copy
import ipaddress
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lab.api.fake import Call, PveError, Route, Values, die, param_error, split_list
from lab.api.nodes import NodesArea
from lab.api.sections import Guard, Says, Section, SectionArea, Type, Words, dying, property_object
from lab.api.tasks import log_line

SDN = "/cluster/sdn"
ZONE_COMMON = "nodes mtu dns reversedns dnszone ipam"
SEES = ("SDN.Audit", "SDN.Allocate")
EDITS = ("SDN.Allocate",)
# Files whose applied state is kept beside what is edited.
APPLIED = ("zones", "vnets", "subnets", "controllers", "fabrics", "fabric-nodes")
FABRIC_FILE, FABRIC_NODE_FILE = "sdn/fabrics.cfg", "sdn/fabric-nodes.cfg"
RUNNING_FILE = "sdn/.running-config"
LOCK_FILE = "sdn/.lock"
# Options shown as a sorted list of nodes.
NODE_LISTS = ("nodes", "exitnodes")
# Options that a pending view shows beside the pending ones (PVE/Network/SDN.pm, pending_config).
ALWAYS_SHOWN = ("type", "vnet")
MAX_VLAN, MAX_VNI = 4096, 16777216
Tagged = Callable[[str, Values, Mapping[str, Values], Mapping[str, Values]], None]


def words(noun: str, missing: str = "sdn '{0}' does not exist", deleting: str | None = None) -> Words:
    """How PVE words what is wrong with one kind of object."""
    return Words(
        exists=Says(f"sdn {noun} object ID '{{0}}' already defined"),
        missing=Says(missing),
        delete_missing=Says(missing),
        creating=f"create sdn {noun} object failed: ",
        updating=f"update sdn {noun} object failed: ",
        deleting=deleting or f"delete sdn {noun} object failed: ",
    )


# ------------------------------------------------------------------- checks


def _other_tag(name: str, vnet: Values, vnets: Mapping[str, Values], zones: set[str]) -> str | None:
    """The vnet of these zones that has the same tag already."""
    return next(
        (
            other
            for other, entry in vnets.items()
            if other != name and entry.get("zone") in zones and entry.get("tag") == vnet.get("tag")
        ),
        None,
    )


def check_simple(_name: str, vnet: Values, _vnets: Mapping[str, Values], _zones: Mapping[str, Values]) -> None:
    """A simple zone has no VLANs."""
    if "tag" in vnet:
        raise param_error(tag="vlan tag is not allowed on simple zone")


def check_vlan(name: str, vnet: Values, vnets: Mapping[str, Values], _zones: Mapping[str, Values]) -> None:
    """A VLAN belongs to one vnet of a zone."""
    if "tag" not in vnet:
        raise param_error(tag="missing vlan tag")
    if vnet["tag"] > MAX_VLAN:
        raise param_error(tag=f"vlan tag max value is {MAX_VLAN}")
    other = _other_tag(name, vnet, vnets, {vnet["zone"]})
    if other:
        raise param_error(tag=f"tag {vnet['tag']} already exist in vnet {other}")


def check_qinq(name: str, vnet: Values, vnets: Mapping[str, Values], _zones: Mapping[str, Values]) -> None:
    """The same inside of the zone's own VLAN, where one vnet can go without a tag."""
    tag = vnet.get("tag")
    if tag and tag > MAX_VLAN:
        raise param_error(tag=f"VLAN tag maximal value is {MAX_VLAN}")
    other = _other_tag(name, vnet, vnets, {vnet["zone"]})
    if other and tag:
        raise param_error(tag=f"tag {tag} already exist in zone {vnet['zone']} vnet {other}")
    if other:
        raise param_error(tag=f"tag-less vnet already exists in zone {vnet['zone']} vnet {other}")


def check_vxlan(name: str, vnet: Values, vnets: Mapping[str, Values], zones: Mapping[str, Values]) -> None:
    """A VXLAN belongs to one vnet of the cluster."""
    if "tag" not in vnet:
        raise param_error(tag="missing vxlan tag")
    if vnet["tag"] > MAX_VNI:
        raise param_error(tag=f"vxlan tag max value is {MAX_VNI}")
    overlays = {zone for zone, entry in zones.items() if entry["type"] in ("vxlan", "evpn")}
    other = _other_tag(name, vnet, vnets, overlays)
    if other:
        raise param_error(tag=f"vxlan tag {vnet['tag']} already exist in vnet {other} in zone {vnets[other]['zone']} ")


def check_evpn(name: str, vnet: Values, vnets: Mapping[str, Values], zones: Mapping[str, Values]) -> None:
    """The same, without VLANs inside."""
    if vnet.get("vlanaware"):
        raise param_error(**{"vlan-aware": "vlan-aware option can't be enabled with evpn"})
    check_vxlan(name, vnet, vnets, zones)


VNET_CHECKS: Mapping[str, Tagged] = {
    "simple": check_simple,
    "vlan": check_vlan,
    "qinq": check_qinq,
    "vxlan": check_vxlan,
    "evpn": check_evpn,
}


def settle_zone(api: SdnArea, name: str, entry: Values) -> None:
    """What a zone names exists, and a tunnel has somebody at its other end."""
    for option in NODE_LISTS:
        if option in entry:
            entry[option] = ",".join(sorted(split_list(entry[option])))
    servers = api.stored("sdn/dns.cfg")
    for option in ("dns", "reversedns"):
        if entry.get(option) and entry[option] not in servers:
            raise param_error(**{option: f"{entry[option]} don't exist"})
    if entry.get("dnszone") and not entry.get("dns"):
        raise param_error(dnszone="missing dns server")
    if entry.get("ipam") and entry["ipam"] not in {**IPAMS.builtin, **api.stored(IPAMS.file)}:
        raise param_error(ipam=f"{entry['ipam']} not existing")
    if entry["type"] == "vxlan" and bool(entry.get("peers")) == bool(entry.get("fabric")):
        message = "must have exactly one of peers / fabric defined"
        raise param_error(peers=message, fabric=message)
    if entry["type"] == "evpn":
        _settle_evpn(api, name, entry)


def _settle_evpn(api: SdnArea, name: str, entry: Values) -> None:
    controller = api.stored("sdn/controllers.cfg").get(entry["controller"])
    if controller is None:
        raise die(f"controller {entry['controller']} don't exist")
    if controller["type"] != "evpn":
        raise die(f"{entry['controller']} is not a evpn controller type")
    for other, zone in api.stored("sdn/zones.cfg").items():
        if other != name and zone.get("vrf-vxlan") == entry["vrf-vxlan"]:
            raise die(f"vrf-vxlan {entry['vrf-vxlan']} is already declared in {other}")


def release_zone(api: SdnArea, name: str, _entry: Values) -> None:
    """A zone with vnets stays."""
    user = next((vnet for vnet, entry in api.stored("sdn/vnets.cfg").items() if entry.get("zone") == name), None)
    if user:
        raise die(f"zone {name} is used by vnet {user}")


def settle_vnet(api: SdnArea, name: str, entry: Values) -> None:
    """A vnet fits into its zone."""
    zones, vnets = api.stored("sdn/zones.cfg"), api.stored("sdn/vnets.cfg")
    zone = zones.get(entry.get("zone", ""))
    if zone is None:
        raise die("cannot lookup undefined type!")
    subnets = api.subnets_of(name)
    if name in vnets and subnets and vnets[name]["zone"] != entry["zone"]:
        raise param_error(zone="can't change zone if subnets exist")
    VNET_CHECKS.get(zone["type"], check_qinq)(name, entry, vnets, zones)
    if entry.get("vlanaware") and subnets:
        raise param_error(vlanaware="vlanaware vnet is not compatible with subnets")


def release_vnet(api: SdnArea, name: str, _entry: Values) -> None:
    """A vnet with subnets stays."""
    if api.subnets_of(name):
        raise param_error(vnet="Can't delete vnet if subnets exists")


def subnet_parts(name: str) -> Values:
    """What a subnet's id says: zone, network, mask."""
    zone, network, mask = name.split("-")
    return {"id": name, "zone": zone, "network": network, "mask": mask, "cidr": f"{network}/{mask}"}


def subnet_view(name: str, entry: Values) -> Values:
    """A subnet as it is read: with what its id says, and its ranges as objects."""
    ranges = [property_object(text) for text in entry.get("dhcp-range", ())]
    return {**entry, **subnet_parts(name), "dhcp-range": ranges}


def settle_subnet(api: SdnArea, name: str, entry: Values) -> None:
    """A subnet's gateway and its ranges of addresses are inside of it."""
    cidr = subnet_parts(name)["cidr"]
    network = ipaddress.ip_network(cidr, strict=False)
    if api.stored("sdn/vnets.cfg")[entry["vnet"]].get("vlanaware"):
        raise param_error(vnet="you can't add a subnet on a vlanaware vnet")
    gateway = entry.get("gateway")
    if gateway and ipaddress.ip_address(gateway) not in network and network.prefixlen != network.max_prefixlen:
        raise param_error(gateway=f"{gateway} is not in subnet {cidr}")
    for text in entry.get("dhcp-range", ()):
        _check_range(property_object(text), network, cidr)


def _bound(bounds: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - an IPv4 or IPv6 address
    """One end of a range."""
    text = bounds.get(name, "")
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise param_error(**{"dhcp-range": f"{name} is not a valid IP {text}"}) from error


def _check_range(bounds: Mapping[str, str], network: Any, cidr: str) -> None:  # noqa: ANN401 - IPv4 or IPv6
    ends = {name: _bound(bounds, name) for name in ("start-address", "end-address")}
    for name, address in ends.items():
        if address not in network:
            raise param_error(**{"dhcp-range": f"{name} {address} is not in subnet {cidr}"})
    start, end = ends.values()
    if int(start) > int(end):
        raise param_error(**{"dhcp-range": f"start-address {start} must be smaller than end-address {end}"})


def settle_controller(api: SdnArea, name: str, entry: Values) -> None:
    """One EVPN controller is enough for a cluster."""
    if entry["type"] != "evpn":
        return
    others = [item for other, item in api.stored("sdn/controllers.cfg").items() if other != name]
    if any(other["type"] == "evpn" for other in others):
        raise die("only 1 global evpn controller can be defined")
    if bool(entry.get("peers")) == bool(entry.get("fabric")):
        raise die("must have exactly one of peers / fabric defined")


def release_controller(api: SdnArea, name: str, _entry: Values) -> None:
    """A controller of a zone stays."""
    user = next((zone for zone, entry in api.stored("sdn/zones.cfg").items() if entry.get("controller") == name), None)
    if user:
        raise die(f"controller {name} is used by {user}")


# ----------------------------------------------------------------- sections

ZONES = Section(
    path=f"{SDN}/zones",
    key="zone",
    file="sdn/zones.cfg",
    types={
        "simple": Type(optional=f"{ZONE_COMMON} dhcp"),
        "vlan": Type(required="bridge", optional=f"{ZONE_COMMON} bridge-disable-mac-learning"),
        "qinq": Type(required="tag bridge", optional=f"{ZONE_COMMON} bridge-disable-mac-learning vlan-protocol"),
        "vxlan": Type(optional=f"{ZONE_COMMON} peers vxlan-port fabric"),
        "evpn": Type(
            required="vrf-vxlan controller",
            optional=f"{ZONE_COMMON} exitnodes exitnodes-local-routing exitnodes-primary advertise-subnets "
            "disable-arp-nd-suppression bridge-disable-mac-learning rt-import vxlan-port mac secondary-controllers",
        ),
        "faucet": Type(required="dp-id controller", optional="nodes dns reversedns dnszone ipam"),
    },
    words=words("zone"),
    list_has_digest=True,
    reads=Guard("/sdn/zones/{zone}", SEES),
    settle=settle_zone,
    release=release_zone,
)
VNETS = Section(
    path=f"{SDN}/vnets",
    key="vnet",
    file="sdn/vnets.cfg",
    type="vnet",
    types={"vnet": Type(required="zone", optional="tag alias vlanaware isolate-ports")},
    words=words("vnet", "sdn vnet '{0}' does not exist"),
    list_has_digest=True,
    reads=Guard("/sdn/zones/{zone}/{vnet}", SEES),
    writes=Guard("/sdn/zones/{zone}/{vnet}", EDITS),
    settle=settle_vnet,
    release=release_vnet,
)
SUBNETS = Section(
    path=f"{VNETS.item}/subnets",
    key="subnet",
    file="sdn/subnets.cfg",
    type="subnet",
    types={
        "subnet": Type(required="vnet", optional="gateway snat dnszoneprefix dhcp-range dhcp-dns-server"),
    },
    words=words("subnet", "sdn subnet '{0}' does not exist"),
    list_has_digest=True,
    reads=Guard("/sdn/zones/{zone}/{vnet}", SEES),
    writes=Guard("/sdn/zones/{zone}/{vnet}", EDITS),
    settle=settle_subnet,
    view=subnet_view,
)
CONTROLLERS = Section(
    path=f"{SDN}/controllers",
    key="controller",
    file="sdn/controllers.cfg",
    types={
        "evpn": Type(required="asn", optional="peers fabric bgp-mode nodes peer-group-name route-map-in route-map-out"),
        "bgp": Type(
            required="node asn peers",
            optional="bgp-multipath-as-path-relax ebgp ebgp-multihop loopback route-map-in route-map-out",
        ),
        "faucet": Type(),
        "isis": Type(required="isis-domain isis-net isis-ifaces node", optional="loopback"),
    },
    words=words("controller"),
    list_has_digest=True,
    reads=Guard("/sdn/controllers/{controller}", SEES),
    settle=settle_controller,
    release=release_controller,
)
IPAMS = Section(
    path=f"{SDN}/ipams",
    key="ipam",
    file="sdn/ipams.cfg",
    types={
        "netbox": Type(required="url token", optional="fingerprint"),
        "phpipam": Type(required="url token section", optional="fingerprint"),
        "pve": Type(),
    },
    words=words("ipam", deleting="delete sdn zone object failed: "),
    builtin={"pve": {"type": "pve"}},
    list_has_digest=True,
    reads=Guard("/sdn/ipams/{ipam}", SEES),
)
NAME_SERVERS = Section(
    path=f"{SDN}/dns",
    key="dns",
    file="sdn/dns.cfg",
    types={"powerdns": Type(required="url key", optional="ttl reversemaskv6 reversev6mask fingerprint")},
    words=words("dns"),
    list_has_digest=True,
    reads=Guard("/sdn/dns/{dns}", SEES),
)
SECTIONS = (ZONES, VNETS, SUBNETS, CONTROLLERS, IPAMS, NAME_SERVERS)


def kind_of(section: Section) -> str:
    """The key of a file's sections in the applied configuration."""
    return section.file.removeprefix("sdn/").removesuffix(".cfg")


def pending_view(running: Mapping[str, Values], edited: Mapping[str, Values]) -> dict[str, Values]:
    """Objects with what is edited but not applied (PVE/Network/SDN.pm, pending_config)."""
    return {name: _pending(running.get(name), edited.get(name)) for name in sorted({*running, *edited})}


def _pending(running: Values | None, edited: Values | None) -> Values:
    if edited is None:
        return {**(running or {}), "state": "deleted", "pending": {}}
    fixed = {key: value for key, value in edited.items() if key in ALWAYS_SHOWN}
    changes = {key: value for key, value in edited.items() if key not in fixed and value != (running or {}).get(key)}
    gone = {key: "deleted" for key in running or {} if key not in edited}
    if running is None:
        return {**fixed, "state": "new", "pending": changes}
    return {**running, **fixed} | ({"state": "changed", "pending": {**changes, **gone}} if changes or gone else {})


class SdnArea(SectionArea, NodesArea):
    """Mixin: ``/cluster/sdn``."""

    def routes(self) -> list[Route]:
        """The objects, and what applies or takes back their changes."""
        return [
            *self.section_routes(*SECTIONS),
            ("PUT", SDN, self._apply_sdn),
            ("POST", f"{SDN}/rollback", self._roll_back_sdn),
            ("POST", f"{SDN}/lock", self._lock_sdn),
            ("DELETE", f"{SDN}/lock", self._unlock_sdn),
            ("GET", SDN, self._list_sdn),
            ("GET", "/nodes/{node}/sdn/zones", self._list_node_zones),
            ("GET", "/nodes/{node}/sdn/zones/{zone}/content", self._list_zone_content),
        ]

    async def _list_sdn(self, _call: Call) -> list[Values]:
        return [{"id": name} for name in ("vnets", "zones", "controllers", "ipams", "dns", "fabrics")]

    # --------------------------------------------------------------- lookups

    def running(self, kind: str) -> dict[str, Values]:
        """The applied objects of a kind."""
        return self.stored(RUNNING_FILE).get(kind, {})

    def subnets_of(self, vnet: str) -> list[str]:
        """Ids of the subnets of a vnet."""
        return [name for name, entry in self.stored(SUBNETS.file).items() if entry["vnet"] == vnet]

    def has_bridge(self, name: str) -> bool:
        """An applied vnet is a bridge on every node."""
        return name in self.running("vnets") or super().has_bridge(name)

    def entries(self, section: Section, call: Call) -> dict[str, Values]:
        """What is edited, what is running, or the difference; subnets those of the asked vnet."""
        found = super().entries(section, call)
        if section not in SECTIONS:
            return found
        if kind_of(section) in APPLIED and call.get("pending"):
            found = pending_view(self.running(kind_of(section)), found)
        elif kind_of(section) in APPLIED and call.get("running"):
            found = self.running(kind_of(section))
        if section is SUBNETS and "subnet" not in call.values:
            found = {name: entry for name, entry in found.items() if entry.get("vnet") == call["vnet"]}
        return found

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        """A difference has no file, and so no digest."""
        shown = super()._list_view(section, name, entry)
        return shown | (
            {"digest": None} if section in SECTIONS and entry is not self._edited_section(section, name) else {}
        )

    def _edited_section(self, section: Section, name: str) -> Values | None:
        return self.stored(section.file).get(name, section.builtin.get(name))

    async def _list_sections(self, section: Section, call: Call) -> list[Values]:
        """Subnets are listed for who may see their vnet, which has to be there (API2/Network/SDN/Subnets.pm, index)."""
        if section is SUBNETS:
            self.need(call.user, section.reads, call.values)
        return await super()._list_sections(section, call)

    async def _read_section(self, section: Section, call: Call) -> Values:
        shown = await super()._read_section(section, call)
        if section is SUBNETS and shown["vnet"] != call["vnet"]:
            raise param_error(vnet="wrong vnet")
        return shown

    def need(self, user: str, guard: Guard | None, values: Mapping[str, object]) -> None:
        """Privileges on a vnet are below its zone, which subnets do not say."""
        vnet = str(values.get("vnet", ""))
        if guard in (VNETS.reads, VNETS.writes) and "zone" not in values:
            if vnet not in self.stored(VNETS.file):
                raise VNETS.words.missing.error(vnet)
            values = {**values, "zone": self.stored(VNETS.file)[vnet]["zone"]}
        super().need(user, guard, values)

    def may(self, user: str, guard: Guard | None, values: Mapping[str, object]) -> bool:
        """The same for lists; the zone of a vnet that is only pending is a pending one."""
        vnet: Values = self.stored(VNETS.file).get(str(values.get("vnet", "")), {})
        pending = values.get("pending") or {}
        zone = {**vnet, **(pending if isinstance(pending, dict) else {})}.get("zone", "")
        return super().may(user, guard, {"zone": zone, **values})

    # --------------------------------------------------------------- changes

    def _new_name(self, section: Section, call: Call) -> str:
        """A subnet is created by its network and has an id of its zone and that."""
        if section is not SUBNETS:
            return super()._new_name(section, call)
        zone = self.stored(VNETS.file).get(call["vnet"], {}).get("zone", "")
        if "/" not in call["subnet"]:
            raise param_error(subnet="invalid format - value does not look like a valid CIDR network\n")
        return f"{zone}-{str(call['subnet']).replace('/', '-')}"

    def _given(self, section: Section, call: Call) -> Values:
        """``node`` is an option of a controller, which it is nowhere else."""
        given = super()._given(section, call)
        return given | ({"node": call["node"]} if section is CONTROLLERS and "node" in call.values else {})

    async def _create_section(self, section: Section, call: Call) -> None:
        self._check_sdn_lock(section, call, section.words.creating)
        await super()._create_section(section, call)

    async def _update_section(self, section: Section, call: Call) -> None:
        self._check_sdn_lock(section, call, section.words.updating)
        await super()._update_section(section, call)

    async def _delete_section(self, section: Section, call: Call) -> None:
        self._check_sdn_lock(section, call, section.words.deleting)
        await super()._delete_section(section, call)

    # -------------------------------------------------------- lock and apply

    def _need_sdn_lock(self, call: Call, prefix: str) -> None:
        held = self.stored(LOCK_FILE).get("token", {}).get("token")
        if held and call.get("lock-token") != held:
            raise die(f"{prefix}invalid lock token provided!")

    def _check_sdn_lock(self, section: Section, call: Call, prefix: str) -> None:
        if section in SECTIONS:
            self._need_sdn_lock(call, prefix)

    def _has_pending(self) -> bool:
        views = (pending_view(self.running(kind), self.stored(f"sdn/{kind}.cfg")) for kind in APPLIED)
        return any("state" in entry for view in views for entry in view.values())

    async def _lock_sdn(self, call: Call) -> str:
        prefix = "could not acquire lock for SDN config: "
        self._need_sdn_lock(call, prefix)
        with dying(prefix):
            if not call.get("allow-pending") and self._has_pending():
                raise die("configuration has pending changes")
        token = str(uuid.uuid4())
        self.stored(LOCK_FILE)["token"] = {"token": token}
        return token

    async def _unlock_sdn(self, call: Call) -> None:
        if not call.get("force"):
            self._need_sdn_lock(call, "could not release lock: ")
        self.stored(LOCK_FILE).clear()

    def _release_after(self, call: Call) -> None:
        if call.get("lock-token") and call.get("release-lock", 1):
            self.stored(LOCK_FILE).clear()

    async def _apply_sdn(self, call: Call) -> str:
        self._need_sdn_lock(call, "could not commit SDN config: ")
        running = self.stored(RUNNING_FILE)
        running |= {kind: copy.deepcopy(self.stored(f"sdn/{kind}.cfg")) for kind in APPLIED}
        self._release_after(call)

        async def body() -> None:
            for name in self.nodes:
                log_line(f"{name}: reloading network config")

        upid: str = await self.task(self.node, "reloadnetworkall", "", call.user, body)
        return upid

    async def _roll_back_sdn(self, call: Call) -> None:
        self._need_sdn_lock(call, "could not rollback SDN configuration: ")
        for kind in APPLIED:
            self.etc_pve[f"sdn/{kind}.cfg"] = copy.deepcopy(self.running(kind))
        self._release_after(call)

    # ------------------------------------------------------------------ nodes

    async def _list_node_zones(self, call: Call) -> list[Values]:
        shown = [
            name
            for name, entry in sorted(self.running("zones").items())
            if self.may(call.user, ZONES.reads, {"zone": name}) and self._is_on_zone(entry, call["node"])
        ]
        return [{"zone": name, "status": "available"} for name in shown]

    @staticmethod
    def _is_on_zone(zone: Values, node: str) -> bool:
        return "nodes" not in zone or node in split_list(zone["nodes"])

    async def _list_zone_content(self, call: Call) -> list[Values]:
        zone = self.running("zones").get(call["zone"])
        if zone is None:
            raise PveError(500, f"sdn '{call['zone']}' does not exist")
        found = [name for name, entry in sorted(self.running("vnets").items()) if entry["zone"] == call["zone"]]
        return [{"vnet": name, "status": "available"} for name in found]
