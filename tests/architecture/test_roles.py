"""What a role's defaults, its argument specification and its README say is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.architecture.source import ROOT, matching, text

SPECIFIED = [path.parts[1] for path in matching("roles/*/meta/argument_specs.yml")]


def variables(role: str) -> set[str]:
    """Names in a role's defaults."""
    return set(yaml.safe_load(text(Path("roles", role, "defaults", "main.yml"))) or {})


def documented(role: str) -> set[str]:
    """Variables that a role's README shows as code."""
    found = re.findall(r"`(\w+)`", (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8"))
    return {name for name in found if name.startswith(f"{role}_")}


@pytest.mark.parametrize("role", SPECIFIED)
def test_defaults_and_specification_name_the_same_variables(role: str) -> None:
    specs = yaml.safe_load(text(Path("roles", role, "meta", "argument_specs.yml")))["argument_specs"]
    assert set(specs["main"]["options"]) == variables(role)


@pytest.mark.parametrize("role", ["pve_host", "pve_install"])
def test_the_readme_names_every_variable(role: str) -> None:
    assert variables(role) - documented(role) == set()
