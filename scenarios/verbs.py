"""The vocabulary: verb -> playbook -> declared inputs and outputs.

The command line, AWX surveys and the documentation come from this table; a verb has no logic of its own. A
playbook's outputs are what it publishes with ``ansible.builtin.set_stats``.
"""

from __future__ import annotations

from scenarios.container_verbs import CONTAINER_VERBS
from scenarios.dr_verbs import DR_VERBS
from scenarios.host_verbs import HOST_VERBS
from scenarios.state_checkpoint_verbs import STATE_CHECKPOINT_VERBS
from scenarios.state_verbs import STATE_VERBS
from scenarios.verb import Input, Output, Verb

VM_ID = Input("vm_id", "int", "VMID of the guest", required=True)
INNER_IP = Input("inner_ip", "str", "address of the nested Proxmox VE node", required=True)
WAIT_TIMEOUT = Input("wait_timeout", "int", "how long to wait, in seconds", default=300)
VMID_RANGE = Input("vmid_range", "range", "VMIDs that may be used, first and last", default=[99900, 99999])
DISCOVERED_VMS = Input("discovered_vms", "list", "guests as vm-discover lists them", required=True)
TEST_VM_NAME = Input("test_vm_name", "str", "name of the leaf guest", default="nested-pve-test")
TEST_VM_ID = Input("test_vm_id", "int", "VMID of the leaf guest", required=True)

