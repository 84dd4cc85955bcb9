"""A plain guest: built, checked over SSH, and removed."""

from __future__ import annotations

from scenarios.actions import (
    AnsiblePlaybookAction,
    DestroyDiscoveredVMsAction,
    DiscoverVMsAction,
    InventoryVar,
    Ref,
)
from scenarios.estate import VMID_RANGE, Estate, Guest, preflight
from scenarios.scenario import Phase
from scenarios.verbs import BY_NAME

GUEST = Guest(
    noun="guest",
    name="homelab-vm",
    template=InventoryVar("vm_plain_template"),
    keys=("vm_id", "vm_node", "vm_mac", "vm_ip", "vm_name"),
)

ESTATE = Estate(
    name="vm",
    noun="guest",
    check=preflight(GUEST.template),
    build=(
        *GUEST.phases(),
        Phase(
            "verify",
            AnsiblePlaybookAction(
                "verify-vm",
                BY_NAME["vm-verify"],
                inputs={"vm_ip": Ref("vm_ip"), "vm_name": Ref("vm_name")},
                outputs={"vm_hostname": "vm_hostname"},
            ),
            "Log in to the guest and ask for its host name",
        ),
    ),
    remove=(
        Phase(
            "discover",
            DiscoverVMsAction(
                "discover-vms", name_pattern=f"{GUEST.name}*", vmid_range=VMID_RANGE, fallback=("vm_id", "vm_name")
            ),
            "Discover our VMs",
        ),
        Phase("destroy", DestroyDiscoveredVMsAction("destroy-vms"), "Destroy discovered VMs"),
    ),
    seconds=(11, 8, 18),
)

CONSTRUCTOR, DESTRUCTOR, ROUNDTRIP = ESTATE.constructor, ESTATE.destructor, ESTATE.roundtrip
