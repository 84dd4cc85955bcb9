"""Every scenario there is."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios import dr, host, nested_pve, vm
from scenarios.errors import unknown
from scenarios.scenario import Scenario

Catalog = Mapping[str, Scenario]

CATALOG: Catalog = {
    scenario.name: scenario
    for scenario in (
        nested_pve.CONSTRUCTOR,
        nested_pve.DESTRUCTOR,
        nested_pve.ROUNDTRIP,
        vm.CONSTRUCTOR,
        vm.DESTRUCTOR,
        vm.ROUNDTRIP,
        host.CONSTRUCTOR,
        host.DESTRUCTOR,
        host.ROUNDTRIP,
        dr.ROUNDTRIP,
    )
}


def find(catalog: Catalog, name: str) -> Scenario:
    """The scenario of that name; UsageError lists the known ones."""
    if name not in catalog:
        raise unknown("scenario", name, catalog)
    return catalog[name]
