# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of the modules, for plugins: each is a variable as well."""

from __future__ import annotations

import re
from typing import Any

import yaml
from ansible_collections.homelab.pve.plugins.doc_fragments.connection import ModuleDocFragment as Connection

VARIABLE = re.compile(r"environment variable E\((\w+)\)")


def documented(name: str, option: dict[str, Any]) -> dict[str, Any]:
    """An option with the variable and the environment variable that set it."""
    environment = VARIABLE.findall(str(option["description"]))
    found = {"env": [{"name": item} for item in environment]} if environment else {}
    return {**option, "vars": [{"name": f"pve_{name}"}], **found}


def variables(fragment: str) -> str:
    """A fragment with nothing but the options of another one, as variables, and what they require."""
    known = yaml.safe_load(fragment)
    options = {name: documented(name, option) for name, option in known["options"].items()}
    return yaml.safe_dump({"options": options, "requirements": known["requirements"]})


class ModuleDocFragment:
    """Read by ``extends_documentation_fragment: [homelab.pve.connection_variables]``."""

    DOCUMENTATION: str


# Outside of the class: in it ansible-test takes every assignment for a text.
ModuleDocFragment.DOCUMENTATION = variables(Connection.DOCUMENTATION)
