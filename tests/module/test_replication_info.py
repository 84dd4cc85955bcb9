"""Module replication_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules


@pytest.fixture
def replicated(cluster: Modules) -> Modules:
    """A cluster with a VM that is copied to both other nodes."""
    cluster.ok("vm", vmid=100, name="web", node="father", state="stopped")
    cluster.ok("replication_job", id="100-0", target="mother", schedule="*/5", schedule_now=True)
    cluster.ok("replication_job", id="100-1", target="son", disable=True)
    return cluster


def test_what_is_told(replicated: Modules) -> None:
    first, second = replicated.unchanged("replication_info")["jobs"]
    assert (first["id"], first["source"], first["target"], first["schedule"]) == ("100-0", "father", "mother", "*/5")
    assert (first["last_sync"] > 0, first["fail_count"], first["error"]) == (True, 0, None)
    assert (second["disable"], second["removing"], second["running"], second["last_sync"]) == (True, False, False, 0)


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [({"target": "son"}, ["100-1"]), ({"guest": 101}, []), ({"source": "mother"}, []), ({"id": "100-0"}, ["100-0"])],
    ids=str,
)
def test_criteria(replicated: Modules, criteria: dict[str, Any], ids: list[str]) -> None:
    assert [job["id"] for job in replicated.ok("replication_info", **criteria)["jobs"]] == ids


def test_least_privileges(replicated: Modules) -> None:
    assert len(replicated.limited({"/vms/100": ["VM.Audit"]}).ok("replication_info")["jobs"]) == 2
    assert replicated.limited({}).ok("replication_info")["jobs"] == []
