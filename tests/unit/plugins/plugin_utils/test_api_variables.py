"""The connection options from variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.module import CONNECTION_OPTIONS
from ansible_collections.homelab.pve.plugins.plugin_utils.api_variables import connection, options

TOKEN = {"pve_token_id": "root@pam!x", "pve_token_secret": "s"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in CONNECTION_OPTIONS.values():
        for name in option.get("fallback", (None, []))[1]:
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", sorted(CONNECTION_OPTIONS))
def test_each_option_is_a_variable(name: str) -> None:
    assert options({f"pve_{name}": "1"}) == {name: "1"}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, {}),
        ({"pve_host": "a", "host": "b", "ansible_host": "c"}, {"host": "a"}),
        ({"pve_api": {"host": "a", "port": 1}}, {"host": "a", "port": 1}),
        ({"pve_api": {"host": "a", "port": 1}, "pve_host": "b"}, {"host": "b", "port": 1}),
        (
            {"pve_api": {"host": "a", "ca_path": "c"}, "pve_host": "", "pve_ca_path": None},
            {"host": "a", "ca_path": "c"},
        ),
        ({"pve_api": {"host": "a", "token_id": "__omit_place_holder__1234"}}, {"host": "a"}),
        ({"pve_validate_certs": False}, {"validate_certs": False}),
    ],
)
def test_what_variables_set(variables: dict[str, Any], found: dict[str, Any]) -> None:
    assert options(variables) == found


def test_values_get_their_types_and_the_rest_its_defaults() -> None:
    found = connection({"pve_host": "a", "pve_port": "8007", "pve_validate_certs": "no", **TOKEN})
    assert found == Connection("a", 8007, token_id="root@pam!x", token_secret="s", validate_certs=False)


def test_the_environment_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVE_HOST", "environment")
    monkeypatch.setenv("PVE_PORT", "8009")
    found = connection({"pve_api": {"host": "dictionary"}, **TOKEN})
    assert (found.host, found.port) == ("dictionary", 8009)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"pve_api": {"hosst": "a"}}, "pve_api has the entry 'hosst', which is no connection option"),
        ({"pve_host": "a", "pve_port": "x", **TOKEN}, "argument 'port' is of type"),
        (TOKEN, "No host given"),
        ({"pve_host": "a"}, "No credentials for a"),
    ],
)
def test_what_cannot_be_right(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connection(variables)
