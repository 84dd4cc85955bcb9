#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acme_plugin."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_plugin
short_description: Declare how a certificate authority is shown that a name is ours
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes an ACME plugin, which sets a record in the DNS (V(dns)) or answers on port 80
    (V(standalone)). Nodes name it with their domains.
  - What is not set is not managed; an empty value removes what is there. The plugin V(standalone) is always there.
  - Needs the privilege C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  id:
    description: Name of the plugin.
    type: str
    required: true
  state:
    description: Whether the plugin is to be there.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: How it is shown. Needed to create the plugin, and can't be changed.
    type: str
    choices: [dns, standalone]
  api:
    description:
      - Provider of the DNS, as Proxmox VE calls it, for example V(cf), V(hetzner) or V(nsupdate). Needed for V(dns).
        The list grows with each release, so Proxmox VE checks it.
    type: str
  data:
    description:
      - What the provider wants to know, by the names that it has there, for example C(CF_Token). Each value is a
        secret; Proxmox VE tells them, so they are compared, all together. An empty dictionary removes them. Only for
        V(dns).
    type: dict
  validation_delay:
    description:
      - Seconds to wait for the record to spread, from 0 to 172800. Proxmox VE's default is 30. Only for V(dns).
    type: int
  nodes:
    description: Nodes that may use it; all when there is none. Order means nothing.
    type: list
    elements: str
  disable:
    description: Whether it is out of use. Proxmox VE's default is no.
    type: bool
"""

EXAMPLES = r"""
- name: Set records at Cloudflare
  homelab.pve.acme_plugin:
    id: cloudflare
    type: dns
    api: cf
    data:
      CF_Token: "{{ vault_cf_token | default('not so secret') }}"
    validation_delay: 60

- name: Remove that
  homelab.pve.acme_plugin:
    id: cloudflare
    state: absent
"""

RETURN = r"""
acme_plugin:
  description: The plugin, without what its provider is told. Options are named as this module's.
  type: dict
  returned: when the plugin exists
  sample: {type: dns, api: cf, validation_delay: 60}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create acme_plugin cloudflare"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_plugin import ACME_PLUGIN


def main() -> None:
    """Entry point."""
    run(ACME_PLUGIN)


if __name__ == "__main__":
    main()
