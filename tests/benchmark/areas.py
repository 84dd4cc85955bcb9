"""One resource of each area of a server, made and then found as it is: our modules beside community.proxmox's.

Each is a whole ``ansible-playbook`` with one task, as in modules.py; requests are what the API counted. Where theirs
has no module for an area, or one that can't do it, the figure says so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmark.api import NODE, Api, Count, running
from tests.benchmark.figures import Figure
from tests.benchmark.modules import LATENCY, Task, community, our, play, theirs

REQUESTS = 2
"""How many requests our modules may need to find that there is nothing to do."""

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Area:
    """The same wish in both collections' words, and what is asked for before: ``POST path`` -> parameters."""

    name: str
    ours: tuple[str, Options]
    theirs: tuple[str, Options] | None = None
    before: Mapping[str, Options] = field(default_factory=dict)


VM: Mapping[str, Options] = {f"POST /nodes/{NODE}/qemu": {"vmid": 100, "name": "web"}}
MANAGED: Mapping[str, Options] = {**VM, "POST /cluster/ha/resources": {"sid": "vm:100"}}
# Their modules of the SDN take its lock, which they get only where nothing waits to be applied.
APPLIED: Mapping[str, Options] = {"PUT /cluster/sdn": {}}
FLEET: Mapping[str, Options] = {"POST /cluster/sdn/zones": {"zone": "fleet", "type": "simple"}}
ZONE = {**FLEET, **APPLIED}
VNET = {**FLEET, "POST /cluster/sdn/vnets": {"vnet": "fleetv", "zone": "fleet"}, **APPLIED}
SUBNET: Options = {"vnet": "fleetv", "subnet": "192.0.2.0/24", "gateway": "192.0.2.1"}
USER: Mapping[str, Options] = {"POST /access/users": {"userid": "alice@pve"}}
RULE: Options = {"type": "in", "action": "ACCEPT", "source": "192.0.2.1", "comment": "the monitor"}

AREAS = (
    Area(
        "storage",
        ("storage", {"storage": "fleet", "type": "dir", "path": "/srv/fleet", "content": ["iso"], "nodes": [NODE]}),
        (
            "proxmox_storage",
            {
                "name": "fleet",
                "state": "present",
                "type": "dir",
                "dir_options": {"path": "/srv/fleet"},
                "content": ["iso"],
                "nodes": [NODE],
            },
        ),
    ),
    Area("network", ("network_interface", {"node": NODE, "iface": "vmbr9", "type": "bridge", "cidr": "192.0.2.1/24"})),
    Area(
        "SDN, a zone",
        ("sdn_zone", {"zone": "fleet", "type": "simple"}),
        ("proxmox_zone", {"zone": "fleet", "type": "simple"}),
    ),
    Area(
        "SDN, a vnet",
        ("sdn_vnet", {"vnet": "fleetv", "zone": "fleet"}),
        ("proxmox_vnet", {"vnet": "fleetv", "zone": "fleet"}),
        ZONE,
    ),
    Area("SDN, a subnet", ("sdn_subnet", SUBNET), ("proxmox_subnet", {**SUBNET, "zone": "fleet"}), VNET),
    Area(
        "access, a user",
        ("user", {"userid": "alice@pve", "email": "alice@example.com", "firstname": "Alice"}),
        ("proxmox_user", {"userid": "alice@pve", "email": "alice@example.com", "firstname": "Alice"}),
    ),
    Area(
        "access, a group",
        ("group", {"groupid": "operators", "comment": "on call"}),
        ("proxmox_group", {"groupid": "operators", "comment": "on call"}),
    ),
    Area(
        "access, an ACL",
        ("acl", {"path": "/vms", "users": ["alice@pve"], "roles": ["PVEVMUser"]}),
        (
            "proxmox_access_acl",
            {"state": "present", "path": "/vms", "type": "user", "ugid": "alice@pve", "roleid": "PVEVMUser"},
        ),
        USER,
    ),
    Area(
        "pools",
        ("pool", {"poolid": "fleet", "comment": "the fleet"}),
        ("proxmox_pool", {"poolid": "fleet", "comment": "the fleet"}),
    ),
    Area("backup", ("backup_job", {"id": "nightly", "schedule": "02:30", "storage": "local", "vmid": [100]}), None, VM),
    Area(
        "HA, a resource",
        ("ha_resource", {"sid": "vm:100", "max_restart": 2}),
        ("proxmox_cluster_ha_resources", {"name": "vm:100", "state": "present", "max_restart": 2}),
        VM,
    ),
    Area(
        "HA, a rule",
        ("ha_rule", {"rule": "here", "type": "node-affinity", "nodes": [f"{NODE}:1"], "resources": ["vm:100"]}),
        (
            "proxmox_cluster_ha_rules",
            {
                "name": "here",
                "state": "present",
                "type": "node-affinity",
                "nodes": [f"{NODE}:1"],
                "resources": ["vm:100"],
            },
        ),
        MANAGED,
    ),
    Area("cluster", ("cluster_options", {"keyboard": "de"})),
    Area(
        "firewall",
        ("firewall_rule", {"level": "cluster", "rules": [RULE]}),
        ("proxmox_firewall", {"level": "cluster", "state": "present", "rules": [{**RULE, "pos": 0}]}),
    ),
)
"""One resource of each area. Theirs without a module stands alone."""


