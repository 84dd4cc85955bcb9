"""Module acme_plugin_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied


@pytest.fixture
def plugins(modules: Modules) -> Modules:
    """With a provider beside the plugin that is always there."""
    modules.ok("acme_plugin", id="cf1", type="dns", api="cf", data={"CF_Token": "topsecret"})
    return modules


@pytest.mark.parametrize(
    ("wish", "names"), [({}, ["cf1", "standalone"]), ({"type": "dns"}, ["cf1"]), ({"id": "nope"}, [])]
)
def test_criteria(plugins: Modules, wish: dict[str, Any], names: list[str]) -> None:
    assert [row["id"] for row in plugins.unchanged("acme_plugin_info", **wish)["plugins"]] == names


def test_secrets_are_not_told(plugins: Modules) -> None:
    (found,) = plugins.ok("acme_plugin_info", id="cf1")["plugins"]
    assert found == {"id": "cf1", "type": "dns", "api": "cf"}
    # As it is told, it can be declared again.
    plugins.unchanged("acme_plugin", **found)


def test_least_privileges(plugins: Modules) -> None:
    needed = {"/": ["Sys.Modify"]}
    assert plugins.refusals(needed, "acme_plugin_info") == {
        "Sys.Modify on /": f"GET /cluster/acme/plugins: {denied('Sys.Modify', '/')}"
    }
    assert plugins.limited(needed).ok("acme_plugin_info", id="cf1")["plugins"]
