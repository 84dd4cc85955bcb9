# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a cluster and its nodes that is configuration and no guest, storage or account."""

from __future__ import annotations

from lab.api import formats
from lab.api.absent import AbsentArea
from lab.api.datacenter import DatacenterArea
from lab.api.firewall import FirewallArea
from lab.api.mappings import MappingArea
from lab.api.network import NetworkArea
from lab.api.node_settings import NodeSettingsArea
from lab.api.notifications import NotificationArea
from lab.api.realms import RealmArea
from lab.api.restores import RestoreArea
from lab.api.services import ServiceArea

formats.install()


class EstateArea(
    DatacenterArea,
    RestoreArea,
    MappingArea,
    NotificationArea,
    RealmArea,
    FirewallArea,
    NetworkArea,
    NodeSettingsArea,
    ServiceArea,
    AbsentArea,
):
    """Mixin: all of these areas."""