@dataclass(frozen=True)
class Sample:
    """Seconds and requests of making a resource, and of finding it as it is."""

    change: tuple[float, Count]
    nothing: tuple[float, Count]


def sample(area: Area, *, ours: bool) -> Sample:
    """One measurement on a node of its own. Raises RuntimeError when a task fails or the API refuses what it needs."""
    wish = area.ours if ours else area.theirs
    if wish is None:
        raise RuntimeError("they have no module for it")
    with running() as api:
        session = api.session()
        for request, values in area.before.items():
            verb, path = request.split()
            answer = session.request(verb, api.url(path), data=dict(values))
            if not answer.ok:
                raise RuntimeError(f"{request}: {answer.reason}")
        task = our(api, wish[0], **wish[1]) if ours else theirs(api, wish[0], **wish[1])
        return Sample(_played(api, task), _played(api, task))


def _played(api: Api, task: Task) -> tuple[float, Count]:
    api.slow_down(LATENCY)
    return play([task]), api.count()


def samples(area: Area, runs: int, *, ours: bool) -> list[Sample] | str:
    """Some measurements, or why there are none."""
    print(f"  {area.name}: {'ours' if ours else 'theirs'}", file=sys.stderr, flush=True)
    try:
        return [sample(area, ours=ours) for _ in range(runs)]
    except RuntimeError as error:
        return str(error)


def compared(area: Area, runs: int) -> list[Figure]:
    """The figures of an area: theirs, then ours, whose aim is their time."""
    their_samples = samples(area, runs, ours=False)
    our_samples = samples(area, runs, ours=True)
    return [figure for what in ("change", "nothing") for figure in _pair(area, what, their_samples, our_samples)]


def _pair(area: Area, what: str, their_samples: list[Sample] | str, our_samples: list[Sample] | str) -> list[Figure]:
    first = _figure(area, what, "theirs", their_samples, None)
    return [first, _figure(area, what, "ours", our_samples, first.median)]


def _figure(area: Area, what: str, whose: str, found: list[Sample] | str, aim: float | None) -> Figure:
    title = f"{area.name}, {'made' if what == 'change' else 'nothing to do'}: {whose}"
    if isinstance(found, str):
        return Figure(title, (), problem=found)
    taken = [getattr(one, what) for one in found]
    return Figure(f"{title} ({taken[-1][1]})", tuple(seconds for seconds, _ in taken), aim)


def measure(runs: int) -> list[Figure]:
    """All areas, after each side was played once: nobody's bytecode is compiled while time is taken."""
    community()
    for ours in (False, True):
        samples(AREAS[0], 1, ours=ours)
    return [figure for area in AREAS for figure in compared(area, runs)]
