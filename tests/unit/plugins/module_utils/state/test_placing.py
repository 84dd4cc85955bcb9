"""Where kinds stand in a document."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import at, placed


def test_places_in_a_document() -> None:
    document = placed([(KINDS["ha.rules"], [{"rule": "a"}]), (KINDS["pools"], [{"poolid": "dev"}])])
    assert document == {"version": 1, "ha": {"rules": [{"rule": "a"}]}, "pools": [{"poolid": "dev"}]}
    assert (at(document, "ha.rules"), at(document, "ha.resources"), at(document, "vms.x")) == (
        [{"rule": "a"}], None, None
    )  # fmt: skip
