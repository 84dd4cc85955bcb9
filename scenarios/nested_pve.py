"""The nested Proxmox VE estate: built, used to run a leaf guest, and removed."""

from __future__ import annotations

from scenarios.actions import (
    AnsiblePlaybookAction,
    CleanupInnerVMsAction,
    DestroyDiscoveredVMsAction,
    DiscoverVMsAction,
    InventoryVar,
    Ref,
)
from scenarios.scenario import PREFLIGHT, Phase, Scenario
from scenarios.verbs import BY_NAME

ESTATE = "nested-pve"
VM_NAME = "nested-pve"
TEST_VM_NAME = "nested-pve-test"
VMID_RANGE = (99900, 99999)
TEMPLATE = InventoryVar("nested_pve_template")
INNER = {"inner_ip": Ref("inner_ip")}

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
            "preflight_nested": True,
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
            "provision-nested-pve",
            BY_NAME["vm-provision"],
            inputs={"vm_name": VM_NAME, "vm_template": TEMPLATE, "vmid_range": list(VMID_RANGE)},
            outputs={"vm_id": "inner_vmid", "vm_node": "inner_node", "vm_mac": "inner_mac"},
            remembers={"vm_name": "inner_name"},
        ),
        "Clone the template to the nested node",
    ),
    Phase(
        "start_vm",
        AnsiblePlaybookAction("start-nested-pve", BY_NAME["vm-start"], inputs={"vm_id": Ref("inner_vmid")}),
        "Start the nested node",
    ),
    Phase(
        "wait_ip",
        AnsiblePlaybookAction(
            "wait-nested-pve-ip",
            BY_NAME["vm-wait-ip"],
            inputs={"vm_id": Ref("inner_vmid"), "vm_mac": Ref("inner_mac")},
            outputs={"vm_ip": "inner_ip"},
        ),
        "Wait for the nested node's address",
    ),
    Phase(
        "ensure_pve",
        AnsiblePlaybookAction(
            "ensure-pve",
            BY_NAME["nested-pve-ensure"],
            inputs=INNER,
            outputs={"inner_pve_version": "inner_pve_version"},
        ),
        "Wait until the nested node is a working Proxmox VE",
    ),
    Phase(
        "setup_network",
        AnsiblePlaybookAction("configure-network", BY_NAME["nested-pve-network"], inputs=INNER),
        "Configure inner PVE networking",
    ),
    Phase(
        "setup_ssh",
        AnsiblePlaybookAction("copy-ssh-keys", BY_NAME["nested-pve-ssh"], inputs=INNER),
        "Copy SSH keys for nested access",
    ),
    Phase(
        "setup_repos",
        AnsiblePlaybookAction("sync-repos-config", BY_NAME["nested-pve-repos"], inputs=INNER),
        "Sync repos and configure PVE",
    ),
    Phase(
        "test_vm_apply",
        AnsiblePlaybookAction(
            "apply-test-vm",
            BY_NAME["nested-pve-test-vm-apply"],
            inputs=INNER | {"test_vm_name": TEST_VM_NAME},
            outputs={"test_vm_id": "test_vm_id", "test_vm_mac": "test_vm_mac"},
        ),
        "Create the leaf guest through the nested node's API",
    ),
    Phase(
        "test_vm_start",
        AnsiblePlaybookAction(
            "start-test-vm",
            BY_NAME["nested-pve-test-vm-start"],
            inputs=INNER | {"test_vm_id": Ref("test_vm_id")},
        ),
        "Start the leaf guest",
    ),
    Phase(
        "test_vm_wait",
        AnsiblePlaybookAction(
            "wait-test-vm-ip",
            BY_NAME["nested-pve-test-vm-wait"],
            inputs=INNER | {"test_vm_id": Ref("test_vm_id"), "test_vm_mac": Ref("test_vm_mac")},
            outputs={"test_vm_ip": "test_vm_ip"},
        ),
        "Wait for the leaf guest's address",
    ),
    Phase(
        "verify",
        AnsiblePlaybookAction(
            "verify-nested-pve",
            BY_NAME["nested-pve-verify"],
            inputs=INNER | {"test_vm_ip": Ref("test_vm_ip"), "test_vm_name": TEST_VM_NAME},
            outputs={"verified_hostname": "verified_hostname"},
        ),
        "Log in over the nested node to the leaf guest",
    ),
)

DESTRUCTOR_PHASES = (
    Phase(
        "discover",
        DiscoverVMsAction("discover-nested-vms", name_pattern=f"{VM_NAME}*", vmid_range=VMID_RANGE),
        "Discover nested PVE VMs",
    ),
    Phase("cleanup_inner", CleanupInnerVMsAction("cleanup-inner-vms"), "Cleanup VMs on inner PVE"),
    Phase("destroy", DestroyDiscoveredVMsAction("destroy-nested-vms"), "Destroy discovered VMs"),
)

# Destroying the nested node takes its guests along, so a nested node that does not answer must not keep it standing.
TOLERATED = frozenset({"cleanup_inner"})

CONSTRUCTOR = Scenario(
    name="nested-pve-constructor",
    description="Build a nested Proxmox VE node and a leaf guest inside it",
    estate=ESTATE,
    phases=CONSTRUCTOR_PHASES,
    preflight=CONSTRUCTOR_PREFLIGHT,
    expected_seconds=35,
    removal="nested-pve-destructor",
)

DESTRUCTOR = Scenario(
    name="nested-pve-destructor",
    description="Discover and remove the nested Proxmox VE estate",
    estate=ESTATE,
    phases=DESTRUCTOR_PHASES,
    preflight=DESTRUCTOR_PREFLIGHT,
    tolerated=TOLERATED,
    expected_seconds=10,
    destructive=True,
)

ROUNDTRIP = Scenario(
    name="nested-pve-roundtrip",
    description="Build the nested estate, verify it, and remove it again whatever happened",
    estate=ESTATE,
    phases=CONSTRUCTOR_PHASES + DESTRUCTOR_PHASES,
    preflight=CONSTRUCTOR_PREFLIGHT,
    always=frozenset(phase.name for phase in DESTRUCTOR_PHASES),
    tolerated=TOLERATED,
    expected_seconds=45,
    removal="nested-pve-destructor",
)
