"""The options of a VM as documentation: one text, for one VM and for a list."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.homelab.pve.plugins.doc_fragments.vm_options import ModuleDocFragment
from ansible_collections.homelab.pve.plugins.module_utils.guest_list import list_options
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM

ONE: dict[str, Any] = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
MANY: dict[str, Any] = yaml.safe_load(ModuleDocFragment.MANY)["options"]
SHARED, GUESTS = MANY["defaults"]["suboptions"], MANY["guests"]["suboptions"]


def test_every_option_is_described() -> None:
    assert set(ONE) == set(VM.argument_spec())
    assert set(GUESTS) == set(list_options(VM)["guests"]["options"])
    assert set(SHARED) == set(list_options(VM)["defaults"]["options"])


@pytest.mark.parametrize("suboptions", [SHARED, GUESTS], ids=["defaults", "guests"])
def test_references_point_to_the_list(suboptions: dict[str, Any]) -> None:
    texts = [text for entry in suboptions.values() for text in entry["description"]]
    references = [found for text in texts for found in re.findall(r"\b(?:O|RV)\(([^)]*)\)", text)]
    assert references
    assert [found for found in references if not found.startswith("guests[].")] == []


def test_defaults_are_told_in_words() -> None:
    assert GUESTS["state"]["description"][-1] == "The default is V(present)."
    assert GUESTS["purge"]["description"][-1] == "The default is V(true)."
    assert "default" not in GUESTS["state"]
    assert (GUESTS["state"]["type"], GUESTS["state"]["choices"]) == (ONE["state"]["type"], ONE["state"]["choices"])
