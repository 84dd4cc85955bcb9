# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a cluster and its nodes that is configuration and no guest, storage or account."""

from __future__ import annotations

from lab.api import formats
from lab.api.absent import AbsentArea
from lab.api.acme import AcmeArea
from lab.api.activation import ActivationArea
from lab.api.bulk import BulkArea
from lab.api.consoles import ConsoleArea
from lab.api.datacenter import DatacenterArea
from lab.api.disk_volumes import DiskVolumeArea
from lab.api.factors import FactorArea
from lab.api.firewall import FirewallArea
from lab.api.hardware import HardwareArea
from lab.api.journal import JournalArea
from lab.api.mappings import MappingArea
from lab.api.network import NetworkArea
from lab.api.node_acme import NodeAcmeArea
from lab.api.node_power import NodePowerArea
from lab.api.notifications import NotificationArea
from lab.api.outside import OutsideArea
from lab.api.realms import RealmArea
from lab.api.replication import ReplicationArea
from lab.api.repositories import RepositoryArea
from lab.api.restores import RestoreArea
from lab.api.rrd import RrdArea
from lab.api.services import ServiceArea

formats.install()


class EstateArea(
    ActivationArea,
    DatacenterArea,
    RestoreArea,
    ReplicationArea,
    BulkArea,
    MappingArea,
    AcmeArea,
    NotificationArea,
    RealmArea,
    FactorArea,
    FirewallArea,
    NetworkArea,
    ConsoleArea,
    ServiceArea,
    DiskVolumeArea,
    RepositoryArea,
    NodePowerArea,
    NodeAcmeArea,
    HardwareArea,
    RrdArea,
    OutsideArea,
    JournalArea,
    AbsentArea,
):
    """Mixin: all of these areas."""
