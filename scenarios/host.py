"""A whole life with a Proxmox VE host: it is added, tested, worked on as any host of the user's, and removed.

The first and the last phase run on the host that was named, the others on the one that was added: over SSH, by its name
in the SSH configuration, without a token. The added host is named after the one that was named, so that two runs on two
hosts do not meet.
"""

from __future__ import annotations

from collections.abc import Mapping

from scenarios import paths
from scenarios.actions import AnsiblePlaybookAction, Binding, HostText, InventoryVar, Ref
from scenarios.estate import VMID_RANGE, Estate
from scenarios.scenario import Phase
from scenarios.verbs import BY_NAME

NAME = "homelab-host-roundtrip"
"""The container, and the beginning of the host's name in the SSH configuration."""
HOST_NAME = HostText(f"{NAME}-{{host}}")
ADDED = Ref("host_name")
CONTAINER = Ref("container_name", default=NAME)
THE_CONTAINER: Mapping[str, Binding] = {"container_name": CONTAINER, "container_id": Ref("container_id")}
KEYS = InventoryVar("pve_authorized_keys")
SERVICE = paths.repository() / "playbooks" / "files" / "hello"


def on_added_host(
    verb: str,
    inputs: Mapping[str, Binding],
    outputs: Mapping[str, str] | None = None,
    remembers: Mapping[str, str] | None = None,
) -> AnsiblePlaybookAction:
    """A playbook that runs on the added host."""
    return AnsiblePlaybookAction(verb, BY_NAME[verb], inputs, outputs or {}, remembers or {}, target=ADDED)


ADD = Phase(
    "add_host",
    AnsiblePlaybookAction(
        "host-add", BY_NAME["host-add"], inputs={"host_name": HOST_NAME}, outputs={"host_name": "host_name"}
    ),
    "Add the host to the SSH configuration",
)

ESTATE = Estate(
    name="host",
    noun="container on an added host",
    check=None,
    build=(
        ADD,
        Phase(
            "test_host",
            AnsiblePlaybookAction(
                "host-test", BY_NAME["host-test"], inputs={"host_name": ADDED}, outputs={"host_checks": "host_checks"}
            ),
            "Check that the added host can be worked on",
        ),
        Phase(
            "create_container",
            on_added_host(
                "container-create",
                {
                    "container_name": NAME,
                    "vmid_range": list(VMID_RANGE),
                    "container_cores": 1,
                    "container_memory": 512,
                    "container_disk": 4,
                    "container_bridge": InventoryVar("pve_bridge"),
                    "container_entrypoint": InventoryVar("pve_container_entrypoint", optional=True),
                    "container_authorized_keys": KEYS,
                },
                outputs={"container_id": "container_id", "container_ip": "container_ip"},
                remembers={"container_name": "container_name", "vmid_range": "container_vmid_range"},
            ),
            "Create a container on the added host",
        ),
        Phase(
            "bootstrap",
            on_added_host("container-bootstrap", {**THE_CONTAINER, "container_authorized_keys": KEYS}),
            "Prepare the container, without SSH inside of it",
        ),
        Phase(
            "deploy",
            on_added_host(
                "container-deploy",
                {
                    **THE_CONTAINER,
                    "container_source": str(SERVICE),
                    "container_service": str(SERVICE / "service.yml"),
                },
            ),
            "Deploy a service into the container",
        ),
        Phase(
            "verify",
            on_added_host("container-verify", {"container_ip": Ref("container_ip"), "container_name": CONTAINER}),
            "Ask the service for its host name",
        ),
    ),
    find=(ADD,),
    remove=(
        Phase(
            "destroy",
            AnsiblePlaybookAction(
                "container-destroy",
                BY_NAME["container-destroy"],
                inputs={
                    "container_name": CONTAINER,
                    "vmid_range": Ref("container_vmid_range", default=list(VMID_RANGE)),
                },
                target=Ref("host_name", optional=True),
            ),
            "Destroy the container",
        ),
        Phase(
            "remove_host",
            AnsiblePlaybookAction(
                "host-remove", BY_NAME["host-remove"], inputs={"host_name": HOST_NAME}, ends_estate=True
            ),
            "Remove the host from the SSH configuration",
        ),
    ),
    seconds=(45, 10, 55),
)

CONSTRUCTOR, DESTRUCTOR, ROUNDTRIP = ESTATE.constructor, ESTATE.destructor, ESTATE.roundtrip
