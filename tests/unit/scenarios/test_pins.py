"""Pinned keys of guests are kept apart from those of the hosts they run on."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import pins as host_pins

from scenarios import pins


@pytest.mark.parametrize("estate", ["nested-pve", ""])
def test_the_hosts_own_key_stays(state: Path, estate: str) -> None:
    of_host, of_guests = host_pins("pve1"), pins.known_hosts("pve1", estate)
    for path in (of_host, of_guests):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("192.0.2.1 ssh-ed25519 AAAA\n", encoding="utf-8")
    assert of_host.is_relative_to(state)
    assert str(of_guests) in pins.ssh_arguments("pve1", estate)
    pins.forget("pve1", estate)
    assert (of_host.exists(), of_guests.exists()) == (True, False)
