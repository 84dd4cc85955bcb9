"""What the estates have in common: a guest cloned from a template, and three scenarios that build and remove it."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.actions import AnsiblePlaybookAction, Binding, InventoryVar, Ref
from scenarios.scenario import PREFLIGHT, Phase, Scenario
from scenarios.verbs import BY_NAME

VMID_RANGE = (99900, 99999)


@dataclass(frozen=True)
class Guest:
    """The guest of an estate that is cloned on the host.

    Attributes:
        noun: what people call it, behind "the".
        name: its name in Proxmox VE.
        template: the inventory's variable that names the template.
        keys: where the context keeps its VMID, node, MAC address, address and name.
    """

    noun: str
    name: str
    template: InventoryVar
    keys: tuple[str, str, str, str, str]

    def phases(self) -> tuple[Phase, ...]:
        """Clone it, start it, and wait for its address."""
        vmid, node, mac, address, name = self.keys
        provision = AnsiblePlaybookAction(
            f"provision-{self.name}",
            BY_NAME["vm-provision"],
            inputs={"vm_name": self.name, "vm_template": self.template, "vmid_range": list(VMID_RANGE)},
            outputs={"vm_id": vmid, "vm_node": node, "vm_mac": mac},
            remembers={"vm_name": name},
        )
        start = AnsiblePlaybookAction(f"start-{self.name}", BY_NAME["vm-start"], inputs={"vm_id": Ref(vmid)})
        wait = AnsiblePlaybookAction(
            f"wait-{self.name}-ip",
            BY_NAME["vm-wait-ip"],
            inputs={"vm_id": Ref(vmid), "vm_mac": Ref(mac)},
            outputs={"vm_ip": address},
        )
        return (
            Phase("provision", provision, f"Clone the template to the {self.noun}"),
            Phase("start_vm", start, f"Start the {self.noun}"),
            Phase("wait_ip", wait, f"Wait for the {self.noun}'s address"),
        )


def preflight(template: InventoryVar | None = None, *, nested: bool = False) -> Phase:
    """The checks before a run: of the host, and with a template of what building from it needs."""
    building: dict[str, Binding] = {
        "preflight_template": template or "",
        "preflight_vmid_range": list(VMID_RANGE),
        "preflight_bridge": InventoryVar("pve_bridge"),
        "preflight_storages": InventoryVar("pve_required_storages"),
        **({"preflight_nested": True} if nested else {}),
    }
    action = AnsiblePlaybookAction(
        "check-host",
        BY_NAME["preflight"],
        inputs=building if template else {},
        outputs={"preflight_checks": "preflight_checks"},
        timeout=60,
    )
    return Phase(PREFLIGHT, action, "Check that the host is ready")


@dataclass(frozen=True)
class Estate:
    """What is built and removed, and in which phases.

    Attributes:
        noun: what it is called in descriptions, behind "the".
        check: what is looked at first; None where the first phases do it.
        find: phases a removal by itself begins with, which may repeat what building did.
        seconds: usual duration on the embedded lab of building, of removing, and of both.
        tolerated: phases of the removal whose failure must not keep the rest standing.
    """

    name: str
    noun: str
    check: Phase | None
    build: tuple[Phase, ...]
    remove: tuple[Phase, ...]
    seconds: tuple[int, int, int]
    tolerated: frozenset[str] = frozenset()
    find: tuple[Phase, ...] = ()

    @property
    def constructor(self) -> Scenario:
        """Builds the estate and leaves it standing."""
        return Scenario(
            name=f"{self.name}-constructor",
            description=f"Build the {self.noun}",
            estate=self.name,
            phases=self.build,
            preflight=self.check,
            expected_seconds=self.seconds[0],
            removal=f"{self.name}-destructor",
        )

    @property
    def destructor(self) -> Scenario:
        """Discovers the estate and removes it."""
        return Scenario(
            name=f"{self.name}-destructor",
            description=f"Discover and remove the {self.noun}",
            estate=self.name,
            phases=self.find + self.remove,
            preflight=preflight() if self.check else None,
            tolerated=self.tolerated,
            expected_seconds=self.seconds[1],
            destructive=True,
        )

    @property
    def roundtrip(self) -> Scenario:
        """Builds the estate and removes it again, also when building it failed."""
        return Scenario(
            name=f"{self.name}-roundtrip",
            description=f"Build the {self.noun}, verify it, and remove it again whatever happened",
            estate=self.name,
            phases=self.build + self.remove,
            preflight=self.check,
            always=frozenset(phase.name for phase in self.remove),
            tolerated=self.tolerated,
            expected_seconds=self.seconds[2],
            removal=f"{self.name}-destructor",
        )
