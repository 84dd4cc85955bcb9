#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acme_plugin_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_plugin_info
short_description: List how certificate authorities are shown that a name is ours
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists ACME plugins. Every criterion that is set has to be met. What the providers are told is not in the answer.
  - Needs the privilege C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  id:
    description: Name of the plugin.
    type: str
  type:
    description: How it is shown.
    type: str
    choices: [dns, standalone]
"""

EXAMPLES = r"""
- name: Look at the providers
  homelab.pve.acme_plugin_info:
    type: dns
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.plugins | map(attribute='api') }}"
"""

RETURN = r"""
plugins:
  description: The plugins, ordered by name, as M(homelab.pve.acme_plugin) tells them.
  type: list
  elements: dict
  returned: success
  sample:
    - {id: standalone, type: standalone}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_plugin import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
