"""Which guests a backup is about: what doesn't go together. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import diff, encoded, parsed
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.vzdump import VZDUMP, check_selection


@pytest.mark.parametrize(
    ("wish", "one", "other"),
    [
        ({"vmid": [100], "pool": "dev"}, "vmid", "pool"),
        ({"vmid": [100], "all": True}, "vmid", "all"),
        ({"pool": "dev", "exclude": [100]}, "pool", "exclude"),
    ],
    ids=str,
)
def test_two_selections_are_refused(wish: dict[str, Any], one: str, other: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_selection(wish, "a backup")
    assert str(caught.value) == (
        f"Options '{one}' and '{other}' do not go together: a backup is about guests by vmid, those of a pool, or all "
        "but those of exclude."
    )


@pytest.mark.parametrize("wish", [{"all": True, "exclude": [100]}, {"vmid": [100], "all": False}, {}], ids=str)
def test_one_selection_is_taken(wish: dict[str, Any]) -> None:
    check_selection(wish, "a backup")


def test_parameters() -> None:
    wish = {
        "fleecing": {"enabled": True, "storage": "fast"}, "performance": "max-workers=4", "exclude_path": ["/tmp/a,b"],
        "prune_backups": {"keep-last": 3}, "mailto": ["b", "a"], "protected": False, "bwlimit": 0,
    }  # fmt: skip
    assert encoded(diff(VZDUMP, parsed(VZDUMP, wish), {})) == {
        "fleecing": "1,storage=fast", "performance": "max-workers=4", "exclude-path": ["/tmp/a,b"],
        "prune-backups": "keep-last=3", "mailto": "a,b", "protected": 0, "bwlimit": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"ionice": 9}, "Option 'ionice': 9 is not from 0 to 8"),
        ({"performance": {"max-workers": 0}}, "Option 'performance': max-workers: 0 is not from 1 to 256"),
        ({"fleecing": "1,store=x"}, "Option 'fleecing': unknown property 'store'; known are enabled, storage"),
    ],
    ids=str,
)
def test_wrong_values(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(VZDUMP, wish)
    assert str(caught.value) == message
