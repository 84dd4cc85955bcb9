"""Interrupted, then killed, in each phase; afterwards a destructor run leaves the node as it was before."""

from __future__ import annotations

import signal

import pytest

from scenarios import nested_pve
from tests.integration.conftest import Stand
from tests.integration.lab_driver import node, scenario, started

pytestmark = pytest.mark.lab
CONSTRUCTOR, DESTRUCTOR = nested_pve.CONSTRUCTOR, nested_pve.DESTRUCTOR


@pytest.mark.parametrize("phase", CONSTRUCTOR.names())
def test_the_constructor_breaks_off(stand: Stand, phase: str) -> None:
    before = node(stand)
    with started(CONSTRUCTOR.name) as run:
        run.reach(phase)
        assert run.end(signal.SIGINT) == 130
    with started(CONSTRUCTOR.name, "--from", phase) as again:
        again.reach(phase)
        assert again.end(signal.SIGKILL) == -signal.SIGKILL
    removed = scenario(DESTRUCTOR.name)
    assert removed.code == 0, removed.err
    assert node(stand) == before


def test_the_destructor_breaks_off(stand: Stand) -> None:
    before = node(stand)
    assert scenario(CONSTRUCTOR.name).code == 0
    for phase in DESTRUCTOR.names():
        with started(DESTRUCTOR.name) as run:
            run.reach(phase)
            assert run.end(signal.SIGKILL) == -signal.SIGKILL
    removed = scenario(DESTRUCTOR.name)
    assert removed.code == 0, removed.err
    assert node(stand) == before
