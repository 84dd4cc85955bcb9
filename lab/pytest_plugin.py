# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest fixtures of the lab.

``lab_api`` is a node's API in this process, with no guests behind it: they exist as states. It has a port, a state
and a request log of its own, so tests that use it may run in parallel. ``lab_cluster_api`` is a cluster of three,
``lab_8_api`` one of two of the release before, and ``lab_8_0_api`` a node of the first of those.

``lab`` and ``lab_cluster`` boot their nodes and guests, once for each process of the test run; they need root or user
namespaces, and skip their tests where there is neither.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from lab import control, rootless
from lab.api import seed
from lab.api.certificates import Pair, issue, make_authority
from lab.api.release import RELEASE
from lab.api.server import LabApi, storage_entry
from lab.api.serving import ServedLab, serve
from lab.api.site_serving import ServedSite, serve_site
from lab.members import Plan
from lab.running import RunningLab, at_home

HOST = "127.0.0.1"
TOKEN_ID = "root@pam!homelab"  # noqa: S105 - the name of a token


@pytest.fixture(scope="session")
def lab_authority(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate authority for the session."""
    folder = tmp_path_factory.mktemp("lab-pki")
    return make_authority(Pair(folder / "ca.pem", folder / "ca.key"))


@pytest.fixture(scope="session")
def lab_certificate(lab_authority: Pair) -> Pair:
    """The certificate every ``lab_api`` of the session serves: for 127.0.0.1, localhost and father."""
    folder = lab_authority.certificate.parent
    return issue(lab_authority, Pair(folder / "server.pem", folder / "server.key"), ["father", "localhost", HOST])


@contextmanager
def _served(authority: Pair, certificate: Pair, *others: str, release: str = RELEASE) -> Iterator[ServedLab]:
    token = secrets.token_hex(16)
    password = secrets.token_hex(8)
    api = LabApi(seed=seed.outer({TOKEN_ID: token}, password), others=others, release=release, host=HOST, port=0)
    with serve(api, certificate) as served:
        yield ServedLab(served, authority.certificate, TOKEN_ID, token, password)


def _with_shared(served: ServedLab) -> ServedLab:
    """The same with a storage ``shared`` that all nodes see."""
    served.api.storages["shared"] = storage_entry(seed.SHARED)
    return served


@pytest.fixture
def lab_api(lab_authority: Pair, lab_certificate: Pair) -> Iterator[ServedLab]:
    """A served node API with the seed of father: templates 9000 and 9001, storages, a token of root."""
    with _served(lab_authority, lab_certificate) as served:
        yield served


class ServeLab(Protocol):
    """Serves one more node API, or that of a cluster where it is given the names of ``others``."""

    def __call__(self, *others: str, release: str = RELEASE) -> ServedLab: ...


@pytest.fixture
def serve_lab_api(lab_authority: Pair, lab_certificate: Pair) -> Iterator[ServeLab]:
    """As many node APIs as a test asks for, each with a state of its own; they end with the test."""
    with ExitStack() as stack:

        def serving(*others: str, release: str = RELEASE) -> ServedLab:
            served = stack.enter_context(_served(lab_authority, lab_certificate, *others, release=release))
            return _with_shared(served) if others else served

        yield serving


@pytest.fixture
def lab_cluster_api(lab_authority: Pair, lab_certificate: Pair) -> Iterator[ServedLab]:
    """The same with the nodes mother and son in one cluster with father, and a storage ``shared`` they all see."""
    with _served(lab_authority, lab_certificate, "mother", "son") as served:
        yield _with_shared(served)


@pytest.fixture
def lab_8_api(lab_authority: Pair, lab_certificate: Pair) -> Iterator[ServedLab]:
    """Father and mother in a cluster of release 8.4, which has HA groups instead of rules."""
    with _served(lab_authority, lab_certificate, "mother", release="8.4") as served:
        yield served


@pytest.fixture
def lab_8_0_api(lab_authority: Pair, lab_certificate: Pair) -> Iterator[ServedLab]:
    """Father of release 8.0, which has no pools in pools."""
    with _served(lab_authority, lab_certificate, release="8.0") as served:
        yield served


@pytest.fixture
def lab_nodes_api(tmp_path: Path) -> Iterator[ServedSite]:
    """Father, mother and son, each alone: to make a cluster of."""
    with serve_site(("father", "mother", "son"), tmp_path) as served:
        yield served


# ------------------------------------------------------------- booted labs


@contextmanager
def _booted(factory: pytest.TempPathFactory, plan: Plan) -> Iterator[RunningLab]:
    """A lab of its own for this process (each worker of pytest-xdist is one), with its state where nobody else's is."""
    if (reason := rootless.obstacle()) is not None:
        pytest.skip(f"guests cannot run here: {reason}")
    home = factory.mktemp("lab")
    try:
        with at_home(home):
            yield RunningLab(home, control.ensure_up(print, plan))
    finally:
        with at_home(home):
            control.reset()


@contextmanager
def _tidied(lab: RunningLab) -> Iterator[RunningLab]:
    kept = frozenset(guest["vmid"] for guest in lab.call("GET", "/cluster/resources", type="vm"))
    yield lab
    lab.tidy(kept)


@pytest.fixture(scope="session")
def booted_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A booted lab of one node, for the whole session."""
    with _booted(tmp_path_factory, Plan()) as lab:
        yield lab


@pytest.fixture(scope="session")
def booted_lab_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A booted lab of three nodes in one cluster, for the whole session."""
    with _booted(tmp_path_factory, Plan(3)) as lab:
        yield lab


@pytest.fixture
def lab(booted_lab: RunningLab) -> Iterator[RunningLab]:
    """A node with guests that boot; those that a test makes are removed after it, and faults end.

    What else a test changes (users, storages, networks) stays for those after it in the same process.
    """
    with _tidied(booted_lab):
        yield booted_lab


@pytest.fixture
def lab_cluster(booted_lab_cluster: RunningLab) -> Iterator[RunningLab]:
    """The same with the nodes father, mother and son, and a storage ``shared`` they all see."""
    with _tidied(booted_lab_cluster):
        yield booted_lab_cluster
