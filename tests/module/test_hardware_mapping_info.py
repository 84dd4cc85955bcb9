"""Module hardware_mapping_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

MEDIA: dict[str, Any] = {"type": "dir", "id": "media", "map": [{"node": "father", "path": "/srv/media"}]}
DONGLE: dict[str, Any] = {"type": "usb", "id": "dongle", "map": [{"node": "father", "id": "10c4:ea60"}]}


@pytest.fixture
def mapped(modules: Modules) -> Modules:
    """With a directory and a stick."""
    for mapping in (MEDIA, DONGLE):
        modules.ok("hardware_mapping", **mapping)
    return modules


def test_what_is_told(mapped: Modules) -> None:
    found = mapped.unchanged("hardware_mapping_info")["mappings"]
    assert found == [MEDIA, DONGLE]
    # As it is told, it can be declared again.
    mapped.unchanged("hardware_mapping", **found[0])


@pytest.mark.parametrize(
    ("wish", "names"), [({"type": "usb"}, ["dongle"]), ({"id": "media"}, ["media"]), ({"type": "pci"}, [])]
)
def test_criteria(mapped: Modules, wish: dict[str, Any], names: list[str]) -> None:
    assert [row["id"] for row in mapped.unchanged("hardware_mapping_info", **wish)["mappings"]] == names


def test_checks(mapped: Modules) -> None:
    found = mapped.ok("hardware_mapping_info", check_node="father")["mappings"]
    assert [row["checks"] for row in found] == [[], []]


def test_least_privileges(mapped: Modules) -> None:
    for privilege in ("Mapping.Audit", "Mapping.Use", "Mapping.Modify"):
        limited = mapped.limited({"/mapping/dir/media": [privilege]})
        assert [row["id"] for row in limited.ok("hardware_mapping_info")["mappings"]] == ["media"]
    assert mapped.limited({}).ok("hardware_mapping_info")["mappings"] == []