ESTATE_VERBS: tuple[Verb, ...] = (
    Verb(
        "preflight",
        "Check that a host is ready: name, ports, TLS, login, privileges, storage, template, nesting, keys",
        inputs=(
            Input("preflight_template", "str", "template that must exist"),
            Input("preflight_bridge", "str", "bridge that must exist"),
            Input("preflight_storages", "list", "storages that must exist, with the content they must take"),
            Input("preflight_vmid_range", "range", "VMIDs of which one must be free"),
            Input("preflight_ssh", "bool", "whether the node itself is logged in to; with preflight_nested always"),
            Input("preflight_nested", "bool", "whether nested virtualisation is needed on the target", default=False),
        ),
        outputs=(Output("preflight_checks", "list", "each check: name, status, message, remedy"),),
    ),
    Verb(
        "vm-provision",
        "Clone a template to a guest of ours",
        inputs=(
            Input("vm_name", "str", "name of the guest", required=True),
            Input("vm_template", "str", "template to clone, by name", required=True),
            VMID_RANGE,
            Input("vm_tags", "list", "tags beside our own"),
            Input("vm_cores", "int", "CPU cores"),
            Input("vm_memory", "int", "memory in MiB"),
            Input("vm_ipconfig", "str", "cloud-init's ipconfig0", default="ip=dhcp"),
            Input("vm_user", "str", "cloud-init's user", default="root"),
            Input("vm_authorized_keys", "list", "public keys let in, instead of the inventory's"),
        ),
        outputs=(
            Output("vm_id", "int", "VMID of the guest"),
            Output("vm_node", "str", "node it stands on"),
            Output("vm_mac", "str", "MAC address of its first NIC"),
        ),
        builds=True,
    ),
    Verb("vm-start", "Start a guest", inputs=(VM_ID,), outputs=(Output("vm_status", "str", "its status"),)),
    Verb(
        "vm-wait-ip",
        "Wait until the guest agent reports the guest's address",
        inputs=(
            VM_ID,
            Input("vm_mac", "str", "MAC address of the NIC whose address is wanted"),
            Input("vm_subnet", "str", "network the address must be in, as CIDR"),
            WAIT_TIMEOUT,
        ),
        outputs=(Output("vm_ip", "str", "the guest's address"),),
    ),
    Verb(
        "vm-verify",
        "Ask a guest for its host name over SSH",
        inputs=(
            Input("vm_ip", "str", "the guest's address", required=True),
            Input("vm_name", "str", "host name it must answer", required=True),
            Input("vm_user", "str", "user to log in as", default="root"),
        ),
        outputs=(Output("vm_hostname", "str", "what it answered"),),
    ),
    Verb(
        "vm-discover",
        "List the guests that match a name pattern AND a VMID range",
        inputs=(Input("name_pattern", "str", "file name pattern of the name", required=True), VMID_RANGE),
        outputs=(Output("discovered_vms", "list", "vmid, name, status and node of each"),),
    ),
    Verb(
        "vm-destroy",
        "Stop and destroy the discovered guests",
        inputs=(
            DISCOVERED_VMS,
            Input("adopt", "bool", "destroy guests without our tag too", default=False),
            Input("stop_timeout", "int", "seconds a guest has to shut down before its power is cut"),
        ),
        outputs=(Output("destroyed_vms", "list", "the guests that are gone"),),
        destructive=True,
    ),
    Verb(
        "nested-pve-ensure",
        "Wait until the nested node is a working Proxmox VE",
        inputs=(INNER_IP, WAIT_TIMEOUT),
        outputs=(Output("inner_pve_version", "str", "version its API reports"),),
    ),
    Verb(
        "nested-pve-network",
        "Put the nested node's address on a bridge of its own",
        inputs=(
            INNER_IP,
            Input("nested_pve_bridge", "str", "the bridge", default="vmbr0"),
            Input("nested_pve_address", "str", "dhcp, or the static address as CIDR", default="dhcp"),
            Input("nested_pve_gateway", "str", "gateway of a static address"),
        ),
    ),
    Verb("nested-pve-ssh", "Make the nested estate's key pair and hand on public keys", inputs=(INNER_IP,)),
    Verb(
        "nested-pve-repos",
        "Bring repositories, storage content and an API token",
        inputs=(
            INNER_IP,
            Input("nested_pve_repos", "list", "working copies the node gets: src, dest, ref, uncommitted"),
        ),
    ),
    Verb(
        "nested-pve-test-vm-apply",
        "Create the leaf guest through the nested node's API",
        inputs=(
            INNER_IP,
            TEST_VM_NAME,
            Input("test_vmid_range", "range", "VMIDs that may be used on the nested node", default=[99800, 99899]),
            Input("test_vm_image_url", "str", "cloud image of the leaf guest"),
            Input("test_vm_image_checksum", "str", "checksum of that image"),
        ),
        outputs=(
            Output("test_vm_id", "int", "VMID of the leaf guest"),
            Output("test_vm_mac", "str", "MAC address of its NIC"),
        ),
    ),
    Verb(
        "nested-pve-test-vm-start",
        "Start the leaf guest",
        inputs=(INNER_IP, TEST_VM_ID),
        outputs=(Output("test_vm_status", "str", "its status"),),
    ),
    Verb(
        "nested-pve-test-vm-wait",
        "Wait for the leaf guest's address",
        inputs=(
            INNER_IP,
            TEST_VM_ID,
            Input("test_vm_mac", "str", "MAC address of the NIC whose address is wanted"),
            WAIT_TIMEOUT,
        ),
        outputs=(Output("test_vm_ip", "str", "the leaf guest's address"),),
    ),
    Verb(
        "nested-pve-verify",
        "Log in from the controller over the nested node to the leaf and ask for its host name",
        inputs=(
            INNER_IP,
            Input("test_vm_ip", "str", "the leaf guest's address", required=True),
            TEST_VM_NAME,
        ),
        outputs=(Output("verified_hostname", "str", "what the leaf answered"),),
    ),
    Verb(
        "nested-pve-cleanup",
        "Destroy the guests inside the discovered nested nodes",
        inputs=(DISCOVERED_VMS,),
        outputs=(Output("cleaned_vms", "list", "the guests that are gone"),),
        destructive=True,
    ),
)

VERBS: tuple[Verb, ...] = (
    *ESTATE_VERBS,
    *CONTAINER_VERBS,
    *HOST_VERBS,
    *STATE_VERBS,
    *STATE_CHECKPOINT_VERBS,
    *DR_VERBS,
)
BY_NAME = {verb.name: verb for verb in VERBS}
