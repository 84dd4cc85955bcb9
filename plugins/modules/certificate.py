#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Declare the certificate of a Proxmox VE node's API
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Has a node serve a certificate of the user's, or one that is ordered by ACME, in place of its own; removes it again.
  - A certificate of the user's is compared by its fingerprint. One by ACME is ordered when there is none for all
    domains that the node's options name (see M(homelab.pve.node)), and renewed when it ends within 30 days.
  - The node serves the new certificate at once, so the connection has to trust both, for example by O(ca_path) with the
    authorities of both.
  - Needs the privilege C(Sys.Modify) on V(/nodes/NODE). O(type=acme) also needs C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  type:
    description: Whether it is one of the user's, or by ACME.
    type: str
    choices: [custom, acme]
    default: custom
  state:
    description:
      - V(renewed) has one by ACME renewed each time the task is run.
      - V(absent) goes back to the node's own; with O(type=acme) the certificate is revoked first.
    type: str
    choices: [present, renewed, absent]
    default: present
  certificates:
    description: The certificate and those between it and its authority, in PEM format. Needed for O(type=custom).
    type: str
  key:
    description: Its private key, in PEM format. Without it, the one that the node has for the certificate before.
    type: str
  force:
    description: Whether another certificate that is there is replaced. If not, the task fails.
    type: bool
    default: true
  restart:
    description: Whether the API's proxy is restarted with O(type=custom), so that it serves the certificate.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that ordering, renewing or revoking may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Have a certificate by ACME for the domains in the node's options
  homelab.pve.certificate:
    node: father
    type: acme

- name: Revoke it
  homelab.pve.certificate:
    node: father
    type: acme
    state: absent
"""

RETURN = r"""
certificate:
  description: The certificate.
  type: dict
  returned: when there is one beside the node's own
  contains:
    fingerprint:
      description: Its SHA-256 fingerprint.
      type: str
    subject:
      description: Its subject.
      type: str
    issuer:
      description: Who issued it.
      type: str
    san:
      description: The names it is for.
      type: list
    notbefore:
      description: From when it is good, in seconds since the epoch.
      type: int
    notafter:
      description: Until when it is good, in seconds since the epoch.
      type: int
  sample: {subject: /CN=pve.example.com, san: [pve.example.com], notafter: 1800000000}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["order a certificate for node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.certificate import CERTIFICATE


def main() -> None:
    """Entry point."""
    run(CERTIFICATE)


if __name__ == "__main__":
    main()
