# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of Ansible's own ssh connection, for connections that reach something by way of a node's SSH."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.plugins.connection import ssh

AGE = ("version_added", "deprecated")
"""What tells of versions of ansible-core, which would be taken for versions of this collection."""


def options(documentation: str) -> dict[str, Any]:
    """The options of a plugin's documentation, without their age."""
    return {name: _ageless(option) for name, option in yaml.safe_load(documentation)["options"].items()}


def _ageless(value: Any) -> Any:  # noqa: ANN401 - whatever a documentation has
    if isinstance(value, dict):
        return {key: _ageless(inner) for key, inner in value.items() if key not in AGE}
    return [_ageless(inner) for inner in value] if isinstance(value, list) else value


class ModuleDocFragment:
    """Read by ``extends_documentation_fragment: [homelab.pve.ssh_login]``."""

    DOCUMENTATION: str


# Taken from the ansible-core that runs, so that what its ssh connection asks for is always there. Of pipelining it has
# only what sets it: the rest is up to the plugin.
# Outside of the class: in it ansible-test takes every assignment for a text.
ModuleDocFragment.DOCUMENTATION = yaml.safe_dump({"options": options(ssh.DOCUMENTATION)})
