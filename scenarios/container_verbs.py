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

NAMED = (
    Input("container_name", "str", "host name or VMID", required=True, positional=True),
    Input("container_id", "int", "its VMID, where there are two of the name", flag="vmid"),
    Input("vmid_range", "range", "VMIDs it must be among"),
    Input("container_start", "bool", "start it if it is stopped", default=False),
)

BOOTSTRAP = Verb(
    "container-bootstrap",
    "Prepare a container: Python, packages, a user with keys, locale, time zone, sshd",
    group=GROUP,
    inputs=(
        *NAMED,
        Input("container_packages", "list", "packages, by the names of its distribution"),
        Input("container_user", "str", "who is let in; made if it is not there", default="root"),
        Input("container_authorized_keys", "list", "public keys let in, instead of the inventory's"),
        Input("container_sudo", "bool", "the user may become root without a password", default=True),
        Input("container_locale", "str", "its locale, such as de_AT.UTF-8"),
        Input("container_timezone", "str", "its time zone, such as Europe/Vienna"),
        Input("container_sshd", "bool", "install and start sshd, root with a key only", default=True),
        Input("wait_timeout", "int", "seconds the package index may take to be reached", default=60),
    ),
    outputs=(
        Output("container_host_keys", "list", "its public SSH host keys"),
        Output("container_fingerprints", "list", "their fingerprints"),
    ),
    result="SSH host keys: {container_fingerprints}",
)

DEPLOY = Verb(
    "container-deploy",
    "Put a directory or a git repository into a container and run its services",
    group=GROUP,
    inputs=(
        *NAMED,
        Input("container_source", "source", "directory here, or URL of a git repository"),
        Input("container_ref", "str", "branch, tag or commit of the repository"),
        Input("container_dest", "str", "directory in the container; /opt/APP if not given"),
        Input("container_app", "str", "name of the application; that of the source if not given"),
        Input("container_service", "path", "Compose-like service file"),
        Input("container_command", "str", "the only service, instead of a service file"),
        Input("container_env", "path", "file of environment variables for all services"),
        Input("container_check_command", "str", "what has to succeed in the container in the end"),
        Input("container_check_url", "str", "what has to answer in the end, as seen from the container"),
        Input("wait_timeout", "int", "seconds these may take", default=60),
    ),
    outputs=(
        Output("container_app", "str", "name of the application"),
        Output("container_release", "str", "id of the files that are in use"),
        Output("container_services", "list", "units that were deployed"),
    ),
    result="{container_app}: release {container_release}, services {container_services}",
)

CONTAINER_VERBS: tuple[Verb, ...] = (CREATE, BOOTSTRAP, DEPLOY, LIST, DESTROY)
