"""Secrets of a document."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.secrecy import masked, secret_values

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "data": {"type": "dict", "no_log": True},
    "parts": {"type": "list", "elements": "dict", "options": {"token": {"no_log": True}, "host": {}}},
    "one": {"type": "dict", "options": {"token": {"no_log": True}}},
}


@pytest.mark.parametrize(
    ("values", "secrets"),
    [
        ({"name": "hunter22", "password": None}, []),
        ({"password": "hunter22"}, ["hunter22"]),
        ({"password": "abc"}, []),
        ({"data": {"a": "hunter22", "b": {"c": ["hunter33", 7]}}}, ["hunter22", "hunter33"]),
        ({"parts": [{"token": "hunter22", "host": "here"}], "one": {"token": "hunter33"}}, ["hunter22", "hunter33"]),
    ],
)
def test_secrets_are_found_by_their_options(values: dict[str, Any], secrets: list[str]) -> None:
    assert list(secret_values(SPEC, values)) == secrets


def test_no_secret_is_told() -> None:
    told = {"text": "is hunter22!", "list": ["hunter22", 5], "tuple": ("x",)}
    assert masked(told, ("hunter22",)) == {"text": "is ********!", "list": ["********", 5], "tuple": ["x"]}
