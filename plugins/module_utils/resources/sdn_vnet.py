# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual networks of the software defined network, as data (API schema: ``/cluster/sdn/vnets``).

The schema's ``type`` is always ``vnet``; its ``lock-token`` is for sessions that hold the lock.
"""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import MISSING
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

FIELDS: tuple[Field, ...] = (
    Field("zone"),
    Field("tag", within(INTEGER, 1, 16777215)),
    Field("alias"),
    Field("vlanaware", BOOLEAN, default=False),
    Field("isolate_ports", BOOLEAN, wire="isolate-ports", default=False),
)

SECTION = Section(
    kind="vnet",
    keys=("vnet",),
    collection="/cluster/sdn/vnets",
    item="/cluster/sdn/vnets/{}",
    missing=MISSING,
    fields=FIELDS,
    key_params={"vnet": "vnet"},
    required=("zone",),
    result=lambda have: {"vnet": have["vnet"]},
)
VNET = SECTION.resource()
