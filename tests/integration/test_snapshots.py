"""Snapshots of a booted guest: what it had written comes back, and what is told about it is so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import Stand
from tests.integration.test_modules import play

pytestmark = pytest.mark.lab
VMID = 99660
PLAIN_TEMPLATE = 9001


@pytest.fixture(scope="module")
def guest(stand: Stand) -> Iterator[str]:
    """The address of a running guest."""
    with stand.booted(PLAIN_TEMPLATE, VMID, "snapshot-one") as address:
        yield address


def test_back_to_a_snapshot(stand: Stand, guest: str) -> None:
    stand.ssh(guest, "echo whole > /root/state; sync")
    changed, _ = play("snapshots")
    assert changed == 3
    api = stand.father()
    assert stand.ssh(api.address(VMID), "cat /root/state") == "whole\n"
    assert [row["name"] for row in api.guest(VMID, "GET", "/snapshot")] == ["current"]
