# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files a service file names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: service_env_files
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: List the environment files that a service file names
description:
  - Returns the paths of all C(env_file) keys of a service file, each once, as they are written there.
  - Refuses what P(homelab.pve.systemd_services#filter) refuses.
positional: _input
options:
  _input:
    description: The service file.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which files are read
  ansible.builtin.debug:
    msg: "{{ file | homelab.pve.service_env_files }}"
  vars:
    file:
      services:
        web:
          command: python3 -m http.server 8080
          env_file: web.env
"""

RETURN = r"""
_value:
  description: The paths, ordered.
  type: list
  elements: str
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import ServiceFileError, parse


def service_env_files(document: object) -> list[str]:
    """Paths of the environment files that the services of a file name."""
    try:
        return sorted({path for service in parse(document) for path in service.env_file})
    except ServiceFileError as error:
        raise AnsibleFilterError(f"The service file can't be used:\n{error}") from None


class FilterModule:
    """The filters of this file, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by name."""
        return {"service_env_files": service_env_files}
