"""Verbs about hosts, and what is asked of a container on one, for scenarios and AWX.

People use ``./run.sh host`` (scenarios.hosts_cli), which answers at once. So each verb here is ``hidden``: it can be
run as ``./run.sh host-add``, but --help leaves it out.
"""

from __future__ import annotations

from scenarios.verb import Input, Output, Verb

HOST_NAME = Input("host_name", "str", "name of the host in the SSH configuration; the target's if not given")

HOST_VERBS: tuple[Verb, ...] = (
    Verb(
        "host-add",
        "Add a Proxmox VE host to the SSH configuration",
        inputs=(
            HOST_NAME,
            Input("host_address", "str", "DNS name or address"),
            Input("host_user", "str", "who logs in", default="root"),
            Input("host_port", "int", "port of sshd", default=22),
            Input("host_key", "str", "path of a private key"),
            Input("host_jump", "str", "host to go through; several with commas between"),
            Input("host_strict", "bool", "whether SSH never connects before its key is pinned", default=False),
            Input("host_known_hosts", "str", "file that knows the host's key; it is pinned"),
            Input("host_pin", "bool", "whether the key it shows now is pinned", default=False),
        ),
        outputs=(
            Output("host_name", "str", "its name in the SSH configuration"),
            Output("host_pinned", "list", "fingerprints of the keys it is known by"),
        ),
        builds=True,
        hidden=True,
    ),
    Verb(
        "host-test",
        "Check that a host of the SSH configuration can be worked on",
        inputs=(HOST_NAME,),
        outputs=(Output("host_checks", "list", "each check: name, status, message, remedy"),),
        hidden=True,
    ),
    Verb(
        "host-remove",
        "Remove a host from the SSH configuration, with its pinned key",
        inputs=(HOST_NAME,),
        outputs=(Output("host_removal", "list", "what was done"),),
        hidden=True,
    ),
    Verb(
        "container-verify",
        "Ask a container's web service for its host name",
        inputs=(
            Input("container_ip", "str", "the container's address", required=True),
            Input("container_name", "str", "host name it must answer", required=True),
            Input("container_port", "int", "port of the service", default=8080),
            Input("wait_timeout", "int", "how long to wait for the service, in seconds", default=60),
        ),
        outputs=(Output("container_answer", "str", "what it answered"),),
        hidden=True,
    ),
)
