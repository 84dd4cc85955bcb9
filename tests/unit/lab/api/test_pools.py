"""Pools of release 8.0, and what has become of their paths since."""

from __future__ import annotations

import pytest

from lab.api.pools import UNDEFINED
from lab.api.release import is_known
from lab.api.serving import ServedLab

from .conftest import Client, client_of


@pytest.fixture
def of_8_0(lab_8_0_api: ServedLab) -> Client:
    """A client of father of release 8.0."""
    return client_of(lab_8_0_api)


def test_pools_are_at_paths_of_their_own(of_8_0: Client) -> None:
    of_8_0.post("/pools", poolid="dev", comment="c")
    assert of_8_0.get("/pools") == [{"poolid": "dev", "comment": "c"}]
    of_8_0.put("/pools/dev", storage="local")
    found = of_8_0.get("/pools/dev")
    assert (sorted(found), found["members"][0]["storage"]) == (["comment", "members"], "local")
    of_8_0.put("/pools/dev", storage="local", delete=1)
    of_8_0.delete("/pools/dev")
    assert of_8_0.get("/pools") == []


def test_what_8_0_does_not_have(of_8_0: Client) -> None:
    of_8_0.post("/pools", poolid="dev")
    answer = of_8_0.ask("GET", "/pools", poolid="dev", type="qemu")
    assert (answer.status_code, answer.json()["errors"]) == (400, {"poolid": UNDEFINED, "type": UNDEFINED})
    for method in ("PUT", "DELETE"):
        answer = of_8_0.ask(method, "/pools", poolid="dev")
        assert (answer.status_code, answer.reason) == (501, f"Method '{method} /pools' not implemented")
    answer = of_8_0.ask("POST", "/pools", poolid="dev/web")
    assert answer.json()["errors"] == {"poolid": "invalid format - pool ID 'dev/web' contains invalid characters\n"}


def test_the_old_paths_are_still_there(client: Client) -> None:
    client.post("/pools", poolid="dev")
    assert client.get("/pools/dev") == client.get("/pools", poolid="dev")[0] == {"poolid": "dev", "members": []}


@pytest.mark.parametrize(
    ("release", "known"), [("7.4", False), ("8.0", False), ("8.1", True), ("8.4", True), ("9.0", True), ("9.2", True)]
)
def test_since_when(release: str, known: bool) -> None:
    assert is_known("/pools", release, "PUT") is known
    assert is_known("/pools", release, "GET")
    assert is_known("/cluster/ha/rules/{rule}", release) is release.startswith("9")
