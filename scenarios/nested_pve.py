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
from scenarios.estate import VMID_RANGE, Estate, Guest, preflight
from scenarios.scenario import Phase
from scenarios.verbs import BY_NAME

GUEST = Guest(
    noun="nested node",
    name="nested-pve",
    template=InventoryVar("nested_pve_template"),
    keys=("inner_vmid", "inner_node", "inner_mac", "inner_ip", "inner_name"),
)
TEST_VM_NAME = "nested-pve-test"
INNER = {"inner_ip": Ref("inner_ip")}

CONSTRUCTOR_PHASES = (
    *GUEST.phases(),
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
        DiscoverVMsAction("discover-nested-vms", name_pattern=f"{GUEST.name}*", vmid_range=VMID_RANGE),
        "Discover nested PVE VMs",
    ),
    Phase("cleanup_inner", CleanupInnerVMsAction("cleanup-inner-vms"), "Cleanup VMs on inner PVE"),
    Phase("destroy", DestroyDiscoveredVMsAction("destroy-nested-vms"), "Destroy discovered VMs"),
)

ESTATE = Estate(
    name="nested-pve",
    noun="nested Proxmox VE estate",
    check=preflight(GUEST.template, nested=True),
    build=CONSTRUCTOR_PHASES,
    remove=DESTRUCTOR_PHASES,
    # Destroying the nested node takes its guests along, so one that does not answer must not keep it standing.
    tolerated=frozenset({"cleanup_inner"}),
    seconds=(40, 12, 50),
)

CONSTRUCTOR, DESTRUCTOR, ROUNDTRIP = ESTATE.constructor, ESTATE.destructor, ESTATE.roundtrip
