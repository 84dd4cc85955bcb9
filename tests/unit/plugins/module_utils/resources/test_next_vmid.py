"""Free vmids. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.next_vmid import next_vmids
from hypothesis import given
from hypothesis import strategies as st

from .reading import row


class Cluster:
    """Answers as PVE does; ``hidden`` guests are not in the list."""

    def __init__(self, seen: set[int], hidden: set[int]) -> None:
        self.seen, self.used, self.asked = seen, seen | hidden, list[str]()

    def get(self, path: str, params: Any = None) -> Any:
        """The list, the next free vmid, or whether one is free."""
        self.asked.append(path)
        if path == "/cluster/resources":
            return [row(vmid) for vmid in self.seen]
        vmid = (params or {}).get("vmid")
        if vmid is None:
            return str(next(number for number in range(100, 1000) if number not in self.used))
        if vmid in self.used:
            raise PveError("GET", path, 400, "Parameter", errors={"vmid": f"VM {vmid} already exists"})
        return str(vmid)


ids = st.sets(st.integers(100, 115))


@given(ids, ids, st.integers(1, 5), st.sampled_from([None, [100, 200], [105, 130]]))
def test_the_lowest_free_ones_whoever_sees_the_others(
    seen: set[int], hidden: set[int], count: int, bounds: list[int] | None
) -> None:
    low = bounds[0] if bounds else 100
    free = [vmid for vmid in range(low, low + 100) if vmid not in seen | hidden][:count]
    answer = next_vmids(Cluster(seen, hidden), {"count": count, "vmid_range": bounds})
    assert (answer["vmids"], answer["vmid"], answer["changed"]) == (free, free[0], False)


def test_one_of_the_cluster_takes_one_request() -> None:
    cluster = Cluster({100}, {101})
    assert next_vmids(cluster, {"count": 1})["vmid"] == 102
    assert cluster.asked == ["/cluster/nextid"]


def test_too_few() -> None:
    with pytest.raises(RefusedError, match=r"^There are 1 free vmids from 100 to 102, and 2 are wanted"):
        next_vmids(Cluster({100}, {101}), {"count": 2, "vmid_range": [100, 102]})
    with pytest.raises(ConfigError, match=r"^Option 'count': -1 is not from 1 to 1000"):
        next_vmids(Cluster(set(), set()), {"count": -1})


def test_another_refusal_is_no_taken_vmid() -> None:
    class Broken(Cluster):
        def get(self, path: str, params: Any = None) -> Any:
            """No answer about a single vmid."""
            if params and "vmid" in params:
                raise PveError("GET", path, 500, "no quorum")
            return super().get(path, params)

    with pytest.raises(PveError, match="no quorum"):
        next_vmids(Broken(set(), set()), {"count": 1, "vmid_range": [100, 200]})
