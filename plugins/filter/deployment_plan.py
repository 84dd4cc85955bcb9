# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment has to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: deployment_plan
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Work out what a deployment has to do
description:
  - Compares what P(homelab.pve.systemd_services#filter) wants with what the role C(container_deploy) found, and returns
    what is to be written, removed, enabled, restarted and started.
  - Refuses to take over a unit that is not the application's.
positional: _input
options:
  _input:
    description: What is wanted.
    type: dict
    required: true
  found:
    description: What is there.
    type: dict
    required: true
  release:
    description: Id of the files that are wanted.
    type: str
    required: true
  app:
    description: Name of the application.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be done
  ansible.builtin.debug:
    msg: "{{ (wanted | homelab.pve.deployment_plan(found=nothing, release='1f3a', app='shop')).reasons }}"
  vars:
    wanted:
      units: {shop-web.service: text}
      environments: {shop-web.service: ""}
      running: []
    nothing:
      release: ""
      releases: []
      units: {}
      environments: {}
      started: {}
"""

RETURN = r"""
_value:
  description: C(changed), C(reasons) as sentences, and what is to be done.
  type: dict
"""

from ansible.errors import AnsibleFilterError
from ansible_collections.homelab.pve.plugins.plugin_utils.deployment import Found, OwnerError, Plan, Wanted, plan


def deployment_plan(wanted: Wanted, *, found: Found, release: str, app: str) -> Plan:
    """What is to be done, as the documentation above says."""
    try:
        return plan(wanted, found, release, app)
    except OwnerError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by name."""
        return {"deployment_plan": deployment_plan}
