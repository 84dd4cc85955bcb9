#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module cluster_options."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_options
short_description: Declare the options of a whole Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Sets what holds for the whole cluster, or for a node without one (datacenter.cfg). What is not set is not managed;
    an empty value removes what is there, so that Proxmox VE's default holds.
  - Options of several properties are dictionaries with Proxmox VE's names, or text in Proxmox VE's form. Properties
    that are not named are kept; empty ones are removed.
  - Proxmox VE's own C(migration_unsecure) is the old form of O(migration) and not an option here.
  - Proxmox VE has no lock for these options. Of two changes at the same moment to the same option, the later one holds.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  bwlimit:
    description: Limits in KiB/s, with C(default), C(clone), C(migration), C(move) and C(restore). V(0) is no limit.
    type: raw
  consent_text:
    description: Text that is shown before the login.
    type: str
  console:
    description: Viewer the web interface opens consoles with.
    type: str
    choices: [applet, vv, html5, xtermjs, ""]
  crs:
    description:
      - How high availability chooses nodes, with C(ha) (V(basic), V(static), V(dynamic)), C(ha-rebalance-on-start) and,
        from Proxmox VE 9.1 on, C(ha-auto-rebalance) and what belongs to it.
    type: raw
  description:
    description: Notes about the cluster.
    type: str
  email_from:
    description: Sender of notifications.
    type: str
  fencing:
    description: How high availability fences nodes. Proxmox VE assumes V(watchdog).
    type: str
    choices: [watchdog, hardware, both, ""]
  ha:
    description: C(shutdown_policy) of high availability, V(freeze), V(failover), V(conditional) or V(migrate).
    type: raw
  http_proxy:
    description: Proxy for downloads, as V(http://proxy.example:3128). Who may read these options sees it as a whole.
    type: str
  keyboard:
    description: Default keyboard layout of consoles.
    type: str
    choices: [de, de-ch, da, en-gb, en-us, es, fi, fr, fr-be, fr-ca, fr-ch, hu, is, it, ja, lt, mk, nl, "no", pl, pt,
              pt-br, sv, sl, tr, ""]
  language:
    description: Default language of the web interface.
    type: str
    choices: [ar, ca, da, de, en, es, eu, fa, fr, hr, he, it, ja, ka, kr, nb, nl, nn, pl, pt_BR, ru, sl, sv, tr, ukr,
              zh_CN, zh_TW, ""]
  mac_prefix:
    description: Beginning of the MAC addresses Proxmox VE makes up, by default V(BC:24:11). Case means nothing.
    type: str
  max_workers:
    description: How many workers a node starts for tasks about all guests.
    type: int
  migration:
    description: How guests move, with C(type) (V(secure), V(insecure)) and C(network), a CIDR.
    type: raw
  next_id:
    description: Range of vmids for new guests, with C(lower) and C(upper). The upper one does not belong to it.
    type: raw
  notify:
    description:
      - What is told to whom, with C(package-updates), C(fencing), C(replication), and C(target-package-updates) and so
        on. Proxmox VE takes it, but prefers its notification matchers.
    type: raw
  registered_tags:
    description: Tags that only those may set who have C(Sys.Modify) on V(/). Order means nothing.
    type: list
    elements: str
  replication:
    description: How disks are replicated, with C(type) (V(secure), V(insecure)) and C(network), a CIDR.
    type: raw
  tag_style:
    description: How tags look, with C(shape), C(color-map), C(ordering) and C(case-sensitive).
    type: raw
  u2f:
    description: C(appid) and C(origin) for U2F.
    type: raw
  user_tag_access:
    description: Tags that users may set, with C(user-allow) (V(none), V(list), V(existing), V(free)) and
      C(user-allow-list).
    type: raw
  webauthn:
    description: C(rp), C(id), C(origin) and C(allow-subdomains) for WebAuthn.
    type: raw
"""

EXAMPLES = r"""
- name: Set what the whole cluster uses
  homelab.pve.cluster_options:
    keyboard: de
    console: xtermjs
    next_id: {lower: 200, upper: 9000}
    migration:
      type: secure
      network: 10.99.0.0/24
    tag_style:
      shape: full
      color-map: prod:ff0000;test:00ff00
    registered_tags: [prod, test]

- name: Use the default keyboard again
  homelab.pve.cluster_options:
    keyboard: ""
"""

RETURN = r"""
cluster_options:
  description: What is set, and the MAC prefix in any case. Options are named as this module's.
  type: dict
  returned: success
  sample:
    console: xtermjs
    keyboard: de
    mac_prefix: BC:24:11
    next_id: {lower: 200, upper: 9000}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set keyboard of the cluster's options"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_options import CLUSTER_OPTIONS


def main() -> None:
    """Entry point."""
    run(CLUSTER_OPTIONS)


if __name__ == "__main__":
    main()
