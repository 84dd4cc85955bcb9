"""What a plan makes of what the release doesn't have."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import plan


def unreadable(status: int) -> Kind:
    """A kind whose list the server answers with an error."""

    def lister(_read: Reader) -> list[Entry]:
        raise PveError("GET", "/x", status, "Method 'GET /x' not implemented")

    return replace(KINDS["groups"], lister=lister)


def test_of_a_kind_that_the_release_does_not_have_nothing_is_surplus() -> None:
    planned = plan([], {"groups": unreadable(501)}, Mock(), ["groups"], 1)
    assert planned.actions == ()


def test_what_can_not_be_read_is_not_taken_for_absent() -> None:
    with pytest.raises(PveError, match="403"):
        plan([], {"groups": unreadable(403)}, Mock(), ["groups"], 1)
