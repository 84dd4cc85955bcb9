"""A plain guest: built, checked over SSH, and removed."""

from __future__ import annotations

from scenarios.actions import (
    AnsiblePlaybookAction,
    DestroyDiscoveredVMsAction,
    DiscoverVMsAction,
    InventoryVar,
    Ref,
)
from scenarios.scenario import PREFLIGHT, Phase, Scenario
from scenarios.verbs import BY_NAME

ESTATE = "vm"
VM_NAME = "homelab-vm"
VMID_RANGE = (99900, 99999)
TEMPLATE = InventoryVar("vm_plain_template")

CONSTRUCTOR_PREFLIGHT = Phase(
    PREFLIGHT,
    AnsiblePlaybookAction(
        "check-host",
        BY_NAME["preflight"],
        inputs={
            "preflight_template": TEMPLATE,
            "preflight_vmid_range": list(VMID_RANGE),
            "preflight_bridge": InventoryVar("pve_bridge"),
            "preflight_storages": InventoryVar("pve_required_storages"),
        },
        outputs={"preflight_checks": "preflight_checks"},
        timeout=60,
    ),
    "Check that the host is ready",
)

DESTRUCTOR_PREFLIGHT = Phase(
    PREFLIGHT,
    AnsiblePlaybookAction(
        "check-host", BY_NAME["preflight"], outputs={"preflight_checks": "preflight_checks"}, timeout=60
    ),
    "Check that the host is ready",
)

CONSTRUCTOR_PHASES = (
    Phase(
        "provision",
        AnsiblePlaybookAction(
            "provision-vm",
            BY_NAME["vm-provision"],
            inputs={"vm_name": VM_NAME, "vm_template": TEMPLATE, "vmid_range": list(VMID_RANGE)},
            outputs={"vm_id": "vm_id", "vm_node": "vm_node", "vm_mac": "vm_mac"},
            remembers={"vm_name": "vm_name"},
        ),
        "Clone the template to a guest",
    ),
    Phase(
        "start_vm",
        AnsiblePlaybookAction("start-vm", BY_NAME["vm-start"], inputs={"vm_id": Ref("vm_id")}),
        "Start the guest",
    ),
    Phase(
        "wait_ip",
        AnsiblePlaybookAction(
            "wait-vm-ip",
            BY_NAME["vm-wait-ip"],
            inputs={"vm_id": Ref("vm_id"), "vm_mac": Ref("vm_mac")},
            outputs={"vm_ip": "vm_ip"},
        ),
        "Wait for the guest's address",
    ),
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
)

DESTRUCTOR_PHASES = (
    Phase(
        "discover",
        DiscoverVMsAction(
            "discover-vms", name_pattern=f"{VM_NAME}*", vmid_range=VMID_RANGE, fallback=("vm_id", "vm_name")
        ),
        "Discover our VMs",
    ),
    Phase("destroy", DestroyDiscoveredVMsAction("destroy-vms"), "Destroy discovered VMs"),
)

CONSTRUCTOR = Scenario(
    name="vm-constructor",
    description="Build a guest from the template",
    estate=ESTATE,
    phases=CONSTRUCTOR_PHASES,
    preflight=CONSTRUCTOR_PREFLIGHT,
    expected_seconds=12,
    removal="vm-destructor",
)

DESTRUCTOR = Scenario(
    name="vm-destructor",
    description="Discover and remove the guest",
    estate=ESTATE,
    phases=DESTRUCTOR_PHASES,
    preflight=DESTRUCTOR_PREFLIGHT,
    expected_seconds=6,
    destructive=True,
)

ROUNDTRIP = Scenario(
    name="vm-roundtrip",
    description="Build a guest, check it, and remove it again whatever happened",
    estate=ESTATE,
    phases=CONSTRUCTOR_PHASES + DESTRUCTOR_PHASES,
    preflight=CONSTRUCTOR_PREFLIGHT,
    always=frozenset(phase.name for phase in DESTRUCTOR_PHASES),
    expected_seconds=16,
    removal="vm-destructor",
)
