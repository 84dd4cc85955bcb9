"""YAML as Ansible's linter wants it."""

from __future__ import annotations

import yaml


class Indented(yaml.SafeDumper):
    """Block style, lists two columns further in than their key, no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """One level further in."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Write everything out."""
        return True
