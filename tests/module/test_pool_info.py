"""Module pool_info against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules


@pytest.fixture
def pools(modules: Modules) -> Modules:
    """Two pools, one in the other."""
    modules.ok("pool", poolid="dev", comment="for trying", storage=["local"])
    modules.ok("pool", poolid="dev/web")
    return modules


def test_what_is_told(pools: Modules) -> None:
    assert pools.unchanged("pool_info")["pools"] == [
        {"poolid": "dev", "comment": "for trying", "vms": [], "storage": ["local"]},
        {"poolid": "dev/web", "comment": "", "vms": [], "storage": []},
    ]


@pytest.mark.parametrize(("poolid", "names"), [("dev/web", ["dev/web"]), ("nope", [])])
def test_criteria(pools: Modules, poolid: str, names: list[str]) -> None:
    assert [row["poolid"] for row in pools.unchanged("pool_info", poolid=poolid)["pools"]] == names


def test_least_privileges(pools: Modules) -> None:
    limited = pools.limited({"/pool/dev/web": ["Pool.Audit"]})
    assert [row["poolid"] for row in limited.ok("pool_info")["pools"]] == ["dev/web"]
    assert pools.limited({}).ok("pool_info")["pools"] == []
