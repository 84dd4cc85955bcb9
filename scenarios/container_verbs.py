"""Verbs about containers, ``./run.sh container ...``: the input ``container_cores`` is ``--cores`` there."""

from __future__ import annotations

from scenarios.verb import Input, Output, Table, Verb

GROUP = "container"


def _made(name: str, kind: str, text: str, **more: object) -> Input:
    """An input of a container that is made, which the user's config.yaml may have a default for."""
    return Input(f"{GROUP}_{name}", kind, text, setting=f"{GROUP}.{name}", **more)  # type: ignore[arg-type]


CREATE = Verb(
    "container-create",
    "Create a container from a template, start it and wait for its address",
    group=GROUP,
    inputs=(
        Input("container_name", "str", "host name", required=True, positional=True),
        Input("container_id", "int", "its VMID; the next free one if not given", flag="vmid"),
        Input("vmid_range", "range", "VMIDs it may get", setting="container.vmid_range"),
        _made("node", "str", "node of the cluster; the one of --host if not given"),
        _made("pool", "str", "pool it belongs to"),
        _made("template", "str", "volume id, or name of a template, fetched if needed", default="debian-*-standard_*"),
        _made("template_storage", "str", "storage a template is fetched to; the roomiest that takes templates"),
        _made("storage", "str", "storage of its root file system; the roomiest that takes containers"),
        _made("disk", "int", "root file system in GiB", default=8),
        _made("cores", "int", "CPU cores", default=2),
        _made("memory", "int", "memory in MiB", default=2048),
        _made("swap", "int", "swap in MiB", default=512),
        _made("bridge", "str", "bridge of its network card; the inventory's pve_bridge if not given"),
        Input("container_ip", "str", "dhcp, manual, or its address as CIDR", default="dhcp"),
        _made("gateway", "str", "gateway of a static address"),
        _made("tags", "list", "tags beside our own"),
        _made("authorized_keys", "list", "public keys let in as root, instead of the inventory's"),
        _made("unprivileged", "bool", "root in it is an unprivileged user of the node", default=True),
        _made("nesting", "bool", "systemd and containers in it may mount what they need", default=True),
        _made("entrypoint", "str", "what it starts with, where that is not the template's own init"),
        _made("onboot", "bool", "start it with its node"),
        _made("start", "bool", "start it now", default=True),
        Input("wait_timeout", "int", "how long to wait for its address, in seconds", default=300),
        Input("adopt", "bool", "change a container of this name that lacks our tag, and make it ours"),
        Input("container_defaults", "dict", "what is not given, without prefix", setting="container", hidden=True),
    ),
    outputs=(
        Output("container_id", "int", "VMID"),
        Output("container_node", "str", "node it is on"),
        Output("container_name", "str", "host name"),
        Output("container_status", "str", "running or stopped"),
        Output("container_storage", "str", "storage of its root file system"),
        Output("container_ip", "str", "its address; empty when it has none"),
    ),
    builds=True,
    result=(
        "{container_name}: container {container_id} on {container_node}, {container_status}, "
        "root file system on {container_storage}, {container_ip}"
    ),
)

LIST = Verb(
    "container-list",
    "List the containers of the whole cluster",
    group=GROUP,
    inputs=(Input("container_pattern", "str", "file name pattern of the names, such as 'web*'"),),
    outputs=(Output("containers", "list", "vmid, name, node, status, memory, cores, ip, tags, ours of each"),),
    table=Table(
        "containers",
        ("vmid", "name", "node", "status", "memory", "cores", "ip", "tags", "ours", "error"),
        "There are no such containers.",
    ),
)

DESTROY = Verb(
    "container-destroy",
    "Stop a container of ours and destroy it",
    group=GROUP,
    inputs=(
        Input("container_name", "str", "host name or VMID", required=True, positional=True),
        Input("container_id", "int", "its VMID, where there are two of the name", flag="vmid"),
        Input("vmid_range", "range", "VMIDs it must be among"),
        Input("adopt", "bool", "destroy it also when it lacks our tag", default=False),
        Input("stop_timeout", "int", "seconds it has to shut down before it is stopped hard", default=60),
    ),
    outputs=(Output("container_removal", "list", "what was done"),),
    destructive=True,
    result="{container_removal}",
)

CONTAINER_VERBS: tuple[Verb, ...] = (CREATE, LIST, DESTROY)
