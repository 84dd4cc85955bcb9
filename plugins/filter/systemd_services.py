# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units and environments of a service file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: systemd_services
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Translate a service file of Compose's format to units of systemd
description:
  - Takes a service file, a part of Compose's format for programs without images, and returns the units and environment
    files that run its services.
  - A file is refused with everything that is wrong with it. Keys that have no meaning without images, and values in
    which Compose would fill in a variable, are refused by name.
positional: _input
options:
  _input:
    description: The service file.
    type: dict
    required: true
  app:
    description: Name of the application. The units' names begin with it.
    type: str
    required: true
  directory:
    description: Directory of the application. Its files are in C(current) there.
    type: str
    required: true
  files:
    description: Texts of the environment files that the service file names.
    type: dict
    default: {}
  last:
    description: Text of an environment file for all services. Its values win.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would run
  ansible.builtin.debug:
    msg: "{{ file | homelab.pve.systemd_services(app='shop', directory='/opt/shop') }}"
  vars:
    file:
      services:
        web:
          command: python3 -m http.server 8080
          restart: always
"""

RETURN = r"""
_value:
  description:
    - C(units) are texts of units by name, C(environments) texts of their environment files by the unit's name,
      C(running) the names of units that have to run at all times.
  type: dict
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.homelab.pve.plugins.plugin_utils.deployment import Wanted, wanted
from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import ServiceFileError


def systemd_services(
    document: object, *, app: str, directory: str, files: dict[str, str] | None = None, last: str = ""
) -> Wanted:
    """Units and environments of a service file, as the documentation above says."""
    try:
        return wanted(document, app, directory, files, last)
    except ServiceFileError as error:
        raise AnsibleFilterError(f"The services of {app} can't be deployed:\n{error}") from None


class FilterModule:
    """The filters of this file, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by name."""
        return {"systemd_services": systemd_services}
